"""Files of other programs: read exactly, or refused with the reason."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from fwicli.errors import DataError
from fwicli.segy.fields import Field, byte_map
from fwicli.segy.index import read_index
from fwicli.segy.survey import read_survey
from fwicli.segy.writer import Form, writing
from tests.segy.files import fields_of_segyio, opened, samples_of

# Files that hold samples, and why no survey can be read from them; "" where it can.
READ = {
    "segy/Format1lsb.sgy": "byte 81 .receiver_x.: x and y of all receivers are zero",
    "segy/Format1msb.sgy": "byte 81 .receiver_x.: x and y of all receivers are zero",
    "segy/Format2msb.sgy": "byte 81 .receiver_x.: x and y of all receivers are zero",
    "segy/Format3lsb.sgy": "byte 81 .receiver_x.: x and y of all receivers are zero",
    "segy/Format3msb.sgy": "byte 81 .receiver_x.: x and y of all receivers are zero",
    "segy/Format5lsb.sgy": "byte 81 .receiver_x.: x and y of all receivers are zero",
    "segy/Format5msb.sgy": "byte 81 .receiver_x.: x and y of all receivers are zero",
    "segy/Format6msb.sgy": "byte 81 .receiver_x.: x and y of all receivers are zero",
    "segy/Format8msb.sgy": "byte 81 .receiver_x.: x and y of all receivers are zero",
    "segy/delay-scalar.sgy": "x and y of all sources are zero",
    "segy/f3-lsb.sgy": "byte 81 .receiver_x.: x and y of all receivers are zero",
    "segy/f3.sgy": "byte 81 .receiver_x.: x and y of all receivers are zero",
    "segy/interval-neg-bin-neg-trace.sgy": "sampling interval is negative, -2000",
    "segy/long.sgy": "trace 2, byte 117 .sample_interval.: sampling intervals of headers differ",
    "segy/multi-text.sgy": "x and y of all sources are zero",
    "segy/shot-gather.sgy": "x and y of all sources are zero",
    "segy/small-lsb.su": "no header states a sampling interval",
    "segy/small-ps.sgy": "x and y of all sources are zero",
    "segy/small.su": "no header states a sampling interval",
    "segy/text-embed-null.sgy": "x and y of all sources are zero",
    "segy/viking_small.segy": "",
    "two_shots_foreign.segy": "",
}
REFUSED = {
    "segy/broken.sgy": "no whole number of traces: its 10836 bytes .* 68 bytes more",
    "segy/trace-header-extension1.sgy": "up to 1 additional headers .byte 3507, revision 2.",
    "segy/trace-header-extensions.sgy": "up to 2 additional headers .byte 3507, revision 2.",
}


def test_every_file_is_judged(shared_data: Path) -> None:
    files = {f"segy/{path.name}" for path in (shared_data / "segy").iterdir()}
    assert files == {name for name in {*READ, *REFUSED} if name.startswith("segy/")}


@pytest.mark.parametrize("name", READ)
def test_samples_and_headers_are_those_of_segyio(name: str, shared_data: Path) -> None:
    index = read_index(shared_data / name, byte_map())
    layout = index.layout
    with warnings.catch_warnings(), opened(layout.path, layout.endian, layout.kind) as file:
        warnings.simplefilter("ignore")
        samples = file.trace.raw[:]
        assert (layout.traces, layout.samples) == samples.shape
        assert layout.dtype == samples.dtype
        np.testing.assert_array_equal(samples_of(index), samples)
        for field, place in fields_of_segyio().items():
            theirs = file.attributes(place.byte)[:]
            np.testing.assert_array_equal(index.column(field), theirs, err_msg=field)


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_files_are_refused_with_the_reason(name: str, reason: str, shared_data: Path) -> None:
    with pytest.raises(DataError, match=reason):
        read_index(shared_data / name, byte_map())


@pytest.mark.parametrize(("name", "reason"), READ.items())
def test_surveys_are_read_or_refused(name: str, reason: str, shared_data: Path) -> None:
    index = read_index(shared_data / name, byte_map())
    if not reason:
        assert read_survey([index]).shots > 1
        return
    with pytest.raises(DataError, match=reason):
        read_survey([index])


@pytest.mark.parametrize("name", READ)
def test_round_trip_is_exact(name: str, shared_data: Path, tmp_path: Path) -> None:
    """Samples, and headers as segyio and obspy read them."""
    index = read_index(shared_data / name, byte_map())
    samples = samples_of(index)
    encoding = "ieee8" if samples.dtype == np.float64 else "ieee"
    if index.layout.form == "4-byte IBM float" and not _below_normal(samples):
        encoding = "ibm"
    form = Form(0.004, index.layout.samples, index.layout.traces, encoding)
    headers = {n: index.column(n) for n in index.columns if not n.startswith("sample_")}
    path = tmp_path / "copy.sgy"
    with writing(path, form) as writer:
        writer.append(samples, headers)
    copy = read_index(path, byte_map())
    np.testing.assert_array_equal(samples_of(copy), samples)
    with opened(path) as file:
        for field, place in fields_of_segyio().items():
            theirs = file.attributes(place.byte)[:]
            np.testing.assert_array_equal(theirs, index.column(field), err_msg=field)
    _check_with_obspy(path, index.column("source_x"), index.column("field_record"), samples)


def _below_normal(samples: np.ndarray) -> bool:
    return bool(((np.abs(samples) < np.finfo(np.float32).tiny) & (samples != 0)).any())


def _check_with_obspy(
    path: Path, source_x: np.ndarray, records: np.ndarray, samples: np.ndarray
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        segy = pytest.importorskip("obspy.io.segy.segy", reason="needs obspy: pip install obspy")
        if samples.dtype == np.float64:
            return  # a format that obspy does not read
        stream = segy._read_segy(str(path))
    np.testing.assert_array_equal([t.header.source_coordinate_x for t in stream.traces], source_x)
    names = [t.header.original_field_record_number for t in stream.traces]
    np.testing.assert_array_equal(names, records)
    np.testing.assert_array_equal([t.data for t in stream.traces], samples)


def test_viking_line(shared_data: Path) -> None:
    """Four shots of 120 channels; what contradicts itself is told."""
    survey = read_survey([read_index(shared_data / "segy" / "viking_small.segy", byte_map())])
    assert np.diff(survey.begins).tolist() == [120] * 4
    np.testing.assert_array_equal(survey.sources, [[3237 + 25 * i, 6.0] for i in range(4)])
    assert (survey.receivers[:, 1] == 10.0).all()
    assert (survey.interval, survey.samples) == (0.004, 600)
    notes = " ".join(survey.notes)
    assert "byte 89" in notes
    assert "reach 3312, which no such angle does" in notes
    assert "byte 115: 1500) than the binary header (byte 3221: 600)" in notes


def test_elevations_keep_their_sign(shared_data: Path) -> None:
    """The foreign file states depths as elevations; a byte map turns them."""
    path = shared_data / "two_shots_foreign.segy"
    above = read_survey([read_index(path, byte_map())])
    assert above.sources[:, 1].tolist() == [-20.0, -20.0]
    turned = {
        n: Field(byte, sign=-1)
        for n, byte in (("receiver_elevation", 41), ("source_elevation", 45))
    }
    below = read_survey([read_index(path, byte_map(changes=turned))])
    assert below.sources.tolist() == [[100.0, 20.0], [1100.0, 20.0]]
    assert (below.receivers[:, 1] == 50.0).all()


def test_stated_positions_stand_for_those_of_headers(shared_data: Path) -> None:
    """A stack at zero offset: receivers where the user says, sources from the file."""
    stated = {name: Field(0, value=0.0) for name in ("receiver_x", "receiver_y")}
    index = read_index(shared_data / "segy" / "f3.sgy", byte_map(changes=stated))
    survey = read_survey([index])
    assert survey.shots == 414
    assert (survey.receivers[:, :2] == 0).all()
    assert (survey.start == 0.004).all()
