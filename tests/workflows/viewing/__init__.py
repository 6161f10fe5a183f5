"""Tests of the commands that show runs and files."""
