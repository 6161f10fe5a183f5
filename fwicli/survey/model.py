"""Earth model: P velocity and other properties on a grid, water layer, smoothing, change of grid.

A model is smoothed and averaged in the quantity that waves average at low frequency: slowness for
smoothing, which keeps travel times, and compressibility 1 / (rho vp**2) and density where cells are
merged (Backus, 1962, J. Geophys. Res. 67, 4427; Moczo et al., 2002, Bull. Seism. Soc. Am. 92).
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

Array = NDArray[Any]

# Sea water varies by less than this; sediments below it seldom match it so closely.
WATER_TOLERANCE = 1.0

# The product of vp and rho.
IMPEDANCE = "impedance"
UNITS = {"vp": "m/s", "rho": "kg/m3", "theta": "rad", "phi": "rad", IMPEDANCE: "kg/(m2 s)"}
# Other properties may be zero or negative.
POSITIVE = ("vp", "rho", IMPEDANCE)


@dataclass(frozen=True)
class EarthModel:
    """P velocity on a grid.

    Parameters
    ----------
    grid : Grid
    vp : ndarray of shape grid.shape
        P velocity [m/s], positive and finite.
    others : mapping of str to ndarray
        Other properties by name: `rho` [kg/m3], Thomsen's `epsilon` and `delta`, and the tilt
        `theta` and azimuth `phi` of the axis of symmetry [rad].

    Raises
    ------
    ModelError
        If the shape differs from the grid's, or a value is not a number, or not positive where
        it must be.
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
        good = np.isfinite(values) & ((values > 0) | (name not in POSITIVE))
        if not good.all():
            place = tuple(int(i) for i in np.argwhere(~good)[0])
            kind = "positive" if name in POSITIVE else "a number"
            must = "a positive number" if name in POSITIVE else "a number"
            unit = UNITS.get(name, "")
            raise ModelError(
                f"{name} is {values[place]} {unit} at {self.grid.describe(place)}, and not "
                f"{kind} at {int((~good).sum())} points in all; it must be {must}"
            )

    @property
    def properties(self) -> dict[str, Array]:
        """All properties by name, `vp` first."""
        return {"vp": self.vp, **self.others}

    @cached_property
    def vp_min(self) -> float:
        """Smallest velocity [m/s]."""
        return float(self.vp.min())

    @cached_property
    def vp_max(self) -> float:
        """Largest velocity [m/s]."""
        return float(self.vp.max())

    def quantity(self, name: str) -> Array | None:
        """A property, or the impedance, by name; None if the model does not have it."""
        if name != IMPEDANCE:
            return self.properties.get(name)
        return self.vp * self.others["rho"] if "rho" in self.others else None

    def changed(self, properties: Mapping[str, Array]) -> EarthModel:
        """The model with other values of some properties."""
        found = {**self.properties, **properties}
        return EarthModel(self.grid, found.pop("vp"), found)

    def water(self) -> NDArray[np.bool_]:
        """Points of the water layer: those that share the velocity at the top, from the top."""
        same = np.abs(self.vp - self.vp[..., :1]) <= WATER_TOLERANCE
        column: NDArray[np.bool_] = np.logical_and.accumulate(same, axis=-1)
        return column

    def above(self, depth: float) -> NDArray[np.bool_]:
        """Points less deep than `depth` [m]."""
        z = self.grid.coordinates(self.grid.ndim - 1)
        return np.broadcast_to(z < depth, self.grid.shape).copy()

    def smoothed(self, length: float, fixed: NDArray[np.bool_] | None = None) -> EarthModel:
        """The model with slowness and other properties smoothed, except at the points `fixed`.

        Parameters
        ----------
        length : float
            Standard deviation of the Gaussian [m].
        """
        sigma = [length / h for h in self.grid.spacing]

        def smooth(values: Array, power: int) -> Array:
            even = scipy.ndimage.gaussian_filter(
                values.astype(float) ** power, sigma, mode="nearest"
            )
            changed = (even**power).astype(values.dtype)
            return changed if fixed is None else np.where(fixed, values, changed)

        others = {name: smooth(values, 1) for name, values in self.others.items()}
        return EarthModel(self.grid, smooth(self.vp, -1), others)


class Regridding:
    """Linear interpolation from a coarse grid to a fine one, and averaging back.

    Along each axis P is the matrix of linear interpolation, the averages are R = D P^T with D
    such that constants stay constant, and the matrices of the axes are applied in turn.
    """

    def __init__(self, fine: Grid, spacing: float | tuple[float, ...]) -> None:
        steps = (spacing,) * fine.ndim if isinstance(spacing, int | float) else spacing
        shape = tuple(
            int(np.floor((end - start) / h + 1e-6)) + 1
            for start, end, h in zip(fine.origin, fine.end, steps, strict=True)
        )
        # A last coarse cell that the model fills only in part keeps its far end.
        shape = tuple(
            n + 1 if start + (n - 1) * h < end - 1e-6 * h else n
            for n, start, end, h in zip(shape, fine.origin, fine.end, steps, strict=True)
        )
        self.fine = fine
        self.coarse = Grid(shape, tuple(float(h) for h in steps), fine.origin)
        self._interpolate = [self._matrix(axis) for axis in range(fine.ndim)]

    def _matrix(self, axis: int) -> Any:
        position = self.fine.coordinates(axis) - self.coarse.origin[axis]
        position = position / self.coarse.spacing[axis]
        left = np.minimum(np.floor(position + 1e-9).astype(int), self.coarse.shape[axis] - 2)
        right_weight = position - left
        rows = np.arange(position.size)
        return scipy.sparse.csr_matrix(
            (
                np.concatenate([1 - right_weight, right_weight]),
                (np.concatenate([rows, rows]), np.concatenate([left, left + 1])),
            ),
            shape=(position.size, self.coarse.shape[axis]),
        )

    def to_fine(self, values: Array) -> Array:
        """Interpolate values from the coarse grid."""
        return _along_axes(self._interpolate, values)

    def to_coarse(self, values: Array) -> Array:
        """Average values to the coarse grid."""
        averages = []
        for matrix in self._interpolate:
            weight = np.asarray(matrix.sum(axis=0)).ravel()
            averages.append(scipy.sparse.diags(1 / weight) @ matrix.T)
        return _along_axes(averages, values)

    def model_to_coarse(self, model: EarthModel) -> EarthModel:
        """The model on the coarse grid, by averages of compressibility and of other properties."""
        others = {
            name: self.to_coarse(values.astype(float)).astype(values.dtype)
            for name, values in model.others.items()
        }
        rho: Array | float = 1.0
        mean: Array | float = 1.0
        if "rho" in others:
            rho, mean = model.others["rho"].astype(float), others["rho"].astype(float)
        k = self.to_coarse(1 / (rho * model.vp.astype(float) ** 2))
        return EarthModel(self.coarse, (1 / np.sqrt(k * mean)).astype(model.vp.dtype), others)


def _along_axes(matrices: list[Any], values: Array) -> Array:
    """Apply one matrix along each axis."""
    for axis, matrix in enumerate(matrices):
        moved = np.moveaxis(values, axis, 0)
        shape = (matrix.shape[0], *moved.shape[1:])
        values = np.moveaxis((matrix @ moved.reshape(moved.shape[0], -1)).reshape(shape), 0, axis)
    return np.ascontiguousarray(values)
