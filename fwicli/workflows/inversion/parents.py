"""The inversion that a branch begins from: its iterates, on which grid and in which units."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import ConfigError, DataError
from fwicli.files import datasets
from fwicli.survey.grid import Grid
from fwicli.survey.properties import COMBINATIONS, UNITS
from fwicli.workflows.run_folder import outputs, settings
from fwicli.workflows.run_folder.names import CONFIG
from fwicli.workflows.run_folder.status import FINISHED, STATUS

Array = NDArray[Any]

# An iterate, or the end of a stage.
PLACE = re.compile(r"s?\d+")


def parsed(text: str) -> tuple[Path, str]:
    """Folder of a run, and a place in it: empty for its result.

    Parameters
    ----------
    text : str
        As `RUN`, `RUN@12` or `RUN@s2`.

    Returns
    -------
    run : Path
    place : str

    Raises
    ------
    ConfigError
        If there is no such run, or the place is neither an iterate nor a stage.
    """
    name, at, place = text.rpartition("@")
    if not at or Path(text).is_dir():
        name, place = text, ""
    elif not PLACE.fullmatch(place):
        raise ConfigError(
            f"`{text}` names no iterate: after @ comes its number, as in {name}@12, or s and that "
            f"of a stage, as in {name}@s2"
        )
    run = Path(name)
    if not (run / CONFIG).is_file():
        raise ConfigError(
            f"{run} is not the folder of a run, which --from needs; name it as -o did, as in "
            f"--from runs/first@12"
        )
    if not (run / outputs.INVERSION).is_file():
        raise ConfigError(
            f"{run} holds no {outputs.INVERSION}: it is no inversion, or has not begun its first "
            f"stage; `fwi status {run}` says how far it is"
        )
    return run, place


def iterate(run: Path, path: Path, place: str) -> tuple[str, dict[str, Any]]:
    """Group of an iterate in a result, and its numbers.

    Parameters
    ----------
    run : Path
        Folder of the run.
    path : Path
        Its result.
    place : str
        As of `parsed`.

    Returns
    -------
    group : str
    record : dict
        Iterate, stage, iteration and misfit.

    Raises
    ------
    ConfigError
        If the result does not hold it, with those that it holds.
    """
    with datasets.reading(path) as file:
        numbers = [int(n) for n in file.groups("iterates") if n.isdecimal()]
        records = {n: file.attributes(f"iterates/{n:04d}") for n in numbers}
    if place == "0" or (not numbers and not place):
        return "start", {"iterate": 0, "stage": 0, "iteration": 0, "misfit": None}
    number = max(numbers, default=0) if not place else _number(run, place, records)
    if number not in records:
        there = f"{min(numbers)} to {max(numbers)}" if numbers else "none yet"
        raise ConfigError(
            f"there is no iterate {number} in {path}: it holds {there}, and the start as 0; type "
            f"--from {run}@N with one of them"
        )
    stage, iteration = (int(records[number].get(name, 0)) for name in ("stage", "iteration"))
    misfit = float(records[number].get("misfit", np.nan))
    return f"iterates/{number:04d}", {
        "iterate": number,
        "stage": stage,
        "iteration": iteration,
        "misfit": misfit if np.isfinite(misfit) else None,
    }


def _number(run: Path, place: str, records: Mapping[int, Mapping[str, Any]]) -> int:
    """Number of an iterate, or of the last of a stage that has ended."""
    if not place.startswith("s"):
        return int(place)
    stage = int(place[1:])
    of_stage = [n for n, record in records.items() if int(record.get("stage", 0)) == stage]
    if not of_stage:
        begun = sorted({int(record.get("stage", 0)) for record in records.values()})
        raise ConfigError(
            f"{run} has no iterate of stage {stage}; it has some of {begun or 'none'}; type --from "
            f"{run}@N with an iterate, or another stage"
        )
    last = max(of_stage)
    planned = settings.stored(run / CONFIG).get("inversion", {}).get("stages", [])
    iterations = planned[stage - 1].get("iterations") if stage <= len(planned) else None
    ended = max(records) > last or int(records[last].get("iteration", 0)) == iterations
    if not ended and not _is_finished(run):
        raise ConfigError(
            f"stage {stage} of {run} has not ended: its last iterate is {last}; type --from "
            f"{run}@{last} to begin from that"
        )
    return last


def _is_finished(run: Path) -> bool:
    with suppress(OSError, ValueError):
        return bool(json.loads((run / STATUS).read_bytes()).get("state") == FINISHED)
    return False


def properties_of(path: Path, group: str, grid: Grid, text: str) -> dict[str, Array]:
    """Properties of an iterate, on the grid of a config and in SI units.

    Parameters
    ----------
    path : Path
        Result of an inversion.
    group : str
        Of the iterate.
    grid : Grid
        Of the config.
    text : str
        The iterate as the user has named it.

    Returns
    -------
    properties : dict of str to ndarray of shape grid.shape

    Raises
    ------
    ConfigError
        If it is on another grid.
    DataError
        If it cannot be read, or has other units.
    """
    properties = {}
    with datasets.reading(path) as file:
        for name in file.groups(group):
            if name in COMBINATIONS:
                continue
            key = f"{group}/{name}"
            values = file.array(key).astype(np.float64)
            unit = file.attribute("unit", key)
            if isinstance(unit, str) and unit != UNITS.get(name, ""):
                raise DataError(
                    f"{file.name(key)} is in {unit}, and a result in {UNITS.get(name, 'no unit')}; "
                    f"correct its attribute `unit`, or the values"
                )
            spacing, origin = (file.attribute(n, key) for n in ("spacing", "origin"))
            _check_grid(grid, values.shape, spacing, origin, text)
            properties[name] = values
    if not properties:
        raise DataError(f"{path} holds no model in `{group}`; name another iterate")
    return properties


def _check_grid(grid: Grid, shape: tuple[int, ...], spacing: Any, origin: Any, text: str) -> None:
    """The grid of an iterate must be that of the config."""
    step = min(grid.spacing)
    same = shape == grid.shape
    for stored, own in ((spacing, grid.spacing), (origin, grid.origin)):
        if stored is not None:
            fits = np.size(stored) in (1, grid.ndim)
            same = same and fits and bool(np.allclose(stored, own, rtol=1e-4, atol=1e-3 * step))
    if not same:
        raise ConfigError(
            f"{text} is on another grid than the model of the config: "
            f"{_words(shape, spacing, origin)}, and "
            f"{_words(grid.shape, grid.spacing, grid.origin)}; give the config a model on "
            f"that grid. Stages may propagate on a coarser one: `inversion.stages.0.spacing`"
        )


def _words(shape: tuple[int, ...], spacing: Any, origin: Any) -> str:
    steps, first = (
        ", ".join(f"{float(v):.6g}" for v in np.ravel(values)) if values is not None else "?"
        for values in (spacing, origin)
    )
    return f"{' x '.join(map(str, shape))} points of {steps} m from {first} m"


def fingerprint(properties: Mapping[str, Array]) -> str:
    """Digest of the values of a model, as they are stored in a result.

    Parameters
    ----------
    properties : mapping of str to ndarray

    Returns
    -------
    fingerprint : str
    """
    digest = hashlib.sha256()
    for name in sorted(properties):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(properties[name], dtype=np.float32).tobytes())
    return digest.hexdigest()[:16]
