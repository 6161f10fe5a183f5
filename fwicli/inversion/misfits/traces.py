"""What misfits need to know of observed traces: their strength, which are silent, their period.

    rms_r = (mean_t d_r**2)**(1/2),    w_r = rms_r**2 / (rms_r**2 + silent**2 mean_r rms_r**2),
    1 / T = sum_f f |D|**2 / sum_f |D|**2

with traces d_r, their spectra D at the frequencies f [Hz], the weight w_r of a trace and the
dominant period T [s]. All of it comes from the observed data alone: it does not change with the
model, and has no part in the derivative.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

Array = NDArray[Any]

# Traces of a thousandth of the mean strength count half: less is noise or a dead trace.
SILENT = 1e-3


def strength(gather: Array) -> Array:
    """Root mean square of each trace, of shape (n_receivers, 1)."""
    square = np.mean(np.square(gather, dtype=np.float64), axis=-1, keepdims=True)
    return np.asarray(np.sqrt(square))


def level(observed: Array) -> float:
    """A typical strength of a gather: the median over its traces that are not zero.

    Few wild traces, or spikes on few, do not change it.
    """
    found = strength(observed)
    found = found[found > 0]
    return float(np.median(found)) if found.size else 0.0


def weights(observed: Array, silent: float) -> Array:
    """Weight of each trace, of shape (n_receivers, 1): 1, and nothing for one that is silent.

    Parameters
    ----------
    silent : float
        Share of the mean strength at which a trace counts half.
    """
    energy = strength(observed) ** 2
    total = energy + silent**2 * energy.mean()
    return np.asarray(np.divide(energy, total, out=np.zeros_like(energy), where=energy > 0))


def period(observed: Array, interval: float) -> float:
    """Dominant period [s] of a gather; that of the sampling if all of it is zero."""
    power = (np.abs(scipy.fft.rfft(observed.astype(np.float64), axis=-1)) ** 2).sum(axis=0)
    if not power[1:].any():
        return interval
    frequencies = scipy.fft.rfftfreq(observed.shape[-1], interval)
    return float(power.sum() / (frequencies * power).sum())


def padded(samples: int) -> int:
    """Samples for a Fourier transform in which a trace and its shifts do not wrap around."""
    return int(scipy.fft.next_fast_len(2 * samples, real=True))
