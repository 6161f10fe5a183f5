"""Where waves are propagated: on which grid, and in which window of it for each shot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.loader import Key
from fwicli.digits import round_down
from fwicli.propagators.absorbing import walls
from fwicli.propagators.equations import registry
from fwicli.propagators.equations.equation import call
from fwicli.propagators.sampling import interpolation
from fwicli.survey import windows
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.wavelets import Spectrum
from fwicli.workflows.planning.checks import Checks, points_needed
from fwicli.workflows.planning.numerics import Numerics

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
    fewest : float
        Points per wavelength that there must be in any case.
    """
    needed = max(points_needed(physics), fewest)
    return round_down(slowest / spectrum.highest / needed * (1 - 1e-9))


def grids(
    checks: Checks,
    physics: schema.PhysicsSection,
    model: Grid,
    limit: float,
    other: Key = (),
    spacing: float | str | None = None,
) -> tuple[Grid, Grid] | None:
    """Grid of the unknowns or the image, and that of the propagation.

    Parameters
    ----------
    limit : float
        Longest spacing that the waves allow [m].
    other : Key
        Where the spacing of unknowns or image is said.
    spacing : float, str or None
        What is said there [m].
    """
    earth = checks.coarse(other, model, spacing, limit)
    if earth is None:
        return None
    waves = checks.coarse(KEY, earth, None if physics.grid == "model" else physics.grid, limit)
    return None if waves is None else (earth, waves)


def key(physics: schema.PhysicsSection, other: Key) -> Key:
    """Where the spacing of the propagation is said: in the physics, or for a stage or image."""
    return other if isinstance(physics.grid, str) else KEY


def placed(
    numerics: Numerics,
    physics: schema.PhysicsSection,
    fastest: EarthModel,
    geometry: Acquisition,
) -> Numerics:
    """Numerics with the grid of the model, and a window for each shot.

    Parameters
    ----------
    fastest : EarthModel
        The fastest that the model may become, on its own grid.
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
            numerics.steps * numerics.axis.step,
            margin + numerics.order // 2 * spacing,
        )
    tied = walls(numerics.layer.free, numerics.grid.ndim)
    found = windows.of_one_size(numerics.grid, extents, tied, 2 * numerics.order)
    return numerics if found[0].whole else replace(numerics, windows=found)


def velocity(equation: str, model: EarthModel) -> Array:
    """Fastest wave at every point of a model [m/s]."""
    stated = registry.load(equation)
    known = stated.complete(model.properties, model.grid.ndim)
    return np.broadcast_to(call(stated.fastest, known), model.grid.shape)


def speeds(equation: str, model: EarthModel) -> tuple[float, float]:
    """Slowest and fastest wave in a model [m/s]; where it is incomplete those of vp alone."""
    stated = registry.load(equation)
    needed = set(stated.properties_in(model.grid.ndim)) - set(stated.defaults)
    if needed - set(model.properties):
        return model.vp_min, model.vp_max
    return stated.speeds(model.properties, model.grid.ndim)
