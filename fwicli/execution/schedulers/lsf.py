"""LSF: bsub, which reads the script; a job that goes on is submitted again."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

from fwicli.errors import ExecutionError
from fwicli.execution.schedulers import scheduler
from fwicli.execution.schedulers.scheduler import JobRequest, Scheduler


class Lsf(Scheduler):
    """LSF, which counts walltimes and warnings in minutes."""

    name: ClassVar[str] = "lsf"
    cancelling: ClassVar[str] = "bkill"
    mark: ClassVar[str] = "#BSUB"
    job_variable: ClassVar[str] = "LSB_JOBID"
    index_variable: ClassVar[str] = "LSB_JOBINDEX"
    index: ClassVar[str] = "%I"

    def options(self, request: JobRequest) -> list[str]:
        """Options of bsub."""
        minutes, array = math.ceil(request.walltime / 60), f"[1-{request.members}]"
        name = f"{request.name}{array if request.members > 1 else ''}"
        options = [
            f'-J "{name}"',
            f"-o {self.log_of(request)}",
            f"-W {minutes // 60}:{minutes % 60:02d}",
            f"-wa USR1 -wt {math.ceil(request.notice / 60)}",
            "-r",
            f"-n {request.cores}",
            '-R "span[hosts=1]"',
        ]
        if request.megabytes is not None:
            options.append(f'-R "rusage[mem={request.megabytes}MB]" -M {request.megabytes}MB')
        if request.queue is not None:
            options.append(f"-q {request.queue}")
        if request.account is not None:
            options.append(f"-P {request.account}")
        return options

    def submit(self, script: Path) -> str:
        """Submit a script by bsub."""
        return scheduler.number(scheduler.answer(["bsub"], script), r"Job <(\d+)>", "bsub")

    def again(self, job: str, script: Path) -> str:
        """Submit the script once more, as a job with the whole walltime."""
        del job
        return self.submit(script)

    def state(self, job: str) -> str:
        """State by bjobs."""
        try:
            text = scheduler.answer(["bjobs", "-noheader", "-o", "stat", job])
        except ExecutionError as error:
            if "is not found" in str(error):
                return scheduler.GONE
            raise
        states = set(text.split())
        if states & {"RUN", "USUSP", "SSUSP"}:
            return scheduler.RUNNING
        return scheduler.QUEUED if states & {"PEND", "PSUSP", "WAIT"} else scheduler.GONE
