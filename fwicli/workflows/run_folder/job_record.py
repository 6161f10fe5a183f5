"""The batch job of a run, in its folder: what was submitted, and every attempt to run it.

    job.json    this record; `job_3.json` is that of the third member of an array
    job.yaml    the config of the job, with the settings of the command line
    job.sh      its script
    job.log     what it prints; `job_3.log` is that of the third member

The record is written when the job is submitted and at both ends of each attempt. An attempt
without an end was lost with its node, or runs.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from fwicli.disk import atomic, ownership
from fwicli.errors import DataError
from fwicli.workflows.run_folder.advance import Advance

RECORD, CONFIG, SCRIPT, LOG = "job.json", "job.yaml", "job.sh", "job.log"
# States of a job: it waits, runs, waits to be run again, or has ended in one of four ways.
QUEUED, RUNNING, REQUEUED = "queued", "running", "requeued"
DONE, FAILED, STOPPED, STALLED = "done", "failed", "stopped", "stalled"
ENDS = (DONE, FAILED, STOPPED, STALLED)


@dataclass(frozen=True)
class Attempt:
    """One start of a job.

    Attributes
    ----------
    job : str
        Its number in the batch system.
    host : str
    started, ended : float
        Since 1970 [s]; `ended` is None while it runs, or if it was lost.
    exit_code : int or None
    end : str
        Why it ended: `done`, `time`, `terminated`, `failed`, or `lost`.
    before, after : Advance
        Work on disk at its beginning and at its end.
    """

    job: str
    host: str
    started: float
    before: Advance
    ended: float | None = None
    exit_code: int | None = None
    end: str = ""
    after: Advance | None = None

    @property
    def advanced(self) -> bool:
        """Whether it has added to the work on disk."""
        return self.after is not None and self.after > self.before


@dataclass(frozen=True)
class JobRecord:
    """A job that was submitted.

    Attributes
    ----------
    job : str
        Number in the batch system, of the latest submission.
    scheduler, site, kind : str
        Name of the batch system, of the site, and of the command that the job runs.
    version : str
        Of fwi, where the job was submitted.
    submitted : float
        Since 1970 [s].
    walltime, notice, cores, members : int
        Time of the job, how long before its end the run is told [s]; cores; jobs of an array.
    memory : float or None
        Of a node [bytes].
    scratch : str or None
        Folder for temporary files.
    shots : str
        Shots of a member that runs a part of a survey, as in 0:100; empty for all.
    state, message : str
        One of the states above, and why.
    attempts : tuple of Attempt
    """

    scheduler: str
    site: str
    kind: str
    version: str
    walltime: int
    notice: int
    cores: int
    memory: float | None = None
    scratch: str | None = None
    members: int = 1
    shots: str = ""
    job: str = ""
    submitted: float = 0.0
    state: str = QUEUED
    message: str = ""
    attempts: tuple[Attempt, ...] = field(default=())

    def begun(self, job: str, host: str, work: Advance) -> JobRecord:
        """With an attempt that begins; one before it without an end was lost.

        Parameters
        ----------
        job : str
            Number in the batch system.
        host : str
        work : Advance
            On disk now.

        Returns
        -------
        record : JobRecord
        """
        earlier = tuple(
            a if a.ended is not None or a.end else replace(a, end="lost", after=work)
            for a in self.attempts
        )
        attempt = Attempt(job, host, round(time.time(), 3), work)
        return replace(
            self, job=job or self.job, state=RUNNING, message="", attempts=(*earlier, attempt)
        )

    def ended(self, exit_code: int, end: str, work: Advance) -> JobRecord:
        """With the end of the latest attempt.

        Parameters
        ----------
        exit_code : int
        end : str
            Why it has ended.
        work : Advance
            On disk now.

        Returns
        -------
        record : JobRecord
        """
        last = replace(
            self.attempts[-1],
            ended=round(time.time(), 3),
            exit_code=exit_code,
            end=end,
            after=work,
        )
        return replace(self, attempts=(*self.attempts[:-1], last))

    @property
    def in_vain(self) -> int:
        """Latest attempts in a row that ran out of time, or failed, without an advance.

        Attempts that others have ended, or that were lost, do not count.
        """
        count = 0
        for attempt in reversed(self.attempts):
            if attempt.advanced:
                break
            count += attempt.end in ("time", "failed")
        return count

    def write(self, path: Path) -> None:
        """Write the record as a whole."""
        content = asdict(self)
        content = {"id": content.pop("job"), **content}
        with atomic.replacing(path) as new:
            new.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def name(member: int = 0, file: str = RECORD) -> str:
    """Name of a file of a job, by default its record, or of a member of an array, from 1.

    Parameters
    ----------
    member : int
        0 for a job that is no array, or for the whole array.
    file : str
        Its name for a job that is no array.

    Returns
    -------
    name : str
    """
    stem, dot, suffix = file.partition(".")
    return f"{stem}_{member}{dot}{suffix}" if member else file


def read(path: Path) -> JobRecord:
    """A record.

    Raises
    ------
    DataError
        If it is damaged.
    TrustError
        If another user could have written it.
    OSError
        If there is none.
    """
    with ownership.open_run_file(path) as file:
        text = file.read()
    try:
        content: dict[str, Any] = json.loads(text)
        attempts = [_attempt(values) for values in content.pop("attempts")]
        return JobRecord(job=content.pop("id"), attempts=tuple(attempts), **content)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"{path} is not what `fwi submit` has left there ({error}); submit the run again with "
            f"--resume"
        ) from error


def _attempt(values: dict[str, Any]) -> Attempt:
    before, after = values.pop("before"), values.pop("after")
    return Attempt(
        **values, before=Advance(**before), after=None if after is None else Advance(**after)
    )
