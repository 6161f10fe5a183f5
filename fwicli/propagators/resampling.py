"""Interpolation in time between the survey's samples and the propagation steps.

A trace w sampled at interval T is taken to the step T / k by the band-limited kernel

    (U w)(t) = sum_j w_j g((t - j T) / T),        g(s) = sinc(s) I0(b sqrt(1 - (s/r)**2)) / I0(b)

a sinc with a Kaiser window of half-width r samples. Its transpose, divided by k, is the low-pass
filter that takes propagation steps back to recorded samples, so one sparse matrix and its exact
transpose serve in both directions.

Reference: Kaiser and Schafer (1980), IEEE Trans. ASSP 28, 105-107, for the window.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse
import scipy.special
from numpy.typing import NDArray

from fwicli.propagators.sampling import TimeAxis

HALF_WIDTH = 16
KAISER_BETA = 8.0


class Resampling:
    """Linear maps between the recorded samples and the steps of a time axis.

    The steps run on for the half-width of the filter after the last recorded sample, so that
    the last samples are filtered as well as the first.
    """

    def __init__(self, axis: TimeAxis) -> None:
        self.axis = axis

    @property
    def steps(self) -> int:
        """Number of propagation steps."""
        if self.axis.substeps == 1:
            return self.axis.samples
        return self.axis.substeps * (self.axis.samples - 1 + HALF_WIDTH) + 1

    @cached_property
    def matrix(self) -> Any:
        """U as a sparse matrix of shape (steps, samples)."""
        k, n = self.axis.substeps, self.axis.samples
        if k == 1:
            return scipy.sparse.identity(n, format="csr")
        reach = k * HALF_WIDTH - 1
        distance = np.arange(-reach, reach + 1) / k
        window = scipy.special.i0(KAISER_BETA * np.sqrt(1 - (distance / HALF_WIDTH) ** 2))
        kernel = np.sinc(distance) * window / scipy.special.i0(KAISER_BETA)
        columns = np.repeat(np.arange(n), kernel.size)
        rows = (k * np.arange(n)[:, None] + np.arange(-reach, reach + 1)).ravel()
        inside = (rows >= 0) & (rows < self.steps)
        values = np.tile(kernel, n)
        return scipy.sparse.csr_matrix(
            (values[inside], (rows[inside], columns[inside])), shape=(self.steps, n)
        )

    def to_steps(self, traces: NDArray[Any]) -> NDArray[Any]:
        """Traces of shape (n, samples) at every step, shape (steps, n)."""
        return np.asarray(self.matrix @ traces.T)

    def to_steps_transpose(self, values: NDArray[Any]) -> NDArray[Any]:
        """Transpose of `to_steps`: shape (steps, n) to (n, samples)."""
        return np.asarray(self.matrix.T @ values).T

    def to_samples(self, values: NDArray[Any]) -> NDArray[Any]:
        """Low-pass filtered values of shape (steps, n) at the samples, shape (n, samples)."""
        return self.to_steps_transpose(values) / self.axis.substeps

    def to_samples_transpose(self, traces: NDArray[Any]) -> NDArray[Any]:
        """Transpose of `to_samples`: shape (n, samples) to (steps, n)."""
        return self.to_steps(traces) / self.axis.substeps
