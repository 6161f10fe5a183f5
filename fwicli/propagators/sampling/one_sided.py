"""Interpolation below the surface of a solid, with values on its inner side only.

Where the sinc function would reach above the surface, the weights along z are those of the first
values below it that are best for plane waves and their reflections, in the sense of least squares,
and exact for parabolas; linear interpolation goes on as a line. Plane waves of P and S with
wavenumber k along the surface and frequency w, going up and down, have potentials exp(+-p z) and
exp(+-s z), and displacements

    p**2 = k**2 - (w / vp)**2,    s**2 = k**2 - (w / vs)**2,
    (u_x, u_z) = (i k, +-p) P    or    (-+s, i k) S,

and those sums of them count that leave the tractions at z = 0 zero, with the amplitude of a Ricker
wavelet that has 10 points in the S wavelength at its peak, for some ratios of vp to vs; and so does
the Rayleigh wave. Velocities along the surface, those across it, half a cell below, and pressures
have weights of their own. So do rates of strain, on which moments act: those along the surface,
those along z, and shears across it, half a cell below. The scheme has no rate along z on the
surface itself, which follows from zero traction; its first value is a cell below.

A source is divided by the volume that each value stands for (see `equations.surface`), which makes
it the delta function of the scheme.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

# Grid points and their weights.
Rows = tuple[NDArray[np.int64], NDArray[np.float64]]
FIELDS = ("along", "across", "pressure", "level", "upright", "shear")
# Depth of the first value of those that have none on the surface, in cells.
DEPTHS = {"across": 0.5, "shear": 0.5}
# Values of a fit, and the weight of noise, which keeps fitted weights small.
FITTED, NOISE = 7, 1e-6
# Points in the S wavelength at the peak frequency, frequencies over it, ratios of vp to vs, and
# slownesses along the surface over that of S.
POINTS, FREQUENCIES, RATIOS = 10.0, (0.4, 0.7, 1.0, 1.3, 1.6, 1.9, 2.2), (1.5, 1.9, 3.0)
SLOWNESSES = np.sin(np.linspace(0.02, 0.98, 9) * np.pi / 2)


def rows(
    inside: Rows,
    positions: NDArray[np.float64],
    orders: NDArray[np.int64],
    kind: str,
    field: str,
) -> Rows:
    """Rows along an axis without values above its first, by fitted weights where there were.

    Parameters
    ----------
    inside : pair of ndarray, of shape (n_points, width)
        Grid points, also above, and their weights.
    positions : ndarray of shape (n_points,)
        In grid spacings from the first value.
    orders : ndarray of int, shape (n_points,)
        Of the derivatives that are taken.
    kind : {"sinc", "linear"}
    field : {"along", "across", "pressure", "level", "upright", "shear"}
        Velocities along the surface or across it, pressures, or rates of strain.

    Returns
    -------
    pair of ndarray
    """
    indices, weights = inside
    begin = int(field == "upright")
    above = ((indices < begin) & (weights != 0)).any(axis=1)
    count = FITTED if kind == "sinc" else 2
    more = max(0, count - indices.shape[1])
    # Where weights are zero, any point that is there.
    indices = np.pad(
        np.where(weights == 0, np.maximum(indices, begin), indices), ((0, 0), (0, more))
    )
    weights = np.pad(weights, ((0, 0), (0, more)))
    for row in np.flatnonzero(above):
        position, order = float(positions[row]), int(orders[row])
        indices[row], weights[row] = 0, 0.0
        indices[row, :count] = np.arange(begin, begin + count)
        weights[row, :count] = _fitted(position, count, order, field)
    return indices, weights


@cache
def _fitted(position: float, count: int, order: int, field: str) -> NDArray[np.float64]:
    """Weights of the first values for a derivative at a position (see the module header)."""
    nodes, first = np.arange(count) + int(field == "upright"), DEPTHS.get(field, 0.0)
    # Shears are zero on the surface.
    zero = int(field == "shear")
    powers = np.arange(zero, min(3, count + zero))
    polynomial = np.polynomial.Polynomial
    exact = (nodes + zero * first) ** powers[:, None].astype(float)
    goal = [polynomial.basis(n).deriv(order)(position + zero * first) for n in powers]
    amplitudes, exponents = _waves(field)

    def values(z: NDArray[np.float64], n: int) -> NDArray[np.float64]:
        phases = np.exp(np.multiply.outer(z + first, exponents)) * exponents**n * amplitudes
        sums = phases.sum(axis=-1)
        return np.concatenate([sums.real, sums.imag], axis=1)

    matrix, target = values(nodes.astype(float), 0), values(np.array([position]), order)[0]
    normal = matrix @ matrix.T / matrix.shape[1] + NOISE * np.eye(count)
    zeros = np.zeros((len(powers), len(powers)))
    both = np.block([[normal, exact.T], [exact, zeros]])
    solution = np.linalg.solve(both, np.r_[matrix @ target / matrix.shape[1], np.array(goal)])
    return np.asarray(solution[:count])


@cache
def _waves(field: str) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Amplitudes at the surface and exponents of the parts of waves, each of shape (n, 4)."""
    amplitudes, exponents = [], []
    for ratio in RATIOS:
        for frequency in FREQUENCIES:
            share = frequency**2 * np.exp(1 - frequency**2)
            w = 2 * np.pi * frequency / POINTS
            for slowness in (*SLOWNESSES, 1 / rayleigh_velocity(ratio)):
                for parts, e in _free_waves(ratio, slowness * w, w):
                    size = np.hypot(*np.abs(parts[:2].sum(axis=1)))
                    guided = 10.0 if slowness > 1 else 1.0
                    amplitudes.append(parts[FIELDS.index(field)] * share * guided / size)
                    exponents.append(e)
    return np.array(amplitudes), np.array(exponents)


