"""Shot records as SEG-Y or SU: positions, numbers and times of their traces as headers.

Coordinates are written in metres with one scalar for the file, the coarsest that states them
exactly, or else the finest that fits four bytes. Depths of receivers are elevations with the sign
of SEG-Y, positive upwards; those of sources are source depths, or elevations where a source is
above elevation 0. Components are trace identification codes and units (see `sensors`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fwicli.errors import DataError
from fwicli.segy.fields import Fields, byte_map
from fwicli.segy.sensor_codes import SensorCodes
from fwicli.segy.writer import BLOCK, Form, TraceWriter, writing
from fwicli.survey.gathers import Gathers
from fwicli.survey.traces import Traces

Array = NDArray[Any]

DIVISORS = (1, 10, 100, 1000, 10000)
LARGEST = 2**31 - 1
# Positions that differ by less are the same [m].
EXACT = 1e-6


@dataclass(frozen=True)
class Writing:
    """How records are written.

    Attributes
    ----------
    encoding : {"auto", "ieee", "ibm", "ieee8"}
        By default IEEE floats that hold the samples exactly.
    kind : {"segy", "su"}
    divisor : int or None
        Coordinates and elevations are stored as whole numbers of 1/divisor metres; None chooses.
    fields : dict of str to Field, optional
        Where values of trace headers are written; by default as the standard, or SU, has them.
    headers : mapping of str to array_like of shape (n_traces,)
        Fields of all traces, shot by shot, in place of numbers from 1: `field_record`, `channel`,
        `source_point`, `trace_id`, `gun`, ...
    """

    encoding: str = "auto"
    kind: str = "segy"
    divisor: int | None = None
    fields: Fields | None = None
    headers: Mapping[str, ArrayLike] = field(default_factory=dict)


def write_gathers(
    path: str | Path, gathers: Gathers, how: Writing | None = None
) -> tuple[str, ...]:
    """Write shot records, shot by shot.

    Parameters
    ----------
    path : Path
        A file that exists is replaced.
    gathers : Gathers
        Only one shot of them is in memory at once, if they are stored in a file.
    how : Writing, optional

    Returns
    -------
    notes : tuple of str
        Contents that the file lacks, or does not hold exactly, in words.

    Raises
    ------
    DataError
        If headers cannot hold positions, numbers, times or components.
    """
    how, gathers = how or Writing(), gathers.as_recorded()
    fields = (
        byte_map("su" if how.kind == "su" else "standard") if how.fields is None else how.fields
    )
    has_scalar = bool(fields["time_scalar"].byte)
    components = SensorCodes.of(gathers.acquisition, how.kind, fields)
    positions = _Positions(gathers, how.divisor)
    delays, scalar = _delays(_starts(gathers), has_scalar)
    encoding = how.encoding
    if encoding == "auto":
        wide = np.dtype(gathers.data.dtype).itemsize > 4 and how.kind == "segy"
        encoding = "ieee8" if wide else "ieee"
    form = Form(
        gathers.interval,
        gathers.samples,
        int(Traces.of(gathers.data).counts.sum()),
        encoding,
        how.kind,
        _text(gathers, positions, components, fields),
        fields,
        polarity=components.polarity,
    )
    with writing(path, form) as writer:
        times = {"delay": delays}
        if has_scalar:
            times["time_scalar"] = np.full(len(delays), scalar)
        _append(writer, gathers, (positions, components), times, how.headers)
    notes = [positions.note, _length_note(gathers), _wavelet_note(gathers), *components.notes()]
    return tuple(note for note in notes if note)


def _append(
    writer: TraceWriter,
    gathers: Gathers,
    receivers: tuple[_Positions, SensorCodes],
    times: Mapping[str, Array],
    columns: Mapping[str, ArrayLike],
) -> None:
    """Write the traces of all shots, several small ones at once."""
    traces = Traces.of(gathers.data)
    counts = traces.counts
    ends = np.cumsum(counts)
    with traces.opened() as opened:
        for shots in _groups(counts * gathers.samples):
            of_each = counts[shots]
            rows = slice(int(ends[shots][0] - of_each[0]), int(ends[shots][-1]))
            numbers = np.arange(len(counts))[shots]
            headers: dict[str, ArrayLike] = {
                "field_record": np.repeat(numbers + 1, of_each),
                "source_point": np.repeat(numbers + 1, of_each),
                "channel": np.concatenate([np.arange(1, n + 1) for n in of_each]),
                **{name: np.repeat(values[shots], of_each) for name, values in times.items()},
                **receivers[0].of(shots, of_each),
                **receivers[1].of_shots(shots),
                **{name: np.asarray(values)[rows] for name, values in columns.items()},
            }
            parts = [np.asarray(opened[number]) for number in numbers]
            writer.append(parts[0] if len(parts) == 1 else np.concatenate(parts), headers)


def divisor_of(positions: Sequence[Array]) -> int:
    """The smallest divisor of `DIVISORS` that is exact, or the largest that fits.

    Parameters
    ----------
    positions : sequence of ndarray
        Coordinates [m].

    Returns
    -------
    divisor : int

    Raises
    ------
    DataError
        If a coordinate does not fit four bytes.
    """
    largest = max(float(np.abs(p).max(initial=0)) for p in positions)
    fitting = [d for d in DIVISORS if largest * d <= LARGEST]
    if not fitting:
        raise DataError(f"a position of {largest:g} m does not fit the headers of SEG-Y")
    for divisor in fitting:
        scaled = (p * divisor for p in positions)
        if all((np.abs(np.rint(s) - s) <= EXACT * divisor).all() for s in scaled):
            return divisor
    return fitting[-1]


class _Positions:
    """Positions as whole numbers of a part of a metre."""

    def __init__(self, gathers: Gathers, divisor: int | None) -> None:
        self.survey = gathers.acquisition
        self.divisor = divisor or divisor_of(self._all())
        self.above = bool((self.survey.sources[:, -1] < 0).any())
        if divisor not in (None, *DIVISORS):
            raise DataError(f"a divisor of {divisor}; SEG-Y has {', '.join(map(str, DIVISORS))}")
        error = max(
            float(np.abs(np.rint(p * self.divisor) / self.divisor - p).max(initial=0))
            for p in self._all()
        )
        self.note = ""
        if error > EXACT:
            self.note = (
                f"positions are rounded to {1 / self.divisor:g} m, by up to {error:.2g} m: headers "
                f"of SEG-Y hold no more digits"
            )

    def _all(self) -> list[Array]:
        survey = self.survey
        if isinstance(survey.receivers, np.ndarray):
            return [survey.sources, survey.all_receivers()]
        return [survey.sources, *(survey.receivers_of(shot) for shot in range(survey.shots))]

    def of(self, shots: slice, counts: Array) -> dict[str, ArrayLike]:
        """Fields of the traces of some shots, by the numbers of their traces."""
        scalar = 1 if self.divisor == 1 else -self.divisor
        numbers = range(self.survey.shots)[shots]
        source = np.rint(self.survey.sources[shots] * self.divisor).astype(np.int64)
        source = np.repeat(source, counts, axis=0)
        receivers = np.concatenate([self.survey.receivers_of(number) for number in numbers])
        receivers = np.rint(receivers * self.divisor).astype(np.int64)
        depth = "source_elevation" if self.above else "source_depth"
        headers: dict[str, ArrayLike] = {
            "coordinate_scalar": scalar,
            "elevation_scalar": scalar,
            "coordinate_units": 1,
            "source_x": source[:, 0],
            "receiver_x": receivers[:, 0],
            depth: -source[:, -1] if self.above else source[:, -1],
            "receiver_elevation": -receivers[:, -1],
        }
        if source.shape[1] == 3:
            headers.update(source_y=source[:, 1], receiver_y=receivers[:, 1])
        return headers


def _groups(sizes: Array) -> Iterator[slice]:
    """Shots that are written at once, of up to `BLOCK` samples together, or a single larger one."""
    first, total = 0, 0
    for shot, size in enumerate(sizes):
        if shot > first and total + size > BLOCK:
            yield slice(first, shot)
            first, total = shot, 0
        total += size
    yield slice(first, len(sizes))


def _starts(gathers: Gathers) -> Array:
    """Start times of shots [s]."""
    return np.broadcast_to(gathers.start, gathers.acquisition.shots)


def _delays(starts: Array, has_scalar: bool) -> tuple[Array, int]:
    """Start times as whole parts of a millisecond, and their scalar."""
    for divisor in DIVISORS if has_scalar else DIVISORS[:1]:
        scaled = np.asarray(starts) * 1e3 * divisor
        if np.abs(scaled).max() > 32767:
            break
        if (np.abs(np.rint(scaled) - scaled) <= 1e-6).all():
            return np.rint(scaled).astype(np.int64), 1 if divisor == 1 else -divisor
    raise DataError(
        f"start times up to {np.abs(starts).max():g} s do not fit the headers of SEG-Y, which hold "
        f"up to 32767 parts of a millisecond"
    )


def _length_note(gathers: Gathers) -> str:
    if isinstance(gathers.data, np.ndarray):
        return ""
    lengths = gathers.data.lengths
    short = int((lengths < gathers.samples).sum())
    if not short:
        return ""
    return (
        f"{short} of {len(lengths)} shots have fewer samples than others, {lengths.min()} at "
        f"least: zeros fill them up to {gathers.samples}, since all traces of the file have as many"
    )


def _wavelet_note(gathers: Gathers) -> str:
    if gathers.wavelet is None:
        return ""
    return "SEG-Y has no place for the wavelet; give it in the section `wavelet`"


def _text(
    gathers: Gathers, positions: _Positions, components: SensorCodes, fields: Fields
) -> list[str]:
    """Contents of the file, for its text header."""
    sources = gathers.acquisition.sources
    axes = ("X", "Y", "DEPTH")[-sources.shape[1] :] if sources.shape[1] == 3 else ("X", "DEPTH")
    ranges = [
        f"SOURCES: {axis} FROM {low:.2f} TO {high:.2f} M"
        for axis, low, high in zip(axes, sources.min(axis=0), sources.max(axis=0), strict=True)
    ]
    bytes_of = {name: place.byte for name, place in fields.items()}
    depth = "source_elevation" if positions.above else "source_depth"
    lines = (
        ("field_record", "channel", "source_point", "trace_id", "unit"),
        ("source_x", "source_y", "receiver_x", "receiver_y", "coordinate_scalar"),
        ("receiver_elevation", depth, "elevation_scalar", "delay", "time_scalar", "gun"),
    )
    where = [
        "BYTES "
        + ", ".join(f"{bytes_of[n]} {n.replace('_', ' ').upper()}" for n in line if bytes_of[n])
        for line in lines
    ]
    return [
        "SHOT RECORDS WRITTEN BY FWICLI",
        f"{gathers.acquisition.shots} SHOTS, {components.words}",
        f"{gathers.samples} SAMPLES AT {gathers.interval * 1e3:g} MS",
        *ranges,
        *components.lines(),
        "",
        *where,
        "LENGTHS IN M, ELEVATIONS POSITIVE UPWARDS, DEPTHS DOWNWARDS",
        "DELAY IN MS; A SCALAR ABOVE 0 MULTIPLIES, BELOW 0 DIVIDES",
    ]
