"""HDF5 files of any program, read with care: the only place where their datasets are read.

What a dataset is, where it lies, of which type it is and how large, is known before any of it is
read. Links that lead out of a file, and datasets whose values lie in another, are not followed:
they would make a run depend on what its config does not name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.files import numbers

Array = NDArray[Any]

# What the library raises for files that are damaged or hold what NumPy has no type for.
FAILURES = (
    OSError,
    RuntimeError,
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    AttributeError,
    MemoryError,
    OverflowError,
    NotImplementedError,
)
# Soft links from one name to the next; more are a circle.
LINKS = 32
# Values that nothing was written for are zero. A dataset with more of them than this share, and
# more than so many bytes, was declared and not filled.
UNWRITTEN, SMALL = 0.99, 1_000_000


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn what the library raises into a sentence."""
    try:
        yield
    except FAILURES as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{name} is damaged, or of a form that is not read ({text})") from error


@dataclass(frozen=True)
class Datasets:
    """Datasets and attributes of an open file.

    Attributes
    ----------
    path : Path
    file : h5py.File
    """

    path: Path
    file: h5py.File

    def name(self, dataset: str) -> str:
        """A dataset of the file, for messages."""
        return f"{self.path}: `{dataset}`"

    def has(self, dataset: str) -> bool:
        """Whether there is something of that name."""
        return self._found(dataset) is not None

    def groups(self, name: str) -> list[str]:
        """Names of what is in a group; none if there is no such group."""
        group = self._found(name)
        with _explained(self.name(name)):
            return sorted(group) if isinstance(group, h5py.Group) else []

    def shape(self, dataset: str) -> tuple[int, ...]:
        """Shape of a dataset of real numbers."""
        return tuple(int(n) for n in self._checked(dataset).shape)

    def array(self, dataset: str, part: slice | None = None, masks: bool = False) -> Array:
        """Values of a dataset in single or double precision.

        Parameters
        ----------
        part : slice, optional
            Of the first axis.
        masks : bool
            Whether truth values are taken for numbers.

        Raises
        ------
        DataError
            If there is no such dataset, or it is not one of real numbers that fits into memory.
        """
        return numbers.plain(self.values(dataset, part, masks), self.name(dataset), masks)

    def values(self, dataset: str, part: slice | None = None, masks: bool = False) -> Array:
        """The same, of the type that they have in the file."""
        found = self._checked(dataset, part, masks)
        with _explained(self.name(dataset)):
            if part is None or not found.ndim:
                return np.asarray(found[()])
            rows = range(*part.indices(found.shape[0]))
            if rows.step > 0:
                return np.asarray(found[rows.start : rows.stop : rows.step])
            forward = rows[::-1]  # the library reads forwards only
            return np.asarray(found[forward.start : forward.stop : forward.step][::-1])

    def attributes(self, name: str = "/") -> dict[str, Any]:
        """All attributes of the file, or of something in it, as they are."""
        place = self._found(name)
        with _explained(self.name(name)):
            return {} if place is None else dict(place.attrs)

    def attribute(self, name: str, dataset: str = "/") -> Any | None:
        """The attribute nearest to a dataset: its own, of a group above it, or of the file.

        Returns
        -------
        value : ndarray of float64, str, or None
            None if there is none.

        Raises
        ------
        DataError
            If it is neither text nor real numbers.
        """
        place = self._found(dataset)
        with _explained(f"{self.path}: attribute `{name}`"):
            while place is not None and name not in place.attrs and place.name != "/":
                place = place.parent
            if place is None or name not in place.attrs:
                return None
            value = place.attrs[name]
        if isinstance(value, bytes | np.bytes_):
            return value.decode(errors="replace")
        if isinstance(value, str):
            return value
        where = f"{self.path}: the attribute `{name}` of `{place.name}`"
        if isinstance(value, h5py.Empty):
            raise DataError(f"{where} is empty; write a number")
        return numbers.plain(np.asarray(value), where).astype(np.float64)

    def number(self, name: str, unit: str, dataset: str = "/") -> float | None:
        """The one finite number that an attribute is, also as an array of one; None without it.

        Raises
        ------
        DataError
            If it is something else.
        """
        value = self.attribute(name, dataset)
        if value is None:
            return None
        where = f"{self.path}: the attribute `{name}`"
        if isinstance(value, str):
            raise DataError(f"{where} is the text `{value[:40]}`; write a number [{unit}]")
        if value.size != 1:
            raise DataError(f"{where} has shape {value.shape}; it must be one number [{unit}]")
        number = float(value.reshape(-1)[0])
        if not np.isfinite(number):
            raise DataError(f"{where} is {number}; it must be a number [{unit}]")
        return number

    # --- what is there ---------------------------------------------------------------------------

    def _checked(self, name: str, part: slice | None = None, masks: bool = False) -> h5py.Dataset:
        """A dataset whose values lie in the file, are real numbers, and fit into memory."""
        found, where = self._found(name), self.name(name)
        if not isinstance(found, h5py.Dataset):
            there = ", ".join(self._names()) or "none"
            kind = "no dataset" if found is None else "a group, and no dataset,"
            raise DataError(f"{self.path} has {kind} `{name}`; it has: {there}")
        with _explained(where):
            shape, dtype = found.shape, found.dtype
            virtual, outside = found.is_virtual, found.external
        if virtual or outside:
            raise DataError(
                f"{where} lies in other files, which are not followed; copy its values into the "
                f"file"
            )
        if shape is None:
            raise DataError(f"{where} is empty (it has no dataspace)")
        if h5py.check_enum_dtype(dtype) is not None:
            raise DataError(f"{where} is an enumeration; write it as numbers")
        numbers.check_real(dtype, where, masks)
        rows = shape
        if part is not None and shape:
            rows = (len(range(*part.indices(shape[0]))), *shape[1:])
        numbers.check_size(rows, dtype.itemsize, where)
        self._filled(found, where)
        return found

    def _filled(self, dataset: h5py.Dataset, where: str) -> None:
        """A dataset must not be a declaration alone."""
        declared = dataset.size * dataset.dtype.itemsize
        if declared <= SMALL:
            return
        with _explained(where):
            written = int(dataset.id.get_storage_size())
            if dataset.chunks is not None:
                size = int(np.prod(dataset.chunks)) * dataset.dtype.itemsize
                written = dataset.id.get_num_chunks() * size
        if written < (1 - UNWRITTEN) * declared:
            raise DataError(
                f"{where} has shape {dataset.shape}, {declared / 1e9:.3g} GB, of which "
                f"{written / 1e9:.3g} GB were ever written; is its shape right, and was the file "
                f"finished?"
            )

    def _found(self, name: str) -> h5py.Group | h5py.Dataset | None:
        """What lies under a name, by links within the file alone; None if there is nothing."""
        with _explained(self.name(name)):
            place, left, links = self.file["/"], [p for p in name.split("/") if p], 0
            while left:
                part = left.pop(0)
                if not isinstance(place, h5py.Group):
                    return None
                key = part.encode()
                if not place.id.links.exists(key):
                    return None
                kind = place.id.links.get_info(key).type
                if kind == h5py.h5l.TYPE_HARD:
                    place = place[part]
                    continue
                links += 1
                target = place.id.links.get_val(key)
                if kind != h5py.h5l.TYPE_SOFT or links > LINKS:
                    raise DataError(self._refused(name, target, kind))
                path = target.decode()
                place = self.file["/"] if path.startswith("/") else place
                left = [p for p in path.split("/") if p and p != "."] + left
        return place if isinstance(place, h5py.Group | h5py.Dataset) else None

    def _refused(self, name: str, target: Any, kind: int) -> str:
        """Why a link is not followed."""
        if kind == h5py.h5l.TYPE_SOFT:
            return f"{self.name(name)} is a link that leads to itself"
        words = [t.decode(errors="replace") for t in target if isinstance(t, bytes)]
        return (
            f"{self.name(name)} is a link to `{' in '.join(reversed(words))}`, outside of the "
            f"file, which is not followed; name that file, or copy the dataset"
        )

    def _names(self) -> list[str]:
        names: list[str] = []
        with _explained(str(self.path)):
            self.file.visititems(
                lambda n, o: names.append(n) if isinstance(o, h5py.Dataset) else None
            )
        return names


@contextmanager
def reading(path: Path) -> Iterator[Datasets]:
    """The datasets of a file.

    Raises
    ------
    DataError
        If there is no such file, or it is not one of HDF5.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise OSError("it is no ordinary file")
        file = h5py.File(path, "r")
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"{path} is not a readable HDF5 file ({_reason(path, error)})") from error
    try:
        yield Datasets(path, file)
    finally:
        with _explained(str(path)):
            file.close()


def _reason(path: Path, error: Exception) -> str:
    """Why a file cannot be opened."""
    if path.is_dir():
        return "it is a folder"
    if path.exists() and path.stat().st_size == 0:
        return "it is empty"
    return " ".join(str(error).split())
