"""Files of Madagascar: headers and their numbers, and how both are written."""
