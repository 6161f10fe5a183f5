"""Traces that are read, and their components, by trace identification code and unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.segy import sensors
from fwicli.segy.fields import RECEIVER, SHOT, STANDARD
from fwicli.segy.index import Index
from fwicli.segy.quantities import Quantities
from fwicli.survey.components import EXCHANGED, PRESSURE, Component, ordered

Numbers = NDArray[np.int64]

# Values of a code in one number with that of a unit, both of 16 bits.
RANGE = 1 << 17
# That receivers may have recorded of sources of pressure, if they become sources.
EXCHANGEABLE = (PRESSURE.quantity, *EXCHANGED)


@dataclass(frozen=True)
class Grouping:
    """Which traces are read, and how they form shots.

    Attributes
    ----------
    keys : tuple of str
        "shot" (equal field record, gun and source position), "receiver" (equal receiver position
        and component; by reciprocity the receiver becomes the source, and sources become
        receivers), or names of fields.
    dead : {"drop", "zero"}
        Whether dead traces (trace id 2) are left out, or read as zeros.
    reversed : tuple of int
        Channels whose polarity is reversed.
    interval : float or None
        Sampling interval that the user states [s].
    trace_ids : mapping of int to Component or None
        Components of these codes, as the user states; None of traces that are left out.
    component : Component or None
        Of all receivers, as the user states.
    """

    keys: tuple[str, ...] = (SHOT,)
    dead: str = "drop"
    reversed: tuple[int, ...] = ()
    interval: float | None = None
    trace_ids: Mapping[int, Component | None] = field(default_factory=dict)
    component: Component | None = None

    @property
    def source(self) -> str:
        """Which end of the ray becomes the source: "source" or "receiver"."""
        return "receiver" if RECEIVER in self.keys else "source"


@dataclass(frozen=True)
class Selection:
    """Traces that are read.

    Attributes
    ----------
    chosen : ndarray of int, of shape (n,)
        Numbers of the traces over all files.
    factors : ndarray of int8, of shape (traces,) or (1,)
        1, -1 of traces that are reversed, 0 of dead ones.
    components : tuple of Component
        All that occur.
    recorded : ndarray of int16, of shape (traces,) or (1,)
        Numbers of the components of traces; -1 of those that are not read.
    emitted : Component
        Of the sources.
    """

    chosen: Numbers
    factors: NDArray[np.int8]
    components: tuple[Component, ...]
    recorded: NDArray[np.int16]
    emitted: Component


def select(headers: Quantities, grouping: Grouping) -> Selection:
    """Choose the traces that are read.

    Parameters
    ----------
    headers : Quantities
        It gets notes on traces that are left out, and on values that contradict each other.
    grouping : Grouping

    Returns
    -------
    selection : Selection

    Raises
    ------
    DataError
        If no trace is left, or codes and units contradict each other.
    """
    codes = _whole(headers.stored("trace_id"))
    dead = codes == sensors.DEAD
    _note_dead(headers, dead, grouping.dead)
    components, recorded = _recorded(headers, grouping, codes)
    if grouping.dead == "zero" and components:
        # Their sensor is unknown, and they are compared with nothing.
        usual = components.index(ordered(components)[0])
        recorded = np.where(dead, usual, recorded).astype(np.int16)
    chosen = np.flatnonzero(np.broadcast_to(recorded >= 0, headers.traces))
    if chosen.size == 0:
        raise DataError(
            f"{headers.place(0, 'trace_id')}: none of {headers.traces} traces is a record of "
            f"pressure or motion: " + "; ".join(headers.notes[-3:])
        )
    _check_single(headers, grouping, codes, recorded)
    _note_polarity(headers, grouping, codes, components)
    factors = np.where(dead, 0, 1).astype(np.int8)
    if grouping.reversed:
        factors = _reversed(headers, grouping.reversed, factors)
    return Selection(chosen, factors, components, recorded, _emitted(headers, grouping))


def _recorded(
    headers: Quantities, grouping: Grouping, codes: Numbers
) -> tuple[tuple[Component, ...], NDArray[np.int16]]:
    """Components, and the number of that of each trace; -1 of traces that are not read."""
    pairs, place = np.unique(codes * RANGE + _units(headers), return_inverse=True)
    judge, components = _Judge(headers, grouping, _listed(headers)), list[Component]()
    numbers = np.full(len(pairs), -1, dtype=np.int16)
    for number, pair in enumerate(pairs.tolist()):
        unit = (pair + RANGE // 2) % RANGE - RANGE // 2
        component = judge.component((pair - unit) // RANGE, unit, place.reshape(-1) == number)
        if component is not None:
            if component not in components:
                components.append(component)
            numbers[number] = components.index(component)
    return tuple(components), numbers[place.reshape(-1)]


def _listed(headers: Quantities) -> dict[int, Component]:
    """Components of codes that the text headers state."""
    listed: dict[int, Component] = {}
    for index in headers.indexes:
        for code, component in index.layout.sensors.items():
            if listed.setdefault(code, component) != component:
                raise DataError(
                    f"{index.layout.path} states another direction of trace id {code} "
                    f"({component.name}) than files beside it ({listed[code].name}); read them as "
                    f"separate surveys"
                )
    return listed


@dataclass(frozen=True)
class _Judge:
    """Component of traces with one code and unit.

    Parameters
    ----------
    headers : Quantities
    grouping : Grouping
    listed : dict of int to Component
        Of codes that the text header states.
    """

    headers: Quantities
    grouping: Grouping
    listed: Mapping[int, Component]

    def component(self, code: int, unit: int, traces: NDArray[np.bool_]) -> Component | None:
        """The component, or None with a note where they are not read.

        Parameters
        ----------
        code, unit : int
        traces : ndarray of bool, of shape (traces,) or (1,)
            Which they are.
        """
        if code == sensors.DEAD:
            return None
        component, is_stated = self._named(code, unit)
        if component is None:
            self._note(traces, code, self._reason(code, is_stated))
            return None
        if self.grouping.source == "receiver" and component.quantity not in EXCHANGEABLE:
            raise DataError(
                f"{self.headers.place(int(np.argmax(traces)), 'trace_id')}: trace id {code} is a "
                f"record of {component.name}, and reciprocity (`data.group: receiver`) exchanges "
                f"pressure, velocities and accelerations alone; set `data.trace_ids: {{{code}: "
                f"none}}` to leave these traces out, or `data.group: shot`"
            )
        if not is_stated and not sensors.agrees(component, unit):
            raise DataError(self._contradiction(component, code, unit, traces))
        if unit in sensors.ELECTRIC or unit not in (*sensors.UNSTATED, *sensors.UNITS):
            self._note_unit(component, unit, traces)
        return component

    def _named(self, code: int, unit: int) -> tuple[Component | None, bool]:
        """The component of a code, and whether the user has stated it."""
        grouping = self.grouping
        if code in grouping.trace_ids:
            return grouping.trace_ids[code], True
        component = self.listed.get(code) or sensors.component_of(code, unit)
        if grouping.component is not None and (component or code in sensors.WORDS):
            return grouping.component, True
        return component, False

    def _reason(self, code: int, is_stated: bool) -> str:
        """Why traces of a code are not read."""
        if is_stated:
            return "left out by `data.trace_ids`"
        reason = "no record of pressure, or of motion along an axis"
        if code in sensors.WORDS or code >= sensors.FREE:
            reason += f"; if it is one, name it, as in `data.trace_ids: {{{code}: vx}}`"
        return reason

    def _note(self, traces: NDArray[np.bool_], code: int, reason: str) -> None:
        headers, word = self.headers, sensors.WORDS.get(code)
        count = int(np.broadcast_to(traces, headers.traces).sum())
        headers.notes.append(
            f"{count} of {headers.traces} traces are not read: their trace id {code}"
            f"{f' ({word})' if word else ''} is {reason}; the first: "
            f"{headers.place(int(np.argmax(traces)), 'trace_id')}"
        )

    def _note_unit(self, component: Component, unit: int, traces: NDArray[np.bool_]) -> None:
        name = sensors.UNITS.get(unit, "a unit that the standard does not have")
        self.headers.notes.append(
            f"{self.headers.place(int(np.argmax(traces)), 'unit')}: samples of {component.name} "
            f"are in {name} (code {unit}), and are taken as {component.unit}: amplitudes may be "
            f"those of the sensor"
        )

    def _contradiction(
        self, component: Component, code: int, unit: int, traces: NDArray[np.bool_]
    ) -> str:
        first = int(np.argmax(traces))
        byte = self.headers.indexes[0].fields["unit"].byte
        return (
            f"{self.headers.place(first, 'trace_id')}: trace id {code} is a record of "
            f"{component.name} [{component.unit}], and byte {byte} states the unit "
            f"{sensors.UNITS[unit]} (code {unit}); set `data.trace_ids: {{{code}: vz}}` to what "
            f"the traces recorded, or `data.bytes: {{unit: none}}` if the unit is wrong"
        )


def _whole(values: NDArray[Any]) -> Numbers:
    """Codes as whole numbers of 16 bits; others stand for none."""
    codes = np.asarray(values, dtype=np.float64)
    valid = (np.abs(codes) < RANGE // 4) & (codes == np.rint(codes))
    return np.where(valid, codes, RANGE // 4).astype(np.int64)


def _units(headers: Quantities) -> Numbers:
    """Codes of the units of samples; 0 of files whose revision has none, unless at another byte."""

    def of(index: Index) -> NDArray[Any]:
        stated = index.layout.revision > 0 or index.fields["unit"] != STANDARD["unit"]
        return index.stored("unit") if stated else np.zeros(1)

    parts = [_whole(of(index)) for index in headers.indexes]
    if all(len(part) == 1 and part[0] == parts[0][0] for part in parts):
        return parts[0]
    counts = [index.layout.traces for index in headers.indexes]
    return np.concatenate([np.broadcast_to(p, n) for p, n in zip(parts, counts, strict=True)])


def _note_dead(headers: Quantities, dead: NDArray[np.bool_], fate: str) -> None:
    """Note dead traces."""
    count = int(np.broadcast_to(dead, headers.traces).sum())
    if count:
        words = "not read" if fate == "drop" else "zero, and compared with nothing"
        place = headers.place(int(np.argmax(dead)), "trace_id")
        headers.notes.append(
            f"{count} of {headers.traces} traces are dead (trace id 2; the first: {place}); they "
            f"are {words} (`data.dead: {fate}`)"
        )


def _check_single(
    headers: Quantities, grouping: Grouping, codes: Numbers, recorded: NDArray[np.int16]
) -> None:
    """Traces of several sensors are not all of one component."""
    if grouping.component is None or grouping.trace_ids:
        return
    read = np.unique(np.broadcast_to(codes, np.shape(recorded))[recorded >= 0])
    kinds = sorted({int(code) for code in read if code not in (*sensors.SEISMIC, sensors.DEAD)})
    hydrophone = [sensors.HYDROPHONE] if sensors.HYDROPHONE in read else []
    if len(kinds) + len(hydrophone) > 1:
        listed = ", ".join(map(str, [*hydrophone, *kinds]))
        error = DataError(
            f"{headers.place(0, 'trace_id')}: traces are of several sensors (trace ids {listed}), "
            f"and `data.component` would make all of them {grouping.component.name}; leave it out, "
            f"or state each, as in `data.trace_ids: {{{kinds[-1]}: {grouping.component.code}}}`"
        )
        error.key = ("component",)
        raise error


def _note_polarity(
    headers: Quantities,
    grouping: Grouping,
    codes: Numbers,
    components: tuple[Component, ...],
) -> None:
    """Note files whose upward motion is said to be positive, and which are read as they are."""
    up = [index.layout.path for index in headers.indexes if index.layout.polarity == 2]
    vertical = [n for n, axis in sensors.AXES.items() if axis == "z" and n in codes]
    vertical = [n for n in vertical if n not in grouping.trace_ids]
    if not up or not vertical or grouping.component is not None:
        return
    quantity = next((c.quantity for c in components if c.name in ("vz", "az")), "velocity")
    turned = ", ".join(f"{n}: {{quantity: {quantity}, dip: -90}}" for n in vertical)
    headers.notes.append(
        f"{up[0]}: byte 3257 states that upward motion gives positive numbers (code 2), and "
        f"vertical traces are read as positive downwards; if it is right, set "
        f"`data.trace_ids: {{{turned}}}`"
    )


def _emitted(headers: Quantities, grouping: Grouping) -> Component:
    """Component of the sources, as the text headers state."""
    each = {index.layout.emitted for index in headers.indexes}
    if len(each) > 1:
        names = ", ".join(component.name for component in ordered(each))
        raise DataError(
            f"{headers.indexes[0].layout.path} and files beside it have different sources, "
            f"{names}; read them as separate surveys"
        )
    emitted = each.pop()
    if emitted != PRESSURE and grouping.source == "receiver":
        raise DataError(
            f"{headers.indexes[0].layout.path}: sources emit {emitted.name}, and reciprocity "
            f"exchanges sources of pressure alone; group traces by `data.group: shot`"
        )
    return emitted


def _reversed(
    headers: Quantities, channels: tuple[int, ...], factors: NDArray[np.int8]
) -> NDArray[np.int8]:
    """Factors with those of reversed channels turned."""
    column = np.broadcast_to(headers.stored("channel"), headers.traces)
    for channel in channels:
        if not (column == channel).any():
            raise DataError(
                f"no trace has the channel {channel} of `data.reversed`; channels (byte "
                f"{headers.indexes[0].fields['channel'].byte}) are {int(column.min())} to "
                f"{int(column.max())}"
            )
    turned = np.isin(column, channels)
    headers.notes.append(
        f"{int(turned.sum())} of {headers.traces} traces are multiplied by -1 (`data.reversed`)"
    )
    return (factors * np.where(turned, -1, 1)).astype(np.int8)
