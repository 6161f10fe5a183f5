"""Members of an exchange: they run blocks of tasks until the run ends, or its leader does."""

from __future__ import annotations

import logging
from contextlib import suppress

from fwicli.execution.exchange import calls
from fwicli.execution.exchange.calls import Blocks, Tasks
from fwicli.execution.exchange.leader import is_busy, run_block
from fwicli.execution.exchange.place import End, Place, Rest
from fwicli.execution.executor import Executor

log = logging.getLogger("fwicli")


class Member:
    """Runs blocks of tasks that a leader posts.

    Parameters
    ----------
    place : Place
    executor : Executor
        Of this process.

    Attributes
    ----------
    shots : int
        Tasks that this process has run.
    """

    def __init__(self, place: Place, executor: Executor) -> None:
        self.shots = 0
        self._place, self._executor = place, executor
        self._calls: dict[str, tuple[Tasks, Blocks]] = {}

    def serve(self) -> End | None:
        """Run blocks until the run has ended; None as soon as no process leads."""
        rest = Rest()
        while True:
            end = self._place.ended()
            if end is not None:
                return end
            if self._place.may_lead():
                return None
            with suppress(FileNotFoundError):  # the leader has taken a call back
                if self._work():
                    rest = Rest()
                    continue
            rest.pause()

    def _work(self) -> bool:
        """Run one block; False if there is none."""
        if is_busy(self._executor):
            return False
        names = calls.posted(self._place.folder, self._place.term)
        self._calls = {name: pair for name, pair in self._calls.items() if name in names}
        for name in names:
            tasks, blocks = self._call(name)
            if tasks is None or blocks is None:
                continue
            blocks.look()
            attempt = blocks.claim()
            if attempt is None:
                continue
            run_block(blocks, tasks, attempt, self._executor)
            self.shots += len(tasks.numbers(attempt[0]))
            return True
        return False

    def _call(self, name: str) -> tuple[Tasks, Blocks] | tuple[None, None]:
        """Tasks and blocks of a call; None if they are not there whole."""
        if name not in self._calls:
            tasks = calls.read(self._place.folder, name)
            if tasks is None:
                return None, None
            blocks = Blocks(self._place.folder, name, tasks.blocks, self._place.beacon)
            self._calls[name] = tasks, blocks
        return self._calls[name]
