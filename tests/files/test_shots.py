"""Shots that differ in HDF5: written as a table, read shot by shot, refused where it is damaged."""

from __future__ import annotations

import os
import pickle
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli import Acquisition, Gathers
from fwicli.errors import DataError
from fwicli.files import datasets, hdf5, records
from fwicli.segy import gathers as segy_gathers
from fwicli.segy import records as segy
from fwicli.survey.components import PRESSURE, Component
from fwicli.survey.ragged import Ragged

COUNTS, SAMPLES = [4, 1, 6, 3], 30
VX, ODD = Component.named("vx"), Component("velocity", 12.5, 30.0)


def survey(seed: int = 0, **changes: Any) -> Gathers:
    random = np.random.default_rng(seed)
    receivers = [random.uniform(0, 100, (n, 2)) for n in COUNTS]
    data = [random.standard_normal((n, SAMPLES)).astype("f4") for n in COUNTS]
    acquisition = Acquisition(random.uniform(0, 100, (4, 2)), receivers)
    gathers = Gathers(acquisition, 0.004, data, random.standard_normal((4, SAMPLES)))
    return replace(gathers, **changes)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    hdf5.write_gathers(tmp_path / "shots.h5", survey(), {"program": "test"})
    return tmp_path / "shots.h5"


def assert_same(one: Gathers, other: Gathers) -> None:
    """Positions, components, times, wavelets and samples, shot by shot."""
    assert one.acquisition.counts.tolist() == other.acquisition.counts.tolist()
    for shot in range(one.acquisition.shots):
        np.testing.assert_array_equal(one.data[shot], other.data[shot])
        assert one.data[shot].dtype == other.data[shot].dtype
        for end in ("source", "receivers_of", "recorded_by", "emitted_by"):
            ours, theirs = (getattr(r.acquisition, end)(shot) for r in (one, other))
            np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(one.wavelet_of(shot), other.wavelet_of(shot))
    np.testing.assert_array_equal(*(np.broadcast_to(r.start, 4) for r in (one, other)))
    np.testing.assert_array_equal(one.data.lengths, other.data.lengths)


def test_table_is_read_as_it_was_written(path: Path) -> None:
    stored = hdf5.read_gathers(path)
    assert stored.stored
    assert_same(stored, survey())
    assert_same(pickle.loads(pickle.dumps(stored)), survey())
    judged = stored.with_silence()
    assert judged.stored
    assert isinstance(judged.live, Ragged)
    assert judged.live.all()


@pytest.mark.parametrize("shots", [slice(1, 3), slice(None, None, -1), slice(None, None, 2)])
def test_some_of_the_shots(path: Path, shots: slice) -> None:
    one, other = hdf5.read_gathers(path, shots=shots), survey().select(np.arange(4)[shots])
    assert one.acquisition.counts.tolist() == other.acquisition.counts.tolist()
    for shot in range(len(one.data)):
        np.testing.assert_array_equal(one.data[shot], other.data[shot])
        np.testing.assert_array_equal(one.wavelet_of(shot), other.wavelet_of(shot))


def test_times_lengths_and_components(tmp_path: Path) -> None:
    """Whatever differs from shot to shot is written, and read again."""
    whole = survey()
    data = [g[:, : SAMPLES - 3 * n] for n, g in enumerate(whole.data)]
    recorded = [[VX, PRESSURE, ODD, VX], PRESSURE, VX, [ODD] * 3]
    acquisition = replace(whole.acquisition, recorded=recorded, emitted=[PRESSURE, VX] * 2)
    start = np.array([0.0, 0.4, -0.02, 0.0])
    mixed = replace(whole, data=data, acquisition=acquisition, start=start)
    hdf5.write_gathers(tmp_path / "mixed.h5", mixed, {})
    assert_same(hdf5.read_gathers(tmp_path / "mixed.h5"), mixed)
    hdf5.write_gathers(tmp_path / "again.h5", mixed.from_zero(), {})
    again, placed = hdf5.read_gathers(tmp_path / "again.h5").from_zero(), mixed.from_zero()
    assert_same(again, replace(placed, start=np.array([0.0, 0.4, 0.0, 0.0])))
    np.testing.assert_array_equal(again.spans, placed.spans)


def test_a_box_is_written_as_before(tmp_path: Path) -> None:
    """(shot, receiver, time) without any of the datasets of a table; its parts may be read."""
    box = Gathers(
        Acquisition(np.zeros((2, 2)), np.ones((3, 2)), VX), 0.004, np.ones((2, 3, 8), "f4")
    )
    hdf5.write_gathers(tmp_path / "box.h5", box, {})
    with h5py.File(tmp_path / "box.h5") as file:
        names = {"data", "source_x", "source_z", "receiver_x", "receiver_z"}
        assert set(file) == names
        assert file["data"].shape == (2, 3, 8)
        assert file["receiver_x"].shape == (3,)
    again = hdf5.read_gathers(tmp_path / "box.h5")
    assert isinstance(again.data, np.ndarray)
    assert again.acquisition.recorded == VX


