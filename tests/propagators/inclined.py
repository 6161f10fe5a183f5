"""Waves below an inclined plane, whose exact records are those of Lamb's problem, turned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from fwicli import Component, Points, Propagator
from fwicli.survey.signals.wavelets import ricker, times
from tests.propagators import halfspace

Array = NDArray[np.float64]

VP, VS, RHO = halfspace.EARTH
SPACING, INTERVAL = 10.0, 0.002
# Along the surface, and below it, in S wavelengths at the peak frequency.
OFFSETS, DEPTHS = (1.0, 2.0, 3.0, 4.0), (0.0, 0.3)


@dataclass(frozen=True)
class Plane:
    """A plane by its dip along x [deg], None for the flat surface without topography.

    `share` is the depth of it below a row of points, in cells.
    """

    angle: float | None
    share: float = 0.0

    def __str__(self) -> str:
        return "free" if self.angle is None else f"{self.angle:g} deg, {self.share:g}"


def errors(plane: Plane, points: float, depth: float, order: int = 8) -> Array:
    """Relative errors of velocities against Lamb's problem.

    Parameters
    ----------
    plane : Plane
    points : float
        Of a grid of 10 m, in the S wavelength at the peak frequency of a Ricker wavelet.
    depth : float
        Of the source below the surface [wavelengths].
    order : int
        Of the space differences.

    Returns
    -------
    ndarray of shape (depths, offsets)
    """
    length, angle = points * SPACING, np.radians(plane.angle or 0.0)
    along, down = (
        np.array([np.cos(angle), np.sin(angle)]),
        np.array([-np.sin(angle), np.cos(angle)]),
    )
    places = np.array([[x, z] for z in DEPTHS for x in OFFSETS]) * length
    start, rows = 1.2 * length + 43.7, 10 if plane.angle is not None else 0
    width = int((start + 5.2 * length * along[0]) / SPACING)
    x = np.arange(width) * SPACING
    surface = (rows + plane.share) * SPACING + np.tan(angle) * x
    shape = width, int((surface.max() + max(1.5 * length, 300.0)) / SPACING)
    frequency, samples = VS / length, int(5.6 * length / VS / INTERVAL)
    options = {"topography": surface} if plane.angle is not None else {"free": ("z-",)}
    earth = {"vs": np.full(shape, VS), "rho": np.full(shape, RHO)}
    F = Propagator.for_model(
        np.full(shape, VP),
        SPACING,
        dt=INTERVAL,
        frequency=frequency,
        samples=samples,
        properties=earth,
        equation="elastic",
        order=order,
        precision="float64",
        **options,
    )
    model = F.parameters(vp=np.full(shape, VP), **earth)
    wavelet = ricker(times(INTERVAL, samples), frequency, 1.2 / frequency)
    origin = np.array([start, (rows + plane.share) * SPACING + np.tan(angle) * start])
    source = Points((origin + depth * length * down)[None], Component("force", *_direction(down)))
    at = origin + places @ np.stack([along, down])
    turned = [Component("velocity", *_direction(e)) for e in (along, down)]
    receivers = Points(np.concatenate([at, at]), [c for c in turned for _ in at])
    gather = F.forward(model, wavelet[None], source, receivers).reshape(2, len(places), -1)
    expected = _exact(points, depth, samples)
    error = np.sqrt(((gather - expected) ** 2).sum(axis=(0, 2)) / (expected**2).sum(axis=(0, 2)))
    return np.asarray(error.reshape(len(DEPTHS), len(OFFSETS)))


def _direction(e: Array) -> tuple[float, float]:
    """Dip and azimuth of a direction [deg]."""
    return float(np.degrees(np.arctan2(e[1], abs(e[0])))), 0.0 if e[0] >= 0 else 180.0


@cache
def _exact(points: float, depth: float, samples: int) -> Array:
    """Velocities along the surface and down, of shape (2, places, samples)."""
    length = points * SPACING
    places = np.array([[x, z] for z in DEPTHS for x in OFFSETS]) * length
    wavelet = ricker(times(INTERVAL, samples), VS / length, 1.2 * length / VS)
    source = depth * length, "fz"
    return halfspace.velocities(halfspace.EARTH, source, places, wavelet, INTERVAL, SPACING / 2)
