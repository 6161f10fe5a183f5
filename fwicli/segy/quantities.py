"""Positions, times and sampling of traces in SI units, from the headers of one file or several.

A scalar s multiplies the values of its header where s > 0, and divides them by -s where s < 0; 0
stands for 1. Headers that contradict each other are refused with file, trace and byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.segy.fields import Field
from fwicli.segy.index import Index

Array = NDArray[Any]

SCALARS = (0, 1, 10, 100, 1000, 10000, -1, -10, -100, -1000, -10000)
# Units of coordinates that are angles, by code, and the largest of them.
ANGLES = {2: ("seconds of arc", 1_296_000.0), 3: ("degrees", 360.0), 4: ("degrees", 3_600_000.0)}
# Sampling intervals are stored in microseconds, in 16 bits with a sign.
LARGEST = 32767e-6
MILLISECOND = 1e-3
ROUNDED = 0.6e-6
HORIZONTAL = ("source_x", "source_y", "receiver_x", "receiver_y")


class Quantities:
    """Traces of several files in their order.

    Parameters
    ----------
    indexes : sequence of Index
        At least one.
    section : str
        Section of the config that has the `interval` of these traces, for messages.

    Attributes
    ----------
    notes : list of str
        Values that were converted, or contradict each other, in words.
    """

    def __init__(self, indexes: Sequence[Index], section: str = "data") -> None:
        self.indexes, self.section = tuple(indexes), section
        self.ends = np.cumsum([index.layout.traces for index in indexes])
        self.notes: list[str] = []

    @property
    def traces(self) -> int:
        """Number of traces of all files."""
        return int(self.ends[-1])

    def place(self, trace: int, name: str) -> str:
        """File, number from 1 and byte of a field of a trace, for messages.

        Parameters
        ----------
        trace : int
            Number over all files, from 0.
        name : str
            Of the field.

        Returns
        -------
        place : str
        """
        file = int(np.searchsorted(self.ends, trace, side="right"))
        layout = self.indexes[file].layout
        number = trace - int(self.ends[file]) + layout.traces + 1
        return f"{layout.path}, trace {number}, byte {self._field(name).byte} ({name})"

    def stored(self, name: str) -> Array:
        """Values as they are stored, shape (traces,), or (1,) where all are the same."""
        parts = [index.stored(name) for index in self.indexes]
        first = parts[0][0]
        if all(len(part) == 1 and part[0] == first for part in parts):
            return parts[0]
        return np.concatenate([index.column(name) for index in self.indexes])

    def z(self, of: str) -> Array:
        """Depths of sources or receivers below elevation 0 [m], shape (traces,) or (1,).

        Parameters
        ----------
        of : {"source", "receiver"}
        """
        scalars = "elevation_scalar"
        depth, elevation = (
            self._length(f"{of}_{name}", scalars) for name in ("depth", "elevation")
        )
        if np.any(depth) and np.array_equal(depth, -elevation):
            self.notes.append(
                f"{of}_depth (byte {self._field(f'{of}_depth').byte}) is minus {of}_elevation "
                f"(byte {self._field(f'{of}_elevation').byte}) in all traces, and z is the sum of "
                f"both depths; if a file states one depth twice, set "
                f"`data.bytes: {{{of}_elevation: none}}`"
            )
        result: Array = depth - elevation
        return result

    def horizontal(self, name: str) -> Array:
        """A coordinate of a map [m], shape (traces,) or (1,); `name` is as in `source_x`.

        Raises
        ------
        DataError
            If it is an angle, or its scalar is none of the standard.
        """
        return self._length(name, "coordinate_scalar")

    def check_units(self, names: Sequence[str] = HORIZONTAL) -> None:
        """Refuse coordinates in angles.

        Parameters
        ----------
        names : sequence of str
            Coordinates that are compared with the largest angle.

        Raises
        ------
        DataError
        """
        units = np.asarray(self.stored("coordinate_units"))
        for code, (unit, limit) in ANGLES.items():
            stated = units == code
            if not stated.any():
                continue
            largest = max(float(np.abs(self.horizontal(name)).max()) for name in names)
            place = self.place(int(np.argmax(stated)), "coordinate_units")
            if largest <= limit:
                raise DataError(
                    f"{place}: coordinates are in {unit} (code {code}), and sources and receivers "
                    f"need lengths [m]: project them to a map, as to UTM, and write them with code "
                    f"1; if they are lengths, set `data.bytes: {{coordinate_units: {{value: 1}}}}`"
                )
            self.notes.append(
                f"{place}: coordinates are said to be in {unit} (code {code}), but reach "
                f"{largest:g}, which no such angle does; they are taken as lengths"
            )
        # SU has no place for the unit.
        layouts = [index.layout for index in self.indexes if index.layout.kind == "segy"]
        if not all(layout.states_length for layout in layouts):
            self.notes.append("byte 3255 states no unit of lengths; they are taken as metres")
        if any(index.layout.length != 1.0 for index in self.indexes):
            self.notes.append("lengths are in feet (byte 3255) and are converted to metres")

    def start(self) -> Array:
        """Time of the first sample of each trace [s], shape (traces,) or (1,)."""
        delays = self._signed("delay")
        result: Array = self._scaled(delays, "delay", "time_scalar") * MILLISECOND
        return result

    def sampling(self, stated: float | None = None) -> tuple[float, int]:
        """Sampling interval [s] and number of samples, common to all traces.

        Parameters
        ----------
        stated : float, optional
            Interval that the user states [s]; headers are then not compared.

        Raises
        ------
        DataError
            If headers contradict each other, or state no interval.
        """
        first = self.indexes[0].layout
        for index in self.indexes[1:]:
            if index.layout.samples != first.samples:
                raise DataError(
                    f"{index.layout.path} has {index.layout.samples} samples a trace and "
                    f"{first.path} has {first.samples}; read them as separate surveys"
                )
        self._compare_counts()
        return (self._interval() if stated is None else stated), first.samples

    def _interval(self) -> float:
        """Sampling interval of all headers [s]."""
        binary = {index.layout.interval for index in self.indexes if index.layout.interval}
        traces = np.unique(self.stored("sample_interval"))
        # Trace headers hold whole microseconds, and those of revision 2 are rounded.
        others = {
            float(t) / 1e6 for t in traces if t and all(abs(t / 1e6 - b) > ROUNDED for b in binary)
        }
        values = sorted({*binary, *others})
        if len(values) == 1 and values[0] <= LARGEST:
            return values[0]
        remedy = f"set `{self.section}.interval` [s] to the right one"
        place = self.place(0, "sample_interval")
        if not values:
            raise DataError(f"{place}: no header states a sampling interval; {remedy}")
        if values[-1] > LARGEST:
            raise DataError(f"{self._negative(values[-1], binary)}; {remedy}")
        common = next(iter(binary), values[0])
        column = np.asarray(self.stored("sample_interval")) / 1e6
        differs = (np.abs(column - common) > ROUNDED) & (column != 0)
        where = self.place(int(np.argmax(differs)), "sample_interval")
        stated = ", ".join(f"{v:g}" for v in values[:5])
        raise DataError(
            f"{where}: sampling intervals of headers differ: {stated} s (the binary header, byte "
            f"3217, states {common:g} s); {remedy}"
        )

    def _negative(self, interval: float, binary: set[float]) -> str:
        """A sampling interval [s] that is negative if its header has a sign, in words."""
        column = np.asarray(self.stored("sample_interval")) / 1e6
        trace = int(np.argmax(column > LARGEST))
        where = self.place(trace, "sample_interval")
        if interval in binary:
            where = f"{self.indexes[0].layout.path}: the binary header, byte 3217"
        microseconds = round(interval * 1e6)
        if microseconds >= 1 << 16:
            return f"{where}: the sampling interval is {interval:g} s, which is too long"
        return (
            f"{where}: the sampling interval is negative, {microseconds - (1 << 16)} µs (without a "
            f"sign it would be {microseconds} µs)"
        )

    def _compare_counts(self) -> None:
        """Note trace headers that state another number of samples than the binary header."""
        for index in self.indexes:
            counts = index.column("sample_count")
            other = (counts != index.layout.samples) & (counts != 0)
            if index.layout.kind == "segy" and index.layout.samples <= 65535 and other.any():
                first = int(np.argmax(other))
                self.notes.append(
                    f"{index.layout.path}: {int(other.sum())} of {index.layout.traces} trace "
                    f"headers state another number of samples (the first, trace {first + 1}, byte "
                    f"{index.fields['sample_count'].byte}: {int(counts[first])}) than the binary "
                    f"header (byte 3221: {index.layout.samples}), which the size of the file "
                    f"confirms"
                )

    def _field(self, name: str) -> Field:
        return self.indexes[0].fields[name]

    def _signed(self, name: str) -> Array:
        values: Array = np.asarray(self.stored(name), dtype=np.float64)
        if not np.isfinite(values).all():
            first = int(np.argmax(~np.isfinite(values)))
            raise DataError(f"{self.place(first, name)} is no number; check type and byte")
        if self._field(name).sign < 0:
            values = -values
        return values

    def _length(self, name: str, scalar: str) -> Array:
        """A length [m] with its sign and scalar."""
        values = self._signed(name)
        if not self._field(name).byte:
            return values
        values = self._scaled(values, name, scalar)
        units = [index.layout.length for index in self.indexes]
        if set(units) == {1.0}:
            return values
        scale = np.repeat(units, [index.layout.traces for index in self.indexes])
        in_metres: Array = values * (scale if len(set(units)) > 1 else scale[:1])
        return in_metres

    def _scaled(self, values: Array, name: str, scalar: str) -> Array:
        """Values with the scalar of their headers."""
        if not self._field(name).is_scaled:
            return values
        scalars = np.asarray(self.stored(scalar))
        wrong = ~np.isin(scalars, SCALARS) & (values != 0)
        if wrong.any():
            first = int(np.argmax(wrong))
            value = scalars[first % len(scalars)]
            raise DataError(
                f"{self.place(first, scalar)} is {value}; a scalar is 1, 10, 100, 1000 or 10000 "
                f"of either sign, or 0 for 1: give that of {name}, as in "
                f"`data.bytes: {{{scalar}: {{value: -100}}}}` for centimetres"
            )
        if not (scalars > 1).any() and not (scalars < -1).any():
            return values
        times = np.where(scalars > 0, scalars, 1)
        result: Array = values * times / np.where(scalars < 0, -scalars, 1).astype(np.float64)
        return result
