"""Regularization: terms that a model should keep small, and convex sets that it must lie in.

Each term has its exact first and second derivative, each set its projection.
"""
