"""Uniform arrays: one number at all points of a grid, in the memory of one number.

They are views with strides of zero, as `numpy.broadcast_to` makes them. A plan of a grid that no
machine holds takes its numbers from `distinct` values; a run copies what it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def uniform(value: float, shape: tuple[int, ...]) -> Array:
    """An array with one value at all points, which cannot be written.

    Parameters
    ----------
    value : float
    shape : tuple of int

    Returns
    -------
    values : ndarray of shape `shape`
    """
    return np.broadcast_to(np.float64(value), shape)


def is_uniform(values: Array) -> bool:
    """Whether an array has one value in the memory of one.

    Parameters
    ----------
    values : ndarray

    Returns
    -------
    is_uniform : bool
    """
    return values.size > 0 and not any(values.strides)


def distinct(values: Array) -> Array:
    """All values of an array; of a uniform one the first, with as many axes.

    Parameters
    ----------
    values : ndarray

    Returns
    -------
    values : ndarray
    """
    return values[(slice(0, 1),) * values.ndim] if is_uniform(values) else values


def pointwise(function: Callable[..., Array], *arrays: Array) -> Array:
    """A function of the values at each point, computed once where all arrays are uniform.

    Parameters
    ----------
    function : callable
        From values to values, point by point.
    *arrays : ndarray
        All of one shape.

    Returns
    -------
    values : ndarray
        Uniform where the arrays are.
    """
    if not all(is_uniform(a) for a in arrays):
        return function(*arrays)
    return np.broadcast_to(function(*map(distinct, arrays)), arrays[0].shape)
