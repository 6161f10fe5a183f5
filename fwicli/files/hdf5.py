"""HDF5 files: shot records, inversion results and images.

Every file is written under a temporary name and renamed, so that a file under its own name is
always complete.

Shot records
    data                      (shot, receiver, time) float32 [Pa]
    source_x [, _y], _z       (shot,) [m]
    receiver_x [, _y], _z     (receiver,) or (shot, receiver) [m]
    wavelet                   (time,), or (shot, time) for one a shot [Pa] in 2D, [Pa m] in 3D
    start                     (shot,) time of the first sample [s]; 0 without it
    attribute dt              sampling interval [s]
    attributes grid_spacing, grid_origin [m], equation, order, interpolation
                              discretization of modelled records

Shots that differ in their number of receivers are a table: the traces of a shot stand together, so
that a shot is one contiguous read. Instead of the datasets of the same names above,

    data                      (trace, time) float32 [Pa]
    receiver_x [, _y], _z     (trace,) [m]

and beside them

    first_trace               (shot + 1,) number of the first trace of each shot, and of all traces
    recorded_samples          (shot,) where shots differ in it; zeros follow the recorded samples

Other components than pressure are named by the attribute `component` of `receiver_x` and
`source_x`, or, where receivers or sources differ, by `receiver_component` and `source_component`:
numbers of the names in their attribute `codes`.

Records, models and images below a topography have its depths beside them (see `surfaces`).

A model in a file has the attributes `spacing` and `origin` [m] at its dataset, so that a result can
serve as the next starting model. Attributes of the root hold the provenance.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.files import datasets
from fwicli.files.record_files import write_gathers as write_gathers
from fwicli.files.records import describe_gathers as describe_gathers
from fwicli.files.records import read_gathers as read_gathers
from fwicli.files.surfaces import SURFACE as SURFACE
from fwicli.files.surfaces import read_surface as read_surface
from fwicli.files.surfaces import write_surface as write_surface
from fwicli.files.writing import deferring_signals, extending, replacing
from fwicli.survey.grid import Grid
from fwicli.survey.properties import UNITS
from fwicli.survey.topography import Topography

Array = NDArray[Any]


def read_array(path: str | Path, dataset: str) -> tuple[Array, dict[str, Any]]:
    """Read an array and its attributes.

    Parameters
    ----------
    path : Path
    dataset : str
        Name of the array.

    Returns
    -------
    values : ndarray of float32 or float64
    attributes : dict
        `spacing` and `origin` [m] among them, if it is a model.

    Raises
    ------
    DataError
        If there is no such file or array.
    """
    with datasets.reading(path) as file:
        return file.array(dataset, masks=True), file.attributes(dataset)


def write_on_grid(
    parent: h5py.Group, name: str, values: Array, grid: Grid, unit: str
) -> h5py.Dataset:
    """Write an array on a grid, with the grid as attributes.

    Parameters
    ----------
    parent : h5py.Group
        Group that is to hold the array.
    name : str
    values : ndarray of shape grid.shape
    grid : Grid
    unit : str
        Of the values.

    Returns
    -------
    dataset : h5py.Dataset
    """
    dataset = parent.create_dataset(name, data=values)
    dataset.attrs["unit"] = unit
    dataset.attrs["spacing"] = grid.spacing
    dataset.attrs["origin"] = grid.origin
    dataset.attrs["axes"] = ", ".join(grid.axes)
    return dataset


# --- inversions -----------------------------------------------------------------------------------


@deferring_signals()
def begin_inversion(
    path: Path,
    start: Mapping[str, Array],
    reference: Mapping[str, Array],
    grid: Grid,
    provenance: Mapping[str, str],
    topography: Topography | None = None,
) -> None:
    """Begin the result of an inversion.

    Layout: `start/NAME`, `result/NAME` (the latest model) and `reference/NAME` for each quantity
    that is inverted for, as in `result/vp` [m/s]; `iterates/NNNN/NAME` with the misfit as
    attributes; `history/*`, one value an iterate.

    Parameters
    ----------
    path : Path
        A file that exists is replaced.
    start, reference : mapping of str to ndarray of shape grid.shape
        Quantities by name, in SI units; the reference may lack some, or all.
    grid : Grid
    provenance : mapping of str to str
        Attributes of the file.
    topography : Topography, optional
    """
    with replacing(path) as file:
        write_surface(file, topography)
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
    path : Path
        Result of an inversion.
    number : int
        Of the iterate, counted over all stages; iterates with this number or later are removed.
    quantities : mapping of str to ndarray of shape grid.shape
        Quantities that the inversion changes, by name, in SI units.
    grid : Grid
    record : mapping
        Numbers that describe the iterate: attributes, and columns of the history.
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

    Layout: `wavelets/NN/estimated`, of shape (shots, time), or (1, time) for one in common;
    `wavelets/NN/start`, the wavelet of the synthetic data; attributes `dt` [s] and `iterate`.

    Parameters
    ----------
    path : Path
        Result of an inversion.
    stage : int
        Number of the stage, from 1; earlier wavelets of the stage are replaced.
    iterate : int
        Number of their iterate, counted over all stages.
    estimated, start : ndarray of shape (n_shots or 1, samples), and of any shape
        Estimated wavelets, and that of the synthetic data [Pa] in 2D, [Pa m] in 3D.
    interval : float
        Sampling interval [s].
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
    """Whether the wavelets of a stage are those of an iterate.

    Parameters
    ----------
    path : Path
        Result of an inversion.
    stage : int
        Number of the stage, from 1.
    iterate : int
        Number of the iterate, counted over all stages.

    Returns
    -------
    has_wavelets : bool
    """
    with datasets.reading(path) as file:
        name = f"wavelets/{stage:02d}"
        return file.has(name) and file.number("iterate", "1", name) == iterate


def read_wavelets(path: str | Path) -> dict[int, tuple[Array, Array, float]]:
    """Estimated wavelets, those of the synthetic data, and interval [s], by stage from 1."""
    wavelets = {}
    with datasets.reading(path) as file:
        for number in file.groups("wavelets"):
            name = f"wavelets/{number}"
            interval = file.number("dt", "s", name)
            if interval is None or not number.isdecimal():
                raise DataError(f"{file.name(name)} is no result of a stage; remove it")
            estimated, start = (file.array(f"{name}/{part}") for part in ("estimated", "start"))
            wavelets[int(number)] = estimated, start, interval
    return wavelets


def _write_quantities(group: h5py.Group, quantities: Mapping[str, Array], grid: Grid) -> None:
    for name, values in quantities.items():
        write_on_grid(group, name, _single(values), grid, UNITS.get(name, ""))


def read_history(path: str | Path) -> dict[str, Array]:
    """Columns of the history of an inversion."""
    with datasets.reading(path) as file:
        return {name: file.values(f"history/{name}") for name in file.groups("history")}


@deferring_signals()
def write_state(path: Path, arrays: Mapping[str, Array], numbers: Mapping[str, Any]) -> None:
    """Write the state of a run, for `--resume`.

    Parameters
    ----------
    path : Path
        A file that exists is replaced.
    arrays : mapping of str to ndarray
    numbers : mapping of str to number or str
    """
    with replacing(path) as file:
        for name, values in arrays.items():
            file.create_dataset(name, data=values)
        file.attrs.update(numbers)


def is_readable(path: Path) -> bool:
    """Whether a file is complete HDF5."""
    try:
        with h5py.File(path, "r"):
            return True
    except (OSError, RuntimeError):
        return False


def written_here(path: Path) -> bool:
    """Whether a file has the provenance of a result, or is the state of a run."""
    try:
        with h5py.File(path, "r") as file:
            return "fwicli" in file.attrs or {"stage", "iterates", "seconds"} <= set(file.attrs)
    except (OSError, RuntimeError):
        return False


def read_state(path: str | Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Arrays and numbers of `write_state`."""
    with datasets.reading(path) as file:
        arrays = {name: file.values(name, masks=True) for name in file.groups("/")}
        return arrays, file.attributes()


def _single(values: Array) -> Array:
    return values.astype(np.float32)
