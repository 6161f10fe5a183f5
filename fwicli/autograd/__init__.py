"""Waves as differentiable functions of PyTorch, to any order.

    forward             d  = F(p) q                 Forward
    adjoint             q' = F(p)^T d               Adjoint
    jacobian            dd = J(p, q) dp             Jacobian
    jacobian_adjoint    g  = J(p, q)^T r            JacobianAdjoint

are functions, and modules that keep their model; `Waves` says how and where waves are propagated,
and `parameters` makes an equation's parameters from velocity and other properties. All are
differentiable in reverse and forward mode with respect to every argument, and so are their
derivatives; under `torch.func`, too. PyTorch is an optional extra: `pip install 'fwicli[torch]'`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "Adjoint": "modules",
    "Forward": "modules",
    "Jacobian": "modules",
    "JacobianAdjoint": "modules",
    "Waves": "functions",
    "adjoint": "functions",
    "forward": "functions",
    "jacobian": "functions",
    "jacobian_adjoint": "functions",
    "parameters": "properties",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
