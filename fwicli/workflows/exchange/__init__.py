"""Files of every kind that is read or written: what they hold, what is odd, how they are copied."""
