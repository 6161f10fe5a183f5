"""Files of shot records: written at once, or shot by shot in any order (layout: see `hdf5`).

A file that is written shot by shot has all datasets and attributes from the beginning; the samples
of each shot have their place in one contiguous dataset. They are put there without the library, so
that a process that is killed at any moment leaves a file that HDF5 can read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.files import datasets, shots
from fwicli.files.shots import ShotTraces
from fwicli.files.surfaces import write_surface
from fwicli.files.writing import deferring_signals, replacing, stop_if_signalled
from fwicli.survey.components import PRESSURE, Component
from fwicli.survey.gathers import Gathers
from fwicli.survey.topography import Topography
from fwicli.survey.traces import Traces

Array = NDArray[Any]

DATA = "data"
# Samples of small shots that are written at once.
BLOCK = 1 << 18


@deferring_signals()
def write_gathers(path: str | Path, gathers: Gathers, provenance: Mapping[str, str]) -> None:
    """Write shot records in the layout of `hdf5`.

    Parameters
    ----------
    path : Path
        A file that exists is replaced.
    gathers : Gathers
    provenance : mapping of str to str
        Attributes of the file.
    """
    gathers = gathers.as_recorded()
    with replacing(path) as file:
        if isinstance(gathers.data, np.ndarray):
            data = file.create_dataset(DATA, data=gathers.data)
        else:
            data = _write_table(file, gathers.data)
        _describe(file, data, gathers, provenance)


def _describe(
    file: h5py.File, data: h5py.Dataset, gathers: Gathers, provenance: Mapping[str, str]
) -> None:
    """Write the datasets beside the traces, and all attributes."""
    file.attrs["dt"] = gathers.interval
    file.attrs["dt_unit"] = "s"
    data.attrs["dimensions"] = "shot, receiver, time" if data.ndim == 3 else "trace, time"
    recorded, emitted = gathers.acquisition.components
    data.attrs["unit"] = ", ".join(sorted({c.unit for c in recorded}))
    _write_positions(file, gathers, by_trace=data.ndim == 2)
    if gathers.wavelet is not None:
        wavelet = file.create_dataset("wavelet", data=gathers.wavelet)
        ndim = gathers.acquisition.ndim
        wavelet.attrs["unit"] = ", ".join(sorted({c.source_unit(ndim) for c in emitted}))
    if np.any(gathers.start):
        start = np.broadcast_to(gathers.start, gathers.acquisition.shots)
        file.create_dataset(shots.START, data=start).attrs["unit"] = "s"
    if (modelled := gathers.point_source) is not None:
        file.attrs["grid_spacing"], file.attrs["grid_origin"] = modelled.spacing, modelled.origin
        for name in ("equation", "order", "interpolation", "stencil"):
            file.attrs[name] = getattr(modelled, name)
    file.attrs.update(provenance)


def _write_table(file: h5py.File, traces: Traces) -> h5py.Dataset:
    """Write traces shot after shot, with the index of the shots."""
    bounds = _write_index(file, traces)
    data = file.create_dataset(DATA, (int(bounds[-1]), traces.samples), traces.dtype)
    first, gathers = 0, list[Array]()
    for gather, end in zip(traces, bounds[1:], strict=True):
        stop_if_signalled()
        gathers.append(gather)
        if (end - first) * traces.samples >= BLOCK or end == bounds[-1]:
            data[first : int(end)] = gathers[0] if len(gathers) == 1 else np.concatenate(gathers)
            first, gathers = int(end), []
    return data


def _write_index(file: h5py.File, traces: Traces) -> NDArray[np.int64]:
    """Write the first trace of each shot, and its recorded samples where shots differ in them."""
    bounds = np.concatenate([[0], np.cumsum(traces.counts)])
    file.create_dataset(shots.FIRST, data=bounds)
    if (traces.lengths < traces.samples).any():
        file.create_dataset(shots.RECORDED, data=traces.lengths)
    return bounds


def _write_positions(file: h5py.File, gathers: Gathers, by_trace: bool) -> None:
    """Write the columns of sources and receivers, and their components."""
    acquisition = gathers.acquisition
    axes = ("x", "z") if acquisition.ndim == 2 else ("x", "y", "z")
    receivers, recorded = acquisition.receivers, acquisition.recorded
    numbers = range(acquisition.shots)
    if by_trace:
        receivers = np.concatenate([acquisition.receivers_of(n) for n in numbers])
    elif isinstance(receivers, tuple):
        receivers = np.stack(receivers)
    if not isinstance(recorded, Component) and (by_trace or receivers.ndim == 3):
        recorded = [c for n in numbers for c in acquisition.recorded_by(n)]
    for i, axis in enumerate(axes):
        for name, points in (("source", acquisition.sources), ("receiver", receivers)):
            column = file.create_dataset(f"{name}_{axis}", data=points[..., i])
            column.attrs["unit"] = "m"
    _write_components(file, "source", acquisition.emitted)
    _write_components(file, "receiver", recorded)


def _write_components(file: h5py.File, end: str, components: Any) -> None:
    """Write the components of receivers or sources; nothing for pressure."""
    if isinstance(components, Component):
        if components != PRESSURE:
            file[f"{end}_x"].attrs["component"] = components.code
        return
    each: list[Component] = []
    for entry in components:
        each += [entry] if isinstance(entry, Component) else entry
    kinds = sorted(set(each), key=lambda component: component.code)
    column = file.create_dataset(f"{end}_component", data=[kinds.index(c) for c in each])
    column.attrs["codes"] = [kind.code for kind in kinds]


# --- shot by shot ---------------------------------------------------------------------------------


class UnwrittenTraces(Traces):
    """Numbers and type of traces that are going to be written.

    Parameters
    ----------
    counts : ndarray of int, of shape (n_shots,)
        Number of traces of each shot.
    samples : int
    dtype : dtype
    """

    def __init__(self, counts: NDArray[np.int64], samples: int, dtype: np.dtype[Any]) -> None:
        self._counts, self._samples, self._dtype = counts, samples, dtype

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of traces of each shot, shape (n_shots,)."""
        return self._counts

    @property
    def samples(self) -> int:
        """Number of samples of a trace."""
        return self._samples

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the samples."""
        return self._dtype

    def __getitem__(self, shot: int) -> Array:
        raise DataError(f"the traces of shot {shot} are not written yet")


@dataclass
class RecordFile:
    """A file whose records are written and read shot by shot.

    Attributes
    ----------
    path : Path
    traces : ShotTraces
        Index of the traces.
    offset : int
        Place of the first sample in the file [bytes].
    """

    path: Path
    traces: ShotTraces
    offset: int
    _descriptor: int = -1

    @classmethod
    def begin(
        cls,
        path: Path,
        gathers: Gathers,
        provenance: Mapping[str, str],
        topography: Topography | None = None,
    ) -> Self:
        """A new file with everything but samples, which read as zeros until they are written.

        Parameters
        ----------
        path : Path
            A file that exists is replaced.
        gathers : Gathers
            Its traces are `UnwrittenTraces`.
        provenance : mapping of str to str
            Attributes of the file.
        topography : Topography, optional
            Of the model.

        Returns
        -------
        file : RecordFile

        Raises
        ------
        OSError
            If it cannot be written.
        """
        _write_unfilled(path, gathers, provenance, topography)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """A file that `begin` has made.

        Parameters
        ----------
        path : Path

        Returns
        -------
        file : RecordFile

        Raises
        ------
        DataError
            If it is damaged, or has another layout.
        """
        with datasets.reading(path) as file:
            if file.has(shots.FIRST):
                traces = shots.table(file, DATA)
            elif len(shape := file.shape(DATA)) == 3:
                traces = shots.box(file, DATA, (shape[0], shape[1], shape[2]))
            else:
                raise DataError(f"{file.name(DATA)} has shape {shape}, which no run has written")
            offset = file.offset(DATA)
        if offset is None or path.stat().st_size < offset + _size(traces):
            raise DataError(f"{path} is shorter than its traces: it was cut")
        return cls(path, traces, offset)

    def write(self, shot: int, gather: Array) -> None:
        """Write the gather of a shot in its place.

        Parameters
        ----------
        shot : int
        gather : ndarray of shape (n_receivers, samples)

        Raises
        ------
        DataError
            If it has another shape than the file has room for.
        OSError
            If writing failed, as on a full disk.
        """
        shape = int(self.traces.counts[shot]), self.traces.samples
        if gather.shape != shape:
            raise DataError(f"the gather of shot {shot} has shape {gather.shape}, not {shape}")
        values = np.ascontiguousarray(gather, self.traces.dtype)
        rest, place = values.data.cast("B"), self._place(shot)
        try:
            while rest:
                count = os.pwrite(self._file(), rest, place)
                rest, place = rest[count:], place + count
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error

    def read(self, shot: int) -> Array:
        """The gather of a shot, shape (n_receivers, samples).

        Raises
        ------
        DataError
            If the file ends before it.
        """
        gather = np.zeros((int(self.traces.counts[shot]), self.traces.samples), self.traces.dtype)
        rest, place = gather.data.cast("B"), self._place(shot)
        while rest:
            count = os.preadv(self._file(), [rest], place)
            if not count:
                raise DataError(f"{self.path} ends within the traces of shot {shot}: it was cut")
            rest, place = rest[count:], place + count
        return gather

    def sync(self) -> None:
        """Wait until the disk has everything, which some disks refuse only then.

        Raises
        ------
        OSError
            If writing failed, as on a full disk of another machine.
        """
        try:
            os.fsync(self._file())
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _file(self) -> int:
        if self._descriptor < 0:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        return self._descriptor

    def _place(self, shot: int) -> int:
        """Where the first sample of a shot is in the file [bytes]."""
        traces = self.traces
        before = traces.first[shot]
        if traces.is_box:
            before = before * traces.counts[shot]
        return self.offset + int(before) * traces.samples * traces.dtype.itemsize


def _size(traces: ShotTraces) -> int:
    return int(traces.counts.sum()) * traces.samples * traces.dtype.itemsize


@deferring_signals()
def _write_unfilled(
    path: Path, gathers: Gathers, provenance: Mapping[str, str], topography: Topography | None
) -> None:
    """Write a file of records whose samples have a place and no values."""
    traces: Traces = gathers.data
    shape: tuple[int, ...] = (int(traces.counts.sum()), traces.samples)
    if not gathers.acquisition.ragged:
        shape = (len(traces), int(traces.counts[0]), traces.samples)
    with replacing(path) as file:
        if len(shape) == 2:
            _write_index(file, traces)
        place = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        place.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        place.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        space, kind = h5py.h5s.create_simple(shape), h5py.h5t.py_create(traces.dtype)
        data = h5py.Dataset(h5py.h5d.create(file.id, DATA.encode(), kind, space, place))
        _describe(file, data, gathers, provenance)
        write_surface(file, topography)
