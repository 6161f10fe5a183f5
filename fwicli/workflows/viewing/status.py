"""`fwi status`: how far a run has come, from the ends of files in its folder.

It reads a few kilobytes whatever the length of the run, changes nothing, and imports the standard
library alone. A run is alive if its process is there, on the same machine, or if its sign of life
changes. Ages of files come from the clock of the file server, as far as the folder can be written.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fwicli.errors import ConfigError
from fwicli.workflows.run_folder import status
from fwicli.workflows.run_folder.names import CONFIG, ENVIRONMENT, LOG, PROGRESS
from fwicli.workflows.run_folder.status import FINISHED, RUNNING, SILENCE, STATUS, RunStatus
from fwicli.workflows.viewing import jobs, lines

JOB, PLAN = "job.json", "plan.json"
QUEUED, DEAD, UNKNOWN = "queued", "dead", "unknown"
# States after which nothing happens by itself.
SETTLED = (FINISHED, status.STOPPED, status.FAILED, DEAD, UNKNOWN)
# Seconds of silence that are worth a word.
QUIET = 60.0
# Iterations that the time of the next ones is taken from.
RECENT = 10
# Attributes of a status that a report has, too.
SHARED = ["kind", "state", "stage", "iteration", "iterations", "task", "evaluation", "beat"]
SHARED += ["shots_done", "shots", "workers", "processes", "error", "seconds", "memory_peak"]


@dataclass
class RunReport:
    """How far a run has come.

    Attributes
    ----------
    folder, kind, state : str
    stage, iteration : int
        Where an inversion is, from 1; 0 for other runs.
    iterations : list of int
        Of each stage.
    misfit_first, misfit_stage, misfit_last : float or None
        Of the run, at the beginning of this stage, and now.
    task : str
        Present task in words.
    evaluation, shots_done, shots : int
        In this iteration; shots in this evaluation.
    workers, processes : int
        Shots at once; processes of the run one after the other.
    host, pid : str, int
        Of the last process.
    job : dict of str to object
        Scheduler, number, attempts and state of the batch job; empty without one.
    seconds : float or None
        Time spent at the last sign of life [s].
    seconds_left : float or None
        Estimate of the time to come [s].
    left_by : str
        Source of the estimate: "plan" or "measured".
    silent_seconds : float or None
        Since the last sign of life of a process elsewhere [s].
    memory_peak : int
        Of the command and its workers on its machine [bytes]; 0 if it is not known.
    begun_from : str
        Run and iterate that the run is a branch of.
    beat : int
        Signs of life.
    error, warning : str
        Why it ended, and the last warning of its log.
    notes : list of str
        Further remarks.
    """

    folder: str
    kind: str = ""
    state: str = UNKNOWN
    stage: int = 0
    iteration: int = 0
    iterations: list[int] = field(default_factory=list)
    misfit_first: float | None = None
    misfit_stage: float | None = None
    misfit_last: float | None = None
    task: str = ""
    evaluation: int = 0
    shots_done: int = 0
    shots: int = 0
    workers: int = 0
    processes: int = 0
    host: str = ""
    pid: int = 0
    job: dict[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    seconds_left: float | None = None
    left_by: str = ""
    silent_seconds: float | None = None
    memory_peak: int = 0
    begun_from: str = ""
    beat: int = 0
    error: str = ""
    warning: str = ""
    notes: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """The report as numbers, lists and text."""
        return asdict(self)


def run(folder: Path, ask: bool = True) -> RunReport:
    """Report on a run.

    Parameters
    ----------
    folder : Path
    ask : bool
        Whether the scheduler of its job is asked, where there is one.

    Returns
    -------
    report : RunReport

    Raises
    ------
    ConfigError
        If it is not the folder of a run.
    """
    _check(folder)
    report = RunReport(str(folder))
    written = RunStatus.of(_content(folder / STATUS))
    report.job = _job(folder, written)
    records = lines.last_records(folder / PROGRESS)
    if written is not None:
        _written(report, written)
        _life(report, written, folder)
    else:
        _older(report, records, folder)
    _steps(report, records, folder)
    _all_shots(report, records)
    _warning(report, folder)
    if report.job.get("message") and report.state != RUNNING:
        report.notes.append(f"job: {report.job['message']}")
    _origin(report, folder)
    if report.job and ask and report.state != FINISHED:
        _scheduled(report)
    if report.state in (RUNNING, QUEUED):
        _left(report, written, records, folder)
    return report


def _check(folder: Path) -> None:
    """Make sure that a folder is that of a run, or of a job that waits for its beginning."""
    if folder.is_dir() and any((folder / n).is_file() for n in (CONFIG, STATUS, JOB)):
        return
    if not folder.exists():
        raise ConfigError(f"there is no {folder}; name the folder of a run, as `-o` named it")
    if folder.is_file():
        inside = (folder.parent / CONFIG).is_file()
        advice = f"`fwi status {folder.parent}`" if inside else "the folder of a run"
        raise ConfigError(f"{folder} is a file; type {advice}")
    below = sorted(path.parent for path in folder.glob(f"*/{CONFIG}"))
    named = " ".join(str(path) for path in below[:3])
    advice = f"; below it there are: `fwi status {named}`" if below else ""
    raise ConfigError(
        f"{folder} is not the folder of a run: it holds no {CONFIG}{advice or '; name that of -o'}"
    )


def _content(path: Path) -> Any:
    """Content of a JSON file; None where there is none that can be read."""
    with suppress(OSError, ValueError, RecursionError):
        return json.loads(path.read_bytes())
    return None


def _job(folder: Path, written: RunStatus | None) -> dict[str, Any]:
    """The job of a run: that of its submission, and the one that its process is part of."""
    content = _content(folder / JOB)
    job = dict(content) if isinstance(content, dict) else {}
    if isinstance(job.get("attempts"), list):
        job["attempts"] = len(job["attempts"])
    return job or ({} if written is None else dict(written.job))


def _written(report: RunReport, written: RunStatus) -> None:
    """Copy the status that the run has written."""
    for name in SHARED:
        setattr(report, name, getattr(written, name))
    report.host, report.pid = written.process.host, written.process.pid


def _life(report: RunReport, written: RunStatus, folder: Path) -> None:
    """Whether a run that says it is running shows life."""
    if report.state != RUNNING:
        return
    gone = written.process.is_gone()
    if gone:
        report.state = DEAD
        report.error = (
            f"its process {report.pid} has ended without a word: killed, as for lack of memory, or "
            f"by a crash; --resume continues it"
        )
    elif gone is None:
        _silence(report, folder)


def _silence(report: RunReport, folder: Path) -> None:
    """How long a process elsewhere has shown no sign of life."""
    with suppress(OSError):
        changed = (folder / STATUS).stat().st_mtime
        silent, clock = time.time() - changed, "this machine"
        if abs(silent) > QUIET and (served := _server_time(folder)) is not None:
            silent, clock = served - changed, "the file server"
        report.silent_seconds = round(silent, 1)
        if silent > QUIET:
            report.notes.append(f"no sign of life for {silent:.0f} s by the clock of {clock}")
        elif silent < -QUIET:
            report.notes.append(
                f"the clock of {clock} is {-silent:.0f} s behind that of the files, so that "
                f"silence cannot be told; --watch can"
            )
        if silent > SILENCE:
            report.state = DEAD
            report.error = f"no sign of life from {report.host}; --resume continues the run"


def _server_time(folder: Path) -> float | None:
    """Time of the file server, from a nameless file that is new there [s]."""
    with suppress(OSError), tempfile.TemporaryFile(dir=folder) as file:
        file.write(b".")
        file.flush()
        return os.fstat(file.fileno()).st_mtime
    return None


def _older(report: RunReport, records: list[dict[str, Any]], folder: Path) -> None:
    """A run of a version without a sign of life, or a job that has not begun."""
    if not (folder / CONFIG).is_file():
        report.state = QUEUED
        report.notes.append("the run has not begun")
        return
    from fwicli.workflows.run_folder.settings import stored  # late: a YAML reader

    settings = stored(folder / CONFIG)
    inversion = settings.get("inversion")
    report.kind = "invert" if inversion else "rtm" if "data" in settings else "model"
    last = records[-1] if records else {}
    if isinstance(inversion, dict):
        stages = inversion.get("stages") or []
        report.iterations = [int(s.get("iterations", 0)) for s in stages if isinstance(s, dict)]
        report.stage, report.iteration = last.get("stage", 1), last.get("iteration", 0)
        ended = [len(report.iterations), *report.iterations[-1:]]
        finished = [report.stage, report.iteration] == ended
    else:
        finished = "shots" in last
    report.state = FINISHED if finished else UNKNOWN
    if not finished:
        report.notes.append(
            "a version that leaves no sign of life has written it: whether it runs is unknown"
        )
    if isinstance(last.get("seconds"), int | float):
        report.seconds = float(last["seconds"])


def _steps(report: RunReport, records: list[dict[str, Any]], folder: Path) -> None:
    """Misfits, of the run, this stage, and now."""
    misfits = [r for r in _of_inversion(records) if isinstance(r.get("misfit"), int | float)]
    if not misfits:
        return
    report.misfit_last = misfits[-1]["misfit"]
    report.misfit_first = lines.first_record(folder / PROGRESS).get("misfit")
    begun = lines.last_with(folder / PROGRESS, b'"iteration": 0,')
    report.misfit_stage = begun.get("misfit")
    if report.state != RUNNING:
        report.stage, report.iteration = misfits[-1]["stage"], misfits[-1]["iteration"]


def _all_shots(report: RunReport, records: list[dict[str, Any]]) -> None:
    """Shots of a finished run: its last task may have counted others, such as parts to merge."""
    if report.state != FINISHED:
        return
    written = records[-1].get("shots") if records and not report.iterations else None
    if isinstance(written, int):
        report.shots = written
    report.shots_done = report.shots


def _of_inversion(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records of steps of an inversion."""
    return [r for r in records if isinstance(r.get("stage"), int) and "iteration" in r]


