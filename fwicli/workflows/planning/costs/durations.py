"""Times of a run: of a shot, an iteration, a stage and all, from measured speeds.

    evaluation = ceil(shots / workers) (shot + handover), at least shots * handover
    iteration  = evaluations of an iteration, with first passes and products, + outside of shots
    stage      = kernels of a worker + shots that are checked, also at coordinates that are read
                 otherwise + first evaluation with its diagnosis + iterations
                 + what is done once + outside of shots
    run        = imports + inputs + start of the workers + stages + results and pictures

Times are elapsed ones, of the machine that was measured. Times outside of shots are those of the
process of the command, while the workers wait (see `surroundings`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fwicli.workflows.planning.costs import calibrations
from fwicli.workflows.planning.costs.calibrations import Calibration
from fwicli.workflows.planning.costs.counts import Counts
from fwicli.workflows.planning.costs.surroundings import Surroundings
from fwicli.workflows.planning.numerics import Numerics

# Kinds of time in pairs of them: elapsed, and on processors.
ELAPSED, PROCESSORS = 0, 1


@dataclass(frozen=True)
class ShotTimes:
    """Times of one shot of a stage [s].

    Attributes
    ----------
    forward : float
        Waves forwards alone.
    whole : float
        All that an evaluation does with a shot: a gradient, an image, or waves forwards alone.
    product : float
        A product with the second derivative; 0 without.
    start : float
        Of a worker, beside its first shot.
    handover : float
        To send the shot to a worker and to add its result.
    everywhere : float
        Waves forwards in the whole grid, where shots have windows of it.
    diagnosis : float
        To diagnose the traces.
    """

    forward: float
    whole: float
    product: float
    start: float
    handover: float
    everywhere: float = 0.0
    diagnosis: float = 0.0


def of_shot(
    numerics: Numerics, measured: Calibration, gradient: bool, kind: int = ELAPSED, threads: int = 1
) -> ShotTimes:
    """Times of a shot of a stage, from the speeds of the same grid or another.

    Parameters
    ----------
    numerics : Numerics
        Of the stage.
    measured : Calibration
    gradient : bool
        Whether waves go back as well.
    kind : {0, 1}
        Elapsed time, or time on processors: what elapses where nobody else uses them.
    threads : int
        By which times of one thread are divided.

    Returns
    -------
    times : ShotTimes
    """
    larger = math.prod(numerics.padded) / measured.points
    share = 1 / (threads if kind == ELAPSED else numerics.threads)
    more = calibrations.traces_of(numerics) / measured.traces
    steps = numerics.steps
    again = numerics.demand().repeated(numerics.history) if gradient else 0
    step, call = measured.step_forward[kind], measured.call_forward[kind]
    forward = larger * (call + step * steps)
    whole = forward
    if gradient:
        back = measured.call_backward[kind] + measured.step_backward[kind] * steps + step * again
        passes = 1 + numerics.propagations
        whole = forward + larger * passes * back + more * measured.comparison[kind]
    product = measured.call_product[kind] + measured.step_product[kind] * steps
    whole_grid = math.prod(numerics.whole.padded) / math.prod(numerics.padded)
    return ShotTimes(
        share * forward,
        share * whole,
        share * larger * product,
        share * measured.start[kind],
        larger * measured.handover[kind],
        share * whole_grid * forward,
        share * more * measured.diagnosis[kind],
    )


@dataclass(frozen=True)
class OutsideTimes:
    """Times of a stage outside of its shots [s].

    Attributes
    ----------
    first : float
        Until the first iteration.
    turn : float
        Of one evaluation or product, with its share of an iteration.
    shot : float
        To write what a shot of modelling or migration leaves.
    """

    first: float = 0.0
    turn: float = 0.0
    shot: float = 0.0


def outside(measured: Surroundings | None, points: int, kind: int = ELAPSED) -> OutsideTimes:
    """Times of a stage outside of its shots; none where they were not measured.

    Parameters
    ----------
    measured : Surroundings or None
    points : int
        Of the unknowns of the stage.
    kind : {0, 1}
        Elapsed time, or time on processors.

    Returns
    -------
    times : OutsideTimes
    """
    if measured is None:
        return OutsideTimes()
    stage = measured.of_stage(points)
    return OutsideTimes(stage.first[kind], stage.turn[kind], measured.shot[kind])


@dataclass(frozen=True)
class StageTimes:
    """Times of a stage [s].

    Attributes
    ----------
    shot, evaluation, iteration, first, total : float
        Of a shot, of an evaluation, of an iteration, of all before the first iteration, and of the
        stage.
    outside, outside_of_iteration : float
        Of the stage and of an iteration, the part outside of shots.
    """

    shot: float
    evaluation: float
    iteration: float
    first: float
    total: float
    outside: float = 0.0
    outside_of_iteration: float = 0.0


NO_TIMES = OutsideTimes()


def of_stage(
    shot: ShotTimes, counts: Counts, workers: int, between: OutsideTimes = NO_TIMES
) -> StageTimes:
    """Times of a stage on a number of workers.

    Parameters
    ----------
    shot : ShotTimes
    counts : Counts
    workers : int
        That run shots at once.
    between : OutsideTimes
        Times outside of shots.

    Returns
    -------
    times : StageTimes
    """

    def of_all(seconds: float, shots: int) -> float:
        """One shot of a worker after the other, none divided; one process hands all over."""
        turns = math.ceil(shots / workers)
        return max(turns * (seconds + shot.handover), shots * shot.handover) if seconds else 0.0

    each = shot.product if counts.linear else shot.whole
    evaluation = of_all(each, counts.shots)
    evaluation += counts.first_passes * of_all(shot.forward, counts.shots)
    start = shot.start + of_all(shot.forward, counts.checked)
    start += counts.readings * of_all(shot.everywhere, counts.checked)
    if not counts.iterations:
        outside = between.shot * counts.shots
        total = start + evaluation + outside
        return StageTimes(each, evaluation, evaluation, start, total, outside)
    turns = (counts.evaluations + counts.products) * between.turn
    iteration = counts.evaluations * evaluation + turns
    iteration += counts.products * of_all(shot.product, counts.shots)
    first = start + evaluation + between.first
    first += math.ceil(counts.shots / workers) * shot.diagnosis if counts.diagnosed else 0.0
    first += counts.once_gradients * of_all(each, counts.shots)
    last = counts.once_forwards * of_all(shot.forward, counts.every)
    total = first + counts.iterations * iteration + last
    outside = between.first + counts.iterations * turns
    return StageTimes(each, evaluation, iteration, first, total, outside, turns)


@dataclass(frozen=True)
class RunTimes:
    """Times of a run [s].

    Attributes
    ----------
    start, end : float
        Before the first stage, with the start of the workers, and after the last one.
    outside : float
        All that is outside of shots.
    total : float
    """

    start: float
    end: float
    outside: float
    total: float


def of_run(
    stages: Sequence[StageTimes], measured: Surroundings | None, kind: int = ELAPSED
) -> RunTimes:
    """Times of a run.

    Parameters
    ----------
    stages : sequence of StageTimes
    measured : Surroundings or None
        None where they were not measured: they are then not in the times.
    kind : {0, 1}
        Elapsed time, or time on processors.

    Returns
    -------
    times : RunTimes
    """
    start = end = 0.0
    if measured is not None:
        parts = measured.imports, measured.start, measured.workers
        start, end = sum(part[kind] for part in parts), measured.end[kind]
    outside = start + end + sum(stage.outside for stage in stages)
    return RunTimes(start, end, outside, start + end + sum(stage.total for stage in stages))
