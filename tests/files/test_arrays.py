"""Arrays in files of every form: read when they are what they say, refused in words when not."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli.errors import DataError
from fwicli.files import arrays, numbers
from fwicli.files.flat import RawFormat

VALUES = np.arange(12.0).reshape(3, 4)
Write = Callable[[Path], Any]


def hdf5(path: Path, values: Any = VALUES) -> None:
    with h5py.File(path, "w") as file:
        file["a/vp"] = values
        file["a"].attrs["dt"] = [0.002]
        file["a/vp"].attrs["spacing"] = 5


def npz(path: Path, **members: Any) -> None:
    with path.open("wb") as file:
        np.savez(file, **members)


def npy(path: Path, values: Any = VALUES) -> None:
    with path.open("wb") as file:
        np.save(file, values, allow_pickle=True)


def header(shape: str, dtype: str = "<f8") -> bytes:
    """A .npy file of 8 values that declares a shape."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + bytes(64)


READ: dict[str, tuple[str, Write]] = {
    "HDF5": ("x.h5", hdf5),
    "HDF5 in capitals": ("x.H5", hdf5),
    "HDF5 of MATLAB": ("x.mat", hdf5),
    "HDF5 without a name": ("x", hdf5),
    "npy": ("x.npy", npy),
    "npy in capitals": ("x.NPY", npy),
    "npy of another name": ("x.bin", npy),
    "Fortran order": ("x.npy", lambda p: npy(p, np.asfortranarray(VALUES))),
    "big-endian": ("x.npy", lambda p: npy(p, VALUES.astype(">f4"))),
    "long double": ("x.npy", lambda p: npy(p, VALUES.astype(np.longdouble))),
    "integers": ("x.npy", lambda p: npy(p, VALUES.astype(np.uint8))),
    "float16": ("x.npy", lambda p: npy(p, VALUES.astype(np.float16))),
    "npz of one": ("x.npz", lambda p: npz(p, something=VALUES)),
    "npz by name": ("x.npz", lambda p: npz(p, **{"a/vp": VALUES, "b": np.zeros(2)})),
    "npz with its interval": ("x.npz", lambda p: npz(p, w=VALUES, dt=0.002)),
    "text": ("x.txt", lambda p: np.savetxt(p, VALUES)),
    "commas": ("x.csv", lambda p: np.savetxt(p, VALUES, delimiter=",")),
    "text without a name": ("x.dat", lambda p: np.savetxt(p, VALUES, header="a b")),
    "column names": ("x.csv", lambda p: np.savetxt(p, VALUES, header="a,b", comments="")),
    "raw": ("x.bin", lambda p: VALUES.astype("<f4").tofile(p)),
    "raw .dat": ("x.dat", lambda p: VALUES.astype("<f4").tofile(p)),
}
REFUSED: dict[str, tuple[str, Write, str]] = {
    **{
        f"empty {end}": (f"x{end}", Path.touch, "it is empty")
        for end in (".npy", ".NPY", ".npz", ".h5", ".H5", ".mat", ".txt", ".csv", ".bin", ".dat")
    },
    "nothing": ("x.npy", lambda _: None, "there is no file"),
    "a folder": ("x.npy", Path.mkdir, "is a folder"),
    "a pipe": ("x.npy", os.mkfifo, "is no ordinary file"),
    "structured": ("x.npy", lambda p: npy(p, np.zeros(3, "f4,f4")), "a compound of f0, f1"),
    "objects": ("x.npy", lambda p: npy(p, np.array([{}, None])), "not a readable .npy file"),
    "complex": ("x.npy", lambda p: npy(p, VALUES * 1j), "complex numbers"),
    "text in npy": ("x.npy", lambda p: npy(p, VALUES.astype("U")), "holds text"),
    "dates": ("x.npy", lambda p: npy(p, np.zeros(3, "M8[s]")), "holds dates"),
    "truth values": ("x.npy", lambda p: npy(p, VALUES > 3), "holds truth values"),
    "cut": ("x.npy", lambda p: p.write_bytes(header("(9,)")), "not a readable .npy file"),
    "huge": (
        "x.npy",
        lambda p: p.write_bytes(header("(1000000000000000,)")),
        "not a readable",
    ),
    "beyond 64 bits": (
        "x.npy",
        lambda p: p.write_bytes(header("(4294967296, 4294967296)")),
        "not a",
    ),
    "negative": ("x.npy", lambda p: p.write_bytes(header("(-1,)")), "not a readable .npy file"),
    "no shape": ("x.npy", lambda p: p.write_bytes(header("'x'")), "not a readable .npy file"),
    "no type": ("x.npy", lambda p: p.write_bytes(header("(8,)", "zz")), "not a readable .npy file"),
    "cut header": ("x.npy", lambda p: p.write_bytes(header("(8,)")[:40]), "not a readable .npy"),
    "text named npy": ("x.npy", lambda p: p.write_text("1\n2\n"), "not a readable .npy file"),
    "two in npz": ("x.npz", lambda p: npz(p, b=VALUES, c=VALUES), "no array `a/vp`; it has: b, c"),
    "no array in npz": ("x.npz", lambda p: zipped(p, b"1 2 3"), "is no array"),
    "huge in npz": ("x.npz", lambda p: zipped(p, header("(1000000000000000,)")), "declares shape"),
    "objects in npz": ("x.npz", lambda p: npz(p, w=np.array([{}])), "not a readable .npz file"),
    "broken npz": ("x.npz", lambda p: p.write_bytes(b"PK\x03\x04" + bytes(99)), "not a readable"),
    "MATLAB 5": ("x.mat", lambda p: p.write_bytes(b"MATLAB 5.0 MAT-file" + bytes(99)), "-v7.3"),
    "no HDF5": ("x.h5", lambda p: p.write_text("no HDF5"), "not a readable HDF5 file"),
    "no dataset": ("x.h5", lambda p: h5py.File(p, "w").close(), "has no dataset `a/vp`"),
    "SEG-Y": ("x.sgy", lambda p: p.write_bytes(bytes(3600)), "is SEG-Y, which is not read"),
    "a pickle": ("x.pkl", lambda p: p.write_bytes(b"\x80\x04K\x01."), "may run code"),
    "Git LFS": ("x.npy", lambda p: p.write_text("version https://git-lfs\n"), "a pointer of Git"),
    "words": ("x.txt", lambda p: p.write_text("time amplitude\n"), "text without numbers"),
    "words below": ("x.txt", lambda p: p.write_text("1\n2\nend\n"), "x.txt:3: `end` are no num"),
    "ragged": ("x.csv", lambda p: p.write_text("1,2\n3\n"), "x.csv:2 has 1 numbers"),
    "binary named text": ("x.txt", lambda p: VALUES.tofile(p), "is no text, though it is named"),
    "odd bytes": ("x.bin", lambda p: p.write_bytes(bytes(7)), "not a multiple of the 4"),
}


