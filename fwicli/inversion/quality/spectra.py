"""Band of records against the band of a wavelet where it arrives.

The middle of a band is the frequency with half of the energy on either side,

    int_0^f50 (P(f) - P_n) df = 1/2 int_0^inf (P(f) - P_n) df

with the power P summed over traces, and white noise P_n from a low quantile of P. For a wavelet,
P(f) = |w(f) G(f)|**2, with G what waves do to it on their way: f**(-1/2) in two dimensions, nothing
in three, and |2 sin(2 pi f z / v)| for a source or receiver at depth z below a free surface. Forces
on the surface of a solid send surface waves whose displacement has the wavelet's spectrum in two
dimensions, and f**(1/2) times that in three; velocity has f times that of displacement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.quality.faults import Fault

Array = NDArray[Any]

# Length of a Fourier transform over that of a record: short records have few frequencies.
PADDED = 4
# Quantile of the power that is taken for white noise, and what noise exceeds it by in a sum.
QUIET, ABOVE = 0.3, 1.3
# Ratio of the middles of two bands that is a fault: more than attenuation and interference make.
OFF = 1.4
# The same where the source is estimated, which takes up smaller differences.
OFF_IF_ESTIMATED = 2.0


def power(gathers: Iterable[Array], samples: int, noise: bool = True) -> Array:
    """Power of all traces together.

    Parameters
    ----------
    gathers : iterable of ndarray of shape (n_receivers, samples)
    samples : int
    noise : bool
        Whether white noise is taken out.

    Returns
    -------
    power : ndarray of shape (PADDED * samples // 2 + 1,)
        In the squared unit of the traces; 0 at no frequency.
    """
    total = np.zeros(PADDED * samples // 2 + 1)
    for gather in gathers:
        for trace in np.asarray(gather, dtype=np.float64):
            total += np.abs(np.fft.rfft(trace, PADDED * samples)) ** 2
    total[0] = 0.0
    if not noise:
        return total
    return np.clip(total - ABOVE * np.quantile(total, QUIET), 0.0, None)


def frequencies(samples: int, interval: float) -> Array:
    """Frequencies of `power`.

    Parameters
    ----------
    samples : int
    interval : float
        Sampling interval [s].

    Returns
    -------
    frequencies : ndarray of shape (PADDED * samples // 2 + 1,)
        [Hz].
    """
    return np.fft.rfftfreq(PADDED * samples, interval)


def middle(power_of_band: Array, samples: int, interval: float) -> float:
    """Frequency with half of the energy on either side [Hz]; NaN without energy.

    Parameters
    ----------
    power_of_band : ndarray of shape (PADDED * samples // 2 + 1,)
    samples : int
    interval : float
        Sampling interval [s].

    Returns
    -------
    frequency : float
    """
    below = np.cumsum(power_of_band)
    if not below[-1] > 0:
        return float("nan")
    return float(np.interp(0.5, below / below[-1], frequencies(samples, interval)))


def arriving(wavelet: Array, interval: float, ndim: int, ghosts: Sequence[float] = ()) -> Array:
    """Power of a wavelet where it arrives.

    Parameters
    ----------
    wavelet : ndarray of shape (samples,)
    interval : float
        Sampling interval [s].
    ndim : int
        Dimensions of space.
    ghosts : sequence of float
        Vertical times from a free surface to source and receivers [s].

    Returns
    -------
    power : ndarray of shape (PADDED * samples // 2 + 1,)
    """
    total = power([wavelet.reshape(1, -1)], wavelet.shape[-1], noise=False)
    f = frequencies(wavelet.shape[-1], interval)
    if ndim == 2:
        total[1:] /= f[1:]
    for time in ghosts:
        total = total * np.sin(2 * np.pi * f * time) ** 2
    return total


def of_surface_waves(wavelet: Array, interval: float, ndim: int) -> Array:
    """Power of the velocities of surface waves from a force with a wavelet.

    Parameters
    ----------
    wavelet : ndarray of shape (samples,)
    interval : float
        Sampling interval [s].
    ndim : int
        Dimensions of space.

    Returns
    -------
    power : ndarray of shape (PADDED * samples // 2 + 1,)
    """
    total = power([wavelet.reshape(1, -1)], wavelet.shape[-1], noise=False)
    total *= frequencies(wavelet.shape[-1], interval) ** ndim
    return total


def other_band(recorded: float, expected: float, estimated: bool = False) -> Fault | None:
    """The fault of a wavelet of another band than the records; None if the bands agree.

    Parameters
    ----------
    recorded, expected : float
        Middle of the band of the records, and of the wavelet where it arrives [Hz].
    estimated : bool
        Whether the source is estimated.

    Returns
    -------
    fault : Fault or None
    """
    ratio = recorded / expected
    limit = OFF_IF_ESTIMATED if estimated else OFF
    if not np.isfinite(ratio) or 1 / limit <= ratio <= limit:
        return None
    return Fault(
        "wavelet_band",
        f"the wavelet is of another band than the records: half of their energy is below "
        f"{recorded:.3g} Hz, and half of the wavelet's, where it arrives, below {expected:.3g} Hz",
        {"recorded_hz": recorded, "expected_hz": expected, "ratio": ratio},
    )
