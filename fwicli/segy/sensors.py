"""Sensors of traces: components by trace identification code, and units of samples.

    code (bytes 29-30)    component                     unit (bytes 203-204)
    -1, 0, 1, 11          pressure                      1 Pa
    12, 15                vertical: z, downwards        5 m, 6 m/s, 7 m/s2
    13                    cross-line: y                 5 m, 6 m/s, 7 m/s2
    14                    in-line: x                    5 m, 6 m/s, 7 m/s2
    256 and above         as the text header says       5 m, 6 m/s, 7 m/s2

Directions are those of the axes of the model, and motion along them is positive: downwards for z,
which is the polarity of SEG (upward motion gives negative numbers, code 1 of byte 3257). A geophone
without a unit is one of velocity. Codes 16 and 17, transverse and radial, turn with each trace and
stand for no direction. Codes from 256 are for optional use; a line of the text header states each
by quantity, dip and azimuth [deg], and one states a source that is no explosion; the numbers of a
moment are the elements xx, yy, zz, xy, xz, yz of its tensor:

    TRACE ID 256 IS VELOCITY 30.0 45.0
    TRACE ID 257 IS STRAIN_RATE 0.0 0.0 10.0        with the length of the gauge [m]
    SOURCES EMIT FORCE 90.0 0.0
    SOURCES EMIT MOMENT 1.0 0.0 -1.0 0.0 0.5 0.0

Codes and units are those of SEG Technical Standards Committee, SEG-Y revision 1 (2002) and 2.0
(2017); revision 0 has neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from fwicli.errors import DataError, GeometryError
from fwicli.survey import moments
from fwicli.survey.components import PRESSURE, Component, ordered

DEAD = 2
# Codes of records of pressure or of an unstated sensor, and axes of the standard's geophones.
SEISMIC = (-1, 0, 1, 11)
HYDROPHONE = 11
AXES = {12: "z", 13: "y", 14: "x", 15: "z"}
WORDS = {
    12: "vertical motion",
    13: "cross-line motion",
    14: "in-line motion",
    15: "vertical motion, rotated",
    16: "transverse motion",
    17: "radial motion",
}
UNITS = {1: "Pa", 2: "V", 3: "mV", 4: "A", 5: "m", 6: "m/s", 7: "m/s2", 8: "N", 9: "W"}
# Units of the output of a sensor, of any motion or pressure.
ELECTRIC = (2, 3, 4)
UNSTATED = OTHER, _ = (-1, 0)
LETTERS = {5: "u", 6: "v", 7: "a"}
# Codes for optional use, in all revisions, and beside the flags that SU has.
FREE = 256
MOST_DIRECTIONS = 16
LONGEST = 76  # line of a text header

NUMBER = r"(-?[0-9.E+-]{1,25})"
RECEIVERS = re.compile(
    rf"TRACE ID (\d{{1,5}}) IS (?:(VELOCITY|DISPLACEMENT|ACCELERATION) {NUMBER} {NUMBER}"
    rf"|(STRAIN_RATE|STRAIN) {NUMBER} {NUMBER} {NUMBER})"
)
SOURCES = re.compile(
    rf"SOURCES EMIT (?:(FORCE|VELOCITY|ACCELERATION) {NUMBER} {NUMBER}"
    rf"|(MOMENT) {' '.join([NUMBER] * len(moments.ELEMENTS))})"
)


def component_of(code: int, unit: int) -> Component | None:
    """The component of a trace by the standard; None if its code stands for no component.

    Parameters
    ----------
    code, unit : int
        As stored.

    Returns
    -------
    component : Component or None
    """
    if code in SEISMIC:
        return PRESSURE
    return Component.named(LETTERS.get(unit, "v") + AXES[code]) if code in AXES else None


def agrees(component: Component, unit: int) -> bool:
    """Whether a unit does not contradict a component.

    Parameters
    ----------
    component : Component
    unit : int
        As stored.

    Returns
    -------
    agrees : bool
    """
    return unit not in UNITS or unit in ELECTRIC or UNITS[unit] == component.unit


# --- written --------------------------------------------------------------------------------------


def unit_of(component: Component) -> int:
    """Code of the unit of a component that receivers record; that of others for strains."""
    return next((code for code, unit in UNITS.items() if unit == component.unit), OTHER)


def codes_of(components: Iterable[Component]) -> dict[Component, int]:
    """Codes of the receivers of a file; those of directions that are no axes begin with `FREE`.

    Parameters
    ----------
    components : iterable of Component

    Returns
    -------
    codes : dict of Component to int

    Raises
    ------
    DataError
        If there are more directions than the text header has lines for.
    """
    each = ordered(components)
    if each == [PRESSURE]:
        return {PRESSURE: 1}  # as of surveys without other sensors
    axes = {Component.named(f"{v}{axis}"): n for n, axis in AXES.items() if n < 15 for v in "vau"}
    codes = {PRESSURE: HYDROPHONE, **axes}
    others = [component for component in each if component not in codes]
    if len(others) > MOST_DIRECTIONS:
        raise DataError(
            f"records along {len(others)} directions that are no axes do not fit the text header "
            f"of SEG-Y, which has lines for {MOST_DIRECTIONS}; write HDF5"
        )
    codes |= {component: FREE + number for number, component in enumerate(others)}
    return {component: codes[component] for component in each}


def lines(codes: Mapping[Component, int], emitted: Component) -> list[str]:
    """Lines of the text header for codes of optional use, and for sources that are no explosions.

    Parameters
    ----------
    codes : mapping of Component to int
    emitted : Component

    Returns
    -------
    lines : list of str

    Raises
    ------
    DataError
        If the numbers of a direction or of a tensor have too many digits.
    """
    written = [f"TRACE ID {n} IS {c.written.upper()}" for c, n in codes.items() if n >= FREE]
    if emitted != PRESSURE:
        written.append(f"SOURCES EMIT {emitted.written.upper()}")
    for line in written:
        if len(line) > LONGEST:
            raise DataError(
                f"`{line}` does not fit a line of the text header of SEG-Y; write HDF5, or round "
                f"its numbers"
            )
    return written


# --- read -----------------------------------------------------------------------------------------


def stated(text: bytes, path: Path) -> tuple[dict[int, Component], Component]:
    """Components of codes of optional use, and that of the sources, by a text header.

    Parameters
    ----------
    text : bytes
        In EBCDIC or ASCII.
    path : Path
        Of the file, for messages.

    Returns
    -------
    receivers : dict of int to Component
    sources : Component

    Raises
    ------
    DataError
        If a line states no direction, or two lines contradict each other.
    """
    written = " ".join(text.decode(encoding, "replace") for encoding in ("cp037", "ascii"))
    receivers: dict[int, Component] = {}
    for code, *words in RECEIVERS.findall(written):
        component = _component([word for word in words if word], path)
        if receivers.setdefault(int(code), component) != component:
            raise DataError(
                f"{path}: the text header states two directions of trace id {code}, "
                f"{receivers[int(code)].name} and {component.name}; correct it"
            )
    sources = {
        _component([word for word in words if word], path) for words in SOURCES.findall(written)
    }
    if len(sources) > 1:
        names = ", ".join(sorted(component.name for component in sources))
        raise DataError(f"{path}: the text header states several sources, {names}; correct it")
    return receivers, next(iter(sources), PRESSURE)


def _component(words: Iterable[str], path: Path) -> Component:
    """The component of a line of the text header."""
    try:
        return Component.named(" ".join(words).lower())
    except (ValueError, GeometryError) as error:
        raise DataError(f"{path}: the text header states `{' '.join(words)}`: {error}") from error
