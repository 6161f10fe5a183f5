"""Conditioning: which part of the data is compared, as linear operators on gathers.

Arrivals, by which weights are placed and delays are measured, are picked here, too.
"""
