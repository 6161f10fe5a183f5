"""Stored arrays that are read in blocks of their first axis, however large they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.files import arrays, datasets, numbers
from fwicli.files.flat import RawFormat
from fwicli.files.rsf import models
from fwicli.files.rsf.header import read_header
from fwicli.files.surfaces import SURFACE

Array = NDArray[Any]

# Size of a block [bytes].
BLOCK = 1 << 25


@dataclass(frozen=True)
class BlockedArray:
    """An array in a file, read block by block.

    Attributes
    ----------
    name : str
        Of file and array, for messages.
    shape : tuple of int
    dtype : numpy.dtype
        In the file.
    rows : callable
        From a slice of the first axis to its values, in float32 or float64.
    beside : mapping
        Text, or arrays of float64, that describe it: `dt`, `spacing`, `origin`, `unit`; and the
        depths of a `topography` beside it.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    rows: Callable[[slice], Array]
    beside: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def loaded(cls, name: str, values: Array, beside: Mapping[str, Any]) -> BlockedArray:
        """An array that is in memory already.

        Parameters
        ----------
        name : str
        values : ndarray
        beside : mapping
            As the attributes of the class.

        Returns
        -------
        array : BlockedArray
        """
        return cls(name, values.shape, values.dtype, lambda part: values[part], beside)

    def __iter__(self) -> Iterator[tuple[int, Array]]:
        """First row and values of each block.

        Raises
        ------
        DataError
            If the file cannot be read, or does not hold real numbers.
        """
        numbers.check_real(self.dtype, self.name, masks=True)
        count = self.shape[0] if self.shape else 1
        row = math.prod(self.shape[1:]) * max(4, self.dtype.itemsize)
        step = max(1, BLOCK // max(1, row))
        for first in range(0, count, step):
            yield first, self.rows(slice(first, min(first + step, count)))


def open_array(path: Path, dataset: str = "", raw: RawFormat = arrays.RAW) -> BlockedArray:
    """A stored array, of which nothing but the description is read.

    Parameters
    ----------
    path : Path
        HDF5, .npy, RSF or raw binary; the arrays of other files are read as a whole.
    dataset : str
        Name in a file that may hold several arrays.
    raw : RawFormat
        Layout of raw binary numbers.

    Returns
    -------
    array : BlockedArray

    Raises
    ------
    DataError
        If there is no such file or array.
    """
    head = arrays.head(path)
    if arrays.is_hdf5(path, head):
        return _hdf5(path, dataset)
    if head.startswith(arrays.NPY):
        return _mapped(path, arrays.mapped(path))
    if path.suffix.lower() == ".rsf":
        return _rsf(path)
    if raw.fits(path) and path.suffix.lower() not in arrays.NAMED:
        return _mapped(path, np.memmap(path, raw.type, "r", shape=tuple(raw.shape or ())))
    stored = arrays.read(path, dataset, raw, masks=True)
    return BlockedArray.loaded(stored.name, stored.values, stored.beside)


def _mapped(path: Path, values: Array) -> BlockedArray:
    def rows(part: slice) -> Array:
        return numbers.plain(np.array(values[part] if values.ndim else values), str(path), True)

    return BlockedArray(str(path), values.shape, values.dtype, rows)


def _hdf5(path: Path, dataset: str) -> BlockedArray:
    with datasets.reading(path) as file:
        shape, dtype = file.shape(dataset, masks=True), file.type(dataset)
        beside = {name: file.attribute(name, dataset) for name in arrays.BESIDE}
        if dataset != SURFACE and file.has(SURFACE) and file.shape(SURFACE) == shape[:-1]:
            beside[SURFACE] = file.array(SURFACE).astype(np.float64)

    def rows(part: slice) -> Array:
        with datasets.reading(path) as file:
            return file.array(dataset, part if shape else None, masks=True)

    present = {name: value for name, value in beside.items() if value is not None}
    return BlockedArray(f"{path}: `{dataset}`", shape, dtype, rows, present)


def _rsf(path: Path) -> BlockedArray:
    header = read_header(path)
    order, beside = models.described(header)
    if order == tuple(range(len(order))):
        return BlockedArray(str(path), header.shape, header.dtype, header.block, beside)
    values, name, beside = models.read(path)  # axes in another order need all of it
    return BlockedArray.loaded(name, values, beside)
