"""Least-squares migration: linearised records, their comparison, and linear solvers."""
