"""Shots: experiments from records, and which of them an iteration uses.

All choices are functions of seed, stage and iteration; no module here runs waves.
"""
