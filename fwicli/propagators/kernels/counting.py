"""Arrays that an equation works on, counted from its kernels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache

from fwicli.errors import PhysicsError
from fwicli.propagators.absorbing import SURFACE
from fwicli.propagators.equations import registry
from fwicli.propagators.equations.equation import Equation
from fwicli.propagators.equations.footprint import Footprint
from fwicli.propagators.equations.medium import Medium
from fwicli.propagators.equations.solid_medium import SolidMedium
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.kernels import compilation, generation, time_loops
from fwicli.propagators.kernels.array_specs import array_specs
from fwicli.propagators.kernels.imaged_fields import SUM
from fwicli.propagators.kernels.signature import ArraySpec, Signature
from fwicli.propagators.kernels.transient_fields import transient_fields
from fwicli.propagators.symbolic.system import System

ORDER = 4
IMAGES = ("gradient", "illumination")
# Beginnings of the names of memory variables of slopes (see `Medium`).
SLOPES = ("psi_", "chi_", "zeta_")


def count(name: str, ndim: int) -> Footprint:
    """Count the arrays of the kernels of an equation.

    Parameters
    ----------
    name : str
        Of the equation.
    ndim : int
        Number of space dimensions.

    Returns
    -------
    Footprint

    Raises
    ------
    PhysicsError
        If the statement has not the parameters or fields that the equation names.
    """
    equation = registry.load(name)
    layer, spacing = compilation.TEMPLATE_LAYER, (10.0,) * ndim
    forward = Signature("forward", name, spacing, ORDER, layer, "float32", reference_frequency=1.0)
    keeping = replace(forward, history=True)
    system = stated(name, ndim, Stencil(ORDER))
    check(equation, system, ndim)
    plain, with_history = _arrays(forward), _arrays(keeping)
    levels, gradient = _levels(plain), _with_gradient(forward)
    fields = [a for a in with_history if a.kind == "field"]
    evolving = tuple(f.name for f in system.fields if f.time_order == 2)
    if any(a.remembered for a in plain if a.time_order == 1 and not a.strips):
        evolving = ()  # a field with a memory of its own is not found again
    history = _history(equation, system, keeping)
    return Footprint(
        forward=levels,
        gradient=gradient - levels,
        history=history,
        state=sum(len(a.remembered) for a in fields if not a.strips),
        strips=sum(len(a.remembered) for a in fields if a.strips),
        evolving=evolving,
        recorded=_recorded(equation, forward, levels),
        surface=_surface(equation, forward, (levels, gradient)),
        surface_history=_surface_history(equation, keeping, history),
        topography=_topography(equation, forward, (levels, gradient)),
        packed=(_packed((forward,)), _packed(_runs(forward))),
    )


def _history(equation: Equation, system: System, keeping: Signature) -> dict[str, tuple[str, ...]]:
    """Fields of the history by parameter, but for the one that is recorded."""
    ndim, history = len(keeping.spacing), {}
    for parameter in equation.parameters(ndim):
        kept_for = time_loops.needed(system, replace(keeping, parameters=(parameter,)), equation)
        history[parameter] = tuple(n for n in kept_for if n not in (SUM, equation.receiver))
        _check_kept(equation, system, parameter, history[parameter])
    return history


def _surface_history(
    equation: Equation, keeping: Signature, without: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Fields that the surface of a solid adds to the history."""
    if not equation.solid_surface:
        return {}
    system = stated(keeping.equation, len(keeping.spacing), Stencil(ORDER), SURFACE)
    below = _history(equation, system, keeping)
    more = {p: tuple(n for n in names if n not in without[p]) for p, names in below.items()}
    return {p: names for p, names in more.items() if names}


def stated(name: str, ndim: int, stencil: Stencil, free: tuple[str, ...] = ()) -> System:
    """The statement of an equation on the grid of its kernels.

    Parameters
    ----------
    name : str
        Of the equation.
    ndim : int
        Number of space dimensions.
    stencil : Stencil
    free : tuple of str
        Sides that are free.

    Returns
    -------
    System

    Raises
    ------
    PhysicsError
        If its differences cannot have the weights of the stencil.
    """
    layer, spacing = compilation.TEMPLATE_LAYER, (10.0,) * ndim
    forward = Signature("forward", name, spacing, stencil.order, layer, "float32")
    grid = generation.template_grid(forward)
    equation = registry.load(name)
    kind = SolidMedium if equation.has_surface(free) else Medium
    medium = kind(grid, stencil, layer, free=free, reference_frequency=1.0)
    equation.state(medium)
    return medium.system()


