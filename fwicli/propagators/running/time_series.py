"""Time series of a run: source terms at every step, and records summed to survey samples.

A run asks for source terms and hands over records in windows of steps. Equations of first order in
time are driven by the integral over time of the source time function (see `sampling.integral`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators.equations import registry
from fwicli.propagators.kernels import time_loops
from fwicli.propagators.kernels.signature import Signature
from fwicli.propagators.locations import GridLocations
from fwicli.propagators.sampling.integral import Integral
from fwicli.propagators.sampling.resampling import Resampling

Array = NDArray[Any]
# Takes the values recorded in the steps from first to last.
Collect = Callable[[int, int, Array], None]
# Columns whose spectra are computed at once.
COLUMNS = 256


class SourceTerms:
    """Values that a kernel injects, by the names of its arguments.

    Parameters
    ----------
    resampling : Resampling
    signature : Signature
        Of the kernel.
    at : GridLocations
        Where the values are injected.
    components : mapping of int to ndarray of shape (extended, n_visited)
        Values at the samples by component; zero where left out.
    """

    def __init__(
        self,
        resampling: Resampling,
        signature: Signature,
        at: GridLocations,
        components: Mapping[int, Array],
    ) -> None:
        self.at = at
        self.resampling = resampling
        zero = np.zeros((resampling.extended, at.count), dtype=resampling.precision)
        self._samples = {
            time_loops.values("q", c): components.get(c, zero) for c in range(signature.components)
        }
        self._steps: dict[str, Any] = dict.fromkeys(self._samples, resampling.upsample)
        if signature.kind == "forward" and registry.load(signature.equation).integrated:
            integral = Integral(resampling.axis.step, resampling.precision)
            self._steps = {name: integral.forwards(resampling.upsample) for name in self._samples}

    def window(self, first: int, last: int) -> dict[str, Array]:
        """Values at the steps from first to last, of shape (steps, n_visited), by name.

        Parameters
        ----------
        first, last : int
            Steps; the last is excluded.

        Returns
        -------
        dict of str to ndarray
        """
        return {
            name: self._steps[name](values, first, last) for name, values in self._samples.items()
        }

    def amplitudes(self, frequencies: Array) -> Array:
        """Amplitude spectrum of all values together, zero beyond the samples' highest frequency.

        Parameters
        ----------
        frequencies : ndarray of shape (n,)
            [Hz]

        Returns
        -------
        ndarray of shape (n,)
        """
        size = 2 * self.resampling.extended
        energy = np.zeros(size // 2 + 1)
        for values in self._samples.values():
            for first in range(0, values.shape[1], COLUMNS):
                spectrum = np.fft.rfft(values[:, first : first + COLUMNS], size, axis=0)
                energy += (np.abs(spectrum) ** 2).sum(axis=1)
        ours = np.fft.rfftfreq(size, self.resampling.axis.interval)
        return np.interp(frequencies, ours, np.sqrt(energy), right=0.0)


class Sum(Protocol):
    """A sum over the steps of a run."""

    def add(self, first: int, last: int, recorded: Array) -> None:
        """Add the records of the steps from first to last.

        Parameters
        ----------
        first, last : int
            Steps of the window; the last is excluded.
        recorded : ndarray of shape (steps, columns)
        """
        ...


class Records:
    """Records of a run at the survey's samples.

    Parameters
    ----------
    resampling : Resampling
    columns : int
        Traces of all components.
    segmented : bool
        Whether windows are the segments of a history. The result must not depend on them, so all
        steps are then collected before they are summed.

    Attributes
    ----------
    total : ndarray of shape (extended, columns)
    """

    def __init__(self, resampling: Resampling, columns: int, segmented: bool) -> None:
        self._resampling = resampling
        self.total = np.zeros((resampling.extended, columns), dtype=resampling.precision)
        steps = resampling.steps if segmented else 0
        self._steps = np.zeros((steps, columns), dtype=resampling.precision)

    def add(self, first: int, last: int, recorded: Array) -> None:
        """Add the records of a window.

        Parameters
        ----------
        first, last : int
            Steps of the window; the last is excluded.
        recorded : ndarray of shape (steps, columns)
        """
        if len(self._steps):
            self._steps[first:last] = recorded
        else:
            self.total += self._resampling.downsample(recorded, first, last)

    def components(self, count: int) -> dict[int, Array]:
        """Sums of all components, of shape (extended, n_visited), by component.

        Parameters
        ----------
        count : int
            Number of components.

        Returns
        -------
        dict of int to ndarray
        """
        if self._steps.size:
            self.total += self._resampling.downsample(self._steps, 0, len(self._steps))
        return dict(enumerate(np.split(self.total, count, axis=1)))


class SourceCorrelation:
    """Records of a run correlated with given time series, at lag zero.

    Parameters
    ----------
    series : ndarray of shape (steps, n)
    columns : int
        Number of traces that are recorded.

    Attributes
    ----------
    total : ndarray of shape (n, columns)
    """

    def __init__(self, series: Array, columns: int) -> None:
        self._series = series
        self.total = np.zeros((series.shape[1], columns))

    def add(self, first: int, last: int, recorded: Array) -> None:
        """Add the records of a window.

        Parameters
        ----------
        first, last : int
            Steps of the window; the last is excluded.
        recorded : ndarray of shape (steps, columns)
        """
        self.total += self._series[first:last].T @ recorded


def collector(series: Sum, resampling: Resampling, signature: Signature) -> Collect:
    """The function that a run of a kernel calls with its records.

    Parameters
    ----------
    series : Sum
        Takes the records.
    resampling : Resampling
    signature : Signature
        Of the kernel.

    Returns
    -------
    callable
        Of the first step, the last step and the records of a window.
    """
    integrated = registry.load(signature.equation).integrated
    if integrated and signature.kind in ("adjoint", "gradient"):
        return Integral(resampling.axis.step, resampling.precision).backwards(series.add)
    return series.add
