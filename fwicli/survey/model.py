"""Earth model: velocity and other properties on a grid, water layer, smoothing.

A model is smoothed in slowness, which keeps travel times; `regridding` transfers it to other grids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.deprecation import renamed_fields
from fwicli.errors import ModelError
from fwicli.survey.grid import Grid
from fwicli.survey.properties import COMBINATIONS, PLAUSIBLE, POSITIVE, PROPERTIES, UNITS
from fwicli.survey.topography import Topography
from fwicli.survey.uniform import distinct, is_uniform

Array = NDArray[Any]

# Largest difference of velocities in sea water [m/s]; sediments below are seldom so close to it.
WATER_TOLERANCE = 1.0


@renamed_fields(vp_min="slowest", vp_max="fastest")
@dataclass(frozen=True, init=False)
class EarthModel:
    """P velocity and other properties on a grid.

    Parameters
    ----------
    grid : Grid
    vp : ndarray of shape grid.shape, or None
        P velocity [m/s], positive and finite; None for equations without P waves.
    others : mapping of str to ndarray of shape grid.shape
        Other properties by name, in their units (see `properties`): `vs` [m/s], `rho` [kg/m3],
        `qp`, `qs`, Thomsen's `epsilon`, `delta` and `gamma`, tilt `theta` and azimuth `phi` of the
        axis of symmetry [rad].
    topography : Topography, optional
        Surface with air above, on the same grid; values in the air stand for nothing.

    Attributes
    ----------
    properties : mapping of str to ndarray of shape grid.shape
        All by name, `vp` first.

    Raises
    ------
    ModelError
        If a shape differs from the grid's, a value is not a number, or `vp` or `rho` not positive;
        if there is neither `vp` nor `vs`, or the topography is on another grid.
    """

    grid: Grid
    properties: Mapping[str, Array]
    topography: Topography | None = None

    def __init__(
        self,
        grid: Grid,
        vp: Array | None,
        others: Mapping[str, Array] | None = None,
        topography: Topography | None = None,
    ) -> None:
        properties = {**({} if vp is None else {"vp": vp}), **(others or {})}
        object.__setattr__(self, "grid", grid)
        object.__setattr__(self, "properties", properties)
        object.__setattr__(self, "topography", topography)
        if topography is not None and topography.grid != grid:
            raise ModelError(
                f"the topography is on the grid {topography.grid}, and the model on {grid}; they "
                f"must agree"
            )
        if "vp" not in properties and "vs" not in properties:
            raise ModelError("a model has neither `vp` nor `vs`; give a velocity [m/s]")
        for name, values in properties.items():
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
    def vp(self) -> Array:
        """P velocity [m/s]; a ModelError where the model has none."""
        if "vp" not in self.properties:
            raise ModelError(
                f"this needs the P velocity, and the model has only "
                f"{', '.join(f'`{p}`' for p in self.properties)}: give `vp`, too"
            )
        return self.properties["vp"]

    @property
    def others(self) -> dict[str, Array]:
        """Properties beside `vp` by name."""
        return {name: values for name, values in self.properties.items() if name != "vp"}

    @property
    def leading(self) -> str:
        """Name of the velocity of the fastest waves: `vp`, or `vs` in a model without it."""
        return "vp" if "vp" in self.properties else "vs"

    @property
    def velocity(self) -> Array:
        """Velocity of the fastest waves [m/s]."""
        return self.properties[self.leading]

    @cached_property
    def slowest(self) -> float:
        """Smallest velocity of the fastest waves [m/s]."""
        return float(distinct(self.velocity).min())

    @cached_property
    def fastest(self) -> float:
        """Largest velocity of the fastest waves [m/s]."""
        return float(distinct(self.velocity).max())

    def quantity(self, name: str) -> Array | None:
        """A property, or a combination of them, by name; None if the model does not have it."""
        if name not in COMBINATIONS:
            return self.properties.get(name)
        combination = COMBINATIONS[name]
        if not self.properties.keys() >= set(combination.needs):
            return None
        return np.asarray(combination.of(self.properties))

    def changed(self, properties: Mapping[str, Array]) -> EarthModel:
        """The model with other values of some properties."""
        return EarthModel.of(self.grid, {**self.properties, **properties}, self.topography)

    @classmethod
    def of(
        cls, grid: Grid, properties: Mapping[str, Array], topography: Topography | None = None
    ) -> EarthModel:
        """The model of all properties by name, `vp` among them if there is one.

        Parameters
        ----------
        grid : Grid
        properties : mapping of str to ndarray of shape grid.shape
        topography : Topography, optional

        Returns
        -------
        EarthModel
        """
        others = dict(properties)
        return cls(grid, others.pop("vp", None), others, topography)

    @classmethod
    def below(
        cls, grid: Grid, properties: Mapping[str, Array], topography: Topography | None
    ) -> EarthModel:
        """The model below a topography: in the air it has the properties of the rock below.

        Parameters
        ----------
        grid : Grid
        properties : mapping of str to ndarray of shape grid.shape
            In the air they may be anything.
        topography : Topography or None
            None for a model without air.

        Returns
        -------
        EarthModel
        """
        if topography is None:
            return cls.of(grid, properties)
        filled = {n: v if is_uniform(v) else topography.fill(v) for n, v in properties.items()}
        return cls.of(grid, filled, topography)

    @property
    def air(self) -> NDArray[np.bool_]:
        """Points above the topography; none without one."""
        if self.topography is None:
            return np.broadcast_to(np.False_, self.grid.shape)
        return self.topography.is_air

    def water(self) -> NDArray[np.bool_]:
        """Points of the water layer: from the top down, those with the velocity of the top.

        Where there are velocities of S waves, those of water are zero.
        """
        vs, velocity = self.properties.get("vs"), self.velocity
        if is_uniform(velocity) and vs is None:
            return np.broadcast_to(np.True_, self.grid.shape)
        same = np.abs(velocity - velocity[..., :1]) <= WATER_TOLERANCE
        if vs is not None:
            same &= vs == 0
        column: NDArray[np.bool_] = np.logical_and.accumulate(same, axis=-1)
        return column

    def covered(self) -> NDArray[np.bool_]:
        """Points that are no rock: those of the water layer and of the air."""
        return self.water() if self.topography is None else self.water() | self.air

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

        inverse = {n for n in self.properties if PROPERTIES[n].mean == "inverse"} | {"vp"}
        return self.changed(
            {n: smooth(v, -1 if n in inverse else 1) for n, v in self.properties.items()}
        )


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
