"""Optimizers: pure steps from one state to the next, for any objective.

None of them knows waves or files.
"""
