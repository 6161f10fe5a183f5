"""The connection to a scheduler of Dask and its workers."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fwicli.errors import ConfigError, ExecutionError
from fwicli.execution.dask import shortage, versions
from fwicli.execution.processes import ATTEMPTS

if TYPE_CHECKING:
    from distributed import Client, Future

# Times between two looks for workers, and between two notes that there are none [s].
LOOK, NOTE = 0.5, 60.0
# Longest time until workers that are started anew are there [s].
RESTART = 60.0
# A worker that has no fwicli at all.
NOTHING = (("fwicli", versions.MISSING),)

log = logging.getLogger(__name__)


@dataclass
class Connection:
    """A client of Dask, and what is to be expected of its workers.

    Attributes
    ----------
    client : distributed.Client
    address : str
        Of the scheduler.
    expected : int
        Workers that there may be at most, if they come and go.
    patience : float
        Longest time without any worker [s].
    advice : str
        How workers are started, for a message.
    logs : callable
        Where the logs of workers are, for a message.
    """

    client: Client
    address: str
    expected: int
    patience: float
    advice: str
    logs: Callable[[], str]
    _checked: set[str] = field(default_factory=set)

    def workers(self) -> int:
        """Workers that there are, or may be."""
        return max(self.expected, len(self._threads()))

    def present(self) -> int:
        """Workers that there are now."""
        return len(self._threads())

    def addresses(self) -> list[str]:
        """Addresses of the workers that there are now."""
        return list(self._threads())

    def renew_neighbours(self, exhausted: Set[str]) -> None:
        """Have others on the nodes of workers started anew: shots that are dropped keep memory.

        Parameters
        ----------
        exhausted : set of str
            Workers whose own shots have ended. Workers without a nanny remain as well.
        """
        nodes = {shortage.node_of(address) for address in exhausted}
        with suppress(OSError, TimeoutError):
            there = self.client.scheduler_info(n_workers=-1)["workers"]
            others = [
                address
                for address, worker in there.items()
                if shortage.node_of(address) in nodes and worker.get("nanny")
            ]
            others = sorted(set(others) - exhausted)
            self.client.restart_workers(others, timeout=RESTART, raise_for_error=False)

    def wait(self) -> None:
        """Wait for a worker, and check the versions of all that there are.

        Raises
        ------
        ExecutionError
            If there is none for too long, or one has other versions.
        ConfigError
            If one runs several shots at once.
        """
        began = noted = time.monotonic()
        while not (threads := self._threads()):
            self.check()
            now = time.monotonic()
            if now - began > self.patience:
                raise ExecutionError(
                    f"the scheduler at {self.address} has had no worker for {self.patience:g} s; "
                    f"{self.advice}"
                )
            if now - noted > NOTE:
                noted = now
                log.warning("no worker yet at %s; %s", self.address, self.advice)
            time.sleep(LOOK)
        new = {a: count for a, count in threads.items() if a not in self._checked}
        if new:
            self._check_threads(new)
            self._check_versions(list(new))
            self._checked |= set(new)

    def check(self) -> None:
        """Check that the client is not closed.

        Raises
        ------
        ExecutionError
            If the scheduler does not answer any more.
        """
        if self.client.status in ("closed", "closing"):
            raise self._gone()

    def reconnect(self) -> None:
        """Wait until a client that has lost its scheduler is connected again.

        Raises
        ------
        ExecutionError
            If the scheduler does not answer any more.
        """
        while self.client.status == "connecting":
            time.sleep(LOOK)
        self.check()

    def scatter(self, whole: Any) -> Future:
        """Send an object to all workers that there are.

        Parameters
        ----------
        whole : object

        Returns
        -------
        future : Future

        Raises
        ------
        ExecutionError
            If workers do not take it.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._sent(whole)
            except (OSError, KeyError, TimeoutError) as error:
                self.reconnect()
                if attempt == ATTEMPTS:
                    raise ExecutionError(
                        f"workers at {self.address} did not take the model ({error}); {self.logs()}"
                    ) from error
                log.warning("workers did not take the model (%s); it is sent again", error)
                self.wait()
        raise self._gone()  # not reached

    def _sent(self, whole: Any) -> Future:
        """An object in the memory of all workers.

        Raises
        ------
        TimeoutError
            If a worker ends meanwhile: Dask would wait for it without an end.
        """
        from distributed import Future  # late: it is an optional extra

        name, there = f"model-{uuid.uuid4()}", set(self._threads())
        # In the thread of the client, so that this one sees what happens to workers.
        sending = asyncio.run_coroutine_threadsafe(
            self.client.scatter({name: whole}, broadcast=True, asynchronous=True),
            self.client.loop.asyncio_loop,
        )
        lost: set[str] = set()
        while True:
            with suppress(TimeoutError):
                return sending.result(timeout=LOOK)[name]
            if sending.done():
                return sending.result()[name]
            self.check()
            if lost:
                sending.cancel()
                Future(name, self.client).release()
                raise TimeoutError(f"{', '.join(sorted(lost))} ended meanwhile")
            lost = there - set(self._threads())

    def _threads(self) -> Mapping[str, int]:
        """Threads of each worker, by address."""
        try:
            threads: Mapping[str, int] = self.client.nthreads()
        except OSError:
            self.reconnect()
            return {}
        return threads

    def _check_threads(self, threads: Mapping[str, int]) -> None:
        several = {address: count for address, count in threads.items() if count > 1}
        if several:
            address, count = next(iter(several.items()))
            raise ConfigError(
                f"the worker {address} runs {count} tasks at once, and shots need one process "
                f"each; start workers with `dask worker {self.address} --nthreads 1 --nworkers "
                f"{count}`"
            )

    def _check_versions(self, addresses: list[str]) -> None:
        """Check the versions of workers, and of the scheduler; shots check those of later ones."""
        answers = {f"the scheduler at {self.address}": self._scheduler_versions()}
        theirs = self.client.run(versions.here, workers=addresses, on_error="return")
        answers |= {f"the worker {address}": answer for address, answer in theirs.items()}
        for place, answer in answers.items():
            if isinstance(answer, ImportError):
                versions.refuse(versions.here(), NOTHING, place)
            elif not isinstance(answer, BaseException):  # as of a worker that has ended just now
                versions.refuse(versions.here(), answer, place)

    def _scheduler_versions(self) -> Any:
        try:
            return self.client.run_on_scheduler(versions.here)
        except ImportError as error:
            return error

    def _gone(self) -> ExecutionError:
        return ExecutionError(
            f"the scheduler at {self.address} does not answer any more; see that it runs, or start "
            f"it again: `--resume` continues from what is saved"
        )
