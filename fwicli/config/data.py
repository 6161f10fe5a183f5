"""The section `data`: records in a file, and which of their shots are used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator

from fwicli.config.components import ComponentKey
from fwicli.config.coordinates import CoordinatesSection
from fwicli.config.segy import TraceHeadersSection
from fwicli.config.values import Number, Positive, Section

PATTERN = r"^(-?[0-9]{1,9})?(:(-?[0-9]{1,9})?){0,2}$"
SELECTION = "must be written as start:stop:step, as in 0:20:2, or be one number"


def _written(value: Any) -> Any:
    """A selection as it was meant: `1` is a number to YAML, and `1:` a mapping."""
    if isinstance(value, dict) and len(value) == 1:
        ((before, after),) = value.items()
        if isinstance(before, str) and (after is None or type(after) is int):
            return f"{before}:{'' if after is None else after}"
    if isinstance(value, str):
        return value
    if type(value) is not int:
        raise ValueError(SELECTION)
    return str(value)


_Selection = Annotated[str, Field(pattern=PATTERN)]


_Axis = Literal["x", "y", "z", "-x", "-y", "-z"]


class AxesSection(Section):
    """Which coordinate of the file lies along each axis of the model, and with which sign."""

    x: _Axis = "x"
    """The x of the model is this coordinate of the file."""
    y: _Axis = "y"
    """The y of the model is this coordinate of the file, in 3D."""
    z: _Axis = "z"
    """The z of the model, downwards, is this coordinate of the file; -z for elevations."""


def _is_list(value: Any) -> str:
    return "list" if isinstance(value, list) else "text"


Files = Annotated[
    Annotated[Path, Tag("text")] | Annotated[list[Path], Field(min_length=1), Tag("list")],
    Discriminator(_is_list),
]


class RecordFilesSection(Section):
    """Files of shot records of any format, and which of their shots are used."""

    file: Files
    """The shot records are read from this file, relative to the config; of SEG-Y or SU also from a
    list or a pattern, as `line*.sgy`."""
    format: Literal["hdf5", "segy", "su", "rsf"] | None = None
    """The file has this format; by default as its name and first bytes tell."""
    traces: str = "data"
    """The traces have this name in an HDF5 file."""
    shots: Annotated[
        str,
        BeforeValidator(_written, json_schema_input_type=_Selection | int),
        Field(pattern=PATTERN),
    ] = ":"
    """These shots are used, written as start:stop:step and numbered from 0."""
    skip: list[Annotated[int, Field(strict=True, ge=0)]] = Field(default=[])
    """These of the `shots` are left out, numbered from 0."""
    interval: Positive | None = None
    """The samples are this far apart, whatever the file says [s]."""
    shift: Number = 0.0
    """The traces are moved to later times by this, or to earlier ones if negative [s]."""
    axes: AxesSection | None = None
    """The coordinates of sources and receivers are along these axes; by default as named."""
    receiver_axes: AxesSection | None = None
    """The coordinates of receivers alone are along these axes; by default as `axes` says."""
    component: ComponentKey | None = None
    """The receivers recorded this component; by default as the file says, or else pressure."""
    source_component: ComponentKey | None = None
    """The sources emit this component, as `fz`; by default as the file says, or else pressure."""
    coordinates: CoordinatesSection | None = None
    """The positions are on a map, and these settings bring them to the axes of the model."""
    source_depth_below_surface: Number | None = None
    """All sources are this far below `physics.topography`, whatever depths the file holds [m]."""
    receiver_depth_below_surface: Number | None = None
    """All receivers are this far below `physics.topography`, whatever depths the file holds [m]."""

    @field_validator("shots")
    @classmethod
    def _steps(cls, value: str) -> str:
        parts = value.split(":")
        if not value:
            raise ValueError(SELECTION)
        if len(parts) == 3 and parts[2] and int(parts[2]) == 0:
            raise ValueError("the step of start:stop:step must not be 0")
        return value

    def selection(self) -> slice:
        """The shots to read."""
        parts = [int(p) if p else None for p in self.shots.split(":")]
        if len(parts) == 1:
            number = parts[0] or 0
            return slice(number, number + 1 if number != -1 else None)
        return slice(*parts)


class RecordsSection(TraceHeadersSection, RecordFilesSection):
    """Files of shot records, and how they are read: keys of every format come first."""


class DataSection(RecordsSection):
    """Shot records in a file."""

    silent: Literal["drop", "compare"] = "drop"
    """Traces that are zero throughout are dropped from every comparison, or compared like
    others."""
    duration: Positive | None = None
    """Records are used, and waves propagated, up to this time [s]; by default all of them."""
