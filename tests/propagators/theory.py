"""Waves of homogeneous media in theory: Green's functions in the domain of frequency.

With g the response to a line source in 2D and a point source in 3D, -(laplacian + k**2) g = delta,

    g = -i/4 H0(k r),        g = exp(-i k r) / (4 pi r),        k = w / c,

acoustic waves of a source q and of a force f, and elastic waves of a force, are derivatives of it.
Frequencies are complex, w - i a, which damps what comes round from the end of the record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import hankel2

from fwicli import parameters
from fwicli.propagators.equations import viscoacoustic

Array = NDArray[Any]
Response = Callable[[Array], Array]
Speed = float | Callable[[Array], Array]


def trace(wavelet: Array, interval: float, response: Response) -> Array:
    """A wavelet convolved with a response, a function of angular frequency [1/s]."""
    n = 4 * wavelet.size
    decay = 4.0 / (n * interval)
    damping = np.exp(-decay * interval * np.arange(wavelet.size))
    w = 2 * np.pi * np.fft.rfftfreq(n, interval) - 1j * decay
    spectrum = np.fft.rfft(wavelet * damping, n) * response(w)
    return np.asarray(np.fft.irfft(spectrum, n)[: wavelet.size] / damping)


def derivatives(place: Array, k: Array) -> tuple[Array, Array, Array]:
    """g, its gradient and its second derivatives at a place relative to the source.

    Shapes (n,), (ndim, n) and (ndim, ndim, n), for n wavenumbers.
    """
    r = float(np.linalg.norm(place))
    e = place / r
    if place.size == 2:
        g, first = -0.25j * hankel2(0, k * r), 0.25j * k * hankel2(1, k * r)
    else:
        g = np.exp(-1j * k * r) / (4 * np.pi * r)
        first = -(1j * k + 1 / r) * g
    second = -(k**2) * g - (place.size - 1) / r * first
    along = np.multiply.outer(np.outer(e, e), second)
    across = np.multiply.outer(np.eye(place.size) - np.outer(e, e), first / r)
    return g, np.multiply.outer(e, first), along + across


def acoustic(
    c: float, rho: float, place: Array, source: int | None, receiver: int | None
) -> Response:
    """Pressure (None) or the velocity along an axis, for a source of pressure or a force."""

    def response(w: Array) -> Array:
        g, slope, curvature = derivatives(place, w / c)
        if source is None:
            g, slope = rho / 1000 * g, rho / 1000 * slope
            return g if receiver is None else -slope[receiver] / (1j * w * rho)
        return -slope[source] if receiver is None else curvature[receiver, source] / (1j * w * rho)

    return response


def elastic(
    speeds: tuple[Speed, Speed], rho: float, place: Array, source: int | None, receiver: int
) -> Response:
    """Particle velocity along an axis, for an explosion (None) or a force along one.

    An explosion of moment rate m(t) [N m/s], isotropic, drives it by the divergence of forces.
    Speeds of waves that lose energy are complex, and functions of angular frequency.
    """

    def response(w: Array) -> Array:
        vp, vs = (c(w) if callable(c) else c for c in speeds)
        fast, slow = (derivatives(place, w / c) for c in (vp, vs))
        if source is None:
            # u = M / (rho c**2) grad(g) with the sign of the outward force; v for its rate.
            return -fast[1][receiver] / (rho * vp**2)
        same = float(source == receiver)
        shear = (w / vs) ** 2 * slow[0] * same
        displacement = (shear + slow[2][receiver, source] - fast[2][receiver, source]) / (
            rho * w**2
        )
        return 1j * w * displacement

    return response


def third(place: Array, k: Array) -> Array:
    """Third derivatives of g, of shape (ndim, ndim, ndim, n) for n wavenumbers."""
    r, ndim = float(np.linalg.norm(place)), place.size
    e, one = place / r, np.eye(ndim)
    g, slope, _ = derivatives(place, k)
    first = np.tensordot(e, slope, 1)
    second = -(k**2) * g - (ndim - 1) / r * first
    last = -(k**2) * first + (ndim - 1) / r**2 * first - (ndim - 1) / r * second
    along = np.einsum("i,j,k->ijk", e, e, e)
    mixed = sum(np.einsum(f"ij,k->{axes}", one, e) for axes in ("ijk", "ikj", "kij"))
    across = second / r - first / r**2
    return np.multiply.outer(along, last) + np.multiply.outer(mixed - 3 * along, across)


def tensor(elements: tuple[float, ...], ndim: int) -> Array:
    """The matrix of a moment (see `survey.moments`)."""
    xx, yy, zz, xy, xz, yz = elements
    whole = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    return whole if ndim == 3 else whole[::2, ::2]


def moment(
    speeds: tuple[float, float], rho: float, place: Array, matrix: Array, receiver: int
) -> Response:
    """Particle velocity along an axis for a moment tensor times M(t) [N m].

    By derivatives of the displacement of forces, u_i = -M_jk dG_ij/dx_k: Aki and Richards (2002),
    equations 3.23 and 4.29.
    """

    def response(w: Array) -> Array:
        vp, vs = speeds
        shear = np.einsum("kn,k->n", derivatives(place, w / vs)[1], matrix[receiver])
        both = third(place, w / vs) - third(place, w / vp)
        sums = (w / vs) ** 2 * shear + np.einsum("jkn,jk->n", both[receiver], matrix)
        return -1j * w * sums / (rho * w**2)

    return response


def modulus(wave: str, earth: Mapping[str, float], reference: float) -> Callable[[Any], Any]:
    """Modulus of P or S waves over density [m2/s2], from the parameters of `viscoelastic`.

    A function of angular frequency [1/s]; velocities are those at the reference frequency [Hz].
    """
    points = {name: np.full((1, 1), value) for name, value in earth.items()}
    values = {n: float(v[0, 0]) for n, v in parameters("viscoelastic", points).items()}
    real, loss = {"p": (1 / values["k"], values["a"]), "s": (values["g"], values["b"])}[wave]

    def at(w: Any) -> Any:
        Z = -sum(viscoacoustic.WEIGHTS) / 2
        for time, weight in zip(viscoacoustic.TIMES, viscoacoustic.WEIGHTS, strict=True):
            Z = Z + weight / (1 + 1j * w * time / (2 * np.pi * reference))
        return real / values["r"] * (1 - loss * Z) / (1 + loss * Z)

    return at