def check(equation: Equation, system: System, ndim: int) -> None:
    """Make sure that a statement has what the equation names.

    Parameters
    ----------
    equation : Equation
    system : System
        Its statement.
    ndim : int
        Number of space dimensions.

    Raises
    ------
    PhysicsError
        If parameters differ, or components are made of fields that there are not.
    """
    named, stated = set(equation.parameters(ndim)), {p.name for p in system.parameters}
    if named != stated:
        raise PhysicsError(
            f"the equation `{equation.name}` names the parameters {_listed(named)}, and states its "
            f"residuals in {_listed(stated)}; let `parameters` have those of the statement"
        )
    fields = {f.name for f in system.fields} - system.supports.keys()  # those of the layer
    for verb in ("record", "emit"):
        table = equation.table(verb, ndim)
        if not table:
            raise PhysicsError(
                f"the equation `{equation.name}` cannot {verb} anything; state a component"
            )
        for component, channel in table.items():
            if lacking := set(channel.fields) - fields:
                raise PhysicsError(
                    f"the {component} of the equation `{equation.name}` is made of "
                    f"{_listed(lacking)}, which it does not state; there are {_listed(fields)}"
                )


def _check_kept(equation: Equation, system: System, parameter: str, stored: Iterable[str]) -> None:
    """Refuse a gradient of products with slopes: their memory variables have no history.

    Fields in the layer that an equation states itself, as that of tilted media does, have one.
    """
    if any(name in system.supports and name.startswith(SLOPES) for name in stored):
        raise PhysicsError(
            f"the parameter `{parameter}` of the equation `{equation.name}` multiplies a slope, "
            f"and the history keeps fields alone: state the slope as a field of its own, as in "
            f"`medium.solve(e, e.forward - medium.slope(v.forward, axis, -1))`"
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


@cache
def _arrays(signature: Signature) -> tuple[ArraySpec, ...]:
    """Arrays of the size of the grid: fields that live in rings of rows are not among them."""
    grid, equation = generation.template_grid(signature), registry.load(signature.equation)
    equations = time_loops.equations(signature, equation, grid)
    specs = tuple(array_specs(equations))
    transient = transient_fields(equations, specs)
    return tuple(s for s in specs if s.name not in transient)


def _levels(arrays: Iterable[ArraySpec]) -> int:
    """Arrays of the size of the grid, each level of a field one; other sizes are other arrays."""
    sizes = {(a.name, max(1, a.time_levels)) for a in arrays if a.kind in ("field", "model", "cut")}
    return sum(levels for _, levels in sizes)


def _with_gradient(forward: Signature) -> int:
    """Arrays of a forward run, of one that makes snapshots, and of a gradient."""
    return _levels(array for run in _runs(forward) for array in _arrays(run))


def _runs(forward: Signature) -> tuple[Signature, ...]:
    """A forward run, one that makes snapshots, and a gradient."""
    backward = replace(forward, kind="gradient", images=IMAGES)
    return forward, replace(forward, history=True), backward


def _packed(runs: tuple[Signature, ...]) -> int:
    """Arrays that hold strips along the last axis alone, in all of some runs."""
    fields = [a for run in runs for a in _arrays(run) if a.kind == "field"]
    whole = {(a.name, a.time_levels) for a in fields if not a.packed}
    packed = {(a.name, a.time_levels) for a in fields} - whole
    return sum(max(1, levels) for _, levels in packed)


def _surface(equation: Equation, forward: Signature, without: tuple[int, int]) -> tuple[int, int]:
    """Arrays that the surface of a solid adds to a forward run, and to a gradient beside these."""
    if not equation.solid_surface:
        return 0, 0
    return _more(replace(forward, free=SURFACE), without)


def _topography(
    equation: Equation, forward: Signature, without: tuple[int, int]
) -> tuple[int, int]:
    """Arrays that a topography adds to a forward run, and to a gradient beside these."""
    if not equation.topography:
        return 0, 0
    return _more(replace(forward, free=SURFACE, topography=True), without)


def _more(below: Signature, without: tuple[int, int]) -> tuple[int, int]:
    """Arrays that waves below a surface have beside others."""
    more = _levels(_arrays(below)) - without[0]
    return more, _with_gradient(below) - without[1] - more


def _recorded(equation: Equation, forward: Signature, levels: int) -> dict[str, int]:
    """Arrays that a field adds when it is recorded beside those of the usual component."""
    ndim = len(forward.spacing)
    table = equation.table("record", ndim)
    usual = [*equation.usual("record", ndim)[1].fields]
    others = dict.fromkeys(n for channel in table.values() for n in channel.fields)
    return {
        name: _levels(_arrays(replace(forward, sensed=(*usual, name)))) - levels
        for name in others
        if name not in usual
    }