def _free_waves(
    ratio: float, k: float, w: float
) -> list[tuple[NDArray[np.complex128], NDArray[np.complex128]]]:
    """Parts of `FIELDS` of waves without traction on the surface, of one size; x is along it."""
    p, s = np.sqrt(complex(k**2 - (w / ratio) ** 2)), np.sqrt(complex(k**2 - w**2))
    e = np.array([p, -p, s, -s])
    x, z = np.array([1j * k, 1j * k, -s, s]), np.array([p, -p, 1j * k, 1j * k])
    other = ratio**2 - 2
    along, down = (other + 2) * 1j * k * x + other * e * z, (other + 2) * e * z + other * 1j * k * x
    shear = e * x + 1j * k * z
    conditions = [shear, down]
    if k > w:  # nothing grows with depth
        conditions += [np.array([1.0, 0, 0, 0]), np.array([0, 0, 1.0, 0])]
    free = 1 if k > w else 2
    shares = np.linalg.svd(np.array(conditions))[2][-free:].conj()
    strains = np.array([1j * k * x, e * z, shear]) / w
    fields = np.array([x, z, (along + down) / (w * ratio), *strains])
    return [(fields * share, e) for share in shares]


def rayleigh_velocity(ratio: float) -> float:
    """Velocity of Rayleigh waves over that of S.

    Parameters
    ----------
    ratio : float
        Of vp to vs.

    Returns
    -------
    float
    """
    low, high = 0.5, 1.0 - 1e-9
    for _ in range(60):
        v = (low + high) / 2
        p, s = np.sqrt(1 - (v / ratio) ** 2), np.sqrt(1 - v**2)
        # Negative below the velocity.
        low, high = (v, high) if (2 - v**2) ** 2 < 4 * p * s else (low, v)
    return (low + high) / 2


def volumes_at(indices: NDArray[np.int64], volumes: tuple[float, ...]) -> NDArray[np.float64]:
    """Volumes of the values with some indices, over those of whole cells.

    Parameters
    ----------
    indices : ndarray of int
    volumes : tuple of float
        Of the first values; others have 1.

    Returns
    -------
    ndarray
    """
    table = np.array([*volumes, 1.0])
    return np.asarray(table[np.minimum(indices, len(volumes))])
