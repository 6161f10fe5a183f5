"""Batch jobs: their scripts, their submission, and what they do on a node until a run is done."""
