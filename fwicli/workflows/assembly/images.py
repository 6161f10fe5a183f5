"""From the section `imaging` of a config to the tasks of a migration, and its gathers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.imaging import GathersSection, ImagingSection
from fwicli.imaging.conditions.names import CHANGES, CORRELATION, FIELDS, sums
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel

if TYPE_CHECKING:
    from fwicli.imaging.extended.gathers import DistanceBins, Moveout
    from fwicli.imaging.extended.lags import SubsurfaceOffset, TimeShift
    from fwicli.propagators.discretization import Discretization

Array = NDArray[Any]

# Angles of angle gathers [deg], curvatures that are tried in cells, and bins of distances.
ANGLE_STEP = 2.5
CURVATURES = np.linspace(-12.0, 12.0, 97)
BINS = 21


@dataclass(frozen=True)
class ImageGathers:
    """Gathers of an image on the grid of the propagation.

    Attributes
    ----------
    kind : str
    lags : ndarray of shape (n,)
        Half offsets or distances [m], half time shifts [s].
    values : ndarray of shape (n, *grid)
    angles : ndarray of shape (n_angles,)
        [deg]; empty without angle gathers.
    by_angle : ndarray of shape (n_angles, *grid)
    moveout : Moveout or None
        Of the angle gathers.
    """

    kind: str
    lags: Array
    values: Array
    angles: Array
    by_angle: Array
    moveout: Moveout | None

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
    condition = CORRELATION if imaging.condition in FIELDS else imaging.condition
    return (condition, "illumination")


def needs_fields(imaging: ImagingSection) -> bool:
    """Whether an image or its gathers need both fields of a shot in memory."""
    lagged = imaging.gathers is not None and imaging.gathers.kind != "source_distance"
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


def options(imaging: ImagingSection, discretization: Discretization, shot: int) -> dict[str, Any]:
    """Options of the task of a shot, beside its data.

    Parameters
    ----------
    imaging : ImagingSection
    discretization : Discretization
    shot : int

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
        "lags": lags(imaging.gathers, discretization),
        "subtract_modelled": imaging.subtract_modelled,
        "energy": imaging.illumination_of,
        "taper": None if angle is None else AngleTaper(max(0.0, angle - 10.0), angle + 10.0),
        "seed": shot,
    }


def lags(
    section: GathersSection | None, discretization: Discretization
) -> SubsurfaceOffset | TimeShift | DistanceBins | None:
    """Gathers that a section asks for, None without one.

    Parameters
    ----------
    section : GathersSection or None
    discretization : Discretization

    Returns
    -------
    SubsurfaceOffset, TimeShift, DistanceBins or None
    """
    from fwicli.imaging.extended.fields import sparse_in_time
    from fwicli.imaging.extended.gathers import DistanceBins
    from fwicli.imaging.extended.lags import SubsurfaceOffset, TimeShift

    if section is None:
        return None
    if section.kind == "source_distance":
        return DistanceBins(section.largest, BINS)
    if section.kind == "time_shift":
        interval = sparse_in_time(discretization)[0].time.interval
        return TimeShift(max(1, round(section.largest / interval)))
    return SubsurfaceOffset(max(1, round(section.largest / discretization.grid.spacing[0])))


def gathers(section: GathersSection, discretization: Discretization, values: Array) -> ImageGathers:
    """Gathers with their lags, and angle gathers with their moveout.

    Parameters
    ----------
    section : GathersSection
    discretization : Discretization
    values : ndarray of shape (n, *grid)

    Returns
    -------
    ImageGathers
    """
    from fwicli.imaging.extended import gathers as stacks
    from fwicli.imaging.extended.fields import sparse_in_time

    grid: Grid = discretization.grid
    half = len(values) // 2
    interval = sparse_in_time(discretization)[0].time.interval
    step = {
        "subsurface_offset": grid.spacing[0],
        "time_shift": interval,
        "source_distance": section.largest / half,
    }[section.kind]
    axis = step * np.arange(-half, half + 1)
    if section.angles is None:
        return ImageGathers(section.kind, axis, values, np.zeros(0), np.zeros(0), None)
    angles = np.arange(0.0, section.angles + 1e-9, ANGLE_STEP)
    by_angle = stacks.SlantStack(axis, angles, grid).gathers(values)
    curvatures = CURVATURES * grid.spacing[-1]
    smoothing = 3 * grid.spacing[-1]
    moveout = stacks.moveout(by_angle, angles, grid, curvatures, smoothing)
    return ImageGathers(section.kind, axis, values, angles, by_angle, moveout)


def draw(path: Path, gathers: ImageGathers, grid: Grid, at: list[float] | None) -> None:
    """Draw gathers of lags, and below them those of angles.

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

    label = {"subsurface_offset": "half offset [m]", "time_shift": "half time shift [s]"}
    axis = label.get(gathers.kind, "distance from the source [m]")
    rows = [image_gathers.GatherPanels(gathers.values, gathers.lags, axis)]
    if (moveout := gathers.moveout) is not None:
        by_angle = gathers.by_angle, gathers.angles, "angle [deg]"
        weights = moveout.energy * moveout.semblance**2
        rows.append(image_gathers.GatherPanels(*by_angle, moveout.curvature, weights))
    image_gathers.gathers(path, rows, grid, at)
