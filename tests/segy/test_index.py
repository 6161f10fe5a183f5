"""Index of a file: kept, found again, rebuilt when the file changes; reading of damaged files."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import segyio

from fwicli.errors import DataError
from fwicli.segy import headers, index
from fwicli.segy.fields import Field, byte_map
from fwicli.segy.quantities import Quantities
from fwicli.segy.samples import SampleReader
from tests.segy.files import line, patch, samples_of, write

FIELDS = byte_map()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file whose index is kept, in a cache of its own."""
    monkeypatch.setenv("FWI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(index, "SMALL", 1)
    write(tmp_path / "line.sgy", line())
    return tmp_path / "line.sgy"


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Files whose headers are read."""
    read: list[Path] = []
    columns = headers.columns

    def noting(layout, fields):
        read.append(layout.path)
        return columns(layout, fields)

    monkeypatch.setattr(headers, "columns", noting)
    return read


def test_a_kept_index_is_read_again(path: Path, passes: list[Path]) -> None:
    first, second = (index.read_index(path, FIELDS) for _ in range(2))
    assert passes == [path]
    assert first.layout == second.layout
    assert set(first.columns) == set(second.columns)
    for name in FIELDS:
        np.testing.assert_array_equal(first.column(name), second.column(name), err_msg=name)


def test_a_changed_file_is_indexed_again(path: Path, passes: list[Path]) -> None:
    index.read_index(path, FIELDS)
    patch(path, 81, "i", 4711, trace=7)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    passes.clear()
    assert index.read_index(path, FIELDS).column("receiver_x")[7] == 4711
    assert passes == [path]


def test_another_byte_map_is_another_index(path: Path, passes: list[Path]) -> None:
    index.read_index(path, FIELDS)
    other = byte_map(changes={"receiver_x": Field(73)})
    read = index.read_index(path, other)
    assert len(passes) == 2
    np.testing.assert_array_equal(read.column("receiver_x"), read.column("source_x"))


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_a_damaged_index_is_made_anew(path: Path, damage: str, passes: list[Path]) -> None:
    whole = index.read_index(path, FIELDS)
    (kept,) = (path.parent / "cache").glob("index-*")
    data = kept.read_bytes()
    damaged = {"cut": data[:-8], "flip": b"x" + data[1:], "empty": b""}[damage]
    kept.write_bytes(damaged)
    again = index.read_index(path, FIELDS)
    assert len(passes) == 2
    np.testing.assert_array_equal(again.column("source_x"), whole.column("source_x"))


def test_long_traces_are_read_header_by_header(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "SMALL", 10**9)
    whole = index.read_index(path, FIELDS)
    monkeypatch.setattr(headers, "SHORT", 0)
    monkeypatch.setattr(headers, "BLOCK", 3 * 240)
    single = index.read_index(path, FIELDS)
    for name in FIELDS:
        np.testing.assert_array_equal(single.column(name), whole.column(name), err_msg=name)


def test_a_reader_can_be_sent(path: Path) -> None:
    layout = index.read_index(path, FIELDS).layout
    reader = SampleReader([layout])
    numbers = np.array([3, 4, 5, 0, 14])
    expected = reader.read(numbers)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(reader)).read(numbers), expected)
    np.testing.assert_array_equal(samples_of(index.read_index(path, FIELDS))[numbers], expected)


@pytest.mark.parametrize("change", ["cut", "grown", "touched", "removed"])
@pytest.mark.parametrize("is_open", [True, False])
def test_a_file_that_changes_is_an_error(path: Path, change: str, is_open: bool) -> None:
    reader = SampleReader([index.read_index(path, FIELDS).layout])
    if is_open:
        reader.read(np.arange(2))
    if change == "removed":
        path.unlink()
    elif change == "touched":
        os.utime(path, ns=(0, 1))
    else:
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size + (-300 if change == "cut" else 300))
    with pytest.raises(DataError, match=r"has changed|cannot be read"):
        reader.read(np.arange(15))


def test_a_file_that_changes_while_it_is_indexed_is_an_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = headers._blocks

    def changing(layout, descriptor):
        yield from blocks(layout, descriptor)
        os.utime(layout.path, ns=(0, 1))

    monkeypatch.setattr(headers, "_blocks", changing)
    with pytest.raises(DataError, match="has changed since it was opened"):
        index.read_index(path, FIELDS)


@pytest.mark.parametrize(
    ("byte", "kind", "value", "reason"),
    [
        (3225, "h", 4, "fixed point with gain .format 4, byte 3225., which is not read"),
        (3225, "h", 77, "byte 3225 holds the sample format 77"),
        (3221, "h", 0, "states 0 samples .byte 3221."),
        (3221, "h", 9, "no whole number of traces"),
        (3505, "h", 1, "no whole number of traces"),
        (3505, "h", -1, "additional text headers is -1"),
    ],
)
def test_headers_that_make_no_sense_are_refused(
    path: Path, byte: int, kind: str, value: int, reason: str
) -> None:
    patch(path, byte, kind, value)
    with pytest.raises(DataError, match=reason):
        index.read_index(path, FIELDS)


def test_traces_of_different_lengths_are_named(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: 3600 + 7 * 272 + 240 + 20] + data[3600 + 8 * 272 :])
    patch_at = 3600 + 7 * 272 + 115
    patch(path, patch_at, "H", 5)
    with pytest.raises(DataError, match=r"text headers: trace 8 states 5 samples .byte 115."):
        index.read_index(path, FIELDS)


@pytest.mark.parametrize("size", [0, 100, 3600, 3840, 3900])
def test_files_that_were_cut_are_refused(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DataError, match=r"was cut"):
        index.read_index(path, FIELDS)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        index.read_index(tmp_path / "no.sgy", FIELDS)
    with pytest.raises(DataError, match="is a folder or no file"):
        index.read_index(tmp_path, FIELDS)
    (tmp_path / "no.su").write_bytes(bytes(1000))
    with pytest.raises(DataError, match="is no SU file"):
        index.read_index(tmp_path / "no.su", FIELDS)


def test_more_samples_than_16_bits_state(tmp_path: Path) -> None:
    """Revision 2 states their number, and the interval as a float, in other bytes."""
    spec = segyio.spec()
    spec.format, spec.tracecount, spec.samples = 5, 2, np.arange(70_000) * 4.0
    data = np.random.default_rng(1).standard_normal((2, 70_000)).astype(np.float32)
    with segyio.create(str(tmp_path / "long.sgy"), spec) as file:
        file.trace.raw[:] = data
    patch(tmp_path / "long.sgy", 3273, "d", 333.25)
    read = index.read_index(tmp_path / "long.sgy", FIELDS)
    assert (read.layout.samples, read.layout.interval) == (70_000, 333.25e-6)
    patch(tmp_path / "long.sgy", 117, "H", 333, trace=0)
    assert Quantities([index.read_index(read.layout.path, FIELDS)]).sampling()[0] == 333.25e-6
    patch(tmp_path / "long.sgy", 117, "H", 334, trace=1)
    with pytest.raises(DataError, match=r"trace 2, byte 117 .*: 0.00033325, 0.000334 s"):
        Quantities([index.read_index(read.layout.path, FIELDS)]).sampling()
    read = index.read_index(read.layout.path, FIELDS)
    np.testing.assert_array_equal(samples_of(read), data)
