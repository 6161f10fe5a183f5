"""Shot records as RSF: cubes of regular surveys, and traces with a table of their positions.

A regular survey is one cube. Its axes give the positions along x; two keys give the depths:

    n1 d1 o1   time [s]; o1 is the time of the first sample
    n2 d2 o2   receivers: x (label2="Receiver"), or distance from the source (label2="Offset")
    n3 d3 o3   shots: x of the source
    source_z, receiver_z        depths [m]

All other surveys are traces one after the other, (n1 time, n2 traces), beside a table that the key
`geometry` names: of double precision, with n1 columns that its key `columns` names (shot, start,
samples, source_x, ...) and n2 rows, one a trace. `wavelet` names a file of the wavelet, and other
keys hold the discretization of modelled records, and components (see `components`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.files.rsf import components
from fwicli.files.rsf.axes import METRES, SECONDS, Axis
from fwicli.files.rsf.header import GEOMETRY, WAVELET, Header, read_header
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.gathers import Gathers
from fwicli.survey.proximity import PointSource
from fwicli.survey.traces import Shots, Traces

Array = NDArray[Any]

# First words of labels of the axis of receivers.
ABSOLUTE, RELATIVE = ("receiver", "x", "position", "distance"), ("offset",)


class RsfTraces(Traces):
    """Traces of an RSF file; a shot is read when it is asked for.

    Parameters
    ----------
    header : Header
    begins : ndarray of int, of shape (n_shots + 1,)
        Number of the first trace of each shot, and that behind the last.
    lengths : ndarray of int, of shape (n_shots,), optional
        Recorded samples of each shot; by default all.
    """

    stored = True

    def __init__(
        self, header: Header, begins: NDArray[np.int64], lengths: NDArray[np.int64] | None = None
    ) -> None:
        self.header, self.begins = header, begins
        self.first = begins[:-1]
        self._ends = begins[1:]
        self._lengths = lengths

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of traces of each shot, shape (n_shots,)."""
        return self._ends - self.first

    @property
    def samples(self) -> int:
        """Number of samples of a trace."""
        return self.header.axes[0].count

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the samples: float32 if this holds them exactly, float64 otherwise."""
        exact = self.header.dtype.itemsize <= (4 if self.header.dtype.kind == "f" else 2)
        return np.dtype(np.float32 if exact else np.float64)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of recorded samples of each shot, shape (n_shots,)."""
        return super().lengths if self._lengths is None else self._lengths

    def __getitem__(self, shot: int) -> Array:
        """The gather of a shot, shape (n_receivers, samples).

        Raises
        ------
        DataError
            If the file cannot be read.
        """
        return self.header.rows(slice(int(self.first[shot]), int(self._ends[shot])))

    def select(self, shots: Shots) -> Traces:
        """The traces of some of the shots, by number."""
        chosen = RsfTraces(self.header, self.begins, self._lengths)
        chosen.first, chosen._ends = self.first[shots], self._ends[shots]
        if self._lengths is not None:
            chosen._lengths = self._lengths[shots]
        return chosen


def is_records(header: Header) -> bool:
    """Whether a header is of shot records: its first axis is a time, and it has another one."""
    axis = header.axes[0]
    timed = axis.unit.lower() in SECONDS or axis.label.lower().startswith("time")
    return GEOMETRY in header.keys or (timed and len(header.axes) > 1)


def read_gathers(path: Path, wavelet: bool = True) -> Gathers:
    """Read the geometry of shot records; their samples are read when they are used.

    Parameters
    ----------
    path : Path
        Of the header.
    wavelet : bool
        Whether the wavelet that the header names is read as well.

    Returns
    -------
    gathers : Gathers

    Raises
    ------
    DataError
        If the file cannot be read, or does not say where sources and receivers are.
    """
    header = read_header(path)
    interval, start = _time(header)
    if GEOMETRY in header.keys:
        acquisition, traces, starts = _listed(header)
    else:
        acquisition, traces = _regular(header)
        starts = np.full(acquisition.shots, start)
    source = None
    if wavelet and WAVELET in header.keys:
        source = _beside(header, WAVELET).block()
    return Gathers(
        acquisition,
        interval,
        traces,
        source,
        point_source=_point_source(header),
        start=starts if starts.any() else 0.0,
    )


