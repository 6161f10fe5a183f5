"""Discrete wave equations that test the calculus, most of them of no use to anyone.

Each maker states a system on a grid with random coefficients; `Harness` runs a system and what is
derived from it on random sources and gives the numbers that the properties compare.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

import numpy as np
from devito import Eq, Function, Grid, Inc, Operator, TimeFunction, exp, sqrt

from fwicli.propagators.kernels.generation import strict
from fwicli.propagators.symbolic import calculus
from fwicli.propagators.symbolic.explicit import time_step
from fwicli.propagators.symbolic.expressions import like, substitute
from fwicli.propagators.symbolic.system import System

Coefficient = Callable[[str, float, float], Function]
Field = Callable[[str, int], TimeFunction]


def variable_density(grid: Grid, coefficient: Coefficient, field: Field) -> System:
    """Products inside derivatives, evaluated half a cell away; one-sided damping."""
    (x, z), u = grid.dimensions, field("u", 2)
    m, b, s = coefficient("m", 0.2, 0.4), coefficient("b", 0.5, 1.0), coefficient("s", 0.0, 0.05)
    hx, hz = x.spacing / 2, z.spacing / 2
    flux = (b * u.dx(x0=x + hx)).dx(x0=x - hx) + (b * u.dy(x0=z + hz)).dy(x0=z - hz)
    return System((u,), (m * u.dt2 + s * u.dt - flux,), (m, b, s))


def velocity_pressure(grid: Grid, coefficient: Coefficient, field: Field) -> System:
    """A first-order system, staggered in space and time."""
    x, z = grid.dimensions
    vx, vz, p = field("vx", 1), field("vz", 1), field("p", 1)
    rho, k = coefficient("rho", 2.0, 3.0), coefficient("k", 0.2, 0.4)
    hx, hz = x.spacing / 2, z.spacing / 2
    divergence = vx.forward.dx(x0=x - hx) + vz.forward.dy(x0=z - hz)
    residuals = (
        rho * vx.dt + p.dx(x0=x + hx),
        rho * vz.dt + p.dy(x0=z + hz),
        k * p.dt + divergence,
    )
    return System((vx, vz, p), residuals, (rho, k))


def memory_variables(grid: Grid, coefficient: Coefficient, field: Field) -> System:
    """Recursions with coefficients that are absorbed into the multipliers."""
    x, _ = grid.dimensions
    u, psi, zeta = field("u", 2), field("psi", 1), field("zeta", 1)
    m, a, b = coefficient("m", 0.2, 0.4), coefficient("a", -0.3, 0.0), coefficient("b", 0.7, 0.9)
    h = x.spacing / 2
    slope = psi.forward.dx(x0=x - h)
    residuals = (
        psi.forward - b * psi - a * u.dx(x0=x + h),
        zeta.forward - b * zeta - a * (u.dx2 + slope),
        m * u.dt2 - u.laplace - slope - zeta.forward,
    )
    return System((psi, zeta, u), residuals, (m,))


def oddity(grid: Grid, coefficient: Coefficient, field: Field) -> System:
    """Shifted accesses, mixed and one-sided derivatives, nonlinear and nested coefficients."""
    x, z = grid.dimensions
    u, w = field("u", 2), field("w", 1)
    a, b, m = coefficient("a", 0.5, 1.0), coefficient("b", 0.2, 0.5), coefficient("m", 0.3, 0.5)
    h = x.spacing
    first = (
        (m + b**2) * u.dt2
        + m * u.dt
        - sqrt(a) * (exp(b) * u).dx2
        - (a * w.dx(x0=x + h / 2)).dy
        - 0.1 * a.subs({x: x + h}) * w.subs({x: x - 2 * h})
        - 0.01 * u.dxdy
        - (u.dy / (a + m)).dy(x0=z + z.spacing / 2)
    )
    second = (
        w.forward
        - 0.9 * b * w
        - 0.1 * a * (u.forward.dy + (b * u).dx.dt + u.dxr + 0.3 * u.subs({z: z + z.spacing}))
    )
    return System((u, w), (first, second), (m, a, b))


SYSTEMS = [variable_density, velocity_pressure, memory_variables, oddity]


class Harness:
    """Runs a system on a small grid in double precision.

    Sources enter, and fields are recorded, everywhere and at every step, so that a product of
    records and multipliers is the full inner product of the discrete equation.
    """

    def __init__(self, make: Any, order: int = 4, steps: int = 25, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.steps = steps
        self.grid = Grid((17, 21), extent=(160.0, 200.0), dtype=np.float64)
        self.order = order
        self.system: System = make(self.grid, self._coefficient, self._field)
        # Memory variables take no sources: their multipliers are scaled.
        self.names = [f.name for f in self.system.fields if f.name not in ("psi", "zeta")]
        self.sources = {n: self.series(f"q_{n}", random=True) for n in self.names}

    def _coefficient(self, name: str, low: float, high: float) -> Function:
        f = Function(name=name, grid=self.grid, space_order=self.order)
        f.data_with_halo[:] = low + (high - low) * self.rng.random(f.data_with_halo.shape)
        return f

    def _field(self, name: str, time_order: int) -> TimeFunction:
        return TimeFunction(
            name=name, grid=self.grid, space_order=self.order, time_order=time_order
        )

    def series(self, name: str, random: bool = False, halo: bool = False) -> TimeFunction:
        """Values on the grid at every step."""
        order = self.order if halo else 0
        f = TimeFunction(name=name, grid=self.grid, space_order=order, save=self.steps)
        if random:
            f.data[:] = self.rng.standard_normal(f.data.shape)
        return f

    def run(
        self,
        system: System,
        sources: dict[str, TimeFunction],
        records: dict[str, TimeFunction],
        after: list[Any] | None = None,
    ) -> None:
        """Step a system through time; sources and records by the name of their field."""
        self._apply(system, self._operator(system, sources, records, after or []))

    def _apply(self, system: System, operator: Any) -> None:
        """Run an operator from fields at rest."""
        for field in system.fields:
            field.data_with_halo[:] = 0
        with strict():
            operator.apply(dt=1.0, time_m=0, time_M=self.steps - 1)

    def _operator(
        self,
        system: System,
        sources: dict[str, TimeFunction],
        records: dict[str, TimeFunction],
        after: list[Any],
    ) -> Any:
        scheme = time_step(system)
        equations = list(scheme.coefficients)
        for step in scheme.steps:
            equations += step.equations
            if step.field.name in sources:
                equations.append(Inc(step.unknown, step.pivot * sources[step.field.name]))
        for step in scheme.steps:
            if step.field.name in records:
                equations.append(Eq(records[step.field.name], step.unknown))
        with strict():
            return Operator(equations + after, name="Test", opt="noop")

    @cached_property
    def _remembered(self) -> tuple[dict[str, TimeFunction], Any]:
        """Every field at every step, and the operator that fills them, built once."""
        history = {f.name: self.series(f"h_{f.name}", halo=True) for f in self.system.fields}
        return history, self._operator(self.system, self.sources, history, [])

    def forward(self) -> dict[str, np.ndarray]:
        """Records of the system from its sources, by field."""
        history, operator = self._remembered
        self._apply(self.system, operator)
        return {n: np.array(history[n].data) for n in self.names}

    def adjoint(self, residuals: dict[str, TimeFunction]) -> dict[str, np.ndarray]:
        """Records of the adjoint from residuals, by field."""
        system = calculus.adjoint(self.system)
        records = {f"adj_{n}": self.series(f"g_{n}") for n in self.names}
        self.run(system, {f"adj_{n}": r for n, r in residuals.items()}, records)
        return {n: np.array(records[f"adj_{n}"].data) for n in self.names}

    @cached_property
    def _scattered(self) -> tuple[dict[str, Function], dict[str, TimeFunction], System, Any]:
        """Changes of all parameters, records of the scattered fields, and what fills them."""
        changes = {p.name: like(p, f"d{p.name}") for p in self.system.parameters}
        system = calculus.born(self.system, changes)
        records = {f"born_{n}": self.series(f"b_{n}") for n in self.names}
        return changes, records, system, self._operator(system, self.sources, records, [])

    def born(self, name: str, direction: np.ndarray) -> dict[str, np.ndarray]:
        """First-order change of the records for a change of one parameter."""
        changes, records, system, operator = self._scattered
        for parameter, change in changes.items():
            change.data[:] = direction if parameter == name else 0
        self._apply(system, operator)
        return {n: np.array(records[f"born_{n}"].data) for n in self.names}

    def gradients(self, residuals: dict[str, TimeFunction]) -> dict[str, np.ndarray]:
        """Transpose of `born` for every parameter, with all fields kept at every step.

        In step n of the adjoint the unknown is the multiplier of residual n, so that the
        integrand there belongs to time n + 1, which is what step n of the forward run recorded.
        """
        history, operator = self._remembered
        self._apply(self.system, operator)
        system = calculus.adjoint(self.system)
        multipliers = {
            f.name: system.fields[system.index(f"adj_{f.name}")] for f in self.system.fields
        }
        totals, sums = {}, []
        for parameter in self.system.parameters:
            integrand = calculus.gradient(self.system, multipliers, parameter)
            total = Function(name=f"total_{parameter.name}", grid=self.grid, space_order=0)
            sums.append(Inc(total, substitute(integrand, history)))
            totals[parameter.name] = total
        self.run(system, {f"adj_{n}": r for n, r in residuals.items()}, {}, sums)
        return {name: np.array(total.data) for name, total in totals.items()}


_harness = cache(Harness)


def shared(make: Any, order: int = 4) -> Harness:
    """The harness of a system, with operators that all tests of a process share.

    Its random numbers begin anew: what a test draws does not depend on the tests before.
    """
    harness = _harness(make, order)
    harness.rng = np.random.default_rng(1)
    return harness
