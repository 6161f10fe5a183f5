"""Arrays in files: HDF5, .npy, .npz, text, or raw binary, known by their first bytes.

The name of a file says what it should be, its first bytes what it is. Nothing is unpickled, and
nothing is allocated for what a header declares before the file is seen to hold it.
"""

from __future__ import annotations

import math
import re
import tokenize
import zipfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.files import datasets, numbers

Array = NDArray[Any]

HDF5, NPY, ZIP = b"\x89HDF\r\n\x1a\n", b"\x93NUMPY", b"PK\x03\x04"
NAMED = {
    ".h5": "HDF5",
    ".hdf5": "HDF5",
    ".hdf": "HDF5",
    ".he5": "HDF5",
    ".nc": "HDF5",
    ".mat": "HDF5",
    ".npy": ".npy",
    ".npz": ".npz",
    ".txt": "text",
    ".csv": "text",
    ".asc": "text",
    ".tsv": "text",
}
# Formats that are not read.
FOREIGN = {
    ".sgy": "SEG-Y",
    ".segy": "SEG-Y",
    ".su": "Seismic Unix",
    ".rsf": "RSF",
    ".pkl": "a pickle, which may run code",
    ".pt": "a file of PyTorch",
    ".pth": "a file of PyTorch",
    ".json": "JSON",
    ".yaml": "YAML",
    ".py": "a program in Python (have it save the array, as by `numpy.save`)",
    ".m": "a program in MATLAB (have it save the array, with -v7.3)",
    ".png": "a picture",
}
# Characters that no text holds, but nearly all raw numbers do.
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
# The most that is read as text [bytes].
LONGEST = 10**9
# Why a setting does not go with a kind of file.
OF_ITSELF = {
    "dataset": "holds one array without a name",
    "dtype": "needs no word on the type of its numbers",
    "byte_order": "needs no word on the order of its bytes",
}
# Arrays of an .npz file, and attributes of HDF5, that say more of an array.
BESIDE = ("dt", "dt_unit", "spacing", "origin", "unit")
FAILURES = (
    OSError,
    ValueError,
    EOFError,
    TypeError,
    KeyError,
    IndexError,
    SyntaxError,
    MemoryError,
    OverflowError,
    RuntimeError,
    NotImplementedError,
    tokenize.TokenError,
    zipfile.BadZipFile,
)


@dataclass(frozen=True)
class Stored:
    """An array and what its file says of it.

    Attributes
    ----------
    values : ndarray
        float32 or float64, in the byte order of this machine.
    name : str
        Of file and dataset, for messages.
    beside : mapping
        Text, or arrays of float64, that stand beside it: `dt`, `spacing`, `origin`, `unit`.
    """

    values: Array
    name: str
    beside: Mapping[str, Any] = field(default_factory=dict)

    def numbers(self, name: str, unit: str, count: int, positive: bool = False) -> list[float]:
        """So many numbers from beside the array, or one for all; none if there are none.

        Raises
        ------
        DataError
            If they are as many as something else, or no numbers.
        """
        value = self.beside.get(name)
        if value is None:
            return []
        where = f"{self.name}: the attribute `{name}`"
        if isinstance(value, str):
            raise DataError(f"{where} is the text `{value[:40]}`; write numbers [{unit}]")
        if value.size not in (1, count):
            raise DataError(
                f"{where} has {value.size} numbers, and the array {count} axes; write one for each "
                f"[{unit}]"
            )
        found = np.broadcast_to(value.reshape(-1), count)
        if not np.isfinite(found).all() or (positive and (found <= 0).any()):
            kind = "positive numbers" if positive else "numbers"
            raise DataError(f"{where} is {value.tolist()}; it must be {kind} [{unit}]")
        return [float(v) for v in found]

    @property
    def interval(self) -> float | None:
        """Sampling interval of a time axis [s], if the file states it."""
        found = self.numbers("dt", "s", 1, positive=True)
        return found[0] * unit_of_time(self.beside.get("dt_unit"), self.name) if found else None


def unit_of_time(unit: Any, name: str) -> float:
    """Seconds of a unit of time that a file names; without one they are seconds.

    Raises
    ------
    DataError
        If the unit is not known.
    """
    known = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
    if unit is None:
        return 1.0
    if not isinstance(unit, str) or unit.strip() not in known:
        raise DataError(f"{name}: the unit `{unit}` of `dt` is none of {', '.join(known)}")
    return known[unit.strip()]


