"""Samples of traces, shot by shot: in memory or in a file, as many traces as each shot has.

`traces[shot]` is a gather of shape (n_receivers, samples). Traces that are stored are read when a
shot is asked for: an object holds the index of the file and no samples, and it can be sent to the
worker that needs a shot. A file format is a subclass with `counts`, `samples`, `dtype` and
`__getitem__`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fwicli.errors import DataError
from fwicli.survey.signals.spans import ROUND, placed

Array = NDArray[Any]
Function = Callable[[Array], Array]
# Numbers of shots, a slice of them, or a mask.
Shots = Array | Sequence[int] | slice


class Traces(ABC):
    """Traces of shots, from wherever they are.

    Attributes
    ----------
    stored : bool
        Whether a shot is read from a file each time it is asked for.
    """

    stored: bool = False

    @property
    @abstractmethod
    def counts(self) -> NDArray[np.int64]:
        """Number of traces of each shot, shape (n_shots,)."""

    @property
    @abstractmethod
    def samples(self) -> int:
        """Number of samples of a trace, that of the longest shot."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """Type of the samples."""

    @abstractmethod
    def __getitem__(self, shot: int) -> Array:
        """The gather of a shot, shape (n_receivers, samples); shorter ones end with zeros."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of recorded samples of each shot, shape (n_shots,); zeros follow them."""
        return np.full(len(self), self.samples, dtype=np.int64)

    def __len__(self) -> int:
        """Number of shots."""
        return len(self.counts)

    def __iter__(self) -> Iterator[Array]:
        """The gathers, one after the other."""
        return (self[shot] for shot in range(len(self)))

    @contextmanager
    def opened(self) -> Iterator[Traces]:
        """The same traces, for reading many shots: a file is opened once.

        Yields
        ------
        traces : Traces
        """
        yield self

    def select(self, shots: Shots) -> Traces:
        """The traces of some of the shots, by number.

        A file format may return an object that holds the index of these shots alone: it is what a
        worker receives.
        """
        return _Selected(self, np.arange(len(self))[shots])

    def mapped(
        self, function: Function, samples: int | None = None, dtype: DTypeLike | None = None
    ) -> Traces:
        """Traces with a function applied to each gather, when it is read.

        Parameters
        ----------
        function : callable
            From a gather of shape (n_receivers, samples) to one of as many traces; picklable.
        samples : int, optional
            Number of samples after it; by default unchanged.
        dtype : dtype, optional
            Type of the samples after it; by default unchanged.

        Returns
        -------
        traces : Traces
        """
        return _Mapped(self, function, samples or self.samples, np.dtype(dtype or self.dtype))

    def rows(self, masks: Sequence[NDArray[np.bool_]]) -> Traces:
        """Some of the traces of each shot.

        Parameters
        ----------
        masks : sequence of ndarray of bool
            For each shot, shape (n_receivers,).
        """
        return _Rows(self, tuple(masks))

    def shifted(self, samples: NDArray[np.float64], length: int) -> Traces:
        """Traces that begin earlier or later: zeros before them, or cut.

        Parameters
        ----------
        samples : ndarray of shape (n_shots,)
            Number of the sample at which the first one of each shot comes to lie, as `placed` takes
            it; those that come to lie before 0 are cut.
        length : int
            Number of samples afterwards.

        Returns
        -------
        traces : Traces
        """
        return _Shifted(self, samples, length)

    def loaded(self) -> Array | Traces:
        """The traces in memory: an array (shot, receiver, time) where no shot differs."""
        alike = len(np.unique(self.counts)) == 1 and (self.lengths == self.samples).all()
        if alike:
            return self.padded()
        return LoadedTraces([g[:, :n] for g, n in zip(self, self.lengths, strict=True)])

    def padded(self) -> Array:
        """All traces as an array of shape (n_shots, most receivers, samples); zeros fill it up."""
        padded = np.zeros((len(self), int(self.counts.max(initial=0)), self.samples), self.dtype)
        for row, gather in zip(padded, self, strict=True):
            row[: len(gather)] = gather
        return padded

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        """An array (shot, receiver, time) of traces with equally many receivers in each shot.

        Raises
        ------
        DataError
            If the number of receivers changes from shot to shot.
        """
        del copy
        if len(np.unique(self.counts)) > 1:
            raise DataError(
                f"the shots have {self.counts.min()} to {self.counts.max()} traces, which is no "
                f"array (shot, receiver, time); take them shot by shot, or `padded()`"
            )
        return self.padded().astype(dtype or self.dtype, copy=False)

    @staticmethod
    def of(data: Traces | Array | Sequence[Array]) -> Traces:
        """Traces of an array (shot, receiver, time), of a gather for each shot, or as they are.

        Raises
        ------
        DataError
            If a gather is not (receiver, time).
        """
        return data if isinstance(data, Traces) else LoadedTraces(tuple(data))


