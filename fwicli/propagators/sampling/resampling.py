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
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.propagators.sampling import dispersion
from fwicli.propagators.sampling.stability import TimeAxis

HALF_WIDTH = 16
KAISER_BETA = 8.0

Array = NDArray[Any]


class Resampling:
    """Linear maps between the recorded samples and the steps of a time axis.

    The steps run on for the half-width of the filter after the last recorded sample, so that
    the last samples are filtered as well as the first. Without a filter, which is where samples are
    steps and keep their dispersion, they end with the samples.

    Parameters
    ----------
    axis : TimeAxis
    precision : {"float32", "float64"}
        Of the matrices, and of their results.
    """

    def __init__(self, axis: TimeAxis, precision: str = "float64") -> None:
        self.axis = axis
        self.precision = precision
        filtered = axis.substeps > 1 or axis.corrected
        self.extended = axis.samples + (HALF_WIDTH if filtered else 0)
        self.steps = axis.substeps * (self.extended - 1) + 1

    @property
    def memory(self) -> int:
        """Memory of the matrices [bytes]."""
        itemsize = np.dtype(self.precision).itemsize
        dispersion = 2 * itemsize * self.extended**2 if self.axis.corrected else 0
        entries = self.steps * (2 * HALF_WIDTH if self.axis.substeps > 1 else 1)
        return dispersion + entries * (itemsize + 4)

    @property
    def making(self) -> int:
        """Memory that it takes to make the last matrix, beside theirs [bytes]."""
        return dispersion.making(self.extended) if self.axis.corrected else 0

    # --- the maps, from traces of shape (n, samples) to steps of shape (steps, n) ----------------

    def to_steps(self, traces: Array) -> Array:
        """Source functions at every step."""
        return self.upsample(self.disperse(traces))

    def to_steps_transpose(self, values: Array) -> Array:
        """Transpose of `to_steps`."""
        return self.disperse_transpose(self.downsample(values))

    def to_samples(self, values: Array) -> Array:
        """Records of every step at the samples."""
        return self.restore(self.downsample(values))

    def to_samples_transpose(self, traces: Array) -> Array:
        """Transpose of `to_samples`."""
        return self.upsample(self.restore_transpose(traces))

    # --- their parts: traces of shape (n, samples), longer ones of shape (extended, n) -----------

    def disperse(self, traces: Array) -> Array:
        """Source functions with the dispersion of the steps added, A samples."""
        longer = self._longer(traces)
        return self._disperse() @ longer if self.axis.corrected else longer

    def disperse_transpose(self, longer: Array) -> Array:
        """Transpose of `disperse`."""
        return self._cut(self._disperse().T @ longer if self.axis.corrected else longer)

    def restore(self, longer: Array) -> Array:
        """Records without the dispersion of the steps, B longer / k."""
        longer = longer / longer.dtype.type(self.axis.substeps)
        return self._cut(self._restore() @ longer if self.axis.corrected else longer)

    def restore_transpose(self, traces: Array) -> Array:
        """Transpose of `restore`."""
        longer = self._longer(traces)
        longer = self._restore().T @ longer if self.axis.corrected else longer
        return np.asarray(longer / longer.dtype.type(self.axis.substeps))

    def upsample(
        self, longer: Array, first: int = 0, last: int | None = None, half_steps: int = 0
    ) -> Array:
        """Values at the steps from first to last, or some half steps later, U longer.

        Parameters
        ----------
        longer : ndarray of shape (extended, n)
        first, last : int, optional
            Steps; the last is excluded.
        half_steps : int
            When the values are taken, in half time steps after the steps.

        Returns
        -------
        ndarray of shape (steps, n)
        """
        return np.asarray(self._upsampling(half_steps)[first:last] @ longer)

    def downsample(
        self, values: Array, first: int = 0, last: int | None = None, half_steps: int = 0
    ) -> Array:
        """Transpose of `upsample`.

        Parameters
        ----------
        values : ndarray of shape (steps, n)
        first, last : int, optional
            Steps; the last is excluded.
        half_steps : int
            When the values are those of the waves, in half time steps after the steps.

        Returns
        -------
        ndarray of shape (extended, n)
        """
        return np.asarray(self._upsampling(half_steps)[first:last].T @ values)

    def _longer(self, traces: Array) -> Array:
        longer = np.zeros((self.extended, traces.shape[0]), dtype=self.precision)
        longer[: self.axis.samples] = traces.T
        return longer

    def _cut(self, longer: Array) -> Array:
        return np.asarray(longer[: self.axis.samples].T)

    def _upsampling(self, half_steps: int = 0) -> Any:
        return _upsampling(self.extended, self.axis.substeps, self.precision, half_steps)

    def _disperse(self) -> Array:
        return dispersion.disperse(
            self.extended, self.axis.interval, self.axis.step, self.precision
        )

    def _restore(self) -> Array:
        return dispersion.restore(self.extended, self.axis.interval, self.axis.step, self.precision)


@lru_cache(maxsize=8)
def _upsampling(samples: int, substeps: int, precision: str, half_steps: int) -> Any:
    """U as a sparse matrix of shape (steps, samples)."""
    k = substeps
    if k == 1 and not half_steps:
        return scipy.sparse.identity(samples, format="csr", dtype=precision)
    steps = k * (samples - 1) + 1
    reach = k * HALF_WIDTH - 1
    # From the step nearest to a sample on, if values are late by half steps.
    begin = -reach - half_steps // 2
    near = np.arange(begin, begin + 2 * reach + 1)
    distance = (near + half_steps / 2) / k
    window = scipy.special.i0(KAISER_BETA * np.sqrt(1 - (distance / HALF_WIDTH) ** 2))
    kernel = np.sinc(distance) * window / scipy.special.i0(KAISER_BETA)
    columns = np.repeat(np.arange(samples), kernel.size)
    rows = (k * np.arange(samples)[:, None] + near).ravel()
    inside = (rows >= 0) & (rows < steps)
    values = np.tile(kernel, samples).astype(precision)
    return scipy.sparse.csr_matrix(
        (values[inside], (rows[inside], columns[inside])), shape=(steps, samples)
    )
