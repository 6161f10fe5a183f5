"""An executor without waves: results of shots by formulas, and a clock of everything else.

    value(p) = |p - t|**2 / 2,    gradient(p) = p - t,    product(v) = v,    t = (1 + CHANGE) p_0

with p_0 the parameters of the first evaluation. Of a linear problem, p is the change of the first
parameter, t is `CHANGE` of that parameter, and the value is that of all shots. An optimizer goes
its way with them as with those of waves, so that the process of a command works as in a run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.execution.executor import Done, Task
from fwicli.imaging.least_squares import tasks as linear
from fwicli.imaging.least_squares.tasks import EnergyTask, EquationsTask, LinearTask, PanelsTask
from fwicli.imaging.migration import MigrationTask
from fwicli.inversion import hessian
from fwicli.inversion.common_source import FirstPassTask, Modelled
from fwicli.inversion.hessian import CurvatureTask
from fwicli.inversion.objective import ILLUMINATION, MisfitSum, MisfitTask
from fwicli.inversion.preconditioning.illumination import IlluminationTask
from fwicli.inversion.quality.diagnosis import ArrivalComparison, compare
from fwicli.inversion.source_estimation import SourceFit
from fwicli.propagators.tasks import ModellingTask, ShotTask, SummandTask, WindowedTask
from fwicli.survey.stacks import Stack, StackAndRecords
from fwicli.survey.windows import whole
from fwicli.workflows.planning.costs.calibrations import Times

Array = NDArray[Any]

# Of the parameters, between the first evaluation and the minimum.
CHANGE = 0.02


class Clock:
    """Times of this process outside of shots: elapsed ones, and those on processors.

    Parameters
    ----------
    begun : float
        Reading of `time.monotonic` when the command was started [s].
    """

    def __init__(self, begun: float) -> None:
        self._begun, self._inside = (begun, 0.0), (0.0, 0.0)
        self._entered: Times | None = None

    def read(self) -> Times:
        """Times outside of shots so far [s]."""
        now = self._entered or _now()
        times = zip(now, self._begun, self._inside, strict=True)
        elapsed, busy = (t - begun - inside for t, begun, inside in times)
        return elapsed, busy

    def enter(self) -> None:
        """Begin to work for a shot."""
        self._entered = _now()

    def leave(self) -> None:
        """End the work for a shot."""
        if self._entered is not None:
            spans = zip(_now(), self._entered, self._inside, strict=True)
            elapsed, busy = (inside + now - entered for now, entered, inside in spans)
            self._inside, self._entered = (elapsed, busy), None


class StandIn:
    """Executor whose shots take no time on its clock.

    Parameters
    ----------
    clock : Clock
    gather : callable
        From a `ModellingTask` to the gather that stands for its own.

    Attributes
    ----------
    turns : int
        Sums over shots so far.
    """

    def __init__(self, clock: Clock, gather: Callable[[ModellingTask], Array]) -> None:
        self.clock, self.gather, self.turns = clock, gather, 0
        self._targets: dict[tuple[Any, ...], Mapping[str, Array]] = {}

    def map(self, tasks: Sequence[Task], done: Done | None = None) -> Iterator[Any]:
        """Results of tasks by formulas.

        Parameters
        ----------
        tasks : sequence of callable
        done : callable, optional
            Called with the number of each task.

        Returns
        -------
        results : iterator
        """
        for number, task in enumerate(tasks):
            self.clock.enter()
            result = self._result(task)
            self.clock.leave()
            if done is not None:
                done(number)
            yield result

    def sums(self, tasks: Sequence[Task], size: int, done: Done | None = None) -> Iterator[Any]:
        """The result of the first task of each block, as the sum of the block.

        Parameters
        ----------
        tasks : sequence of callable
        size : int
            Tasks of a block.
        done : callable, optional
            Called with the number of each task.

        Returns
        -------
        sums : iterator of Summand
        """
        self.turns += 1
        for first in range(0, len(tasks), size):
            block = range(first, min(first + size, len(tasks)))
            for number in block:
                if done is not None:
                    done(number)
            self.clock.enter()
            total = self._result(tasks[first])
            if isinstance(total, StackAndRecords):
                total = _of_block(total, len(block))
            self.clock.leave()
            yield total

    def close(self) -> None:
        """Do nothing: there are no workers."""

    def _result(self, task: Task) -> Any:
        """The result of a task; one that propagates no waves is run.

        Raises
        ------
        DataError
            If there is no formula for it.
        """
        windowed = task.task if isinstance(task, SummandTask) else task
        shot = windowed.task if isinstance(windowed, WindowedTask) else windowed
        if isinstance(shot, MisfitTask):
            return self._misfit(shot)
        if isinstance(shot, ModellingTask):
            return self.gather(shot)
        if isinstance(shot, FirstPassTask):
            return _first_pass(shot)
        if isinstance(shot, CurvatureTask):
            return _everywhere(shot, hessian.separated(shot.parameters)[1])
        if isinstance(shot, IlluminationTask):
            return _everywhere(shot, {"energy": _energy(shot)})
        if isinstance(shot, MigrationTask):
            image = np.random.default_rng(0).standard_normal(shot.discretization.grid.shape)
            return _everywhere(shot, {"image": image, "illumination": _energy(shot)})
        if isinstance(shot, linear.PredictionTask | LinearTask):
            return _linear(shot)
        if isinstance(shot, ShotTask):
            raise DataError(f"a {type(shot).__name__} has no result by a formula")
        return task()

    def _misfit(self, task: MisfitTask) -> MisfitSum:
        """Value and gradient of the quadratic form, and traces where they are diagnosed."""
        p = task.parameters
        of = tuple((name, values.shape) for name, values in p.items())
        t = self._targets.setdefault(of, {n: (1 + CHANGE) * v for n, v in p.items()})
        # In units of the parameters: those of waves are small numbers as well.
        gradient = {name: np.asarray(p[name] - t[name], dtype=float) for name in p}
        value = sum(0.5 * float(np.vdot(g, g)) for g in gradient.values())
        stack = _everywhere(task, {**gradient, ILLUMINATION: _energy(task)})
        traces: tuple[ArrivalComparison, ...] = ()
        if task.diagnosed is not None:
            compared = task.comparison.loaded()
            gathers = compared.observed, compared.observed, compared.interval
            traces = (compare(*gathers, task.diagnosed),)
        return MisfitSum(value, stack, (1.0, 1.0), traces)


def _linear(task: linear.PredictionTask | LinearTask) -> Any:
    """Result of a shot of a least-squares migration; its records themselves are the prediction."""
    model, changes = hessian.separated(task.parameters)
    (name, change), *_ = changes.items()
    if isinstance(task, EnergyTask):
        change = change.astype(float)  # its squares are too small for single precision
        return float(np.vdot(change, change))
    recorded = task.comparison.data
    if isinstance(task, EquationsTask):
        return task.comparison.equations(recorded)
    if isinstance(task, PanelsTask):
        return {"observed": recorded, "predicted": recorded, "residual": 0 * recorded}
    if not isinstance(task, LinearTask):
        raise DataError(f"a {type(task).__name__} has no result by a formula")
    target = np.zeros(change.shape) if task.product else CHANGE * model[name].astype(float)
    residual = change - target
    equations = task.comparison.equations(recorded)
    coefficients = np.zeros(0) if equations is None else equations.filter()
    coefficients = coefficients if task.filter is None else task.filter
    energies = {linear.ENERGY: residual, linear.START: target}
    records = {n: (np.asarray(np.vdot(values, values)),) for n, values in energies.items()}
    stack = _everywhere(task, {linear.IMAGE: residual, linear.KINDS[1]: _energy(task)})
    return StackAndRecords(stack, {**records, linear.FILTER: (coefficients,)})


def _of_block(first: StackAndRecords, count: int) -> StackAndRecords:
    """The sum of a block of shots: only the first has energies, as it alone has an image."""
    energies = (linear.ENERGY, linear.START)
    records = {
        name: values
        + (count - 1) * (tuple(map(np.zeros_like, values)) if name in energies else values)
        for name, values in first.records.items()
    }
    return replace(first, records=records)


def _first_pass(task: FirstPassTask) -> Modelled:
    """The record itself as the synthetic gather, and the equations of its source."""
    compared = task.comparison.loaded()
    fit = compared.source or SourceFit((0.0, 0.0))
    equations = fit.equations(compared.observed, compared.observed, compared.interval)
    return Modelled(np.array(compared.observed), equations)


def _everywhere(task: ShotTask, values: Mapping[str, Array]) -> Stack:
    """Values as a sum of all shots, which covers the grid."""
    return Stack(whole(task.discretization.grid), values, summed=True)


def _energy(task: ShotTask) -> Array:
    """Energy that falls with depth."""
    shape = task.discretization.grid.shape
    return np.broadcast_to(1 / (1.0 + np.arange(shape[-1])), shape).copy()


def _now() -> Times:
    return time.monotonic(), time.process_time()
