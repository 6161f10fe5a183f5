"""Workers of Dask in jobs of a batch system, which come and go with the shots that wait.

The scheduler of Dask runs in the process of the run, and the jobs connect to it. A worker leaves by
itself before the walltime of its job; another job takes its place while there are shots.
"""

from __future__ import annotations

import logging
import math
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fwicli.errors import ExecutionError
from fwicli.execution.dask import clusters, settings
from fwicli.execution.dask.connection import Connection

if TYPE_CHECKING:
    from distributed import Client

# Of a worker that has lost its scheduler, until it ends [s].
ORPHANED = 60
# Options by which a batch system keeps no output of its own.
SILENT = {
    "slurm": ("-o /dev/null",),
    "pbs": ("-o /dev/null", "-e /dev/null"),
    "lsf": ("-o /dev/null",),
    "sge": ("-o /dev/null",),
}
# Between two comparisons of jobs and shots [s].
PERIOD = "5s"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkerJobs:
    """Jobs with workers, as they are described to a batch system.

    Parameters
    ----------
    batch_system : {"slurm", "pbs", "lsf", "sge"}
    least, most : int
        Number of jobs.
    workers, cores : int
        Of a job, on one node.
    walltime, notice : int
        Time after which a job ends, and how long before that its workers leave [s].
    memory : float, optional
        Of a job [bytes].
    queue, account : str, optional
    prologue : tuple of str
        Lines of shell that a job runs first.
    directives : tuple of str
        Further options for the batch system.
    python : str
        Interpreter of the workers.
    output : Path, optional
        File that jobs print to, at its end; nodes must share it.
    """

    batch_system: str
    least: int
    most: int
    workers: int
    cores: int
    walltime: int
    notice: int
    memory: float | None = None
    queue: str | None = None
    account: str | None = None
    prologue: tuple[str, ...] = ()
    directives: tuple[str, ...] = ()
    python: str = sys.executable
    output: Path | None = None

    def options(self) -> dict[str, Any]:
        """Options of a cluster of dask-jobqueue."""
        return {
            "cores": self.cores,
            "processes": self.workers,
            # It must be a number, also where the batch system is not asked for memory.
            "memory": f"{math.ceil(self.memory or 1e9)} B",
            "queue": self.queue,
            "python": self.python,
            "job_name": "fwi-worker",
            "job_script_prologue": [*self._printing(), *self.prologue, *_exported()],
            "job_extra_directives": [*SILENT[self.batch_system], *self.directives],
            "death_timeout": ORPHANED,
            "worker_extra_args": [
                *settings.PREPARED,
                *("--memory-limit", "0"),
                *("--nthreads", "1"),
                "--no-dashboard",
                *("--lifetime", f"{max(self.walltime - self.notice, 1)}s"),
            ],
            "scheduler_options": {"dashboard_address": ":0", "dashboard": False},
            **getattr(self, f"_of_{self.batch_system}")(),
        }

    def _printing(self) -> list[str]:
        """Lines of shell after which all that a job prints goes to the file."""
        return [f"exec >> {shlex.quote(str(self.output or os.devnull))} 2>&1"]

    def _of_slurm(self) -> dict[str, Any]:
        return {
            "account": self.account,
            "walltime": _hours(self.walltime),
            "job_directives_skip": ["--mem="] if self.memory is None else [],
        }

    def _of_pbs(self) -> dict[str, Any]:
        memory = "" if self.memory is None else f":mem={math.ceil(self.memory / 2**20)}mb"
        return {
            "account": self.account,
            "walltime": _hours(self.walltime),
            "resource_spec": f"select=1:ncpus={self.cores}{memory}",
        }

    def _of_lsf(self) -> dict[str, Any]:
        minutes = math.ceil(self.walltime / 60)
        return {
            "project": self.account,
            "walltime": f"{minutes // 60}:{minutes % 60:02d}",
            "job_directives_skip": ["#BSUB -M"] if self.memory is None else [],
            "use_stdin": True,
        }

    def _of_sge(self) -> dict[str, Any]:
        each = None if self.memory is None else math.ceil(self.memory / self.cores / 2**20)
        several = [f"-pe smp {self.cores}"] if self.cores > 1 else []
        return {
            "project": self.account,
            "walltime": _hours(self.walltime),
            "resource_spec": None if each is None else f"h_vmem={each}M",
            "job_extra_directives": [*SILENT["sge"], *several, *self.directives],
        }


@contextmanager
def in_jobs(jobs: WorkerJobs) -> Iterator[Connection]:
    """Start a scheduler here, and workers in jobs; both end with the context.

    Parameters
    ----------
    jobs : WorkerJobs

    Yields
    ------
    connection : Connection

    Raises
    ------
    ExecutionError
        If the batch system does not take the jobs.
    """
    from distributed import Client  # late: it is an optional extra

    with settings.applied(own=True):
        cluster = _cluster(jobs)
        try:
            _submit(cluster, jobs)
            with clusters.closing(Client(cluster, set_as_default=False)) as client:
                yield _connection(client, cluster, jobs)
        finally:
            with suppress(TimeoutError, OSError, RuntimeError):
                cluster.close(timeout=30)


def _connection(client: Client, cluster: Any, jobs: WorkerJobs) -> Connection:
    place = "" if jobs.output is None else f"; they print to {jobs.output}"
    return Connection(
        client,
        cluster.scheduler_address,
        jobs.most * jobs.workers,
        math.inf,
        f"jobs wait in the queue of {jobs.batch_system}, or end as soon as they start{place}",
        lambda: f"workers ran in jobs of {jobs.batch_system}{place}",
    )


def _cluster(jobs: WorkerJobs) -> Any:
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        # It takes SIGINT for itself, where it is imported, to leave without an error.
        import dask_jobqueue
    finally:
        if interrupt is not None:
            with suppress(ValueError):  # not in the main thread, where nothing has changed
                signal.signal(signal.SIGINT, interrupt)
    kinds = {
        "slurm": dask_jobqueue.SLURMCluster,
        "pbs": dask_jobqueue.PBSCluster,
        "lsf": dask_jobqueue.LSFCluster,
        "sge": dask_jobqueue.SGECluster,
    }
    return kinds[jobs.batch_system](**jobs.options())


def _submit(cluster: Any, jobs: WorkerJobs) -> None:
    """Submit the least number of jobs; from then on, their number follows the shots."""
    from distributed.core import Status  # late: it is an optional extra

    try:
        # `scale` would submit them later, and only log that they are refused.
        for _ in range(jobs.least):
            cluster.worker_spec.update(cluster.new_worker_spec())
        cluster.sync(cluster._correct_state)
    except (RuntimeError, OSError, ValueError) as error:
        # Without this, Dask does not close a cluster whose jobs have not all begun.
        for job in cluster.workers.values():
            job.status = Status.closing
        raise ExecutionError(
            f"{jobs.batch_system} does not take a job with workers: {_reason(error)}; see that the "
            f"site has the right queue, account, memory and walltime"
        ) from error
    cluster.adapt(minimum_jobs=jobs.least, maximum_jobs=jobs.most, interval=PERIOD)


def _reason(error: Exception) -> str:
    """The words of a batch system, from an error of dask-jobqueue."""
    if isinstance(error, FileNotFoundError):
        return f"there is no command `{error.filename}` here"
    text = str(error)
    _, _, said = text.partition("stderr:\n")
    return " ".join((said or text).split())


def _exported() -> list[str]:
    """Settings of workers as lines of shell."""
    return [f"export {name}={shlex.quote(value)}" for name, value in settings.environment().items()]


def _hours(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest:02d}"
