"""PBS Professional and OpenPBS: qsub; a job that goes on is submitted again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from fwicli.errors import ExecutionError
from fwicli.execution.schedulers import scheduler
from fwicli.execution.schedulers.scheduler import JobRequest, Scheduler


class Pbs(Scheduler):
    """PBS, which sends no signal before the walltime and replaces logs at the end of a job."""

    name: ClassVar[str] = "pbs"
    cancelling: ClassVar[str] = "qdel"
    mark: ClassVar[str] = "#PBS"
    job_variable: ClassVar[str] = "PBS_JOBID"
    index_variable: ClassVar[str] = "PBS_ARRAY_INDEX"
    index: ClassVar[str] = "${PBS_ARRAY_INDEX}"
    warns: ClassVar[bool] = False
    logs: ClassVar[bool] = False

    def options(self, request: JobRequest) -> list[str]:
        """Options of qsub; the script itself writes the log."""
        memory = "" if request.megabytes is None else f":mem={request.megabytes}mb"
        options = [
            f"-N {request.name[:15]}",
            "-j oe",
            "-o /dev/null",
            f"-l select=1:ncpus={request.cores}{memory}",
            f"-l walltime={scheduler.hours(request.walltime)}",
            "-r y",
        ]
        if request.queue is not None:
            options.append(f"-q {request.queue}")
        if request.account is not None:
            options.append(f"-A {request.account}")
        if request.members > 1:
            options.append(f"-J 1-{request.members}")
        return options

    def submit(self, script: Path) -> str:
        """Submit a script by qsub."""
        text = scheduler.answer(["qsub", str(script)])
        return scheduler.number(text, r"^(\d[\w.\[\]-]*)", "qsub")

    def again(self, job: str, script: Path) -> str:
        """Submit the script once more: only operators may requeue a job that runs."""
        del job
        return self.submit(script)

    def state(self, job: str) -> str:
        """State by qstat."""
        try:
            text = scheduler.answer(["qstat", "-f", job])
        except ExecutionError as error:
            if re.search(r"Unknown Job|has finished", str(error), flags=re.IGNORECASE):
                return scheduler.GONE
            raise
        match = re.search(r"job_state\s*=\s*(\w)", text)
        if match is None or match[1] in "FX":
            return scheduler.GONE
        return scheduler.RUNNING if match[1] in "RESB" else scheduler.QUEUED
