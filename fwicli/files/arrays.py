"""Arrays in files: HDF5, .npy, .npz, RSF, text, or raw binary, recognised by their first bytes.

The suffix of a file states its intended format, its first bytes the real one. Nothing is unpickled.
No memory is allocated for the shape in a header before the file is found to hold as much.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.files import datasets, flat, numbers
from fwicli.files.flat import RawFormat
from fwicli.files.rsf import models

Array = NDArray[Any]

# Raw numbers without any settings.
RAW = RawFormat()

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
    ".rsf": "RSF",
}
# Formats that are not read.
FOREIGN = {
    ".sgy": "SEG-Y",
    ".segy": "SEG-Y",
    ".su": "Seismic Unix",
    ".pkl": "a pickle, which may run code",
    ".pt": "a file of PyTorch",
    ".pth": "a file of PyTorch",
    ".json": "JSON",
    ".yaml": "YAML",
    ".py": "a program in Python (have it save the array, as by `numpy.save`)",
    ".m": "a program in MATLAB (have it save the array, with -v7.3)",
    ".png": "a picture",
}
# Why a setting does not apply to a kind of file.
OF_ITSELF = {
    "dataset": "holds one array without a name",
    "dtype": "needs no word on the type of its numbers",
    "byte_order": "needs no word on the order of its bytes",
}
# Names of arrays of an .npz file, and of attributes of HDF5, that describe the array.
BESIDE = ("dt", "dt_unit", "spacing", "origin", "unit")


@dataclass(frozen=True)
class Stored:
    """An array and its description in the file.

    Attributes
    ----------
    values : ndarray
        float32 or float64, in the byte order of this machine.
    name : str
        Of file and dataset, for messages.
    beside : mapping
        Text, or arrays of float64, that describe it: `dt`, `spacing`, `origin`, `unit`.
    is_table : bool
        Whether it is a table of text.
    """

    values: Array
    name: str
    beside: Mapping[str, Any] = field(default_factory=dict)
    is_table: bool = False

    def numbers(self, name: str, unit: str, count: int, positive: bool = False) -> list[float]:
        """Numbers that describe the axes of the array.

        Parameters
        ----------
        name : str
            Of the description, as in `spacing`.
        unit : str
            Unit of the numbers, for messages.
        count : int
            Number of axes; a single number in the file stands for all of them.
        positive : bool
            Whether the numbers must be positive.

        Returns
        -------
        numbers : list of float
            One for each axis; empty without this description.

        Raises
        ------
        DataError
            If there is another number of them, or they are not numbers.
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
        numbers = np.broadcast_to(value.reshape(-1), count)
        if not np.isfinite(numbers).all() or (positive and (numbers <= 0).any()):
            kind = "positive numbers" if positive else "numbers"
            raise DataError(f"{where} is {value.tolist()}; it must be {kind} [{unit}]")
        return [float(v) for v in numbers]

    @property
    def interval(self) -> float | None:
        """Sampling interval of a time axis [s], if the file states it."""
        numbers = self.numbers("dt", "s", 1, positive=True)
        return numbers[0] * unit_of_time(self.beside.get("dt_unit"), self.name) if numbers else None


def unit_of_time(unit: Any, name: str) -> float:
    """A unit of time in seconds.

    Parameters
    ----------
    unit : str or None
        As in the file; None for seconds.
    name : str
        Of the array, for messages.

    Returns
    -------
    unit : float
        [s].

    Raises
    ------
    DataError
        If the unit is unknown.
    """
    units = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
    if unit is None:
        return 1.0
    if not isinstance(unit, str) or unit.strip() not in units:
        raise DataError(f"{name}: the unit `{unit}` of `dt` is none of {', '.join(units)}")
    return units[unit.strip()]


