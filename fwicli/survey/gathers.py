"""Shot records: traces of every shot on a common time axis, with their geometry and source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.digits import apart, round_down
from fwicli.errors import DataError
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.proximity import PointSource
from fwicli.survey.ragged import by_trace
from fwicli.survey.signals.spans import ROUND, first_samples, first_whole, placed
from fwicli.survey.silence import Silence
from fwicli.survey.traces import Traces

Array = NDArray[Any]

# Largest and smallest peak amplitude of records [Pa], with room for any unit. Beyond them, squares
# overflow or vanish in single precision.
LOUDEST, FAINTEST = 1e15, 1e-30


@dataclass(frozen=True)
class Gathers:
    """Recorded or modelled traces of a survey.

    Parameters
    ----------
    acquisition : Acquisition
    interval : float
        Sampling interval [s].
    data : ndarray of shape (n_shots, n_receivers, samples), Traces, or sequence of ndarray
        Pressure [Pa]. A sequence of gathers (receiver, time) becomes `Traces`: shots may differ in
        their number of receivers. Traces that are stored are read shot by shot.
    wavelet : ndarray of shape (samples,) or (n_shots, samples), or None
        Source time functions from t = 0 [Pa] in 2D, [Pa m] in 3D: one for all shots, or one each.
    silence : Silence or None
        Silent traces, which are not compared; None before they are detected.
    point_source : PointSource or None
        Discretization of modelled records; None for measured records, and if it is unknown.
    start : float or ndarray of shape (n_shots,)
        Time of the first recorded sample of each shot after it was fired [s].
    spans : ndarray of int, of shape (n_shots, 2), or None
        Set by `from_zero`, after which the data begin at t = 0: the first recorded sample of each
        shot, and that behind the last. The others are zeros, and they are not compared. None if
        the data begin at `start`.
    notes : tuple of str
        Traces that were left out, and contradictions in the file, in words.

    Raises
    ------
    DataError
        If the data or the wavelet do not fit the acquisition.
    """

    acquisition: Acquisition
    interval: float
    data: Any
    wavelet: Array | None = None
    silence: Silence | None = None
    point_source: PointSource | None = None
    start: float | Array = 0.0
    spans: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.data, np.ndarray | Traces):
            object.__setattr__(self, "data", Traces.of(self.data))
        _check_counts(self.acquisition, self.data)
        if self.wavelet is not None and self.wavelet.shape[-1] != self.samples:
            raise DataError(
                f"the wavelet has {self.wavelet.shape[-1]} samples and the data {self.samples}; "
                f"both must be sampled at {self.interval:g} s from t = 0"
            )
        shots = self.acquisition.shots
        if self.wavelet is not None and self.wavelet.shape[:-1] not in ((), (1,), (shots,)):
            raise DataError(
                f"the wavelet has shape {self.wavelet.shape}; it must be ({self.samples},) or "
                f"({shots}, {self.samples}), one for each shot"
            )
        if np.shape(self.start) not in ((), (shots,)):
            raise DataError(
                f"there are {np.size(self.start)} times of first samples for {shots} shots; give "
                f"one for each shot, or one for all [s]"
            )

    @property
    def samples(self) -> int:
        """Number of samples of a trace."""
        return int(self.data.shape[2]) if isinstance(self.data, np.ndarray) else self.data.samples

    @property
    def stored(self) -> bool:
        """Whether traces are read from a file when a shot is asked for."""
        return isinstance(self.data, Traces) and self.data.stored

    @property
    def live(self) -> Any:
        """Traces that are compared: bool of shape (n_shots, n_receivers), or `Ragged`."""
        if self.silence is None:
            return by_trace([np.ones(n, dtype=bool) for n in self.acquisition.counts])
        return self.silence.live

    def wavelet_of(self, shot: int) -> Array:
        """Source time function of a shot, shape (samples,).

        Raises
        ------
        DataError
            If there is none.
        """
        if self.wavelet is None:
            raise DataError("the data come without a wavelet; give one as `wavelet`")
        shared = self.wavelet.ndim == 1 or len(self.wavelet) == 1
        return self.wavelet.reshape(-1) if shared else np.asarray(self.wavelet[shot])

    def span(self, shot: int) -> slice:
        """The samples of a shot that are recorded."""
        return slice(None) if self.spans is None else slice(*(int(n) for n in self.spans[shot]))

    def mapped(self, function: Callable[[Array], Array]) -> Gathers:
        """The records after a function of gathers, which keeps the number of samples.

        Parameters
        ----------
        function : callable
            Along the last axis; picklable. Traces that are stored pass it when they are read.
        """
        box = isinstance(self.data, np.ndarray)
        return replace(self, data=function(self.data) if box else self.data.mapped(function))

    def from_zero(self) -> Gathers:
        """The records on the time axis that begins at t = 0 for all shots.

        Zeros fill it up where a shot begins later or ends earlier than others, and `spans` says
        where. Samples before t = 0 are cut, and shots that begin between two samples of that axis
        are resampled by their Fourier series (see `timing`).

        Raises
        ------
        DataError
            If a shot ends before t = 0.
        """
        position, lengths = self._positions(), self._lengths()
        if self.spans is not None:
            return self
        first = first_whole(position)
        if not position.any() and (lengths == self.samples).all():
            return self
        ends = first + lengths
        for shot in np.flatnonzero(ends < 2)[:1]:
            raise DataError(
                f"the record of shot {shot} ends at {(ends[shot] - 1) * self.interval:g} s, before "
                f"the shot was fired at t = 0; check the start times, or leave the shot out"
            )
        samples = int(ends.max())
        if isinstance(self.data, Traces):
            data: Any = self.data.shifted(position, samples)
        else:
            data = np.stack(
                [placed(g, float(n), samples) for g, n in zip(self.data, position, strict=True)]
            )
        wavelet = None if self.wavelet is None else placed(self.wavelet, 0, samples)
        spans = np.stack([np.maximum(first, 0), ends], axis=1)
        return replace(self, data=data, wavelet=wavelet, spans=spans)

    def loaded(self) -> Gathers:
        """The records with their traces in memory."""
        return replace(self, data=self.data.loaded()) if self.stored else self

    def as_recorded(self) -> Gathers:
        """The records before `from_zero`: each shot with its own first sample and length."""
        if self.spans is None:
            return self
        cut = [gather[:, self.span(shot)] for shot, gather in enumerate(self.data)]
        data, start = Traces.of(cut), self.interval * self.spans[:, 0]
        wavelet = None if self.wavelet is None else self.wavelet[..., : data.samples]
        return replace(self, data=data, wavelet=wavelet, start=start, spans=None)

    def timing(self) -> str:
        """Samples that `from_zero` cuts and fills up, in words; empty without any."""
        position, lengths, parts = self._positions(), self._lengths(), []
        first = first_whole(position)
        if (between := np.abs(position - np.rint(position)) > ROUND).any():
            parts.append(
                f"{int(between.sum())} of {len(first)} shots begin between two samples of the time "
                f"axis from t = 0, the first, {int(between.argmax())}, at "
                f"{position[between.argmax()] * self.interval:g} s: they are resampled by their "
                f"Fourier series"
            )
        if (first < 0).any():
            earliest = first.min() * self.interval
            parts.append(
                f"{int((first < 0).sum())} of {len(first)} shots begin before they were fired, at "
                f"{earliest:g} s at the earliest: the samples before t = 0 are left out"
            )
        if (first > 0).any():
            latest = first.max() * self.interval
            parts.append(
                f"{int((first > 0).sum())} of {len(first)} shots begin later than they were fired, "
                f"up to {latest:g} s: they are compared from their first sample on"
            )
        if (short := lengths < lengths.max()).any():
            parts.append(
                f"{int(short.sum())} of {len(first)} shots have fewer samples than others, "
                f"{int(lengths.min())} at least of {int(lengths.max())}: they are compared up to "
                f"their last sample"
            )
        return "; ".join(parts)

    def _lengths(self) -> NDArray[np.int64]:
        """Number of recorded samples of each shot, with those before t = 0."""
        position = self._positions()
        if self.spans is not None:
            return np.asarray(self.spans[:, 1] - first_whole(position))
        box = not isinstance(self.data, Traces)
        lengths = np.full(self.acquisition.shots, self.samples) if box else self.data.lengths
        # Of a record between two samples, the last one is before the end of the record.
        return np.asarray(lengths - (first_whole(position) - position > ROUND))

    def _positions(self) -> NDArray[np.float64]:
        """Where each shot begins, in samples from t = 0; whole ones exactly."""
        starts = np.broadcast_to(np.asarray(self.start, float), self.acquisition.shots)
        position = starts / self.interval
        whole = np.rint(position)
        return np.where(np.abs(position - whole) < ROUND, whole, position)

    def with_silence(self, compared: bool = False) -> Gathers:
        """The records with their silent traces detected; traces with NaN or infinities become zero.

        Receivers of silent traces may have an unknown position; they are moved to the source of the
        shot.

        Parameters
        ----------
        compared : bool
            Whether traces of zeros are compared.

        Raises
        ------
        DataError
            If no trace holds numbers alone, or amplitudes are beyond single precision.
        GeometryError
            If the position of a source, or of a trace that is not silent, is not a number.
        """
        peaks = _Peaks()
        silence = Silence.of(peaks.watching(self.data), compared)
        if silence.broken.all():
            raise DataError(
                "all traces hold values that are no numbers; check the file and its units"
            )
        data = self.data
        if silence.broken.any():
            if isinstance(data, Traces):
                data = data.mapped(without_broken)
            else:
                data = np.where(silence.broken[..., None], np.zeros((), data.dtype), data)
        peaks.check()
        acquisition = self.acquisition.placed(~(silence.zero | silence.broken))
        return replace(self, acquisition=acquisition, data=data, silence=silence)

    def until(self, duration: float) -> Gathers:
        """The records and the wavelet, cut after a duration [s].

        Raises
        ------
        DataError
            If the records are shorter, or the duration ends before the peak of the wavelet.
        """
        samples, end = int(duration / self.interval + 1e-9) + 1, (self.samples - 1) * self.interval
        if not 2 <= samples <= self.samples:
            requested, available = apart(duration, round_down(end, 6))
            raise DataError(
                f"a duration of {requested} s does not fit records of {available} s sampled at "
                f"{self.interval:g} s; choose one from {self.interval:g} to {available} s"
            )
        if self.wavelet is not None:
            peak = int(np.abs(self.wavelet).max(axis=tuple(range(self.wavelet.ndim - 1))).argmax())
            if peak >= samples:
                raise DataError(
                    f"a duration of {duration:g} s ends before the peak of the wavelet at "
                    f"{peak * self.interval:g} s; choose a longer one"
                )
        wavelet = None if self.wavelet is None else self.wavelet[..., :samples]
        if isinstance(self.data, Traces):
            data: Any = self.data.mapped(partial(first_samples, samples=samples), samples)
        else:
            data = self.data[..., :samples]
        spans = None if self.spans is None else np.minimum(self.spans, samples)
        return replace(self, data=data, wavelet=wavelet, spans=spans)

    def select(self, shots: Array | slice) -> Gathers:
        """The records of some of the shots, by number."""
        silence = None if self.silence is None else self.silence.select(shots)
        acquisition = self.acquisition.select(shots)
        box, wavelet, start = isinstance(self.data, np.ndarray), self.wavelet, self.start
        if wavelet is not None and wavelet.ndim > 1 and len(wavelet) > 1:
            wavelet = wavelet[shots]
        return replace(
            self,
            acquisition=acquisition,
            data=self.data[shots] if box else self.data.select(shots),
            wavelet=wavelet,
            silence=silence,
            start=start[shots] if isinstance(start, np.ndarray) and start.ndim else start,
            spans=None if self.spans is None else self.spans[shots],
        )


def without_broken(gather: Array) -> Array:
    """A gather with zeros for traces that hold values that are no numbers."""
    broken = np.asarray(~np.isfinite(gather).all(axis=-1))
    return np.where(broken[:, None], np.zeros((), gather.dtype), gather) if broken.any() else gather


def _check_counts(acquisition: Acquisition, data: Array | Traces) -> None:
    """Make sure that the data have as many shots and traces as the acquisition."""
    expected = acquisition.counts
    counts = data.counts if isinstance(data, Traces) else np.full(data.shape[0], data.shape[1])
    if np.array_equal(counts, expected):
        return
    if isinstance(data, np.ndarray):
        raise DataError(
            f"data of shape {data.shape} (shot, receiver, time) do not fit the geometry "
            f"of {acquisition.shots} shots with {acquisition.spread} receivers each"
        )
    if len(counts) != len(expected):
        raise DataError(
            f"there are traces of {len(counts)} shots and a geometry of {len(expected)}; both must "
            f"have the same shots"
        )
    shot = int(np.flatnonzero(counts != expected)[0])
    raise DataError(
        f"shot {shot} has {counts[shot]} traces, and {expected[shot]} receivers in the geometry; "
        f"give a trace for each receiver"
    )


class _Peaks:
    """Largest amplitude of the gathers that pass, to be checked after the last."""

    def __init__(self) -> None:
        self.largest, self.shot, self.receiver, self._count = 0.0, 0, 0, 0

    def watching(self, data: Iterable[Array]) -> Iterator[Array]:
        """The gathers of some data; traces with values that are no numbers do not count."""
        for gather in data:
            peak = max(float(gather.max()), -float(gather.min()))
            if not np.isfinite(peak):
                gather_of_numbers = without_broken(gather)
                peak = float(np.abs(gather_of_numbers).max())
            else:
                gather_of_numbers = gather
            if peak > self.largest:
                self.largest, self.shot = peak, self._count
                self.receiver = int(np.abs(gather_of_numbers).max(axis=-1).argmax())
            self._count += 1
            yield gather

    def check(self) -> None:
        """Make sure that amplitudes fit single precision; all may be zero.

        Raises
        ------
        DataError
            Naming the strongest trace.
        """
        if self.largest == 0 or FAINTEST <= self.largest <= LOUDEST:
            return
        raise DataError(
            f"the largest value of the traces, of shot {self.shot}, receiver {self.receiver}, is "
            f"{self.largest:.3g} Pa, which no record has and single precision cannot square; "
            f"scale the records, mute the trace (zeros, or NaN), or check the type and byte order "
            f"that they were written with"
        )
