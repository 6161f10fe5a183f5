"""SLURM: sbatch, and scontrol requeue."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from fwicli.errors import ExecutionError
from fwicli.execution.schedulers import scheduler
from fwicli.execution.schedulers.scheduler import JobRequest, Scheduler


class Slurm(Scheduler):
    """SLURM, which requeues a job under its number."""

    name: ClassVar[str] = "slurm"
    cancelling: ClassVar[str] = "scancel"
    mark: ClassVar[str] = "#SBATCH"
    job_variable: ClassVar[str] = "SLURM_JOB_ID"
    index_variable: ClassVar[str] = "SLURM_ARRAY_TASK_ID"
    index: ClassVar[str] = "%a"

    def options(self, request: JobRequest) -> list[str]:
        """Options of sbatch; B: sends the signal to the script alone, which `fwi job` replaces."""
        escaped = Path(str(request.log).replace("%", "%%"))
        options = [
            f"--job-name={request.name}",
            f"--output={self.log_of(replace(request, log=escaped))}",
            "--open-mode=append",
            f"--time={scheduler.hours(request.walltime)}",
            f"--signal=B:USR1@{request.notice}",
            "--requeue",
            "--nodes=1",
            "--ntasks=1",
            f"--cpus-per-task={request.cores}",
        ]
        if request.megabytes is not None:
            options.append(f"--mem={request.megabytes}M")
        if request.queue is not None:
            options.append(f"--partition={request.queue}")
        if request.account is not None:
            options.append(f"--account={request.account}")
        if request.members > 1:
            options.append(f"--array=1-{request.members}")
        return options

    def submit(self, script: Path) -> str:
        """Submit a script by sbatch."""
        text = scheduler.answer(["sbatch", "--parsable", str(script)])
        return scheduler.number(text, r"^(\d+)", "sbatch")

    def again(self, job: str, script: Path) -> str:
        """Requeue a job; where that is forbidden, submit its script as another one."""
        try:
            scheduler.answer(["scontrol", "requeue", job])
        except ExecutionError:
            return self.submit(script)
        return job

    def state(self, job: str) -> str:
        """State by squeue, which forgets jobs some minutes after their end."""
        try:
            text = scheduler.answer(["squeue", "-h", "-j", job, "-o", "%T"])
        except ExecutionError as error:
            if "Invalid job id" in str(error):
                return scheduler.GONE
            raise
        states = set(text.split())
        if states & {"RUNNING", "COMPLETING", "STOPPED", "SUSPENDED"}:
            return scheduler.RUNNING
        return scheduler.QUEUED if states else scheduler.GONE
