"""Schedulers of Dask: one that runs, or one of this machine that a run starts and ends."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, TYPE_CHECKING

from fwicli.errors import ExecutionError
from fwicli.execution.dask import settings
from fwicli.execution.dask.connection import Connection

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

# Longest time until a scheduler answers, and until its workers are there [s].
ANSWER, WORKERS = 30.0, 600.0
# Of workers that are to end [s].
END = 10.0
# Last lines that workers have printed, for a message.
LINES = 5


@contextmanager
def running(address: str) -> Iterator[Connection]:
    """Connect to a scheduler that runs.

    Parameters
    ----------
    address : str
        As in tcp://node1:8786.

    Yields
    ------
    connection : Connection

    Raises
    ------
    ExecutionError
        If it does not answer.
    """
    from distributed import Client  # late: it is an optional extra

    with settings.applied(own=False):
        advice = f"start some with `dask worker {address} --nthreads 1`"
        logs = "the logs of the scheduler and of its workers may tell more"
        try:
            client = Client(address, timeout=ANSWER, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ExecutionError(
                f"no scheduler of Dask answers at {address} ({error}); start one with `dask "
                f"scheduler` and workers with `dask worker {address} --nthreads 1`, or correct "
                f"`execution.address`"
            ) from error
        with closing(client):
            yield Connection(client, address, 0, WORKERS, advice, lambda: logs)


@contextmanager
def on_this_machine(workers: int) -> Iterator[Connection]:
    """Start a scheduler in this process, and workers in others of this machine.

    Parameters
    ----------
    workers : int
        Number of processes.

    Yields
    ------
    connection : Connection
    """
    from distributed import Client, LocalCluster  # late: they are an optional extra

    with ExitStack() as stack:
        stack.enter_context(settings.applied(own=True))
        cluster = LocalCluster(
            n_workers=0,
            processes=True,
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            silence_logs=None,
        )
        stack.callback(_end, cluster)
        output = stack.enter_context(tempfile.TemporaryFile())
        stack.enter_context(_workers(cluster.scheduler_address, workers, output))
        client = stack.enter_context(closing(Client(cluster, set_as_default=False)))
        yield Connection(
            client,
            cluster.scheduler_address,
            workers,
            WORKERS,
            "workers of this machine end as soon as they start",
            lambda: f"the workers have printed last: {_tail(output)}",
        )


@contextmanager
def closing(client: Client) -> Iterator[Client]:
    """A client that is closed at the end; a scheduler that is gone is no obstacle.

    Parameters
    ----------
    client : distributed.Client

    Yields
    ------
    client : distributed.Client
    """
    try:
        yield client
    finally:
        with suppress(OSError, TimeoutError):
            client.close(timeout=5)


def _end(cluster: LocalCluster) -> None:
    with suppress(TimeoutError):
        cluster.close(timeout=END)


@contextmanager
def _workers(address: str, count: int, output: IO[bytes]) -> Iterator[None]:
    """Workers of a scheduler, each in a process; one process starts them anew when they end.

    Dask would start them through `multiprocessing`, which runs the script of the command again.
    Signals to the group of the run do not reach them.
    """
    command = [
        *(sys.executable, "-m", "distributed.cli.dask_worker", address),
        *("--nworkers", str(count), "--nthreads", "1", "--memory-limit", "0"),
        *(*settings.PREPARED, "--preload-nanny", settings.ORPHANS),
        *("--nanny", "--no-dashboard"),
    ]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        env=os.environ | settings.environment(),
        start_new_session=True,
    )
    try:
        yield
    finally:
        # Shots that run are not waited for.
        process.communicate()


def _tail(output: IO[bytes]) -> str:
    """The last lines of a file, as one."""
    output.seek(0)
    lines = output.read().decode(errors="replace").splitlines()[-LINES:]
    return " / ".join(line.strip() for line in lines) or "nothing"
