"""Weights of samples that depend on frequency, such as mutes that are wider for lower frequencies.

    C s = sum_i w_i (h_i * s),        sum_i h_i = delta
    C^T s = sum_i h_i * (w_i s)

with weights w_i(r, t) at frequencies f_i. The filters h_i have zero phase and are symmetric. Their
spectra are 1 at f_i and fall linearly to 0 at its neighbours, so that weights are interpolated over
frequency. Below the lowest and above the highest f_i their weights continue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.inversion.conditioning.operators import Weights

Array = NDArray[Any]


@dataclass(frozen=True)
class FrequencyWeights:
    """Multiplication with factors that differ between frequencies (see above).

    Parameters
    ----------
    frequencies : tuple of float
        f_i, in rising order [Hz].
    parts : tuple of Weights
        w_i.
    interval : float
        Sampling interval of the gathers [s].
    """

    frequencies: tuple[float, ...]
    parts: tuple[Weights, ...]
    interval: float

    def apply(self, gather: Array) -> Array:
        """C applied to a gather of shape (n_receivers, samples)."""
        samples = gather.shape[-1]
        length = _length(samples)
        spectrum = scipy.fft.rfft(gather.astype(np.float64), length)
        result = np.zeros(gather.shape)
        for part, response in zip(self.parts, self._responses(length), strict=True):
            result += part.apply(scipy.fft.irfft(response * spectrum, length)[:, :samples])
        return result

    def transpose(self, gather: Array) -> Array:
        """C^T applied to a gather of shape (n_receivers, samples)."""
        samples = gather.shape[-1]
        length = _length(samples)
        spectrum: Any = 0.0
        for part, response in zip(self.parts, self._responses(length), strict=True):
            spectrum = spectrum + response * scipy.fft.rfft(part.transpose(gather), length)
        return np.asarray(scipy.fft.irfft(spectrum, length)[:, :samples])

    def select(self, traces: NDArray[np.bool_]) -> FrequencyWeights:
        """The operator for some of the traces."""
        return replace(self, parts=tuple(part.select(traces) for part in self.parts))

    def placed(
        self, numbers: Sequence[NDArray[np.int64]], parts: Sequence[FrequencyWeights]
    ) -> FrequencyWeights:
        """The operator of all traces, from those of parts of them, this one first.

        Parameters
        ----------
        numbers : sequence of ndarray of int
            Traces of each part.
        parts : sequence of FrequencyWeights
            Operators of the parts.

        Returns
        -------
        operator : FrequencyWeights
        """
        each = zip(*(part.parts for part in parts), strict=True)
        return replace(self, parts=tuple(own[0].placed(numbers, own) for own in each))

    def _responses(self, length: int) -> list[Array]:
        """Spectra of h_i at the frequencies of a transform; their sum is 1."""
        axis = scipy.fft.rfftfreq(length, self.interval)
        units = np.eye(len(self.frequencies))
        return [np.interp(axis, self.frequencies, unit) for unit in units]


def _length(samples: int) -> int:
    """Length of a transform in which a filter does not reach around the ends."""
    return int(scipy.fft.next_fast_len(2 * samples, real=True))
