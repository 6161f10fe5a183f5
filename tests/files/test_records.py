"""Records of any program: what is unambiguous is read, all else is refused by name."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli import Acquisition, Gathers
from fwicli.errors import DataError, FwiError, GeometryError
from fwicli.files import hdf5

SHOTS, RECEIVERS, SAMPLES = 3, 5, 20
DATASETS = ("data", "source_x", "source_z", "receiver_x", "receiver_z", "wavelet")
Change = Callable[[h5py.File, str], Any]


def gathers() -> Gathers:
    rng = np.random.default_rng(0)
    sources = np.array([[10.0, 20.0], [30.0, 20.0], [50.0, 20.0]])
    receivers = np.stack([10.0 * np.arange(RECEIVERS), np.full(RECEIVERS, 30.0)], axis=-1)
    data = rng.integers(-100, 100, (SHOTS, RECEIVERS, SAMPLES)).astype(np.float32)
    return Gathers(Acquisition(sources, receivers), 0.004, data, np.arange(float(SAMPLES)))


def read(path: Path) -> Gathers:
    return hdf5.read_gathers(path).with_silence()


def same(one: Gathers, other: Gathers) -> bool:
    """Whether two records are the same, whatever the precision and shape that they are kept in."""
    pairs = [
        (one.data, other.data),
        (one.acquisition.sources, other.acquisition.sources),
        *((one.acquisition.receivers_of(s), other.acquisition.receivers_of(s)) for s in range(3)),
        (one.wavelet, other.wavelet),
        (one.interval, other.interval),
    ]
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in pairs)


def put(values: Callable[[np.ndarray], Any]) -> Change:
    """Put other values in place of a dataset."""

    def change(file: h5py.File, name: str) -> None:
        new = values(file[name][()])
        del file[name]
        file[name] = new

    return change


def create(**options: Any) -> Change:
    """Put a dataset that is made otherwise in place of one."""

    def change(file: h5py.File, name: str) -> None:
        settings = {k: v(file[name]) if callable(v) else v for k, v in options.items()}
        del file[name]
        file.create_dataset(name, **settings)

    return change


def compound(values: np.ndarray) -> np.ndarray:
    pairs = np.zeros(values.shape, dtype=[("re", "f4"), ("im", "f4")])
    pairs["re"] = values
    return pairs


def soft(file: h5py.File, name: str) -> None:
    file.move(name, "elsewhere")
    file[name] = h5py.SoftLink("/elsewhere")


def to_itself(file: h5py.File, name: str) -> None:
    del file[name]
    file[name] = h5py.SoftLink(f"/{name}")


def virtual(file: h5py.File, name: str) -> None:
    shape = file[name].shape
    layout = h5py.VirtualLayout(shape, "f4")
    layout[...] = h5py.VirtualSource("other.h5", name, shape)
    del file[name]
    file.create_virtual_dataset(name, layout)


def delete(file: h5py.File, name: str) -> None:
    del file[name]


def group(file: h5py.File, name: str) -> None:
    del file[name]
    file.create_group(name)


# Changes that keep the meaning.
HARMLESS: dict[str, Change] = {
    "float64": put(lambda v: v.astype("f8")),
    "big-endian": put(lambda v: v.astype(">f8")),
    "long double": put(lambda v: v.astype(np.longdouble)),
    "float16": put(lambda v: v.astype("f2")),
    "int16": put(lambda v: v.astype("i2")),
    "int64": put(lambda v: v.astype("i8")),
    "axis behind": put(lambda v: v[..., None]),
    "axis in front": put(lambda v: v[None]),
    "packed": create(data=lambda d: d[()], compression="gzip"),
    "soft link": soft,
}
# Changes without a meaning, or with more than one.
REFUSED: dict[str, Change] = {
    "missing": delete,
    "a group": group,
    "no values": put(lambda v: v[:0]),
    "one too many": put(lambda v: np.concatenate([v, v[:1]])),
    "doubled": put(lambda v: np.stack([v, v])),
    "no dataspace": put(lambda _: h5py.Empty("f4")),
    "complex": put(lambda v: v.astype(complex)),
    "compound": put(compound),
    "text": put(lambda v: v.astype("S8")),
    "truth values": put(lambda v: v > 0),
    "variable text": create(
        data=lambda d: np.full(d.shape, "2.0", dtype=object), dtype=h5py.string_dtype()
    ),
    "opaque": put(lambda _: np.void(b"bits")),
    "references": create(
        data=lambda d: np.full(d.shape, d.ref, dtype=h5py.ref_dtype), dtype=h5py.ref_dtype
    ),
    "enumeration": create(
        data=lambda d: np.zeros(d.shape, "i1"), dtype=h5py.enum_dtype({"a": 0}, basetype="i1")
    ),
    "ragged": create(shape=lambda d: d.shape, dtype=h5py.vlen_dtype(np.float64)),
    "NaN": put(lambda v: np.full(v.shape, np.nan)),
    "huge": create(shape=lambda d: (10**9,) * d.ndim, dtype="f4", chunks=lambda d: (8,) * d.ndim),
    "external link": put(lambda _: h5py.ExternalLink("other.h5", "data")),
    "link to nothing": put(lambda _: h5py.SoftLink("/nothing")),
    "link to itself": to_itself,
    "virtual": virtual,
}
# Where what is refused elsewhere may be: without a wavelet there is none.
ALLOWED = {("missing", "wavelet"), ("link to nothing", "wavelet"), ("NaN", "wavelet")}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    for name in ("shots.h5", "other.h5"):
        hdf5.write_gathers(tmp_path / name, gathers(), {})
    return tmp_path / "shots.h5"


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("kind", HARMLESS)
def test_what_means_the_same_is_read(path: Path, kind: str, name: str) -> None:
    with h5py.File(path, "r+") as file:
        HARMLESS[kind](file, name)
    assert same(read(path), gathers())


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("kind", REFUSED)
def test_what_means_nothing_is_refused_by_name(path: Path, kind: str, name: str) -> None:
    """With an explained error that names file and dataset, or the trace where values are wrong."""
    with h5py.File(path, "r+") as file:
        REFUSED[kind](file, name)
    if (kind, name) in ALLOWED:
        read(path)
        return
    with pytest.raises(FwiError) as raised:
        read(path)
    text = str(raised.value)
    assert raised.value.exit_code == 3
    if kind != "NaN":
        assert "shots.h5" in text
        # Of traces that are too many, geometry is what does not fit.
        assert f"`{name}" in text or (name == "data" and kind in ("one too many", "doubled"))


@pytest.mark.parametrize("name", ["source_x", "source_z", "receiver_x", "receiver_z"])
@pytest.mark.parametrize("shape", [(), (1,), (1, 1)], ids=str)
def test_one_value_is_for_all(path: Path, name: str, shape: tuple[int, ...]) -> None:
    with h5py.File(path, "r+") as file:
        del file[name]
        file[name] = np.full(shape, 40.0)
    geometry = read(path).acquisition
    positions = geometry.sources if name.startswith("source") else geometry.receivers_of(1)
    assert (positions[:, 0 if name.endswith("x") else 1] == 40.0).all()


@pytest.mark.parametrize("shape", [(SHOTS, RECEIVERS), (SHOTS, 1), (SHOTS, RECEIVERS, 1)], ids=str)
def test_receivers_of_each_shot(path: Path, shape: tuple[int, ...]) -> None:
    """Also where only one coordinate is given shot by shot."""
    with h5py.File(path, "r+") as file:
        depths = 30.0 + np.arange(SHOTS).reshape(SHOTS, *[1] * (len(shape) - 1))
        del file["receiver_z"]
        file["receiver_z"] = np.broadcast_to(depths, shape)
    geometry = read(path).acquisition
    assert (geometry.receivers_of(2)[:, 1] == 32.0).all()
    assert (geometry.receivers_of(2)[:, 0] == 10.0 * np.arange(RECEIVERS)).all()


INTERVALS: dict[str, Any] = {
    "array of one": np.array([0.004]),
    "two axes": np.array([[0.004]]),
    "float32": np.float32(0.004),
    "big-endian": np.array(0.004, dtype=">f8"),
}


@pytest.mark.parametrize("kind", INTERVALS)
def test_interval_that_means_the_same(path: Path, kind: str) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["dt"] = INTERVALS[kind]
    assert read(path).interval == pytest.approx(0.004, rel=1e-7)


@pytest.mark.parametrize("unit", ["s", "ms", "us", b"ms"])
def test_interval_in_the_unit_of_its_file(path: Path, unit: Any) -> None:
    factor = {"s": 1.0, "ms": 1e3, "us": 1e6}[unit if isinstance(unit, str) else unit.decode()]
    with h5py.File(path, "r+") as file:
        file.attrs["dt"], file.attrs["dt_unit"] = 0.004 * factor, unit
    assert read(path).interval == pytest.approx(0.004)


@pytest.mark.parametrize(
    "value",
    [
        0.0,
        0,
        -0.004,
        np.nan,
        np.inf,
        True,
        1j,
        "4 ms",
        b"0.004",
        np.zeros(0),
        np.array([0.004, 0.004]),
        compound(np.array(0.004)),
        h5py.Empty("f8"),
    ],
    ids=repr,
)
def test_interval_that_is_none(path: Path, value: Any) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["dt"] = value
    with pytest.raises(DataError, match=r"shots\.h5.*`dt`"):
        read(path)


def test_wavelets_of_each_shot(path: Path) -> None:
    """The same one for all is one; others are read for the shots that are."""
    wavelet = np.arange(float(SAMPLES))
    with h5py.File(path, "r+") as file:
        del file["wavelet"]
        file["wavelet"] = np.stack([wavelet] * SHOTS)
    assert np.array_equal(read(path).wavelet, wavelet)  # type: ignore[arg-type]
    with h5py.File(path, "r+") as file:
        file["wavelet"][1] *= -1
    assert np.array_equal(read(path).wavelet, wavelet * [[1], [-1], [1]])  # type: ignore[arg-type]
    assert np.array_equal(hdf5.read_gathers(path, shots=slice(1, 2)).wavelet, -wavelet)  # type: ignore[arg-type]
    assert hdf5.read_gathers(path, wavelet=False).wavelet is None
    with h5py.File(path, "r+") as file:
        file["wavelet"].attrs["dt"] = 0.001
    with pytest.raises(DataError, match=r"sampled every 0.001 s and the data every 0.004 s"):
        hdf5.read_gathers(path, shots=slice(1, 2))


@pytest.mark.parametrize("shots", [slice(None, None, -1), slice(2, 0, -1), slice(-2, None)])
def test_shots_in_any_order(path: Path, shots: slice) -> None:
    selected = hdf5.read_gathers(path, shots=shots)
    np.testing.assert_array_equal(selected.data, gathers().data[shots])
    np.testing.assert_array_equal(
        selected.acquisition.sources, gathers().acquisition.sources[shots]
    )


def test_no_shot_selected(path: Path) -> None:
    with pytest.raises(DataError, match=r"has 3 shots, .* and none of them is selected"):
        hdf5.read_gathers(path, shots=slice(5, None))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_file_that_is_cut(path: Path, share: float) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=r"shots\.h5"):
        read(path)


def test_file_that_is_none(tmp_path: Path) -> None:
    for name, make in (("folder.h5", Path.mkdir), ("zeros.h5", lambda p: p.write_bytes(bytes(99)))):
        make(tmp_path / name)
        with pytest.raises(DataError, match="not a readable HDF5 file"):
            read(tmp_path / name)


@pytest.mark.parametrize("seed", range(30))
def test_bytes_that_are_overwritten(path: Path, seed: int) -> None:
    """A damaged file is read or refused; nothing else is raised."""
    rng = np.random.default_rng(seed)
    content = bytearray(path.read_bytes())
    for place in rng.integers(len(content) if seed % 2 else 2000, size=10):
        content[int(place)] = int(rng.integers(256))
    path.write_bytes(content)
    with contextlib.suppress(DataError, GeometryError):
        read(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("true.npy", b"\x93NUMPY\x01\x00v\x00", "is an array of NumPy"),
        ("shots.sgy", b"C 1 CLIENT", "is SEG-Y"),
        ("shots.h5", b"some text of a note", "is not a readable HDF5 file"),
    ],
)
def test_records_of_another_form(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        hdf5.read_gathers(tmp_path / name)
    assert "shot records are HDF5 with the datasets `data`, `source_x`" in str(caught.value)
