"""Error of records from the dispersion of differences, before waves are propagated.

Differences on cells of length h see the wavenumber k as K (see `stencils`). Waves of the frequency
f have the k for which c K(k) = 2 pi f, where theirs is 2 pi f / c. On a path on which they travel
for a time dt at the velocity c, the phase error phi [rad] and the error of the record are

    phi(f)   = 2 pi f int (d(2 pi f h / c) + |s(f) / f - 1|) dt,        d(K h) = max |k / K - 1|
    error**2 = sum |U(f)|**2 |exp(i phi) - 1|**2 / sum |U(f)|**2

with the spectrum U of the waves in the band: that of the wavelet in 3D, and f**-1/2 times that in
2D, as of a line source. The maximum is over all longer waves, which bounds
the error in all directions: (K / k)**2 is the mean of those along the axes, at wavenumbers up to
k. s(f) is the frequency of time stepping (see `dispersion`), f where that is corrected. Both parts
have different signs, and their sum is a bound. From phi = pi on, the error is that of pi. So it
never falls with h, nor with the time.

With Taylor's weights of order N, d grows like (f h / c)**N. The integral over time has then the
mean of c**-N over the path: the slowest part counts, and for waves that dive it is a short one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators.equations.stencils import Stencil
from fwicli.survey.signals.wavelets import Spectrum
from fwicli.survey.wave_paths import WavePath

Array = NDArray[Any]

# Wavenumbers of a table up to pi / h, and frequencies of a band.
TABLE = 2048
FREQUENCIES = 48
# Share of the largest amplitude below which frequencies are left out.
FAINTEST = 0.01


@dataclass(frozen=True)
class Dispersion:
    """Differences in space of a wave equation.

    Attributes
    ----------
    ndim : int
        Number of space dimensions.
    stencil : Stencil
    kind : {"second", "half", "centred"}
        The least accurate of them: second differences, slopes half a cell away, or on the points.
    """

    ndim: int
    stencil: Stencil
    kind: str = "second"

    def velocity_errors(self, angles: Array) -> Array:
        """Largest relative errors d of waves as long as these, or longer.

        Parameters
        ----------
        angles : ndarray
            2 pi f h / c.

        Returns
        -------
        errors : ndarray
            1 for waves that the grid cannot hold.
        """
        numerical, errors = _table(self.stencil, self.kind)
        return np.asarray(np.interp(angles, numerical, errors, right=1.0))


@cache
def _table(stencil: Stencil, kind: str) -> tuple[Array, Array]:
    """Wavenumbers K h that differences see, increasing, and the largest error d up to each."""
    angle = np.linspace(0, np.pi, TABLE + 1)[1:]
    numerical = wavenumber(angle, stencil, kind)
    last = int(numerical.argmax()) + 1
    errors = np.maximum.accumulate(np.abs(angle / np.maximum(numerical, 1e-9) - 1)[:last])
    return numerical[:last], errors


def wavenumber(angle: Array, stencil: Stencil, kind: str) -> Array:
    """The wavenumber K h that differences see, by that of the waves k h.

    Parameters
    ----------
    angle : ndarray of shape (n,)
        k h.
    stencil : Stencil
    kind : {"second", "half", "centred"}
        As in `Dispersion`.

    Returns
    -------
    numerical : ndarray of shape (n,)
    """
    places = np.arange(1, stencil.order // 2 + 1)
    if kind == "half":
        return np.asarray(2 * np.sin(np.outer(angle, places - 0.5)) @ stencil.half)
    if kind == "centred":
        # From Taylor's weights c_j of the second difference: those of the slope are j c_j / 2.
        return np.asarray(np.sin(np.outer(angle, places)) @ (places * stencil.second[1:]))
    square = 2 * (1 - np.cos(np.outer(angle, places))) @ np.array(stencil.second[1:])
    return np.asarray(np.sqrt(np.maximum(square, 0.0)))


def band(spectrum: Spectrum, ndim: int, count: int = FREQUENCIES) -> tuple[Array, Array]:
    """Frequencies of the waves of a wavelet, and their shares of the energy.

    Parameters
    ----------
    spectrum : Spectrum
        Of the wavelet.
    ndim : int
        Number of space dimensions.
    count : int
        Number n of frequencies.

    Returns
    -------
    frequencies : ndarray of shape (n,)
        [Hz]
    shares : ndarray of shape (n,)
        Their sum is 1.
    """
    loud = np.flatnonzero(spectrum.amplitude[1:] >= FAINTEST * spectrum.amplitude.max()) + 1
    low, high = spectrum.frequencies[loud[0]], spectrum.frequencies[loud[-1]]
    frequencies = np.linspace(low, high, count)
    amplitude = np.interp(frequencies, spectrum.frequencies, spectrum.amplitude)
    energy = amplitude**2 * frequencies ** (ndim - 3.0)
    return frequencies, energy / energy.sum()


def record_errors(
    paths: Sequence[WavePath],
    spectrum: Spectrum,
    spacing: float,
    differences: Dispersion,
    step: float = 0.0,
) -> Array:
    """Relative L2 errors of the waves of paths.

    Parameters
    ----------
    paths : sequence of WavePath
        Of equal numbers of points.
    spectrum : Spectrum
        Of the wavelet, in its band.
    spacing : float
        Length h of the cells [m].
    differences : Dispersion
    step : float
        Time step whose dispersion is not corrected [s]; 0 where it is.

    Returns
    -------
    errors : ndarray of shape (n_paths,)
    """
    frequencies, shares = band(spectrum, differences.ndim)
    turns = 2 * np.pi * frequencies[:, None, None]
    velocity, time = (np.array([getattr(p, n) for p in paths]) for n in ("velocity", "time"))
    errors = differences.velocity_errors(turns * spacing / velocity)
    half = np.minimum(turns * step / 2, np.pi / 2)
    errors = errors + np.abs(np.sinc(half / np.pi) - 1)
    phase = np.minimum((turns * errors * time).sum(axis=-1), np.pi)
    return np.asarray(np.sqrt(shares @ (2 * np.sin(phase / 2)) ** 2))
