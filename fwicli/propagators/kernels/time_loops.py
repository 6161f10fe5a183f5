"""Equations of a time loop: what is advanced, injected, recorded, kept and accumulated.

Each kind of kernel is one list of Devito equations, in the order of execution:

    forward     fields forwards in time; record at the receivers; keep the history
    adjoint     multipliers backwards in time; record at the sources
    gradient    multipliers backwards in time; accumulate images with the history, and record at
                the sources where that is wanted
    reverse     fields backwards in time, from their values in the layer at all times; make the
                history again

All but the last are made of the lifted equation where derivatives are wanted (see `directions`): at
one level, forward is Born modelling, and gradient the action of the Hessian.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from devito import ConditionalDimension, Eq, Function, Inc, TimeFunction

from fwicli.errors import CalculusError
from fwicli.propagators.equations.equation import Equation
from fwicli.propagators.equations.medium import Medium
from fwicli.propagators.equations.solid_medium import SolidMedium
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.equations.topographic_medium import TopographicMedium
from fwicli.propagators.kernels.edges import edges
from fwicli.propagators.kernels.imaged_fields import (
    SUM,
    imaged,
    imaged_field,
    parts,
    pressure,
    weighted,
)
from fwicli.propagators.kernels.kernel import SNAPSHOTS
from fwicli.propagators.kernels.ports import entering, leaving
from fwicli.propagators.kernels.signature import Signature
from fwicli.propagators.symbolic import calculus
from fwicli.propagators.symbolic.component_names import prefix
from fwicli.propagators.symbolic.directions import add_directions
from fwicli.propagators.symbolic.explicit import check_buffers
from fwicli.propagators.symbolic.expressions import Expr, accesses, like, names, offsets, substitute
from fwicli.propagators.symbolic.points import PointSymbols
from fwicli.propagators.symbolic.system import System
from fwicli.propagators.symbolic.time_levels import keep_newest
from fwicli.propagators.symbolic.time_step import Inflow, advance, continued, mirrored_coefficient

# From a signature and the name of a field to those of its components in a system.
Naming = Callable[[Signature, str], list[str]]


def equations(signature: Signature, equation: Equation, grid: Any) -> list[Eq]:
    """Equations of the kernel of a signature, on a grid.

    Parameters
    ----------
    signature : Signature
    equation : Equation
    grid : devito.Grid

    Returns
    -------
    list of Eq
    """
    makers = {
        "forward": _forward,
        "adjoint": _adjoint,
        "gradient": _gradient,
        "reverse": _reverse,
    }
    system, statements = makers[signature.kind](signature, equation, grid)
    check_buffers(statements, system)
    return keep_newest(statements)


def _system(signature: Signature, equation: Equation, grid: Any, buffers: int) -> System:
    # Source terms along directions read three time levels of the plain fields.
    buffers = 3 if signature.n_directions else buffers
    if equation.constant_q is not None and not signature.reference_frequency > 0:
        raise CalculusError(
            f"waves of {equation.name} lose energy in a band about a reference frequency, and its "
            f"kernel has {signature.reference_frequency:g} Hz; give one above 0 Hz"
        )
    kind = SolidMedium if equation.has_surface(signature.free) else Medium
    kind = TopographicMedium if signature.topography else kind
    medium = kind(
        grid,
        Stencil(signature.order, signature.weights),
        signature.layer,
        buffers,
        signature.free,
        signature.reference_frequency,
    )
    equation.state(medium)
    return add_directions(medium.system(), signature.n_directions)


def _components(signature: Signature, name: str) -> list[str]:
    """Names of a field, for each component."""
    return [f"{prefix(c)}{name}" for c in range(signature.components)]


def _multipliers(signature: Signature, name: str) -> list[str]:
    """Names of the multipliers that stand for the components in an adjoint.

    With F and the records of its derivatives, d1 = F q1 + (dF[p1]) q, the adjoint of d is that of
    d1 with respect to q1.
    """
    return [f"adj_{f}" for f in reversed(_components(signature, name))]


def _recorded(signature: Signature, system: System, naming: Naming) -> list[Eq]:
    """Record fields at their points, each with its components."""
    equations = []
    for port in leaving(signature):
        points = PointSymbols(system.fields[0].grid, port.prefix)
        for c, name in enumerate(naming(signature, port.field)):
            equations += points.record(system.fields[system.index(name)], port.values(c))
    return equations


def _injected(signature: Signature, grid: Any, naming: Naming) -> dict[str, Inflow]:
    """Values that enter fields at their points, each with its components."""
    entries = {}
    for port in entering(signature):
        points = PointSymbols(grid, port.prefix)
        for c, name in enumerate(naming(signature, port.field)):
            entries[name] = Inflow(points, port.values(c), fixed=c > 0)
    return entries


def _read(signature: Signature, naming: Naming) -> set[str]:
    """Names of the fields that are recorded."""
    return {name for port in leaving(signature) for name in naming(signature, port.field)}


def _stored(system: System, name: str, grid: Any, reach: int, equation: Equation) -> list[Eq]:
    """Store a field in the history, with its mirror values that the gradient reads."""
    stored = history(name, grid, reach)
    if name == SUM:
        return [Eq(stored, weighted(system, pressure(equation, grid.dim), str))]
    equations = [Eq(stored, system.fields[system.index(name)])]
    for mirror in system.mirrors.get(name, ()) if reach else ():
        equations += continued(stored, mirror, reach)
    return equations


def _forward(signature: Signature, equation: Equation, grid: Any) -> tuple[System, list[Eq]]:
    system = _system(signature, equation, grid, buffers=2)
    stored = needed(system, signature, equation) if signature.history else {}
    keep = _read(signature, _components) | parts(stored.keys(), equation, grid.dim)
    before, step = advance(system, keep, _injected(signature, grid, _components))
    step += _recorded(signature, system, _components)
    for name, reach in stored.items():
        step += _stored(system, name, grid, reach, equation)
    if signature.edges:
        for f in _evolving(system):
            step += [Eq(edge, value) for edge, value in edges(f, signature, grid)]
    return system, before + step


def _reverse(signature: Signature, equation: Equation, grid: Any) -> tuple[System, list[Eq]]:
    forward = _system(replace(signature, layer=0), equation, grid, buffers=2)
    stored = needed(forward, signature, equation)
    evolving = _evolving(forward)
    lost = sorted(stored.keys() - {f.name for f in evolving})
    if lost:  # a plan refuses this earlier, see `history.irreversible`
        raise CalculusError(
            f"the history of {', '.join(lost)}, which this gradient of {equation.name} needs, is "
            f"not found again backwards in time; keep checkpoints"
        )
    system = calculus.reverse(forward)
    keep = {f.name for f in evolving}
    before, step = advance(system, keep, _injected(signature, grid, _components))
    for name, reach in stored.items():
        step += _stored(forward, name, grid, reach, equation)
    for f in evolving:
        step += [Eq(u, e) for e, u in edges(f.backward, signature, grid)]
        mirrors = forward.mirrors.get(f.name, ())
        beyond = [e for m in mirrors for e in continued(f.backward, m, f.space_order // 2)]
        step += sorted(beyond, key=lambda e: e.rhs != 0)
    return system, before + step


def _evolving(system: System) -> list[Any]:
    """Fields of second order in time; all others follow from them."""
    return [f for f in system.fields if f.time_order == 2]


def _adjoint(signature: Signature, equation: Equation, grid: Any) -> tuple[System, list[Eq]]:
    system = calculus.adjoint(_system(signature, equation, grid, buffers=2))
    keep = _read(signature, _multipliers)
    before, step = advance(system, keep, _injected(signature, grid, _multipliers))
    return system, before + step + _recorded(signature, system, _multipliers)


def _gradient(signature: Signature, equation: Equation, grid: Any) -> tuple[System, list[Eq]]:
    # A gradient takes the time derivative of the multiplier, at three levels; the history is plain.
    buffers = 3 if "gradient" in signature.images else 2
    forward = _system(signature, equation, grid, buffers)
    system = calculus.adjoint(forward)
    multipliers = {f.name: system.fields[system.index(f"adj_{f.name}")] for f in forward.fields}
    stored = {
        name: history(name, grid, reach)
        for name, reach in needed(forward, signature, equation).items()
    }
    images: list[Eq] = []
    after: list[Eq] = []
    for image in signature.images:
        if image == "gradient":
            sums = _sums(forward)
            differentiated = _differentiated(forward, signature)
            for c in differentiated:
                integrand = calculus.gradient(forward, multipliers, c)
                images += _add(sums[c.name], substitute(integrand, stored))
            for c in differentiated:
                # The chain rule reads these sums at neighbours, also beyond free sides.
                if any(offsets(a) for a in accesses(forward.derived.get(c, 0))):
                    mean = Eq(sums[c.name], forward.derived[c])
                    after += mirrored_coefficient(mean, forward)
            for c in reversed(differentiated):
                after += _add(sums[c.name], calculus.chain_rule(forward, c, sums))
        else:
            entered = equation.usual("emit", grid.dim)[1].fields
            multiplier = weighted(system, entered, lambda f: _multipliers(signature, f)[0])
            images += imaged(image, stored[imaged_field(equation, grid.dim)], multiplier)
    keep = _fields(images) | _read(signature, _multipliers)
    before, step = advance(system, keep, _injected(signature, grid, _multipliers))
    step += _recorded(signature, system, _multipliers)
    return system, before + step + images + after


def _fields(equations: list[Eq]) -> set[str]:
    """Names of the functions that equations read."""
    return {name for e in equations for name in names(e.rhs)}


def _add(total: Function, expr: Expr) -> list[Eq]:
    """Add an expression to a sum, if there is anything to add."""
    return [] if expr == 0 else [Inc(total, expr)]


def _sums(system: System) -> dict[str, Function]:
    """Sums over time for parameters and derived coefficients, by their names."""
    return {
        **{p.name: like(p, f"gradient_{p.name}") for p in system.parameters},
        **{c.name: like(c, f"sum_{c.name}") for c in system.derived},
    }


def _differentiated(system: System, signature: Signature) -> list[Function]:
    """Parameters whose gradient is asked for, and coefficients derived from any of them."""
    only = signature.parameters
    chosen = [p for p in system.parameters if only is None or p.name in only]
    reached = {p.name for p in chosen}
    derived = []
    for c, expr in system.derived.items():
        if names(expr) & reached:
            reached.add(c.name)
            derived.append(c)
    return [*chosen, *derived]


def needed(system: System, signature: Signature, equation: Equation) -> dict[str, int]:
    """Forward fields that images read, and how many points away at most, by name.

    Parameters
    ----------
    system : System
    signature : Signature
    equation : Equation

    Returns
    -------
    dict of str to int
    """
    pressure_name = imaged_field(equation, len(signature.spacing))
    reaches: dict[str, int] = {pressure_name: 0}
    multipliers = {f.name: like(f, f"adj_{f.name}") for f in system.fields}
    for c in _differentiated(system, signature):
        for access in accesses(calculus.gradient(system, multipliers, c)):
            away = [
                abs(int(amount / dimension.spacing))
                for dimension, amount in offsets(access).items()
                if dimension.is_Space
            ]
            name = access.function.name
            reaches[name] = max([reaches.get(name, 0), *away])
    own = {SUM: 0} if pressure_name == SUM else {}
    return own | {f.name: reaches[f.name] for f in system.fields if f.name in reaches}


def history(name: str, grid: Any, reach: int) -> TimeFunction:
    """Every n-th value of a field in time; n is an argument of the kernel.

    Parameters
    ----------
    name : str
        Name of the field.
    grid : devito.Grid
    reach : int
        Points of the halo.

    Returns
    -------
    TimeFunction
    """
    return TimeFunction(
        name=f"history_{name}",
        grid=grid,
        save=2,
        time_dim=ConditionalDimension(SNAPSHOTS, parent=grid.time_dim, factor=2),
        time_order=0,
        space_order=reach,
        dtype=grid.dtype,
    )
