"""Change of grid: a model to a coarser one, and derivatives and images back, exactly.

A model is averaged in the quantities that waves average over cells much shorter than the
wavelength: compressibility k = 1 / (rho vp**2) and the other properties themselves,

    k' = R k,    rho' = R rho,    vp' = (k' rho')**(-1/2),    epsilon' = R epsilon, ...

With constant density k is the squared slowness, the coefficient of the wave equation, whose mean
determines long waves exactly. An interface such as the water bottom becomes one or two cells with
the right mean, which keeps its position between the points. All weights of R are positive: waves in
the averages are no faster than in the model, (R k)(R rho) >= (R 1/vp)**2, and delta <= epsilon
remains true.

Along each axis P is the matrix of linear interpolation from the coarse grid to the fine one, the
averages are R = D P^T with D such that constants stay constant, and the matrices of the axes are
applied in turn. Beyond its ends the model goes on as its last values, and these the first and the
last average have: the absorbing layer goes on with them, and waves along a side run in it, too.
A function phi of the coarse model is one of the fine model with the derivatives

    dphi/dvp  = -(2 k / vp) R^T a,                a = dphi/dk' = -vp' / (2 k') dphi/dvp'
    dphi/drho = -(k / rho) R^T a + R^T (dphi/drho' - vp' / (2 rho') dphi/dvp')

References: Backus (1962), J. Geophys. Res. 67, 4427-4440; Moczo et al. (2002), Bull. Seism. Soc.
Am. 92, 3042-3066, for averages of material parameters in cells that interfaces cross.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.errors import ModelError
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.properties import PROPERTIES, WITHOUT_MEANS
from fwicli.survey.uniform import distinct, is_uniform

Array = NDArray[Any]

# Smallest number of cells of a coarse grid along every axis, and smallest factor of their length
# for which averages are worthwhile: in 2D three quarters of the work remain.
FEWEST_CELLS = 16
WORTHWHILE = 1.1


class Regridding:
    """Linear interpolation from a coarse grid to a fine one, averages back, and transposes.

    Parameters
    ----------
    fine : Grid
    spacing : float or tuple of float
        Of the coarse grid [m], which begins where the fine one does and ends there or beyond.
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
        self._average = [self._averages(axis) for axis in range(fine.ndim)]

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

    def _averages(self, axis: int) -> Any:
        """Averages along an axis; the first and the last are the values at the ends."""
        weights = self._interpolate[axis].T.tolil()
        count, last = self.fine.shape[axis], self.coarse.shape[axis] - 1
        end, far = self.fine.end[axis], self.coarse.coordinates(axis)
        spacing, step = self.coarse.spacing[axis], self.fine.spacing[axis]
        # The last node before the end of the model averages values beyond it.
        beyond = end + step * np.arange(1, math.ceil(spacing / step) + 1)
        weights[last - 1, count - 1] += np.maximum(0, 1 - (beyond - far[-2]) / spacing).sum()
        for node, sample in ((0, 0), (last, count - 1)):
            weights[node] = 0
            weights[node, sample] = 1
        weights = weights.tocsr()
        return scipy.sparse.diags(1 / np.asarray(weights.sum(axis=1)).ravel()) @ weights

    def to_fine(self, values: Array) -> Array:
        """Interpolate values from the coarse grid."""
        return _along_axes(self._interpolate, values)

    def to_fine_transpose(self, values: Array) -> Array:
        """Transpose of `to_fine`: derivatives by coarse values from those by fine ones."""
        return _along_axes([p.T for p in self._interpolate], values)

    def to_coarse(self, values: Array) -> Array:
        """Average values to the coarse grid."""
        return _along_axes(self._average, values)

    def to_coarse_transpose(self, values: Array) -> Array:
        """Transpose of `to_coarse`: derivatives by fine values from those by coarse ones."""
        return _along_axes([r.T for r in self._average], values)

    def model_to_coarse(self, model: EarthModel) -> EarthModel:
        """The model on the coarse grid, by averages of compressibility and of other properties."""
        if all(map(is_uniform, model.properties.values())):
            named = {
                n: np.broadcast_to(distinct(v), self.coarse.shape)
                for n, v in model.properties.items()
            }
            return EarthModel.of(self.coarse, named)
        same = self.coarse == self.fine
        if not (same or set(WITHOUT_MEANS).isdisjoint(model.others)):
            raise ModelError(
                "a coarser grid would need averages of vs, which fluids and solids have not in "
                "common; waves and unknowns with vs have the grid of the model: set "
                "`physics.grid: model`, and leave out other spacings"
            )
        coarse = {
            name: values
            if name in WITHOUT_MEANS
            else self._mean(name, values.astype(float)).astype(values.dtype)
            for name, values in model.others.items()
        }
        rho: Array | float = 1.0
        mean: Array | float = 1.0
        if "vp" in model.properties:
            if "rho" in coarse:
                rho, mean = model.properties["rho"].astype(float), coarse["rho"].astype(float)
            k = self.to_coarse(1 / (rho * model.vp.astype(float) ** 2))
            coarse["vp"] = (1 / np.sqrt(k * mean)).astype(model.vp.dtype)
        return EarthModel.of(self.coarse, coarse)

    def _mean(self, name: str, values: Array) -> Array:
        """A property beside vp on the coarse grid."""
        return (
            1 / self.to_coarse(1 / values)
            if PROPERTIES[name].mean == "inverse"
            else self.to_coarse(values)
        )

    def gradient_to_fine(
        self, model: EarthModel, by: Callable[[str], Array], name: str
    ) -> NDArray[np.float64]:
        """Derivative of a function of `model_to_coarse`, by a property of the fine model.

        Parameters
        ----------
        model : EarthModel
            On the fine grid.
        by : callable
            Derivative by a property of the coarse model, by its name, at all others constant.
        name : str
            Name of the property of the fine model.

        Returns
        -------
        derivative : ndarray of shape fine.shape
        """
        if PROPERTIES[name].mean == "inverse":
            values = model.others[name].astype(float)
            spread = self.to_coarse_transpose(by(name) * self._mean(name, values) ** 2)
            return np.asarray(spread / values**2)
        if name not in ("vp", "rho") or "vp" not in model.properties:
            return np.asarray(self.to_coarse_transpose(by(name)))
        coarse = self.model_to_coarse(model)
        rho, mean = model.others.get("rho", 1.0), coarse.others.get("rho", 1.0)
        by_vp = by("vp")
        by_k = -0.5 * by_vp * mean * coarse.vp**3
        spread = self.to_coarse_transpose(by_k)
        if name == "vp":
            return np.asarray(-2 * spread / (rho * model.vp**3))
        direct = self.to_coarse_transpose(by("rho") - 0.5 * by_vp * coarse.vp / mean)
        return np.asarray(direct - spread / (rho * model.vp) ** 2)


