"""Configuration: its schema, and the loader that finds the place of every mistake."""