def zipped(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("w.npy", content)


@pytest.mark.parametrize("kind", READ)
def test_what_is_read(tmp_path: Path, kind: str) -> None:
    name, write = READ[kind]
    write(tmp_path / name)
    stored = arrays.read(tmp_path / name, "a/vp")
    np.testing.assert_array_equal(np.reshape(stored.values, VALUES.shape), VALUES)
    assert stored.values.dtype in ("float32", "float64")
    assert stored.values.dtype.isnative
    if "HDF5" in kind:
        assert stored.numbers("spacing", "m", 2) == [5.0, 5.0]
    assert stored.interval == (0.002 if "HDF5" in kind or "interval" in kind else None)


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused(tmp_path: Path, kind: str) -> None:
    """With a sentence that names the file, and no memory allocated for a declared shape."""
    name, write, words = REFUSED[kind]
    write(tmp_path / name)
    with pytest.raises(DataError, match=name.replace(".", r"\.")) as raised:
        arrays.read(tmp_path / name, "a/vp")
    assert words in str(raised.value)


def test_raw_numbers_of_a_shape(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    VALUES.astype(">f8").tofile(path)
    stored = arrays.read(path, raw=RawFormat([3, 4], "float64", "big"))
    np.testing.assert_array_equal(stored.values, VALUES)
    with pytest.raises(DataError, match=r"has 96 bytes, but shape .3, 4. of float32 takes 48"):
        arrays.read(path, raw=RawFormat([3, 4]))


def test_masks_may_be_truth_values(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", VALUES > 3)
    stored = arrays.read(tmp_path / "x.npy", masks=True)
    np.testing.assert_array_equal(stored.values, VALUES > 3)


@pytest.mark.parametrize("seed", range(40))
def test_bytes_that_are_overwritten(tmp_path: Path, seed: int) -> None:
    """A damaged file is read or refused; nothing else is raised."""
    rng = np.random.default_rng(seed)
    name, write = READ[list(READ)[seed % len(READ)]]
    write(tmp_path / name)
    content = bytearray((tmp_path / name).read_bytes())
    for place in rng.integers(min(len(content), 200), size=5):
        content[int(place)] = int(rng.integers(256))
    (tmp_path / name).write_bytes(content)
    try:
        arrays.read(tmp_path / name, "a/vp")
    except DataError as error:
        assert name in str(error)  # noqa: PT017 - it may be read as well


# Settings that do not apply to a kind of file, or contradict the file.
FOREIGN = [
    ("x.npy", npy, {"dataset": "velocity"}),
    ("x.npy", npy, {"byte_order": "big"}),
    ("x.npy", lambda p: npy(p, VALUES.astype("f4")), {"dtype": "float64"}),
    ("x.bin", npy, {"dataset": "velocity"}),
    ("x.h5", hdf5, {"dataset": "a/vp", "byte_order": "big"}),
    ("x.h5", lambda p: hdf5(p, VALUES.astype("f4")), {"dataset": "a/vp", "dtype": "float64"}),
    ("x.npz", lambda p: npz(p, vp=VALUES), {"byte_order": "big"}),
    ("x.npz", lambda p: npz(p, vp=VALUES.astype("f4")), {"dtype": "float64"}),
    ("x.txt", lambda p: p.write_text("1 2\n3 4"), {"dataset": "velocity"}),
    ("x.txt", lambda p: p.write_text("1 2\n3 4"), {"dtype": "float64"}),
    ("x.txt", lambda p: p.write_text("1 2\n3 4"), {"byte_order": "big"}),
    ("x.bin", lambda p: p.write_bytes(bytes(range(80))), {"dataset": "velocity"}),
]


def read(path: Path, settings: dict[str, str]) -> arrays.Stored:
    """Read an array with settings that a user has chosen."""
    raw = {name: value for name, value in settings.items() if name != "dataset"}
    dataset = settings.get("dataset", "")
    return arrays.read(path, dataset, RawFormat(**raw), chosen=tuple(settings))  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "write", "settings"), FOREIGN)
def test_settings_of_another_kind_of_file(
    name: str, write: Write, settings: dict[str, str], tmp_path: Path
) -> None:
    """Refused by name; without it, as the message advises, the file is read."""
    write(tmp_path / name)
    with pytest.raises(DataError) as caught:
        read(tmp_path / name, settings)
    refused = str(caught.value).rpartition("leave out `")[2].partition(":")[0]
    assert refused in settings
    less = {key: value for key, value in settings.items() if key != refused}
    assert read(tmp_path / name, less).values.size


def test_settings_that_agree_with_the_file(tmp_path: Path) -> None:
    """Settings may repeat what the file states; an array that is named must exist."""
    npy(tmp_path / "x.npy")
    assert read(tmp_path / "x.npy", {"dtype": "float64"}).values.size == 12
    npz(tmp_path / "x.npz", something=VALUES)
    assert arrays.read(tmp_path / "x.npz", "vp").values.size == 12
    with pytest.raises(DataError, match="no array `vp`; it has: something"):
        arrays.read(tmp_path / "x.npz", "vp", chosen=("dataset",))


def test_memory_is_looked_up_for_large_arrays_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading a shot of a survey takes less time than finding out how much memory there is."""
    memory = iter([1e9])
    monkeypatch.setattr(numbers, "available", lambda: next(memory))
    npy(tmp_path / "x.npy")
    np.testing.assert_array_equal(arrays.read(tmp_path / "x.npy").values, VALUES)
    assert numbers.check_size((1000, 500), 8, "x") == 4_000_000
    with pytest.raises(DataError, match="this machine has 1 GB"):
        numbers.check_size((1000, 1000, 1000), 8, "x")