def read(
    path: Path,
    dataset: str = "",
    shape: Sequence[int] | None = None,
    dtype: str = "float32",
    byte_order: str = "little",
    masks: bool = False,
    chosen: Collection[str] = (),
) -> Stored:
    """An array of real numbers.

    Parameters
    ----------
    dataset : str
        Name in a file that may hold several arrays.
    shape, dtype, byte_order
        Of raw binary numbers; without a shape they are one axis.
    masks : bool
        Whether truth values are taken for numbers.
    chosen : collection of str
        Which of `dataset`, `dtype` and `byte_order` the user has set. What a file says of itself
        they must not say otherwise, and a name must be that of an array.

    Raises
    ------
    DataError
        If there is no such file, or it does not hold such an array.
    """
    own = {"dataset": dataset, "dtype": dtype, "byte_order": byte_order}
    settings = {name: value for name, value in own.items() if name in chosen}
    head, kind = _head(path), NAMED.get(path.suffix.lower(), "raw")
    if head.startswith(NPY):
        values = _npy(path)
        stored = Stored(numbers.plain(values, str(path), masks), str(path))
        _check_settings(path, "a .npy file", settings, ("dataset", "byte_order"), stored)
        return stored
    if is_hdf5(path, head):
        stored = _hdf5(path, dataset, masks)
        _check_settings(path, "an HDF5 file", settings, ("byte_order",), stored)
        return stored
    if head.startswith(ZIP) and kind != "raw":
        stored = _npz(path, dataset, masks, named="dataset" in settings)
        _check_settings(path, "an .npz file", settings, ("byte_order",), stored)
        return stored
    if path.suffix.lower() in FOREIGN:
        foreign = FOREIGN[path.suffix.lower()]
        raise DataError(f"{path} is {foreign}, which is not read; write HDF5, .npy or raw binary")
    if kind in ("HDF5", ".npy", ".npz"):
        hint = "; save it with -v7.3" if path.suffix.lower() == ".mat" else ""
        raise DataError(f"{path} is not a readable {kind} file (it begins with {head[:8]!r}){hint}")
    if kind == "text" or not _fits(path, shape, dtype):
        text = _text(path)
        if text is not None:
            _check_settings(path, "text", settings, tuple(own))
            return Stored(_rows(path, text), str(path))
        if kind == "text":
            raise DataError(f"{path} is no text, though it is named so; rename it, as to .bin")
    _check_settings(path, "raw binary", settings, ("dataset",))
    return Stored(_raw(path, shape, dtype, byte_order), str(path))


def _check_settings(
    path: Path,
    kind: str,
    settings: Mapping[str, str],
    foreign: Collection[str],
    stored: Stored | None = None,
) -> None:
    """Make sure that settings have a meaning for a kind of file, and agree with what it says."""
    for name, value in settings.items():
        other = name == "dtype" and stored is not None and value != str(stored.values.dtype)
        if other or name in foreign:
            is_of = f" ({stored.values.dtype})" if other and stored is not None else ""
            raise DataError(
                f"{path} is {kind}, which {OF_ITSELF[name]}{is_of}; leave out `{name}: {value}`"
            )


def _head(path: Path) -> bytes:
    """The first bytes of a file, which must not be empty."""
    try:
        if path.is_dir():
            raise DataError(f"{path} is a folder; name a file in it")
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise DataError(f"{path} is no ordinary file; copy what it holds into one")
        with path.open("rb") as file:
            head = file.read(64)
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error})") from error
    if not head:
        kind = NAMED.get(path.suffix.lower(), "data")
        raise DataError(f"{path} is not a readable {kind} file (it is empty)")
    if head.startswith(b"version https://git-lfs"):
        raise DataError(
            f"{path} is a pointer of Git LFS, not the file; fetch it with `git lfs pull`"
        )
    return head


def is_hdf5(path: Path, head: bytes) -> bool:
    """Whether HDF5 begins here, or behind a block of the user's, as MATLAB writes one."""
    if head.startswith(HDF5):
        return True
    with suppress(OSError), path.open("rb") as file:
        for begin in (512, 1024, 2048):
            file.seek(begin)
            if file.read(len(HDF5)) == HDF5:
                return True
    return False


# --- HDF5 and NumPy -------------------------------------------------------------------------------


def _hdf5(path: Path, dataset: str, masks: bool) -> Stored:
    with datasets.reading(path) as file:
        values = file.array(dataset, masks=masks)
        beside = {name: file.attribute(name, dataset) for name in BESIDE}
        present = {name: value for name, value in beside.items() if value is not None}
        return Stored(values, file.name(dataset), present)


