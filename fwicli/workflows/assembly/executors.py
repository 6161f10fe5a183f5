"""From the section `execution` of a config to the executor that runs the shots."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from fwicli.config.execution import ExecutionSection
from fwicli.config.site import SiteSection, seconds
from fwicli.errors import ConfigError
from fwicli.execution import Executor, Local
from fwicli.execution.dask import installation
from fwicli.workflows.assembly import sites

if TYPE_CHECKING:
    from fwicli.execution.dask.connection import Connection
    from fwicli.execution.dask.jobs import WorkerJobs

log = logging.getLogger(__name__)

_instead: ContextVar[Executor | None] = ContextVar("executor", default=None)


def check(section: ExecutionSection) -> None:
    """Check that this installation and the user's sites have what a section asks for.

    Raises
    ------
    ConfigError
        With what to install or to write.
    """
    if section.engine == "dask":
        installation.check(with_jobs=section.cluster is not None)
    if section.site is not None:
        scheduler = sites.all_sites().of(section.site).scheduler
        if section.cluster not in (None, scheduler):
            error = ConfigError(
                f"the site `{section.site}` has the batch system {scheduler}, not "
                f"{section.cluster}; set `cluster: {scheduler}`, or name another site"
            )
            error.key = ("cluster",)
            raise error


def site_of(section: ExecutionSection) -> SiteSection | None:
    """The site that jobs of a section run on; None if a section asks for no jobs.

    Raises
    ------
    ConfigError
        If the user's file has no site of that name.
    """
    if section.cluster is None:
        return None
    if section.site is None:
        return SiteSection(scheduler=section.cluster)
    return sites.all_sites().of(section.site)


@contextmanager
def joined(section: ExecutionSection) -> Iterator[None]:
    """Take the role of this process in a step of SLURM, if the section has Dask run in one.

    A scheduler and workers do not return; around the run, this ends them.

    Parameters
    ----------
    section : ExecutionSection

    Yields
    ------
    None

    Raises
    ------
    ConfigError
        If Dask is not installed, or the step has too few tasks.
    """
    if section.engine != "dask" or section.address is not None or section.cluster is not None:
        yield
        return
    installation.check()
    from fwicli.execution.dask import allocation  # late: Dask is an optional extra

    with allocation.joined() if allocation.is_present() else nullcontext():
        yield


@contextmanager
def instead(executor: Executor) -> Iterator[None]:
    """Have runs that start within the context use an executor, whatever their section says.

    Parameters
    ----------
    executor : Executor
        It does not end with the context.

    Yields
    ------
    None
    """
    token = _instead.set(executor)
    try:
        yield
    finally:
        _instead.reset(token)


@contextmanager
def start(
    section: ExecutionSection, workers: int, output: Callable[[], str | Path] | None = None
) -> Iterator[Executor]:
    """Start the executor of a run; it ends with the context.

    Parameters
    ----------
    section : ExecutionSection
    workers : int
        Shots that run at once on one machine.
    output : callable, optional
        Returns the path of the file that takes the output of jobs.

    Yields
    ------
    executor : Executor

    Raises
    ------
    ConfigError
        If this installation lacks the engine, the site is not known, or the command cannot use
        the engine.
    ExecutionError
        If there is no scheduler, or if the batch system does not take jobs.
    """
    if (other := _instead.get()) is not None:
        yield other
        return
    check(section)
    if section.engine == "files":
        raise ConfigError(
            "`engine: files` is for `fwi invert` and `fwi lsrtm`, whose shots belong together; run "
            "parts of the shots in the jobs of an array instead, and set `engine: processes`"
        )
    if section.engine == "processes":
        with Local(workers) as local:
            yield local
        return
    from fwicli.execution.dask.executor import Dask  # late: it is an optional extra

    with _connection(section, workers, output) as connection:
        executor = Dask(connection)
        try:
            yield executor
        finally:
            executor.close()


def _connection(
    section: ExecutionSection, workers: int, output: Callable[[], str | Path] | None
) -> AbstractContextManager[Connection]:
    from fwicli.execution.dask import allocation, clusters, jobs

    site = site_of(section)
    if section.address is not None:
        log.info("shots run on the workers of the scheduler at %s", section.address)
        return clusters.running(section.address)
    if site is not None:
        return jobs.in_jobs(worker_jobs(section, site, output and Path(output())))
    if allocation.VARIABLE in os.environ:
        log.info("shots run on workers in the tasks of this step of SLURM")
        return allocation.connected()
    log.info("shots run on %d workers of Dask on this machine", workers)
    return clusters.on_this_machine(workers)


def worker_jobs(section: ExecutionSection, site: SiteSection, output: Path | None) -> WorkerJobs:
    """Jobs with workers on a site.

    Parameters
    ----------
    section : ExecutionSection
    site : SiteSection
    output : Path or None
        File that takes the output of jobs.

    Returns
    -------
    jobs : WorkerJobs
    """
    from fwicli.execution.dask.jobs import WorkerJobs

    least, most = section.least_and_most_jobs
    return WorkerJobs(
        site.scheduler,
        least,
        most,
        workers_of_job(section, site),
        site.cores,
        seconds(site.walltime),
        site.notice,
        None if site.memory is None else site.memory * 1e9,
        site.queue,
        site.account,
        tuple(sites.prologue(site)),
        tuple(site.directives),
        sys.executable if site.environment is None else "python",
        output,
    )


def workers_of_job(section: ExecutionSection, site: SiteSection) -> int:
    """Shots that run at once in a job.

    Parameters
    ----------
    section : ExecutionSection
    site : SiteSection

    Returns
    -------
    workers : int
    """
    if section.workers == "auto":
        return max(1, site.cores // section.threads)
    return int(section.workers)
