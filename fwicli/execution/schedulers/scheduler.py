"""The interface of batch systems, and what a job asks of them."""

from __future__ import annotations

import math
import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from fwicli.errors import ExecutionError

# Of a command of a batch system [s].
PATIENCE = 120.0
QUEUED, RUNNING, GONE = "queued", "running", "gone"


@dataclass(frozen=True)
class JobRequest:
    """A job, as it is described to a batch system.

    Parameters
    ----------
    name : str
    log : Path
        File that takes what the job prints, at its end; in an array it has the name of `log_of`.
    walltime, notice : int
        Time after which the job ends, and how long before that it is warned [s].
    cores : int
        On one node.
    memory : float, optional
        On one node [bytes].
    queue, account : str, optional
    members : int
        Of an array of jobs; 1 is no array.
    """

    name: str
    log: Path
    walltime: int
    notice: int
    cores: int = 1
    memory: float | None = None
    queue: str | None = None
    account: str | None = None
    members: int = 1

    @property
    def megabytes(self) -> int | None:
        """Memory on one node, rounded up [MiB]."""
        return None if self.memory is None else max(1, math.ceil(self.memory / 2**20))


class Scheduler(Protocol):
    """A batch system.

    Attributes
    ----------
    name : str
        Of it in the file of sites.
    cancelling : str
        Command that ends a job.
    mark : str
        Begins the lines of a script that it reads.
    job_variable, index_variable : str
        Environment variables of a job: its number, and its number in an array.
    index : str
        Stands for that number in the name of a log.
    warns : bool
        Whether it sends a signal before the walltime ends.
    logs : bool
        Whether it adds to a log as the job prints, rather than replace it at the end.
    """

    name: ClassVar[str]
    cancelling: ClassVar[str]
    mark: ClassVar[str]
    job_variable: ClassVar[str]
    index_variable: ClassVar[str]
    index: ClassVar[str]
    warns: ClassVar[bool] = True
    logs: ClassVar[bool] = True

    def log_of(self, request: JobRequest) -> str:
        """Path of the log for a shell, with a mark for the number of a job in an array."""
        path, log = request.log, shlex.quote(str(request.log))
        if request.members == 1:
            return log
        return f"{shlex.quote(str(path.parent))}/{path.stem}_{self.index}{path.suffix}"

    def options(self, request: JobRequest) -> list[str]:
        """Options of the lines of a script that describe a job."""
        ...

    def submit(self, script: Path) -> str:
        """Submit a script; number of the job.

        Raises
        ------
        ExecutionError
            If the batch system does not take it.
        """
        ...

    def again(self, job: str, script: Path) -> str:
        """Let a job that runs, and calls this, be run once more; number of the job that is to run.

        Parameters
        ----------
        job : str
            Number of the job.
        script : Path

        Returns
        -------
        job : str

        Raises
        ------
        ExecutionError
            If the batch system refuses it.
        """
        ...

    def state(self, job: str) -> str:
        """`queued`, `running`, or `gone` if the batch system does not know the job any more."""
        ...

    def cancel(self, job: str) -> None:
        """End a job."""
        answer([self.cancelling, job])


def hours(seconds: int) -> str:
    """A time as hours, minutes and seconds, as in 36:00:00."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest:02d}"


def answer(command: list[str], script: Path | None = None) -> str:
    """Output of a command of a batch system.

    Parameters
    ----------
    command : list of str
    script : Path, optional
        It is read by the command from its standard input.

    Returns
    -------
    output : str

    Raises
    ------
    ExecutionError
        If it is not there or fails.
    """
    try:
        done = subprocess.run(
            command,
            input=None if script is None else script.read_text(encoding="utf-8"),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except FileNotFoundError:
        raise ExecutionError(
            f"there is no command `{command[0]}` here; submit on a machine of the cluster that has "
            f"it, or name another scheduler in the file of sites"
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExecutionError(f"`{command[0]}` does not answer ({error}); try again later") from None
    if done.returncode:
        reason = " ".join((done.stderr or done.stdout).split()) or f"exit code {done.returncode}"
        raise ExecutionError(f"`{' '.join(command)}` failed: {reason}")
    return done.stdout.strip()


def number(text: str, pattern: str, command: str) -> str:
    """Number of a job in the output of a command that submits it.

    Parameters
    ----------
    text : str
        Output.
    pattern : str
        Regular expression, with the number as its group.
    command : str
        Name of the command.

    Returns
    -------
    job : str

    Raises
    ------
    ExecutionError
        If there is none.
    """
    match = re.search(pattern, text)
    if match is None:
        raise ExecutionError(f"`{command}` tells no number of a job, but: {text or 'nothing'}")
    return match[1]


def own_job(scheduler: Scheduler) -> str:
    """Number of the job that this process runs in; empty outside of one."""
    return os.environ.get(scheduler.job_variable, "")
