"""Filters and weights of images as operators, and the diagonal of A^T A by probing.

Each is symmetric, its own transpose, and composes with the Born modelling A of an image: A @ W is
that of a weighted image, W @ A.T migrates and weighs. The source-normalised image of records d is

    W A^T d,        W = 1 / (e + damping mean(e)),        e the energy of the source field.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.imaging import filters, spectra
from fwicli.imaging.migration import compensate
from fwicli.operators.operator import Operator, Shape
from fwicli.survey.grid import Grid

Array = NDArray[Any]


class ImageFilter(Operator):
    """A symmetric operator on images.

    Parameters
    ----------
    function : callable
        From an image to another.
    dims : tuple of int
        Shape of images.
    dtype : dtype
    """

    def __init__(self, function: Callable[[Array], Array], dims: Shape, dtype: Any) -> None:
        super().__init__(dims, dims, dtype)
        self.function = function

    def _apply(self, x: Array) -> Array:
        return np.stack([self.function(image) for image in x]).astype(self.dtype)

    def _apply_adjoint(self, y: Array) -> Array:
        return self._apply(y)


def low_cut(grid: Grid, wavelength: float, dtype: Any = float) -> ImageFilter:
    """The operator that removes wavelengths along depth above one [m].

    Parameters
    ----------
    grid : Grid
    wavelength : float
        [m]
    dtype : dtype

    Returns
    -------
    ImageFilter
    """
    return ImageFilter(
        partial(filters.low_cut, grid=grid, wavelength=wavelength), grid.shape, dtype
    )


def dip_cut(grid: Grid, largest: float, dtype: Any = float) -> ImageFilter:
    """The operator that removes reflectors of steeper dip than one [deg].

    Parameters
    ----------
    grid : Grid
    largest : float
        [deg]
    dtype : dtype

    Returns
    -------
    ImageFilter
    """
    return ImageFilter(partial(filters.dips, grid=grid, largest=largest), grid.shape, dtype)


def image_laplacian(grid: Grid, dtype: Any = float) -> ImageFilter:
    """The operator -laplacian [1/m2], exact for all wavelengths of the grid.

    Parameters
    ----------
    grid : Grid
    dtype : dtype

    Returns
    -------
    ImageFilter
    """
    return ImageFilter(lambda x: -spectra.laplacian(x, grid.spacing), grid.shape, dtype)


def weights(values: Array, dtype: Any = float) -> ImageFilter:
    """The operator that multiplies an image point by point, such as a mute.

    Parameters
    ----------
    values : ndarray of shape (*grid,)
    dtype : dtype

    Returns
    -------
    ImageFilter
    """
    factors = np.array(values, dtype=float)
    return ImageFilter(lambda x: factors * x, factors.shape, dtype)


def normalised(energy: Array, damping: float = 0.01, dtype: Any = float) -> ImageFilter:
    """The operator that divides an image by an energy, such as that of the source.

    Parameters
    ----------
    energy : ndarray of shape (*grid,)
    damping : float
        Share of the mean energy that is added.
    dtype : dtype

    Returns
    -------
    ImageFilter

    Raises
    ------
    DataError
        If there is no energy anywhere.
    """
    inverse = compensate(np.ones(np.shape(energy)), np.asarray(energy, dtype=float), damping)
    return weights(inverse, dtype)


def probed_diagonal(operator: Operator, draws: int, seed: int = 0) -> Array:
    """The diagonal of A^T A, from its products with random signs.

    Parameters
    ----------
    operator : Operator
        A, such as `imaging(...)` of all shots.
    draws : int
        Products that are averaged; the deviation falls with the root of their number.
    seed : int

    Returns
    -------
    ndarray of shape operator.dims
    """
    rng = np.random.default_rng(seed)
    total = np.zeros(operator.dims)
    for _ in range(draws):
        signs = rng.choice([-1.0, 1.0], operator.dims)
        total += signs * (operator.T @ (operator @ signs))
    return total / draws
