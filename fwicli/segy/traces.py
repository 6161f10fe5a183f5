"""Traces of a survey in SEG-Y or SU files: a shot is read when it is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.segy.samples import SampleReader
from fwicli.segy.survey import Survey
from fwicli.survey.traces import Shots, Traces

Array = NDArray[Any]


class SegyTraces(Traces):
    """Traces that lie in files; only their numbers are in memory.

    Parameters
    ----------
    reader : SampleReader
    numbers : ndarray of int, of shape (n,)
        Numbers of the traces over all files, shot by shot.
    begins : ndarray of int, of shape (n_shots + 1,)
        Where each shot begins in `numbers`, and the last ends.
    factors : ndarray of int8, of shape (n,) or (1,)
        Factors of the samples: 1, -1 of reversed traces, 0 of dead ones.
    shots : ndarray of int, of shape (n_shots,), or None
        Numbers of the shots in the files; None for all of them.
    """

    stored = True

    def __init__(
        self,
        reader: SampleReader,
        numbers: NDArray[np.int64],
        begins: NDArray[np.int64],
        factors: NDArray[np.int8],
        shots: NDArray[np.int64] | None = None,
    ) -> None:
        self.reader, self.numbers, self.begins, self.factors = reader, numbers, begins, factors
        self.shots = shots

    @classmethod
    def of_survey(cls, survey: Survey) -> SegyTraces:
        """All traces of a survey."""
        reader = SampleReader([index.layout for index in survey.indexes])
        return cls(reader, survey.order, survey.begins, survey.factors)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of traces of each shot, shape (n_shots,)."""
        return np.diff(self.begins)

    @property
    def samples(self) -> int:
        """Number of samples of a trace."""
        return self.reader.layouts[0].samples

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the samples: float32 if this holds them exactly, float64 otherwise."""
        return self.reader.dtype

    def __getitem__(self, shot: int) -> Array:
        """The gather of a shot, shape (n_receivers, samples).

        Raises
        ------
        DataError
            If the file has changed since it was indexed, or cannot be read.
        """
        number = range(len(self))[shot]
        part = slice(int(self.begins[number]), int(self.begins[number + 1]))
        try:
            gather = self.reader.read(self.numbers[part])
        except DataError as error:
            raise DataError(f"shot {self.shot(number)} cannot be read: {error}") from error
        factors = self.factors if len(self.factors) == 1 else self.factors[part]
        if (factors != 1).any():
            gather *= factors[:, None]
        return gather

    def select(self, shots: Shots) -> Traces:
        """The traces of some of the shots, by number."""
        chosen = np.arange(len(self))[shots]
        parts = [np.arange(self.begins[n], self.begins[n + 1]) for n in chosen]
        rows = np.concatenate(parts) if parts else np.arange(0)
        factors = self.factors if len(self.factors) == 1 else self.factors[rows]
        begins = np.concatenate([[0], np.cumsum(self.counts[chosen])])
        shots = np.array([self.shot(n) for n in chosen], dtype=np.int64)
        return SegyTraces(self.reader, self.numbers[rows], begins, factors, shots)

    def shot(self, number: int) -> int:
        """Number of a shot in the files."""
        return int(number) if self.shots is None else int(self.shots[number])
