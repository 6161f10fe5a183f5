"""Components of sources and receivers in RSF files: keys of the header, or columns of the table.

    component, source_component         of all receivers, and of all sources; pressure without them

Where receivers or sources differ, the table of positions has a column of the same name, of numbers
of the names that its key `components` lists with commas. Names are those of `survey.components`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError, GeometryError
from fwicli.files.rsf.header import Header
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.components import PRESSURE, Component, ordered

Array = NDArray[Any]

RECORDED, EMITTED, LISTED = "component", "source_component", "components"


def is_mixed(survey: Acquisition) -> bool:
    """Whether receivers, or sources, differ in their components."""
    return any(len(components) > 1 for components in survey.components)


def keys(survey: Acquisition) -> dict[str, str]:
    """Keys of the header of records; none for pressure, and for components of a table."""
    if is_mixed(survey):
        return {}
    return {
        key: component.code
        for key, (component,) in zip((RECORDED, EMITTED), survey.components, strict=True)
        if component != PRESSURE
    }


def columns(survey: Acquisition) -> tuple[dict[str, Array], dict[str, str]]:
    """Columns of a table with one row a trace, and keys of its header; none without a mixture.

    Parameters
    ----------
    survey : Acquisition

    Returns
    -------
    columns : dict of str to ndarray of shape (n_traces,)
    keys : dict of str to str
    """
    if not is_mixed(survey):
        return {}, {}
    names = ordered(frozenset().union(*survey.components))
    shots = range(survey.shots)
    recorded = [names.index(c) for shot in shots for c in survey.recorded_by(shot)]
    emitted = [names.index(survey.emitted_by(shot)) for shot in shots]
    numbers = {RECORDED: np.array(recorded), EMITTED: np.repeat(emitted, survey.counts)}
    return numbers, {LISTED: ",".join(component.code for component in names)}


def of_all(header: Header) -> tuple[Component, Component]:
    """Components of all receivers and of all sources, as the header of records states.

    Parameters
    ----------
    header : Header

    Returns
    -------
    recorded, emitted : Component

    Raises
    ------
    DataError
        If a key names no component.
    """
    recorded, emitted = (
        _named(header.path, header.keys.get(key, PRESSURE.code)) for key in (RECORDED, EMITTED)
    )
    return recorded, emitted


def of_rows(table: Header, values: dict[str, Array], begins: NDArray[np.int64]) -> tuple[Any, Any]:
    """Components of the receivers of each shot, and of each source, by the columns of a table.

    Parameters
    ----------
    table : Header
    values : dict of str to ndarray of shape (n_traces,)
        Columns, with those of components among them.
    begins : ndarray of int, of shape (n_shots,)
        First row of each shot.

    Returns
    -------
    recorded : list of list of Component
    emitted : list of Component

    Raises
    ------
    DataError
        If numbers are none of the listed components.
    """
    listed = [_named(table.path, code) for code in table.keys.get(LISTED, "").split(",")]
    numbers = []
    for name in (RECORDED, EMITTED):
        if not np.isin(values[name], np.arange(len(listed))).all():
            raise DataError(
                f"{table.path}: the column {name} must hold numbers of the {len(listed)} "
                f"components of its key `{LISTED}`, from 0 to {len(listed) - 1}"
            )
        numbers.append(values[name].astype(np.int64))
    recorded, emitted = numbers
    parts = np.split(recorded, begins[1:])
    return (
        [[listed[n] for n in part.tolist()] for part in parts],
        [listed[n] for n in emitted[begins].tolist()],
    )


def _named(path: Path, code: str) -> Component:
    try:
        return Component.named(code)
    except GeometryError as error:
        raise DataError(f"{path}: {error}") from error
