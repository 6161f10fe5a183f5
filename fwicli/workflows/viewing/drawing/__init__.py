"""Contents of files and runs that can be drawn: by name, with their options."""
