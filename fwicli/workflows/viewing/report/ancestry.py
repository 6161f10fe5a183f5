"""Where a run was begun from, and the runs that began from it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from fwicli.report.elements import Element, PageTable
from fwicli.workflows.run_folder.names import BRANCHES
from fwicli.workflows.viewing.report.record import RunRecord
from fwicli.workflows.viewing.report.words import MISSING, number

# Entry of the environment for the run that a branch began from, and the key of the runs before.
BRANCH, ANCESTORS = "branch", "ancestors"


def tables(record: RunRecord) -> list[Element]:
    """Runs before this one, and its branches.

    Parameters
    ----------
    record : RunRecord

    Returns
    -------
    tables : list of Element
        Empty for a run that has neither.
    """
    elements: list[Element] = []
    branch = record.environment.get(BRANCH)
    if isinstance(branch, Mapping):
        runs = [run for run in (branch, *branch.get(ANCESTORS, ())) if isinstance(run, Mapping)]
        before = ("run", "iterate", "stage", "iteration", "misfit", "fingerprint")
        head = ["begun from the run", *before[1:-1], "fingerprint of its model"]
        caption = "Runs that this one was begun from, the nearest first"
        elements.append(PageTable(caption, [_row(run, before) for run in runs], head))
    branches = _branches(record)
    if branches:
        after = ("run", "iterate", "fingerprint", "time")
        head = ["branch", "begun from iterate", "fingerprint of its model", "begun"]
        caption = "Runs that were begun from this one"
        elements.append(PageTable(caption, [_row(run, after) for run in branches], head))
    return elements


def _branches(record: RunRecord) -> list[dict[str, Any]]:
    """Branches that are listed in the folder; the last line may be half written."""
    branches = []
    with suppress(OSError):
        for line in (record.folder / BRANCHES).read_text(errors="replace").splitlines():
            with suppress(ValueError):
                branch = json.loads(line)
                if isinstance(branch, dict):
                    branches.append(branch)
    return branches


def _row(run: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    values = {name: number(run[name]) for name in names if run.get(name) is not None}
    if isinstance(run.get("time"), float | int):
        values["time"] = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run["time"]))
    return [values.get(name, MISSING) for name in names]
