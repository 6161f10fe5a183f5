"""Waves as differentiable functions of PyTorch, to any order.

    forward             d  = F(p) q                 Forward
    adjoint             q' = F(p)^T d               Adjoint
    jacobian            dd = J(p, q) dp             Jacobian
    jacobian_adjoint    g  = J(p, q)^T r            JacobianAdjoint

are functions, and modules that keep their model; `Simulation` says how and where waves are
propagated, and `parameters` makes an equation's parameters from velocity and other properties. All
are differentiable in reverse and forward mode with respect to every argument, and so are their
derivatives; under `torch.func`, too. PyTorch is an optional extra: `pip install 'fwicli[torch]'`.
"""

from __future__ import annotations

from fwicli.deprecation import lazy

PUBLIC = {
    "Adjoint": "fwicli.autograd.modules",
    "Forward": "fwicli.autograd.modules",
    "Jacobian": "fwicli.autograd.modules",
    "JacobianAdjoint": "fwicli.autograd.modules",
    "Simulation": "fwicli.simulation",
    "adjoint": "fwicli.autograd.functions",
    "forward": "fwicli.autograd.functions",
    "jacobian": "fwicli.autograd.functions",
    "jacobian_adjoint": "fwicli.autograd.functions",
    "parameters": "fwicli.autograd.properties",
}
# Old names of this package, and the public names that replace them.
DEPRECATED = {"Waves": "Simulation"}

__all__ = sorted(PUBLIC)
__getattr__ = lazy(__name__, PUBLIC, DEPRECATED)
