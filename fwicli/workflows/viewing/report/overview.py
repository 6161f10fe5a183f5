"""Sections of the page on the run as a whole: summary, set-up, and plan against actual."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fwicli.plotting import pictures
from fwicli.report.elements import Chapter, Element, Items, Listing, PageTable, Paragraph, Picture
from fwicli.survey.properties import PROPERTIES
from fwicli.workflows.planning.plan import Plan
from fwicli.workflows.run_folder import outputs
from fwicli.workflows.run_folder.status import FINISHED
from fwicli.workflows.viewing.report import costs
from fwicli.workflows.viewing.report.record import RunRecord
from fwicli.workflows.viewing.report.words import MISSING, duration, label, number
from fwicli.workflows.viewing.status import UNKNOWN

# Numbers of a plan that are lists by stage or texts of their own.
BY_STAGE = ("stages", "history", "near_source", "gigapoint_steps_per_propagation")
TEXTS = ("command", "warnings", "survey", "environment")
# Rows of the table of stages.
ORDER = (
    "band [Hz]",
    "iterations, planned",
    "iterations, done",
    "points per wavelength, planned",
    "points per wavelength, fewest",
    "evaluations",
    "wave simulations",
    "time",
    "time of an iteration (median)",
)


def drawn(draw: Callable[[Path], None]) -> bytes:
    """A picture that a function writes into a file.

    Parameters
    ----------
    draw : callable
        From the path of a PNG file.

    Returns
    -------
    picture : bytes
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        draw(path)
        return path.read_bytes()


def state(record: RunRecord) -> str:
    """How far the run is, in words."""
    if record.finished:
        return FINISHED
    word = "not finished" if record.status.state == UNKNOWN else record.status.state
    if not record.steps:
        return f"{word}: no step has ended yet"
    last = record.steps[-1]
    if record.kind != "invert":
        return word
    stages = record.loaded.config.inversion.stages
    return (
        f"{word}: stage {last['stage']} of {len(stages)}, iteration {last['iteration']} of "
        f"{stages[int(last['stage']) - 1].iterations}"
    )


def summary(record: RunRecord) -> Chapter:
    """The most important numbers.

    Parameters
    ----------
    record : RunRecord

    Returns
    -------
    chapter : Chapter
    """
    rows = [["command", f"fwi {record.kind}"], ["state", state(record)]]
    if record.kind == "invert" and record.steps:
        rows += _inverted(record)
    elif record.steps:
        last = record.steps[-1]
        rows += [[label(n), number(v)] for n, v in last.items() if n not in ("time", "seconds")]
    if record.steps and "seconds" in record.steps[-1]:
        rows.append(["time", duration(float(record.steps[-1]["seconds"]))])
    if record.status.processes > 1:
        rows.append(["processes, one after the other", str(record.status.processes)])
    rows.append(["warnings", str(len(record.warnings))])
    elements: list[Element] = [PageTable("The run in numbers", rows)]
    if record.status.error:
        elements.insert(0, Paragraph(f"Why it ended: {record.status.error}", "error"))
    if not record.finished:
        elements.insert(
            0,
            Paragraph(
                "The run has not ended: the page shows what its folder holds so far. Make it anew "
                "later with the same command.",
                "note",
            ),
        )
    return Chapter("summary", "Summary", elements)


def _inverted(record: RunRecord) -> list[list[str]]:
    """Numbers of an inversion."""
    first, last = record.steps[0], record.steps[-1]
    iterations = sum(step["iteration"] > 0 for step in record.steps)
    rows = [
        ["iterations", str(iterations)],
        ["wave simulations", number(last["simulations"])],
    ]
    stage = [step for step in record.steps if step["stage"] == last["stage"]]
    rows.append(
        [
            f"misfit in stage {last['stage']}",
            f"{number(stage[0]['misfit'])} → {number(last['misfit'])}",
        ]
    )
    errors = [n for n in last if n.startswith("model_error")]
    changes = {n: (number(first.get(n, math.nan)), number(last[n])) for n in errors}
    return [*rows, *([n.replace("_", " "), f"{a} → {b}"] for n, (a, b) in changes.items())]