def coarsened(model: EarthModel, grid: Grid) -> EarthModel:
    """A model on a coarser grid; the model itself if the grid is its own.

    Parameters
    ----------
    model : EarthModel
    grid : Grid
        With the origin of the model. Its spacing counts; the model keeps its extent.

    Returns
    -------
    model : EarthModel
    """
    if grid == model.grid:
        return model
    coarse = Regridding(model.grid, grid.spacing).model_to_coarse(model)
    surface = None if model.topography is None else model.topography.on_grid(coarse.grid)
    return EarthModel.below(coarse.grid, coarse.properties, surface)


def with_means(model: EarthModel, used: Collection[str]) -> EarthModel:
    """A model without vp and the properties that have no means, but for those that are used.

    Parameters
    ----------
    model : EarthModel
    used : collection of str
        Names of the properties that the equation uses.

    Returns
    -------
    model : EarthModel
        The same where there is nothing to leave out.
    """
    velocity = "vs" if "vs" in used and "vs" in model.properties else model.leading
    left_out = {n for n in ("vp", *WITHOUT_MEANS) if n not in (*used, velocity)}
    if left_out.isdisjoint(model.properties):
        return model
    return EarthModel.of(
        model.grid,
        {n: v for n, v in model.properties.items() if n not in left_out},
        model.topography,
    )


def fitting(grid: Grid, longest: float, fixed_ends: Sequence[bool]) -> tuple[float, ...]:
    """Spacings of the coarsest grid with cells of a largest length.

    Spacings are equal along all axes if the model allows it, which makes kernels faster, and at
    least those of the model. Where the gain is small, they are those of the model.

    Parameters
    ----------
    grid : Grid
        Of the model.
    longest : float
        Largest length of cells [m].
    fixed_ends : sequence of bool
        Axes along which the coarse grid must end with the model; the spacing divides their length.

    Returns
    -------
    spacing : tuple of float
        [m].
    """
    lengths = [end - start for start, end in zip(grid.origin, grid.end, strict=True)]
    step = min(longest, min(lengths) / FEWEST_CELLS)
    dividing = [
        length / np.ceil(length / step - 1e-9)
        for length, fixed in zip(lengths, fixed_ends, strict=True)
        if fixed
    ]
    # Axes whose end may lie beyond the model take the spacing of those whose end is fixed.
    common = min(dividing, default=step)
    spacings = []
    for length, model_spacing, fixed in zip(lengths, grid.spacing, fixed_ends, strict=True):
        spacing = length / np.ceil(length / step - 1e-9) if fixed else common
        spacings.append(float(spacing) if spacing > model_spacing * WORTHWHILE else model_spacing)
    return tuple(spacings)


def _along_axes(matrices: list[Any], values: Array) -> Array:
    """Apply one matrix along each axis."""
    for axis, matrix in enumerate(matrices):
        rows = np.moveaxis(values, axis, 0)
        shape = (matrix.shape[0], *rows.shape[1:])
        values = np.moveaxis((matrix @ rows.reshape(rows.shape[0], -1)).reshape(shape), 0, axis)
    return np.ascontiguousarray(values)
