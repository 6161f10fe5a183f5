"""Arrays of jobs: what each member does, and how the whole array stands.

The members of an inversion or a least-squares migration take part in one run, by files in its
folder (`engine: files`). The members of a modelling or a migration run parts of the survey, and the
last one joins them.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from fwicli.config.loader import Loaded
from fwicli.disk import atomic
from fwicli.errors import ConfigError, FwiError
from fwicli.workflows.run_folder import job_record, merging, parts
from fwicli.workflows.run_folder.job_record import JobRecord
from fwicli.workflows.run_folder.outputs import CONFIG

# Kinds of runs whose shots belong together.
TOGETHER = ("invert", "lsrtm")
# States of members, the one that the whole array has first.
ORDER = (
    job_record.RUNNING,
    job_record.REQUEUED,
    job_record.QUEUED,
    job_record.STALLED,
    job_record.FAILED,
    job_record.STOPPED,
    job_record.DONE,
)


def settings(loaded: Loaded) -> tuple[str, ...]:
    """Settings of the config that members need, as `a.b=c`.

    Raises
    ------
    ConfigError
        If the config has Dask run the shots.
    """
    engine = loaded.config.execution.engine
    if engine == "dask":
        raise ConfigError(
            "the jobs of an array do not need Dask; set `execution.engine: processes`, or leave "
            "out --array"
        )
    return ("execution.engine=files",) if loaded.kind in TOGETHER and engine != "files" else ()


def members(record: JobRecord, count: int, shots: int) -> list[JobRecord]:
    """Records of the members of an array, each with its shots.

    Parameters
    ----------
    record : JobRecord
        Of the whole.
    count : int
        Number of members.
    shots : int
        Of the survey.

    Returns
    -------
    records : list of JobRecord

    Raises
    ------
    ConfigError
        If there are more members than shots.
    """
    if count > shots:
        raise ConfigError(f"{count} jobs are more than the {shots} shots; lower --array")
    if record.kind in TOGETHER:
        return [replace(record, members=count)] * count
    ends = [number * shots // count for number in range(count + 1)]
    return [
        replace(record, members=count, shots=f"{first}:{stop}") for first, stop in pairwise(ends)
    ]


def check(folder: Path, members: Sequence[JobRecord], resume: bool, force: bool) -> None:
    """Make sure that the jobs of an array, or a single one, fit the parts of a run in a folder.

    Parameters
    ----------
    folder : Path
        Of the run.
    members : sequence of JobRecord
        Of the array; empty for a single job.
    resume, force : bool
        Whether the run is to be continued or overwritten.

    Raises
    ------
    ConfigError
        With what to type instead.
    """
    if force:
        return
    pieces = {parts.label(piece.shots) for piece in parts.stored(folder)}
    shots = {member.shots for member in members if member.shots}
    listed = ", ".join(sorted(pieces, key=lambda label: int(label.partition(":")[0])))
    if pieces and not resume:
        raise ConfigError(
            f"{folder} holds the parts {listed} of a run; continue them with --resume, begin anew "
            f"with --force, or choose another folder with -o"
        )
    if pieces - shots:
        jobs = f"{len(members)} jobs" if members else "a single job"
        raise ConfigError(
            f"{folder} holds the parts {listed} of a run, which {jobs} would not continue; "
            f"{_as_before(folder)}, or begin anew with --force"
        )
    if shots and not pieces and (folder / CONFIG).is_file() and not merging.is_complete(folder):
        raise ConfigError(
            f"the run in {folder} was begun with all shots, and has no parts that an array could "
            f"continue; leave out --array, or begin anew with --force"
        )


def _as_before(folder: Path) -> str:
    """How the parts of a run were submitted, as advice."""
    with suppress(OSError, FwiError):
        before = job_record.read(folder / job_record.RECORD)
        if before.members > 1:
            return f"submit as many as before, with --array {before.members} --resume"
    return f"run the others with --shots, and put them together with `fwi merge {folder}`"


def place(record: JobRecord, folder: Path) -> Path:
    """Folder in which the work of a job is on disk.

    Parameters
    ----------
    record : JobRecord
    folder : Path
        Of the run.

    Returns
    -------
    place : Path
        That of the run, or of the shots of the job.
    """
    if not record.shots:
        return folder
    first, stop = map(int, record.shots.split(":"))
    return parts.folder(folder, range(first, stop))


def options(record: JobRecord, folder: Path) -> list[str]:
    """Options of the command that a job runs.

    Parameters
    ----------
    record : JobRecord
    folder : Path
        Of the run.

    Returns
    -------
    options : list of str
    """
    if not record.shots:
        return ["--resume"]
    begun = (place(record, folder) / CONFIG).is_file() or (folder / CONFIG).is_file()
    return ["--shots", record.shots, *(["--resume"] if begun else [])]


def update(folder: Path, count: int) -> None:
    """Write how the whole array stands into its record.

    Parameters
    ----------
    folder : Path
        Of the run.
    count : int
        Number of members.
    """
    records = list(_records(folder, count))
    if not records:
        return
    path = folder / job_record.RECORD
    with suppress(OSError, FwiError):  # a member that writes meanwhile does the same
        state = min((record.state for record in records), key=ORDER.index)
        done = sum(record.state == job_record.DONE for record in records)
        message = f"{done} of {count} jobs are done"
        messages = [record.message for record in records if record.message]
        whole = replace(job_record.read(path), state=state)
        replace(whole, message="; ".join([message, *messages[:1]])).write(path)


def _records(folder: Path, count: int) -> Sequence[JobRecord]:
    records = []
    for member in range(1, count + 1):
        with suppress(OSError, FwiError):
            records.append(job_record.read(folder / job_record.name(member)))
    return records


def marks(member: int) -> tuple[str, ...]:
    """Texts in the script of a member that have its number."""
    return f"--member {member}", f"job_{member}.log"


# Script of a member whose number is to be put in place of these marks, and the marks.
PATTERN, MARKS = "job_0.sh", marks(0)


def script_of_member(folder: Path, member: int) -> Path:
    """Write the script of one member, for a batch system that runs no job of an array again.

    Parameters
    ----------
    folder : Path
        Of the run.
    member : int
        From 1.

    Returns
    -------
    path : Path
    """
    path = folder / job_record.name(member, job_record.SCRIPT)
    text = (folder / PATTERN).read_text(encoding="utf-8")
    for mark, own in zip(MARKS, marks(member), strict=True):
        text = text.replace(mark, own)
    with atomic.replacing(path) as new:
        new.write_text(text, encoding="utf-8")
    return path
