"""The sign of life of a run: `status.json` in its folder, for `fwi status` on any machine.

It is small, replaced as a whole, and written at most once in `INTERVAL` and at least once in
`BEAT`. A counter grows with each writing, so that a reader sees life without comparing clocks. The
process is named with the boot of its kernel, its namespace and its own start: its number alone may
be that of another process by now.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

STATUS = "status.json"
# First key of the file, with the version of its layout.
LAYOUT, VERSION = "fwicli_status", 1
# Seconds between two writings at least, and at most.
INTERVAL, BEAT = 2.0, 10.0
# Seconds without a sign of life after which a run is taken for dead.
SILENCE = 600.0
RUNNING, FINISHED, STOPPED, FAILED = "running", "finished", "stopped", "failed"
# Environment variables in which batch systems name a job.
JOBS = {
    "slurm": "SLURM_JOB_ID",
    "pbs": "PBS_JOBID",
    "lsf": "LSB_JOBID",
    "sge": "JOB_ID",
}


@dataclass(frozen=True)
class RunProcess:
    """A process that no other is taken for.

    Attributes
    ----------
    host : str
        Name of its machine.
    pid : int
    boot : str
        Boot of the kernel that it runs on; empty where the kernel does not tell it.
    namespace : str
        Of process numbers, as of a container.
    start : str
        When it was started, in ticks since the boot.
    """

    host: str = ""
    pid: int = 0
    boot: str = ""
    namespace: str = ""
    start: str = ""

    @classmethod
    def this(cls) -> RunProcess:
        """The process that calls."""
        return cls(
            socket.gethostname(), os.getpid(), _boot(), _namespace(), _start(os.getpid()) or ""
        )

    def is_gone(self) -> bool | None:
        """Whether it has ended; None if it ran where the caller cannot see it."""
        if self.boot:
            if (self.boot, self.namespace) != (_boot(), _namespace()):
                return None
            return _start(self.pid) != self.start
        if _boot() or self.host != socket.gethostname() or self.pid <= 0:
            return None
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False


@dataclass
class RunStatus:
    """State of a run, as the run itself writes it.

    Attributes
    ----------
    kind : str
        Of its config.
    state : str
        `RUNNING`, `FINISHED`, `STOPPED` or `FAILED`.
    beat : int
        Number of times that it was written, over all processes of the run.
    process : RunProcess
        The last one.
    processes : int
        Number of processes, with the first: one more for each `--resume`.
    job : dict of str to str
        `scheduler` and `id` of the batch job; empty without one.
    workers : int
        Shots at once; 0 before it is known.
    task : str
        Present task in words.
    stage, iteration, evaluation : int
        Of an inversion, from 1; iteration 0 is the first evaluation of a stage. 0 for other runs.
    iterations : list of int
        Of each stage of an inversion.
    shots_done, shots : int
        In this evaluation, or of all shots.
    seconds : float
        Time spent by all processes [s].
    task_seconds : float
        Time spent on this task by this process [s].
    task_shots : int
        Shots of the task that this process has done.
    error : str
        Why it stopped or failed.
    exit_code : int or None
        Of the command, where an error is the reason.
    memory_peak : int
        Of the command and its workers on this machine [bytes]; 0 before it is known.
    """

    kind: str = ""
    state: str = RUNNING
    beat: int = 0
    process: RunProcess = field(default_factory=RunProcess)
    processes: int = 1
    job: dict[str, str] = field(default_factory=dict)
    workers: int = 0
    task: str = ""
    stage: int = 0
    iteration: int = 0
    evaluation: int = 0
    iterations: list[int] = field(default_factory=list)
    shots_done: int = 0
    shots: int = 0
    seconds: float = 0.0
    task_seconds: float = 0.0
    task_shots: int = 0
    error: str = ""
    exit_code: int | None = None
    memory_peak: int = 0

    def content(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {LAYOUT: VERSION, **asdict(self)}

    @classmethod
    def of(cls, content: Any) -> RunStatus | None:
        """From the content of a file; None if it is none of a run.

        Parameters
        ----------
        content : object
            Parsed JSON. Entries of other types than their own are left out.

        Returns
        -------
        status : RunStatus or None
        """
        if not isinstance(content, dict) or LAYOUT not in content:
            return None
        status = cls()
        for name, value in content.items():
            before = getattr(status, name, None)
            if name == "process" and isinstance(value, dict):
                status.process = _process(value)
            elif name == "exit_code" or _fits(value, before):
                setattr(status, name, float(value) if isinstance(before, float) else value)
        return status


def _process(content: dict[str, Any]) -> RunProcess:
    names = asdict(RunProcess())
    return RunProcess(**{n: v for n, v in content.items() if n in names and _fits(v, names[n])})


def _fits(value: Any, before: Any) -> bool:
    """Whether a value of a file has the type of an attribute."""
    if isinstance(before, float):
        return isinstance(value, int | float)
    return before is not None and type(value) is type(before)


def job() -> dict[str, str]:
    """Batch system and number of the job that this process is part of; empty without one."""
    for scheduler, name in JOBS.items():
        if os.environ.get(name):
            return {"scheduler": scheduler, "id": os.environ[name]}
    return {}


# --- processes ------------------------------------------------------------------------------------


def _boot() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def _namespace() -> str:
    with suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink())
    return ""


def _start(pid: int) -> str | None:
    """Start of a process that has not ended, in ticks since the boot; None for one that has."""
    with suppress(OSError, IndexError):
        # The name of the program stands in brackets, and may itself contain some.
        entries = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return None if entries[0] in (b"Z", b"X") else entries[19].decode("ascii")
    return None