def _npy(path: Path) -> Array:
    """The array of a file; mapped, so that what it declares and what is there are compared."""
    try:
        with np.errstate(over="ignore"):  # of sizes beyond 64 bits, refused below
            mapped = np.load(path, allow_pickle=False, mmap_mode="r")
    except FAILURES as error:
        raise DataError(f"{path} is not a readable .npy file ({error})") from error
    numbers.check_size(mapped.shape, mapped.dtype.itemsize, str(path))
    return np.array(mapped, order="C")


def _npz(path: Path, dataset: str, masks: bool, named: bool) -> Stored:
    """One of the arrays of a file: that of the name, or the only one if none was `named`."""
    try:
        with zipfile.ZipFile(path) as packed:
            sizes = {i.filename.removesuffix(".npy"): i for i in packed.infolist()}
            others = [name for name in sizes if name not in BESIDE]
            name = (
                dataset if dataset in sizes else others[0] if len(others) == 1 and not named else ""
            )
            if not name:
                there = ", ".join(sizes) or "none"
                raise DataError(f"{path} has no array `{dataset}`; it has: {there}")
            where = f"{path}: `{name}`"
            numbers.check_size((sizes[name].file_size,), 1, where)
            arrays = {n: _packed(packed, sizes[n]) for n in (name, *BESIDE) if n in sizes}
    except FAILURES as error:
        raise DataError(f"{path} is not a readable .npz file ({error})") from error
    beside = {
        n: str(a) if a.dtype.kind in "SU" else numbers.plain(a, f"{path}: `{n}`").astype(float)
        for n, a in arrays.items()
        if n != name
    }
    return Stored(numbers.plain(arrays[name], where, masks), where, beside)


def _packed(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    with packed.open(member) as file:
        if not file.read(len(NPY)).startswith(NPY):
            raise ValueError(f"`{member.filename}` is no array")
    with packed.open(member) as file:
        version = np.lib.format.read_magic(file)
        head = np.lib.format.read_array_header_1_0 if version == (1, 0) else None
        head = head or np.lib.format.read_array_header_2_0
        shape, _, dtype = head(file)
        if math.prod(shape) * dtype.itemsize > member.file_size:
            raise ValueError(f"it declares shape {shape} and has {member.file_size} bytes")
    with packed.open(member) as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


# --- text and raw binary --------------------------------------------------------------------------


def _text(path: Path) -> str | None:
    """The text that a file is, if it is one."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
            if CONTROL.search(head.decode("latin-1")):
                return None
            if path.stat().st_size > LONGEST:
                raise DataError(f"{path} is text of more than {LONGEST / 1e9:g} GB; write .npy")
            text = (head + file.read()).decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error})") from error
    return None if CONTROL.search(text) else text


def _rows(path: Path, text: str) -> Array:
    """Rows of numbers, between blanks, commas or semicolons; a header may stand above them."""
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = [w for w in re.split(r"[\s,;]+", re.split("[#%]", line)[0]) if w]
        if not words:
            continue
        try:
            row = [float(word) for word in words]
        except ValueError:
            if not rows:
                continue  # names of columns
            raise DataError(
                f"{path}:{number}: `{line.strip()[:40]}` are no numbers; give one sample a line"
            ) from None
        if rows and len(row) != len(rows[0]):
            raise DataError(
                f"{path}:{number} has {len(row)} numbers, and the lines above have "
                f"{len(rows[0])}; give as many in every line, with a point for decimals"
            )
        rows.append(row)
    if not rows:
        raise DataError(f"{path} is text without numbers; give one sample a line")
    return np.array(rows)


def _fits(path: Path, shape: Sequence[int] | None, dtype: str) -> bool:
    """Whether a file has exactly the bytes of a shape that is given."""
    size = path.stat().st_size
    return shape is not None and size == math.prod(shape) * np.dtype(dtype).itemsize


def _raw(path: Path, shape: Sequence[int] | None, dtype: str, byte_order: str) -> Array:
    kind = np.dtype(dtype).newbyteorder("<" if byte_order == "little" else ">")
    size = path.stat().st_size
    if shape is None and size % kind.itemsize:
        raise DataError(
            f"{path} has {size} bytes, not a multiple of the {kind.itemsize} that a {dtype} takes; "
            f"check its `dtype`, or write it as text, .npy or HDF5"
        )
    if shape is not None and not _fits(path, shape, dtype):
        raise DataError(
            f"{path} has {size} bytes, but shape {list(shape)} of {dtype} takes "
            f"{math.prod(shape) * kind.itemsize}; check `shape` and `dtype`"
        )
    numbers.check_size((size,), 1, str(path))
    try:
        values = np.fromfile(path, kind)
    except FAILURES as error:
        raise DataError(f"{path} cannot be read ({error})") from error
    return numbers.plain(values.reshape(shape or values.shape), str(path))
