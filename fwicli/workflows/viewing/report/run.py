"""`fwi report`: one page on a run, from its folder and some shots that are modelled anew.

The page is a single file: no network is needed to read it. It is written whole or not at all.
"""

from __future__ import annotations

import logging
import os
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from fwicli.disk import atomic
from fwicli.errors import ConfigError, ExecutionError, FwiError
from fwicli.report.elements import Chapter, Paragraph
from fwicli.report.page import render
from fwicli.workflows.planning.plan import Plan, make_plan
from fwicli.workflows.run_folder import inputs, outputs
from fwicli.workflows.run_folder.manifest import Manifest
from fwicli.workflows.run_folder.names import WRITTEN
from fwicli.workflows.run_folder.progress import Progress, Silent
from fwicli.workflows.viewing.report import closing, course, fitting, overview
from fwicli.workflows.viewing.report.record import RunRecord, read
from fwicli.workflows.viewing.report.sampled import SampledShots, sample

log = logging.getLogger("fwicli")

# Shots that are modelled for the page.
SHOTS = 8
TITLES = {
    "invert": "Inversion",
    "rtm": "Migration",
    "lsrtm": "Least-squares migration",
    "model": "Modelling",
}


def run(
    folder: Path,
    output: Path | None = None,
    shots: int = SHOTS,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write the page of a run.

    Parameters
    ----------
    folder : Path
        Of the run.
    output : Path, optional
        File of the page; by default `report.html` in the folder.
    shots : int
        Shots of the survey that are modelled for the page, at most; 0 for none.
    progress : Progress, optional

    Returns
    -------
    summary : dict of str to object
        Place and size of the page, state of the run, and parts that are left out.

    Raises
    ------
    ConfigError
        If the folder is not that of a run, or the page would replace another file.
    TrustError
        If another user could have written the folder.
    ExecutionError
        If the page cannot be written there.
    """
    record = read(folder)
    path = _target(record, output)
    plan, refusal = _plan(record)
    left_out = [refusal] if refusal else []
    sampled = None
    if shots > 0 and plan is not None and plan.gathers is not None:
        sampled, why = _sampled(record, plan, shots, progress or Silent())
        left_out += [why] if why else []
    sections = _sections(record, (plan, refusal), sampled, left_out)
    text = render(
        f"{WRITTEN} {metadata.version('fwicli')}",
        f"{TITLES.get(record.kind, record.kind)}: {folder.resolve().name}",
        [
            f"{folder.resolve()}, begun {record.environment.get('date', 'at an unknown time')} on "
            f"{record.environment.get('host', 'an unknown host')}",
            f"Page of {time.strftime('%Y-%m-%d %H:%M:%S')} by fwi {metadata.version('fwicli')}",
        ],
        sections,
    )
    _write(path, text)
    return {
        "report": str(path),
        "size_mb": round(path.stat().st_size / 1e6, 3),
        **overview.actual(record),
        "shots_modelled": [] if sampled is None else sampled.numbers,
        "left_out": left_out,
    }


def _plan(record: RunRecord) -> tuple[Plan | None, str]:
    """The plan of the run; None, and why, where its inputs are no longer there."""
    try:
        return make_plan(record.loaded), ""
    except (FwiError, OSError) as error:
        return None, str(error)


def _sampled(
    record: RunRecord, plan: Plan, shots: int, progress: Progress
) -> tuple[SampledShots | None, str]:
    """Some shots modelled anew; None, and why, where that fails."""
    try:
        sampled = sample(record, plan, shots, progress)
    except FwiError as error:
        log.warning("warning: no shot is modelled for the page: %s", error)
        return None, str(error)
    finally:
        progress.stop()
    return sampled, "" if sampled is not None else "no shot has a trace that can be compared"


def _sections(
    record: RunRecord,
    planned: tuple[Plan | None, str],
    sampled: SampledShots | None,
    left_out: list[str],
) -> list[Chapter]:
    """Sections of the page, in their order."""
    plan, refusal = planned
    sections: list[Chapter | None] = [
        overview.summary(record),
        overview.setup(record, plan, refusal),
        overview.plan_and_actual(record, plan),
    ]
    if record.kind == "invert":
        sections += [course.convergence(record), course.models(record)]
    elif record.kind in ("rtm", "lsrtm"):
        sections += [course.residual(record)] if record.kind == "lsrtm" else []
        sections.append(closing.image(record))
    else:
        sections += closing.records(record)
    if sampled is not None:
        sections += fitting.sections(sampled)
    elif record.kind in ("invert", "rtm", "lsrtm"):
        why = f": {left_out[-1]}" if left_out else ", as --no-modelling says"
        note = Paragraph(f"No shots were modelled for this page{why}.", "note")
        sections.append(Chapter("fit", "Data fit by shot and offset", [note]))
    sections += [
        closing.diagnosis(record),
        course.wavelets(record, plan),
        closing.log(record),
        closing.provenance(record),
    ]
    return [section for section in sections if section is not None]


# --- the file -------------------------------------------------------------------------------------


def _target(record: RunRecord, output: Path | None) -> Path:
    """File of the page, which replaces nothing but an earlier page.

    Raises
    ------
    ConfigError
        If something else bears its name, or it is an input of the run.
    """
    path = record.folder / outputs.REPORT if output is None else output
    inputs.protect(record.loaded, [path])
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name a file in it, as {path / outputs.REPORT}")
    if os.path.lexists(path) and not outputs.recognised(path):
        raise ConfigError(
            f"{path} is in the way: it is no page of `fwi report`, which replaces no other file; "
            f"move it, or name another file with -o"
        )
    if path.parent.resolve() == record.folder.resolve():
        manifest = Manifest(record.folder)
        if manifest.present and not manifest.owns(path.name):
            _listed(manifest, path)
    return path


def _listed(manifest: Manifest, path: Path) -> None:
    """Put the page onto the list of the folder, so that `--force` removes it with the run."""
    try:
        if os.path.lexists(path):
            manifest.adopt([path.name])
        else:
            manifest.claim(path.name)
    except OSError as error:
        raise _unwritable(path) from error


def _write(path: Path, text: str) -> None:
    """Write the page aside, and rename it."""
    try:
        with atomic.replacing(path) as new:
            new.write_text(text, encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise _unwritable(path) from error


def _unwritable(path: Path) -> ExecutionError:
    return ExecutionError(
        f"{path} cannot be written: there is no such folder, or you have no permission; name "
        f"another file with -o"
    )