def setup(record: RunRecord, plan: Plan | None, refusal: str) -> Chapter:
    """The set-up: numbers of the plan, model and survey, and the config.

    Parameters
    ----------
    record : RunRecord
    plan : Plan or None
        None where the run cannot be planned again.
    refusal : str
        Why not.

    Returns
    -------
    chapter : Chapter
    """
    elements: list[Element] = []
    if plan is None:
        elements.append(
            Paragraph(
                f"The run cannot be planned again, so that its plan and modelled shots are left "
                f"out: {refusal}",
                "warning",
            )
        )
    else:
        numbers = plan.summary()
        rows = [
            [label(name), number(value)]
            for name, value in numbers.items()
            if name not in (*BY_STAGE, *TEXTS)
        ]
        elements.append(PageTable("The survey and the plan", rows))
        elements.append(_survey(plan))
        if plan.notes:
            elements.append(Items(plan.notes))
    text = (record.folder / outputs.CONFIG).read_text(encoding="utf-8", errors="replace")
    elements.append(Listing("The resolved config, which can be run again as it is", text))
    return Chapter("setup", "Set-up", elements)


def _survey(plan: Plan) -> Picture:
    """The model of the plan with sources and receivers."""
    title = {"model": "Model", "invert": "Start"}.get(plan.kind, "Model of the waves")
    picture = drawn(lambda path: pictures.properties(path, plan.model, plan.acquisition, title))
    shots, earth = plan.acquisition.shots, plan.model
    words = PROPERTIES[earth.leading].words
    return Picture(
        picture,
        f"Chapter of the {words} from {earth.slowest:.4g} to {earth.fastest:.4g} m/s with {shots} "
        f"sources and their receivers",
        f"{title}: {words} [m/s], and other properties that vary, against x and depth, "
        f"with sources (red stars) and receivers (white triangles).",
    )


def plan_and_actual(record: RunRecord, plan: Plan | None) -> Chapter:
    """Numbers of the plan beside those of the run.

    Parameters
    ----------
    record : RunRecord
    plan : Plan or None

    Returns
    -------
    chapter : Chapter
    """
    elements: list[Element] = []
    if record.kind == "invert":
        elements.append(_by_stage(record, plan))
    elif record.steps:
        rows = [[label(n), number(v)] for n, v in record.steps[-1].items() if n != "time"]
        elements.append(PageTable("The last step of the run", rows))
    else:
        elements.append(Paragraph("No step of the run has ended.", "note"))
    elements += costs.elements(record)
    if plan is not None:
        numbers = [stage.summary() for stage in plan.stages]
        names = list(dict.fromkeys(n for stage in numbers for n in stage))
        rows = [[label(n), *(number(stage.get(n, "")) for stage in numbers)] for n in names]
        work = plan.summary()["gigapoint_steps_per_propagation"]
        rows.append([label("gigapoint_steps_per_propagation"), *map(number, work)])
        head = ["", *(f"stage {n}" for n in range(1, len(numbers) + 1))]
        elements.append(
            PageTable("The waves, as planned", rows, head if len(numbers) > 1 else (), folded=True)
        )
    return Chapter("plan", "Plan against actual", elements)


def _by_stage(record: RunRecord, plan: Plan | None) -> PageTable:
    """Planned and actual numbers of each stage, a column for each."""
    columns, before = [], {"seconds": 0.0, "simulations": 0.0}
    for order, section in enumerate(record.loaded.config.inversion.stages):
        steps = [step for step in record.steps if step["stage"] == order + 1]
        column = {
            "band [Hz]": f"{section.band[0]:g} to {section.band[1]:g}",
            "iterations, planned": str(section.iterations),
        }
        if plan is not None:
            points = plan.stages[order].points_per_wavelength
            column["points per wavelength, planned"] = number(round(points, 2))
        if steps:
            column |= _of_steps(steps, before)
            before = {name: float(steps[-1][name]) for name in before}
        columns.append(column)
    names = sorted({n for column in columns for n in column}, key=ORDER.index)
    rows = [[name, *(column.get(name, MISSING) for column in columns)] for name in names]
    head = ["", *(f"stage {n}" for n in range(1, len(columns) + 1))]
    return PageTable("Stages, as planned and as they went", rows, head)


def _of_steps(steps: Sequence[Mapping[str, Any]], before: Mapping[str, float]) -> dict[str, str]:
    """Numbers of a stage from its steps, and from the ends of the stage before."""
    last = steps[-1]
    times = np.diff([float(step["seconds"]) for step in steps])
    points = min(step.get("points_per_wavelength", math.nan) for step in steps)
    return {
        "iterations, done": str(last["iteration"]),
        "points per wavelength, fewest": number(float(points)),
        "evaluations": str(last["evaluations"]),
        "wave simulations": f"{float(last['simulations']) - before['simulations']:.0f}",
        "time": duration(float(last["seconds"]) - before["seconds"]),
        "time of an iteration (median)": duration(float(np.median(times)))
        if times.size
        else MISSING,
    }


def actual(record: RunRecord) -> dict[str, Any]:
    """Numbers of the run for `--json`."""
    return {
        "state": state(record),
        "evaluated_models": len(record.steps),
        "warnings": len(record.warnings),
    }
