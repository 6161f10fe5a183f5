"""The section `data`: records in a file, and which of their shots are used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from fwicli.config.values import Positive, Section

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


class Data(Section):
    """Shot records in HDF5; `shots` picks some of them as start:stop:step, numbered from 0.

    duration: what is used of them, and propagated [s]; all by default.
    silent: traces that are zero throughout: `drop` them from every comparison, or `compare` them
    like others. Those that hold values which are no numbers are dropped in any case.
    """

    file: Path
    traces: str = "data"
    silent: Literal["drop", "compare"] = "drop"
    shots: Annotated[
        str,
        BeforeValidator(_written),
        Field(pattern=r"^(-?[0-9]{1,9})?(:(-?[0-9]{1,9})?){0,2}$"),
    ] = ":"
    duration: Positive | None = None

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
