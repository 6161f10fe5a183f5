"""From sections of a config to the objects that they describe."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.arrays import ArrayFileSection
from fwicli.config.data import DataSection
from fwicli.digits import round_down
from fwicli.errors import DataError, GeometryError, ModelError
from fwicli.files.arrays import Stored
from fwicli.propagators.absorbing import SIDES, SURFACE, AbsorbingLayer, walls
from fwicli.propagators.equations import registry
from fwicli.propagators.sampling import interpolation
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.gathers import Gathers
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.properties import PROPERTIES
from fwicli.survey.topography import Topography
from fwicli.survey.uniform import pointwise, uniform
from fwicli.workflows.assembly import corrections, field_records, grid_files, plausibility, sizes
from fwicli.workflows.assembly.equation import stencil, wave_equation

Array = NDArray[Any]


def earth_model(
    section: schema.ModelSection, surface: Callable[[Grid], Topography | None] | None = None
) -> EarthModel:
    """The model of a section, in SI units, smoothed where the section says so.

    Parameters
    ----------
    section : ModelSection
    surface : callable, optional
        The topography of a grid, if there is one; by default there is none.

    Returns
    -------
    model : EarthModel
        In the air it has the properties of the rock below.
    """
    if section.shape is not None:
        names = [name for name in PROPERTIES if getattr(section, name) is not None]
        sizes.model(
            section.shape, len([n for n in names if not isinstance(getattr(section, n), float)])
        )
    leading = section.leading
    values, stored = read_property(section, getattr(section, leading))
    grid = _grid(section, tuple(values.shape), stored)
    scaled = partial(_scaled, scale=PROPERTIES[leading].unit.scale(section.unit))
    properties = {leading: pointwise(scaled, values)}
    for name, unit in _others(section).items():
        source = getattr(section, name)
        if name == leading or source is None:
            continue
        if isinstance(source, float):
            properties[name] = uniform(source * unit, grid.shape)
        else:
            properties[name] = read_property(section, source)[0].astype(np.float64) * unit
    model = EarthModel.below(grid, properties, None if surface is None else surface(grid))
    if section.smooth is None:
        return model
    check_smoothing(section.smooth.length, grid)
    return model.smoothed(section.smooth.length, kept_points(model, section.smooth.keep))


def _scaled(values: Array, scale: float) -> Array:
    """Values in double precision, times a scale."""
    return np.asarray(values.astype(np.float64) * scale)


def check_smoothing(length: float, grid: Grid) -> None:
    """Refuse to smooth over more than there is of a model.

    Parameters
    ----------
    length : float
        Standard deviation of the Gaussian [m].
    grid : Grid

    Raises
    ------
    ModelError
    """
    longest = max(e - o for o, e in zip(grid.origin, grid.end, strict=True))
    if length > longest:
        raise ModelError(
            f"smoothing over {length:g} m reaches beyond the longest side of the model, "
            f"{longest:g} m; use a `length` of {round_down(longest):g} m or less, or a constant vp"
        )


def _grid(section: schema.ModelSection, shape: tuple[int, ...], stored: Stored | None) -> Grid:
    """The grid of a model: as the section says, or else the file."""
    ndim = len(shape)
    spacing = _each(section.spacing, ndim, "spacing")
    origin = _each(section.origin, ndim, "origin")
    if stored is not None:
        _check_agreement(stored, spacing, origin)
        spacing = spacing or stored.numbers("spacing", "m", ndim, positive=True)
        origin = origin or stored.numbers("origin", "m", ndim)
    if not spacing:
        raise ModelError(
            f"the file of {section.leading} does not say its spacing; give `spacing` [m]"
        )
    plausibility.check_spacing(spacing, origin)
    return Grid(shape, tuple(spacing), tuple(origin or [0.0] * ndim))


def _check_agreement(stored: Stored, spacing: list[float], origin: list[float]) -> None:
    """Refuse a grid that contradicts that of the file: it would stretch or shift the model."""
    for name, values in (("spacing", spacing), ("origin", origin)):
        try:
            positive = name == "spacing"
            in_file = stored.numbers(name, "m", len(values), positive) if values else []
        except DataError:
            continue  # no numbers: the section alone says it
        step = min(spacing) if spacing else 1.0
        if in_file and not np.allclose(values, in_file, rtol=1e-4, atol=1e-3 * step):
            theirs, ours = (", ".join(f"{v:.9g}" for v in vs) for vs in (in_file, values))
            error = ModelError(
                f"{stored.name} states the {name} {theirs} m, and the config {ours} m; leave out "
                f"`{name}` to use that of the file, or correct the attribute of the file"
            )
            error.key = (name,)
            raise error


def _each(values: float | list[float] | None, ndim: int, name: str) -> list[float]:
    """One number for each axis of a model; none if nothing is given."""
    if values is None:
        return []
    if isinstance(values, float):
        return [values] * ndim
    if len(values) != ndim:
        error = ModelError(
            f"{len(values)} numbers for the {ndim} axes of the model; give one for each axis [m]"
        )
        error.key = (name,)
        raise error
    return values


def _others(section: schema.ModelSection) -> dict[str, float]:
    """Properties beside velocity, and the units that they are given in, in SI."""
    return {
        name: prop.unit.scale(getattr(section, prop.unit.setting, ""))
        for name, prop in PROPERTIES.items()
        if name != "vp"
    }


def kept_points(model: EarthModel, what: str | float) -> NDArray[np.bool_]:
    """Points that a config keeps as they are: the water, all above a depth [m], or nothing.

    The air above a topography always is among them.

    Parameters
    ----------
    model : EarthModel
    what : str or float
        "water", "nothing", or a depth [m].

    Returns
    -------
    points : ndarray of bool, shape grid.shape
    """
    if what == "water":
        return model.covered()
    if what == "nothing":
        return model.air
    above = model.above(float(what))
    return above if model.topography is None else above | model.air


def read_property(
    section: schema.ModelSection, source: float | ArrayFileSection
) -> tuple[Array, Stored | None]:
    """Values of a property as they are in its file, and the attributes of the file.

    Parameters
    ----------
    section : ModelSection
        It gives the shape of constants and raw files.
    source : float or ArrayFileSection

    Returns
    -------
    values : ndarray
        In the unit of the file.
    stored : Stored or None
        None for a constant.

    Raises
    ------
    ModelError, DataError
        If the file cannot be read, or has another shape.
    """
    if isinstance(source, float):
        return uniform(source, tuple(section.shape or ())), None
    shape = source.shape or section.shape
    stored = grid_files.read(source, shape)
    values = stored.values
    if shape is not None and list(values.shape) != shape:
        raise ModelError(f"{stored.name} holds shape {values.shape}, not `shape` {shape}")
    if values.ndim not in (2, 3):
        raise ModelError(
            f"{stored.name} holds shape {values.shape}, and a model has (x, z) or (x, y, z), z "
            f"fastest; if the file is raw binary, give its `shape`"
        )
    return values, stored


# --- data -----------------------------------------------------------------------------------------


def gathers(section: DataSection, wavelet: bool = True) -> Gathers:
    """Records of a data section, with their silent traces noted.

    Parameters
    ----------
    section : DataSection
    wavelet : bool
        Whether the wavelet that the file holds is read as well.

    Returns
    -------
    records : Gathers
    """
    records = field_records.read(section, wavelet)
    if records.stored and sizes.affordable(records.data):
        records = records.loaded()
    records = corrections.corrected(records, section).from_zero()
    if section.duration is not None:
        records = records.until(section.duration)
    return records.with_silence(section.silent == "compare")


# --- discretisation -------------------------------------------------------------------------------


def absorbing(
    physics: schema.PhysicsSection,
    grid: Grid,
    geometry: Acquisition,
    velocity: float,
    frequency: float,
) -> AbsorbingLayer:
    """Absorbing layer of a run, with a gap where the interpolation would reach into it.

    Parameters
    ----------
    physics : PhysicsSection
    grid : Grid
        Of the propagation.
    geometry : Acquisition
    velocity : float
        Fastest wave [m/s].
    frequency : float
        Centre of the spectrum, unless the section says another [Hz].

    Returns
    -------
    layer : AbsorbingLayer
    """
    everything = np.concatenate([geometry.sources, geometry.all_sensed()])
    position = (everything - np.asarray(grid.origin)) / np.asarray(grid.spacing)
    last = np.asarray(grid.shape) - 1
    radius, free = interpolation.RADIUS[physics.interpolation], free_sides(physics, grid.ndim)
    # Weights beyond a free side are mirrored; nothing absorbs there.
    absorbs = ~np.array(walls(free, grid.ndim))
    near = (position < radius) & absorbs[:, 0] | (position > last - radius) & absorbs[:, 1]
    off_grid = np.abs(position - np.rint(position)) > 1e-6
    gap = radius if bool((near & off_grid).any()) else 0
    layer = physics.absorbing
    centre = layer.frequency or frequency
    return AbsorbingLayer(layer.cells, velocity, centre, gap, free)


def free_sides(physics: schema.PhysicsSection, ndim: int) -> tuple[str, ...]:
    """Sides without an absorbing layer.

    Parameters
    ----------
    physics : PhysicsSection
    ndim : int
        Dimensions of the model.

    Returns
    -------
    sides : tuple of str
        As in `propagators.absorbing.SIDES`.

    Raises
    ------
    GeometryError
        If a side is named that the model does not have.
    PhysicsError
        If the equation has no free surface.
    """
    own = {name: side for side, name in SIDES.items() if ndim == 3 or side[0] != "y"}
    absorbing = physics.absorbing.sides
    if physics.topography is not None:
        registry.load(wave_equation(physics)).check_topography(SURFACE, stencil(physics))
        return SURFACE
    if absorbing is None:
        surface = SURFACE if physics.free_surface else ()
        registry.load(wave_equation(physics)).check_sides(surface)
        return surface
    for name in absorbing:
        if name not in own:
            raise GeometryError(
                f"a model of {ndim} dimensions has no side `{name}`; its sides are {', '.join(own)}"
            )
    free = tuple(side for name, side in own.items() if name not in absorbing)
    registry.load(wave_equation(physics)).check_sides(free)
    return free
