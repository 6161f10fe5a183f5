"""One time step of a system: its updates in order, with injections and mirrors where they belong.

Fields that are used pointwise only are eliminated first (`elimination`); the rest are advanced one
after the other. Updates on the whole grid, on the strips of
the layer, at points and beyond free sides are ordered so that as many as possible share a loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sympy
from devito import Eq
from devito.finite_differences.derivative import Derivative

from fwicli.propagators.symbolic.calculus import linearise
from fwicli.propagators.symbolic.elimination import inline
from fwicli.propagators.symbolic.explicit import Step, time_step
from fwicli.propagators.symbolic.expressions import (
    Expr,
    accesses,
    functions,
    is_pointwise,
    offsets,
    total,
)
from fwicli.propagators.symbolic.fusion import group_for_fusion, reads
from fwicli.propagators.symbolic.points import PointSymbols
from fwicli.propagators.symbolic.system import Mirror, System


@dataclass(frozen=True)
class Inflow:
    """Values that enter a field at scattered points.

    Parameters
    ----------
    points : PointSymbols
    values : str
        Name of the values.
    fixed : bool
        Whether the field must not be inlined: else its values go on to the fields that use it.
    """

    points: PointSymbols
    values: str
    fixed: bool = False

    def into(self, unknown: Expr, pivot: Expr) -> list[Eq]:
        """Equations that add the values times a factor to a field.

        Parameters
        ----------
        unknown : expression
            The field at its newest level.
        pivot : expression
            The factor.

        Returns
        -------
        list of Eq
        """
        return self.points.inject(unknown, pivot, self.values)


def advance(
    system: System, keep: set[str], entering: Mapping[str, Inflow]
) -> tuple[list[Eq], list[Eq]]:
    """Coefficients, and one time step with its injections.

    Parameters
    ----------
    system : System
    keep : set of str
        Fields that others read; those that are not among them may be inlined.
    entering : mapping of str to Inflow
        Values that enter fields, by the names of these.

    Returns
    -------
    coefficients, step : list of Eq
    """
    keep = keep | {name for name, entry in entering.items() if entry.fixed}
    inlined = inline(system, keep, entering)
    scheme = time_step(inlined.system)
    coefficients = list(scheme.coefficients)
    for coefficient in scheme.coefficients:
        if any(_below_a_derivative(coefficient.lhs, s.equations) for s in scheme.steps):
            coefficients += mirrored_coefficient(coefficient, system)
    order = _Order()
    for step in scheme.steps:
        order.add(inlined.scalars.get(step.field.name, []), step)
        for source, factor in inlined.sources.get(step.field.name, {}).items():
            order.inject(step, entering[source], step.pivot * factor)
        order.mirror(_mirrored(system, step))
    return coefficients, order.equations + group_for_fusion(order.layer) + order.waiting


@dataclass
class _Order:
    """Equations of a time step in their order.

    Updates in the absorbing layer, at points and beyond free sides wait until another update reads
    them: updates that follow each other share a loop, on the whole grid as on a strip of it, and
    common terms are computed once. Values that enter a field are not waited for where other fields
    follow from it at the same point: these take their share of the values.

    Attributes
    ----------
    equations, layer, waiting : list of Eq
        In their places; in the layer; at points and beyond free sides.
    mirrors : list of Eq
        Equations beyond free sides among those.
    entered : dict of expression to list of tuple
        Values that wait to enter fields, by these at their newest level, with their factors.
    """

    equations: list[Eq] = field(default_factory=list)
    layer: list[Eq] = field(default_factory=list)
    waiting: list[Eq] = field(default_factory=list)
    mirrors: list[Eq] = field(default_factory=list)
    entered: dict[Expr, list[tuple[Inflow, Expr]]] = field(default_factory=dict)

    def add(self, scalars: list[Eq], step: Step) -> None:
        """Add the updates of a field, with the scalars of their loop."""
        inside = [e for e in step.equations if e.subdomain is not None]
        updates = [e for e in step.equations if e.subdomain is None]
        everywhere = scalars + updates
        shares = self._shares(scalars, updates, inside)
        outstanding = self.layer if shares is not None else self.layer + self.waiting
        if any(reads(everywhere, e.lhs) for e in outstanding):
            self.equations, self.layer = self.equations + group_for_fusion(self.layer), []
            if shares is None:
                self.equations += self._waited_for()
        self.equations += everywhere
        if shares is None and any(reads(inside, e.lhs) for e in self.waiting):
            self.layer += self._waited_for()
        self.layer += inside
        for inflow, factor in (shares or {}).items():
            self.inject(step, inflow, factor)

    def inject(self, step: Step, inflow: Inflow, factor: Expr) -> None:
        """Let values enter a field, times a factor."""
        self.waiting += inflow.into(step.unknown, factor)
        self.entered.setdefault(step.unknown, []).append((inflow, factor))

    def mirror(self, equations: list[Eq]) -> None:
        """Continue a field beyond free sides."""
        self.waiting, self.mirrors = self.waiting + equations, self.mirrors + equations

    def _waited_for(self) -> list[Eq]:
        """Equations at points and beyond free sides, which wait no longer."""
        waiting, self.waiting, self.mirrors, self.entered = self.waiting, [], [], {}
        return waiting

    def _shares(
        self, scalars: list[Eq], updates: list[Eq], inside: list[Eq]
    ) -> dict[Inflow, Expr] | None:
        """Factors of values that enter a field by way of others; None if it waits for them."""
        everywhere = scalars + updates
        if any(reads(inside, e.lhs) for e in self.waiting):
            return None
        if any(reads(everywhere, e.lhs) for e in self.mirrors):
            return None
        shares: dict[Inflow, Expr] = {}
        for unknown, values in self.entered.items():
            here = [e for e in updates if reads([e], unknown)]
            if reads(scalars, unknown) or not all(is_pointwise(e.rhs, unknown) for e in here):
                return None
            slope = total(linearise(e.rhs, {unknown.function.name: sympy.S.One}) for e in here)
            for inflow, factor in values if here else ():
                shares[inflow] = shares.get(inflow, sympy.S.Zero) + slope * factor
        return shares


def _below_a_derivative(coefficient: Expr, equations: list[Eq]) -> bool:
    """Whether a coefficient is read at the neighbours of the current point."""
    derivatives = [d for e in equations for d in e.rhs.atoms(Derivative)]
    return any(coefficient.function in functions(d) for d in derivatives)


def mirrored_coefficient(coefficient: Eq, system: System) -> list[Eq]:
    """Continue a precomputed coefficient beyond the free sides, as an even function.

    Parameters
    ----------
    coefficient : Eq
        The coefficient, or a function at the same places, and how it follows from parameters.
    system : System

    Returns
    -------
    list of Eq
    """
    f, reach = coefficient.lhs, coefficient.lhs.function.space_order // 2
    sides = {(m.axis, m.last) for mirrors in system.mirrors.values() for m in mirrors}
    equations = []
    for axis, last in sorted(sides):
        x = f.function.grid.dimensions[axis]
        away = [offsets(a).get(x, 0) for a in accesses(coefficient.rhs)]
        # A mean of neighbours belongs half a cell on.
        half = any(a == x.spacing for a in away)
        equations += continued(f, Mirror(axis, last, half, even=True), reach)
    return equations


def _mirrored(system: System, step: Step) -> list[Eq]:
    """Continue a field beyond the free sides, where its stencils reach."""
    reach = step.field.space_order // 2
    mirrors = system.mirrors.get(step.field.name, ())
    equations = [e for m in mirrors for e in continued(step.unknown, m, reach)]
    # Zeros first: in a corner of two sides, what is continued beyond one is zero on the other.
    return sorted(equations, key=lambda e: e.rhs != 0)


def continued(f: Expr, mirror: Mirror, reach: int) -> list[Eq]:
    """Values of a function beyond a free side, up to `reach` points away.

    Those half a cell on have the label before them: at the last points one of them lies beyond.

    Parameters
    ----------
    f : expression
        Access to the function.
    mirror : Mirror
    reach : int
        Points beyond the side.

    Returns
    -------
    list of Eq
    """
    x = f.function.grid.dimensions[mirror.axis]
    wall, outwards = (x.symbolic_max, 1) if mirror.last else (0, -1)
    distances = range(1, reach + 1)
    if mirror.half:
        before = 1 if mirror.last else 0
        pairs = [(outwards * k - before, -outwards * k + before - 1) for k in distances]
        return [Eq(f.subs(x, wall + there), f.subs(x, wall + here)) for there, here in pairs]
    sign = 1 if mirror.even else -1
    zero = [] if mirror.even else [Eq(f.subs(x, wall), 0)]
    steps = [outwards * k for k in distances]
    return zero + [Eq(f.subs(x, wall + s), sign * f.subs(x, wall - s)) for s in steps]
