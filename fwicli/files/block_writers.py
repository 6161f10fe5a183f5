"""Arrays written block by block to HDF5, RSF or .npy: complete under their name, or not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.disk import atomic
from fwicli.files.blocks import BlockedArray
from fwicli.files.rsf import writer
from fwicli.files.rsf.axes import Axis
from fwicli.files.writing import replacing, stop_if_signalled

Array = NDArray[Any]
# Called with the number of rows that are written.
Update = Callable[[int], None]


def kind(array: BlockedArray) -> np.dtype[Any]:
    """Type that an array is written as: float32 if this holds its values exactly, or float64."""
    exact = array.dtype.itemsize <= (4 if array.dtype.kind == "f" else 2)
    return np.dtype(np.float32 if exact else np.float64)


def to_hdf5(path: Path, array: BlockedArray, dataset: str, update: Update) -> None:
    """Write a dataset, with the description of its axes as attributes.

    Parameters
    ----------
    path : Path
        A file that exists is replaced.
    array : BlockedArray
    dataset : str
        Its name.
    update : callable
        Called with the number of rows that are written.
    """
    with replacing(path) as file:
        stored = file.create_dataset(dataset, array.shape, kind(array))
        for first, block in array:
            stop_if_signalled()
            stored[first : first + len(block)] = block
            update(first + len(block))
        stored.attrs.update(array.beside)


def to_npy(path: Path, array: BlockedArray, _dataset: str, update: Update) -> None:
    """Write an array of NumPy.

    Parameters
    ----------
    path : Path
        A file that exists is replaced.
    array : BlockedArray
    _dataset : str
    update : callable
        Called with the number of rows that are written.
    """
    with atomic.replacing(path) as new, new.open("wb") as file:
        header = {
            "descr": kind(array).str,
            "fortran_order": False,
            "shape": array.shape,
        }
        np.lib.format.write_array_header_1_0(file, header)
        for first, block in array:
            file.write(np.ascontiguousarray(block, kind(array)).data)
            update(first + len(block))


def to_rsf(path: Path, array: BlockedArray, dataset: str, update: Update) -> None:
    """Write an array of Madagascar.

    Parameters
    ----------
    path : Path
        Of the header; files that exist are replaced.
    array : BlockedArray
    dataset : str
        Name of its values.
    update : callable
        Called with the number of rows that are written.
    """
    ndim = len(array.shape)
    labels = {2: ("X", "Z"), 3: ("X", "Y", "Z")}.get(ndim, ("",) * ndim)
    spacing, origin = (each(array, name, ndim) for name in ("spacing", "origin"))
    unit = "m" if ndim > 1 else ""
    if ndim == 1 and "dt" in array.beside:
        spacing, unit = each(array, "dt", 1), str(array.beside.get("dt_unit", "s"))
        labels = ("Time",)
    axes = [
        Axis(n, h, o, label, unit)
        for n, h, o, label in zip(array.shape, spacing, origin, labels, strict=True)
    ]
    keys = {"label": dataset}
    if isinstance(array.beside.get("unit"), str) and array.beside["unit"]:
        keys["unit"] = array.beside["unit"]
    with writer.writing(path, axes[::-1], kind(array), keys) as file:
        for first, block in array:
            file.write(np.ascontiguousarray(block, kind(array)).data)
            update(first + len(block))


def each(array: BlockedArray, name: str, ndim: int) -> list[float | None]:
    """A number for each axis, as the file describes them; None for each without.

    Parameters
    ----------
    array : BlockedArray
    name : str
        Of the description, as `spacing`.
    ndim : int
        Number of axes.

    Returns
    -------
    numbers : list of float or None
    """
    value = array.beside.get(name)
    if not isinstance(value, np.ndarray) or value.size not in (1, ndim):
        return [None] * ndim
    return [float(v) for v in np.broadcast_to(value.reshape(-1), ndim)]
