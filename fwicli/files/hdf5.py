"""HDF5 files: shot records, inversion results and images.

Every file is written aside and renamed, so that what is found under its name is always whole.

Shot records
    data                      (shot, receiver, time) float32 [Pa]
    source_x [, _y], _z       (shot,) [m]
    receiver_x [, _y], _z     (receiver,) or (shot, receiver) [m]
    wavelet                   (time,) [Pa] in 2D, [Pa m] in 3D
    attribute dt              sampling interval [s]
    attributes grid_spacing, grid_origin [m], equation, order, interpolation
                              how they were modelled, where they were

A model in a file carries the attributes `spacing` and `origin` [m] beside its dataset, so that a
result can serve as the next starting model. Provenance is kept as attributes of the root.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from fwicli.disk import atomic
from fwicli.errors import DataError
from fwicli.files import datasets
from fwicli.files.records import describe_gathers as describe_gathers
from fwicli.files.records import read_gathers as read_gathers
from fwicli.survey.gathers import Gathers
from fwicli.survey.grid import Grid
from fwicli.survey.model import UNITS

Array = NDArray[Any]


@contextmanager
def replacing(path: Path) -> Iterator[h5py.File]:
    """A new file that takes the place of `path` when it is complete."""
    with atomic.replacing(path) as new, _writing(new, "w", path) as file:
        yield file


class _ErrorRecordingFile(io.FileIO):
    """A file that keeps a failure to itself until HDF5 has closed it.

    HDF5 cannot give up a file that it cannot write, as on a full disk: closing it fails as well,
    and at the end the process crashes. Here it is told that all is well, and the caller is not.
    """

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all of it, or note why not."""
        rest = memoryview(data).cast("B")
        count = len(rest)
        try:
            while rest and self.failure is None:
                rest = rest[super().write(rest) or 0 :]
        except OSError as error:
            self.failure = error
        return count

    def truncate(self, size: int | None = None) -> int:
        """Set the size, or note why not."""
        if self.failure is None:
            try:
                return super().truncate(size)
            except OSError as error:
                self.failure = error
        return self.tell() if size is None else size