def _warning(report: RunReport, folder: Path) -> None:
    """The last warning near the end of the log."""
    for line in reversed(lines.last_lines(folder / LOG)):
        text = line.decode("utf-8", errors="replace")[20:]
        if text.startswith("warning: "):
            report.warning = text.removeprefix("warning: ")
            return


def _origin(report: RunReport, folder: Path) -> None:
    """Iterate of another run that this one was begun from."""
    environment = _content(folder / ENVIRONMENT)
    branch = environment.get("branch") if isinstance(environment, dict) else None
    if isinstance(branch, dict):
        report.begun_from = f"{branch.get('run')}@{branch.get('iterate')}"


def _scheduled(report: RunReport) -> None:
    """Ask the scheduler for the state of the job."""
    state = jobs.state(str(report.job.get("scheduler", "")), str(report.job.get("id", "")))
    if not state:
        return
    report.job["state"] = state
    if state == jobs.PENDING and report.state != RUNNING:
        report.state = QUEUED
    elif state == jobs.ACTIVE and report.state == DEAD and report.silent_seconds is not None:
        report.notes.append("its scheduler says that the job runs: its node or disk may hang")
    elif state == jobs.GONE and report.state in (QUEUED, RUNNING) and not report.pid:
        report.state = DEAD
        report.error = "its job has ended before the run began; see the log of the job"
    elif state == jobs.GONE and report.state == RUNNING and report.silent_seconds is not None:
        report.state = DEAD
        report.error = "its job has ended without a word; --resume continues the run"


