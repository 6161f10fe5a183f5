"""Names of the files that runs write into their folders, and marks that identify them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from fwicli.config.loader import Loaded
from fwicli.files import hdf5
from fwicli.survey.properties import COMBINATIONS, PROPERTIES
from fwicli.workflows.run_folder.manifest import JOURNAL, PARTIAL
from fwicli.workflows.run_folder.names import CONFIG as CONFIG
from fwicli.workflows.run_folder.names import ENVIRONMENT as ENVIRONMENT
from fwicli.workflows.run_folder.names import LOG as LOG
from fwicli.workflows.run_folder.names import PLAN as PLAN
from fwicli.workflows.run_folder.names import PLANNED as PLANNED
from fwicli.workflows.run_folder.names import PROGRESS as PROGRESS
from fwicli.workflows.run_folder.names import WORKERS as WORKERS
from fwicli.workflows.run_folder.names import WRITTEN as WRITTEN
from fwicli.workflows.run_folder.status import LAYOUT, STATUS
from fwicli.workflows.verbs import find

RESOLVED = "# resolved by fwi"
# Page of a run, which `fwi report` writes.
REPORT = "report.html"
# Signatures near the beginning of pictures, of this version and of old ones.
SIGNED, ONCE_SIGNED = b"fwicli", b"Matplotlib"
RECORDS, IMAGE, INVERSION, STATE = "shots.h5", "image.h5", "inversion.h5", "state.h5"
# Records before all of them are there.
UNFINISHED = f"{RECORDS}.part"
# Of the shots of a part, when it is complete.
COMPLETE = "part.json"
WITHIN = {
    PARTIAL: re.compile(r"\d{6}\.npy|sum\.npz"),
    JOURNAL: re.compile(r"[0-9a-f]{32}\.npz"),
}
# Files of the batch job of a run, and of the members of an array: a run that begins leaves them.
JOB = re.compile(r"job(_\d+)?\.(json|sh|log|yaml)|job\.h5")
SECTIONS = ("start", "result", "difference", "overview")


def names(loaded: Loaded) -> tuple[str, ...]:
    """Files and folders that a run may write, by their names in its folder."""
    workers = () if loaded.config.execution.cluster is None else (WORKERS,)
    outputs = find(loaded.kind).outputs(loaded.config)
    return (CONFIG, ENVIRONMENT, PLAN, PROGRESS, LOG, STATUS, *workers, *outputs)


def everything() -> tuple[str, ...]:
    """Names of all files that a run without a list of its files may have written."""
    quantities = (*PROPERTIES, *COMBINATIONS)
    return (
        *(CONFIG, ENVIRONMENT, PROGRESS, LOG, RECORDS, IMAGE, INVERSION, STATE, PLAN, STATUS),
        *("model.png", "gathers.png", "wavelet.png", "image.png", "reflectivity.png"),
        *("convergence.png", "wavelets.png"),
        *(diagnosis(n) for n in range(1, 100)),
        *(section(title, name) for name in quantities for title in SECTIONS),
    )


def diagnosis(stage: int) -> str:
    """Picture of the diagnosis of a stage, numbered from 1."""
    return f"diagnosis_{stage}.png"


def section(title: str, quantity: str) -> str:
    """Picture of a quantity of the earth; those of vp have no name in theirs.

    Parameters
    ----------
    title : str
    quantity : str
        Of the earth.

    Returns
    -------
    name : str
    """
    return f"{title}.png" if quantity == "vp" else f"{title}_{quantity}.png"


def recognised(path: Path, listed: bool = True) -> bool:
    """Whether a file in the folder of a run looks as if the program had written it.

    Parameters
    ----------
    path : Path
    listed : bool
        Whether it is on a list; versions without lists did not sign their pictures.

    Returns
    -------
    recognised : bool
    """
    if path.is_symlink():
        return listed
    if path.name in WITHIN or not path.is_file():
        return listed and path.name in WITHIN and path.is_dir()
    if listed and (path.stat().st_size == 0 or JOB.fullmatch(path.name)):
        return True
    if _is_hdf5(path):
        return hdf5.written_here(path)
    with path.open("rb") as file:
        begin = file.read(512)
    if path.suffix == ".png":
        return SIGNED in begin or (not listed and ONCE_SIGNED in begin)
    return _text(path, begin.decode("utf-8", errors="replace"))


def own_folder(folder: Path) -> bool:
    """Whether a folder within holds nothing but what a run keeps there until it is done."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return all(WITHIN[folder.name].fullmatch(p.name) for p in folder.iterdir())


def damaged(path: Path) -> bool:
    """Whether a result cannot be read at all."""
    return _is_hdf5(path) and path.is_file() and not hdf5.is_readable(path)


def _is_hdf5(path: Path) -> bool:
    return path.suffix == ".h5" or path.name == UNFINISHED


def _text(path: Path, begin: str) -> bool:
    """Whether a text file begins as the program's own of that name does."""
    if path.name == CONFIG:
        return begin.startswith(RESOLVED)
    if path.name == LOG:
        return re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", begin) is not None
    if path.suffix == ".html":
        return f"<!-- {WRITTEN} " in begin
    if path.name == PROGRESS:
        return begin.startswith('{"time": ')
    if path.name == STATUS:
        return f'"{LAYOUT}"' in begin
    if path.name == COMPLETE:
        return begin.startswith('{"part": ')
    if path.name == PLAN:
        return f'"{PLANNED}"' in begin
    if path.name != ENVIRONMENT:
        # The others are written aside, and not whole.
        return begin.startswith(f"# {WRITTEN}") or path.name.startswith(".")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return isinstance(content, dict) and {"fwicli", "inputs"} <= content.keys()
