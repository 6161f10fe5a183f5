"""Waves: forward, adjoint, Born and gradient operators, derived from wave equations."""