def _beside(header: Header, key: str) -> Header:
    """Another file that a header names, relative to its folder."""
    return read_header(header.path.parent / header.keys[key])


def _time(header: Header) -> tuple[float, float]:
    """Sampling interval and time of the first sample [s]."""
    axis = header.axes[0]
    unit = axis.unit.lower()
    if unit not in ("", *SECONDS):
        raise DataError(
            f"{header.path}: the axis n1 of shot records is time, and its unit is `{axis.unit}`; "
            f'write one of {", ".join(SECONDS)}, as unit1="s"'
        )
    if axis.interval is None or axis.interval <= 0:
        raise DataError(
            f"{header.path}: d1 is {axis.interval}; write the sampling interval [s], as d1=0.004"
        )
    if axis.count < 2:
        raise DataError(f"{header.path}: n1=1; a trace has at least two samples")
    scale = SECONDS.get(unit, 1.0)
    return axis.interval * scale, (axis.origin or 0.0) * scale


# --- positions ------------------------------------------------------------------------------------


def _regular(header: Header) -> tuple[Acquisition, RsfTraces]:
    """Positions from the axes of receivers and shots."""
    if len(header.axes) > 3:
        raise DataError(
            f"{header.path} has {len(header.axes)} axes; shot records have time, receivers and "
            f"shots"
        )
    receivers = header.axes[1] if len(header.axes) > 1 else _single(header, 2)
    shots = header.axes[2] if len(header.axes) > 2 else _single(header, 3)
    words = receivers.label.lower().split()
    first = words[0] if words else ""
    if first not in (*ABSOLUTE, *RELATIVE):
        raise DataError(
            f"{header.path}: label2 is `{receivers.label}`, which does not say where receivers "
            f'are; write label2="Receiver" if the axis n2 is their x, or label2="Offset" if it is '
            f"their distance from the source"
        )
    columns = [_along(header, axis, i) for i, axis in ((3, shots), (2, receivers))]
    depths = []
    for name in ("source_z", "receiver_z"):
        depth = header.number(name)
        if depth is None:
            raise DataError(
                f"{header.path} does not say how deep sources and receivers are; write {name}= "
                f"[m] into the header, as source_z=10 receiver_z=5"
            )
        depths.append(depth)
    sources = np.stack((columns[0], np.full(shots.count, depths[0])), axis=-1)
    x = columns[1] if first in ABSOLUTE else columns[0][:, None] + columns[1]
    positions = np.stack((x, np.full(x.shape, depths[1])), axis=-1)
    begins = receivers.count * np.arange(shots.count + 1, dtype=np.int64)
    return Acquisition(sources, positions, *components.of_all(header)), RsfTraces(header, begins)


def _single(header: Header, number: int) -> Axis:
    """An axis of one sample, which the shape does not show."""
    texts = [header.keys.get(f"{name}{number}", "") for name in ("label", "unit")]
    return Axis(1, header.number(f"d{number}"), header.number(f"o{number}"), *texts)


def _along(header: Header, axis: Axis, number: int) -> Array:
    """Positions along an axis [m]."""
    if axis.origin is None or (axis.interval is None and axis.count > 1):
        raise DataError(
            f"{header.path} does not say where the axis n{number} begins and how far apart its "
            f"samples are; write o{number}= and d{number}= [m]"
        )
    if axis.unit.lower() not in METRES:
        raise DataError(
            f"{header.path}: the unit `{axis.unit}` of the axis n{number} is none of "
            f"{', '.join(filter(None, METRES))}"
        )
    return axis.values() * METRES[axis.unit.lower()]


