"""From the survey's samples to the propagation steps and back, as linear maps with transposes.

A trace w sampled at interval T is taken to the step T / k by the band-limited kernel

    (U w)(t) = sum_j w_j g((t - j T) / T),        g(s) = sinc(s) I0(b sqrt(1 - (s/r)**2)) / I0(b)

a sinc with a Kaiser window of half-width r samples. Its transpose, divided by k, is the low-pass
filter that takes propagation steps back to recorded samples. Before and after stand the matrices
that remove the dispersion of the time stepping (see `dispersion`), A and B:

    sources      steps   = U A samples
    receivers    samples = B U^T steps / k

Reference: Kaiser and Schafer (1980), IEEE Trans. ASSP 28, 105-107, for the window.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import scipy.sparse
import scipy.special
from numpy.typing import NDArray

from fwicli.propagators import dispersion
from fwicli.propagators.sampling import TimeAxis

HALF_WIDTH = 16
KAISER_BETA = 8.0

Array = NDArray[Any]


class Resampling:
    """Linear maps between the recorded samples and the steps of a time axis.

    The steps run on for the half-width of the filter after the last recorded sample, so that
    the last samples are filtered as well as the first.
    """

    def __init__(self, axis: TimeAxis) -> None:
        self.axis = axis
        self.extended = axis.samples + HALF_WIDTH
        self.steps = axis.substeps * (self.extended - 1) + 1

    @property
    def memory(self) -> int:
        """Memory of the matrices that remove the dispersion [bytes]."""
        return 2 * 8 * self.extended**2 if self.axis.corrected else 0

    def to_steps(self, traces: Array) -> Array:
        """Source functions of shape (n, samples) at every step, shape (steps, n)."""
        longer = np.zeros((self.extended, traces.shape[0]))
        longer[: self.axis.samples] = traces.T
        if self.axis.corrected:
            longer = self._disperse() @ longer
        return np.asarray(self._upsampling() @ longer)

    def to_steps_transpose(self, values: Array) -> Array:
        """Transpose of `to_steps`: shape (steps, n) to (n, samples)."""
        longer = np.asarray(self._upsampling().T @ values)
        if self.axis.corrected:
            longer = self._disperse().T @ longer
        return np.asarray(longer[: self.axis.samples].T)

    def to_samples(self, values: Array) -> Array:
        """Records of shape (steps, n) at the samples, shape (n, samples)."""
        longer = np.asarray(self._upsampling().T @ values) / self.axis.substeps
        if self.axis.corrected:
            longer = self._restore() @ longer
        return np.asarray(longer[: self.axis.samples].T)

    def to_samples_transpose(self, traces: Array) -> Array:
        """Transpose of `to_samples`: shape (n, samples) to (steps, n)."""
        longer = np.zeros((self.extended, traces.shape[0]))
        longer[: self.axis.samples] = traces.T
        if self.axis.corrected:
            longer = self._restore().T @ longer
        return np.asarray(self._upsampling() @ longer) / self.axis.substeps

    def _upsampling(self) -> Any:
        return _upsampling(self.extended, self.axis.substeps)

    def _disperse(self) -> Array:
        return dispersion.disperse(self.extended, self.axis.interval, self.axis.step)

    def _restore(self) -> Array:
        return dispersion.restore(self.extended, self.axis.interval, self.axis.step)


@lru_cache(maxsize=8)
def _upsampling(samples: int, substeps: int) -> Any:
    """U as a sparse matrix of shape (steps, samples)."""
    k = substeps
    if k == 1:
        return scipy.sparse.identity(samples, format="csr")
    steps = k * (samples - 1) + 1
    reach = k * HALF_WIDTH - 1
    distance = np.arange(-reach, reach + 1) / k
    window = scipy.special.i0(KAISER_BETA * np.sqrt(1 - (distance / HALF_WIDTH) ** 2))
    kernel = np.sinc(distance) * window / scipy.special.i0(KAISER_BETA)
    columns = np.repeat(np.arange(samples), kernel.size)
    rows = (k * np.arange(samples)[:, None] + np.arange(-reach, reach + 1)).ravel()
    inside = (rows >= 0) & (rows < steps)
    values = np.tile(kernel, samples)
    return scipy.sparse.csr_matrix(
        (values[inside], (rows[inside], columns[inside])), shape=(steps, samples)
    )
