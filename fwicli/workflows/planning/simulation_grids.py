"""Where waves are propagated: on which grid, and in which window of it for each shot."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.loader import Key
from fwicli.config.values import GridErrorSection
from fwicli.digits import apart, round_down
from fwicli.errors import FwiError
from fwicli.propagators.absorbing import walls
from fwicli.propagators.equations import registry
from fwicli.propagators.equations.equation import call
from fwicli.propagators.sampling import interpolation
from fwicli.survey import windows
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.properties import WITHOUT_MEANS
from fwicli.survey.regridding import Regridding, fitting
from fwicli.survey.signals.wavelets import Spectrum
from fwicli.workflows.assembly import survey
from fwicli.workflows.assembly.equation import wave_equation
from fwicli.workflows.planning.checks import dotted, points_needed
from fwicli.workflows.planning.numerics import Numerics
from fwicli.workflows.planning.problems import Problems

Array = NDArray[Any]

KEY: Key = ("physics", "grid")


# An image has half the wavelength of the waves that make it, and needs two points in it.
IMAGE_POINTS = 4.0


def longest(
    physics: schema.PhysicsSection, slowest: float, spectrum: Spectrum, fewest: float = 0.0
) -> float:
    """Longest spacing that the slowest wave [m/s] in a band allows [m].

    Parameters
    ----------
    physics : PhysicsSection
    slowest : float
        Slowest wave [m/s].
    spectrum : Spectrum
        Of the wavelet.
    fewest : float
        Points per wavelength that there must be in any case.

    Returns
    -------
    spacing : float
        [m]
    """
    needed = max(points_needed(physics), fewest)
    return round_down(slowest / spectrum.highest / needed * (1 - 1e-9))


def grids(
    problems: Problems,
    physics: schema.PhysicsSection,
    model: Grid,
    limit: float,
    other: Key = (),
    spacing: float | str | None = None,
) -> tuple[Grid, Grid] | None:
    """Grid of the unknowns or the image, and that of the propagation.

    Parameters
    ----------
    problems : Problems
    physics : PhysicsSection
    model : Grid
        Of the model.
    limit : float
        Longest spacing that the waves allow [m].
    other : Key
        Where the spacing of unknowns or image is in the config.
    spacing : float, str or None
        Spacing of unknowns or image [m], `auto`, or None for that of the model.

    Returns
    -------
    grids : tuple of Grid, or None
        Of unknowns or image, and of the propagation; None where there are problems.
    """
    earth = _coarse(problems, other, physics, model, spacing, limit)
    if earth is None:
        return None
    stated = registry.load(wave_equation(physics))
    without = set(WITHOUT_MEANS) & set(stated.properties)
    waves = _coarse(problems, KEY, physics, earth, _of_waves(problems, physics, without), limit)
    if waves is None:
        return None
    if without and waves != model:
        of_waves = earth == model
        problems.add(
            KEY if of_waves else other,
            f"{', '.join(without)} has no mean that fluids and solids have in common, and "
            f"`{stated.name}` no coarser grid than the model's, {_spacing(model)} m: "
            + ("set `physics.grid: model`" if of_waves else f"leave out `{dotted(other)}`"),
        )
        return None
    return earth, waves


def _of_waves(
    problems: Problems, physics: schema.PhysicsSection, without: set[str]
) -> float | str | None:
    """Spacing of the waves [m], `auto`, or None for that of the model, unknowns or image.

    Parameters
    ----------
    problems : Problems
    physics : PhysicsSection
    without : set of str
        Properties of the equation that have no means.

    Returns
    -------
    spacing : float, str or None
    """
    if not isinstance(physics.grid, GridErrorSection):
        return None if physics.grid == "model" else physics.grid
    if not without:
        return "auto"
    note = (
        f"`physics.grid: {{error: {physics.grid.error:g}}}` keeps the grid of the model: "
        f"{', '.join(sorted(without))} has no mean that fluids and solids have in common"
    )
    if note not in problems.notes:
        problems.note(note)
    return None


def _spacing(grid: Grid) -> str:
    """The spacing along every axis; one number where all are equal."""
    return " x ".join(dict.fromkeys(f"{h:g}" for h in grid.spacing))


def _coarse(
    problems: Problems,
    key: Key,
    physics: schema.PhysicsSection,
    grid: Grid,
    spacing: float | str | None,
    longest: float,
) -> Grid | None:
    """A grid for a model: of another spacing [m], or the coarsest for `auto`.

    Parameters
    ----------
    longest : float
        Longest spacing that the waves allow [m].
    """
    if spacing is None:
        return grid
    if isinstance(spacing, str):
        ends = _fixed_ends(physics, grid.ndim)
        longest_fitting = fitting(grid, longest, ends)
        same = longest_fitting == grid.spacing
        return grid if same else Regridding(grid, longest_fitting).coarse
    finest = max(grid.spacing)
    if spacing < finest * (1 - 1e-9):
        mine, model = apart(spacing, finest)
        problems.add(
            key,
            f"a spacing of {mine} m is finer than the model's; use "
            f"`{dotted(key)}: {model}` or more",
        )
        return None
    shortest = min(e - o for o, e in zip(grid.origin, grid.end, strict=True))
    if spacing > shortest / 4:
        most = round_down(min(shortest / 4, longest))
        problems.add(
            key,
            f"a spacing of {spacing:g} m leaves fewer than 5 points of the shortest side of "
            f"the model, {shortest:g} m; use `{dotted(key)}: {max(most, finest):.9g}` or less",
        )
        return None
    coarse = Regridding(grid, spacing).coarse
    return coarse if _sides_stay(problems, key, physics, grid, coarse) else None


def _fixed_ends(physics: schema.PhysicsSection, ndim: int) -> list[bool]:
    """Axes along which the model ends in a side where the pressure is zero."""
    try:
        ends = walls(survey.free_sides(physics, ndim), ndim)
    except FwiError:
        return [False] * ndim  # said where the layer is made
    return [last for _, last in ends]


def _sides_stay(
    problems: Problems, key: Key, physics: schema.PhysicsSection, fine: Grid, coarse: Grid
) -> bool:
    """Whether a coarse grid ends where the model does, along axes that end in free sides."""
    for axis, last in enumerate(_fixed_ends(physics, fine.ndim)):
        length, h = fine.end[axis] - fine.origin[axis], coarse.spacing[axis]
        if last and abs(coarse.end[axis] - fine.end[axis]) > 1e-6 * h:
            divisor = length / math.ceil(length / h)
            problems.add(
                key,
                f"a spacing of {h:g} m moves the end of the model along {fine.axes[axis]}, "
                f"where the pressure is zero, to {coarse.end[axis]:g} m; use one that divides "
                f"its length of {length:g} m, such as `{dotted(key)}: {divisor:.12g}`, or "
                f"absorb on that side",
            )
            return False
    return True


def key(physics: schema.PhysicsSection, other: Key) -> Key:
    """Where the spacing of the propagation is said: in the physics, or for a stage or image.

    Parameters
    ----------
    physics : PhysicsSection
    other : Key
        Where the spacing of the stage or image is in the config.

    Returns
    -------
    key : Key
    """
    return KEY if isinstance(physics.grid, float) else other


def placed(
    numerics: Numerics,
    physics: schema.PhysicsSection,
    fastest: EarthModel,
    geometry: Acquisition,
) -> Numerics:
    """Numerics with the grid of the model, and a window for each shot.

    Parameters
    ----------
    numerics : Numerics
    physics : PhysicsSection
    fastest : EarthModel
        The fastest that the model may become, on its own grid.
    geometry : Acquisition

    Returns
    -------
    numerics : Numerics
    """
    earth = None if fastest.grid == numerics.grid else fastest.grid
    numerics = replace(numerics, earth=earth)
    if physics.aperture == "whole":
        return numerics
    spacing = np.array(numerics.grid.spacing)
    margin = interpolation.RADIUS[numerics.interpolation] * spacing
    if isinstance(physics.aperture, float):
        extents = windows.beyond(geometry, physics.aperture, margin)
    else:
        extents = windows.recorded(
            geometry,
            fastest.grid,
            velocity(numerics.equation, fastest),
            numerics.steps * numerics.time.step,
            margin + numerics.order // 2 * spacing,
        )
    tied, surface = walls(numerics.layer.free, numerics.grid.ndim), numerics.topography
    if surface is not None:
        # Every window has rock below all of the surface.
        deepest = max(surface.depths) + numerics.order * spacing[-1]
        for _, high in extents:
            high[-1] = max(high[-1], deepest)
    of_shots = windows.of_one_size(numerics.grid, extents, tied, 2 * numerics.order)
    if of_shots[0].whole:
        return numerics
    if surface is not None:
        of_shots = tuple(window.below(surface) for window in of_shots)
    return replace(numerics, windows=of_shots)


def velocity(equation: str, model: EarthModel) -> Array:
    """Fastest wave at every point of a model [m/s].

    Parameters
    ----------
    equation : str
        Name of the wave equation.
    model : EarthModel

    Returns
    -------
    velocity : ndarray of shape grid.shape
        [m/s]
    """
    stated = registry.load(equation)
    properties = stated.complete(model.properties, model.grid.ndim)
    return np.broadcast_to(call(stated.fastest, properties), model.grid.shape)


def speeds(equation: str, model: EarthModel) -> tuple[float, float]:
    """Slowest and fastest wave in a model [m/s]; where it is incomplete that of its fastest waves.

    Parameters
    ----------
    equation : str
        Name of the wave equation.
    model : EarthModel

    Returns
    -------
    slowest, fastest : float
        [m/s]
    """
    stated = registry.load(equation)
    needed = set(stated.properties_in(model.grid.ndim)) - set(stated.defaults)
    if needed - set(model.properties):
        return model.slowest, model.fastest
    return stated.speeds(model.properties, model.grid.ndim)
