"""Derived: from a stated equation its adjoint, derivatives and time step, as expressions.

Nothing here knows a kernel, an array or a file.
"""
