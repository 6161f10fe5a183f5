"""Directional derivatives of a wave equation as a wave equation of their own.

With parameters p + e1 p1 + e2 p2 + e1 e2 p12 and sources q + e1 q1 + ..., where products of an e
with itself are dropped, the fields are u + e1 u1 + e2 u2 + e1 e2 u12, and the coefficient of every
product of the e obeys a wave equation, too:

    R(u; p) = q,        R(u1; p) + (dR/dp)[u] p1 = q1,        ...

All of them together are a system again, the lifted one, with 2**n fields for each field and 2**n
parameters for each parameter at n levels. Its records are the gather d, its first derivatives d1
and d2 along the directions, the mixed second derivative d12, and so on: Born modelling is one
level. Whatever is derived from a system is derived from a lifted one: the adjoint, which is the
transpose of all these derivatives, and the gradient, whose own derivatives those of the lifted
system are. So every derivative of F of any order is a forward, an adjoint or a gradient kernel.

A component is named by the set of its e, as a number with one bit for each level.

Reference: Griewank and Walther (2008), Evaluating Derivatives, SIAM, chapters 3 and 13, for the
algebra of truncated polynomials.
"""

from __future__ import annotations

from dataclasses import replace

from fwicli.propagators.symbolic import calculus
from fwicli.propagators.symbolic.component_names import level_prefix
from fwicli.propagators.symbolic.expressions import like
from fwicli.propagators.symbolic.system import System


def add_directions(system: System, n_directions: int) -> System:
    """The lifted system of some directions; the system itself without any.

    Parameters
    ----------
    system : System
    n_directions : int
        Number of directions.

    Returns
    -------
    System
    """
    for number in range(n_directions):
        system = _lifted(system, level_prefix(number))
    return system


def _lifted(system: System, name: str) -> System:
    """One level more: for every field and parameter one along a new direction."""
    changes = {p.name: like(p, f"{name}{p.name}") for p in system.parameters}
    lifted = calculus.born(system, changes, lambda n: f"{name}{n}", lambda n: f"{name}{n}")
    return replace(lifted, parameters=(*system.parameters, *changes.values()))
