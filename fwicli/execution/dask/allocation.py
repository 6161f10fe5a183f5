"""Dask among the tasks of one step of SLURM, as in `srun -n 10 fwi invert CONFIG`.

Every task of the step runs the same command. As for the `SLURMRunner` of dask-jobqueue, task 0
becomes the scheduler, task 1 remains the run, and the others become workers. They are replaced by
the commands of Dask, so that no process runs the command twice. A file in the working folder, whose
name nobody else uses, says where the scheduler is.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fwicli.errors import ConfigError, ExecutionError
from fwicli.execution import worker
from fwicli.execution.dask import clusters, settings
from fwicli.execution.dask.connection import Connection

# Names the file of the scheduler, in the environment of the run.
VARIABLE = "FWI_SCHEDULER_FILE"
SCHEDULER, RUN = 0, 1
# Longest time until the scheduler has written its file [s].
PATIENCE = 300.0

log = logging.getLogger(__name__)


def is_present() -> bool:
    """Whether this process is one of several tasks of a step of SLURM.

    The script of a batch job has a rank, too, but no step.
    """
    return "SLURM_STEP_ID" in os.environ and _number("SLURM_NTASKS", 1) > 1


@contextmanager
def joined() -> Iterator[None]:
    """Take the role of this task; only the task of the run returns.

    Yields
    ------
    None

    Raises
    ------
    ConfigError
        If the step has too few tasks.
    """
    count, rank = _number("SLURM_NTASKS", 1), _number("SLURM_PROCID", 0)
    if count < 3:
        raise ConfigError(
            f"the step has {count} tasks, and Dask needs a scheduler, the run, and a worker at "
            f"least; type `srun -n 3` or more, or set `engine: processes`"
        )
    file = _file()
    if rank == SCHEDULER:
        _become("dask_scheduler", "--port", "0", "--preload", settings.ORPHANS, file=file)
    if rank != RUN:
        one = ("--nworkers", "1", "--nthreads", "1", "--memory-limit", "0")
        _become("dask_worker", *one, "--nanny", *settings.PREPARED, file=file)
    os.environ[VARIABLE] = str(file)
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        _end(file)


@contextmanager
def connected() -> Iterator[Connection]:
    """Connect to the scheduler of this step.

    Yields
    ------
    connection : Connection

    Raises
    ------
    ExecutionError
        If there is none.
    """
    from distributed import Client  # late: it is an optional extra

    file = Path(os.environ[VARIABLE])
    with settings.applied(own=False):
        _wait(file)
        with clusters.closing(Client(scheduler_file=str(file), set_as_default=False)) as client:
            workers = _number("SLURM_NTASKS", 1) - 2
            advice = "the other tasks of the step may have ended"
            address = client.scheduler.address
            yield Connection(
                client,
                address,
                workers,
                clusters.WORKERS,
                advice,
                lambda: "workers print to the output of the step",
            )


def _become(command: str, *arguments: str, file: Path) -> None:
    """Replace this process; signals that end a run are for the task of the run."""
    worker.leave_signals()
    program = [sys.executable, "-m", f"distributed.cli.{command}"]
    options = ["--scheduler-file", str(file), "--no-dashboard", *arguments]
    os.execve(sys.executable, [*program, *options], os.environ | settings.environment())


def _file() -> Path:
    """Where the scheduler of this step tells its address; another one after a requeue."""
    names = ("SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_RESTART_COUNT")
    marks = "-".join(str(_number(name, 0)) for name in names)
    return Path.cwd() / f".fwi-scheduler-{marks}.json"


def _wait(file: Path) -> None:
    began = time.monotonic()
    while not file.exists():
        if time.monotonic() - began > PATIENCE:
            raise ExecutionError(
                f"task {SCHEDULER} of the step has not written {file} within {PATIENCE:g} s; start "
                f"the step in a folder that all nodes share, and see the output of the step"
            )
        time.sleep(0.2)


def _end(file: Path) -> None:
    """End the scheduler and with it the workers, also if the run has never connected."""
    from distributed import Client  # late: it is an optional extra

    with suppress(ExecutionError, OSError, TimeoutError, ValueError), settings.applied(own=False):
        _wait(file)
        with clusters.closing(Client(scheduler_file=str(file), set_as_default=False)) as client:
            client.shutdown()
    file.unlink(missing_ok=True)


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isdecimal() else default