class LoadedTraces(Traces):
    """Traces in memory.

    Parameters
    ----------
    gathers : sequence of ndarray of shape (n_receivers, samples)
        One for each shot; shorter ones are filled up with zeros.

    Raises
    ------
    DataError
        If a gather is not (receiver, time), or there is none.
    """

    def __init__(self, gathers: Sequence[Array]) -> None:
        # Sums over time depend, in their last bit, on the order of samples in memory.
        arrays = [np.ascontiguousarray(gather) for gather in gathers]
        for shot, gather in enumerate(arrays):
            if gather.ndim != 2:
                raise DataError(
                    f"the traces of shot {shot} have shape {gather.shape}; they must be (receiver, "
                    f"time)"
                )
        if not arrays:
            raise DataError("there are no shots; give the traces of at least one")
        self._lengths = np.array([gather.shape[1] for gather in arrays], dtype=np.int64)
        longest = int(self._lengths.max())
        self.gathers = tuple(
            np.pad(g, ((0, 0), (0, longest - g.shape[1]))) if g.shape[1] < longest else g
            for g in arrays
        )

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of traces of each shot, shape (n_shots,)."""
        return np.array([len(gather) for gather in self.gathers], dtype=np.int64)

    @property
    def samples(self) -> int:
        """Number of samples of a trace."""
        return int(self.gathers[0].shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the samples."""
        return np.result_type(*{gather.dtype for gather in self.gathers})

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of recorded samples of each shot, shape (n_shots,)."""
        return self._lengths

    def __getitem__(self, shot: int) -> Array:
        return self.gathers[shot]

    def select(self, shots: Shots) -> Traces:
        """The traces of some of the shots, by number."""
        numbers = np.arange(len(self))[shots]
        return self._with([self.gathers[n] for n in numbers], self._lengths[numbers])

    def mapped(
        self, function: Function, samples: int | None = None, dtype: DTypeLike | None = None
    ) -> Traces:
        """Traces with a function applied to each gather, at once."""
        del dtype
        gathers = [function(gather) for gather in self.gathers]
        return self._with(gathers, np.minimum(self._lengths, samples or self.samples))

    def rows(self, masks: Sequence[NDArray[np.bool_]]) -> Traces:
        """Some of the traces of each shot."""
        gathers = [g[mask] for g, mask in zip(self.gathers, masks, strict=True)]
        return self._with(gathers, self._lengths)

    @staticmethod
    def _with(gathers: Sequence[Array], lengths: NDArray[np.int64]) -> LoadedTraces:
        traces = LoadedTraces(gathers)
        traces._lengths = lengths
        return traces


class TracesView(Traces):
    """Traces that follow from others when they are asked for; a subclass says how.

    Attributes
    ----------
    traces : Traces
    """

    traces: Traces

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of traces of each shot, shape (n_shots,)."""
        return self.traces.counts

    @property
    def samples(self) -> int:
        """Number of samples of a trace."""
        return self.traces.samples

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the samples."""
        return self.traces.dtype

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of recorded samples of each shot, shape (n_shots,)."""
        return self.traces.lengths

    @property
    def stored(self) -> bool:  # type: ignore[override]
        """As that of the traces it is of."""
        return self.traces.stored


@dataclass(frozen=True)
class _Selected(TracesView):
    """Some of the shots."""

    traces: Traces
    shots: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        return self.traces.counts[self.shots]

    @property
    def lengths(self) -> NDArray[np.int64]:
        return self.traces.lengths[self.shots]

    def __getitem__(self, shot: int) -> Array:
        return self.traces[int(self.shots[shot])]

    def select(self, shots: Shots) -> Traces:
        return self.traces.select(self.shots[shots])


@dataclass(frozen=True)
class _Mapped(TracesView):
    """Gathers after a function."""

    traces: Traces
    function: Function
    length: int
    kind: np.dtype[Any]

    @property
    def samples(self) -> int:
        return self.length

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.kind

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.minimum(self.traces.lengths, self.length)

    def __getitem__(self, shot: int) -> Array:
        return self.function(self.traces[shot])

    def select(self, shots: Shots) -> Traces:
        return _Mapped(self.traces.select(shots), self.function, self.length, self.kind)


@dataclass(frozen=True)
class _Shifted(TracesView):
    """Traces that begin earlier or later."""

    traces: Traces
    first: NDArray[np.float64]
    length: int

    @property
    def samples(self) -> int:
        return self.length

    @property
    def lengths(self) -> NDArray[np.int64]:
        ends = np.maximum(np.floor(self.traces.lengths + self.first + ROUND), 0).astype(np.int64)
        return np.minimum(ends, self.length)

    def __getitem__(self, shot: int) -> Array:
        gather = placed(self.traces[shot], float(self.first[shot]), self.length)
        gather[:, self.lengths[shot] :] = 0  # also what resampling leaves behind a short record
        return gather

    def select(self, shots: Shots) -> Traces:
        return _Shifted(self.traces.select(shots), self.first[shots], self.length)


@dataclass(frozen=True)
class _Rows(TracesView):
    """Some of the traces of each shot."""

    traces: Traces
    masks: tuple[NDArray[np.bool_], ...]

    @property
    def counts(self) -> NDArray[np.int64]:
        return np.array([int(mask.sum()) for mask in self.masks], dtype=np.int64)

    def __getitem__(self, shot: int) -> Array:
        return self.traces[shot][self.masks[shot]]

    def select(self, shots: Shots) -> Traces:
        numbers = np.arange(len(self))[shots]
        return _Rows(self.traces.select(numbers), tuple(self.masks[n] for n in numbers))
