"""Positions and relations of a survey in files: tables and SPS. Nothing is guessed or dropped."""
