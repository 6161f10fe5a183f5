"""From the section `execution` of a config to the executor that runs the shots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fwicli.config.execution import ExecutionSection
from fwicli.errors import ConfigError
from fwicli.execution import Executor, Local
from fwicli.execution.dask import installation


def check(section: ExecutionSection) -> None:
    """Check that this installation has the engine of a section.

    Raises
    ------
    ConfigError
        With what to install.
    """
    if section.engine == "dask":
        installation.check(with_jobs=section.cluster is not None)
        raise ConfigError("`engine: dask` is not in this version yet; set `engine: processes`")


@contextmanager
def start(
    section: ExecutionSection, workers: int, folder: Path | None = None
) -> Iterator[Executor]:
    """Start the executor of a run; it ends with the context.

    Parameters
    ----------
    section : ExecutionSection
    workers : int
        Shots that run at once on one machine.
    folder : Path, optional
        Folder of the run, if it has one.

    Yields
    ------
    executor : Executor

    Raises
    ------
    ConfigError
        If this installation lacks the engine.
    """
    check(section)
    with Local(workers) as executor:
        yield executor
