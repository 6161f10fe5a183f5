"""Misfits: pure functions of synthetic and observed traces, each with its adjoint source.

None of them depends on the wave equation; a new one is a class, and a name in `registry.MISFITS`.
"""