@contextmanager
def deferring_signals() -> Iterator[None]:
    """Put off what signals do until the end.

    HDF5 calls back for every write, and its objects do where they go; an exception that a signal
    raises in between is lost: the run would go on as if Ctrl-C had not been pressed. As a decorator
    it holds until the function's own objects have gone, too.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread handles signals
        return
    handlers = {int(n): signal.getsignal(n) for n in signal.valid_signals()}
    acts = {n: act for n, act in handlers.items() if callable(act)}
    came: list[int] = []
    try:
        for number in acts:
            signal.signal(number, lambda n, _: came.append(n))
        yield
    finally:
        _restore(acts)
        for first in came[:1]:
            acts[first](first, None)


def _restore(acts: Mapping[int, Callable[[int, FrameType | None], Any]]) -> None:
    """Set what signals do, all of it, even where one of them comes meanwhile and raises."""
    left, raised = dict(acts), None
    while left:
        try:
            for number in list(left):
                signal.signal(number, left[number])
                del left[number]
        except BaseException as error:  # raised again
            raised = error
    if raised is not None:
        raise raised


@contextmanager
def _writing(name: Path, mode: str, path: Path) -> Iterator[h5py.File]:
    """A file to write that will be `path`.

    Raises
    ------
    OSError
        If the disk is full, or the like.
    """
    with deferring_signals(), _ErrorRecordingFile(name, "w+" if mode == "w" else mode) as raw:
        try:
            with h5py.File(raw, mode) as file:
                yield file
        finally:
            if raw.failure is not None:
                number = raw.failure.errno or errno.EIO
                raise OSError(number, os.strerror(number), str(path)) from raw.failure


def read_array(path: Path, dataset: str) -> tuple[Array, dict[str, Any]]:
    """An array and its attributes (`spacing` and `origin` among them, if it is a model)."""
    with datasets.reading(path) as file:
        return file.array(dataset, masks=True), file.attributes(dataset)


@deferring_signals()
def write_gathers(path: Path, gathers: Gathers, provenance: Mapping[str, str]) -> None:
    """Write shot records in the layout of the module header."""
    axes = ("x", "z") if gathers.acquisition.ndim == 2 else ("x", "y", "z")
    with replacing(path) as file:
        file.attrs["dt"] = gathers.interval
        file.attrs["dt_unit"] = "s"
        data = file.create_dataset("data", data=gathers.data)
        data.attrs["unit"] = "Pa"
        data.attrs["dimensions"] = "shot, receiver, time"
        for i, axis in enumerate(axes):
            for name, points in (
                ("source", gathers.acquisition.sources),
                ("receiver", gathers.acquisition.receivers),
            ):
                column = file.create_dataset(f"{name}_{axis}", data=points[..., i])
                column.attrs["unit"] = "m"
        if gathers.wavelet is not None:
            wavelet = file.create_dataset("wavelet", data=gathers.wavelet)
            wavelet.attrs["unit"] = "Pa" if gathers.acquisition.ndim == 2 else "Pa m"
        if (modelled := gathers.point_source) is not None:
            file.attrs["grid_spacing"], file.attrs["grid_origin"] = (
                modelled.spacing,
                modelled.origin,
            )
            for name in ("equation", "order", "interpolation"):
                file.attrs[name] = getattr(modelled, name)
        file.attrs.update(provenance)


def write_on_grid(
    parent: h5py.Group, name: str, values: Array, grid: Grid, unit: str
) -> h5py.Dataset:
    """Write an array on a grid, with the grid as attributes."""
    dataset = parent.create_dataset(name, data=values)
    dataset.attrs["unit"] = unit
    dataset.attrs["spacing"] = grid.spacing
    dataset.attrs["origin"] = grid.origin
    dataset.attrs["axes"] = ", ".join(grid.axes)
    return dataset


# --- inversions -----------------------------------------------------------------------------------


@contextmanager
def extending(path: Path) -> Iterator[h5py.File]:
    """A copy of a file to add to, that takes its place when it is complete."""
    with atomic.replacing(path) as new:
        shutil.copyfile(path, new)
        with _writing(new, "r+", path) as file:
            yield file


@deferring_signals()
def begin_inversion(
    path: Path,
    start: Mapping[str, Array],
    reference: Mapping[str, Array],
    grid: Grid,
    provenance: Mapping[str, str],
) -> None:
    """Begin the result of an inversion.

    Layout: `start/NAME`, `result/NAME` (the latest model) and `reference/NAME` for each quantity
    that is inverted for, as in `result/vp` [m/s]; `iterates/NNNN/NAME` with the misfit as
    attributes; `history/*`, one value an iterate.

    Parameters
    ----------
    start, reference : mapping of str to ndarray
        Quantities by name; the reference may lack some, or all.
    """
    with replacing(path) as file:
        for name, quantities in (("start", start), ("result", start), ("reference", reference)):
            if quantities:
                _write_quantities(file.create_group(name), quantities, grid)
        file.create_group("iterates")
        file.create_group("history")
        file.attrs.update(provenance)


@deferring_signals()
def add_iterate(
    path: Path,
    number: int,
    quantities: Mapping[str, Array],
    grid: Grid,
    record: Mapping[str, Any],
) -> None:
    """Add an iterate, make it the result, and extend the history.

    Parameters
    ----------
    number : int
        Of the iterate, counted over all stages; one of the same number is replaced.
    quantities : mapping of str to ndarray
        What the inversion changes, by name.
    record : mapping
        Numbers that describe it; kept as attributes, and as columns of the history.
    """
    with extending(path) as file:
        for name, values in quantities.items():
            file[f"result/{name}"][...] = values
        for later in [n for n in file["iterates"] if int(n) >= number]:
            del file["iterates"][later]
        group = file["iterates"].create_group(f"{number:04d}")
        _write_quantities(group, quantities, grid)
        group.attrs.update(record)
        iterates = [file["iterates"][n].attrs for n in sorted(file["iterates"])]
        for column in record:
            if column in file["history"]:
                del file["history"][column]
            file["history"].create_dataset(column, data=[i[column] for i in iterates])


@deferring_signals()
def add_wavelets(
    path: Path, stage: int, iterate: int, estimated: Array, start: Array, interval: float
) -> None:
    """Add the estimated wavelets of a stage to the result of an inversion.

    Layout: `wavelets/NN/estimated`, of shape (shots, time), or (1, time) where all have one in
    common; `wavelets/NN/start`, what was modelled with; attributes `dt` [s] and `iterate`.

    Parameters
    ----------
    stage : int
        Number of the stage, from 1; what is there of one of that number is replaced.
    iterate : int
        Number of the iterate that they belong to, counted over all stages.
    """
    with extending(path) as file:
        name = f"wavelets/{stage:02d}"
        if name in file:
            del file[name]
        group = file.create_group(name)
        group.attrs.update(dt=interval, iterate=iterate)
        for part, values in (("estimated", estimated), ("start", start)):
            group.create_dataset(part, data=_single(values)).attrs["unit"] = "Pa (Pa m in 3D)"


def has_wavelets(path: Path, stage: int, iterate: int) -> bool:
    """Whether the wavelets of a stage, from 1, are those of an iterate."""
    with datasets.reading(path) as file:
        name = f"wavelets/{stage:02d}"
        return file.has(name) and file.number("iterate", "1", name) == iterate


def read_wavelets(path: Path) -> dict[int, tuple[Array, Array, float]]:
    """Estimated wavelets, those that were modelled with, and interval [s], by stage from 1."""
    found = {}
    with datasets.reading(path) as file:
        for number in file.groups("wavelets"):
            name = f"wavelets/{number}"
            interval = file.number("dt", "s", name)
            if interval is None or not number.isdecimal():
                raise DataError(f"{file.name(name)} is no result of a stage; remove it")
            estimated, start = (file.array(f"{name}/{part}") for part in ("estimated", "start"))
            found[int(number)] = estimated, start, interval
    return found


def _write_quantities(group: h5py.Group, quantities: Mapping[str, Array], grid: Grid) -> None:
    for name, values in quantities.items():
        write_on_grid(group, name, _single(values), grid, UNITS.get(name, ""))


def read_history(path: Path) -> dict[str, Array]:
    """Columns of the history of an inversion."""
    with datasets.reading(path) as file:
        return {name: file.values(f"history/{name}") for name in file.groups("history")}


@deferring_signals()
def write_state(path: Path, arrays: Mapping[str, Array], numbers: Mapping[str, Any]) -> None:
    """Write what a run needs to go on."""
    with replacing(path) as file:
        for name, values in arrays.items():
            file.create_dataset(name, data=values)
        file.attrs.update(numbers)


def is_readable(path: Path) -> bool:
    """Whether a file is HDF5, and whole."""
    try:
        with h5py.File(path, "r"):
            return True
    except (OSError, RuntimeError):
        return False


def written_here(path: Path) -> bool:
    """Whether a file bears the provenance of a result, or is the state of a run."""
    try:
        with h5py.File(path, "r") as file:
            return "fwicli" in file.attrs or {"stage", "iterates", "seconds"} <= set(file.attrs)
    except (OSError, RuntimeError):
        return False


def read_state(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Arrays and numbers of `write_state`."""
    with datasets.reading(path) as file:
        arrays = {name: file.values(name, masks=True) for name in file.groups("/")}
        return arrays, file.attributes()


def _single(values: Array) -> Array:
    return values.astype(np.float32)
