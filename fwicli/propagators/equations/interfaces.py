"""Densities at the nodes that make steps between cells reflect as they should.

A model holds a value a cell; its interfaces are steps half-way between nodes. Where the density
acts as the mean of two nodes and the compressibility at the nodes, a weak step of density
reflects a wave that meets it with the wavenumber q / 2 across it as

    R'(q) / R = (x / sin x) (1 + cos x) / 2 = (x / 2) / tan(x / 2),        x = q h / 2:

the factor in front is that of a step sampled at points, the other the mean of the values at nodes
and between them. At normal incidence and 8 points per wavelength 5 % of R are missing, whatever the
order of the differences. A filter g along each axis, with weights for which

    g(q) = 1 - 4 sum_j w_j sin(j q h / 2)**2 = tan(q h / 4) / (q h / 4)

over the band of the waves, gives them back. It acts on the logarithm of density, so that densities
stay positive and light and dense are treated alike:

    L = g ln rho,        V = g (ln rho)**2 - L**2,        S = V / sqrt(1 + (V / V0)**2) / 6,
    rho' = exp(L + S),        vp' = vp exp(-S).

S, of second order in the contrast, keeps the sums of density and of compressibility across a step,
and with them the travel time, close to those of the cells. It is limited, so that vp' never exceeds
vp by more than exp(V0 / 6), which the safety of the time step has room for (see `stability`).

The remaining error of a weak step at 8 points per wavelength is dispersion, and the end of the band
where q h exceeds pi: a contrast of 1.2 errs by 0.93 % there, by 0.16 % at 12 points. That of a
strong step is an error of phase, of first order in the spacing: 1.0, 1.2, 1.6 and 2.0 % at
contrasts of 2, 1/2, 3 and 1/3, and 0.3, 0.4, 0.8 and 1.0 % at 16 points. A node has one density for
all directions, where a wave that meets the step at an angle needs the harmonic mean along it; and
other shares of V for density and compressibility, which suit strong steps better, would raise vp'
beyond what is stable.

The reflection is that of Born's approximation in a sampled medium; compare Mittet (2017),
Geophysics 82, T159-T182, on interfaces in finite-difference schemes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

Array = NDArray[Any]

# Weights of the neighbours at 1, 2 and 3 cells: exact to second order in q h, and beyond that
# fitted to the reflections of contrasts of 1.2, 2, 1/2 and 3 at 8 points in the wavelength of a
# Ricker wavelet's peak, from 0 to 45 degrees.
WEIGHTS = (-0.0439, 0.0071, -0.000593)

# Share of V in the logarithms, from the same fit, and the limit V0; a step with a contrast of 2 has
# a V of 0.02.
SHARE = 1 / 6
LIMIT = 0.05


def sharpened(properties: Mapping[str, Array]) -> dict[str, Array]:
    """Properties at the nodes, from those of the cells around them.

    Parameters
    ----------
    properties : mapping of str to ndarray
        On the model's grid, with `vp` [m/s] and `rho` [kg/m3]; others are passed on.
    """
    level, spread = _moments(_logarithm(properties))
    small = SHARE * spread / np.sqrt(1 + (spread / LIMIT) ** 2)
    values = {
        "vp": properties["vp"] * np.exp(-small),
        "rho": _scale(properties) * np.exp(level + small),
    }
    return {
        name: values[name].astype(array.dtype) if name in values else array
        for name, array in properties.items()
    }


def gradient(
    properties: Mapping[str, Array], by_vp: Array, by_rho: Array, name: str
) -> NDArray[np.float64]:
    """Derivative with respect to `vp` or `rho` of the cells, from those of the nodes.

    Parameters
    ----------
    properties : mapping of str to ndarray
        Properties of the cells.
    by_vp, by_rho : ndarray
        Derivatives with respect to the sharpened properties.
    name : {"vp", "rho"}

    Returns
    -------
    ndarray of shape (*grid,)
    """
    nodes = sharpened(properties)
    by_log_vp = by_vp * nodes["vp"]
    if name == "vp":
        return np.asarray(by_log_vp / properties["vp"], dtype=np.float64)
    logarithm = _logarithm(properties)
    level, spread = _moments(logarithm)
    by_log_rho = by_rho * nodes["rho"]
    slope = SHARE * (1 + (spread / LIMIT) ** 2) ** -1.5
    by_spread = slope * (by_log_rho - by_log_vp)
    by_logarithm = _filter(by_log_rho - 2 * level * by_spread, transpose=True)
    by_logarithm += 2 * logarithm * _filter(by_spread, transpose=True)
    return np.asarray(by_logarithm / properties["rho"], dtype=np.float64)


def perturbation(
    properties: Mapping[str, Array], changes: Mapping[str, Array]
) -> dict[str, NDArray[np.float64]]:
    """First-order changes of the sharpened `vp` and `rho`; the transpose of `gradient`.

    Parameters
    ----------
    properties : mapping of str to ndarray
        Properties of the cells.
    changes : mapping of str to ndarray
        Changes of `vp` and `rho` of the cells; zero where left out.

    Returns
    -------
    dict of str to ndarray of shape (*grid,)
        Changes of "vp" and "rho" at the nodes.
    """
    nodes = sharpened(properties)
    logarithm = _logarithm(properties)
    level, spread = _moments(logarithm)
    by_log = changes.get("rho", np.zeros(level.shape)) / properties["rho"]
    change_of_level = _filter(np.asarray(by_log, dtype=np.float64))
    change_of_spread = 2 * _filter(logarithm * by_log) - 2 * level * change_of_level
    small = SHARE * (1 + (spread / LIMIT) ** 2) ** -1.5 * change_of_spread
    by_log_vp = changes.get("vp", np.zeros(level.shape)) / properties["vp"]
    return {
        "vp": np.asarray(nodes["vp"] * (by_log_vp - small), dtype=np.float64),
        "rho": np.asarray(nodes["rho"] * (change_of_level + small), dtype=np.float64),
    }


def _scale(properties: Mapping[str, Array]) -> float:
    """A density of the model [kg/m3]; where all are equal they stay so to the last bit."""
    return float(properties["rho"].flat[0])


def _logarithm(properties: Mapping[str, Array]) -> NDArray[np.float64]:
    return np.log(properties["rho"].astype(np.float64) / _scale(properties))


def _moments(logarithm: NDArray[np.float64]) -> tuple[Array, Array]:
    """L and V."""
    level = _filter(logarithm)
    return level, _filter(logarithm**2) - level**2


def _filter(values: NDArray[np.float64], transpose: bool = False) -> NDArray[np.float64]:
    """The filter g along all axes, or its transpose; beyond the model its edge goes on."""
    for axis in range(values.ndim):
        matrix = _matrix(values.shape[axis])
        turned = np.moveaxis(values, axis, 0)
        flat = (matrix.T if transpose else matrix) @ turned.reshape(turned.shape[0], -1)
        values = np.moveaxis(flat.reshape(turned.shape), 0, axis)
    return np.ascontiguousarray(values)


@lru_cache(maxsize=16)
def _matrix(n: int) -> Any:
    """The filter along an axis of n points, as a sparse matrix."""
    centre = np.arange(n)
    matrix = scipy.sparse.identity(n, format="csr")
    for distance, weight in enumerate(WEIGHTS, start=1):
        for side in (-distance, distance):
            neighbour = np.clip(centre + side, 0, n - 1)
            shift = scipy.sparse.csr_matrix((np.ones(n), (centre, neighbour)), shape=(n, n))
            matrix = matrix + weight * (shift - scipy.sparse.identity(n, format="csr"))
    return scipy.sparse.csr_matrix(matrix)
