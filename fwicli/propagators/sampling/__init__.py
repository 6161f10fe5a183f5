"""Sampled: steps in time and space, points between the nodes, and the memory that these take.

Modules here need NumPy and SciPy alone, so that a plan is made without Devito.
"""
