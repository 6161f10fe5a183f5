"""The page of a run: HTML in one file that needs no network."""
