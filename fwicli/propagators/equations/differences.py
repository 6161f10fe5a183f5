"""Differences in space, and weights of the second one for single precision.

    d2f/dx2 (x) = sum_k w_k f(x + k h),        k = -n, ..., n

The weights sum to zero, since a constant has no curvature. Weights that are rounded one by one sum
to some 1e-7 w_0. In the wave equation this acts as a potential: it shifts the frequency w by a
share of 1e-7 w_0 v**2 / w**2, which grows with points per wavelength and adds up with time.

Here each weight is a number of single precision. Its rounding changes the sums

    sum_k w_k = 0        and        sum_k k**2 w_k = 2 / h**2.

The weights further out, which are smaller and have finer steps, take up the change. Weights at
k = 0 of all axes are multiples of one number, so that their sum is a number of single precision.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from devito import Derivative
from numpy.typing import NDArray
from sympy import Float, finite_diff_weights

from fwicli.propagators.equations.stencils import HALF, Stencil
from fwicli.propagators.symbolic.expressions import Expr

Array = NDArray[Any]

# Bits of a number in single precision.
BITS = 24


def second(f: Any, axis: int, stencil: Stencil) -> Expr:
    """d2f/dx2 on the points.

    Parameters
    ----------
    f : TimeFunction
    axis : int
        Axis, 0 for x.
    stencil : Stencil

    Returns
    -------
    expression
    """
    x = f.grid.dimensions[axis]
    if np.dtype(f.grid.dtype) == np.float32:
        spacings = [float(spacing) for spacing in f.grid.spacing]
        # Devito divides weights by the squared spacing.
        weights = [w * spacings[axis] ** 2 for w in second_difference(stencil, spacings, axis)]
    elif stencil.optimised:
        middle, *sides = stencil.second
        weights = [*sides[::-1], middle, *sides]
    else:
        return Derivative(f, (x, 2))
    return Derivative(f, (x, 2), weights=[Float(weight) for weight in weights])


def slope(f: Any, x: Any, stencil: Stencil, x0: Any) -> Expr:
    """df/dx at x0, half a cell away from the points.

    Parameters
    ----------
    f : TimeFunction or expression
    x : Dimension
    stencil : Stencil
    x0 : expression

    Returns
    -------
    expression
    """
    if not stencil.optimised:
        return Derivative(f, (x, 1), fd_order=stencil.order, x0={x: x0})
    sides = [Float(weight) for weight in HALF[stencil.order]]
    weights = [*(-weight for weight in reversed(sides)), *sides]
    return Derivative(f, (x, 1), fd_order=stencil.order, x0={x: x0}, weights=weights)


def second_difference(stencil: Stencil, spacings: Sequence[float], axis: int) -> tuple[float, ...]:
    """Weights of a second difference along an axis, each a number of single precision.

    Parameters
    ----------
    stencil : Stencil
    spacings : sequence of float
        Grid spacing of all axes [m].
    axis : int
        Axis, 0 for x.

    Returns
    -------
    weights : tuple of float, of order + 1 elements
        [1/m2]
    """
    reach = stencil.order // 2
    exact: Sequence[Any] = stencil.second
    if not stencil.optimised:
        exact = finite_diff_weights(2, range(-reach, reach + 1), 0)[-1][-1][reach:]
    middle, *sides = [float(weight) / spacings[axis] ** 2 for weight in exact]
    largest = sum(float(exact[0]) / spacing**2 for spacing in spacings)
    unit = math.ldexp(1.0, math.frexp(largest)[1] - BITS)
    centre = round(middle / unit) * unit
    distances = np.arange(1.0, reach + 1)
    weights = np.array(sides)
    weights = _added(weights, distances, np.array([-centre / 2 - weights.sum(), 0.0, 0.0]))
    for i, distance in enumerate(distances):
        rounded = float(np.float32(weights[i]))
        lost = weights[i] - rounded
        weights[i] = rounded
        further = slice(i + 1, None)
        moments = lost * np.array([1.0, distance**2])
        weights[further] = _added(weights[further], distances[further], moments)
    return (*weights[::-1].tolist(), centre, *weights.tolist())


def _added(weights: Array, distances: Array, moments: Array) -> Array:
    """Weights changed by the smallest shares that add to their even moments."""
    count = min(moments.size, weights.size)
    if not count:
        return weights
    scales = np.abs(weights)
    powers = distances[None] ** (2 * np.arange(count)[:, None]) * scales
    return np.asarray(weights + scales * np.linalg.lstsq(powers, moments[:count], rcond=None)[0])
