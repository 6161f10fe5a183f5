"""Records as SEG-Y and SU: samples, positions and times come back exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import segyio

from fwicli.errors import DataError
from fwicli.segy.encoding import decode_ibm, encode
from fwicli.segy.fields import byte_map, field
from fwicli.segy.index import read_index
from fwicli.segy.records import Writing, write_gathers
from fwicli.segy.survey import Survey, read_survey
from fwicli.segy.writer import Form, writing
from fwicli.survey.acquisition import Acquisition, towed
from fwicli.survey.gathers import Gathers
from tests.segy.files import opened, samples_of, write


def gathers(ndim: int = 2, dtype: str = "float32") -> Gathers:
    """Three shots of seven receivers, at positions of centimetres."""
    rng = np.random.default_rng(ndim)
    sources = np.round(rng.uniform(0, 5000, (3, ndim)), 2)
    offsets = np.round(rng.uniform(-900, 900, (7, ndim)), 2)
    offsets[:, -1] = np.abs(offsets[:, -1])
    data = rng.standard_normal((3, 7, 40)).astype(dtype)
    return Gathers(Acquisition(sources, np.round(towed(sources, offsets), 2)), 0.002, data)


def read(path: Path, kind: str = "standard") -> tuple[Survey, np.ndarray]:
    index = read_index(path, byte_map(kind))
    return read_survey([index]), samples_of(index)


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize(
    ("encoding", "dtype", "form"),
    [("auto", "float32", 5), ("auto", "float64", 6), ("ieee", "float32", 5), ("ibm", "float32", 1)],
)
def test_records_come_back(ndim: int, encoding: str, dtype: str, form: int, tmp_path: Path) -> None:
    records = gathers(ndim, dtype)
    assert write_gathers(tmp_path / "a.sgy", records, Writing(encoding)) == ()
    survey, samples = read(tmp_path / "a.sgy")
    np.testing.assert_allclose(survey.sources, records.acquisition.sources, rtol=1e-15)
    np.testing.assert_allclose(survey.receivers, records.acquisition.all_receivers(), rtol=1e-15)
    assert (survey.interval, survey.samples, survey.notes) == (0.002, 40, ())
    assert read_index(tmp_path / "a.sgy", byte_map()).layout.revision == (2 if form == 6 else 1)
    error = np.abs(samples.reshape(records.data.shape) - records.data)
    assert (error <= (np.abs(records.data) * 2.0**-21 if encoding == "ibm" else 0)).all()
    with opened(tmp_path / "a.sgy") as file:
        assert int(file.format) == form
        assert "SHOT RECORDS" in segyio.tools.wrap(file.text[0])


def test_su_records_come_back(tmp_path: Path) -> None:
    records = gathers()
    write_gathers(tmp_path / "a.su", records, Writing(kind="su", fields=byte_map("su")))
    survey, samples = read(tmp_path / "a.su", "su")
    np.testing.assert_allclose(survey.sources, records.acquisition.sources, rtol=1e-15)
    np.testing.assert_array_equal(samples.reshape(records.data.shape), records.data)
    with opened(tmp_path / "a.su", "little", "su") as file:
        np.testing.assert_array_equal(file.trace.raw[:], samples)


def test_ibm_floats_are_those_that_segyio_reads(tmp_path: Path) -> None:
    """To half a unit in the last place, and exactly where the numbers are IBM floats."""
    rng = np.random.default_rng(5)
    powers = 10.0 ** rng.integers(-36, 38, (50, 200))
    numbers = (rng.uniform(0.1, 1, (50, 200)) * powers).astype(np.float32)
    numbers[::2] *= -1
    numbers[0, :8] = [0, -0.0, 1, -1, 16, 1 / 16, 2.0**-126, 3.4e38]
    write(tmp_path / "a.sgy", {"channel": np.arange(50)}, numbers, encoding="ibm")
    once = samples_of(read_index(tmp_path / "a.sgy", byte_map()))
    assert (np.abs(once - numbers) <= np.abs(numbers) * 2.0**-21).all()
    np.testing.assert_array_equal(once[0, :7], numbers[0, :7])
    write(tmp_path / "b.sgy", {"channel": np.arange(50)}, once, encoding="ibm")
    np.testing.assert_array_equal(samples_of(read_index(tmp_path / "b.sgy", byte_map())), once)


def test_ibm_floats_with_leading_zeros() -> None:
    """By their definition: (-1)**s 16**(e - 64) f / 2**24."""
    bits = np.array([[0x4700374C, 0xC1000001, 0x42640000, 0x00000000, 0x80000000, 0x7FFFFFFF]])
    numbers = np.empty((1, 6))
    decode_ibm(bits.astype(">u4"), numbers)
    assert numbers.tolist() == [[0x374C * 16.0, -(16.0**-5), 100.0, 0.0, -0.0, np.inf]]


def test_start_times_have_a_scalar(tmp_path: Path) -> None:
    records = replace(gathers(), start=np.array([-0.004, 0.0005, 1.0]))
    write_gathers(tmp_path / "a.sgy", records)
    np.testing.assert_allclose(read(tmp_path / "a.sgy")[0].start, records.start, rtol=1e-15)
    with pytest.raises(DataError, match=r"up to 1 s do not fit the headers"):
        write_gathers(tmp_path / "a.su", records, Writing(kind="su"))
    whole = replace(records, start=np.array([-0.004, 0.0, 1.0]))
    write_gathers(tmp_path / "a.su", whole, Writing(kind="su"))
    np.testing.assert_allclose(read(tmp_path / "a.su", "su")[0].start, whole.start, rtol=1e-15)


def test_shots_of_fewer_samples_are_filled_up_and_told(tmp_path: Path) -> None:
    records = gathers()
    data = [records.data[0], records.data[1][:, :30], records.data[2]]
    ragged = Gathers(records.acquisition, 0.002, data, start=np.array([0.0, 0.01, 0.0]))
    (note,) = write_gathers(tmp_path / "a.sgy", ragged)
    assert "1 of 3 shots have fewer samples than others, 30 at least" in note
    survey, samples = read(tmp_path / "a.sgy")
    np.testing.assert_array_equal(samples[7:14, :30], data[1])
    assert not samples[7:14, 30:].any()
    assert survey.start.tolist() == [0.0, 0.01, 0.0]
    again = write_gathers(tmp_path / "b.sgy", ragged.from_zero())
    assert again == (note,)
    assert (tmp_path / "a.sgy").read_bytes() == (tmp_path / "b.sgy").read_bytes()


def test_sources_above_elevation_0_keep_their_sign(tmp_path: Path) -> None:
    sources = np.array([[0.0, -12.5], [50.0, 3.0]])
    records = Gathers(
        Acquisition(sources, np.array([[100.0, -7.25], [200.0, 9.0]])), 0.004, np.ones((2, 2, 8))
    )
    write_gathers(tmp_path / "a.sgy", records)
    survey, _ = read(tmp_path / "a.sgy")
    assert survey.sources.tolist() == sources.tolist()
    assert survey.receivers_of(1).tolist() == [[100.0, -7.25], [200.0, 9.0]]


def test_headers_in_place_of_numbers(tmp_path: Path) -> None:
    places = byte_map(changes={"gun": field("gun", "233:int16")})
    headers = {"field_record": np.repeat([7, 7, 9], 7), "gun": np.repeat([1, 2, 1], 7)}
    how = Writing("ibm", divisor=100, fields=places, headers=headers)
    write_gathers(tmp_path / "a.sgy", gathers(), how)
    with opened(tmp_path / "a.sgy") as file:
        assert file.attributes(9)[:].tolist() == headers["field_record"].tolist()
        assert set(file.attributes(71)[:]) == {-100}
    index = read_index(tmp_path / "a.sgy", places)
    assert index.column("gun").tolist() == headers["gun"].tolist()
    with pytest.raises(DataError, match="`gun` has no byte in SEG-Y"):
        write_gathers(tmp_path / "a.sgy", gathers(), Writing(headers=headers))


def test_positions_beyond_the_digits_of_headers_are_told(tmp_path: Path) -> None:
    sources = np.array([[1 / 3, 10.0]])
    records = Gathers(Acquisition(sources, np.array([[2.0e5, 5.0]])), 0.004, np.ones((1, 1, 8)))
    (note,) = write_gathers(tmp_path / "a.sgy", records)
    assert "rounded to 0.0001 m" in note
    (note,) = write_gathers(tmp_path / "a.sgy", records, Writing(divisor=10))
    assert "rounded to 0.1 m, by up to 0.033 m" in note
    far = Gathers(Acquisition(sources, np.array([[3.0e8, 5.0]])), 0.004, np.ones((1, 1, 8)))
    with pytest.raises(DataError, match="does not hold; name a larger field"):
        write_gathers(tmp_path / "a.sgy", far, Writing(divisor=10))


@pytest.mark.parametrize(
    ("interval", "samples", "encoding", "kind", "reason"),
    [
        (0.001 / 3, 8, "ieee", "segy", "0.000333333333333 s does not fit"),
        (0.04, 8, "ieee", "segy", "0.04 s does not fit"),
        (0.004, 70000, "ieee", "segy", "70000 samples do not fit"),
        (0.004, 8, "vax", "segy", "cannot be written as `vax`"),
        (0.004, 8, "ibm", "su", "SU files hold 4-byte IEEE floats, not `ibm`"),
    ],
)
def test_forms_that_headers_cannot_state(
    interval: float, samples: int, encoding: str, kind: str, reason: str
) -> None:
    with pytest.raises(DataError, match=reason):
        Form(interval, samples, 1, encoding, kind)


def test_samples_that_cannot_be_encoded() -> None:
    with pytest.raises(DataError, match="1e\\+39, beyond single precision"):
        encode(np.array([[1e39]]), "ieee", "x")
    with pytest.raises(DataError, match="nan, which IBM floats do not have"):
        encode(np.array([[np.nan]], np.float32), "ibm", "x")
    assert np.isnan(encode(np.array([[np.nan]], np.float32), "ieee", "x")).all()


def test_a_file_that_is_not_finished_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.sgy"
    path.write_text("before")
    with (
        pytest.raises(DataError, match="was to get 3 traces, and got 1"),
        writing(path, Form(0.004, 8, 3)) as writer,
    ):
        writer.append(np.ones((1, 8)), {})
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_blocks_of_traces_are_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large blocks are encoded in parts, each with its headers."""
    whole = write(tmp_path / "a.sgy", {"channel": np.arange(20), "field_record": 3})
    monkeypatch.setattr("fwicli.segy.writer.BLOCK", 30)
    write(tmp_path / "b.sgy", {"channel": np.arange(20), "field_record": 3}, whole)
    assert (tmp_path / "a.sgy").read_bytes() == (tmp_path / "b.sgy").read_bytes()


