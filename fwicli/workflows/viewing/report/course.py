"""Sections of the page on the course of an inversion: convergence, models, estimated wavelets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fwicli.files import hdf5
from fwicli.plotting import courses, pictures
from fwicli.report.elements import Chapter, Element, PageTable, Paragraph, Picture
from fwicli.workflows.planning.plan import Plan
from fwicli.workflows.viewing.report.iterates import Iterates, slider
from fwicli.workflows.viewing.report.overview import drawn
from fwicli.workflows.viewing.report.record import RunRecord
from fwicli.workflows.viewing.report.words import label, number

# Steps of a table, at most: beyond, the first and the last of them are listed.
ROWS = 400


def convergence(record: RunRecord) -> Chapter:
    """Misfit, model error and time by step.

    Parameters
    ----------
    record : RunRecord

    Returns
    -------
    chapter : Chapter
    """
    if not record.steps:
        text = "No evaluation has ended, so that there is no misfit yet."
        return Chapter("convergence", "Convergence", [Paragraph(text, "note")])
    names = [n for n in record.steps[-1] if n.startswith("model_error")]
    panels = [("misfit", "misfit, share of the data", True)]
    panels += [(n, f"relative {n.replace('_', ' ')}", False) for n in names]
    panels.append(("minutes", "time spent [min]", False))
    columns = {n: record.column(n) for n in ("stage", "misfit", *names)}
    columns["minutes"] = record.column("seconds") / 60
    first, last = record.steps[0], record.steps[-1]
    picture = Picture(
        courses.course(columns, panels),
        f"Misfit by step, from {number(first['misfit'])} to {number(last['misfit'])}, in "
        f"{int(np.nanmax(columns['stage']))} stages",
        "Misfit relative to the data of the stage, model error relative to the reference, and time "
        "[min], by step; each stage has its own colour and begins with its first evaluation. "
        "Misfits of different stages are those of different bands, and cannot be compared.",
    )
    return Chapter("convergence", "Convergence", [picture, _steps(record)])


def residual(record: RunRecord) -> Chapter:
    """Residual of a least-squares migration by step.

    Parameters
    ----------
    record : RunRecord

    Returns
    -------
    chapter : Chapter
    """
    if not record.steps:
        text = "No evaluation has ended, so that there is no residual yet."
        return Chapter("convergence", "Convergence", [Paragraph(text, "note")])
    panels = [("residual", "residual, relative to the data", False)]
    panels += [("correlation", "correlation", False)] * ("correlation" in record.steps[-1])
    panels.append(("minutes", "time spent [min]", False))
    columns = {n: record.column(n) for n in ("stage", "residual", "correlation")}
    columns["minutes"] = record.column("seconds") / 60
    last = record.steps[-1]
    picture = Picture(
        courses.course(columns, panels),
        f"Residual by step, down to {number(last['residual'])} of that without an image",
        "Norm of the weighted residual of the linearised records, relative to that without an "
        "image, correlation with the reflectivity of the reference, and time [min], by step.",
    )
    return Chapter("convergence", "Convergence", [picture, _steps(record)])


def _steps(record: RunRecord) -> PageTable:
    """All steps in numbers."""
    steps = list(record.steps)
    if len(steps) > ROWS:
        steps = [*steps[: ROWS // 2], *steps[-ROWS // 2 :]]
    names = [n for n in steps[-1] if n not in ("time", "stage", "iteration")]
    rows = [
        [str(s["stage"]), str(s["iteration"]), *(number(s.get(n, "")) for n in names)]
        for s in steps
    ]
    caption = f"All {len(rows)} steps in numbers"
    if len(rows) < len(record.steps):
        caption = f"The first and the last {ROWS // 2} of {len(record.steps)} steps in numbers"
    head = ["stage", "iteration", *map(label, names)]
    return PageTable(caption, rows, head, folded=True)


def models(record: RunRecord) -> Chapter:
    """Models with a slider over the iterates.

    Parameters
    ----------
    record : RunRecord

    Returns
    -------
    chapter : Chapter
    """
    elements: list[Element] = []
    if record.result is None:
        elements.append(Paragraph("There is no model yet.", "note"))
    else:
        iterates = Iterates.read(record.result)
        names = iterates.quantities
        elements += [slider(iterates, name, 1 / len(names)) for name in names]
    return Chapter("models", "Models", elements)


def wavelets(record: RunRecord, plan: Plan | None) -> Chapter | None:
    """The wavelet of the config, and those that were estimated.

    Parameters
    ----------
    record : RunRecord
    plan : Plan or None

    Returns
    -------
    chapter : Chapter or None
        None where there is neither.
    """
    elements: list[Element] = []
    if plan is not None:
        unit = "Pa" if plan.model.grid.ndim == 2 else "Pa m"
        values = np.atleast_2d(plan.wavelet)[0]
        picture = drawn(lambda path: pictures.wavelet(path, values, plan.interval, unit))
        elements.append(
            Picture(
                picture,
                f"Wavelet with the peak {np.abs(values).max():.3g} {unit}, and its spectrum",
                f"Left: the wavelet of {_whose(plan)} [{unit}] against time [s]. Right: its "
                f"amplitude spectrum, relative to its peak, against frequency [Hz].",
            )
        )
    if record.kind in ("invert", "lsrtm") and record.result is not None:
        estimated = hdf5.read_wavelets(record.result)
        if estimated:
            picture = drawn(lambda path: pictures.estimated(path, estimated))
            elements.append(
                Picture(
                    picture,
                    f"Estimated wavelets of {_stages(list(estimated))}",
                    "Estimated wavelets at the end of each stage (blue) over the one that the "
                    "synthetic data were modelled with (dashed), each relative to its peak, "
                    "against time [s].",
                )
            )
    return Chapter("wavelets", "Wavelets", elements) if elements else None


def _whose(plan: Plan) -> str:
    return "the first shot" if np.ndim(plan.wavelet) > 1 and len(plan.wavelet) > 1 else "all shots"


def _stages(numbers: Sequence[int]) -> str:
    return f"stage{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
