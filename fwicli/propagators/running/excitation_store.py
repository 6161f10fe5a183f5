"""Store of the excitation amplitude: of each point the largest amplitude, and when it was.

In place of the snapshots u(t, x), an adjoint run gets back

    u(T, x) / (u(T, x)**2 + floor) delta(t, T(x)),        T(x) = argmax_t |u(t, x)|

whose product with the back-propagated field v, summed over time, is the image of Nguyen and
McMechan (2013), Geophysics 78, S37-S45: v(T) / u(T), damped by a share of the largest amplitude.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators.kernels.signature import ArraySpec
from fwicli.propagators.running.wavefield_stores import ForwardRun, WavefieldStore

Array = NDArray[Any]

# Share of the largest amplitude that damps the division.
DAMPING = 1e-3
# Points that are looked at together: their snapshots of a segment stay in the cache.
PART = 8192


def damped_inverse(amplitude: Array, largest: float) -> Array:
    """Inverse of an amplitude, zero where there is none.

    Parameters
    ----------
    amplitude : ndarray
    largest : float
        Largest amplitude anywhere.

    Returns
    -------
    ndarray
    """
    power = amplitude**2 + (DAMPING * amplitude.dtype.type(largest)) ** 2
    inverse = np.zeros_like(amplitude)
    np.divide(amplitude, power, out=inverse, where=power > 0)
    return inverse


class ExcitationStore(WavefieldStore):
    """Stores the largest amplitude of each point, and the number of its snapshot."""

    def begin(self, forward: ForwardRun) -> None:
        """A forward run begins: nothing is kept of the one before."""
        super().begin(forward)
        for spec in self._specs:
            self._row("amplitude", spec)[...] = 0
            self._row("number", spec)[...] = 0
        # Where the buffers have inverses of the segment that was loaded last.
        self._is_loaded, self._loaded = False, dict[str, tuple[Array, Array]]()

    def save(self, segment: int) -> None:
        """Take larger amplitudes than those before from the snapshots of a segment."""
        first = self._first(segment)
        for spec in self._specs:
            rows = self._flat(spec, segment)
            amplitudes, numbers = self._row("amplitude", spec), self._row("number", spec)
            for part in _parts(rows.shape[1]):
                # Waves that are no longer finite end the run after its last step.
                with np.errstate(invalid="ignore"):
                    sizes = np.maximum(rows[:, part].max(axis=0), -rows[:, part].min(axis=0))
                    points = np.flatnonzero(sizes > np.abs(amplitudes[part]))
                if points.size:
                    points += part.start
                    latest = np.abs(rows[:, points]).argmax(axis=0)
                    amplitudes[points] = rows[latest, points]
                    numbers[points] = first + latest

    def load(self, segment: int) -> None:
        """Put the inverse of each amplitude into the snapshot that it was in, else zeros."""
        first = self._first(segment)
        for spec in self._specs:
            rows, numbers = self._flat(spec, segment), self._row("number", spec)
            inverse, buffer = self._inverse(spec), self._flat(spec, 0)
            if self._is_loaded:
                buffer[self._loaded[spec.name]] = 0
            else:
                buffer[...] = 0
            points = np.flatnonzero((numbers >= first) & (numbers < first + len(rows)))
            at = numbers[points] - first, points
            rows[at] = inverse[points]
            self._loaded[spec.name] = at
        self._is_loaded = True

    @property
    def illumination(self) -> Array:
        """Square of the largest amplitude, on the model's grid."""
        (spec,) = self._specs
        return self._on_the_model(spec, "amplitude") ** 2

    def _inverse(self, spec: ArraySpec) -> Array:
        """Damped inverses of the amplitudes, computed once."""
        inverse = self._row("inverse", spec)
        if not self._is_loaded:
            largest = float(np.abs(self._on_the_model(spec, "amplitude")).max())
            inverse[...] = damped_inverse(self._row("amplitude", spec), largest)
        return inverse

    def _on_the_model(self, spec: ArraySpec, name: str) -> Array:
        """Values of a row on the model's grid."""
        shape = self._arrays.of_snapshots(spec, 1)[1:]
        return self._arrays.inside(self._row(name, spec).reshape(shape), spec)

    def _row(self, name: str, spec: ArraySpec) -> Array:
        """Values of one name at all points of a snapshot."""
        points = self._flat(spec, 0).shape[1]
        dtype = np.int32 if name == "number" else self._dtype
        return self._arrays.buffer(f"{name}_{spec.name}", (points,), dtype)


def _parts(points: int) -> Iterator[slice]:
    """Parts of the points, one after the other."""
    for first in range(0, points, PART):
        yield slice(first, min(first + PART, points))
