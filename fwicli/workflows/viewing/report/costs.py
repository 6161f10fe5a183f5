"""Time and memory of a run beside those of its plan."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

import numpy as np

from fwicli.report.elements import Element, PageTable, Paragraph
from fwicli.workflows.run_folder import outputs
from fwicli.workflows.run_folder.names import OUTSIDE
from fwicli.workflows.viewing.report.record import RunRecord
from fwicli.workflows.viewing.report.words import MISSING, duration, megabytes

PROCESSES = "processes"


def elements(record: RunRecord) -> list[Element]:
    """A table of planned and actual time and memory.

    Parameters
    ----------
    record : RunRecord

    Returns
    -------
    elements : list of Element
        Empty for runs of versions that left no plan.
    """
    plan = _plan(record)
    if not plan:
        return []
    rows = []
    stages = plan.get("stages", [])
    if record.kind == "invert":
        for order, stage in enumerate(stages):
            spent, iteration = _spent(record, order + 1)
            rows.append(_times(f"time of stage {order + 1}", stage.get("time_s"), spent))
            planned = stage.get("seconds_per_iteration")
            rows.append(_times(f"time of an iteration, stage {order + 1}", planned, iteration))
            planned = stage.get("time_of_iteration_outside_of_shots_s")
            actual = _outside(record, order + 1)
            rows.append(_times(f"of it outside of shots, stage {order + 1}", planned, actual))
    last = (record.status.seconds or None) if record.finished else None
    rows.append(_times("time of the run", plan.get("time_s"), last))
    rows.append(_memory(record, plan.get("memory_mb")))
    table = PageTable(
        "Time and memory, as planned and as they were", rows, ["", "planned", "actual"]
    )
    if plan.get("time_s") is None and plan.get("calibration"):
        return [table, Paragraph(f"Times were not planned: {plan['calibration']}.", "note")]
    return [table]


def _plan(record: RunRecord) -> dict[str, Any]:
    """Plan in the folder; empty without one that can be read."""
    with suppress(OSError, ValueError):
        content = json.loads((record.folder / outputs.PLAN).read_bytes())
        return content if isinstance(content, dict) and outputs.PLANNED in content else {}
    return {}


def _spent(record: RunRecord, stage: int) -> tuple[float | None, float | None]:
    """Time of a stage and, in the median, of its iterations [s]; None before its first step."""
    ends = [float(step["seconds"]) for step in record.steps if step["stage"] == stage]
    if not ends:
        return None, None
    before = [float(step["seconds"]) for step in record.steps if step["stage"] < stage]
    iterations = np.diff(ends)
    median = float(np.median(iterations)) if iterations.size else None
    return ends[-1] - (before[-1] if before else 0.0), median


def _outside(record: RunRecord, stage: int) -> float | None:
    """Time of an iteration outside of shots, in the median [s]; None where no step has it."""
    steps = [step for step in record.steps if step["stage"] == stage and step["iteration"] > 0]
    seconds = [float(s[OUTSIDE]) for s in steps if OUTSIDE in s]
    return float(np.median(seconds)) if seconds else None


def _times(name: str, planned: float | None, actual: float | None) -> list[str]:
    return [name, *(duration(math.nan if s is None else float(s)) for s in (planned, actual))]


def _memory(record: RunRecord, planned: float | None) -> list[str]:
    """Memory of all processes; of workers elsewhere, only the plan is known."""
    local = record.loaded.config.execution.engine == PROCESSES
    peak = record.status.memory_peak if local else 0
    return [
        "memory of all processes of the machine",
        MISSING if planned is None else megabytes(round(1e6 * planned)),
        megabytes(peak) if peak else MISSING,
    ]
