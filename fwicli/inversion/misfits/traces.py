"""Properties of observed traces that misfits use: strength, weights of silent traces, period.

    rms_r = (mean_t d_r**2)**(1/2),    w_r = rms_r**2 / (rms_r**2 + silent**2 mean_r rms_r**2),
    1 / T = sum_f f |D|**2 / sum_f |D|**2

with traces d_r, their spectra D at the frequencies f [Hz], the weight w_r of a trace and the
dominant period T [s]. They follow from the observed data alone. They do not change with the model,
so that they do not appear in derivatives.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

Array = NDArray[Any]

# Traces of a thousandth of the mean strength count half: weaker ones are noise or dead.
SILENT = 1e-3


def strength(gather: Array) -> Array:
    """Root mean square of each trace, of shape (n_receivers, 1)."""
    square = np.mean(np.square(gather, dtype=np.float64), axis=-1, keepdims=True)
    return np.asarray(np.sqrt(square))


def level(observed: Array) -> float:
    """Typical strength of a gather: the median over its traces that are not zero.

    A few wild traces, or spikes on a few traces, do not change it.
    """
    strengths = strength(observed)
    strengths = strengths[strengths > 0]
    return float(np.median(strengths)) if strengths.size else 0.0


def weights(observed: Array, silent: float) -> Array:
    """Weight of each trace: nearly 1, and nearly 0 for a silent trace.

    Parameters
    ----------
    observed : ndarray of shape (n_receivers, samples)
        Observed gather.
    silent : float
        Share of the mean strength at which a trace counts half.

    Returns
    -------
    weights : ndarray of shape (n_receivers, 1)
        0 for a trace of zeros.
    """
    energy = strength(observed) ** 2
    total = energy + silent**2 * energy.mean()
    return np.asarray(np.divide(energy, total, out=np.zeros_like(energy), where=energy > 0))


def period(observed: Array, interval: float) -> float:
    """Dominant period of a gather.

    Parameters
    ----------
    observed : ndarray of shape (n_receivers, samples)
        Observed gather, in the unit of the data.
    interval : float
        Sampling interval [s].

    Returns
    -------
    period : float
        [s]; the sampling interval if the gather is zero or constant.
    """
    power = (np.abs(scipy.fft.rfft(observed.astype(np.float64), axis=-1)) ** 2).sum(axis=0)
    if not power[1:].any():
        return interval
    frequencies = scipy.fft.rfftfreq(observed.shape[-1], interval)
    return float(power.sum() / (frequencies * power).sum())


def padded(samples: int) -> int:
    """Samples of a Fourier transform in which shifts of a trace do not wrap around."""
    return int(scipy.fft.next_fast_len(2 * samples, real=True))
