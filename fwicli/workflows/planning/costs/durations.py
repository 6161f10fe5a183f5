"""Times of a run: of a shot, an iteration, a stage and all, from measured speeds.

    evaluation = ceil(shots / workers) (shot + handover)
    iteration  = evaluations of an iteration, with first passes and products
    stage      = start of the workers + shots that are checked + first evaluation + iterations
                 + what is done once

Times are elapsed ones, of the machine that was measured. Reading of inputs, pictures and the
writing of results come on top.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from fwicli.workflows.planning.costs import calibrations
from fwicli.workflows.planning.costs.calibrations import Calibration
from fwicli.workflows.planning.costs.counts import Counts
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
    """

    forward: float
    whole: float
    product: float
    start: float
    handover: float


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
        whole = forward + larger * back + more * measured.comparison[kind]
    product = measured.call_product[kind] + measured.step_product[kind] * steps
    return ShotTimes(
        share * forward,
        share * whole,
        share * larger * product,
        share * measured.start[kind],
        larger * measured.handover[kind],
    )


@dataclass(frozen=True)
class StageTimes:
    """Times of a stage [s].

    Attributes
    ----------
    shot, evaluation, iteration, first, total : float
        Of a shot, of an evaluation, of an iteration, of all before the first iteration, and of the
        stage.
    """

    shot: float
    evaluation: float
    iteration: float
    first: float
    total: float


def of_stage(shot: ShotTimes, counts: Counts, workers: int) -> StageTimes:
    """Times of a stage on a number of workers.

    Parameters
    ----------
    shot : ShotTimes
    counts : Counts
    workers : int
        That run shots at once.

    Returns
    -------
    times : StageTimes
    """
    batch, survey = (_waves(n, workers) for n in (counts.shots, counts.every))
    forward, whole, product = (
        t + shot.handover if t else 0.0 for t in (shot.forward, shot.whole, shot.product)
    )
    evaluation = batch * (whole + counts.first_passes * forward)
    start = shot.start + _waves(counts.checked, workers) * forward
    if not counts.iterations:
        return StageTimes(shot.whole, evaluation, evaluation, start, start + evaluation)
    iteration = counts.evaluations * evaluation + counts.products * batch * product
    first = start + evaluation + counts.once_gradients * batch * whole
    last = counts.once_forwards * survey * forward
    total = first + counts.iterations * iteration + last
    return StageTimes(shot.whole, evaluation, iteration, first, total)


def _waves(shots: int, workers: int) -> float:
    """How often a worker runs a shot in an evaluation: one shot after the other, none divided."""
    return float(math.ceil(shots / workers))