def _check_numbers(table: Header, columns: dict[str, Array], count: int) -> None:
    """Make sure that numbers are finite, and those of recorded samples whole."""
    finite = all(np.isfinite(values).all() for values in columns.values())
    samples = columns["samples"]
    whole = (samples == np.rint(samples)) & (samples >= 0) & (samples <= count)
    if not finite or not whole.all():
        raise DataError(
            f"{table.path}: its numbers must be finite, and `samples` whole from 0 to {count}"
        )


def _listed(header: Header) -> tuple[Acquisition, RsfTraces, Array]:
    """Positions, traces and start times from the table of a file."""
    table = _beside(header, GEOMETRY)
    names = table.keys.get("columns", "").split(",")
    axes = ("x", "y", "z") if "source_y" in names else ("x", "z")
    expected = [f"{end}_{axis}" for end in ("source", "receiver") for axis in axes]
    expected += ["shot", "start", "samples"]
    mixed = components.LISTED in table.keys
    expected += [components.RECORDED, components.EMITTED] if mixed else []
    shape = (header.shape[0] if len(header.axes) > 1 else 1, len(names))
    values = table.block().reshape(-1, table.axes[0].count)
    missing = [name for name in expected if name not in names]
    if missing or values.shape != shape or len(header.axes) > 2:
        lacks = f"lacks the columns {', '.join(missing)}" if missing else "does not fit"
        raise DataError(
            f"{table.path} {lacks}: it has shape {values.shape} and the columns {names}, and "
            f"{header.path} has {shape[0]} traces; both are written together by `fwi convert`"
        )
    columns = dict(zip(names, values.T, strict=True))
    _check_numbers(table, columns, header.axes[0].count)
    shot = columns["shot"]
    begins = np.flatnonzero(np.diff(shot, prepend=shot[0] - 1))
    if not np.array_equal(shot[begins], np.arange(len(begins))):
        raise DataError(f"{table.path}: shots must be numbered from 0, one after the other")
    sources, receivers = (
        np.stack([columns[f"{end}_{axis}"] for axis in axes], axis=-1)
        for end in ("source", "receiver")
    )
    ends = np.append(begins, len(shot)).astype(np.int64)
    traces = RsfTraces(header, ends, columns["samples"][begins].astype(np.int64))
    recorded: Any
    recorded, emitted = (
        components.of_rows(table, columns, begins) if mixed else components.of_all(header)
    )
    gathers: Any = np.split(receivers, begins[1:])
    if len(set(np.diff(ends))) == 1:
        gathers = np.stack(gathers)
        if (gathers == gathers[0]).all() and (not mixed or all(r == recorded[0] for r in recorded)):
            gathers, recorded = gathers[0], recorded[0] if mixed else recorded
    acquisition = Acquisition(sources[begins], gathers, recorded, emitted)
    return acquisition, traces, columns["start"][begins]


def _point_source(header: Header) -> PointSource | None:
    """Discretization of modelled records; None without it."""
    keys = header.keys
    if not {"equation", "order", "interpolation", "grid_spacing", "grid_origin"} <= set(keys):
        return None
    try:
        spacing, origin = (
            tuple(float(v) for v in keys[f"grid_{name}"].split(","))
            for name in ("spacing", "origin")
        )
        order = int(keys["order"])
    except ValueError:
        return None
    stencil = keys.get("stencil", "taylor")
    return PointSource(keys["equation"], spacing, origin, order, keys["interpolation"], stencil)


def regular_axis(values: Sequence[float] | Array, label: str) -> Axis | None:
    """The axis that holds positions exactly, to the last bit; None without one.

    Parameters
    ----------
    values : array_like of shape (n,)
        [m].
    label : str

    Returns
    -------
    axis : Axis or None
    """
    points = np.asarray(values, dtype=np.float64)
    steps = [1.0] if len(points) == 1 else [points[1] - points[0]]
    steps += [(points[-1] - points[0]) / max(1, len(points) - 1)]
    for step in steps:
        axis = Axis(len(points), float(step), float(points[0]), label, "m")
        if np.array_equal(axis.values(), points):
            return axis
    return None
