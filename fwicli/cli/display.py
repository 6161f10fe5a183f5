"""Output of the commands: results on stdout, progress and notes on stderr."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import click

from fwicli.cli.labels import label, quantity

log = logging.getLogger("fwicli")

# The last interrupt, which a library may have caught.
pending: BaseException | None = None

# Seconds between lines of progress, without a terminal.
INTERVAL = 10.0


class Bar:
    """A live bar on a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self.console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self._task: Any = None

    def start(self, title: str, total: int) -> None:
        """Begin a task.

        Parameters
        ----------
        title : str
        total : int
            Number of steps.
        """
        self.stop()
        self._progress.start()
        self._task = self._progress.add_task(title, total=total)

    def update(self, done: int) -> None:
        """Move the bar."""
        _raise_pending()
        if self._task is not None:
            self._progress.update(self._task, completed=done)

    def stop(self) -> None:
        """Remove the bar."""
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        self._progress.stop()


class Lines:
    """One line of progress in `INTERVAL`, for a log."""

    def __init__(self) -> None:
        self._title, self._total, self._last = "", 0, 0.0

    def start(self, title: str, total: int) -> None:
        """Begin a task.

        Parameters
        ----------
        title : str
        total : int
            Number of steps.
        """
        self._title, self._total, self._last = title, total, time.monotonic()

    def update(self, done: int) -> None:
        """Print the number of finished steps, once in `INTERVAL`."""
        _raise_pending()
        if time.monotonic() - self._last >= INTERVAL:
            self._last = time.monotonic()
            with suppress(OSError):  # a run continues without a reader of its progress
                click.echo(f"{self._title}: {done} of {self._total}", err=True)

    def stop(self) -> None:
        """End the task."""


@contextmanager
def interrupts() -> Iterator[None]:
    """Raise an interrupt again that a library has turned into another error."""
    try:
        yield
    except Exception as error:
        if pending is not None:
            raise pending from error
        raise


def _raise_pending() -> None:
    if pending is not None:
        raise pending


def progress() -> Bar | Lines:
    """Progress and notes, live on a terminal and as lines elsewhere."""
    log.setLevel(logging.INFO)
    log.propagate = False
    if sys.stderr.isatty():
        from rich.logging import RichHandler

        bar = Bar()
        log.addHandler(
            RichHandler(
                console=bar.console, show_path=False, show_level=False, log_time_format="%H:%M:%S"
            )
        )
        return bar
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    log.addHandler(handler)
    return Lines()


def summary(values: Mapping[str, Any], as_json: bool) -> None:
    """Show the result of a command on stdout.

    Parameters
    ----------
    values : mapping of str to Any
        Quantities by their names.
    as_json : bool
        Whether names and values are shown as they are, for programs.
    """
    if as_json:
        click.echo(json.dumps(values, indent=2))
        return
    labels = [label(name) for name in values]
    width = max(map(len, labels))
    for text, (name, value) in zip(labels, values.items(), strict=True):
        click.echo(f"{text:<{width}}  {quantity(name, value)}")


def table(title: str, columns: Sequence[Mapping[str, Any]]) -> None:
    """Show quantities of several stages side by side on stdout.

    Parameters
    ----------
    title : str
        Label of the row of numbers, which begin at 1.
    columns : sequence of mappings
        Quantities of each stage; one that a stage has not is left blank there.
    """
    rows = [[title, *map(str, range(1, len(columns) + 1))]]
    names = dict.fromkeys(name for column in columns for name in column)
    rows += [
        [label(n), *(quantity(n, column[n]) if n in column else "" for column in columns)]
        for n in names
    ]
    width = max(len(row[0]) for row in rows)
    widths = [max(len(row[i]) for row in rows) for i in range(1, len(rows[0]))]
    for name, *cells in rows:
        row = "  ".join(cell.rjust(w) for cell, w in zip(cells, widths, strict=True))
        click.echo(f"{name:<{width}}  {row}")
