"""Batch systems: one class each, which states how a job is described, submitted and run again."""
