"""Waves of a line source in a half space of vertical transverse isotropy, and its Rayleigh waves.

With (u_x, u_z) = (U, W) exp(i k x - p z), motion and Hooke's law for the stiffnesses c_ij give

    (A + c55 p**2) U - i k p (c13 + c55) W = 0,        A = rho w**2 - c11 k**2,
    (B + c33 p**2) W - i k p (c13 + c55) U = 0,        B = rho w**2 - c55 k**2,

hence two p**2 for each k and w, of waves that go down where the real part of p is positive. A
source makes two waves up and two down: their displacements and tractions jump by what it injects.
Those that go up are reflected so that the tractions vanish at z = 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

# c11, c13, c33, c55 [Pa] and rho [kg/m3].
Earth = tuple[float, float, float, float, float]


def earth(vp: float, vs: float, rho: float, epsilon: float, delta: float) -> Earth:
    """Stiffnesses [Pa] by Thomsen's definitions, and the density [kg/m3]."""
    c33, c55 = rho * vp**2, rho * vs**2
    c13 = np.sqrt((c33 - c55) * (c33 - c55 + 2 * delta * c33)) - c55
    return c33 * (1 + 2 * epsilon), float(c13), c33, c55, rho


def waves(medium: Earth, k: Array, w: complex) -> tuple[Complex, Complex, Complex]:
    """p of P and SV waves, and their columns (U, W, s_xz, s_zz) going down and up.

    Shapes (n, 2), (n, 4, 2) and (n, 4, 2) for n wavenumbers.
    """
    c11, c13, c33, c55, rho = medium
    a, b, mixed = rho * w**2 - c11 * k**2, rho * w**2 - c55 * k**2, c13 + c55
    line = a * c33 + b * c55 + (k * mixed) ** 2
    root = np.sqrt(line**2 - 4 * c33 * c55 * a * b + 0j)
    squares = np.stack([-line + root, -line - root]) / (2 * c33 * c55)
    # Without a wavenumber along the surface, P waves are those with the smaller slowness.
    squares = np.take_along_axis(squares, np.argsort(-(squares / w**2).real, axis=0), axis=0)
    p = np.sqrt(squares)
    columns = []
    for sign in (1, -1):
        fast, slow = sign * p
        level = np.stack([1j * k * fast * mixed, b + c33 * slow**2], axis=-1)
        upright = np.stack([a + c55 * fast**2, 1j * k * slow * mixed], axis=-1)
        down, along = sign * p.T, 1j * k[:, None]
        shear = c55 * (along * upright - down * level)
        normal = c13 * along * level - c33 * down * upright
        columns.append(np.stack([level, upright, shear, normal], axis=1))
    return p.T, columns[0], columns[1]


def displacement(
    medium: Earth, source: tuple[float, str], depth: float, k: Array, w: complex
) -> Complex:
    """As `halfspace.displacement`, of the same sources."""
    c11, c13, c33, _, _ = medium
    p, down, up = waves(medium, k, w)
    jump = np.zeros((len(k), 4), dtype=complex)
    if source[1] == "pressure":
        volume = 1 / 2000 / (1j * w) ** 2
        jump[:, 1] = volume * (c13 + c33) / c33
        jump[:, 2] = 1j * k * volume * (c11 + c13 - c13 * (c13 + c33) / c33)
    else:
        jump[:, 2 if source[1] == "fx" else 3] = -1
    emitted = np.linalg.solve(np.concatenate([down, -up], axis=2), jump[..., None])[..., 0]
    above = np.exp(-p * source[0]) * emitted[:, 2:]
    traction = (up[:, 2:] @ above[..., None])[..., 0]
    back = np.linalg.solve(down[:, 2:], -traction[..., None])[..., 0]
    shift = np.exp(-p * abs(depth - source[0]))
    direct, ways = (emitted[:, :2], down) if depth >= source[0] else (emitted[:, 2:], up)
    total = down[:, :2] @ (np.exp(-p * depth) * back)[..., None]
    total = total + ways[:, :2] @ (shift * direct)[..., None]
    return np.asarray(total[..., 0].T)


def rayleigh(medium: Earth) -> float:
    """Velocity of Rayleigh waves [m/s]: waves that decay with depth have no traction."""
    slowest = np.sqrt(medium[3] / medium[4])

    def traction(velocity: float) -> float:
        _, down, _ = waves(medium, np.ones(1), velocity)
        tractions = down[0, 2:] / np.linalg.norm(down[0, :2], axis=0)
        return float(np.linalg.det(tractions).real)

    return float(brentq(traction, 0.5 * slowest, 0.99 * slowest))
