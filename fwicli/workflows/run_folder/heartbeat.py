"""Writes the sign of life of a run, from a thread of its own.

The run only changes numbers in memory: a file system that lags or is full never holds it up.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from fwicli.disk import atomic, ownership
from fwicli.errors import FwiError
from fwicli.execution import peak_memory
from fwicli.workflows.run_folder import status
from fwicli.workflows.run_folder.progress import Progress
from fwicli.workflows.run_folder.status import BEAT, INTERVAL, RunProcess, RunStatus

# Characters of an error that are kept.
LONGEST = 2000

log = logging.getLogger("fwicli")


def iterations(settings: Mapping[str, Any]) -> list[int]:
    """Iterations of each stage of an inversion, or of a least-squares migration.

    Parameters
    ----------
    settings : mapping
        Of the config.

    Returns
    -------
    iterations : list of int
        Empty for other runs.
    """
    if (linear := settings.get("least_squares")) is not None:
        return [int(linear["iterations"])]
    return [int(s["iterations"]) for s in settings.get("inversion", {}).get("stages", [])]


class Heartbeat:
    """Sign of life of a run.

    Parameters
    ----------
    kind : str
        Of the config.
    iterations : list of int
        Of each stage of an inversion; empty for other runs.
    """

    def __init__(self, kind: str, iterations: list[int]) -> None:
        self._status = RunStatus(kind=kind, iterations=iterations)
        self._path: Path | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._changed = False
        self._begun = self._task_begun = time.monotonic()
        self._earlier = 0.0

    @contextmanager
    def beating(self, path: Path) -> Iterator[None]:
        """Show life in a file until the block ends, and then how it has ended.

        Parameters
        ----------
        path : Path
            An earlier one there is of the process that the run continues.
        """
        self._begin(path)
        thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        except BaseException as error:
            self.change(**_ending(error))
            raise
        else:
            self.change(state=status.FINISHED, task="")
        finally:
            self._ended.set()
            thread.join(timeout=BEAT)
            self._write()

    def change(self, **values: object) -> None:
        """Change attributes of the status.

        Parameters
        ----------
        **values
            Of `RunStatus`.
        """
        with self._lock:
            self._status = replace(self._status, **values)  # type: ignore[arg-type]
            self._changed = True

    def start(self, task: str, shots: int) -> None:
        """Begin a task.

        Parameters
        ----------
        task : str
            In words.
        shots : int
            Number of shots of each evaluation.
        """
        self._task_begun = time.monotonic()
        self.change(task=task, shots=shots, shots_done=0, task_shots=0, evaluation=1)

    def update(self, done: int) -> None:
        """So many shots are done in this evaluation."""
        before = self._status
        again = 0 < done <= before.shots_done
        # A jump at the beginning is of shots that an earlier process has finished.
        jump = done > 1 and not before.shots_done and not before.task_shots
        more = 0 if jump else done if again else done - before.shots_done
        self.change(
            shots_done=done,
            evaluation=before.evaluation + again,
            task_shots=before.task_shots + more,
        )

    def followed(self, progress: Progress, workers: int) -> Progress:
        """A progress that is shown, and is part of the sign of life.

        Parameters
        ----------
        progress : Progress
        workers : int
            Shots at once.

        Returns
        -------
        progress : Progress
        """
        self.change(workers=workers)
        return _Followed(progress, self)

    def _begin(self, path: Path) -> None:
        earlier = _read(path)
        self._path, self._ended = path, threading.Event()
        self._begun = self._task_begun = time.monotonic()
        values: dict[str, object] = {"process": RunProcess.this(), "job": status.job()}
        if earlier is not None:
            self._earlier = earlier.seconds
            values |= {"processes": earlier.processes + 1, "beat": earlier.beat}
            values["memory_peak"] = earlier.memory_peak
        self.change(state=status.RUNNING, task="starting", error="", exit_code=None, **values)
        self._write()

    def _beat(self) -> None:
        last = time.monotonic()
        while not self._ended.wait(INTERVAL):
            peak = max(peak_memory(), self._status.memory_peak)
            with self._lock:
                self._status = replace(self._status, memory_peak=peak)
            if self._changed or time.monotonic() - last >= BEAT:
                last = time.monotonic()
                self._write()

    def _write(self) -> None:
        now = time.monotonic()
        with self._lock:
            self._status = replace(
                self._status,
                beat=self._status.beat + 1,
                seconds=round(self._earlier + now - self._begun, 1),
                task_seconds=round(now - self._task_begun, 1),
            )
            self._changed = False
            text = json.dumps(self._status.content(), indent=1)
        if self._path is None:
            return
        try:
            with atomic.replacing(self._path) as new:
                new.write_text(f"{text}\n", encoding="utf-8")
        except OSError as error:  # as of a full disk: the run itself says so, where it matters
            log.debug("%s is not written: %s", self._path, error)


class _Followed:
    """A progress that is shown and written."""

    def __init__(self, shown: Progress, heartbeat: Heartbeat) -> None:
        self._shown, self._heartbeat = shown, heartbeat

    def start(self, title: str, total: int) -> None:
        self._heartbeat.start(title, total)
        self._shown.start(title, total)

    def update(self, done: int) -> None:
        self._heartbeat.update(done)
        self._shown.update(done)

    def stop(self) -> None:
        self._shown.stop()


def _read(path: Path) -> RunStatus | None:
    """Status of an earlier process; None where there is none that can be used."""
    with suppress(OSError, ValueError, FwiError), ownership.open_run_file(path) as file:
        return RunStatus.of(json.load(file))
    return None


def _ending(error: BaseException) -> dict[str, object]:
    """Attributes of a status after an error."""
    if isinstance(error, KeyboardInterrupt):
        reason = str(getattr(error, "meaning", "interrupted"))
        code = getattr(error, "exit_code", 130)
        return {"state": status.STOPPED, "error": reason, "exit_code": code}
    code, text = 1, f"{type(error).__name__}: {error}"
    if isinstance(error, FwiError):
        code, text = error.exit_code, str(error)
    elif isinstance(error, OSError | MemoryError):
        code, text = 4, str(error) or type(error).__name__
    return {"state": status.FAILED, "error": text[:LONGEST], "exit_code": code}
