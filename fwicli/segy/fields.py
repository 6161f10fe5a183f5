"""Trace header fields: the byte, type and sign of each, by the standard or by the user.

A depth is positive downwards, an elevation upwards, each with the sign that the file states:

    z of a source   = source_depth   - source_elevation,
    z of a receiver = receiver_depth - receiver_elevation.

`receiver_depth`, `gun` and `receiver_point` have no byte in the standard; they are read where the
user says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from fwicli.errors import DataError

# Types of fields, as NumPy names them in the byte order of most files.
TYPES = {
    "int16": ">i2",
    "uint16": ">u2",
    "int32": ">i4",
    "uint32": ">u4",
    "float32": ">f4",
    "float64": ">f8",
}
HEADER = 240
# Keys of groups besides names of fields: equal field record, gun and source position, and equal
# receiver position; by reciprocity the receiver is then the source.
GROUPS = SHOT, RECEIVER = ("shot", "receiver")
WRITTEN = re.compile(r"^(\d{1,3})(?::(\w+))?$")


@dataclass(frozen=True)
class Field:
    """Where a value of a trace is, or what it is for all traces.

    Attributes
    ----------
    byte : int
        First byte in the trace header, counted from 1; 0 if the field is not read.
    kind : str
        Type, as in `TYPES`.
    sign : int
        1 or -1, by which values are multiplied.
    value : float
        Value for all traces in SI units, of a field that is not read.
    """

    byte: int
    kind: str = "int32"
    sign: int = 1
    value: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in TYPES:
            raise DataError(f"a field of type `{self.kind}`; it must be one of {', '.join(TYPES)}")
        if self.sign not in (1, -1):
            raise DataError(f"a field of sign {self.sign}; it must be 1 or -1")
        if self.byte and not 1 <= self.byte <= HEADER + 1 - self.size:
            raise DataError(
                f"a field of type {self.kind} at byte {self.byte} is not within a trace header; "
                f"choose a byte from 1 to {HEADER + 1 - self.size}"
            )

    @property
    def size(self) -> int:
        """Number of its bytes."""
        return int(TYPES[self.kind][2])

    @property
    def is_scaled(self) -> bool:
        """Whether the scalars of a trace header apply: to integers that are read."""
        return self.byte > 0 and not self.kind.startswith("float")


STANDARD: dict[str, Field] = {
    "field_record": Field(9),
    "channel": Field(13),
    "source_point": Field(17),
    "receiver_point": Field(0),
    "gun": Field(0, "int16"),
    "trace_id": Field(29, "int16"),
    "receiver_elevation": Field(41),
    "source_elevation": Field(45),
    "source_depth": Field(49),
    "receiver_depth": Field(0),
    "elevation_scalar": Field(69, "int16"),
    "coordinate_scalar": Field(71, "int16"),
    "source_x": Field(73),
    "source_y": Field(77),
    "receiver_x": Field(81),
    "receiver_y": Field(85),
    "coordinate_units": Field(89, "int16"),
    "delay": Field(109, "int16"),
    "sample_count": Field(115, "uint16"),
    "sample_interval": Field(117, "uint16"),
    "unit": Field(203, "int16"),
    "time_scalar": Field(215, "int16"),
}


@dataclass(frozen=True)
class Preset:
    """Fields that differ from the standard, and how traces form shots.

    Attributes
    ----------
    fields : mapping of str to Field
    group : tuple of str
        As in `survey.Grouping`.
    """

    fields: Mapping[str, Field]
    group: tuple[str, ...]


PRESETS: dict[str, Preset] = {
    "standard": Preset({}, ("shot",)),
    "streamer": Preset({}, ("shot",)),
    "land": Preset({}, ("field_record", "source_point")),
    "obn": Preset({}, ("receiver",)),
    # SU uses bytes 181 to 240 for other things.
    "su": Preset({"unit": Field(0, "int16"), "time_scalar": Field(0, "int16")}, ("shot",)),
}


def byte_map(preset: str = "standard", changes: Mapping[str, Field] | None = None) -> Fields:
    """Fields of a preset with changes by the user.

    Parameters
    ----------
    preset : str
        As in `PRESETS`.
    changes : mapping of str to Field, optional

    Returns
    -------
    fields : dict of str to Field

    Raises
    ------
    DataError
        If a name is unknown.
    """
    if preset not in PRESETS:
        raise DataError(f"there is no preset `{preset}`; choose one of {', '.join(PRESETS)}")
    for name in changes or {}:
        if name not in STANDARD:
            raise DataError(f"there is no field `{name}`; choose some of {', '.join(STANDARD)}")
    return {**STANDARD, **PRESETS[preset].fields, **(changes or {})}


Fields = dict[str, Field]


def field(name: str, text: str) -> Field:
    """A field as a user writes it, as in `81:int32`, `81` or `none`.

    Parameters
    ----------
    name : str
        It gives the type where the text does not.
    text : str

    Returns
    -------
    field : Field

    Raises
    ------
    DataError
        If the text is none of these.
    """
    usual = STANDARD[name]
    if text == "none":
        return replace(usual, byte=0)
    written = WRITTEN.match(text)
    if written is None:
        raise DataError(
            f"`{text}` is no field; write its first byte and type, as in `81:int32`, or `none`"
        )
    return Field(int(written[1]), written[2] or usual.kind)
