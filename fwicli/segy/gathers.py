"""Shot records of SEG-Y and SU files as the survey that all commands use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fwicli.errors import DataError
from fwicli.segy.fields import Fields, byte_map
from fwicli.segy.index import read_index
from fwicli.segy.selection import Grouping
from fwicli.segy.survey import Survey, read_survey
from fwicli.segy.traces import SegyTraces
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.components import Component
from fwicli.survey.gathers import Gathers


def read_gathers(
    paths: str | Path | Sequence[str | Path],
    fields: Fields | None = None,
    grouping: Grouping | None = None,
    kind: str = "",
    northing: bool = False,
) -> Gathers:
    """Read the headers of files; samples are read shot by shot, when they are used.

    Parameters
    ----------
    paths : str, Path, or sequence of them
        Files of one survey.
    fields : dict of str to Field, optional
        Where values of trace headers are; by default as the standard has them.
    grouping : Grouping, optional
    kind : str
        "segy" or "su"; by default as the name of each file ends.
    northing : bool
        Whether positions have a northing even if all have the same.

    Returns
    -------
    gathers : Gathers
        (x, z) where the northing of all positions is the same, or else (x, y, z); z is the depth
        below elevation 0. Notes tell traces that are left out, and contradictions.

    Raises
    ------
    DataError
        If a file is not read, or its headers contradict each other.
    """
    files = [Path(p) for p in ([paths] if isinstance(paths, str | Path) else paths)]
    if not files:
        raise DataError("no files of records; name at least one")
    fields = byte_map() if fields is None else fields
    survey = read_survey([read_index(path, fields, kind) for path in files], grouping, northing)
    return Gathers(
        acquisition(survey),
        survey.interval,
        SegyTraces.of_survey(survey),
        start=survey.start if survey.start.any() else 0.0,
        notes=survey.notes,
    )


def acquisition(survey: Survey) -> Acquisition:
    """Positions and components of a survey; receivers of all shots in common are stated once.

    Parameters
    ----------
    survey : Survey

    Returns
    -------
    acquisition : Acquisition
    """
    counts = np.diff(survey.begins)
    recorded, emitted = _exchanged(survey) if survey.exchanged else (_recorded(survey), None)
    emitted = emitted or survey.emitted
    if (counts != counts[0]).any():
        receivers = np.split(survey.receivers, survey.begins[1:-1])
        return Acquisition(survey.sources, receivers, recorded, emitted)
    box = survey.receivers.reshape(survey.shots, int(counts[0]), -1)
    if (box == box[0]).all() and (isinstance(recorded, Component) or len(set(recorded)) == 1):
        common = recorded if isinstance(recorded, Component) else recorded[0]
        return Acquisition(survey.sources, box[0], common, emitted)
    return Acquisition(survey.sources, box, recorded, emitted)


def _exchanged(survey: Survey) -> tuple[Any, Any]:
    """Components of receivers and sources that have changed places, of all shots or of each."""
    numbers = np.broadcast_to(survey.recorded, len(survey.order))[survey.begins[:-1]]
    emitted, recorded = zip(
        *(survey.components[n].exchanged for n in numbers.tolist()), strict=True
    )
    return (recorded[0], emitted[0]) if len(set(recorded)) == 1 else (recorded, emitted)


def _recorded(survey: Survey) -> Component | list[tuple[Component, ...]]:
    """The component of all receivers, or those of each shot; equal ones are one object."""
    if len(survey.recorded) == 1:
        return survey.components[int(survey.recorded[0])]
    objects: dict[bytes, tuple[Component, ...]] = {}
    each = []
    for part in np.split(survey.recorded, survey.begins[1:-1]):
        key = part.tobytes()
        if key not in objects:
            objects[key] = tuple(survey.components[number] for number in part.tolist())
        each.append(objects[key])
    return each
