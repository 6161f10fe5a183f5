"""Branches: an inversion that begins from an iterate of another one.

The model of the iterate is copied into `start.h5` of the new folder, and the config of the new run
names that file. The other run may go on or be deleted: the branch needs it no more. It remembers
where it comes from, with all runs before, in `environment.json` and in the attributes of its
result; the folder of the other run gets a line in `branches.jsonl`, where it can be written.

The model of a branch that a batch job is to begin waits in `job.h5`, with the record of the branch.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fwicli.config.arrays import ArrayFileSection
from fwicli.config.loader import Loaded
from fwicli.disk import ownership
from fwicli.errors import ConfigError, DataError
from fwicli.files import datasets, hdf5, writing
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.properties import UNITS
from fwicli.workflows.assembly import survey, topography
from fwicli.workflows.inversion import parents
from fwicli.workflows.run_folder import outputs
from fwicli.workflows.run_folder.names import BRANCHES, CONFIG, ENVIRONMENT, START, SUBMITTED
from fwicli.workflows.run_folder.provenance import provenance
from fwicli.workflows.run_folder.settings import Allowed

# Entry of `environment.json`, and the key of its ancestors.
BRANCH, ANCESTORS = "branch", "ancestors"
# Attribute of the file of a submitted branch: its record as JSON.
RECORD = "branch_record"
MODEL_FILE = re.compile(r"model\.\w+\.file")

log = logging.getLogger("fwicli")


def begin(loaded: Loaded, folder: Path, text: str, resume: bool = False) -> Loaded:
    """A config whose model is an iterate of another run.

    Parameters
    ----------
    loaded : Loaded
        Config of the branch.
    folder : Path
        Of the branch.
    text : str
        `RUN` for its result, `RUN@12` for iterate 12, `RUN@s2` for the end of stage 2.
    resume : bool
        Whether the branch is continued: then it must have been begun from the same iterate.

    Returns
    -------
    loaded : Loaded

    Raises
    ------
    ConfigError
        If there is no such run or iterate, or its grid differs from that of the config.
    DataError
        If the result of the run cannot be read, or has other units.
    """
    run, place = parents.parsed(text)
    if resume:
        _check_same(folder, run, place)
        return continued(loaded, folder)
    if run.resolve() == folder.resolve():
        raise ConfigError(f"a run cannot begin from itself: choose another folder than {folder}")
    path = run / outputs.INVERSION
    group, record = parents.iterate(run, path, place)
    surface = partial(topography.on_grid, loaded.config.physics)
    base = survey.earth_model(loaded.config.model, surface)
    properties = parents.properties_of(path, group, base.grid, f"{text}")
    record |= {
        "run": str(run.resolve()),
        "place": place,
        "properties": sorted(properties),
        "fingerprint": parents.fingerprint(properties),
        ANCESTORS: _ancestors(run),
    }
    return _begun(loaded, folder, base.changed(properties), record)


def continued(loaded: Loaded, folder: Path) -> Loaded:
    """The config of a run that is continued: that of a branch begins from its own file.

    A branch that was submitted and has not begun is begun as it was submitted.

    Parameters
    ----------
    loaded : Loaded
    folder : Path
        Of the run.

    Returns
    -------
    loaded : Loaded
        The same, if the run is no branch.

    Raises
    ------
    DataError
        If its file does not state its grid.
    """
    record = _record(folder)
    if record is None:
        return loaded
    if _is_submitted(folder):
        waiting = _from_file(loaded, folder / SUBMITTED)
        surface = partial(topography.on_grid, waiting.config.physics)
        return _begun(loaded, folder, survey.earth_model(waiting.config.model, surface), record)
    return _from_file(loaded, folder / START) if (folder / START).is_file() else loaded


def beginning(loaded: Loaded, path: Path) -> dict[str, Any]:
    """Write the model that a branch begins from.

    Parameters
    ----------
    loaded : Loaded
    path : Path
        `start.h5` of its folder.

    Returns
    -------
    entries : dict
        For `environment.json`; empty for a run that is no branch.
    """
    if loaded.start is None or loaded.branch is None:
        return {}
    _write(loaded.start, path, provenance() | attributes(loaded.branch))
    return {BRANCH: dict(loaded.branch)}


def submit(loaded: Loaded, path: Path) -> None:
    """Write the model of a branch that a job is to begin, and the record of the branch.

    Parameters
    ----------
    loaded : Loaded
        Config of the branch.
    path : Path
        `job.h5` of its folder.
    """
    record = {RECORD: json.dumps(loaded.branch)}
    _write(loaded.start, path, provenance() | attributes(loaded.branch) | record)


def attributes(record: Mapping[str, Any] | None) -> dict[str, str]:
    """Attributes of a result that tell where its run was begun from.

    Parameters
    ----------
    record : mapping or None

    Returns
    -------
    attributes : dict of str to str
    """
    if record is None:
        return {}
    ancestors = [name_of(record), *map(name_of, record.get(ANCESTORS, ()))]
    return {"begun_from": " < ".join(ancestors), "begun_from_fingerprint": record["fingerprint"]}


def name_of(record: Mapping[str, Any]) -> str:
    """An iterate of a run, as `--from` takes it."""
    return f"{record.get('run')}@{record.get('iterate')}"


def of_folder(folder: Path) -> dict[str, Any] | None:
    """Record of the branch in a folder; None if its run began from its config."""
    return _record(folder)


def tell(record: Mapping[str, Any], folder: Path) -> None:
    """Log where a branch begins, and leave a line in the folder of the other run.

    Parameters
    ----------
    record : mapping
    folder : Path
        Of the branch.
    """
    log.info(
        "beginning from %s (%s): stage %s, iteration %s; all else is that of the config, whose "
        "smoothing is left out",
        name_of(record),
        ", ".join(record["properties"]),
        record["stage"],
        record["iteration"],
    )
    line = {
        "time": round(time.time(), 3),
        "run": str(folder.resolve()),
        "iterate": record["iterate"],
        "fingerprint": record["fingerprint"],
    }
    try:
        with ownership.appending(Path(record["run"]) / BRANCHES) as file:
            file.write(f"{json.dumps(line)}\n".encode())
    except OSError as error:
        log.info("the other run does not know of this branch: %s", error)


def movable(allowed: Allowed) -> Allowed:
    """A rule that lets the folder of a branch be moved: its own file has another path then.

    Parameters
    ----------
    allowed : callable
        The rule for all else.

    Returns
    -------
    allowed : callable
    """

    def rule(key: str, old: Any, new: Any) -> bool:
        if MODEL_FILE.fullmatch(key) and Path(str(old)).name == Path(str(new)).name == START:
            return True
        return allowed(key, old, new)

    return rule


# --- the branch -----------------------------------------------------------------------------------


def _begun(loaded: Loaded, folder: Path, model: EarthModel, record: dict[str, Any]) -> Loaded:
    """The config of a branch that begins from a model."""
    named = _named(loaded, folder / START, list(model.properties), model.grid)
    return replace(named, start=model, branch=record)


def _from_file(loaded: Loaded, path: Path) -> Loaded:
    """The config with a file that a branch was begun from for its model."""
    with datasets.reading(path) as file:
        names = file.groups("/")
        leading = "vp" if "vp" in names else "vs"
        shape = file.shape(leading)
        steps, first = (file.attribute(name, leading) for name in ("spacing", "origin"))
    if steps is None or first is None:
        raise DataError(f"{path} does not state its grid; begin the branch anew with --force")
    spacing, origin = ([float(v) for v in values] for values in (steps, first))
    return _named(loaded, path, names, Grid(shape, tuple(spacing), tuple(origin)))


def _write(model: EarthModel, path: Path, attributes: Mapping[str, str]) -> None:
    with writing.replacing(path) as file:
        for name, values in model.properties.items():
            hdf5.write_on_grid(file, name, values, model.grid, UNITS.get(name, ""))
        hdf5.write_surface(file, model.topography)
        file.attrs.update(attributes)


def _is_submitted(folder: Path) -> bool:
    """Whether a branch waits in a folder for the job that is to begin it."""
    return (folder / SUBMITTED).is_file() and not (folder / CONFIG).is_file()


def _record(folder: Path) -> dict[str, Any] | None:
    """Record of the branch in a folder; None without one that can be read."""
    if _is_submitted(folder):
        with datasets.reading(folder / SUBMITTED) as file:
            return dict(json.loads(str(file.attributes()[RECORD])))
    with suppress(OSError, ValueError):
        content = json.loads((folder / ENVIRONMENT).read_bytes())
        record = content.get(BRANCH) if isinstance(content, dict) else None
        return record if isinstance(record, dict) else None
    return None


def _ancestors(run: Path) -> list[dict[str, Any]]:
    """Records of the runs that another run was begun from, the nearest first."""
    record = _record(run)
    if record is None:
        return []
    own = {name: value for name, value in record.items() if name != ANCESTORS}
    return [own, *record.get(ANCESTORS, [])]


def _check_same(folder: Path, run: Path, place: str) -> None:
    """A branch is continued with the iterate that it was begun from, or without naming one."""
    record = _record(folder)
    if record is None:
        raise ConfigError(
            f"the run in {folder} was not begun with --from; continue it without, or begin a "
            f"branch in another folder"
        )
    if (str(run.resolve()), place) != (record.get("run"), record.get("place")):
        raise ConfigError(
            f"the run in {folder} was begun from {name_of(record)}; continue it with --resume "
            f"alone, or begin another branch with -o"
        )


def _named(loaded: Loaded, path: Path, names: list[str], grid: Grid) -> Loaded:
    """The config with the file of a branch for its model, in SI units."""
    path = path.parent.resolve() / path.name
    files = {name: ArrayFileSection(file=path, dataset=name) for name in names}
    section = loaded.config.model.model_copy(
        update={
            **files,
            "unit": "m/s",
            "rho_unit": "kg/m3",
            "angle_unit": "rad",
            "shape": list(grid.shape),
            "spacing": list(grid.spacing),
            "origin": list(grid.origin),
            "smooth": None,
        }
    )
    return replace(loaded, config=loaded.config.model_copy(update={"model": section}))