def test_large_boxes_are_read_shot_by_shot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    data = random.standard_normal((5, 3, 8)).astype("f4")
    box = Gathers(Acquisition(np.zeros((5, 2)), np.ones((3, 2))), 0.004, data, start=0.2)
    hdf5.write_gathers(tmp_path / "box.h5", box, {})
    monkeypatch.setattr(records, "LARGE", 0.0)
    stored = hdf5.read_gathers(tmp_path / "box.h5", shots=slice(1, 4))
    assert stored.stored
    np.testing.assert_array_equal(np.asarray(stored.data), data[1:4])
    assert stored.start.tolist() == [0.2] * 3  # type: ignore[union-attr]


def test_opening_reads_the_index_alone(tmp_path: Path) -> None:
    """Memory grows with the number of traces, not with their samples."""
    counts = np.full(50, 40)
    receivers = [np.zeros((n, 2)) for n in counts]
    acquisition = Acquisition(np.zeros((50, 2)), receivers)
    data = [np.ones((n, 1000), "f4") for n in counts]
    hdf5.write_gathers(tmp_path / "large.h5", Gathers(acquisition, 0.004, data), {})
    tracemalloc.start()
    try:
        stored = hdf5.read_gathers(tmp_path / "large.h5")
        assert tracemalloc.get_traced_memory()[1] < 0.1 * 50 * 40 * 1000 * 4
        silent = stored.with_silence().silence
        assert silent is not None
        assert not str(silent)
        assert tracemalloc.get_traced_memory()[1] < 0.25 * 50 * 40 * 1000 * 4
    finally:
        tracemalloc.stop()


def put(name: str, values: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = values

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put("first_trace", [0, 4, 5, 11, 13]), "end with 14, the number of traces"),
        (put("first_trace", [1, 4, 5, 11, 14]), "must begin with 0"),
        (put("first_trace", [0, 4, 4, 11, 14]), "1 shots of no traces"),
        (put("first_trace", [0, 4.5, 5, 11, 14]), "whole numbers"),
        (put("first_trace", [14]), "must begin with 0"),
        (put("data", np.zeros((4, 6, 30))), "must be \\(trace, time\\)"),
        (put("receiver_x", np.zeros(13)), "must be \\(14,\\), one for each trace"),
        (put("source_x", np.zeros(5)), "must be \\(4,\\)"),
        (lambda f: f.create_dataset("recorded_samples", data=[1, 9, 9, 9]), "from 2 to 30"),
        (lambda f: f.create_dataset("start", data=[0, np.nan, 0, 0]), "no numbers"),
        (lambda f: f["receiver_x"].attrs.update(component="shear"), "no component `shear`"),
    ],
)
def test_damaged_tables_are_refused(
    path: Path, change: Callable[[h5py.File], Any], words: str
) -> None:
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises((DataError, Exception), match=words) as caught:
        hdf5.read_gathers(path)
    assert type(caught.value).__module__ == "fwicli.errors"


def test_a_file_that_changes_is_refused(path: Path) -> None:
    stored = hdf5.read_gathers(path)
    with h5py.File(path, "r+") as file:
        file["data"][3] = 7.0
        file.create_dataset("more", data=np.zeros(100))
    with pytest.raises(DataError, match="has changed since it was opened"):
        _ = stored.data[0]
    path.unlink()
    with pytest.raises(DataError, match="there is no file"):
        _ = stored.data[0]


@pytest.mark.parametrize("selected", [False, True])
@pytest.mark.parametrize("form", ["h5", "sgy"])
@pytest.mark.parametrize("ragged", [True, False])
def test_a_file_that_is_cut_while_it_is_read(
    tmp_path: Path, form: str, ragged: bool, selected: bool
) -> None:
    """An error that names file and shot, by its number in the file; never zeros."""
    gathers, path = survey(start=0.0, wavelet=None), tmp_path / f"shots.{form}"
    if not ragged:
        receivers = gathers.acquisition.receivers_of(0)
        data = np.stack([gathers.data[0]] * 4)
        gathers = Gathers(Acquisition(gathers.acquisition.sources, receivers), 0.004, data)
    if form == "h5":
        hdf5.write_gathers(path, gathers, {})
        traces: Any = hdf5.read_gathers(path, stored=True).data
    else:
        segy.write_gathers(path, gathers)
        traces = segy_gathers.read_gathers(path).data
    shots = traces.select([1, 3]) if selected else traces
    with shots.opened() as opened:
        assert opened[0].any()
        os.truncate(path, path.stat().st_size - 100)
        with pytest.raises(DataError, match=rf"shot 3 .*shots\.{form} has changed"):
            _ = opened[len(shots) - 1]
    with pytest.raises(DataError, match=rf"shots\.{form} has changed"):
        _ = shots[len(shots) - 1]


def test_a_file_is_opened_once_for_many_shots(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also through views of its traces that are iterated."""
    traces = hdf5.read_gathers(path, stored=True).data
    expected = [traces[shot] for shot in range(4)]
    opened: list[Path] = []
    reading = datasets.reading
    monkeypatch.setattr(datasets, "reading", lambda p: (opened.append(p), reading(p))[1])
    for gather, other in zip(traces, expected, strict=True):
        np.testing.assert_array_equal(gather, other)
    assert len(opened) == 1
    with traces.opened() as several:
        assert all(np.array_equal(several[n], expected[n]) for n in (2, 0, 3))
    assert len(opened) == 2
