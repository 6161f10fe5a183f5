"""How a workflow tells that it is getting on; the command line decides how that looks."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Shows how much of a task is done."""

    def start(self, title: str, total: int) -> None:
        """Begin a task.

        Parameters
        ----------
        title : str
        total : int
            Number of parts.
        """
        ...

    def update(self, done: int) -> None:
        """So many parts are done."""
        ...

    def stop(self) -> None:
        """End the task."""
        ...


class Silent:
    """Shows nothing."""

    def start(self, title: str, total: int) -> None:
        """Show nothing.

        Parameters
        ----------
        title : str
        total : int
            Number of parts.
        """

    def update(self, done: int) -> None:
        """Show nothing."""

    def stop(self) -> None:
        """Show nothing."""
