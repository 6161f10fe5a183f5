"""Run: one shot through compiled kernels, with its arrays, its history and its failures.

Nothing here derives or generates code.
"""
