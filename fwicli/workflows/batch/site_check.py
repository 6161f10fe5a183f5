"""`fwi site check`: a small job that examines the node it gets, and reports in a file.

The folder of the job lies where runs do, so that it also shows whether nodes see them. The node
writes its findings; this process waits for the job and reads them.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from fwicli.config.site import SiteSection, seconds
from fwicli.disk import atomic, ownership
from fwicli.errors import ConfigError, ExecutionError
from fwicli.execution.schedulers.registry import SCHEDULERS
from fwicli.execution.schedulers.scheduler import GONE, Scheduler
from fwicli.workflows.batch import node, script, submission
from fwicli.workflows.run_folder import job_record
from fwicli.workflows.run_folder.manifest import Manifest
from fwicli.workflows.run_folder.progress import Progress

# Walltime of the job [s], between two looks at it, and until a shared disk shows a file [s].
LENGTH, INTERVAL, LAG = 600, 2.0, 30.0
# Files of the job, which are removed when it is done.
FINDINGS = "job_1.json"


def check(
    name: str, site: SiteSection, folder: Path, patience: float, progress: Progress
) -> list[dict[str, Any]]:
    """Examine a node of a site by a job.

    Parameters
    ----------
    name : str
        Of the site.
    site : SiteSection
    folder : Path
        New, on a disk that nodes see; it is removed at the end, unless the job leaves a log.
    patience : float
        How long the job may wait and run [s].
    progress : Progress

    Returns
    -------
    findings : list of dict
        Name, value and problem of each thing that was examined.

    Raises
    ------
    ConfigError
        If the folder holds something.
    ExecutionError
        If the batch system does not take the job, or the job does not report.
    """
    folder = folder.absolute()
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty; choose another folder with -o")
    folder.mkdir(parents=True, exist_ok=True)
    scheduler, manifest = SCHEDULERS[site.scheduler], Manifest(folder)
    small = site.model_copy(
        update={"walltime": _shorter(site.walltime), "notice": min(site.notice, LENGTH // 2)}
    )
    request = script.request(small, f"fwi-check-{name}", manifest.claim(job_record.LOG))
    record = submission.record_of(name, site, "check")
    record.write(manifest.claim(job_record.RECORD))
    path = manifest.claim(job_record.SCRIPT)
    text = script.script(scheduler, small, request, ("site", "check", "--here", "-o", str(folder)))
    path.write_text(text, encoding="utf-8")
    manifest.claim(FINDINGS)
    job = scheduler.submit(path)
    progress.start(f"job {job} of {name}", 1)
    try:
        findings = _wait(scheduler, job, folder, patience, progress)
    except BaseException:
        with suppress(ExecutionError):
            if scheduler.state(job) != GONE:
                scheduler.cancel(job)
        raise
    Manifest(folder).remove()
    with suppress(OSError):
        folder.rmdir()
    return findings


def report(folder: Path) -> bool:
    """Examine this node, as the job of `check` does, and write the findings into its folder.

    Returns
    -------
    good : bool
        Whether nothing is wrong.
    """
    record = job_record.read(folder / job_record.RECORD)
    findings = node.findings(record, folder, kernel=True)
    with atomic.replacing(folder / FINDINGS) as new:
        new.write_text(json.dumps([f.summary() for f in findings]), encoding="utf-8")
    return not any(finding.problem for finding in findings)


def here(name: str, site: SiteSection, folder: Path) -> list[dict[str, Any]]:
    """Findings on this machine, without a job.

    Parameters
    ----------
    name : str
        Of the site.
    site : SiteSection
    folder : Path
        Where runs would be.

    Returns
    -------
    findings : list of dict
    """
    return [
        f.summary()
        for f in node.findings(submission.record_of(name, site, "check"), folder, kernel=True)
    ]


def _shorter(walltime: str) -> str:
    """The walltime of a site, or a shorter one that suffices for the check."""
    return walltime if seconds(walltime) <= LENGTH else "00:10:00"


def _wait(
    scheduler: Scheduler, job: str, folder: Path, patience: float, progress: Progress
) -> list[dict[str, Any]]:
    """Findings of a job, once it has reported."""
    path, end = folder / FINDINGS, time.monotonic() + patience
    gone_at: float | None = None
    while True:
        progress.update(0)
        if path.is_file():
            with ownership.open_run_file(path) as file:
                findings: list[dict[str, Any]] = json.loads(file.read())
            return findings
        state, now = scheduler.state(job), time.monotonic()
        if state == GONE:
            gone_at = gone_at or now
            if now - gone_at > LAG:
                raise ExecutionError(
                    f"job {job} has ended without a report{_last_line(folder)}; see "
                    f"{folder / job_record.LOG}, and whether nodes see {folder}"
                )
        elif now > end:
            raise ExecutionError(
                f"job {job} is still {state} after {patience:g} s, and was cancelled; see to "
                f"`queue`, `account`, `cores`, `memory` and `walltime` of the site, or wait longer "
                f"with --wait"
            )
        time.sleep(INTERVAL)


def _last_line(folder: Path) -> str:
    """The last line of the log of a job, as the end of a sentence."""
    with suppress(OSError):
        text = (folder / job_record.LOG).read_text(encoding="utf-8", errors="replace")
        lines = [re.sub(r"^fwi: ", "", line) for line in text.splitlines() if line.strip()]
        return f": {lines[-1]}" if lines else ""
    return ""
