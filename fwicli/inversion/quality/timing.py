"""Time and memory of a shot, measured in a worker: some time steps of its own kernels.

The record of a shot is cut to n samples, and the shot is propagated forwards and, for gradients and
images, backwards. Two numbers of samples tell the cost of a step from that of a call. Where
the whole shot takes no longer than the measurement may, the whole shot is measured.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.comparison import Comparison, StoredComparison
from fwicli.inversion.quality.diagnosis import compare
from fwicli.propagators.propagator import Propagator
from fwicli.propagators.sampling.resampling import Resampling
from fwicli.propagators.tasks import ShotTask

Array = NDArray[Any]

# Samples of the shortest run. The filter of the time axis adds 16.
FEWEST = 16
# Runs of each number of samples, of which the median counts.
REPEATS = 3
# Elapsed time, and time on processors, of this process [s].
Times = tuple[float, float]


@dataclass(frozen=True)
class Timed:
    """Times of one run with a number of samples.

    Attributes
    ----------
    samples, steps : int
        Of the record, and of the propagation.
    forward, backward : tuple of float
        Elapsed time and time on processors [s]; zero backwards where nothing goes back.
    """

    samples: int
    steps: int
    forward: Times
    backward: Times


@dataclass(frozen=True)
class MeasuredShot:
    """Result of the measurement of a shot.

    Attributes
    ----------
    start : tuple of float
        Times that first runs and comparisons take longer than later ones: kernels are loaded [s].
    runs : tuple of Timed
        Medians, the fewest samples first.
    product : tuple of Timed
        The same of products with second derivatives, all of it in `forward`; empty without them.
    comparison, diagnosis : tuple of float
        Times to compare the whole record, and to diagnose it [s].
    own : float
        Memory that shots take beside what the worker has without them, at most [bytes]; 0 if the
        system does not tell.
    """

    start: Times
    runs: tuple[Timed, ...]
    product: tuple[Timed, ...]
    comparison: Times
    diagnosis: Times
    own: float


@dataclass(frozen=True)
class TimedShot(ShotTask):
    """Measures a shot, as a picklable function.

    Parameters
    ----------
    kinds : tuple of str
        Sums of the adjoint run; empty where waves go forwards alone.
    comparison : Comparison or StoredComparison, optional
        Of the whole record.
    curvature : {"gauss_newton", "full"}, optional
        Kind of second derivative whose products are measured, too.
    checked : bool
        Whether workers of the run model shots before the first of this kind.
    diagnosed : float, optional
        Centre of the band [Hz], if comparisons are to be diagnosed.
    seconds : float
        Longest time of one run [s], about.
    """

    kinds: tuple[str, ...] = ()
    comparison: Comparison | StoredComparison | None = None
    curvature: str | None = None
    checked: bool = False
    diagnosed: float | None = None
    seconds: float = 2.0

    def __call__(self) -> MeasuredShot:
        """Measure the shot."""
        fewest = min(FEWEST, self.discretization.time.samples)
        modelled = [
            self._once(self._propagator(fewest), self._modelled)
            for _ in range(2 if self.checked else 0)
        ]
        first = self._once(self._propagator(fewest), self._shot)
        memory = _Peak()
        runs = self._runs(fewest, self._shot)
        own = memory.largest()
        product = self._runs(fewest, self._product) if self.curvature else ()
        compared = [self._compared() for _ in range(2)]
        longer = [
            np.add(first.forward, first.backward) - np.add(runs[0].forward, runs[0].backward),
            *(np.subtract(a, b) for a, b in zip(*compared, strict=True)),
            *(np.subtract(a.forward, b.forward) for a, b in pairwise(modelled)),
        ]
        start = sum(np.maximum(0.0, times) for times in longer)
        return MeasuredShot(_pair(start), runs, product, *compared[1], own)

    def _runs(self, fewest: int, run: Callable[[Propagator, Array], Marks]) -> tuple[Timed, ...]:
        """Medians of the fewest samples, and of as many as the time allows."""
        propagator, most = self._propagator(fewest), self.discretization.time.samples
        self._once(propagator, run)
        short = self._once(propagator, run)
        del propagator  # with its arrays: a run has one set of them
        extra = max(Resampling(self.discretization.time).extended - most, 0)
        once = max(short.forward[0] + short.backward[0], 1e-4)
        affordable = int((fewest + extra) * self.seconds / once) - extra
        many = min(most, max(affordable, 4 * fewest))
        if 1.5 * many >= most:
            many = most
        counts = (fewest,) if many == fewest else (fewest, many)
        return tuple(self._median(samples, run) for samples in counts)

    def _propagator(self, samples: int) -> Propagator:
        """The propagator of a record of this number of samples."""
        axis = replace(self.discretization.time, samples=samples)
        return Propagator(replace(self.discretization, time=axis), quiet=True)

    def _median(self, samples: int, run: Callable[[Propagator, Array], Marks]) -> Timed:
        """Medians of several runs; arrays are allocated before."""
        propagator = self._propagator(samples)
        self._once(propagator, run)
        runs = [self._once(propagator, run) for _ in range(REPEATS)]
        forward, backward = (
            np.median([getattr(r, name) for r in runs], axis=0) for name in ("forward", "backward")
        )
        return Timed(samples, runs[0].steps, _pair(forward), _pair(backward))

    def _once(self, propagator: Propagator, run: Callable[[Propagator, Array], Marks]) -> Timed:
        """One run, with a wavelet that begins at its peak: a field of zeros would be no test."""
        samples = propagator.time.samples
        peak = int(np.abs(self.wavelet[0]).argmax())
        wavelet = np.roll(self.wavelet, -peak, axis=1)[:, :samples]
        begun, turned, returned, ended = run(propagator, wavelet)
        return Timed(
            samples,
            propagator.resampling.steps,
            _pair(np.subtract(turned, begun)),
            _pair(np.subtract(ended, returned)),
        )

    def _shot(self, propagator: Propagator, wavelet: Array) -> Marks:
        """Waves forwards, and backwards where sums are wanted."""
        marks = [_now()]

        def residual(gather: Array) -> Array:
            marks.append(_now())
            return gather

        at = self.source, self.receivers
        if self.kinds:
            propagator.images(self.parameters, residual, wavelet, *at, kinds=self.kinds)
        else:
            propagator.forward(self.parameters, wavelet, *at)
            marks += [_now()]
        end = _now() if self.kinds else marks[1]
        return marks[0], marks[1], marks[1], end

    def _modelled(self, propagator: Propagator, wavelet: Array) -> Marks:
        """Waves forwards alone, as of shots that are checked."""
        begun = _now()
        propagator.forward(self.parameters, wavelet, self.source, self.receivers)
        end = _now()
        return begun, end, end, end

    def _product(self, propagator: Propagator, wavelet: Array) -> Marks:
        """A product with the second derivative."""
        full = self.curvature == "full"
        begun = _now()
        propagator.curvature(
            self.parameters,
            self.parameters,
            lambda gather, change: (gather if full else None, change),
            wavelet,
            self.source,
            self.receivers,
            kinds=() if full else ("illumination",),
        )
        end = _now()
        return begun, end, end, end

    def _compared(self) -> tuple[Times, Times]:
        """Times to compare the whole record with a synthetic one, and to diagnose both."""
        if self.comparison is None:
            return (0.0, 0.0), (0.0, 0.0)
        begun = _now()
        loaded = self.comparison.loaded()
        # Not the record itself: some misfits end early where nothing differs.
        synthetic = np.roll(np.asarray(loaded.observed), 3, axis=1)
        loaded(synthetic)
        compared = _now()
        if self.diagnosed is not None:
            estimated = loaded.recorded(loaded.estimated(synthetic))
            compare(estimated, loaded.observed, loaded.interval, self.diagnosed)
        return _pair(np.subtract(compared, begun)), _pair(np.subtract(_now(), compared))


# Beginning, end of the way forwards, beginning of the way back, and end.
Marks = tuple[Times, Times, Times, Times]


def _now() -> Times:
    return time.perf_counter(), time.process_time()


def _pair(values: Any) -> Times:
    elapsed, on_processors = values
    return float(elapsed), float(on_processors)


class _Peak:
    """Memory of this process beyond what it has now, at most."""

    def __init__(self) -> None:
        gc.collect()
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        self._before = _lines(Path("/proc/self/status")).get("VmRSS", 0.0)

    def largest(self) -> float:
        """The memory [bytes]; 0 if the system does not tell."""
        return max(0.0, _lines(Path("/proc/self/status")).get("VmHWM", 0.0) - self._before)


def _lines(path: Path) -> dict[str, float]:
    """Sizes in a file of the kernel, by name [bytes]."""
    sizes = {}
    with suppress(OSError):
        for line in path.read_text().splitlines():
            name, _, rest = line.partition(":")
            number, _, unit = rest.strip().partition(" ")
            if unit == "kB" and number.isdigit():
                sizes[name] = 1024.0 * int(number)
    return sizes
