"""Interpolation below a surface that cuts the cells, with values of the rock only.

Where the sinc function would reach values that do not belong to the rock, the weights are those of
the polynomial of degree `DEGREE` that is nearest to the values around, in the sense of least
squares, with weights that fall with the distance and with the share of rock. A source has the same
weights: their sum is one, so that a force gives the rock its whole momentum. Stresses are stored
times the share of rock, so that weights are divided by it, of records and of sources.

Reference: Lancaster and Salkauskas (1981), Math. Comput. 37, 141-158, for moving least squares.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators.sampling.interpolation import Interpolation, Rock, Staggering

Array = NDArray[Any]

DEGREE = 5
# Cells around a position, and by how much weights have fallen at that distance, as exp(-DECAY).
REACH, DECAY = 5, 4.0
# Share of rock below which stresses are not used: they are divided by it.
LEAST = 0.25
# Share of rock of values that the sinc function may use.
WHOLE = 0.9


def divided(values: Interpolation, rock: Rock) -> Interpolation:
    """Values at grid points over their shares of rock, without those in the air.

    Parameters
    ----------
    values : Interpolation
    rock : Rock

    Returns
    -------
    Interpolation
    """
    shares = rock.shares[tuple(values.indices)]
    weights = np.where(shares > LEAST, values.weights / np.maximum(shares, LEAST), 0.0)
    return Interpolation(values.indices, weights)


def inside(
    rows: Interpolation, at: tuple[Array, Array | None], staggering: Staggering
) -> Interpolation:
    """Rows whose values all belong to the rock.

    Parameters
    ----------
    rows : Interpolation
        As without a surface.
    at : pair of ndarray of shape (n_points, ndim)
        Positions in cells of the grid with the layer, and orders of derivatives, or None.
    staggering : Staggering
        With the shares of rock.

    Returns
    -------
    Interpolation
    """
    rock, (positions, orders) = staggering.rock, at
    if rock is None:
        return rows
    ends = np.array(rock.shares.shape)[:, None, None] - 1
    shares = rock.shares[tuple(np.clip(rows.indices, 0, ends))]
    shares = np.where(rows.indices[-1] < 0, 0.0, shares)
    cut = ((shares < WHOLE) & (rows.weights != 0)).any(axis=1)
    if not cut.any():
        return rows
    half = np.array([0.5 if a in staggering.half else 0.0 for a in range(positions.shape[1])])
    orders = np.zeros(positions.shape, dtype=int) if orders is None else orders
    fits = {
        row: _fit(positions[row] - half, orders[row], rock) for row in map(int, np.flatnonzero(cut))
    }
    width = max(rows.weights.shape[1], *(len(weights) for _, weights in fits.values()))
    more = width - rows.weights.shape[1]
    indices = np.pad(rows.indices, ((0, 0), (0, 0), (0, more)), mode="edge")
    weights = np.pad(rows.weights, ((0, 0), (0, more)))
    for row, (points, values) in fits.items():
        indices[:, row], weights[row] = points[:, :1], 0.0
        indices[:, row, : len(values)], weights[row, : len(values)] = points, values
    return Interpolation(indices.astype(np.int32), weights)


def _fit(position: Array, orders: Array, rock: Rock) -> tuple[Array, Array]:
    """Grid points of the rock around a position, and weights of a derivative there."""
    ndim, nearest = len(position), np.rint(position).astype(int)
    around = np.stack(np.meshgrid(*[np.arange(-REACH, REACH + 1)] * ndim, indexing="ij"))
    points = around.reshape(ndim, -1) + nearest[:, None]
    ends = np.array(rock.shares.shape)[:, None]
    points = points[:, ((points >= 0) & (points < ends)).all(axis=0)]
    shares = rock.shares[tuple(points)]
    distances = points - position[:, None]
    square = (distances**2).sum(axis=0) / REACH**2
    use = (shares > (LEAST if rock.divides else 0.0)) & (square < 1)
    points, shares, distances = points[:, use], shares[use], distances[:, use]
    trust = np.exp(-DECAY * square[use]) * np.minimum(shares, 1.0)
    powers = [p for p in product(range(DEGREE + 1), repeat=ndim) if sum(p) <= DEGREE]
    terms = np.array([np.prod((distances.T / REACH) ** p, axis=1) for p in powers])
    derivative = tuple(int(n) for n in orders)
    goal = np.zeros(len(powers))
    goal[powers.index(derivative)] = math.prod(map(math.factorial, derivative)) / REACH ** sum(
        derivative
    )
    root = np.sqrt(trust)
    values = root * np.linalg.lstsq(terms * root, goal, rcond=1e-10)[0]
    return points, values / shares if rock.divides else values
