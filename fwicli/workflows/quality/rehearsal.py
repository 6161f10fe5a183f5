"""A run without waves, in a process of its own: what a command takes outside of its shots.

The run is that of the config, with fewer iterations, results of shots by formulas (see `stand_in`),
and a folder beside its own that is removed. It reads, prepares, optimises, writes and draws as
the command does. Last of all, the process starts a worker.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.loader import Loaded
from fwicli.errors import DataError
from fwicli.execution import Processes
from fwicli.propagators.tasks import ModellingTask
from fwicli.survey import points
from fwicli.workflows.assembly import executors
from fwicli.workflows.planning.costs import surroundings
from fwicli.workflows.planning.costs.calibrations import Times
from fwicli.workflows.planning.costs.surroundings import StageSurroundings, Surroundings
from fwicli.workflows.planning.plan import Plan, make_plan
from fwicli.workflows.quality.setting import StageSetting
from fwicli.workflows.quality.stand_in import Clock, StandIn

Array = NDArray[Any]

# Iterations of a stage at most: the first differs from the others.
ITERATIONS = 4
# Program of the process.
PROGRAM = "from fwicli.workflows.quality import rehearsal; rehearsal.main()"

log = logging.getLogger("fwicli")


def measure(plan: Plan, loaded: Loaded) -> None:
    """Measure the times of a run outside of its shots, and keep them for this and later plans.

    Parameters
    ----------
    plan : Plan
    loaded : Loaded
        Config of the plan.
    """
    obstacle = surroundings.obstacle(plan)
    if obstacle:
        log.warning("warning: the time outside of shots is not measured: %s", obstacle)
        return
    log.info("rehearsing the run without waves")
    try:
        surroundings.write(plan, _rehearsed(plan, loaded))
    except DataError as error:
        log.warning("warning: the time outside of shots is not measured: %s", error)


def _rehearsed(plan: Plan, loaded: Loaded) -> Surroundings:
    """Times of the rehearsal, from the marks of its process.

    Raises
    ------
    DataError
        If the process has failed.
    """
    with tempfile.TemporaryDirectory(prefix=".fwi-rehearsal-", dir=_beside(loaded)) as folder:
        begun = time.monotonic()
        process = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            input=pickle.dumps((_shortened(loaded), folder, begun, plan.workers)),
            capture_output=True,
            check=False,
        )
        ended = time.monotonic()
    if process.returncode:
        lines = process.stderr.decode(errors="replace").strip().splitlines()
        raise DataError(
            "a run without waves has failed with "
            f"{lines[-1] if lines else f'exit code {process.returncode}'}"
        )
    marks = Marks(**json.loads(process.stdout.splitlines()[-1]))
    return marks.surroundings(plan, ended)


def _beside(loaded: Loaded) -> str | None:
    """The folder that a run makes its own in, as disks differ; None for that of the system."""
    folder = (loaded.config.output or Path("runs") / loaded.path.stem).absolute()
    there = next(parent for parent in folder.parents if parent.is_dir())
    return str(there) if os.access(there, os.W_OK) else None


def _shortened(loaded: Loaded) -> Loaded:
    """The config with fewer iterations, for workers of this machine."""
    config: schema.RunConfig = loaded.config
    execution = config.execution.model_copy(
        update={"engine": "processes", "cluster": None, "address": None}
    )
    changes: dict[str, Any] = {"execution": execution}
    if isinstance(config, schema.InvertConfig):
        stages = [
            stage.model_copy(update={"iterations": min(stage.iterations, ITERATIONS)})
            for stage in config.inversion.stages
        ]
        changes["inversion"] = config.inversion.model_copy(update={"stages": stages})
    if isinstance(config, schema.LsrtmConfig):
        section = config.least_squares
        fewer = {"iterations": min(section.iterations, ITERATIONS)}
        changes["least_squares"] = section.model_copy(update=fewer)
    return replace(loaded, config=config.model_copy(update=changes), places={})


# --- marks ----------------------------------------------------------------------------------------


@dataclass
class Marks:
    """Times of the clock of a rehearsal [s]: elapsed ones, and those on processors.

    Attributes
    ----------
    begun, ended : tuple of float
        Where the run begins, and where it ends.
    stages : list of list of tuple
        For each stage, readings where its first evaluation begins, where every iteration begins,
        and where the last one ends, each with the number of evaluations and products before.
    workers : tuple of float
        To start a worker.
    wall : float
        Reading of `time.monotonic` where the program ends.
    """

    begun: Times = (0.0, 0.0)
    ended: Times = (0.0, 0.0)
    stages: list[list[tuple[Times, int]]] = field(default_factory=list)
    workers: Times = (0.0, 0.0)
    wall: float = 0.0

    def surroundings(self, plan: Plan, ended: float) -> Surroundings:
        """Times of parts of a run.

        Parameters
        ----------
        plan : Plan
        ended : float
            Reading of `time.monotonic` where the process has ended [s].

        Returns
        -------
        surroundings : Surroundings
        """
        points, samples = surroundings.sizes(plan)
        stages = [self._stage(plan, n) for n in range(len(self.stages))]
        after = _less(self.ended, self.stages[-1][-1][0])
        within = _less(self.stages[0][-1][0], self.stages[0][0][0])
        shots = plan.acquisition.shots
        inversion = len(self.stages[0]) > 2
        return Surroundings(
            points,
            samples,
            surroundings.traces(plan),
            imports=(self.begun[0], self.begun[1]),
            start=_less(self.stages[0][0][0], self.begun),
            workers=(self.workers[0], self.workers[1]),
            shot=(0.0, 0.0) if inversion else (within[0] / shots, within[1] / shots),
            end=(after[0] + ended - self.wall, after[1]),
            stages=tuple(stages) if inversion else (),
            measured=time.time(),
        )

    def _stage(self, plan: Plan, number: int) -> StageSurroundings:
        """Times of a stage; a later one has what lies between it and the one before it."""
        marks = self.stages[number]
        before = self.stages[number - 1][-1] if number else marks[0]
        points = surroundings.unknowns(plan, number)
        if len(marks) < 3:
            return StageSurroundings(points, _less(marks[-1][0], before[0]))
        spans = list(pairwise(marks[1:]))
        turns = [
            tuple(part / max(1, later[1] - earlier[1]) for part in _less(later[0], earlier[0]))
            for earlier, later in [s for s in spans if s[1][1] > s[0][1]] or spans
        ]
        elapsed, busy = np.median(turns, axis=0)
        return StageSurroundings(
            points, _less(marks[1][0], before[0]), (float(elapsed), float(busy))
        )


def _less(later: Sequence[float], earlier: Sequence[float]) -> Times:
    return max(0.0, later[0] - earlier[0]), max(0.0, later[1] - earlier[1])


class _Marker:
    """A progress that reads the clock where parts of a run begin and end."""

    def __init__(self, stand_in: StandIn) -> None:
        self._stand_in = stand_in
        self._begins = True
        self.stages: list[list[tuple[Times, int]]] = []

    def start(self, title: str, total: int) -> None:  # noqa: ARG002
        """A stage or an iteration begins; a search for its step does not begin another one."""
        if self._begins:
            self.stages.append([])
            self._begins = False
        elif self.stages[-1][-1][1] == self._stand_in.turns:
            return
        self._mark()

    def update(self, done: int) -> None:
        """Do nothing: shots take no time."""

    def stop(self) -> None:
        """The last iteration of a stage has ended."""
        self._mark()
        self._begins = True

    def _mark(self) -> None:
        self.stages[-1].append((self._stand_in.clock.read(), self._stand_in.turns))


# --- the process ----------------------------------------------------------------------------------


def main() -> None:
    """Rehearse the run of standard input, and write its marks to standard output."""
    loaded, folder, begun, workers = pickle.load(sys.stdin.buffer)
    marks = rehearse(loaded, Path(folder) / "run", begun)
    if workers > 1:
        marks.workers = _first_worker()
    marks.wall = time.monotonic()
    sys.stdout.write(f"\n{json.dumps(marks.__dict__)}\n")


def rehearse(loaded: Loaded, folder: Path, begun: float) -> Marks:
    """Run a config with results of shots by formulas.

    Parameters
    ----------
    loaded : Loaded
    folder : Path
        Of the run.
    begun : float
        Reading of `time.monotonic` where the command began [s].

    Returns
    -------
    marks : Marks
    """
    stand_in = StandIn(Clock(begun), _Records(loaded).gather)
    marker = _Marker(stand_in)
    marks = Marks(begun=stand_in.clock.read())
    with executors.instead(stand_in):
        from fwicli.workflows.verbs import find

        find(loaded.kind).run(loaded, folder, progress=marker)
    marks.ended, marks.stages = stand_in.clock.read(), marker.stages
    return marks


@dataclass(frozen=True)
class _Records:
    """Gathers in place of modelled ones."""

    loaded: Loaded

    @cached_property
    def _setting(self) -> StageSetting:
        return StageSetting(make_plan(self.loaded), self.loaded.config)

    def gather(self, task: ModellingTask) -> Array:
        """The record at the source of a task; without records, the wavelet."""
        samples = self._samples(task)
        if self.loaded.kind == "model":
            return samples
        geometry = self._setting.plan.acquisition
        for shot in range(geometry.shots):
            if np.array_equal(geometry.source(shot), points.positions(task.source)):
                recorded = np.asarray(self._setting.records.data[shot])[self._setting.traces(shot)]
                if len(recorded) == len(task.receivers):
                    return self._setting.filtered(recorded)
        return samples

    def _samples(self, task: ModellingTask) -> Array:
        wavelet = np.asarray(task.wavelet)
        trace = wavelet if wavelet.ndim == 1 else wavelet[0]
        return np.tile(trace, (len(task.receivers), 1)).astype(task.discretization.precision)


def _first_worker() -> Times:
    """Times to start a worker, with the process that workers are forked from."""
    begun = time.monotonic()
    executor = Processes(1)
    try:
        (busy,) = executor.map([_spent])
    finally:
        executor.close()
    elapsed = time.monotonic() - begun
    return elapsed, min(busy, elapsed)


def _spent() -> float:
    """Time on processors of this process and of the one that it was forked from [s]."""
    ticks = 0
    with suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")
