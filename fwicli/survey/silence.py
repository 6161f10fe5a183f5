"""Silent traces: those of zeros, and those with values that are no numbers.

Both stand for a receiver that recorded nothing. They are counted, reported, and left out of every
comparison: synthetic waves there are no misfit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.survey.ragged import Ragged, by_trace

Array = NDArray[Any]
# An array (shot, receiver) of bool, or `Ragged`, which has the same operators.
Mask = Any


@dataclass(frozen=True)
class Silence:
    """Silent traces of a survey, by their cause.

    Parameters
    ----------
    zero : ndarray of bool, of shape (n_shots, n_receivers), or Ragged
        Traces whose samples are all zero.
    broken : ndarray of bool, of shape (n_shots, n_receivers), or Ragged
        Traces with a sample that is NaN or infinite.
    compared : bool
        Whether traces of zeros are records of no waves, and compared.
    amplitudes : ndarray of shape (n_shots,), or None
        Root mean square of the samples of each shot [Pa], without its silent traces.
    """

    zero: Mask
    broken: Mask
    compared: bool = False
    amplitudes: Array | None = None

    @classmethod
    def of(cls, data: Iterable[Array], compared: bool = False) -> Silence:
        """Detect silent traces, shot by shot.

        Parameters
        ----------
        data : ndarray of shape (n_shots, n_receivers, samples), or Traces
            Records [Pa].
        compared : bool
            Whether traces of zeros are records of no waves, and compared.

        Returns
        -------
        silence : Silence
        """
        zero: list[Array] = []
        broken: list[Array] = []
        amplitudes: list[float] = []
        for gather in data:
            zero.append(np.asarray(~gather.any(axis=-1)))
            broken.append(np.asarray(~np.isfinite(gather).all(axis=-1)))
            amplitudes.append(_amplitude(gather, ~(zero[-1] | broken[-1])))
        return cls(by_trace(zero), by_trace(broken), compared, np.array(amplitudes))

    @cached_property
    def live(self) -> Mask:
        """Traces that are compared, shape (n_shots, n_receivers), or Ragged."""
        return ~self.broken if self.compared else ~(self.zero | self.broken)

    def select(self, shots: Array | slice) -> Silence:
        """The silence of some of the shots, by number."""
        amplitudes = None if self.amplitudes is None else self.amplitudes[shots]
        zero, broken = _selected(self.zero, shots), _selected(self.broken, shots)
        return Silence(zero, broken, self.compared, amplitudes)

    def __str__(self) -> str:
        """Their number, cause and treatment; empty if there are none."""
        parts = []
        for mask, words in (
            (self.broken, "with values that are no numbers"),
            (self.zero, "zero throughout"),
        ):
            if mask.any():
                shot = next(n for n, row in enumerate(mask) if row.any())
                first = f"the first of shot {shot}, receiver {int(np.argmax(mask[shot]))}"
                parts.append(f"{int(mask.sum())} {words} ({first})")
        if not parts:
            return ""
        silent = self.zero | self.broken
        shots = np.flatnonzero([row.all() for row in silent])
        whole = ""
        if shots.size:
            named = ", ".join(str(s) for s in shots[:5]) + (", ..." if shots.size > 5 else "")
            many = f"{shots.size} shots ({named})" if shots.size > 1 else f"shot {named}"
            whole = f", among them all of {many}"
        fate = "they are compared with nothing"
        if self.compared:
            fate = "those with values that are no numbers are compared with nothing"
            fate = fate if self.broken.any() else "they are compared, as `data.silent` says"
        count = f"{int(silent.sum())} of {silent.size} traces are silent"
        return f"{count}: {', '.join(parts)}{whole}; {fate}"


def _amplitude(gather: Array, live: Array) -> float:
    """Root mean square of the samples of live traces [Pa]; 0 without any."""
    traces = gather if live.all() else gather[live]
    if not traces.size:
        return 0.0
    with np.errstate(over="ignore"):  # such amplitudes are refused later
        energy = float(np.einsum("rt,rt->", traces, traces, dtype=np.float64))
    return float(np.sqrt(energy / traces.size))


def _selected(mask: Mask, shots: Array | slice) -> Mask:
    return mask.select(shots) if isinstance(mask, Ragged) else mask[shots]
