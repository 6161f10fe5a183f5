"""Shot records in HDF5 of any program; the layout is that of `hdf5`.

Traces in a table, and those of many shots, are read when a shot is asked for (see `shots`).

Unambiguous variants are accepted: an array of one for a number, one value for all shots or
receivers, additional axes of one element, integers, other byte orders. All others are rejected with
the name of the dataset, its shape, and the expected one.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.execution import available
from fwicli.files import arrays, datasets, numbers
from fwicli.files import shots as table
from fwicli.files.datasets import Datasets
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.components import PRESSURE, Component
from fwicli.survey.gathers import Gathers
from fwicli.survey.proximity import PointSource
from fwicli.survey.traces import Traces

Array = NDArray[Any]

# Share of this machine's memory that traces (shot, receiver, time) take at most; larger ones are
# read shot by shot.
LARGE = 0.25


def read_gathers(
    path: str | Path,
    traces: str = "data",
    shots: slice = slice(None),
    wavelet: bool = True,
    stored: bool = False,
) -> Gathers:
    """Read shot records in the layout of `hdf5`.

    Parameters
    ----------
    path : Path
    traces : str
        Name of the dataset of traces.
    shots : slice
        Shots to read.
    wavelet : bool
        Whether the wavelet of the file is read as well.
    stored : bool
        Whether traces are read shot by shot, however few they are.

    Returns
    -------
    gathers : Gathers

    Raises
    ------
    DataError
        If something is missing, or has a type, shape or value that is wrong or ambiguous.
    """
    path = Path(path)
    _check_format(path)
    with datasets.reading(path) as file:
        rows = table.table(file, traces) if file.has(table.FIRST) else None
        shape = _shape(file, traces) if rows is None else _extent(rows)
        interval = _interval(file, traces)
        _check_selection(path, shots, shape[0])
        start = _start(file, shape[0])
        return Gathers(
            _acquisition(file, shape, rows).select(shots),
            interval,
            rows.select(shots) if rows is not None else _box(file, traces, shape, shots, stored),
            _wavelet(file, shape, shots, interval) if wavelet else None,
            point_source=_point_source(file.attributes()),
            start=start if isinstance(start, float) else start[shots],
        )


def _extent(rows: table.ShotTraces) -> tuple[int, int, int]:
    """Shots, most receivers of a shot, and samples of a table."""
    return len(rows), int(rows.counts.max()), rows.samples


def _acquisition(
    file: Datasets, shape: tuple[int, int, int], rows: table.ShotTraces | None
) -> Acquisition:
    """Positions and components of all shots."""
    axes = ("x", "y", "z") if file.has("source_y") else ("x", "z")
    sources = np.stack([_by_shot(file, f"source_{a}", shape[0]) for a in axes], axis=-1)
    receivers: Any
    if rows is not None:
        receivers = _by_row(file, [f"receiver_{a}" for a in axes], rows)
    else:
        columns = [_by_trace(file, f"receiver_{a}", shape[:2]) for a in axes]
        receivers = np.stack(np.broadcast_arrays(*columns), axis=-1)
    counts: list[int] | None = None if rows is None else rows.counts.tolist()
    if rows is None and receivers.ndim == 3:
        counts = [shape[1]] * shape[0]
    recorded = _component(file, "receiver", counts)
    return Acquisition(sources, receivers, recorded, _component(file, "source", None))


def _box(
    file: Datasets, traces: str, shape: tuple[int, int, int], shots: slice, stored: bool
) -> Array | Traces:
    """Traces of shape (shot, receiver, time), read now, or later where they are too many."""
    if len(file.shape(traces)) != 3:
        return file.array(traces).reshape(shape)[shots]
    count = len(range(*shots.indices(shape[0])))
    size = count * shape[1] * shape[2] * file.dtype(traces).itemsize
    if stored or size > LARGE * available():
        return table.box(file, traces, shape).select(shots)
    return file.array(traces, part=shots)


def _by_row(file: Datasets, names: Sequence[str], data: table.ShotTraces) -> tuple[Array, ...]:
    """Positions of the receivers of each shot, from columns with one row a trace [m]."""
    count, columns = int(data.counts.sum()), []
    for name in names:
        stored = file.array(name).astype(float)
        values = numbers.squeezed(stored, 1)
        if values.size == 1:
            values = np.full(count, values.reshape(-1)[0])
        if values.shape != (count,):
            raise DataError(
                f"{file.name(name)} has shape {stored.shape}; it must be ({count},), one for each "
                f"trace of the table, or one for all [m]"
            )
        columns.append(values)
    return tuple(np.split(np.stack(columns, axis=-1), data.first[1:]))


def _component(file: Datasets, end: str, counts: Sequence[int] | None) -> Any:
    """Component of all receivers or sources, or one each, as their positions say."""
    name = f"{end}_component"
    if not file.has(name):
        return Component.named(_text(file.attributes(f"{end}_x").get("component", PRESSURE.code)))
    codes = [_text(code) for code in np.ravel(file.attributes(name).get("codes", []))]
    stored = file.array(name).reshape(-1)
    if not np.isin(stored, np.arange(len(codes))).all():
        raise DataError(
            f"{file.name(name)} must hold numbers of its attribute `codes`, from 0 to "
            f"{len(codes) - 1}"
        )
    components = [Component.named(code) for code in codes]
    each = [components[int(number)] for number in stored]
    if counts is None:
        return each
    bounds = np.cumsum([0, *counts])
    return [each[a:b] for a, b in itertools.pairwise(bounds)]


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _start(file: Datasets, shots: int) -> float | Array:
    """Time of the first sample of each shot [s]; 0.0 where the file does not say."""
    if not file.has(table.START):
        return 0.0
    start = _by_shot(file, table.START, shots)
    if not np.isfinite(start).all():
        raise DataError(f"{file.name(table.START)} holds values that are no numbers [s]")
    return start


def _check_format(path: Path) -> None:
    """Make sure that a file is HDF5, if it exists."""
    head = b""
    with suppress(OSError):  # said where it is opened
        if path.is_file():
            with path.open("rb") as file:
                head = file.read(8)
    if head and not arrays.is_hdf5(path, head):
        foreign = arrays.FOREIGN.get(path.suffix.lower(), "not a readable HDF5 file")
        kind = "an array of NumPy" if head.startswith(arrays.NPY) else foreign
        raise DataError(
            f"{path} is {kind} (it begins with {head!r}); shot records are HDF5 with the datasets "
            f"`data`, `source_x`, `source_z`, `receiver_x`, `receiver_z` and the attribute `dt` "
            f"[s], as `fwi model` writes them: write them so, as by h5py"
        )


def _check_selection(path: Path, shots: slice, count: int) -> None:
    """Make sure that at least one shot is selected."""
    if range(*shots.indices(count)):
        return
    parts = [shots.start, shots.stop, *([] if shots.step is None else [shots.step])]
    selection = ":".join("" if part is None else str(part) for part in parts)
    error = DataError(
        f"{path} has {count} shots, numbered from 0 to {count - 1}, and none of them is selected "
        f"by `{selection}` (start:stop:step); set `data.shots` to some of them, as in `0:{count}`"
    )
    error.key = ("shots",)
    raise error


def _point_source(attributes: Mapping[str, Any]) -> PointSource | None:
    """Discretization of modelled records from the attributes of their file; None without them."""
    try:
        spacing, origin = (
            tuple(float(v) for v in np.ravel(attributes[f"grid_{name}"]))
            for name in ("spacing", "origin")
        )
        equation, interpolation = (str(attributes[n]) for n in ("equation", "interpolation"))
        order, stencil = int(attributes["order"]), str(attributes.get("stencil", "taylor"))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if len(spacing) != len(origin) or not all(np.isfinite(v) and v > 0 for v in spacing):
        return None
    return PointSource(equation, spacing, origin, order, interpolation, stencil)


def describe_gathers(path: Path, traces: str = "data") -> tuple[tuple[int, ...], float]:
    """Shape and sampling interval of records, without reading the traces.

    Parameters
    ----------
    path : Path
    traces : str
        Name of the dataset of traces.

    Returns
    -------
    shape : tuple of int
        Shots, receivers and samples.
    interval : float
        [s].

    Raises
    ------
    DataError
        If there is no such file, or no such dataset.
    """
    with datasets.reading(path) as file:
        return _shape(file, traces), _interval(file, traces)


def _shape(file: Datasets, traces: str) -> tuple[int, int, int]:
    """Shots, receivers and samples of a dataset of traces."""
    stored = file.shape(traces)
    shape = list(stored)
    while len(shape) > 3 and 1 in shape:
        shape.reverse()
        shape.remove(1)
        shape.reverse()
    if len(shape) == 2 and np.prod(file.shape("source_x")) == 1:
        shape.insert(0, 1)  # a single shot
    if len(shape) != 3:
        raise DataError(
            f"{file.name(traces)} has shape {stored}; it must be (shot, receiver, time)"
        )
    for size, least, items in zip(shape, (1, 1, 2), ("shots", "receivers", "samples"), strict=True):
        if size < least:
            raise DataError(
                f"{file.name(traces)} has shape {stored} (shot, receiver, time): there are "
                f"{size or 'no'} {items}, and at least {least} must be"
            )
    return shape[0], shape[1], shape[2]


def _interval(file: Datasets, traces: str) -> float:
    """Sampling interval [s]: an attribute of the traces or the file, or a dataset of one."""
    stated = file.number("dt", "s", traces)
    if stated is None and file.has("dt"):
        values = file.array("dt")
        if values.size != 1:
            raise DataError(f"{file.name('dt')} has shape {values.shape}; it must be one number")
        stated = float(values.reshape(-1)[0])
    if stated is None:
        raise DataError(f"{file.path} has no attribute `dt`, the sampling interval [s]")
    interval = stated * arrays.unit_of_time(file.attribute("dt_unit", traces), str(file.path))
    if not 0 < interval < np.inf:
        raise DataError(
            f"{file.path}: the attribute `dt` is {stated:g}; the sampling interval must be a "
            f"positive number [s]"
        )
    return interval


def _by_shot(file: Datasets, name: str, shots: int) -> Array:
    """A coordinate of each shot [m], shape (shots,)."""
    stored = file.array(name).astype(float)
    values = numbers.squeezed(stored, 1)
    if values.size == 1:
        return np.full(shots, values.reshape(-1)[0])
    if values.shape != (shots,):
        raise DataError(
            f"{file.name(name)} has shape {stored.shape}; it must be ({shots},), one for each "
            f"shot, or one for all [m]"
        )
    return values


def _by_trace(file: Datasets, name: str, shape: Sequence[int]) -> Array:
    """A coordinate of the receivers [m], shape (receivers,) or (shots, receivers)."""
    shots, receivers = shape
    stored = file.array(name).astype(float)
    if stored.size == 1:
        return np.full(receivers, stored.reshape(-1)[0])
    values = numbers.squeezed(stored, 2)
    if values.shape == (shots, receivers):
        return values
    line = numbers.squeezed(values, 1)
    if line.shape == (receivers,) and not (values.ndim == 2 and shots == receivers):
        return line
    if values.shape == (shots, 1):
        return np.broadcast_to(values, (shots, receivers))
    raise DataError(
        f"{file.name(name)} has shape {stored.shape}; it must be ({receivers},), one for each "
        f"receiver, or ({shots}, {receivers}), one for each receiver of each shot, or one for all "
        f"[m]"
    )


def _wavelet(file: Datasets, shape: Sequence[int], shots: slice, interval: float) -> Array | None:
    """Wavelet of the selected shots, (samples,) or (n_shots, samples); None if there is none."""
    name = "wavelet"
    if not file.has(name):
        return None
    stored = file.array(name)
    stated = file.number("dt", "s", name)
    if stated is not None:
        stated *= arrays.unit_of_time(file.attribute("dt_unit", name), file.name(name))
        if abs(stated - interval) > 1e-6 * interval:
            raise DataError(
                f"{file.name(name)} is sampled every {stated:g} s and the data every "
                f"{interval:g} s; name it as `wavelet: {{kind: file, file: {file.path.name}}}`, "
                f"or resample it"
            )
    values = numbers.squeezed(stored, 1)
    if values.ndim == 2 and values.shape == (shape[0], shape[2]):
        values = values[shots]
        return values[0] if (values == values[0]).all() else values
    if values.shape != (shape[2],):
        raise DataError(
            f"{file.name(name)} has shape {stored.shape}; it must be ({shape[2]},), or "
            f"({shape[0]}, {shape[2]}), one for each shot, sampled like the data at {interval:g} s "
            f"from t = 0; one of its own length or sampling goes into the section `wavelet`"
        )
    return values