@pytest.mark.parametrize("samples", [1, 120, 400])
def test_small_shots_are_written_together(
    samples: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many shots are written at once, the file is the same."""
    rng = np.random.default_rng(4)
    counts = [3, 1, 7, 2, 2, 5]
    sources = np.round(rng.uniform(-50, 5000, (6, 3)), 2)
    receivers = [np.round(rng.uniform(0, 900, (n, 3)), 2) for n in counts]
    data = [rng.standard_normal((n, 20)) for n in counts]
    start = 0.001 * np.arange(6)
    records = Gathers(Acquisition(sources, receivers), 0.002, data, start=start)
    headers = {"channel": np.arange(20)}
    write_gathers(tmp_path / "a.sgy", records, Writing(headers=headers))
    monkeypatch.setattr("fwicli.segy.records.BLOCK", samples)
    write_gathers(tmp_path / "b.sgy", records, Writing(headers=headers))
    assert (tmp_path / "a.sgy").read_bytes() == (tmp_path / "b.sgy").read_bytes()
    survey, read_samples = read(tmp_path / "b.sgy")
    np.testing.assert_array_equal(read_samples, np.concatenate(data))
    np.testing.assert_allclose(survey.sources, sources, rtol=1e-15)
    np.testing.assert_allclose(survey.receivers, np.concatenate(receivers), rtol=1e-15)
    np.testing.assert_allclose(survey.start, start, rtol=1e-15)
