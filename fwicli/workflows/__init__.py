"""Algorithms of the commands, one module a command.

The folders hold what commands share: `inversion` the stages of one, `planning` what is found out
before a run, `assembly` the objects that a config describes, and `run_folder` what a run writes.
"""
