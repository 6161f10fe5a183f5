"""Tasks whose results show how they were run and summed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from fwicli.errors import GeometryError
from fwicli.execution.dask import preparation


@dataclass
class Values:
    """A summand whose sum shows its order in the last bits, and which takes the memory of sums."""

    values: np.ndarray
    arrivals: ClassVar[list[int]] = []

    def plus(self, other: Values) -> Values:
        self.values += other.values
        return self

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = state
        self.arrivals.append(os.getpid())


@dataclass
class Model:
    """What tasks share; it leaves a file behind in each process that receives it."""

    values: np.ndarray
    folder: Path | None = None

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = state
        if self.folder is not None:
            (self.folder / f"{os.getpid()}-{time.monotonic_ns()}").touch()


@dataclass
class DeadlyModel(Model):
    """A model that kills the second process which receives it."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if self.folder is not None and len(list(self.folder.iterdir())) == 2:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Work:
    """The task without the model."""

    number: int
    before: Callable[[int], None] | None = None

    def __call__(self, model: Model) -> Values:
        if self.before is not None:
            self.before(self.number)
        return Values(np.sin(model.values * (self.number + 1)) * 10.0 ** (self.number % 7))


@dataclass
class Shot:
    """A task of a shot."""

    common: Model
    number: int
    before: Callable[[int], None] | None = None

    def __call__(self) -> Values:
        return self.detached()(self.common)

    def detached(self) -> Work:
        return Work(self.number, self.before)


@dataclass
class Accident:
    """Something that happens to some tasks, a number of times in all."""

    folder: Path
    kind: str
    numbers: set[int] = field(default_factory=set)
    times: int = 1

    def __call__(self, number: int) -> None:
        if number not in self.numbers or not self._is_due(number):
            return
        if self.kind == "killed":
            time.sleep(0.2)  # the beginning of the shot is told first
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "refused":
            raise GeometryError(f"shot {number} is nowhere")
        raise RuntimeError(f"shot {number} met an accident")

    def _is_due(self, number: int) -> bool:
        before = sum(1 for path in self.folder.iterdir() if path.name.startswith(f"{number}-"))
        (self.folder / f"{number}-{before}-{os.getpid()}").touch()
        return before < self.times


@dataclass
class Started:
    """Leaves a file behind for each task that has started."""

    folder: Path

    def __call__(self, number: int) -> None:
        (self.folder / str(number)).touch()


def shots(count: int, before: Callable[[int], None] | None = None, size: int = 100) -> list[Shot]:
    """Shots of one model."""
    model = Model(np.random.default_rng(count).random(size))
    return [Shot(model, number, before) for number in range(count)]


@dataclass
class Stuck:
    """Holds up the first worker that runs one of some tasks, until the test frees it."""

    folder: Path
    numbers: set[int]

    def __call__(self, number: int) -> None:
        if number not in self.numbers:
            return
        try:
            os.close(os.open(self.folder / f"stuck-{number}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            (self.folder / f"again-{number}").touch()
            return
        end = time.monotonic() + 120
        while not (self.folder / "free").exists() and time.monotonic() < end:
            time.sleep(0.05)
        (self.folder / f"late-{number}").touch()


@dataclass(frozen=True)
class Killed:
    """A task whose worker is killed when it is larger than `room` [MB], as for lack of memory.

    The process that starts workers tells so; here, the worker does, for the kernel counts no kill.
    """

    folder: Path
    number: int
    size: int = 80
    least: int = 10
    room: int = 30

    def __call__(self) -> int:
        if self.size > self.room:
            from distributed import get_worker

            (self.folder / f"{self.number} {self.size} {time.monotonic_ns()}").touch()
            server = get_worker()
            event = {"worker": server.address, "status": -signal.SIGKILL, "killed": 1}
            time.sleep(0.2)  # the beginning of the shot is told first
            server.log_event(preparation.ENDED, event)
            time.sleep(0.2)
            os.kill(os.getpid(), signal.SIGKILL)
        return self.number

    def smaller(self) -> Killed | None:
        return None if self.size <= self.least else replace(self, size=self.size // 2)

    @property
    def storage(self) -> str:
        return f"{self.size} MB"


@dataclass(frozen=True)
class Greedy:
    """A task that takes so much memory [MB] for a while, and can do with a tenth."""

    size: int

    def __call__(self) -> int:
        values = np.ones(self.size * 125_000)
        time.sleep(30.0 if self.size > 300 else 0.0)
        return len(values)

    def smaller(self) -> Greedy | None:
        return None if self.size <= 300 else Greedy(self.size // 10)

    @property
    def storage(self) -> str:
        return f"{self.size} MB"
