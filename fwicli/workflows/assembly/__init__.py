"""Assembly: the one place where sections of a config become objects."""
