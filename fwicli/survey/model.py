"""Earth model: P velocity and other properties on a grid, water layer, smoothing.

A model is smoothed in slowness, which keeps travel times; `regridding` transfers it to other grids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.errors import ModelError
from fwicli.survey.grid import Grid
from fwicli.survey.properties import IMPEDANCE, PLAUSIBLE, POSITIVE, PROPERTIES, UNITS
from fwicli.survey.uniform import distinct, is_uniform

Array = NDArray[Any]

# Largest difference of velocities in sea water [m/s]; sediments below are seldom so close to it.
WATER_TOLERANCE = 1.0


@dataclass(frozen=True)
class EarthModel:
    """P velocity and other properties on a grid.

    Parameters
    ----------
    grid : Grid
    vp : ndarray of shape grid.shape
        P velocity [m/s], positive and finite.
    others : mapping of str to ndarray of shape grid.shape
        Other properties by name, in their units (see `properties`): `vs` [m/s], `rho` [kg/m3],
        `qp`, `qs`, Thomsen's `epsilon`, `delta` and `gamma`, tilt `theta` and azimuth `phi` of the
        axis of symmetry [rad].

    Raises
    ------
    ModelError
        If a shape differs from the grid's, a value is not a number, or `vp` or `rho` not positive.
    """

    grid: Grid
    vp: Array
    others: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, values in self.properties.items():
            self._check(name, values)

    def _check(self, name: str, values: Array) -> None:
        if values.shape != self.grid.shape:
            raise ModelError(
                f"{name} has shape {values.shape} but the grid has {self.grid.shape}; give the "
                f"model's `shape` as (x, z) or (x, y, z), z fastest"
            )
        one = distinct(values)
        if not (np.isfinite(one) & ((one > 0) | (name not in POSITIVE))).all():
            valid = np.isfinite(values) & ((values > 0) | (name not in POSITIVE))
            point = tuple(int(i) for i in np.argwhere(~valid)[0])
            kind = "positive" if name in POSITIVE else "a number"
            expected = "a positive number" if name in POSITIVE else "a number"
            unit = UNITS.get(name, "")
            raise ModelError(
                f"{name} is {values[point]} {unit} at {self.grid.describe(point)}, and not "
                f"{kind} at {int((~valid).sum())} points in all; it must be {expected}"
            )

    @property
    def properties(self) -> dict[str, Array]:
        """All properties by name, `vp` first."""
        return {"vp": self.vp, **self.others}

    @cached_property
    def vp_min(self) -> float:
        """Smallest velocity [m/s]."""
        return float(distinct(self.vp).min())

    @cached_property
    def vp_max(self) -> float:
        """Largest velocity [m/s]."""
        return float(distinct(self.vp).max())

    def quantity(self, name: str) -> Array | None:
        """A property, or the impedance, by name; None if the model does not have it."""
        if name != IMPEDANCE:
            return self.properties.get(name)
        return self.vp * self.others["rho"] if "rho" in self.others else None

    def changed(self, properties: Mapping[str, Array]) -> EarthModel:
        """The model with other values of some properties."""
        changed = {**self.properties, **properties}
        return EarthModel(self.grid, changed.pop("vp"), changed)

    def water(self) -> NDArray[np.bool_]:
        """Points of the water layer: from the top down, those with the velocity of the top.

        Where there are velocities of S waves, those of water are zero.
        """
        vs = self.others.get("vs")
        if is_uniform(self.vp) and vs is None:
            return np.broadcast_to(np.True_, self.grid.shape)
        same = np.abs(self.vp - self.vp[..., :1]) <= WATER_TOLERANCE
        if vs is not None:
            same &= vs == 0
        column: NDArray[np.bool_] = np.logical_and.accumulate(same, axis=-1)
        return column

    def above(self, depth: float) -> NDArray[np.bool_]:
        """Points less deep than `depth` [m]."""
        z = self.grid.coordinates(self.grid.ndim - 1)
        return np.broadcast_to(z < depth, self.grid.shape)

    def smoothed(self, length: float, fixed: NDArray[np.bool_] | None = None) -> EarthModel:
        """The model with slowness, losses and other properties smoothed.

        Parameters
        ----------
        length : float
            Standard deviation of the Gaussian [m].
        fixed : ndarray of bool, of shape grid.shape, optional
            Points that keep their values.

        Returns
        -------
        model : EarthModel
        """
        sigma = [length / h for h in self.grid.spacing]

        def smooth(values: Array, power: int) -> Array:
            if is_uniform(values):
                return values
            even = scipy.ndimage.gaussian_filter(
                values.astype(float) ** power, sigma, mode="nearest"
            )
            changed = (even**power).astype(values.dtype)
            return changed if fixed is None else np.where(fixed, values, changed)

        others = {
            name: smooth(values, -1 if PROPERTIES[name].mean == "inverse" else 1)
            for name, values in self.others.items()
        }
        return EarthModel(self.grid, smooth(self.vp, -1), others)


def velocity_unit(low: float, high: float) -> str:
    """Unit in which values that are no velocities [m/s] are those of rocks.

    Parameters
    ----------
    low, high : float
        The least and the largest value.

    Returns
    -------
    unit : str
        `km/s`, `s/m` of a slowness, `s2/m2` of a squared slowness, or nothing.
    """
    if low <= 0:
        return ""
    ends = {
        "km/s": (1000 * low, 1000 * high),
        "s/m": (1 / high, 1 / low),
        "s2/m2": (high**-0.5, low**-0.5),
    }
    slowest, fastest = PLAUSIBLE["vp"]
    fitting = (name for name, (a, b) in ends.items() if slowest <= a and b <= fastest)
    return next(fitting, "")
