"""Records that are written shot by shot: the file of a run that was never stopped, bit for bit."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli.errors import DataError
from fwicli.execution import InProcess
from fwicli.files import hdf5
from fwicli.files.record_files import UnwrittenTraces
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.gathers import Gathers
from fwicli.workflows.run_folder.finished_records import JOURNAL, FinishedRecords, read_journal

SHOTS, SAMPLES = 6, 40


def survey(ragged: bool = False) -> Gathers:
    """Records of random numbers; `ragged` ones differ in their number of receivers."""
    random = np.random.default_rng(3)
    counts = [3 + shot % 3 if ragged else 4 for shot in range(SHOTS)]
    receivers = [np.stack([np.arange(n) * 10.0, np.full(n, 5.0)], -1) for n in counts]
    sources = np.stack([np.arange(SHOTS) * 20.0, np.full(SHOTS, 5.0)], -1)
    data = [random.standard_normal((n, SAMPLES)).astype(np.float32) for n in counts]
    acquisition = Acquisition(sources, receivers if ragged else receivers[0])
    return Gathers(acquisition, 0.004, data if ragged else np.stack(data), np.arange(40.0))


def announced(records: Gathers) -> Gathers:
    """The records without their samples."""
    kind = np.dtype(np.float32)
    traces = UnwrittenTraces(records.acquisition.counts, SAMPLES, kind)
    return Gathers(records.acquisition, records.interval, traces, records.wavelet)


def begin(folder: Path, records: Gathers) -> FinishedRecords:
    finished = FinishedRecords(folder / "partial", folder / "shots.h5.part", folder / "shots.h5")
    finished.open(announced(records), lambda: {"fwicli": "0"})
    return finished


def tasks(records: Gathers, ran: list[int]) -> list[Callable[[], Any]]:
    """Tasks that note their number."""

    def task(shot: int) -> Any:
        ran.append(shot)
        return records.data[shot]

    return [lambda shot=shot: task(shot) for shot in range(SHOTS)]  # type: ignore[misc]


def collect(folder: Path, records: Gathers, stop: int = SHOTS + 1) -> list[int]:
    """Shots that ran until so many were there, and were published if all are."""
    ran: list[int] = []
    finished = begin(folder, records)

    def progress(done: int) -> None:
        if done >= stop:
            raise KeyboardInterrupt

    try:
        finished.collect(InProcess(), tasks(records, ran), progress)
        assert finished.check() == ""
        finished.publish()
    except KeyboardInterrupt:
        pass
    finished.close()
    return ran


def content(path: Path) -> dict[str, Any]:
    """Every dataset and attribute of a file, and how values lie in it."""
    items: dict[str, Any] = {}
    with h5py.File(path) as file:
        items["/"] = dict(file.attrs)

        def add(name: str, node: h5py.Dataset) -> None:
            attributes = {k: np.asarray(v).tolist() for k, v in node.attrs.items()}
            items[name] = node.dtype, node.shape, node.chunks, node[()].tobytes(), attributes

        file.visititems(add)
    return items


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("stops", [(), (1,), (2, 3, 5), (SHOTS,)])
def test_file_is_that_of_one_write(tmp_path: Path, ragged: bool, stops: Sequence[int]) -> None:
    """Whatever the stops; and no shot runs twice."""
    records = survey(ragged)
    hdf5.write_gathers(tmp_path / "whole.h5", records, {"fwicli": "0"})
    ran: list[int] = []
    for stop in stops:
        ran += collect(tmp_path, records, stop)
        assert not (tmp_path / "shots.h5").exists()
        with h5py.File(tmp_path / "shots.h5.part") as file:  # valid at any time
            assert file.attrs["fwicli"] == "0"
    ran += collect(tmp_path, records)
    assert ran == list(range(SHOTS))
    assert content(tmp_path / "shots.h5") == content(tmp_path / "whole.h5")
    assert not (tmp_path / "shots.h5.part").exists()
    assert collect(tmp_path, records) == []  # as when it was stopped behind the last shot


def test_changed_samples_are_modelled_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One bit of one sample is enough, and half a line of the journal is no shot."""
    records = survey()
    collect(tmp_path, records, 4)
    part = tmp_path / "shots.h5.part"
    finished = begin(tmp_path, records)
    place = finished.file._place(1)
    finished.close()
    with part.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))
    with (tmp_path / "partial" / JOURNAL).open("a") as journal:
        journal.write("4 0123")
    with caplog.at_level(logging.WARNING, "fwicli"):
        assert collect(tmp_path, records) == [1, 4, 5]
    assert "1 of 4 shots" in caplog.text
    assert "modelled again" in caplog.text
    hdf5.write_gathers(tmp_path / "whole.h5", records, {"fwicli": "0"})
    assert content(tmp_path / "shots.h5") == content(tmp_path / "whole.h5")


@pytest.mark.parametrize("size", [0, 300, -1])
def test_cut_file_is_refused_by_name(tmp_path: Path, size: int) -> None:
    collect(tmp_path, survey(), 4)
    part = tmp_path / "shots.h5.part"
    os.truncate(part, size % part.stat().st_size)
    with pytest.raises(DataError, match=r"shots\.h5\.part.*remove .*modelled again"):
        begin(tmp_path, survey())
    part.unlink()
    assert collect(tmp_path, survey()) == list(range(SHOTS))


def test_file_of_other_records_is_refused(tmp_path: Path) -> None:
    collect(tmp_path, survey(), 4)
    with pytest.raises(DataError, match="24 traces of 40 samples in 6 shots, and the run for 24"):
        begin(tmp_path, survey(ragged=True))


def test_records_of_earlier_versions_are_taken_over(tmp_path: Path) -> None:
    """They had a file for each shot."""
    records = survey()
    finished = begin(tmp_path, records)
    for shot in (0, 3):
        np.save(finished.manifest.claim(f"{shot:06d}.npy"), records.data[shot])
    np.save(tmp_path / "partial" / "000004.npy", records.data[4])  # somebody else's
    finished.close()
    assert collect(tmp_path, records) == [1, 2, 4, 5]
    assert {p.name for p in (tmp_path / "partial").glob("*.npy")} == {"000004.npy"}


def test_no_numbers_and_no_waves_are_no_records(tmp_path: Path) -> None:
    """A record with NaN is refused by its shot; zeros in all shots are, and in some are named."""
    records = survey()
    records.data[2, 1, 7] = np.nan
    finished = begin(tmp_path, records)
    with pytest.raises(DataError, match=r"1 of 160 values of the record of shot 2.*\(1, 7\)"):
        finished.collect(InProcess(), tasks(records, []), lambda _: None)
    assert sorted(finished.entries) == [0, 1]
    for shot in range(SHOTS):
        finished.add(shot, np.zeros((4, SAMPLES), np.float32))
    with pytest.raises(DataError, match="zero everywhere"):
        finished.check()
    finished.add(0, -np.ones((4, SAMPLES), np.float32))
    assert finished.check().startswith("5 of 6 shots recorded nothing (1, 2, 3, 4, 5)")
    assert finished.largest == 1.0
    finished.close()
    assert read_journal(tmp_path / "partial")[0].peak == 1.0


def test_gathers_of_another_shape_are_refused(tmp_path: Path) -> None:
    finished = begin(tmp_path, survey())
    with pytest.raises(DataError, match=r"gather of shot 3 has shape \(4, 39\), not \(4, 40\)"):
        finished.add(3, np.zeros((4, SAMPLES - 1), np.float32))
    finished.close()