def read(
    path: Path,
    dataset: str = "",
    raw: RawFormat = RAW,
    masks: bool = False,
    chosen: Collection[str] = (),
) -> Stored:
    """Read an array of real numbers.

    Parameters
    ----------
    path : Path
    dataset : str
        Name in a file that may hold several arrays.
    raw : RawFormat
        Layout of raw binary numbers.
    masks : bool
        Whether truth values count as numbers.
    chosen : collection of str
        Which of `dataset`, `dtype` and `byte_order` the user has set. They must not contradict the
        file, and the dataset must exist.

    Returns
    -------
    stored : Stored

    Raises
    ------
    DataError
        If there is no such file, or it does not hold such an array.
    """
    stated = {"dataset": dataset, "dtype": raw.dtype, "byte_order": raw.byte_order}
    settings = {name: value for name, value in stated.items() if name in chosen}
    begin, kind = head(path), NAMED.get(path.suffix.lower(), "raw")
    if begin.startswith(NPY):
        values = _npy(path)
        stored = Stored(numbers.plain(values, str(path), masks), str(path))
        _check_settings(path, "a .npy file", settings, ("dataset", "byte_order"), stored)
        return stored
    if is_hdf5(path, begin):
        stored = _hdf5(path, dataset, masks)
        _check_settings(path, "an HDF5 file", settings, ("byte_order",), stored)
        return stored
    if begin.startswith(ZIP) and kind != "raw":
        stored = _npz(path, dataset, masks, named="dataset" in settings)
        _check_settings(path, "an .npz file", settings, ("byte_order",), stored)
        return stored
    if kind == "RSF":
        stored = Stored(*models.read(path))
        _check_settings(path, "an RSF file", settings, ("dataset", "byte_order"), stored)
        return stored
    if path.suffix.lower() in FOREIGN:
        foreign = FOREIGN[path.suffix.lower()]
        raise DataError(f"{path} is {foreign}, which is not read; write HDF5, .npy or raw binary")
    if kind in ("HDF5", ".npy", ".npz"):
        hint = "; save it with -v7.3" if path.suffix.lower() == ".mat" else ""
        raise DataError(
            f"{path} is not a readable {kind} file (it begins with {begin[:8]!r}){hint}"
        )
    if kind == "text" or not raw.fits(path):
        text = flat.read_text(path)
        if text is not None:
            _check_settings(path, "text", settings, tuple(stated))
            return Stored(flat.rows(path, text), str(path), is_table=True)
        if kind == "text":
            raise DataError(f"{path} is no text, though it is named so; rename it, as to .bin")
    _check_settings(path, "raw binary", settings, ("dataset",))
    return Stored(raw.read(path), str(path))


def _check_settings(
    path: Path,
    kind: str,
    settings: Mapping[str, str],
    foreign: Collection[str],
    stored: Stored | None = None,
) -> None:
    """Make sure that settings apply to a kind of file, and do not contradict its array."""
    for name, value in settings.items():
        other = name == "dtype" and stored is not None and value != str(stored.values.dtype)
        if other or name in foreign:
            is_of = f" ({stored.values.dtype})" if other and stored is not None else ""
            raise DataError(
                f"{path} is {kind}, which {OF_ITSELF[name]}{is_of}; leave out `{name}: {value}`"
            )


def head(path: Path) -> bytes:
    """First bytes of a file, which must not be empty.

    Raises
    ------
    DataError
        If there is no such file, or it is empty, no ordinary file, or a pointer of Git LFS.
    """
    try:
        if path.is_dir():
            raise DataError(f"{path} is a folder; name a file in it")
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise DataError(f"{path} is no ordinary file; copy what it holds into one")
        with path.open("rb") as file:
            begin = file.read(64)
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error})") from error
    if not begin:
        kind = NAMED.get(path.suffix.lower(), "data")
        raise DataError(f"{path} is not a readable {kind} file (it is empty)")
    if begin.startswith(b"version https://git-lfs"):
        raise DataError(
            f"{path} is a pointer of Git LFS, not the file; fetch it with `git lfs pull`"
        )
    return begin


def is_hdf5(path: Path, head: bytes) -> bool:
    """Whether a file is HDF5, also behind a user block, as MATLAB writes.

    Parameters
    ----------
    path : Path
    head : bytes
        First bytes of the file.

    Returns
    -------
    is_hdf5 : bool
    """
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
    """Array of a file; mapped first, so that the header is checked against the size of the file."""
    values = mapped(path)
    numbers.check_size(values.shape, values.dtype.itemsize, str(path))
    return np.array(values, order="C")


def mapped(path: Path) -> Array:
    """Array of a .npy file, whose values are read where they are used.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    try:
        with np.errstate(over="ignore"):  # of sizes beyond 64 bits, refused by NumPy
            return np.asanyarray(np.load(path, allow_pickle=False, mmap_mode="r"))
    except numbers.FAILURES as error:
        raise DataError(f"{path} is not a readable .npy file ({error})") from error


def members(path: Path) -> list[str]:
    """Names of the arrays of an .npz file.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            return [member.filename.removesuffix(".npy") for member in packed.infolist()]
    except numbers.FAILURES as error:
        raise DataError(f"{path} is not a readable .npz file ({error})") from error


def _npz(path: Path, dataset: str, masks: bool, named: bool) -> Stored:
    """One of the arrays of a file: by name, or the only one unless a name was chosen."""
    try:
        with zipfile.ZipFile(path) as packed:
            sizes = {i.filename.removesuffix(".npy"): i for i in packed.infolist()}
            others = [name for name in sizes if name not in BESIDE]
            name = (
                dataset if dataset in sizes else others[0] if len(others) == 1 and not named else ""
            )
            if not name:
                present = ", ".join(sizes) or "none"
                raise DataError(f"{path} has no array `{dataset}`; it has: {present}")
            where = f"{path}: `{name}`"
            numbers.check_size((sizes[name].file_size,), 1, where)
            arrays = {n: _packed(packed, sizes[n]) for n in (name, *BESIDE) if n in sizes}
    except numbers.FAILURES as error:
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
