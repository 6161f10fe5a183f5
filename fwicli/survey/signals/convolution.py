"""Convolution of traces with short filters, and its transposes in the traces and in the filter.

    (f * s)(t) = sum_l f(l) s(t - l)

for lags l that may be negative. Records are cut to their length, so that the transposes are those
of the matrices, exact at both ends of the record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Lags:
    """Convolution of traces with filters of lags first <= 0 <= last, cut to the record.

    Parameters
    ----------
    first, last : int
        Lags, in steps.
    samples : int
        Number of samples of a trace.
    step : int
        Samples in a step.
    """

    first: int
    last: int
    samples: int
    step: int = 1

    @property
    def count(self) -> int:
        """Number of lags."""
        return self.last - self.first + 1

    def shifted(self, trace: Array) -> Array:
        """s(t - l) for all samples t and lags l, of shape (samples, n_lags)."""
        before, after = self.last * self.step, -self.first * self.step
        padded = np.pad(trace.astype(np.float64), (before, after))
        windows = np.lib.stride_tricks.sliding_window_view(padded, before + after + 1)
        return np.asarray(windows[:, :: -self.step])

    def convolve(self, coefficients: Array, gather: Array) -> Array:
        """(f * s)(t) = sum_l f(l) s(t - l), by trace.

        Parameters
        ----------
        coefficients : ndarray of shape (n_lags,)
            f.
        gather : ndarray of shape (..., samples)
            s.

        Returns
        -------
        filtered : ndarray of shape (..., samples)
        """
        product = self._transform(self._spread(coefficients)) * self._transform(gather)
        whole = scipy.fft.irfft(product, self._length)
        return np.asarray(whole[..., self._lead : self._lead + self.samples])

    def correlate(self, coefficients: Array, gather: Array) -> Array:
        """F^T, the transpose in the gather: sum_t f(t - t') g(t).

        Parameters
        ----------
        coefficients : ndarray of shape (n_lags,)
            f.
        gather : ndarray of shape (n_receivers, samples)
            g.

        Returns
        -------
        correlated : ndarray of shape (n_receivers, samples)
        """
        filters = self._transform(self._spread(coefficients))
        product = filters.conj() * self._transform(self._placed(gather))
        return np.asarray(scipy.fft.irfft(product, self._length)[..., : self.samples])

    def by_lag(self, synthetic: Array, gather: Array) -> Array:
        """S^T, the transpose in the filter: sum over traces and t of s(t - l) g(t).

        Parameters
        ----------
        synthetic, gather : ndarray of shape (n_receivers, samples)
            s and g.

        Returns
        -------
        sums : ndarray of shape (n_lags,)
        """
        product = self._transform(synthetic).conj() * self._transform(self._placed(gather))
        whole = scipy.fft.irfft(product.sum(axis=0), self._length)
        return np.asarray(whole[: self.count * self.step : self.step])

    @property
    def _lead(self) -> int:
        """Samples that the filter looks ahead."""
        return -self.first * self.step

    @property
    def _length(self) -> int:
        return int(scipy.fft.next_fast_len(self.samples + self.count * self.step, real=True))

    def _spread(self, coefficients: Array) -> Array:
        """The filter at every sample."""
        spread = np.zeros(self.count * self.step)
        spread[:: self.step] = coefficients
        return spread

    def _transform(self, values: Array) -> Array:
        return np.asarray(scipy.fft.rfft(values, self._length))

    def _placed(self, gather: Array) -> Array:
        """The gather at the samples that `convolve` returns."""
        return np.pad(gather, ((0, 0), (self._lead, 0)))
