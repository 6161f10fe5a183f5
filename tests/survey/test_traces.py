"""Traces of shots that differ in their number of receivers, in memory or read shot by shot."""

from __future__ import annotations

import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli import Acquisition, Gathers
from fwicli.errors import DataError, GeometryError
from fwicli.survey.ragged import Ragged, by_trace
from fwicli.survey.signals.bands import Band
from fwicli.survey.signals.wavelets import ricker
from fwicli.survey.traces import LoadedTraces, Traces

COUNTS = [3, 1, 5, 2]
SAMPLES = 40


class FileTraces(Traces):
    """Gathers in files of NumPy, as a format of its own: read when a shot is asked for."""

    stored = True

    def __init__(
        self, folder: Path, counts: list[int], samples: int = SAMPLES, dtype: str = "f4"
    ) -> None:
        self.folder, self._counts, self.reads = folder, np.array(counts), 0
        self._samples, self._dtype = samples, np.dtype(dtype)

    @property
    def counts(self) -> Any:
        return self._counts

    @property
    def samples(self) -> int:
        return self._samples

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._dtype

    def __getitem__(self, shot: int) -> Any:
        self.reads += 1
        return np.load(self.folder / f"{shot}.npy")


def gathers_of(counts: list[int] = COUNTS) -> list[Any]:
    random = np.random.default_rng(3)
    return [random.standard_normal((n, SAMPLES)).astype("f4") for n in counts]


@pytest.fixture
def stored(tmp_path: Path) -> FileTraces:
    for shot, gather in enumerate(gathers_of()):
        np.save(tmp_path / f"{shot}.npy", gather)
    return FileTraces(tmp_path, COUNTS)


def acquisition(counts: list[int] = COUNTS) -> Acquisition:
    receivers = [np.stack([10.0 * np.arange(n), np.full(n, 5.0)], axis=1) for n in counts]
    sources = np.stack([100.0 * np.arange(len(counts)), np.zeros(len(counts))], axis=1)
    return Acquisition(sources, receivers)


def same(one: Any, other: Any) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))


def test_stored_traces_are_those_in_memory(stored: FileTraces) -> None:
    """Every view of stored traces holds the samples of that view of loaded ones, also pickled."""
    loaded = Traces.of(gathers_of())
    masks = [np.arange(n) % 2 == 0 for n in COUNTS]
    band = partial(Band(2.0, 30.0).apply, interval=0.004)
    views = (
        lambda t: t,
        lambda t: t.select([2, 0]),
        lambda t: t.select(slice(1, None)).select(np.array([True, False, True])),
        lambda t: t.mapped(band),
        lambda t: t.mapped(band).select([3, 1]),
        lambda t: t.rows(masks),
        lambda t: t.rows(masks).select([2]).mapped(band),
        lambda t: t.shifted(np.array([0, 4, -3, 9]), SAMPLES + 9).select([3, 2]),
    )
    for view in views:
        ours, theirs = view(pickle.loads(pickle.dumps(stored))), view(loaded)
        assert ours.stored
        assert not theirs.stored
        assert same(list(ours), list(theirs))
        assert ours.counts.tolist() == theirs.counts.tolist() == [len(g) for g in theirs]
        assert ours.lengths.tolist() == theirs.lengths.tolist()
        assert (ours.samples, ours.dtype) == (theirs.samples, theirs.dtype)
        assert theirs.samples == theirs[0].shape[1]


def test_nothing_is_read_before_a_shot_is_asked_for(stored: FileTraces) -> None:
    records = Gathers(acquisition(), 0.004, stored).mapped(np.negative).until(0.1).select([2, 1])
    assert (stored.reads, records.stored, records.samples) == (0, True, 26)
    np.testing.assert_array_equal(records.data[1], -gathers_of()[1][:, :26])
    assert stored.reads == 1


def test_shorter_shots_end_with_zeros() -> None:
    long, short = np.ones((2, 8)), np.ones((3, 5))
    traces = LoadedTraces([long, short])
    assert traces.lengths.tolist() == [8, 5]
    assert traces[1][:, 5:].any() == False  # noqa: E712
    assert traces[1][:, :5].all()
    with pytest.raises(DataError, match="2 to 3 traces"):
        np.asarray(traces)
    assert traces.padded().shape == (2, 3, 8)


def test_counts_are_those_of_each_shot() -> None:
    survey = acquisition()
    assert (survey.counts.tolist(), survey.ragged, survey.spread) == (COUNTS, True, "1 to 5")
    np.testing.assert_array_equal(survey.receivers_of(1), [[0.0, 5.0]])
    assert survey.select(slice(2, None)).counts.tolist() == [5, 2]
    assert len(survey.all_receivers()) == sum(COUNTS)
    with pytest.warns(DeprecationWarning, match="counts"), pytest.raises(GeometryError):
        _ = survey.traces
    with pytest.raises(GeometryError, match="shot 1 has no receivers"):
        Acquisition(survey.sources[:2], [np.zeros((2, 2)), np.zeros((0, 2))])
    with pytest.raises(GeometryError, match="3 shots, and 4 sources"):
        Acquisition(survey.sources, survey.receivers[:3])
    with pytest.raises(DataError, match="shot 2 has 4 traces, and 5 receivers"):
        Gathers(survey, 0.004, gathers_of([3, 1, 4, 2]))


