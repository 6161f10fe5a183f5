"""Stores of frequencies: sums over time of the snapshots times cosines and sines.

A history of selected frequencies holds

    C_k = sum_n u_n cos(2 pi k n / N),        S_k = sum_n u_n sin(2 pi k n / N)

of the N snapshots u_n, and gives back u_n = sum_k w_k (C_k cos(2 pi k n / N) + S_k sin(...)), with
w_k = 2 / N, or 1 / N where k is zero or N / 2. The gradient is then the usual one with that part of
the forward field, by Parseval's theorem the sum over these frequencies of the product of both
fields. Probes are random frequencies, each weighted by one over its chance to be drawn (see
`sampling.probes`).
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas

from fwicli.propagators.kernels.signature import ArraySpec
from fwicli.propagators.running.wavefield_stores import ForwardRun, WavefieldStore
from fwicli.propagators.sampling import probes

Array = NDArray[Any]


class FrequencyStore(WavefieldStore):
    """Stores the snapshots' Fourier coefficients at some frequencies."""

    def begin(self, forward: ForwardRun) -> None:
        """A forward run begins: nothing is kept of the one before."""
        super().begin(forward)
        for spec in self._specs:
            self._spectrum(spec)[...] = 0

    def save(self, segment: int) -> None:
        """Take the snapshots of a segment from the buffers."""
        kernel = self._harmonics(segment)
        for spec in self._specs:
            self._add(self._flat(spec, segment), kernel, self._spectrum(spec))

    def load(self, segment: int) -> None:
        """Put the snapshots of a segment into the buffers."""
        total, bins = self._total(), self._bins()
        once = (bins == 0) | (2 * bins == total)
        weights = np.tile(np.where(once, 1.0, 2.0) / (total * self._chances()), 2)
        kernel = (weights[:, None] * self._harmonics(segment)).T.astype(self._dtype)
        for spec in self._specs:
            np.matmul(kernel, self._spectrum(spec), out=self._flat(spec, segment))

    def _bins(self) -> Array:
        return np.array(self._options.bins(self._arrays.steps, self._history_step, self._step))

    def _chances(self) -> Any:
        """Chances of the frequencies to be among these."""
        return 1.0

    def _harmonics(self, segment: int) -> Array:
        """Cosines and sines, of shape (2 n_frequencies, snapshots)."""
        number = self._first(segment) + np.arange(self._snapshots(segment))
        # The product may exceed what a float holds exactly; the angle counts modulo one turn.
        turns = self._bins()[:, None] * number % self._total() / self._total()
        phase = 2 * np.pi * turns
        return np.concatenate([np.cos(phase), np.sin(phase)]).astype(self._dtype)

    def _spectrum(self, spec: ArraySpec) -> Array:
        points = self._flat(spec, 0).shape[1]
        shape = (2 * len(self._bins()), points)
        return self._arrays.buffer(f"spectrum_{spec.name}", shape, self._dtype)

    def _add(self, snapshots: Array, kernel: Array, spectrum: Array) -> None:
        """spectrum += kernel snapshots, in place."""
        multiply = blas.sgemm if self._dtype == np.float32 else blas.dgemm
        # The transposes are in Fortran's order: nothing is copied.
        multiply(1.0, snapshots.T, kernel.T, beta=1.0, c=spectrum.T, overwrite_c=True)


class ProbeStore(FrequencyStore):
    """Stores the coefficients at random frequencies, which the source's position draws."""

    def begin(self, forward: ForwardRun) -> None:
        """A forward run begins: its frequencies are drawn."""
        total = self._total()
        every_one = np.fft.rfftfreq(total, self._history_step * self._step)
        amplitudes = forward.terms.amplitudes(every_one)
        count = len(self._options.bins(self._arrays.steps, self._history_step, self._step))
        chances = probes.chances(amplitudes, count)
        indices = [a for part in forward.terms.at.parts for a in part.at.visited.indices]
        positions = b"".join(np.asarray(a, np.int64).tobytes() for a in indices)
        self._drawn = probes.drawn(chances, zlib.crc32(positions))
        self._chances_drawn = chances[self._drawn]
        ours = float((amplitudes[self._drawn] ** 2 / self._chances_drawn**2).sum())
        self._energy_share = float((amplitudes**2).sum()) / ours if ours > 0 else 1.0
        super().begin(forward)

    @property
    def energy_share(self) -> float:
        """Energy of the source over that of its drawn and weighted frequencies."""
        return self._energy_share

    def _bins(self) -> Array:
        return self._drawn

    def _chances(self) -> Any:
        return self._chances_drawn
