"""Report on HDF5 files of arrays, results of runs, and folders of runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from fwicli.errors import DataError
from fwicli.files import blocks, datasets, hdf5
from fwicli.workflows.exchange.arrays import ArrayStatistics, drawing
from fwicli.workflows.exchange.report import Report
from fwicli.workflows.run_folder import inputs
from fwicli.workflows.run_folder.outputs import CONFIG, ENVIRONMENT, LOG, PROGRESS

# Datasets of a file that are read; more are named.
MOST = 24
# Groups of the result of an inversion that hold one array an iterate.
MANY = ("iterates/", "history/", "wavelets/")


def report(path: Path, chosen: str = "") -> Report:
    """Report on an HDF5 file that holds no shot records.

    Parameters
    ----------
    path : Path
    chosen : str
        Name of one dataset; by default all of them.

    Returns
    -------
    report : Report

    Raises
    ------
    DataError
        If the file cannot be read, or has no such dataset.
    """
    with datasets.reading(path) as file:
        names, attributes = file.names(), file.attributes()
    inversion = {"start", "result", "iterates"} <= {name.split("/")[0] for name in names}
    inversion = inversion or (set(_groups(path)) >= {"result", "iterates", "history"})
    if chosen:
        names, inversion = [chosen], False
    contents, odd = provenance(attributes), []
    if inversion:
        kind = "result of an inversion (HDF5)"
        contents |= _history(path)
        odd += list(_progressed(path))
        names = [name for name in names if not name.startswith(MANY)]
    elif {"stage", "iterates", "seconds"} <= set(attributes):
        kind = "state of a run that can be continued (HDF5)"
    else:
        kind = "image (HDF5)" if "image" in names else "arrays (HDF5)"
    statistics, skipped = [], []
    for name in names[:MOST]:
        try:
            array = blocks.open_array(path, name)
            statistics.append(ArrayStatistics(array, name.rpartition("/")[2]))
        except DataError as error:
            skipped.append(f"`{name}` is not read: {error}")
    contents["arrays"] = {
        n.array.name.rpartition(": ")[2].strip("`"): n.contents() for n in statistics
    }
    if len(names) > MOST:
        contents["arrays_not_read"] = names[MOST:]
    if not names:
        odd.append("the file has no arrays")
    odd += skipped + [sentence for each in statistics for sentence in each.odd()]
    return Report(path, kind, contents, odd, drawing(statistics))


def provenance(attributes: dict[str, Any]) -> dict[str, Any]:
    """Command, date and version of the run that wrote a file, where they are known."""
    names = (("command", "command"), ("date", "date"), ("fwicli", "written_by_fwi"))
    return {new: str(attributes[old]) for old, new in names if old in attributes}


def _groups(path: Path) -> list[str]:
    with datasets.reading(path) as file:
        return file.groups("/")


def _history(path: Path) -> dict[str, Any]:
    """Iterates, stages and misfit of an inversion."""
    history = hdf5.read_history(path)
    numbers: dict[str, Any] = {"iterates": len(next(iter(history.values()), []))}
    if numbers["iterates"]:
        for name in ("stage", "misfit", *(n for n in history if n.startswith("model_error"))):
            if name in history:
                values = history[name]
                plain = values.tolist()
                numbers[{"stage": "stages", "misfit": "misfit_of_iterates"}.get(name, name)] = (
                    int(values.max()) if name == "stage" else [plain[0], plain[-1]]
                )
    return numbers


def _progressed(path: Path) -> Iterator[str]:
    """Whether the misfit fell in each stage."""
    history = hdf5.read_history(path)
    if not len(next(iter(history.values()), [])):
        yield "no iterate was finished; the result is the start model"
        return
    if "misfit" not in history or "stage" not in history:
        return
    for stage in np.unique(history["stage"]):
        misfit = history["misfit"][history["stage"] == stage]
        if len(misfit) > 1 and misfit[-1] > misfit[0]:
            yield f"the misfit rose in stage {stage}, from {misfit[0]:.4g} to {misfit[-1]:.4g}"


# --- folders --------------------------------------------------------------------------------------


def results(folder: Path) -> list[Path]:
    """Files of arrays in the folder of a run.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    files : list of Path
    """
    return sorted(path for path in folder.glob("*.h5") if path.is_file())


def folder_report(folder: Path) -> Report:
    """Report on the folder of a run.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    report : Report

    Raises
    ------
    DataError
        If no run has written it.
    """
    if not (folder / CONFIG).is_file() or not (folder / ENVIRONMENT).is_file():
        raise DataError(
            f"{folder} is a folder, but not of a run ({CONFIG} and {ENVIRONMENT} are missing); "
            f"name files"
        )
    try:
        environment = json.loads((folder / ENVIRONMENT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{folder / ENVIRONMENT} is damaged ({error})") from error
    contents = provenance(environment) if isinstance(environment, dict) else {}
    contents["results"] = [path.name for path in results(folder)]
    with suppress(OSError):
        contents["lines_of_progress"] = len(
            (folder / PROGRESS).read_text(encoding="utf-8").splitlines()
        )
        contents["last_line_of_log"] = (
            (folder / LOG).read_text(encoding="utf-8").splitlines()[-1][20:]
        )
    odd = list(_inputs(environment))
    if not contents["results"]:
        odd.append(
            f"the run has no result yet; continue it with the same command and --resume, if it was "
            f"stopped (config: {folder / CONFIG})"
        )
    return Report(folder, "folder of a run", contents, odd)


def _inputs(environment: Any) -> Iterator[str]:
    """Inputs of a run that are no longer what they were."""
    stored = environment.get("inputs", {}) if isinstance(environment, dict) else {}
    for name, fingerprint in stored.items() if isinstance(stored, dict) else ():
        path = Path(name)
        if not path.is_file():
            yield f"its input {name} is no longer there"
        elif not inputs.is_same(inputs.fingerprint(path), fingerprint):
            yield f"its input {name} has changed since the run"
