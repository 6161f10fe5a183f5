"""Time series of a run: source terms at every step, and records summed to survey samples.

A run asks for source terms and hands over records in windows of steps. Equations of first order in
time are driven by the integral over time of the source time function, or by its derivative, and
some records are integrals of a field (see `sampling.integral`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators.kernels import ports
from fwicli.propagators.kernels.signature import Signature
from fwicli.propagators.running.shot_points import FieldPoints, PartKey, ShotPoints
from fwicli.propagators.sampling.integral import Delay, Derivative, Integral, Steps
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
    at : ShotPoints
        Where the values are injected.
    components : mapping of int to mapping of PartKey to ndarray of shape (extended, n_visited)
        Values at the samples by component and part; zero where left out.
    """

    def __init__(
        self,
        resampling: Resampling,
        signature: Signature,
        at: ShotPoints,
        components: Mapping[int, Mapping[PartKey, Array]],
    ) -> None:
        self.at = at
        self.resampling = resampling
        # Values of the parts of a field, and the function that takes each to the steps.
        self._series: dict[str, list[tuple[Array, Steps]]] = {}
        by_field = dict(zip(at.fields, ports.entering(signature), strict=True))
        for part in at.parts:
            zero = np.zeros((resampling.extended, part.at.count), dtype=resampling.precision)
            for c in range(signature.components):
                values = components.get(c, {}).get(part.key, zero)
                series = self._series.setdefault(by_field[part.field].values(c), [])
                series.append((values, _entering(resampling, part, signature.kind)))

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
        windows = {}
        for name, parts in self._series.items():
            each = [steps(values, first, last) for values, steps in parts]
            windows[name] = each[0] if len(each) == 1 else np.sum(each, axis=0)
        return windows

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
        for values in [values for parts in self._series.values() for values, _ in parts]:
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
    """Records of one field at the survey's samples.

    Parameters
    ----------
    resampling : Resampling
    columns : int
        Traces of all components.
    segmented : bool
        Whether windows are the segments of a history. The result must not depend on them, so all
        steps are then collected before they are summed.
    half_steps : int
        When the values of a step are those of the waves, in half steps after it.

    Attributes
    ----------
    total : ndarray of shape (extended, columns)
    """

    def __init__(
        self, resampling: Resampling, columns: int, segmented: bool, half_steps: int = 0
    ) -> None:
        self._downsample = partial(resampling.downsample, half_steps=half_steps)
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
            self.total += self._downsample(recorded, first, last)

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
            self.total += self._downsample(self._steps, 0, len(self._steps))
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


def collector(
    series: Sum, resampling: Resampling, signature: Signature, part: FieldPoints
) -> Collect:
    """The function that a run of a kernel calls with the records of a field.

    Parameters
    ----------
    series : Sum
        Takes the records.
    resampling : Resampling
    signature : Signature
        Of the kernel.
    part : FieldPoints
        The field and its points.

    Returns
    -------
    callable
        Of the first step, the last step and the records of a window.
    """
    of_time = _of_time(resampling, part)
    collect: Collect = series.add
    if signature.kind in ("adjoint", "gradient"):
        return collect if of_time is None else of_time.backwards(collect)
    if part.channel.delayed:
        collect = Delay().recorded(collect)
    return of_time.recorded(collect) if isinstance(of_time, Integral) else collect


def _entering(resampling: Resampling, part: FieldPoints, kind: str) -> Steps:
    """The function that takes values at the samples to the steps at which they enter."""
    steps: Any = partial(resampling.upsample, half_steps=part.channel.half_steps)
    of_time = _of_time(resampling, part)
    if kind == "forward":
        return steps if of_time is None else of_time.forwards(steps)
    if part.channel.delayed:
        steps = Delay().injected(steps)
    return of_time.injected(steps) if isinstance(of_time, Integral) else steps


def _of_time(resampling: Resampling, part: FieldPoints) -> Integral | Derivative | None:
    """Through which sources enter a field, or records leave it, if not by their own values."""
    how = resampling.axis.step, resampling.precision
    if part.channel.integrated:
        return Integral(*how)
    return Derivative(*how) if part.channel.differentiated else None
