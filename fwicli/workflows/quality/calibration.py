"""Speeds of the kernels of a run, measured on this machine with as many workers as the run has.

Each worker runs some time steps of a shot of its own at the same time as the others, as memory is
shared. The model is constant: speeds do not depend on its values. A grid that is too large for the
measurement is cut to a smaller one.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.errors import DataError
from fwicli.execution import Executor, Processes, cores, total
from fwicli.inversion.comparison import Comparison, StoredComparison
from fwicli.inversion.conditioning.operators import Record
from fwicli.inversion.quality.timing import MeasuredShot, TimedShot
from fwicli.inversion.shots.experiments import Experiment, Preparation, experiments
from fwicli.inversion.shots.selection import ShotSelection
from fwicli.propagators.equations import properties
from fwicli.propagators.tasks import ShotTask
from fwicli.survey import points
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.points import Points
from fwicli.survey.signals.bands import Band
from fwicli.survey.signals.wavelets import Spectrum
from fwicli.survey.stacks import Stack
from fwicli.survey.topography import Topography
from fwicli.survey.windows import Window, whole
from fwicli.workflows.planning.costs import calibrations, counts
from fwicli.workflows.planning.costs.calibrations import Calibration, Times
from fwicli.workflows.planning.numerics import Numerics
from fwicli.workflows.planning.plan import Plan
from fwicli.workflows.run_folder import finished_shots

Array = NDArray[Any]

# Points of the largest grid that is measured, all workers together.
LARGEST = 8_000_000
# Seconds that one run of the measurement may take, about.
SECONDS = 2.0

log = logging.getLogger("fwicli")


@dataclass(frozen=True)
class _Kernels:
    """Kernels of a stage, how long one run of them may take [s], and what else its shots do."""

    sums: tuple[str, ...]
    curvature: str | None
    seconds: float
    checked: bool = False
    diagnosed: bool = False


@dataclass(frozen=True)
class _Sample:
    """Positions [m] and source time functions of a shot that is measured."""

    source: Array | Points
    receivers: Array | Points
    wavelet: Array
    window: Window | None = None
    comparison: Comparison | StoredComparison | None = None


@dataclass(frozen=True)
class _Sender(ShotTask):
    """A task that sends what a shot does, and computes nothing."""

    parameters_wanted: tuple[str, ...] = ()

    def __call__(self) -> Stack:
        grid, precision = self.discretization.grid, self.discretization.precision
        values = {name: np.zeros(grid.shape, precision) for name in self.parameters_wanted}
        return Stack(whole(grid), values)


def calibrate(plan: Plan, config: schema.RunConfig, seconds: float = SECONDS) -> None:
    """Measure the speeds of every stage of a plan, and keep them for this and later plans.

    Parameters
    ----------
    plan : Plan
    config : RunConfig
    seconds : float
        Longest time of one run of the measurement [s], about.
    """
    finished: list[tuple[Any, ...]] = []
    stages = counts.of_plan(plan)
    for number, stage in enumerate(plan.stages):
        names, count = plan.verb.kernels(config, number), stages[number]
        kernels = _Kernels(*names, seconds, count.checked > 0, count.diagnosed)
        of = calibrations.key(stage, kernels.sums, kernels.curvature)
        same = (of, stage.padded, stage.history_step, stage.steps, stage.traces)
        if same in finished:
            continue
        log.info("measuring the kernels of stage %d of %d", number + 1, len(plan.stages))
        calibrations.write(of, _stage(plan, number, kernels))
        finished.append(same)


def _stage(plan: Plan, number: int, kernels: _Kernels) -> Calibration:
    """Measure a stage, in workers that have done nothing before."""
    stage, gradient = plan.stages[number], bool(kernels.sums)
    count = min(plan.at_once, max(1, cores() // stage.threads))
    smaller = _affordable(stage, count)
    with _workers(1) as executor:
        compiled, compilation = _compile(smaller, kernels, plan.acquisition, executor)
    tasks = [_timed(smaller, plan.model, shot, kernels) for shot in _samples(plan, number, count)]
    with _workers(count) as executor:
        shots: list[MeasuredShot] = list(executor.map(tasks))
        handover = _handover(tasks, executor, kernels.sums) if plan.at_once > 1 else (0.0, 0.0)
    longest = shots[0].runs[-1]
    axis = replace(smaller.time, samples=longest.samples)
    samples = min(longest.samples, stage.traces.samples)
    planned = replace(smaller, time=axis, traces=replace(stage.traces, samples=samples))
    planned = replace(planned, gathers=0, fields=0)  # what is measured makes none
    return Calibration(
        shape=smaller.padded,
        every=stage.history_step,
        traces=calibrations.traces_of(stage),
        workers=count,
        steps=longest.steps,
        comparison=_mean([s.comparison for s in shots]),
        diagnosis=_mean([s.diagnosis for s in shots]),
        start=_mean([s.start for s in shots]),
        handover=handover,
        own=max(s.own for s in shots),
        planned=float(planned.memory(gradient)),
        compiled=compiled,
        compilation=compilation,
        measured=time.time(),
        **_fitted(smaller, shots, gradient),
    )


@contextmanager
def _workers(count: int) -> Iterator[Executor]:
    """Worker processes, also where a run would work in its own process."""
    executor = Processes(count)
    try:
        yield executor
    finally:
        executor.close()


def _compile(
    stage: Numerics, kernels: _Kernels, acquisition: Acquisition, executor: Executor
) -> tuple[int, float]:
    """Compile what is missing; number of kernels, and the time that it took [s]."""
    discretization, names = stage.discretization(), (kernels.sums, kernels.curvature)
    components = acquisition.components_of_shots
    tasks = discretization.missing_kernels(*names, components)
    if kernels.checked and kernels.sums:
        tasks += discretization.missing_kernels(components=components)
    missing, begun = len(tasks), time.perf_counter()
    finished_shots.compile_missing(executor, discretization, *names, acquisition)
    if kernels.checked:
        finished_shots.compile_missing(executor, discretization, acquisition=acquisition)
    return missing, time.perf_counter() - begun if missing else 0.0


# --- one shot -------------------------------------------------------------------------------------


def _affordable(stage: Numerics, workers: int) -> Numerics:
    """A stage with a grid that is small enough to be measured."""
    shape, most = np.array(stage.window(0).shape), LARGEST / workers
    local, surface = stage.window(0).local, stage.surface
    cut = replace(stage, grid=local, windows=(), earth=None, topography=surface)
    if math.prod(stage.padded) <= most:
        return cut
    fewest = np.minimum(shape, 4 * stage.order)
    while math.prod(cut.padded) > most and (shape > fewest).any():
        shape = np.maximum(np.floor(0.9 * shape).astype(int), fewest)
        grid = Grid(tuple(map(int, shape)), stage.grid.spacing, stage.grid.origin)
        if surface is not None:  # a plane takes as long, and is above all points
            plane = grid.origin[-1] + 2 * grid.spacing[-1]
            cut = replace(cut, topography=Topography.on(grid, plane))
        cut = replace(cut, grid=grid)
    return cut


def _samples(plan: Plan, number: int, workers: int) -> list[_Sample]:
    """A shot for each worker, from all over the survey, with its comparison where there is one."""
    count = plan.acquisition.shots
    shots = [count * (2 * n + 1) // (2 * workers) for n in range(workers)]
    if plan.inversion is None:
        return [_alone(plan, number, shot) for shot in shots]
    objects = plan.inversion.stages[number]
    if objects.encoding is None:
        return [_of(_compared(plan, number, shot)) for shot in shots]
    every = [_compared(plan, number, shot) for shot in range(count)]
    chosen, _ = ShotSelection(every, objects.batches, objects.encoding).select(number, 0)
    return [_of(chosen[n % len(chosen)]) for n in range(workers)]


def _of(experiment: Experiment) -> _Sample:
    """The shot of an experiment."""
    return _Sample(
        experiment.source,
        experiment.receivers,
        experiment.wavelet,
        experiment.window,
        experiment.comparison,
    )


def _alone(plan: Plan, number: int, shot: int) -> _Sample:
    """A shot that is compared with nothing."""
    geometry, wavelet = plan.acquisition, np.asarray(plan.wavelet)
    own = wavelet if wavelet.ndim == 1 else wavelet[shot % len(wavelet)]
    window = plan.stages[number].window(shot)
    places = geometry.source_points(shot), geometry.receiver_points(shot)
    return _Sample(*places, own[None], window)


def _compared(plan: Plan, number: int, shot: int) -> Experiment:
    """A shot of an inversion with the comparison of its record, in the band of the stage.

    Raises
    ------
    DataError
        If the conditioning mutes all of it.
    """
    if plan.inversion is None or plan.gathers is None:
        raise DataError("there are no records to compare")
    objects, stage = plan.inversion.stages[number], plan.stages[number]
    band = Band(*objects.band)
    records = replace(plan.gathers, wavelet=plan.wavelet).select(np.array([shot]))
    filtered = records.mapped(partial(band.apply, interval=records.interval))
    filtered = replace(filtered, wavelet=band.apply(records.wavelet_of(0), records.interval))
    prepare = objects.prepare

    def of_survey(record: Record) -> Preparation:
        if prepare is None:
            raise DataError("there is no conditioning")
        return prepare(replace(record, shot=shot))

    return experiments(
        filtered,
        objects.weighted_misfit,
        [stage.window(shot)],
        None if prepare is None else of_survey,
        stage.near,
        aligned=objects.encoding is not None,
    )[0]


def _timed(stage: Numerics, model: EarthModel, shot: _Sample, kernels: _Kernels) -> TimedShot:
    """The task that measures a shot, in a constant model."""
    grid = stage.grid
    values = {
        name: np.full(grid.shape, values[(0,) * grid.ndim])
        for name, values in model.properties.items()
    }
    source, receivers = (_inside(stage, shot.window, p) for p in (shot.source, shot.receivers))
    return TimedShot(
        stage.discretization(),
        properties.parameters(stage.equation, values),
        shot.wavelet,
        source,
        receivers,
        kernels.sums,
        shot.comparison,
        kernels.curvature,
        kernels.checked,
        Spectrum.of(shot.wavelet[0], stage.time.interval).centre if kernels.diagnosed else None,
        kernels.seconds,
    )


def _inside(stage: Numerics, window: Window | None, place: Array | Points) -> Array | Points:
    """Points in the window, moved into the grid where that is a smaller one."""
    local = place if window is None else window.local_positions(place)
    inside = np.clip(points.positions(local), stage.grid.origin, stage.grid.end)
    return replace(local, positions=inside) if isinstance(local, Points) else inside


def _handover(tasks: Sequence[TimedShot], executor: Executor, sums: tuple[str, ...]) -> Times:
    """Times to send a shot to a worker, to take its sums back and to add them [s]."""
    first = tasks[0]
    names = (*(first.discretization.parameters or first.parameters), "illumination")
    sender = _Sender(
        first.discretization,
        first.parameters,
        first.wavelet,
        first.source,
        first.receivers,
        names if sums else (),
    )
    several = [sender] * (3 * len(tasks))
    total(executor, several)
    begun, busy = time.perf_counter(), time.process_time()
    total(executor, several)
    elapsed, busy = time.perf_counter() - begun, time.process_time() - busy
    return elapsed / len(several), busy / len(several)


# --- what follows ---------------------------------------------------------------------------------


def _fitted(stage: Numerics, shots: Sequence[MeasuredShot], gradient: bool) -> dict[str, Times]:
    """Times of a call and of a step, means over the workers.

    The time of a call and the time of a step follow from two runs of different lengths. A whole
    shot that was measured is returned as it is by any split of its time.
    """
    short, long = shots[0].runs[0], shots[0].runs[-1]
    forward = [_mean([s.runs[i].forward for s in shots]) for i in (0, -1)]
    backward = [_mean([s.runs[i].backward for s in shots]) for i in (0, -1)]
    call, step = _line((short.steps, long.steps), (forward[0], forward[1]))
    fitted = {"call_forward": call, "step_forward": step}
    if gradient:
        alone = [
            _less(times, step, _repeated(stage, run.samples))
            for times, run in zip(backward, (short, long), strict=True)
        ]
        call, step = _line((short.steps, long.steps), (alone[0], alone[1]))
        fitted |= {"call_backward": call, "step_backward": step}
    if shots[0].product:
        short, long = shots[0].product[0], shots[0].product[-1]
        ends = [_mean([s.product[i].forward for s in shots]) for i in (0, -1)]
        call, step = _line((short.steps, long.steps), (ends[0], ends[1]))
        fitted |= {"call_product": call, "step_product": step}
    return fitted


def _repeated(stage: Numerics, samples: int) -> int:
    """Steps that the history runs again in a record of this number of samples."""
    cut = replace(stage, time=replace(stage.time, samples=samples))
    return cut.demand().repeated(stage.history)


def _line(steps: tuple[int, int], times: tuple[Times, Times]) -> tuple[Times, Times]:
    """Times at no step, and of a step, of a line through two points.

    Neither is negative; the line goes through the second point in any case.
    """
    calls, each = [], []
    for short, long in zip(*times, strict=True):
        slope = (long - short) / (steps[1] - steps[0]) if steps[1] > steps[0] else long / steps[1]
        slope = min(max(slope, 0.0), long / steps[1])
        each.append(slope)
        calls.append(long - slope * steps[1])
    return (calls[0], calls[1]), (each[0], each[1])


def _less(times: Times, step: Times, steps: int) -> Times:
    """Times without those of some steps."""
    return max(0.0, times[0] - steps * step[0]), max(0.0, times[1] - steps * step[1])


def _mean(times: Sequence[Times]) -> Times:
    elapsed, on_processors = np.mean(times, axis=0)
    return float(elapsed), float(on_processors)
