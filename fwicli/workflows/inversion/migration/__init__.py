"""Runs of `fwi lsrtm`: shots of a migration, the linear problem, its state, and what is written."""
