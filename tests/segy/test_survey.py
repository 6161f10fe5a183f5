"""Shots from trace headers: order, groups, scalars, dead traces, contradictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.errors import DataError
from fwicli.segy.fields import Field, byte_map, field
from fwicli.segy.gathers import read_gathers
from fwicli.segy.index import read_index
from fwicli.segy.samples import SampleReader
from fwicli.segy.selection import Grouping
from fwicli.segy.survey import Survey, read_survey
from tests.segy.files import line, patch, write

FIELDS = byte_map()


def survey_of(path: Path, grouping: Grouping | None = None, **changes: Field) -> Survey:
    return read_survey([read_index(path, byte_map(changes=changes))], grouping)


def samples_of(survey: Survey) -> np.ndarray:
    return SampleReader([i.layout for i in survey.indexes]).read(survey.order)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "line.sgy"


def test_positions_of_a_line(path: Path) -> None:
    samples = write(path, line())
    survey = survey_of(path)
    assert survey.begins.tolist() == [0, 5, 10, 15]
    assert survey.sources.tolist() == [[1000.0, 6.0], [1050.0, 6.0], [1100.0, 6.0]]
    expected = [[1050.0 - 12.5 * i, 8.0] for i in range(1, 6)]
    assert survey.receivers_of(1).tolist() == expected
    np.testing.assert_array_equal(samples_of(survey), samples)


def test_unsorted_traces_form_the_same_shots(path: Path) -> None:
    headers = line()
    samples = write(path, headers)
    mixed = np.random.default_rng(3).permutation(len(samples))
    write(path, {n: v[mixed] if np.size(v) > 1 else v for n, v in headers.items()}, samples[mixed])
    survey = survey_of(path)
    # Shots come in the order of their first traces, and channels in theirs.
    first = [int(np.flatnonzero(headers["field_record"][mixed] == 101 + i)[0]) for i in range(3)]
    shots = np.argsort(first)
    assert survey.sources[:, 0].tolist() == [1000.0 + 50 * s for s in shots]
    np.testing.assert_array_equal(
        samples_of(survey), np.concatenate([samples[5 * s : 5 * s + 5] for s in shots])
    )


def test_channels_that_repeat_keep_the_order_of_the_file(path: Path) -> None:
    """Two cables of three channels each, written cable by cable."""
    headers = line(1, 6) | {"channel": np.array([1, 2, 3, 1, 2, 3])}
    headers["receiver_y"] = np.array([0, 0, 0, 100, 100, 100])
    samples = write(path, headers)
    survey = survey_of(path)
    assert survey.receivers[:, 1].tolist() == [0, 0, 0, 1, 1, 1]
    np.testing.assert_array_equal(samples_of(survey), samples)


def test_two_guns_and_spreads_of_other_length(path: Path) -> None:
    """Guns that fire in one field record are shots of their own, by position or by a field."""
    headers = line(2, 6)
    headers["field_record"] = np.full(12, 7)
    headers["source_y"] = np.repeat([2500, -2500], 6)
    some = np.arange(12) != 8
    headers = {n: v[some] if np.size(v) > 1 else v for n, v in headers.items()}
    write(path, headers)
    survey = survey_of(path)
    assert np.diff(survey.begins).tolist() == [6, 5]
    assert survey.sources[:, 1].tolist() == [25.0, -25.0]
    gun = field("gun", "233:int16")
    headers |= {"source_x": 100_000, "source_y": 0, "gun": np.repeat([1, 2], [6, 5])}
    write(path, headers, fields=byte_map(changes={"gun": gun}))
    assert np.diff(survey_of(path, gun=gun).begins).tolist() == [6, 5]
    assert survey_of(path).shots == 1


@pytest.mark.parametrize(
    ("scalar", "stored", "length"),
    [(-100, 12345, 123.45), (100, 12, 1200.0), (0, 12, 12.0), (1, 12, 12.0), (-1, 12, 12.0)],
)
def test_scalars_of_either_sign(scalar: int, stored: int, length: float, path: Path) -> None:
    headers = line(1, 2) | {"coordinate_scalar": scalar, "elevation_scalar": scalar}
    headers |= {"source_x": stored, "source_depth": -stored, "receiver_elevation": stored}
    write(path, headers)
    survey = survey_of(path)
    assert survey.sources.tolist() == [[length, -length]]
    assert (survey.receivers[:, 1] == -length).all()


def test_delays_have_their_own_scalar(path: Path) -> None:
    write(path, line() | {"delay": np.repeat([-50, 20, 40], 5), "time_scalar": -10})
    np.testing.assert_allclose(survey_of(path).start, [-0.005, 0.002, 0.004], rtol=1e-15)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"coordinate_scalar": -77}, r"byte 71 \(coordinate_scalar\) is -77"),
        ({"elevation_scalar": 3}, r"byte 69 \(elevation_scalar\) is 3"),
        ({"coordinate_units": 3, "coordinate_scalar": -10000}, "coordinates are in degrees"),
        ({"coordinate_units": 2}, "coordinates are in seconds of arc"),
        ({"source_x": 0}, "x and y of all sources are zero"),
        ({"receiver_x": 0}, "x and y of all receivers are zero"),
        ({"delay": np.arange(15)}, r"traces of shot 0 begin at 0 s and at 0.001 s"),
        ({"trace_id": 2}, "none of 15 traces is a record of pressure"),
        ({"trace_id": 17}, r"trace id 17 \(radial motion\)"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, Any], reason: str, path: Path) -> None:
    write(path, line() | changes)
    with pytest.raises(DataError, match=reason):
        survey_of(path)


def test_sampling_of_headers_must_agree(path: Path) -> None:
    write(path, line())
    patch(path, 117, "H", 2000, trace=7)
    with pytest.raises(DataError, match=r"trace 8, byte 117 .*: 0.002, 0.004 s .* 0.004 s"):
        survey_of(path)
    assert survey_of(path, Grouping(interval=0.004)).interval == 0.004
    patch(path, 117, "H", 4000, trace=7)
    patch(path, 3217, "H", 0)
    assert survey_of(path).interval == 0.004


def test_a_negative_sampling_interval_is_named(path: Path) -> None:
    """In trace headers, in the binary header, or in both."""
    write(path, line())
    patch(path, 117, "h", -4000, trace=7)
    with pytest.raises(DataError, match=r"trace 8, byte 117 .* is negative, -4000 µs"):
        survey_of(path)
    write(path, line())
    patch(path, 3217, "h", -4000)
    with pytest.raises(DataError, match=r"binary header, byte 3217: .* is negative, -4000 µs"):
        survey_of(path)
    for trace in range(15):
        patch(path, 117, "h", -4000, trace=trace)
    with pytest.raises(DataError, match="is negative, -4000 µs"):
        survey_of(path)
    assert survey_of(path, Grouping(interval=0.004)).interval == 0.004


def test_counts_of_samples_that_differ_are_told(path: Path) -> None:
    write(path, line())
    patch(path, 115, "H", 9, trace=3)
    (note,) = survey_of(path).notes
    assert "1 of 15 trace headers state another number of samples (the first, trace 4" in note


def test_dead_traces_are_left_out_or_zero(path: Path) -> None:
    dead = np.isin(np.arange(15), (3, 11))
    write(path, line() | {"trace_id": np.where(dead, 2, 1)})
    dropped = survey_of(path)
    assert np.diff(dropped.begins).tolist() == [4, 5, 4]
    assert "2 of 15 traces are dead (trace id 2; the first: " in dropped.notes[0]
    silent = survey_of(path, Grouping(dead="zero"))
    assert np.diff(silent.begins).tolist() == [5, 5, 5]
    assert silent.factors.tolist() == np.where(dead, 0, 1).tolist()


def test_reversed_channels(path: Path) -> None:
    write(path, line())
    survey = survey_of(path, Grouping(reversed=(2, 5)))
    assert survey.factors.tolist() == [1, -1, 1, 1, -1] * 3
    with pytest.raises(DataError, match=r"no trace has the channel 9 .* are 1 to 5"):
        survey_of(path, Grouping(reversed=(9,)))


def test_receiver_gathers_by_reciprocity(path: Path) -> None:
    """Each node becomes a shot whose receivers are the sources."""
    headers = line(4, 3) | {"receiver_x": np.tile([7000, 8000, 9000], 4)}
    samples = write(path, headers)
    survey = survey_of(path, Grouping(keys=("receiver",)))
    assert survey.sources.tolist() == [[70.0, 8.0], [80.0, 8.0], [90.0, 8.0]]
    assert survey.receivers_of(1).tolist() == [[1000.0 + 50 * i, 6.0] for i in range(4)]
    expected = samples.reshape(4, 3, -1).swapaxes(0, 1).reshape(12, -1)
    np.testing.assert_array_equal(samples_of(survey), expected)


def test_groups_by_fields(path: Path) -> None:
    write(path, line() | {"source_point": np.repeat([1, 2, 3], 5)})
    assert survey_of(path, Grouping(keys=("source_point",))).shots == 3
    with pytest.raises(DataError, match="shot 0 has a source at x = 1000 m and one at 1050 m"):
        survey_of(path, Grouping(keys=("channel",)))
    with pytest.raises(DataError, match="names `cable`, which is no field"):
        survey_of(path, Grouping(keys=("cable",)))


def test_several_files_are_one_survey(tmp_path: Path) -> None:
    """A shot may lie in two of them."""
    headers = line(4, 3)
    samples = write(tmp_path / "whole.sgy", headers)
    parts = [np.arange(5), np.arange(5, 12)]
    for number, part in enumerate(parts):
        some = {n: v[part] if np.size(v) > 1 else v for n, v in headers.items()}
        write(tmp_path / f"line{number}.sgy", some, samples[part])
    survey = read_survey([read_index(tmp_path / f"line{n}.sgy", FIELDS) for n in range(2)])
    whole = survey_of(tmp_path / "whole.sgy")
    assert survey.begins.tolist() == whole.begins.tolist()
    np.testing.assert_array_equal(survey.receivers, whole.receivers)
    np.testing.assert_array_equal(samples_of(survey), samples)
    write(tmp_path / "longer.sgy", line(), 9)
    with pytest.raises(DataError, match=r"longer.sgy has 9 samples a trace and .*whole.sgy has 8"):
        read_survey([read_index(tmp_path / f"{n}.sgy", FIELDS) for n in ("whole", "longer")])


def test_northing_is_left_out_where_it_is_constant(path: Path) -> None:
    write(path, line() | {"source_y": 300, "receiver_y": 300})
    index = read_index(path, FIELDS)
    assert read_survey([index]).sources.shape == (3, 2)
    assert read_survey([index], northing=True).sources[0].tolist() == [1000.0, 3.0, 6.0]


def test_feet_become_metres(path: Path) -> None:
    write(path, line())
    patch(path, 3255, "h", 2)
    survey = survey_of(path)
    np.testing.assert_allclose(survey.sources[0], [304.8, 1.8288], rtol=1e-12)
    assert any("feet" in note for note in survey.notes)


def test_a_depth_that_is_stated_twice_is_told(path: Path) -> None:
    write(path, line() | {"source_elevation": -600})
    survey = survey_of(path)
    assert survey.sources[0, 1] == 12.0
    assert "set `data.bytes: {source_elevation: none}`" in survey.notes[0]
    assert survey_of(path, source_elevation=Field(0)).sources[0, 1] == 6.0


@pytest.mark.parametrize(
    ("written", "reason"),
    [("81:int7", "type `int7`"), ("240:int32", "from 1 to 237"), ("x", "is no field")],
)
def test_fields_that_are_none(written: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        field("receiver_x", written)


def test_traces_without_positions_are_told(path: Path) -> None:
    headers = line()
    headers["source_x"] = np.where(np.arange(15) < 5, 0, headers["source_x"])
    headers["receiver_x"] = np.where(np.arange(15) == 2, 0, headers["receiver_x"])
    write(path, headers)
    assert "1 of 15 traces have x = y = 0 of both" in survey_of(path).notes[0]


def test_receivers_at_one_place_are_told(path: Path) -> None:
    headers = line()
    headers["receiver_x"][6] = headers["receiver_x"][7]
    write(path, headers)
    assert (
        "1 traces have the receiver of another trace of their shot (the first in shot 1)"
        in (survey_of(path).notes[0])
    )


def test_names_of_files_are_texts_or_paths(path: Path) -> None:
    """One alone, or several."""
    write(path, line())
    expected = read_gathers([path])
    for name in (path, str(path), [str(path)]):
        gathers = read_gathers(name)
        assert gathers.acquisition.counts.tolist() == expected.acquisition.counts.tolist()
        np.testing.assert_array_equal(gathers.data[1], expected.data[1])
