"""HDF5 files of any program, read with care: the only module that reads their datasets.

Location, type and size of a dataset are checked before any of it is read. Links out of the file,
and datasets with values in other files, are not followed: a run would depend on files that its
config does not name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.files import damage, numbers

Array = NDArray[Any]

# Exceptions of the library for damaged files, and for types that NumPy lacks.
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
# Largest number of soft links on a path; more are a circle.
LINKS = 32
# Values that were never written read as zero. A dataset of more bytes than SMALL with a larger
# unwritten share was declared, but not filled.
UNWRITTEN, SMALL = 0.99, 1_000_000


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn exceptions of the library into a DataError."""
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
        """A dataset and its file, for messages."""
        return f"{self.path}: `{dataset}`"

    def has(self, dataset: str) -> bool:
        """Whether there is a group or dataset of that name."""
        return self._found(dataset) is not None

    def groups(self, name: str) -> list[str]:
        """Names in a group; empty if there is no such group."""
        group = self._found(name)
        with _explained(self.name(name)):
            return sorted(map(_plain, group)) if isinstance(group, h5py.Group) else []

    def shape(self, dataset: str, masks: bool = False) -> tuple[int, ...]:
        """Shape of a dataset, which may be larger than the memory.

        Parameters
        ----------
        dataset : str
            Name of the dataset.
        masks : bool
            Whether truth values count as numbers.

        Returns
        -------
        shape : tuple of int

        Raises
        ------
        DataError
            If there is no such dataset, or it is not one of real numbers.
        """
        # Of one row, as the whole need not fit into memory.
        return tuple(int(n) for n in self._checked(dataset, slice(0, 1), masks).shape)

    def type(self, dataset: str) -> np.dtype[Any]:
        """Type of a dataset in the file."""
        dtype: np.dtype[Any] = self._checked(dataset, slice(0, 1), masks=True).dtype
        return dtype

    def dtype(self, dataset: str) -> np.dtype[Any]:
        """Type of the values of a dataset once they are read (see `array`)."""
        return self.array(dataset, slice(0, 0)).dtype

    def offset(self, dataset: str) -> int | None:
        """Place of the first value in the file [bytes]; None where values are not contiguous."""
        return cast("int | None", self._checked(dataset, slice(0, 1)).id.get_offset())

    def array(self, dataset: str, part: slice | None = None, masks: bool = False) -> Array:
        """Values of a dataset in single or double precision.

        Parameters
        ----------
        dataset : str
            Name of the dataset.
        part : slice, optional
            Of the first axis.
        masks : bool
            Whether truth values count as numbers.

        Returns
        -------
        values : ndarray of float32 or float64

        Raises
        ------
        DataError
            If there is no such dataset, or it is not one of real numbers that fits into memory.
        """
        return numbers.plain(self.values(dataset, part, masks), self.name(dataset), masks)

    def values(self, dataset: str, part: slice | None = None, masks: bool = False) -> Array:
        """Values of a dataset, of their type in the file.

        Parameters
        ----------
        dataset : str
            Name of the dataset.
        part : slice, optional
            Of the first axis.
        masks : bool
            Whether truth values count as numbers.

        Returns
        -------
        values : ndarray

        Raises
        ------
        DataError
            If there is no such dataset, or it is not one of real numbers that fits into memory.
        """
        stored = self._checked(dataset, part, masks)
        with _explained(self.name(dataset)):
            if part is None or not stored.ndim:
                return np.asarray(stored[()])
            rows = range(*part.indices(stored.shape[0]))
            if rows.step > 0:
                return np.asarray(stored[rows.start : rows.stop : rows.step])
            forward = rows[::-1]  # the library reads forwards only
            return np.asarray(stored[forward.start : forward.stop : forward.step][::-1])

    def rows(self, dataset: str) -> Callable[[slice], Array]:
        """A function that reads parts of the first axis of a dataset, which is checked once.

        Parameters
        ----------
        dataset : str
            Name of the dataset.

        Returns
        -------
        read : callable
            From a slice without a step to its values, while the file is open.

        Raises
        ------
        DataError
            If there is no such dataset, or it is not one of real numbers.
        """
        stored, where = self._checked(dataset, slice(0, 1)), self.name(dataset)

        def read(part: slice) -> Array:
            with _explained(where):
                return numbers.plain(np.asarray(stored[part]), where)

        return read

    def attributes(self, name: str = "/") -> dict[str, Any]:
        """All attributes of the file, or of a group or dataset in it."""
        node = self._found(name)
        with _explained(self.name(name)):
            return {} if node is None else dict(node.attrs)

    def attribute(self, name: str, dataset: str = "/") -> Any | None:
        """Attribute of a dataset, or else of the nearest group above it, or of the file.

        Parameters
        ----------
        name : str
            Of the attribute.
        dataset : str
            Name of the dataset; by default the file.

        Returns
        -------
        value : ndarray of float64, str, or None
            None if it is missing everywhere.

        Raises
        ------
        DataError
            If it is neither text nor real numbers.
        """
        node = self._found(dataset)
        with _explained(f"{self.path}: attribute `{name}`"):
            while node is not None and name not in node.attrs and node.name != "/":
                node = node.parent
            if node is None or name not in node.attrs:
                return None
            value = node.attrs[name]
        if isinstance(value, bytes | np.bytes_):
            return value.decode(errors="replace")
        if isinstance(value, str):
            return value
        where = f"{self.path}: the attribute `{name}` of `{node.name}`"
        if isinstance(value, h5py.Empty):
            raise DataError(f"{where} is empty; write a number")
        return numbers.plain(np.asarray(value), where).astype(np.float64)

    def number(self, name: str, unit: str, dataset: str = "/") -> float | None:
        """An attribute that is one finite number, also as an array of one.

        Parameters
        ----------
        name : str
            Of the attribute.
        unit : str
            Of the number, for messages.
        dataset : str
            Name of the dataset; by default the file.

        Returns
        -------
        number : float or None
            None if the attribute is missing.

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

    # --- checks ----------------------------------------------------------------------------------

    def _checked(self, name: str, part: slice | None = None, masks: bool = False) -> h5py.Dataset:
        """A dataset whose values lie in the file, are real numbers, and fit into memory."""
        node, where = self._found(name), self.name(name)
        if not isinstance(node, h5py.Dataset):
            present = ", ".join(self.names()) or "none"
            kind = "no dataset" if node is None else "a group, and no dataset,"
            raise DataError(f"{self.path} has {kind} `{name}`; it has: {present}")
        with _explained(where):
            shape, dtype = node.shape, node.dtype
            virtual, outside = node.is_virtual, node.external
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
        self._filled(node, where)
        return node

    def _filled(self, dataset: h5py.Dataset, where: str) -> None:
        """Make sure that the values of a dataset were written."""
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
        """Group or dataset of a name, by links within the file alone; None if there is none."""
        with _explained(self.name(name)):
            node, parts, links = self.file["/"], [p for p in name.split("/") if p], 0
            while parts:
                part = parts.pop(0)
                if not isinstance(node, h5py.Group):
                    return None
                key = part.encode()
                if not node.id.links.exists(key):
                    return None
                kind = node.id.links.get_info(key).type
                if kind == h5py.h5l.TYPE_HARD:
                    node = node[part]
                    continue
                links += 1
                target = node.id.links.get_val(key)
                if kind != h5py.h5l.TYPE_SOFT or links > LINKS:
                    raise DataError(self._refused(name, target, kind))
                path = target.decode()
                node = self.file["/"] if path.startswith("/") else node
                parts = [p for p in path.split("/") if p and p != "."] + parts
        return node if isinstance(node, h5py.Group | h5py.Dataset) else None

    def _refused(self, name: str, target: Any, kind: int) -> str:
        """Why a link is not followed."""
        if kind == h5py.h5l.TYPE_SOFT:
            return f"{self.name(name)} is a link that leads to itself"
        words = [t.decode(errors="replace") for t in target if isinstance(t, bytes)]
        return (
            f"{self.name(name)} is a link to `{' in '.join(reversed(words))}`, outside of the "
            f"file, which is not followed; name that file, or copy the dataset"
        )

    def names(self) -> list[str]:
        """Names of all datasets."""
        names: list[Any] = []
        with _explained(str(self.path)):
            self.file.visititems(
                lambda n, o: names.append(n) if isinstance(o, h5py.Dataset) else None
            )
        return [_plain(name) for name in names]


@contextmanager
def reading(path: str | Path) -> Iterator[Datasets]:
    """The datasets of a file.

    Raises
    ------
    DataError
        If there is no such file, or it is not HDF5.
    """
    path = damage.checked(Path(path))
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


def _plain(name: str | bytes) -> str:
    """A name as text; names in damaged files may be bytes."""
    return name if isinstance(name, str) else name.decode(errors="replace")


def _reason(path: Path, error: Exception) -> str:
    """Why a file cannot be opened."""
    if path.is_dir():
        return "it is a folder"
    if path.exists() and path.stat().st_size == 0:
        return "it is empty"
    return " ".join(str(error).split())
