"""Grid Engine: qsub; a job that goes on is submitted again."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

from fwicli.errors import ExecutionError
from fwicli.execution.schedulers import scheduler
from fwicli.execution.schedulers.scheduler import JobRequest, Scheduler


class GridEngine(Scheduler):
    """Grid Engine, whose soft limit of time is a signal."""

    name: ClassVar[str] = "sge"
    cancelling: ClassVar[str] = "qdel"
    mark: ClassVar[str] = "#$"
    job_variable: ClassVar[str] = "JOB_ID"
    index_variable: ClassVar[str] = "SGE_TASK_ID"
    index: ClassVar[str] = "$TASK_ID"

    def options(self, request: JobRequest) -> list[str]:
        """Options of qsub; memory is that of a core."""
        soft = max(1, request.walltime - request.notice)
        options = [
            f"-N {request.name}",
            f"-o {self.log_of(request)}",
            "-j y",
            "-S /bin/bash",
            f"-l h_rt={scheduler.hours(request.walltime)}",
            f"-l s_rt={scheduler.hours(soft)}",
            "-r y",
        ]
        if request.cores > 1:
            options.append(f"-pe smp {request.cores}")
        if request.megabytes is not None:
            options.append(f"-l h_vmem={math.ceil(request.megabytes / request.cores)}M")
        if request.queue is not None:
            options.append(f"-q {request.queue}")
        if request.account is not None:
            options.append(f"-P {request.account}")
        if request.members > 1:
            options.append(f"-t 1-{request.members}")
        return options

    def submit(self, script: Path) -> str:
        """Submit a script by qsub."""
        text = scheduler.answer(["qsub", "-terse", str(script)])
        return scheduler.number(text, r"^(\d+)", "qsub")

    def again(self, job: str, script: Path) -> str:
        """Submit the script once more, as a job with the whole walltime."""
        del job
        return self.submit(script)

    def state(self, job: str) -> str:
        """State by qstat, which lists jobs that wait or run."""
        try:
            text = scheduler.answer(["qstat", "-u", "*"])
        except ExecutionError as error:
            if "no such job" in str(error).lower():
                return scheduler.GONE
            raise
        rows = [line.split() for line in text.splitlines()]
        states = {row[4] for row in rows if len(row) > 4 and row[0] == job}
        if any("r" in state or "t" in state for state in states):
            return scheduler.RUNNING
        return scheduler.QUEUED if states else scheduler.GONE
