"""Logs of a run in its folder: its own, and the output of its jobs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from fwicli.workflows.run_folder.names import WORKERS, WRITTEN


class LogFile(logging.FileHandler):
    """Log on a disk that may be full: messages that do not fit are on the screen all the same."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the base class's name
        """Go on."""


def worker_output(file: Callable[[str], Path]) -> Path:
    """The file that jobs with workers print to, with its first line.

    Parameters
    ----------
    file : callable
        Path of a name in the folder of the run, which is put onto its list.

    Returns
    -------
    path : Path
        Absolute, as jobs may begin elsewhere.
    """
    path = file(WORKERS).absolute()
    if not path.exists():
        path.write_text(f"# {WRITTEN}: output of jobs with workers\n", encoding="utf-8")
    return path
