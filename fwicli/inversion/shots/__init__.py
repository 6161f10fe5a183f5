"""Shots: which of them an iteration propagates, alone, in batches or encoded together."""
