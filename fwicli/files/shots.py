"""Traces in HDF5 that are read shot by shot, from a table of traces or from (shot, receiver, time).

Only the index is held: where each shot begins, and how many samples it has. A shot is one
contiguous read, by the process that asks for it; a file that has changed since is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.files import datasets
from fwicli.files.datasets import Datasets
from fwicli.survey.traces import Shots, Traces, TracesView

Array = NDArray[Any]
Numbers = NDArray[np.int64]

# Datasets of the table, beside those of every file of records.
FIRST, RECORDED, START = "first_trace", "recorded_samples", "start"


@dataclass(frozen=True)
class ShotTraces(Traces):
    """Traces of a file of HDF5.

    Attributes
    ----------
    path : Path
    dataset : str
        Name of the dataset: (trace, time), or (shot, receiver, time) of equally many receivers.
    first : ndarray of int, of shape (n_shots,)
        Row of the first trace of each shot, or of the shot.
    sizes : ndarray of int, of shape (n_shots,)
        Number of traces of each shot.
    length : int
        Number of samples.
    kind : dtype
    recorded : ndarray of int, of shape (n_shots,)
        Number of recorded samples of each shot.
    version : tuple of int
        Size and time of the last change of the file, as it was opened.
    is_box : bool
        Whether the dataset is (shot, receiver, time).
    numbers : ndarray of int, of shape (n_shots,), or None
        Numbers of the shots in the file; None for all of them.
    """

    stored = True

    path: Path
    dataset: str
    first: Numbers
    sizes: Numbers
    length: int
    kind: np.dtype[Any]
    recorded: Numbers
    version: tuple[int, int]
    is_box: bool = False
    numbers: Numbers | None = None

    @property
    def counts(self) -> Numbers:
        """Number of traces of each shot, shape (n_shots,)."""
        return self.sizes

    @property
    def samples(self) -> int:
        """Number of samples of a trace."""
        return self.length

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the samples."""
        return self.kind

    @property
    def lengths(self) -> Numbers:
        """Number of recorded samples of each shot, shape (n_shots,)."""
        return self.recorded

    def __getitem__(self, shot: int) -> Array:
        """The gather of a shot, shape (n_receivers, samples).

        Raises
        ------
        DataError
            If the file has changed since it was opened, or is damaged.
        """
        with self.opened() as traces:
            return traces[shot]

    def __iter__(self) -> Iterator[Array]:
        """The gathers, one after the other."""
        with self.opened() as traces:
            for shot in range(len(self)):
                yield traces[shot]

    @contextmanager
    def opened(self) -> Iterator[Traces]:
        """The same traces, while the file is open.

        Yields
        ------
        traces : Traces

        Raises
        ------
        DataError
            If the file has changed since its index was read, or is damaged.
        """
        self.check_unchanged()
        with datasets.reading(self.path) as file:
            yield _OpenTraces(self, file.rows(self.dataset))

    def check_unchanged(self) -> None:
        """Make sure that the file is that of the index.

        Raises
        ------
        DataError
            If it has changed.
        """
        if self.path.exists() and version(self.path) != self.version:
            raise DataError(
                f"{self.path} has changed since it was opened; what is read from it now may belong "
                f"to other shots: begin again, when nothing writes to it"
            )

    def number(self, shot: int) -> int:
        """Number of a shot in the file."""
        return shot if self.numbers is None else int(self.numbers[shot])

    def select(self, shots: Shots) -> Traces:
        """The traces of some of the shots, by number, with the index of these alone."""
        numbers = np.arange(len(self))[shots]
        return replace(
            self,
            first=self.first[numbers],
            sizes=self.sizes[numbers],
            recorded=self.recorded[numbers],
            numbers=numbers if self.numbers is None else self.numbers[numbers],
        )


class _OpenTraces(TracesView):
    """Traces of an open file.

    Parameters
    ----------
    traces : ShotTraces
    read : callable
        From a slice of the first axis of the dataset to its values.
    """

    stored = True

    def __init__(self, traces: ShotTraces, read: Callable[[slice], Array]) -> None:
        self.traces, self._read = traces, read

    def __getitem__(self, shot: int) -> Array:
        index: Any = self.traces
        first, count = int(index.first[shot]), int(index.sizes[shot])
        rows = slice(first, first + (1 if index.is_box else count))
        try:
            gather = self._read(rows).reshape(count, index.length)
            # The library reads zeros where a file was cut after it was opened.
            index.check_unchanged()
        except (DataError, ValueError) as error:
            raise DataError(f"shot {index.number(shot)} cannot be read: {error}") from error
        return gather


def version(path: Path) -> tuple[int, int]:
    """Size [bytes] and time of the last change [ns] of a file."""
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def table(file: Datasets, dataset: str) -> ShotTraces:
    """The index of a table of traces.

    Parameters
    ----------
    file : Datasets
        It has the dataset `FIRST`.
    dataset : str
        Name of the dataset of traces, (trace, time).

    Returns
    -------
    traces : ShotTraces

    Raises
    ------
    DataError
        If the table and its index do not fit together.
    """
    shape = file.shape(dataset)
    if len(shape) != 2 or shape[1] < 2:
        raise DataError(
            f"{file.name(dataset)} has shape {shape}; with `{FIRST}` in the file it must be "
            f"(trace, time), with at least 2 samples"
        )
    bounds = _whole_numbers(file, FIRST)
    counts = np.diff(bounds)
    if len(bounds) < 2 or bounds[0] != 0 or bounds[-1] != shape[0] or (counts < 1).any():
        raise DataError(
            f"{file.name(FIRST)} must begin with 0, grow with each shot, and end with {shape[0]}, "
            f"the number of traces; it has {len(bounds)} numbers, from "
            f"{bounds[:1].tolist()} to {bounds[-1:].tolist()}, with {int((counts < 1).sum())} "
            f"shots of no traces"
        )
    recorded = np.full(len(counts), shape[1], dtype=np.int64)
    if file.has(RECORDED):
        recorded = _whole_numbers(file, RECORDED)
        if recorded.shape != counts.shape or (recorded < 2).any() or (recorded > shape[1]).any():
            raise DataError(
                f"{file.name(RECORDED)} must hold, for each of {len(counts)} shots, the number of "
                f"its recorded samples, from 2 to {shape[1]}"
            )
    return ShotTraces(
        file.path,
        dataset,
        bounds[:-1],
        counts,
        shape[1],
        file.dtype(dataset),
        recorded,
        version(file.path),
    )


def box(file: Datasets, dataset: str, shape: tuple[int, int, int]) -> ShotTraces:
    """The index of traces of shape (shot, receiver, time).

    Parameters
    ----------
    file : Datasets
    dataset : str
        Name of the dataset.
    shape : tuple of int
        Shots, receivers and samples.

    Returns
    -------
    traces : ShotTraces
    """
    shots, receivers, samples = shape
    return ShotTraces(
        file.path,
        dataset,
        np.arange(shots, dtype=np.int64),
        np.full(shots, receivers, dtype=np.int64),
        samples,
        file.dtype(dataset),
        np.full(shots, samples, dtype=np.int64),
        version(file.path),
        is_box=True,
    )


def _whole_numbers(file: Datasets, name: str) -> Numbers:
    """A column of whole numbers."""
    values = np.atleast_1d(np.squeeze(file.array(name))).astype(np.float64)
    if values.ndim != 1 or (values != np.rint(values)).any():
        raise DataError(f"{file.name(name)} has shape {values.shape}; it must be whole numbers")
    return values.astype(np.int64)
