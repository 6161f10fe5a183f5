"""Compiled: from expressions to a time loop in C, built once and kept on disk.

Nothing here knows the values that a kernel runs on.
"""