def test_silence_of_each_shot() -> None:
    """Silent traces are found, and reported, as in a box; broken ones become zero."""
    data = gathers_of()
    data[2][4], data[0][1, 7] = 0.0, np.nan
    survey = acquisition()
    survey.receivers[2][4] = np.nan
    records = Gathers(survey, 0.004, data).with_silence()
    assert [row.tolist() for row in records.live] == [
        [True, False, True],
        [True],
        [True] * 4 + [False],
        [True] * 2,
    ]
    assert "2 of 11 traces are silent" in str(records.silence)
    assert "shot 2, receiver 4" in str(records.silence)
    assert not records.data[0][1].any()
    np.testing.assert_array_equal(records.acquisition.receivers_of(2)[4], survey.sources[2])
    selected = records.select([3, 2])
    assert [row.sum() for row in selected.live] == [2, 4]
    data[2][4] = 1.0
    with pytest.raises(GeometryError, match="receiver 4 of shot 2"):
        Gathers(survey, 0.004, data).with_silence()


def test_values_of_traces() -> None:
    """Operators on values of ragged traces are those on each shot."""
    random = np.random.default_rng(0)
    a, b = ([random.random(n) < 0.5 for n in COUNTS] for _ in range(2))
    one, other = Ragged.of(a), by_trace(b)
    assert isinstance(other, Ragged)
    assert same(list(~one & other), [~x & y for x, y in zip(a, b, strict=True)])
    assert (one | other).sum() == sum((x | y).sum() for x, y in zip(a, b, strict=True))
    assert isinstance(by_trace([np.zeros(2), np.ones(2)]), np.ndarray)
    np.testing.assert_array_equal(one[-1], a[-1])


def test_records_on_one_time_axis() -> None:
    """Shots that begin late, early, or end early lie where they were recorded."""
    data = [np.ones((2, 10)), np.ones((1, 10)), np.ones((2, 6))]
    wavelet = np.ones(10)
    records = Gathers(acquisition([2, 1, 2]), 0.1, data, wavelet, start=np.array([0.3, -0.2, 0.0]))
    placed = records.from_zero()
    assert (placed.samples, placed.wavelet is not None and placed.wavelet.size) == (13, 13)
    for shot, (first, end) in enumerate([(3, 13), (0, 8), (0, 6)]):
        assert placed.span(shot) == slice(first, end)
        assert placed.data[shot][:, first:end].all()
        assert placed.data[shot].sum() == (end - first) * len(placed.data[shot])
    for words in ("-0.2 s at the earliest", "up to 0.3 s", "6 at least of 10"):
        assert words in records.timing()
    with pytest.raises(DataError, match="before the shot was fired"):
        Gathers(acquisition([2]), 0.1, data[:1], start=-2.0).from_zero()


@pytest.mark.parametrize("box", [True, False])
def test_records_between_samples_are_resampled(box: bool) -> None:
    """Shots that begin between two samples of the axis are those recorded on its samples."""
    starts, lengths = np.array([0.0013, 0.0, -0.0067]), [100, 100, 100] if box else [100, 90, 80]
    survey, own = Acquisition(np.zeros((3, 2)), np.ones((2, 2))), []
    for start, n in zip(starts, lengths, strict=True):
        t = start + 0.004 * np.arange(n)
        own.append(np.stack([ricker(t, 20.0, 0.1), ricker(t, 30.0, 0.15)]).astype(np.float32))
    placed = Gathers(survey, 0.004, np.stack(own) if box else own, start=starts).from_zero()
    assert placed.spans is not None
    ends = [100, 100, 98] if box else [100, 90, 78]
    assert placed.spans.tolist() == [[1, ends[0]], [0, ends[1]], [0, ends[2]]]
    t = 0.004 * np.arange(placed.samples)
    expected = np.stack([ricker(t, 20.0, 0.1), ricker(t, 30.0, 0.15)])
    for shot, gather in enumerate(placed.data):
        part = placed.span(shot)
        assert gather.dtype == np.float32
        np.testing.assert_allclose(gather[:, part], expected[:, part], atol=3e-4)
        assert not gather[:, : part.start].any()
        assert not gather[:, part.stop :].any()
    words = "2 of 3 shots begin between two samples of the time axis from t = 0, the first, 0, at"
    assert words in placed.timing()


def test_a_box_stays_a_box() -> None:
    """An array remains one, and nothing is done to records that begin at t = 0."""
    box = Acquisition(np.zeros((2, 2)), np.ones((3, 2)))
    records = Gathers(box, 0.004, np.ones((2, 3, 8)), np.ones((2, 8)))
    assert records.from_zero() is records
    assert not records.timing()
    late = Gathers(box, 0.1, np.ones((2, 3, 8)), start=0.2).from_zero()
    assert isinstance(late.data, np.ndarray)
    assert late.data.shape == (2, 3, 10)
    assert late.spans is not None
    assert late.spans.tolist() == [[2, 10]] * 2


def test_wavelet_of_each_shot() -> None:
    wavelets = np.arange(3.0)[:, None] * np.ones(SAMPLES)
    survey = acquisition([2, 3, 1])
    records = Gathers(survey, 0.004, gathers_of([2, 3, 1]), wavelets)
    np.testing.assert_array_equal(records.select([2, 1]).wavelet_of(0), wavelets[2])
    with pytest.raises(DataError, match="one for each shot"):
        Gathers(survey, 0.004, gathers_of([2, 3, 1]), wavelets[:2])