# --- time left ------------------------------------------------------------------------------------


def _left(
    report: RunReport, written: RunStatus | None, records: list[dict[str, Any]], folder: Path
) -> None:
    """Time to come, by the pace until now and the plan."""
    if report.iterations:
        _left_of_inversion(report, records, _planned(folder))
    elif written is not None and written.task_shots:
        pace = written.task_seconds / written.task_shots
        report.seconds_left, report.left_by = pace * (report.shots - report.shots_done), "measured"


def _planned(folder: Path) -> list[float]:
    """Seconds of an iteration of each stage, by the plan of a run; empty without one."""
    content = _content(folder / PLAN)
    stages = content.get("stages") if isinstance(content, dict) else None
    seconds = [s.get("seconds_per_iteration") for s in stages or () if isinstance(s, dict)]
    return [float(s) for s in seconds if isinstance(s, int | float) and s > 0]


def _left_of_inversion(
    report: RunReport, records: list[dict[str, Any]], planned: list[float]
) -> None:
    """Iterations to come, each as long as planned, times how much longer the last ones took."""
    steps = [
        r
        for r in _of_inversion(records)
        if isinstance(r.get("seconds"), int | float) and 0 < r["stage"] <= len(report.iterations)
    ]
    stage, iteration = (steps[-1]["stage"], steps[-1]["iteration"]) if steps else (1, 0)
    if len(planned) != len(report.iterations):
        planned = []
    weights = planned or [1.0] * len(report.iterations)
    to_come = (report.iterations[stage - 1] - iteration) * weights[stage - 1]
    to_come += sum(n * w for n, w in zip(report.iterations[stage:], weights[stage:], strict=True))
    recent = steps[-1 - RECENT :]
    expected = sum(weights[step["stage"] - 1] for step in recent[1:])
    if expected > 0:
        pace = (recent[-1]["seconds"] - recent[0]["seconds"]) / expected
    elif planned:
        pace = 1.0
    else:
        return
    since = (report.seconds or 0.0) - steps[-1]["seconds"] if steps else 0.0
    report.seconds_left = max(0.0, pace * to_come - max(0.0, since))
    report.left_by = "plan" if planned else "measured"
