"""Where a survey lies: its axes, and the model that it needs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.coordinates import CoordinatesSection
from fwicli.survey import coordinates
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.gathers import Gathers
from fwicli.workflows.assembly import frames

Array = NDArray[Any]

# Of sediments under water, and of waves that turn back at the bottom of the model [m/s].
SLOWEST, SPEED = 1500.0, 2500.0
# Points per wavelength of the slowest wave at the highest frequency that is used.
POINTS = 4.0
# Of the model beyond the outermost positions, in points of its grid.
MARGIN = 20
# Spacings that are chosen, times a power of ten.
ROUND = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5, 8.0)
# A survey lies along a line if it is this much narrower than long [m / m].
NARROW = 0.1


@dataclass(frozen=True)
class Placement:
    """Positions on the axes of a model.

    Attributes
    ----------
    sources, receivers : ndarray of shape (n, ndim)
        [m].
    coordinates : CoordinatesSection or None
        How they came there from a map.
    notes : tuple of str
        The same in words.
    """

    sources: Array
    receivers: Array
    coordinates: CoordinatesSection | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, acquisition: Acquisition, section: CoordinatesSection | None = None) -> Placement:
        """Positions of a survey: along x, along the line of a narrow survey, or over a plane.

        Parameters
        ----------
        acquisition : Acquisition
        section : CoordinatesSection, optional
            Axes of the model; by default a narrow survey is projected on the best line.

        Returns
        -------
        placement : Placement

        Raises
        ------
        GeometryError
            If the positions do not fit the axes.
        """
        receivers = acquisition.all_receivers()
        receivers = receivers[np.isfinite(receivers).all(axis=1)]
        plane = acquisition.ndim == 3
        if plane:
            points = np.concatenate([acquisition.sources, receivers])[:, :2]
            length, width, _ = coordinates.principal_axis(points - points.mean(axis=0))
            plane = width > NARROW * length
            if not plane and section is None:
                section = CoordinatesSection(fit="line")
        on_axes = frames.in_model(section, acquisition.sources, receivers, 3 if plane else 2)
        return cls(on_axes[0], on_axes[1], section, on_axes[2])

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return int(self.sources.shape[1])

    @property
    def above(self) -> float:
        """Height of the highest position above z = 0 [m]; 0 if none is above it."""
        return max(0.0, -min(float(p[:, -1].min()) for p in (self.sources, self.receivers)))

    def bounds(self) -> tuple[Array, Array]:
        """Least and largest coordinates of all positions, shape (ndim,) [m]."""
        points = np.concatenate([self.sources, self.receivers])
        return points.min(axis=0), points.max(axis=0)


@dataclass(frozen=True)
class Extent:
    """Grid of the model that a survey needs.

    Attributes
    ----------
    spacing : float
        [m].
    shape : tuple of int
    origin : tuple of float
        [m].
    """

    spacing: float
    shape: tuple[int, ...]
    origin: tuple[float, ...]

    @classmethod
    def of(cls, placement: Placement, records: Gathers, highest: float) -> Extent:
        """The grid for a survey, down to where waves turn back within its records.

        Parameters
        ----------
        placement : Placement
        records : Gathers
        highest : float
            Highest frequency that is used [Hz].

        Returns
        -------
        extent : Extent
        """
        spacing = _rounded(SLOWEST / (POINTS * highest))
        least, most = placement.bounds()
        margin = MARGIN * spacing
        begin = np.floor((least - margin) / spacing) * spacing
        end = np.ceil((most + margin) / spacing) * spacing
        # A depth of z = 0 or less: the top is the surface.
        begin[-1] = min(0.0, math.floor(least[-1] / spacing) * spacing)
        end[-1] = 0.5 * SPEED * records.interval * (records.samples - 1)
        shape = np.ceil((end - begin) / spacing - 1e-9).astype(int) + 1
        return cls(spacing, tuple(shape.tolist()), tuple(float(b) + 0.0 for b in begin))


def _rounded(spacing: float) -> float:
    """One of a few round spacings [m], not larger."""
    power = 10.0 ** math.floor(math.log10(spacing))
    return max(s * power for s in ROUND if s * power <= spacing * 1.001)
