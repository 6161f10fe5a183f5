"""Regularization: penalties that the objective contains, and convex sets that contain the model.

Each penalty has its exact first and second derivative, each set its projection.
"""
