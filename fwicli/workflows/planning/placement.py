"""Where sources and receivers may be: not where nothing is sent or recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.loader import Key
from fwicli.errors import FwiError
from fwicli.propagators.checks import sides
from fwicli.propagators.equations import registry
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.components import Component
from fwicli.survey.gathers import Gathers
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.topography import Topography
from fwicli.workflows.assembly import survey
from fwicli.workflows.assembly.equation import wave_equation
from fwicli.workflows.assembly.frames import MapPositions
from fwicli.workflows.planning.alternatives import alternatives
from fwicli.workflows.planning.checks import dotted
from fwicli.workflows.planning.cures import axes_for
from fwicli.workflows.planning.problems import Problems
from fwicli.workflows.planning.remedies import remedies

# Distinct positions of a survey; a few may well be set side by side within one cell.
SEVERAL = 5


def inside(
    problems: Problems,
    key: Key,
    grid: Grid,
    geometry: Acquisition,
    on_map: MapPositions | None = None,
) -> bool:
    """Every source and receiver must lie in the model.

    Parameters
    ----------
    problems : Problems
    key : Key
        Where the positions are in the config.
    grid : Grid
        Of the model.
    geometry : Acquisition
    on_map : MapPositions, optional
        Positions before they came to the axes of the model: changes of them are tried and advised.

    Returns
    -------
    inside : bool
        Whether they do.
    """
    count = len(problems.errors)
    named = {"sources": geometry.sources, **_sensed(geometry)}
    _spread(problems, key, grid, np.concatenate(list(named.values())))
    turned = Grid(grid.shape[::-1], grid.spacing, grid.origin)
    fits = not any(turned.outside(positions).any() for positions in named.values())
    changes: list[str] = []
    if on_map is not None and any(grid.outside(positions).any() for positions in named.values()):
        changes = remedies(grid, on_map)
    for name, positions in named.items():
        outside = grid.outside(positions)
        if not outside.any():
            continue
        first = int(np.flatnonzero(outside)[0])
        number = _numbered(geometry, first) if name == "receivers" else f"number {first}"
        where = ", ".join(f"{c:.9g}" for c in positions[first])
        remedy = "move them, or check units, `model.origin` and the sign of depths"
        if changes:
            remedy = f"all lie in it {'; or '.join(changes)}"
        elif other := _other_reading(problems, key, grid, geometry):
            remedy = f"{other}, or {remedy}"
        if fits:
            axes, order = ", ".join(grid.axes), ", ".join(grid.axes[::-1])
            remedy = (
                f"is the model ({order})? All lie in it with its axes turned round: give it as "
                f"({axes}), as by `numpy.transpose`, or {remedy}"
            )
        problems.add(
            (*key, name.split()[0]) if key == ("geometry",) else key,
            f"{int(outside.sum())} of {len(positions)} {name} lie outside the model, the "
            f"first, {number}, at ({where}) m, the farthest by {_farthest(grid, positions)}; "
            f"the model has {_extent(grid)} m: {remedy}",
        )
    return len(problems.errors) == count


def in_rock(
    problems: Problems,
    key: Key,
    model: EarthModel,
    geometry: Acquisition,
    on_map: MapPositions | None = None,
) -> bool:
    """Every source and receiver must lie in the model, and below its surface.

    Parameters
    ----------
    problems : Problems
    key : Key
        Where the positions are in the config.
    model : EarthModel
    geometry : Acquisition
    on_map : MapPositions, optional
        Positions before they came to the axes of the model (see `inside`).

    Returns
    -------
    in_rock : bool
        Whether they do.
    """
    there = inside(problems, key, model.grid, geometry, on_map)
    count = len(problems.errors)
    _below_surface(problems, key, model.topography, geometry)
    return there and len(problems.errors) == count


def _below_surface(
    problems: Problems, key: Key, topography: Topography | None, geometry: Acquisition
) -> None:
    """Every source and receiver must lie in the rock, or on its surface."""
    if topography is None:
        return
    for name, positions in {"sources": geometry.sources, **_sensed(geometry)}.items():
        inside = ~topography.grid.outside(positions)  # others are a problem of their own
        bad = topography.in_air(positions) & inside
        if not bad.any():
            continue
        heights = np.where(inside, topography.heights(positions), 0.0)
        first, highest = int(np.argmax(bad)), int(np.argmax(heights))
        number = _numbered(geometry, first) if name == "receivers" else f"number {first}"
        where = ", ".join(f"{c:.9g}" for c in positions[first])
        problems.add(
            (*key, name.split()[0]) if key == ("geometry",) else key,
            f"{int(bad.sum())} of {len(positions)} {name} lie in the air above the topography, "
            f"the first, {number}, at ({where}) m by {heights[first]:.3g} m, the highest by "
            f"{heights[highest]:.3g} m: place them by `{_depth_key(key, name)}`, as in "
            f"`{_depth_key(key, name)}: 0` on it, or check the sign of depths and their datum",
        )


def _depth_key(key: Key, name: str) -> str:
    """The key that places sources or receivers below the surface."""
    if key == ("geometry",):
        return "depth_below_surface"
    return f"{dotted(key)}.{name.split()[0].removesuffix('s')}_depth_below_surface"


def _sensed(geometry: Acquisition) -> dict[str, NDArray[np.float64]]:
    """Positions of receivers, or those with both ends of their gauges, by their name."""
    if any(component.gauge is not None for component in geometry.components[0]):
        with suppress(FwiError):  # said where components are checked
            return {"receivers and ends of gauges": geometry.all_sensed()}
    return {"receivers": geometry.all_receivers()}


def _other_reading(problems: Problems, key: Key, grid: Grid, geometry: Acquisition) -> str:
    """Advice to exchange axes, or to change the sign of depths, if all then lie in the model."""
    for alternative in alternatives(geometry, grid):
        text = f"with {alternative.words} all lie in it: "
        data = getattr(problems.loaded.config, "data", None)
        if key != ("data",) or data is None:
            return f"{text}give them so"
        settings = axes_for(alternative, data, grid.axes)
        return text + "set " + " and ".join(f"`{s.replace('=', ': ', 1)}`" for s in settings)
    return ""


def _numbered(geometry: Acquisition, receiver: int) -> str:
    """A receiver among those of all shots, by its number, in its shot where shots differ."""
    ends = np.cumsum(geometry.counts)
    if geometry.shots == 1 or len(geometry.all_receivers()) < ends[-1]:
        return f"number {receiver}"
    shot = int(np.searchsorted(ends, receiver, side="right"))
    return f"number {receiver - int(ends[shot] - geometry.counts[shot])} of shot {shot}"


def _farthest(grid: Grid, positions: NDArray[np.float64]) -> str:
    """How far positions reach beyond a grid, and along which axis."""
    before, beyond = np.asarray(grid.origin) - positions, positions - np.asarray(grid.end)
    reach = np.nanmax(np.maximum(before, beyond), axis=0)
    axis = int(reach.argmax())
    return f"{reach[axis]:.7g} m in {grid.axes[axis]}"


def _spread(problems: Problems, key: Key, grid: Grid, positions: NDArray[np.float64]) -> None:
    """A survey of several points must not be within a single cell: its kilometres are no metres."""
    several = np.unique(positions[np.isfinite(positions).all(axis=1)], axis=0)
    if len(several) < SEVERAL:
        return
    reach = several.max(axis=0) - several.min(axis=0)
    if (reach >= grid.spacing).any():
        return
    size = " by ".join(f"{r:.4g}" for r in reach)
    problems.add_once(
        key,
        f"all sources and receivers, at {len(several)} positions, are within {size} m, less than "
        f"a grid spacing of the model: are they in km? Coordinates are in m: multiply them by 1000",
    )


def _extent(grid: Grid) -> str:
    """Where a grid begins and ends, in digits enough."""
    return ", ".join(
        f"{a} from {o:.9g} to {e:.9g}"
        for a, o, e in zip(grid.axes, grid.origin, grid.end, strict=True)
    )


def sounding(
    problems: Problems,
    key: Key,
    physics: schema.PhysicsSection,
    model: EarthModel,
    geometry: Acquisition,
) -> None:
    """No source or receiver may lie on a side where what it emits or records is zero.

    Parameters
    ----------
    problems : Problems
    key : Key
        Where the positions are in the config.
    physics : PhysicsSection
        It says which sides absorb.
    model : EarthModel
    geometry : Acquisition
    """
    grid = model.grid
    try:
        free = survey.free_sides(physics, grid.ndim)
    except FwiError:
        return  # said where the layer is made
    by_surface = physics.free_surface
    equation = registry.load(wave_equation(physics))
    for name, verb, component, positions in by_component(geometry):
        try:
            channels = equation.channels(component, verb, grid.ndim)
            positions = np.concatenate(component.ends(positions))
        except FwiError:
            continue  # said where components are checked
        for side in free:
            axis = grid.axes.index(side[0])
            on = sides.zero_at(positions, grid, side)
            if equation.solid_surface:
                on &= in_fluid(model, positions)
            if on.any() and not all(axis in channel.even for _, channel in channels):
                surface = "set `physics.free_surface: false`" if by_surface else ""
                problems.add(
                    (*key, name) if key == ("geometry",) else key,
                    sides.silence(name, on, grid, side, surface),
                )


def in_fluid(model: EarthModel, positions: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which positions lie in a fluid; rocks move and bear stress on their surface.

    Parameters
    ----------
    model : EarthModel
        With S velocities.
    positions : ndarray of shape (n, ndim)
        [m]

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    return np.asarray(model.properties["vs"][model.grid.nearest(positions)] == 0)


def by_component(
    geometry: Acquisition,
) -> Iterator[tuple[str, str, Component, NDArray[np.float64]]]:
    """Positions of the receivers and the sources with each component.

    Parameters
    ----------
    geometry : Acquisition

    Yields
    ------
    name : {"sources", "receivers"}
    verb : {"emit", "record"}
    component : Component
    positions : ndarray of shape (n, ndim)
        [m]
    """
    recorded, emitted = geometry.components
    if len(emitted) == 1:
        yield "sources", "emit", next(iter(emitted)), geometry.sources
    else:
        each = [geometry.emitted_by(shot) for shot in range(geometry.shots)]
        for component in sorted(emitted, key=lambda c: c.code):
            own = geometry.sources[[c == component for c in each]]
            yield "sources", "emit", component, own
    if len(recorded) == 1:
        yield "receivers", "record", next(iter(recorded)), geometry.all_receivers()
        return
    positions: dict[Component, list[NDArray[np.float64]]] = {}
    for shot in range(geometry.shots):
        for component, rows in geometry.rows_by_component(shot).items():
            positions.setdefault(component, []).append(geometry.receivers_of(shot)[rows])
    for component, parts in positions.items():
        yield "receivers", "record", component, np.concatenate(parts)


def live(records: Gathers) -> Acquisition:
    """The acquisition of records, with receivers of silent traces at the source."""
    geometry = records.acquisition
    if records.live.all():
        return geometry
    return geometry.at_sources(~row for row in records.live)


def within_reach(
    problems: Problems, key: Key, geometry: Acquisition, fastest: float, duration: float
) -> None:
    """Waves must come to at least one receiver before the record ends.

    Parameters
    ----------
    problems : Problems
    key : Key
        Where the positions are in the config.
    geometry : Acquisition
    fastest : float
        Fastest wave [m/s].
    duration : float
        Of the records [s].
    """
    nearest = np.inf
    for shot in range(geometry.shots):
        away = geometry.receivers_of(shot) - geometry.source(shot)
        nearest = min(nearest, float(np.linalg.norm(away, axis=1).min(initial=np.inf)))
        if nearest <= fastest * duration:
            return
    problems.add_once(
        key,
        f"no wave comes to any receiver within the record: the nearest is {nearest:g} m from "
        f"its source, and in {duration:g} s the fastest wave, of {fastest:g} m/s, comes "
        f"{fastest * duration:.4g} m far; make the record longer, or check the units",
    )
