"""Misfits: pure functions of synthetic and observed traces, each with its adjoint source.

None of them knows waves.
"""
