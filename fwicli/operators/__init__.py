"""Waves as linear operators, for matrix-free linear algebra.

    forward             F      q  -> d  = F(p) q
    jacobian            J      dp -> dd = J(p, q) dp
    gauss_newton        J^T J
    hessian             H      second derivative of 1/2 |F(p) q - d|**2
    extended            w  -> F(p) [w(x) q(t)], extended sources

are `scipy.sparse.linalg.LinearOperator`, with the shapes of what they take and give; `.pylops()`
and `.pyxu()` make operators of these libraries. Nothing is propagated before one is applied. Shots
are selected as in F[3:5], summed or fired together (`encoding`), and operators composed with others
as in R @ J @ S. PyTorch is not needed here.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "Encoder": "encoding",
    "Operator": "operator",
    "codes": "encoding",
    "extended": "emission",
    "forward": "modelling",
    "gauss_newton": "curvature",
    "hessian": "curvature",
    "jacobian": "modelling",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
