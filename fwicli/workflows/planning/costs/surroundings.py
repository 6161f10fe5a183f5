"""Measured times of a run outside of its shots, in files beside the compiled kernels.

    run    = start of the command and of the workers + stages + results and pictures
    stage  = first evaluation and diagnosis + iterations
    turn   = optimizer, preconditioning, journal and files, for each evaluation or product

They belong to the process of the command, and do not depend on the number of workers. A model of
other points takes the times of the most similar one: what works on arrays is scaled by points, and
what reads records by their samples, upwards only, since part of these times has no size.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from fwicli.disk import cache
from fwicli.execution import machine
from fwicli.workflows.assembly.inversion import StageObjects
from fwicli.workflows.planning.costs import calibrations
from fwicli.workflows.planning.costs.calibrations import MOST, NONE, Times
from fwicli.workflows.planning.plan import Plan

# Another one when what a file holds changes its meaning.
FORMAT = 1
# Below this number of points, the work on arrays takes less time than files and pictures.
SMALL = 100_000
# Points of the largest model, and bytes of the largest records, that are rehearsed.
POINTS, BYTES = 8_000_000, 1e9


@dataclass(frozen=True)
class StageSurroundings:
    """Times of a stage outside of its shots.

    Attributes
    ----------
    points : int
        Of the grid of the unknowns.
    first : tuple of float
        From the beginning of the stage to its first iteration: elapsed, and on processors [s].
    turn : tuple of float
        Of one evaluation or product, with its share of an iteration [s].
    """

    points: int
    first: Times = NONE
    turn: Times = NONE


@dataclass(frozen=True)
class Surroundings:
    """Times of a run outside of its shots.

    Attributes
    ----------
    points : int
        Of the grid of the model.
    samples, traces : int
        Of all records, and of those of the largest shot.
    imports, start : tuple of float
        From the command to the plan of the run, and from there to its first stage: elapsed, and
        on processors [s].
    workers : tuple of float
        To start the first worker process; zero for a run in one process [s].
    shot : tuple of float
        To write what a shot of modelling or migration leaves [s].
    end : tuple of float
        From the end of the last stage to that of the command [s].
    stages : tuple of StageSurroundings
        Of an inversion.
    measured : float
        Time of the measurement [s since 1970].
    """

    points: int
    samples: int
    traces: int = 1
    imports: Times = NONE
    start: Times = NONE
    workers: Times = NONE
    shot: Times = NONE
    end: Times = NONE
    stages: tuple[StageSurroundings, ...] = ()
    measured: float = 0.0

    def of_stage(self, points: int) -> StageSurroundings:
        """Times of a stage whose unknowns have this number of points.

        Parameters
        ----------
        points : int

        Returns
        -------
        stage : StageSurroundings
            Zero without stages.
        """
        if not self.stages:
            return StageSurroundings(points)
        first = _scaled({s.points: s.first for s in self.stages}, points, grows=True)
        turn = _scaled({s.points: s.turn for s in self.stages}, points, grows=True)
        return StageSurroundings(points, first, turn)


def key(plan: Plan) -> dict[str, Any]:
    """Everything that the times of a plan depend on, but its sizes.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    key : dict
    """
    inversion = plan.inversion
    return {
        "format": FORMAT,
        "machine": {"processor": machine.processor(), "cores": machine.cores()},
        "kind": plan.kind,
        "dimensions": plan.model.grid.ndim,
        "processes": plan.workers > 1,
        "stages": [] if inversion is None else sorted(set(map(_settings, inversion.stages))),
    }


def obstacle(plan: Plan) -> str:
    """Why the times of a plan cannot be measured, in words; empty if they can.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    obstacle : str
    """
    points, samples = sizes(plan)
    if points <= POINTS and 4.0 * samples <= BYTES:
        return ""
    return (
        f"the model has {points:.3g} points, and the records have {4e-9 * samples:.3g} GB; up to "
        f"{POINTS:.3g} points and {1e-9 * BYTES:.3g} GB are measured"
    )


def write(plan: Plan, surroundings: Surroundings) -> None:
    """Keep a measurement in place of earlier ones of the same sizes.

    Parameters
    ----------
    plan : Plan
    surroundings : Surroundings
    """
    name = _name(plan)
    with cache.alone(name):
        others = [s for s in _read(name) if _sizes(s) != _sizes(surroundings)]
        entries = [asdict(s) for s in [*others, surroundings][-MOST:]]
        cache.write(name, json.dumps({"key": key(plan), "runs": entries}).encode())


def nearest(plan: Plan) -> Surroundings | None:
    """Times of the most similar run at the size of a plan; None if there is none of its kind.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    surroundings : Surroundings or None
    """
    points, samples = sizes(plan)
    runs = _read(_name(plan))

    def unlike(measured: Surroundings) -> tuple[float, ...]:
        return (
            abs(math.log(measured.points / points)),
            abs(math.log(measured.samples / samples)),
            -measured.measured,
        )

    measured = min(runs, key=unlike, default=None)
    if measured is None:
        return None
    starts = {run.points: run.start for run in [*runs, measured]}
    # Later ones in place of earlier ones of as many points; those of the nearest run last.
    stages = {stage.points: stage for run in [*runs, measured] for stage in run.stages}
    # A shot leaves its record, or its image.
    imaged = plan.verb.keeps_history
    larger = points / max(measured.points, SMALL) if imaged else traces(plan) / measured.traces
    elapsed, busy = (max(1.0, larger) * seconds for seconds in measured.shot)
    return replace(
        measured,
        start=_scaled(starts, points, grows=False),
        shot=(elapsed, busy),
        stages=tuple(stages.values()),
    )


def sizes(plan: Plan) -> tuple[int, int]:
    """Points of the model, and samples of all records; each at least 1.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    sizes : tuple of int
    """
    samples = int(plan.acquisition.counts.sum()) * plan.stages[0].time.samples
    return math.prod(plan.model.grid.shape), max(1, samples)


def traces(plan: Plan) -> int:
    """Samples of the records of the largest shot.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    traces : int
        At least 1.
    """
    return calibrations.traces_of(plan.stages[0])


def unknowns(plan: Plan, number: int) -> int:
    """Points of the unknowns of a stage.

    Parameters
    ----------
    plan : Plan
    number : int
        Of the stage, from 0.

    Returns
    -------
    points : int
    """
    stage = plan.stages[number]
    return math.prod((stage.earth or stage.grid).shape)


def _settings(objects: StageObjects) -> str:
    """Optimizer and variables of a stage, which its time outside of shots depends on, in words."""
    return f"{type(objects.optimizer).__name__} of {len(objects.variables.blocks)}"


def _name(plan: Plan) -> str:
    text = json.dumps(key(plan), sort_keys=True)
    return f"{calibrations.PREFIX}run-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _read(name: str) -> list[Surroundings]:
    """All measurements of a name, the oldest first."""
    data = cache.read(name)
    return [] if data is None else [_entry(entry) for entry in json.loads(data)["runs"]]


def _entry(values: Mapping[str, Any]) -> Surroundings:
    """A measurement, without what only a later version of the program knows."""
    names = {f.name for f in fields(Surroundings)} - {"stages"}
    others: dict[str, Any] = {
        n: tuple(v) if isinstance(v, list) else v for n, v in values.items() if n in names
    }
    stages = tuple(
        StageSurroundings(s["points"], tuple(s["first"]), tuple(s["turn"]))
        for s in values["stages"]
    )
    return Surroundings(**others, stages=stages)


def _sizes(measured: Surroundings) -> tuple[Any, ...]:
    return measured.points, measured.samples, [s.points for s in measured.stages]


def _scaled(times: Mapping[int, Times], points: int, grows: bool) -> Times:
    """Times at a number of points, from those at others (see the module).

    Parameters
    ----------
    times : mapping of int to tuple of float
        By number of points [s].
    points : int
    grows : bool
        Whether a single time is taken to grow with the points.
    """
    nearest = min(times, key=lambda n: abs(math.log(n / points)))
    smaller = [n for n in times if 4 * n <= nearest]
    below = max(smaller, default=0)
    elapsed, busy = (
        _at(points, (nearest, times[nearest][kind]), (below, times[below][kind]))
        if smaller
        else times[nearest][kind] * (max(1.0, points / max(nearest, SMALL)) if grows else 1.0)
        for kind in (0, 1)
    )
    return elapsed, busy


def _at(points: int, near: tuple[int, float], below: tuple[int, float]) -> float:
    """Time on the line through two points, at least that of the smaller one."""
    slope = max(0.0, near[1] - below[1]) / (near[0] - below[0])
    return max(near[1] + slope * (points - near[0]), min(near[1], below[1]))
