"""From the section `imaging` of a config to the tasks of a migration, and its gathers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.imaging import GathersSection, ImagingSection
from fwicli.imaging.conditions.names import (
    CHANGES,
    CORRELATION,
    EXCITATION_IMAGE,
    FIELDS,
    LAGGED_GATHERS,
    sums,
)
from fwicli.imaging.extended.bins import OffsetBins, SourceBins, SourcePart, TraceParts
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel

if TYPE_CHECKING:
    from fwicli.imaging.extended.angle_stacks import AngleStack
    from fwicli.imaging.extended.gathers import DistanceBins, Moveout
    from fwicli.imaging.extended.lags import SubsurfaceOffset, TimeShift
    from fwicli.propagators.discretization import Discretization

Array = NDArray[Any]

# Angles of angle gathers [deg], curvatures that are tried and means of dips in cells, and bins
# of distances.
ANGLE_STEP = 2.5
DIPS = 6.0
CURVATURES = np.linspace(-12.0, 12.0, 97)
BINS = 21
OFFSETS = 8
LABELS = {
    "subsurface_offset": "half offset [m]",
    "time_shift": "half time shift [s]",
    "source_distance": "distance from the source [m]",
    "surface_offset": "offset [m]",
    "common_shot": "position of the source [m]",
}


@dataclass(frozen=True)
class ImageGathers:
    """Gathers of an image on the grid of the propagation.

    Attributes
    ----------
    kind : str
    lags : ndarray of shape (n,)
        Half offsets, distances, offsets or positions of sources [m], half time shifts [s].
    values : ndarray of shape (n, *grid)
    angles : ndarray of shape (n_angles,)
        [deg]; empty without angle gathers.
    by_angle : ndarray of shape (n_angles, *grid)
    moveout : Moveout or None
        Of the angle gathers; by offset, distance or source, the ratio of velocities.
    """

    kind: str
    lags: Array
    values: Array
    angles: Array
    by_angle: Array
    moveout: Moveout | None

    @property
    def curvature(self) -> str:
        """Name of the curvature of the moveout."""
        return "curvature" if self.angles.size else "velocity_ratio"

    @property
    def unit(self) -> str:
        """Unit of the lags."""
        return "s" if self.kind == "time_shift" else "m"


def kernel_sums(imaging: ImagingSection, equation: str) -> tuple[str, ...]:
    """Sums over time that the kernel of a migration accumulates.

    Parameters
    ----------
    imaging : ImagingSection
    equation : str

    Returns
    -------
    tuple of str
    """
    if imaging.condition in CHANGES:
        # Two dimensions or three: the sums are the same.
        return (*sums(imaging.condition, equation, 2)[0], "illumination")
    if imaging.condition == EXCITATION_IMAGE:
        return (CORRELATION,)
    condition = CORRELATION if imaging.condition in FIELDS else imaging.condition
    return (condition, "illumination")


def needs_fields(imaging: ImagingSection) -> bool:
    """Whether an image or its gathers need both fields of a shot in memory."""
    lagged = imaging.gathers is not None and imaging.gathers.kind in LAGGED_GATHERS
    return lagged or imaging.condition in FIELDS


def parameters(
    imaging: ImagingSection, values: Mapping[str, Array], earth: EarthModel
) -> Mapping[str, Array]:
    """Parameters that the tasks of a migration share.

    Parameters
    ----------
    imaging : ImagingSection
    values : mapping of str to ndarray of shape (*grid,)
        Parameters of the equation.
    earth : EarthModel

    Returns
    -------
    mapping of str to ndarray of shape (*grid,)
        With the properties of the earth, where the image needs them.
    """
    from fwicli.imaging.migration import with_earth  # late: Devito

    needed = imaging.condition in CHANGES or imaging.illumination_of == "hessian"
    return with_earth(values, earth.properties) if needed else values


def options(
    imaging: ImagingSection,
    discretization: Discretization,
    shot: int,
    sources: Array,
    receivers: Array,
) -> dict[str, Any]:
    """Options of the task of a shot, beside its data.

    Parameters
    ----------
    imaging : ImagingSection
    discretization : Discretization
    shot : int
    sources : ndarray of shape (n_shots, ndim)
        Positions of all [m].
    receivers : ndarray of shape (n_receivers, ndim)
        Positions of the migrated traces of the shot [m].

    Returns
    -------
    dict of str to object
        Arguments of `ExtendedMigrationTask`.
    """
    from fwicli.imaging.apertures import AngleTaper

    angle, is_product = imaging.max_angle, imaging.condition in FIELDS
    return {
        "condition": CORRELATION if is_product else imaging.condition,
        "product": imaging.condition if is_product else "",
        "lags": _lags(imaging.gathers, discretization, shot, sources, receivers),
        "subtract_modelled": imaging.subtract_modelled,
        "energy": imaging.illumination_of,
        "taper": None if angle is None else AngleTaper(max(0.0, angle - 10.0), angle + 10.0),
        "seed": shot,
    }


def _lags(
    section: GathersSection | None,
    discretization: Discretization,
    shot: int,
    sources: Array,
    receivers: Array,
) -> SubsurfaceOffset | TimeShift | DistanceBins | TraceParts | SourcePart | None:
    """Gathers of a shot that a section asks for, None without one."""
    from fwicli.imaging.extended.gathers import DistanceBins
    from fwicli.imaging.extended.lags import SubsurfaceOffset, TimeShift

    if section is None:
        return None
    if section.kind == "common_shot":
        return SourcePart(source_bins(section, sources).number(float(sources[shot, 0])))
    largest = section.largest or 0.0
    if section.kind == "surface_offset":
        return TraceParts(offset_bins(section).membership(sources[shot], receivers))
    if section.kind == "source_distance":
        return DistanceBins(largest, BINS)
    if section.kind == "time_shift":
        return TimeShift(max(1, round(largest / _shift_step(discretization))))
    return SubsurfaceOffset(max(1, round(largest / discretization.grid.spacing[0])))


def offset_bins(section: GathersSection) -> OffsetBins:
    """Bins of surface offset.

    Parameters
    ----------
    section : GathersSection

    Returns
    -------
    OffsetBins
    """
    return OffsetBins(section.largest or 0.0, section.bins or OFFSETS)


def source_bins(section: GathersSection, sources: Array) -> SourceBins:
    """Bins of the positions of sources.

    Parameters
    ----------
    section : GathersSection
    sources : ndarray of shape (n_shots, ndim)
        Positions [m].

    Returns
    -------
    SourceBins
    """
    return SourceBins.of_sources(sources[:, 0], section.bins)


def propagations(imaging: ImagingSection, acquisition: Acquisition) -> float:
    """Propagations of a shot beside one forwards and one back, on average over shots.

    Parameters
    ----------
    imaging : ImagingSection
    acquisition : Acquisition

    Returns
    -------
    float
    """
    more = {"source": 0.0, "both": 2.0, "hessian": 4.0}[imaging.illumination_of]
    more += 2.0 * needs_fields(imaging)
    section = imaging.gathers
    if section is None or section.kind != "surface_offset":
        return more
    bins, shots = offset_bins(section), range(acquisition.shots)
    parts = [
        TraceParts(bins.membership(acquisition.source(n), acquisition.receivers_of(n))).count
        for n in shots
    ]
    return more + float(np.mean(parts)) - 1.0


def rows(section: GathersSection, spacing: float, interval: float, sources: Array) -> int:
    """Number of images that the gathers of a section have.

    Parameters
    ----------
    section : GathersSection
    spacing : float
        Of the grid of the propagation along x [m].
    interval : float
        Between samples of whole fields [s].
    sources : ndarray of shape (n_shots, ndim)
        Positions [m].

    Returns
    -------
    int
    """
    largest = section.largest or 0.0
    steps = {"subsurface_offset": spacing, "time_shift": interval / 2}
    if section.kind in steps:
        return 2 * max(1, round(largest / steps[section.kind])) + 1
    if section.kind == "source_distance":
        return BINS
    if section.kind == "surface_offset":
        return offset_bins(section).count
    return source_bins(section, sources).count


def gathers(
    section: GathersSection,
    discretization: Discretization,
    sources: Array,
    values: Array,
    velocity: Array,
) -> ImageGathers:
    """Gathers with their lags, angle gathers, and residual moveout.

    Parameters
    ----------
    section : GathersSection
    discretization : Discretization
    sources : ndarray of shape (n_shots, ndim)
        Positions [m].
    values : ndarray of shape (n, *grid)
    velocity : ndarray of shape (*grid,)
        Of P waves in the model of the migration [m/s].

    Returns
    -------
    ImageGathers
    """
    from fwicli.imaging.extended import angle_stacks, velocities
    from fwicli.imaging.extended.gathers import moveout as scan

    grid, kind = discretization.grid, section.kind
    axis = _axis(section, discretization, sources, len(values))
    none = np.zeros(0)
    if kind in LAGGED_GATHERS and section.angles is None:
        return ImageGathers(kind, axis, values, none, none, None)
    if kind in LAGGED_GATHERS:
        angles = np.arange(0.0, (section.angles or 0.0) + 1e-9, ANGLE_STEP)
        stack: AngleStack
        if kind == "time_shift":
            dips = angle_stacks.local_dips(values[len(axis) // 2], grid, DIPS * grid.spacing[-1])
            stack = angle_stacks.TimeShiftStack(axis, angles, grid, velocity, dips)
        else:
            stack = angle_stacks.SlantStack(axis, angles, grid)
        by_angle = stack.gathers(values)
        curvatures = CURVATURES * grid.spacing[-1]
        smoothing = 3 * grid.spacing[-1]
        moveout = scan(by_angle, angles, grid, curvatures, smoothing)
        return ImageGathers(kind, axis, values, angles, by_angle, moveout)
    if grid.ndim == 3:
        return ImageGathers(kind, axis, values, none, none, None)
    halves = {
        "surface_offset": axis / 2,
        "source_distance": axis,
        "common_shot": np.abs(axis[:, None] - grid.coordinates(0)),
    }[kind]
    moveout = velocities.velocity_ratios(values, halves, grid, float(sources[:, -1].mean()))
    return ImageGathers(kind, axis, values, none, none, moveout)


def _axis(
    section: GathersSection, discretization: Discretization, sources: Array, count: int
) -> Array:
    """Lags, offsets or positions of gathers [m or s]."""
    if section.kind == "surface_offset":
        return offset_bins(section).centres
    if section.kind == "common_shot":
        return source_bins(section, sources).centres
    half = count // 2
    if section.kind == "time_shift":
        step = _shift_step(discretization)
    elif section.kind == "source_distance":
        step = (section.largest or 0.0) / half
    else:
        step = discretization.grid.spacing[0]
    return step * np.arange(-half, half + 1)


def _shift_step(discretization: Discretization) -> float:
    """Between half time shifts [s]."""
    from fwicli.imaging.extended.fields import sparse_in_time

    return sparse_in_time(discretization)[0].time.interval / 2


def draw(path: Path, gathers: ImageGathers, grid: Grid, at: list[float] | None) -> None:
    """Draw gathers with their moveout, and below those of lags those of angles.

    Parameters
    ----------
    path : Path
        PNG file to write.
    gathers : ImageGathers
    grid : Grid
        In 2D.
    at : list of float or None
        Positions along x [m].
    """
    from fwicli.plotting import image_gathers  # late: a check needs no Matplotlib

    moveout = gathers.moveout
    rows = [image_gathers.GatherPanels(gathers.values, gathers.lags, LABELS[gathers.kind])]
    if gathers.angles.size:
        rows.append(image_gathers.GatherPanels(gathers.by_angle, gathers.angles, "angle [deg]"))
    if moveout is not None:
        energy = moveout.energy * moveout.semblance**2
        fitted: dict[str, Any] = {
            "curvature": moveout.curvature,
            "energy": energy,
            "fitted": gathers.curvature,
        }
        rows[-1] = replace(rows[-1], **fitted)
    image_gathers.gathers(path, rows, grid, at)
