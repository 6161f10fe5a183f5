"""The objective of full-waveform inversion: a sum of misfits over shots, and its gradient.

    phi(x)  = w sum_shots misfit(F(p(x)) q, d) / phi_0 + sum_penalties R(y(x))
    dphi/dx = dp/dx w sum_shots J^T r / phi_0          + dy/dx sum_penalties dR/dy

with x the unknowns, y the variables that they stand for, and p the parameters of the equation. With
phi_0 the misfit of the data against zero, the first term is the unexplained share of the data. The
weight w is 1 for all shots, and larger for a batch of them. Sums over shots are taken in a tree
whose shape depends on their number alone (see `execution.tree`), in double precision.

Where the source is estimated, its filter is part of the misfit. A filter that all shots have in
common needs a first pass over them (see `common_source`).

The waves may have a grid of their own, coarser than that of x, and a window of it for each shot.
The model is then averaged and cut, and derivatives go through the transposes (see
`survey.regridding` and `survey.windows`), so that the gradient remains that of the objective.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError, StabilityError
from fwicli.execution import Executor, total
from fwicli.inversion import common_source
from fwicli.inversion.common_source import AnyComparison, FirstPassTask
from fwicli.inversion.hessian import PROPAGATIONS, CurvatureTask, with_changes
from fwicli.inversion.preconditioning import illumination
from fwicli.inversion.quality.diagnosis import ArrivalComparison, compare
from fwicli.inversion.regularization.penalties import Penalty
from fwicli.inversion.shots.experiments import Experiment
from fwicli.inversion.unknowns.chain_rule import ParameterMap, directional_derivative
from fwicli.inversion.unknowns.variables import Variables
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.kernels.imaging_conditions import INVERSION
from fwicli.propagators.tasks import ShotTask, SummandTask, WindowedTask
from fwicli.survey.grid import Grid
from fwicli.survey.regridding import Regridding
from fwicli.survey.stacks import Stack
from fwicli.survey.windows import Window, whole

Array = NDArray[Any]

# Sums of the adjoint run of a shot.
ILLUMINATION = "illumination"
KINDS = INVERSION


@dataclass(frozen=True)
class MisfitSum:
    """Misfit and gradient of one shot, or of several in their order.

    Attributes
    ----------
    value : float
        Misfit.
    stack : Stack
        Gradient by parameter, and the energy of the source fields as `ILLUMINATION`.
    peak_amplitudes : tuple of float
        Largest amplitude of the synthetic gathers, and of the adjoint sources.
    traces : tuple of ArrivalComparison
        One for each shot, if they were diagnosed.
    """

    value: float
    stack: Stack
    peak_amplitudes: tuple[float, float]
    traces: tuple[ArrivalComparison, ...] = ()

    def plus(self, other: MisfitSum) -> MisfitSum:
        """The sum with that of the following shots."""
        mine, others = self.peak_amplitudes, other.peak_amplitudes
        return MisfitSum(
            self.value + other.value,
            self.stack.plus(other.stack),
            (max(mine[0], others[0]), max(mine[1], others[1])),
            self.traces + other.traces,
        )


@dataclass(frozen=True)
class MisfitTask(ShotTask):
    """Misfit and gradient of one shot, as a picklable function.

    Parameters
    ----------
    comparison : Comparison, StoredComparison or ComparedGather
        Compares the synthetic gather.
    diagnosed : float or None
        Centre of the band [Hz], if synthetic and observed traces are to be diagnosed.
    """

    comparison: AnyComparison
    diagnosed: float | None = None

    keeps_history: ClassVar[bool] = True

    def __call__(self) -> MisfitSum:
        """Model the shot, compare it, and back-propagate the adjoint source."""
        value, peak_amplitudes = 0.0, (0.0, 0.0)
        traces: tuple[ArrivalComparison, ...] = ()
        comparison = self.comparison.loaded()

        def residual(synthetic: Array) -> Array:
            nonlocal value, peak_amplitudes, traces
            value, adjoint = comparison(synthetic)
            peak_amplitudes = float(np.abs(synthetic).max()), float(np.abs(adjoint).max())
            if self.diagnosed is not None:
                estimated = comparison.recorded(comparison.estimated(synthetic))
                recorded = comparison.observed, comparison.interval
                traces = (compare(estimated, *recorded, self.diagnosed),)
            return adjoint

        result = self.propagator.images(
            self.parameters, residual, self.wavelet, self.source, self.receivers, kinds=KINDS
        )
        stack = Stack(whole(self.discretization.grid), {**result.gradient, **result.images})
        return MisfitSum(value, stack, peak_amplitudes, traces)

    def summand(self, result: MisfitSum, window: Window) -> MisfitSum:
        """The result in the window of the shot (see `ShotTask.summand`)."""
        return replace(result, stack=Stack(window, result.stack.values))


@dataclass
class Objective:
    """phi and its gradient on one grid, for one band.

    Parameters
    ----------
    discretization : Discretization
        Of the waves.
    variables : Variables
        Meaning of the blocks of x.
    others : mapping of str to ndarray of shape grid.shape
        Properties by name; those that the variables determine are ignored.
    experiments : sequence of Experiment
        Shots, or groups that fire together, with the data and wavelets of the band.
    executor : Executor
        Runs the shots.
    progress : callable, optional
        Called after each shot with the number of finished shots.
    regridding : Regridding, optional
        From the grid of x to that of the waves, if they differ.
    penalties : sequence of Penalty
    weight : float
        w, the weight of each experiment.
    diagnosed : float or None
        Centre of the band [Hz], if the traces of evaluations are to be diagnosed.

    Attributes
    ----------
    illumination : ndarray or None
        Energy of the source fields in the last evaluation.
    peak_amplitudes : tuple of float
        Largest amplitudes of the synthetic gathers and of the adjoint sources in the last
        evaluation.
    traces : list of ArrivalComparison
        Of the experiments in the last evaluation, if they were diagnosed.
    simulations : int
        Propagations so far.
    """

    discretization: Discretization
    variables: Variables
    others: Mapping[str, Array]
    experiments: Sequence[Experiment]
    executor: Executor
    progress: Callable[[int], None] | None = None
    regridding: Regridding | None = None
    penalties: Sequence[Penalty] = ()
    weight: float = 1.0
    diagnosed: float | None = None

    def __post_init__(self) -> None:
        self.illumination: Array | None = None
        self.peak_amplitudes = (0.0, 0.0)
        self.traces: list[ArrivalComparison] = []
        self.simulations = 0
        self._norm = sum(e.comparison.scale() for e in self.experiments)
        if self._norm == 0:
            raise DataError("the observed data of this band are all zero; widen the band")

    @property
    def parameter_map(self) -> ParameterMap:
        """Map from the unknowns to the parameters of the equation."""
        equation = self.discretization.equation
        return ParameterMap(equation, self.variables, self.others, self.regridding)

    def diagonal(self, x: Array, where: NDArray[np.bool_]) -> Array:
        """Sum of squared derivatives of the parameters by each element of x (see `chain_rule`).

        Parameters
        ----------
        x : ndarray of shape (n_blocks, *grid.shape)
            Unknowns.
        where : ndarray of bool, of shape grid.shape
            Points over which mean squares of the parameters are taken.

        Returns
        -------
        diagonal : ndarray of shape (n_blocks, *grid.shape)
        """
        return self.parameter_map.diagonal(x, where)

    def __call__(self, x: Array) -> tuple[float, Array]:
        """Exact value and gradient at x.

        Raises
        ------
        ModelError, StabilityError
            If the model at x has no waves.
        """
        parameters = self.parameter_map.parameters(x)
        try:
            task = partial(MisfitTask, diagnosed=self.diagnosed)
            tasks = self._tasks(task, parameters, self._comparisons(parameters))
            value, gradient = self._sum(tasks)
        except StabilityError as error:
            raise StabilityError(f"{error}; the model has {self.variables.ranges(x)}") from error
        self.simulations += 2 * len(tasks)
        penalty, by_penalties = self._penalised(x)
        by_x = self.parameter_map.by_x(x, gradient)
        share = self.weight / self._norm
        return share * value + penalty, share * by_x + by_penalties

    def energy(self, x: Array) -> Array:
        """Energy of sources times that of receivers on the grid of x (see `illumination`)."""
        energy = illumination.energy(
            self.discretization, self.parameter_map.parameters(x), self.experiments, self.executor
        )
        self.simulations += illumination.SIMULATIONS * len(self.experiments)
        return energy if self.regridding is None else self.regridding.to_fine(energy)

    def slopes(self, x: Array) -> dict[str, Array]:
        """Derivative of the data term by the parameters of the equation, on the waves' grid."""
        parameters = self.parameter_map.parameters(x)
        tasks = self._tasks(MisfitTask, parameters, self._comparisons(parameters))
        gradient = self._sum(tasks)[1]
        self.simulations += 2 * len(tasks)
        return {name: self.weight / self._norm * part for name, part in gradient.items()}

    def product(self, x: Array, v: Array, slopes: Mapping[str, Array] | None = None) -> Array:
        """Second derivative at x, times v.

        With p(x) the parameters of the equation and Y(x) the variables,

            H v = (dp/dx)^T H_p dp/dx v + (dY/dx)^T R'' dY/dx v
                  + (d2p/dx2 v)^T dphi/dp + (d2Y/dx2 v)^T R'

        where Gauss and Newton leave out the second line and part of H_p.

        Parameters
        ----------
        x, v : ndarray of shape (n_blocks, *grid.shape)
            Unknowns and direction.
        slopes : mapping of str to ndarray, optional
            dphi/dp at x (see `slopes`); without it, the product is that of Gauss and Newton.

        Returns
        -------
        product : ndarray of shape (n_blocks, *grid.shape)
        """
        parameters = self.parameter_map.parameters(x)
        exact = self.parameter_map.exact()
        size = exact.size(x)
        changes = directional_derivative(exact.unchecked_parameters, x, v, size)
        with_change = with_changes(parameters, changes)
        task = partial(CurvatureTask, full=slopes is not None)
        tasks = self._tasks(task, with_change, [e.comparison for e in self.experiments])
        products: Stack = self._total(tasks)
        self.simulations += PROPAGATIONS[slopes is not None] * len(tasks)
        by_data = exact.by_x(x, products.everywhere())
        product = self.weight / self._norm * by_data + self._penalised_product(x, v)
        if slopes is None:
            return product
        _, by_penalties = self._penalties(x)

        def gradient(y: Array) -> dict[str, Array]:
            by_x = exact.by_x(y, slopes) + self.variables.chain(y, by_penalties)
            return {"gradient": by_x}

        return product + directional_derivative(gradient, x, v, size)["gradient"]

    def wavelets(self, x: Array) -> Array | None:
        """Wavelets estimated at x, shape (n_shots or 1, samples) [Pa]; None if they are given.

        Raises
        ------
        ModelError, StabilityError
            If the model at x has no waves.
        """
        fit = self.experiments[0].comparison.source
        if fit is None:
            return None
        modelled = self._modelled(self.parameter_map.parameters(x))
        fitted = common_source.fits([e.comparison.loaded() for e in self.experiments], modelled)
        return common_source.wavelets(fitted, [e.wavelet for e in self.experiments], fit.common)

    def _tasks(
        self,
        task: Callable[..., MisfitTask | CurvatureTask | FirstPassTask],
        parameters: Mapping[str, Array],
        comparisons: Sequence[AnyComparison],
    ) -> list[WindowedTask]:
        """A task for each experiment, in its window."""
        everywhere = whole(self.discretization.grid)
        return [
            WindowedTask(
                task(
                    self.discretization,
                    parameters,
                    e.wavelet,
                    e.source,
                    e.receivers,
                    compared,
                ),
                e.window or everywhere,
            )
            for e, compared in zip(self.experiments, comparisons, strict=True)
        ]

    def _comparisons(self, parameters: Mapping[str, Array]) -> Sequence[AnyComparison]:
        """Comparisons of all gathers; with a common source, their results after the first pass."""
        comparisons = [e.comparison for e in self.experiments]
        if not any(c.source is not None and c.source.common for c in comparisons):
            return comparisons
        loaded = [c.loaded() for c in comparisons]
        return common_source.compared_gathers(loaded, self._modelled(parameters))

    def _modelled(self, parameters: Mapping[str, Array]) -> list[common_source.Modelled]:
        """Synthetic gathers of all experiments, with the equations of their sources."""
        comparisons = [e.comparison for e in self.experiments]
        tasks = self._tasks(FirstPassTask, parameters, comparisons)
        self.simulations += len(tasks)
        return list(self.executor.map(tasks))

    def _penalised(self, x: Array) -> tuple[float, Array]:
        """Sum of the penalties, and its derivative by x."""
        value, by = self._penalties(x)
        return value, self.variables.chain(x, by)

    def _penalties(self, x: Array) -> tuple[float, dict[str, Array]]:
        """Sum of the penalties, and its derivatives by the variables."""
        value, by, values = 0.0, dict[str, Array](), self.variables.unpack(x)
        for penalty in self.penalties:
            part, slopes = penalty(values, self._unknowns.spacing)
            value += part
            for name, slope in slopes.items():
                by[name] = by[name] + slope if name in by else slope
        return value, by

    def _penalised_product(self, x: Array, v: Array) -> Array:
        """(dY/dx)^T R'' dY/dx v of all penalties R."""
        values, total = self.variables.unpack(x), np.zeros(x.shape)
        change, spacing = self.variables.change(x, v), self._unknowns.spacing
        for penalty in self.penalties:
            total += self.variables.chain(x, penalty.curvature(values, change, spacing))
        return total

    @property
    def _unknowns(self) -> Grid:
        """The grid of x."""
        if self.regridding is not None:
            return self.regridding.fine
        window = self.experiments[0].window
        return self.discretization.grid if window is None else window.grid

    def _total(self, tasks: Sequence[WindowedTask]) -> Any:
        """Sum over the results of tasks; reports how many are done."""
        finished = 0

        def count(_: int) -> None:
            nonlocal finished
            finished += 1
            if self.progress is not None:
                self.progress(finished)

        return total(self.executor, [SummandTask(task) for task in tasks], count)

    def _sum(self, tasks: Sequence[WindowedTask]) -> tuple[float, dict[str, Array]]:
        """Value and gradient of all shots, before they are normalised."""
        shots: MisfitSum = self._total(tasks)
        self.peak_amplitudes, self.traces = shots.peak_amplitudes, list(shots.traces)
        gradient = shots.stack.everywhere()
        illumination, regridding = gradient.pop(ILLUMINATION), self.regridding
        self.illumination = illumination if regridding is None else regridding.to_fine(illumination)
        return shots.value, gradient
