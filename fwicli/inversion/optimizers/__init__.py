"""Optimizers: pure steps from one state to the next, for any objective.

None of them depends on waves or files; `optimizer` explains how a minimisation is divided.
"""
