"""Statistics of traces in one pass, shot by shot: amplitudes, spectrum, dead and equal traces."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Traces of a shot whose spectra are summed.
SPECTRAL = 16
# Part of the largest amplitude of the spectrum that ends the band.
EDGE = 0.1
# Samples at the peak of a trace that say it was clipped.
CLIPPED = 8
# Factor between shots above which amplitudes are odd.
LOUD = 100.0
# Longest and shortest plausible sampling interval [s].
LONGEST, SHORTEST = 0.1, 1e-8


@dataclass
class TraceStatistics:
    """Statistics that grow with each shot.

    Parameters
    ----------
    samples : int
        Of a trace.
    interval : float
        [s].
    """

    samples: int
    interval: float
    power: Array = field(init=False)
    spectra: int = 0
    counts: list[int] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)
    squares: list[float] = field(default_factory=list)
    live: list[NDArray[np.bool_]] = field(default_factory=list)
    checksums: list[Array] = field(default_factory=list)
    broken: list[tuple[int, int]] = field(default_factory=list)
    clipped: list[tuple[int, int, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.power = np.zeros(self.samples // 2 + 1)
        # Records often end before the waves do; the step would have energy at all frequencies.
        end = self.samples // 10
        fall = 0.5 + 0.5 * np.cos(np.pi * (np.arange(end) + 1) / (end + 1))
        self._taper = np.concatenate((np.ones(self.samples - end), fall))
        seeds = np.random.default_rng(0)
        self._weights = seeds.integers(1, 2**63, self.samples, dtype=np.uint64) | np.uint64(1)

    def add(self, gather: Array) -> None:
        """Count the traces of the next shot.

        Parameters
        ----------
        gather : ndarray of shape (n_receivers, samples)
        """
        shot = len(self.counts)
        finite = np.isfinite(gather).all(axis=1)
        live = np.asarray(finite & gather.any(axis=1))
        self.broken += [(shot, int(i)) for i in np.flatnonzero(~finite)]
        self.counts.append(len(gather))
        self.live.append(live)
        self.checksums.append(self._checksum(gather))
        traces = gather[live].astype(np.float64)
        size = np.abs(traces)
        peaks = size.max(axis=1, initial=0.0)
        self.peaks.append(float(peaks.max(initial=0.0)))
        self.squares.append(float((traces**2).sum() / max(1, traces.size)))
        often = (size == peaks[:, None]).sum(axis=1) >= CLIPPED
        numbers = np.flatnonzero(live)
        self.clipped += [(shot, int(numbers[i]), float(peaks[i])) for i in np.flatnonzero(often)]
        chosen = traces[:: max(1, len(traces) // SPECTRAL)] * self._taper
        self.power += (np.abs(np.fft.rfft(chosen, axis=1)) ** 2).sum(axis=0)
        self.spectra += len(chosen)

    def _checksum(self, gather: Array) -> Array:
        """A number of 64 bits for each trace, equal for equal traces."""
        bits = np.ascontiguousarray(gather, dtype=np.float32).view(np.uint32)
        return np.asarray((bits.astype(np.uint64) * self._weights).sum(axis=1, dtype=np.uint64))

    @property
    def traces(self) -> int:
        """Number of traces."""
        return sum(self.counts)

    @property
    def frequencies(self) -> Array:
        """Of the spectrum [Hz]."""
        return np.fft.rfftfreq(self.samples, self.interval)

    @property
    def spectrum(self) -> Array:
        """Mean amplitude spectrum, relative to its peak."""
        amplitude = np.sqrt(self.power)
        largest = float(amplitude.max(initial=0.0))
        return amplitude / largest if largest else amplitude

    def contents(self) -> dict[str, Any]:
        """Numbers for a report."""
        live = int(sum(mask.sum() for mask in self.live))
        squares = [s for s, mask in zip(self.squares, self.live, strict=True) if mask.any()]
        amplitudes = {
            "largest_amplitude": max(self.peaks, default=0.0),
            "rms_amplitude": float(np.sqrt(np.mean(squares))) if squares else 0.0,
        }
        spectrum = {}
        if live:
            frequencies = self.frequencies
            loud = frequencies[self.spectrum >= EDGE]
            spectrum = {
                "peak_frequency_hz": float(frequencies[int(np.argmax(self.spectrum))]),
                "band_hz": [float(loud[0]), float(loud[-1])],
            }
        share = (self.traces - live) / max(1, self.traces)
        return {
            "dead_traces": self.traces - live,
            "share_of_dead_traces": share,
            **amplitudes,
            **spectrum,
        }

    # --- oddities ---------------------------------------------------------------------------------

    def odd(self, kinds: Sequence[Hashable] = ()) -> Iterator[str]:
        """Sentences on oddities with the samples.

        Parameters
        ----------
        kinds : sequence of hashable
            One for each shot: shots of one kind have amplitudes that compare. By default all do.

        Yields
        ------
        sentence : str
        """
        if not SHORTEST <= self.interval <= LONGEST:
            yield (
                f"the sampling interval is {self.interval:g} s, outside of {SHORTEST:g} to "
                f"{LONGEST:g} s: is it in another unit, as in milliseconds?"
            )
        yield from self._dead()
        if self.broken:
            shot, receiver = self.broken[0]
            yield (
                f"{len(self.broken)} of {self.traces} traces hold values that are no numbers (the "
                f"first: shot {shot}, trace {receiver}); they are left out of every comparison"
            )
        yield from self._levels(kinds)
        yield from self._band()

    def _dead(self) -> Iterator[str]:
        silent = [~mask for mask in self.live]
        broken = set(self.broken)
        zero = [(s, int(i)) for s, m in enumerate(silent) for i in np.flatnonzero(m)]
        zero = [place for place in zero if place not in broken]
        if zero:
            shot, receiver = zero[0]
            yield (
                f"{len(zero)} of {self.traces} traces ({len(zero) / self.traces:.2g} of all) are "
                f"zero throughout (the first: shot {shot}, trace {receiver}): dead, or waves have "
                f"not reached them"
            )
        dead = [s for s, mask in enumerate(self.live) if not mask.any()]
        if dead:
            named = ", ".join(map(str, dead[:5])) + (", ..." if len(dead) > 5 else "")
            yield f"{len(dead)} of {len(self.live)} shots have no live trace: {named}"

    def _levels(self, kinds: Sequence[Hashable]) -> Iterator[str]:
        """Shots far louder or fainter than others of their kind; peaks that were cut."""
        rms = np.sqrt(np.array(self.squares))
        ratios = np.zeros(len(rms))
        for kind in dict.fromkeys(kinds or [None]):
            own = rms > 0 if not kinds else (rms > 0) & [each == kind for each in kinds]
            ratios[own] = rms[own] / np.median(rms[own]) if own.any() else 0.0
        for shot in np.flatnonzero((ratios > LOUD) | ((ratios > 0) & (ratios * LOUD < 1)))[:3]:
            yield (
                f"shot {shot} has {ratios[shot]:.3g} times the amplitude of the median shot: "
                f"another gain or unit?"
            )
        largest = max(self.peaks, default=0.0)
        cut = [(s, i) for s, i, peak in self.clipped if peak >= 0.5 * largest]
        if cut:
            shot, receiver = cut[0]
            yield (
                f"{len(cut)} traces hold their largest value {CLIPPED} times or more (the first: "
                f"shot {shot}, trace {receiver}): they were clipped"
            )

    def _band(self) -> Iterator[str]:
        """A constant part, and a band that does not end."""
        if not self.power.any():
            return
        nyquist = 0.5 / self.interval
        if self.samples > 8 and self.power[0] > 4 * self.power[1:].max():
            yield (
                "the spectrum is strongest at 0 Hz: the traces have a constant part, which no "
                "source emits; remove it"
            )
        loud = self.frequencies[self.spectrum >= EDGE][-1]
        if loud > 0.95 * nyquist:
            yield (
                f"the spectrum reaches the Nyquist frequency, {nyquist:.4g} Hz: noise, aliasing, "
                f"spikes, or samples of another format or byte order"
            )
