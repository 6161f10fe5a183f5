"""Conditioning: the part of the data that is compared, as linear operators on gathers.

The pickers of arrivals, which place mutes and measure delays, belong here as well.
"""
