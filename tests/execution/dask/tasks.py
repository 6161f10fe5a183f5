"""Tasks whose results show how they were run and summed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from fwicli.errors import GeometryError


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
