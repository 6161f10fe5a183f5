"""One stage of an inversion: what is minimised, on which grid, from where, and how.

    x = argmin phi(x; band)

with the unknowns x on the grid of the stage, of which those at fixed points stay as they are.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError, ModelError, StabilityError
from fwicli.execution import Executor
from fwicli.inversion.objective import Objective
from fwicli.inversion.optimizers import optimizer
from fwicli.inversion.optimizers.optimizer import State
from fwicli.inversion.preconditioning.preconditioner import Preconditioner, illumination_weight
from fwicli.inversion.preconditioning.tapers import from_region
from fwicli.inversion.quality.diagnosis import Diagnosis, ZeroGradient
from fwicli.inversion.shots.experiments import Experiment, experiments
from fwicli.inversion.shots.selection import ShotSelection
from fwicli.inversion.unknowns.variables import Variables
from fwicli.propagators.equations import registry
from fwicli.propagators.sampling import stability
from fwicli.survey.gathers import Gathers
from fwicli.survey.model import EarthModel
from fwicli.survey.regridding import Regridding
from fwicli.survey.signals.bands import Band
from fwicli.survey.signals.wavelets import Spectrum
from fwicli.workflows.assembly.preconditioning import preconditioner
from fwicli.workflows.inversion.evaluations import EvaluationCache
from fwicli.workflows.inversion.problem import StageProblem
from fwicli.workflows.planning.numerics import Numerics
from fwicli.workflows.planning.plan import Plan
from fwicli.workflows.run_folder.progress import Progress

Array = NDArray[Any]

log = logging.getLogger("fwicli")


class Stage:
    """Objective, optimizer and results of one stage.

    Parameters
    ----------
    number : int
        From 0.
    plan : Plan
        It carries the objects of the stage.
    base : mapping of str to ndarray
        Properties that change, at the beginning of the stage, on the model's grid.
    executor : Executor
    cache : EvaluationCache
    progress : Progress

    Raises
    ------
    DataError
        If the plan has no records, or is not that of an inversion.
    """

    def __init__(
        self,
        number: int,
        plan: Plan,
        base: Mapping[str, Array],
        executor: Executor,
        cache: EvaluationCache,
        progress: Progress,
    ) -> None:
        if plan.inversion is None:
            raise DataError("there are no records to invert")
        self.number, self.plan = number, plan
        self.objects = plan.inversion.stages[number]
        self.settings, self.band = self.objects.settings, self.objects.band
        self.iterations = self.objects.section.iterations
        self.whole, self.fixed = self.objects.variables, plan.inversion.fixed
        self.regularization = self.objects.regularization
        self.numerics: Numerics = plan.stages[number]
        unknowns = self.numerics.earth or self.numerics.grid
        self.grid = Regridding(plan.model.grid, unknowns.spacing)
        self.base: EarthModel = plan.model.changed(base)
        self.begin = self.grid.model_to_coarse(self.base)
        self.free = ~(self.grid.to_coarse(self.fixed.astype(float)) > 0.5)
        self.variables = self._variables()
        self.start = self.variables.pack(self.begin.properties)
        shots = self._experiments()
        self.selection = ShotSelection(shots, self.objects.batches, self.objects.encoding)
        objective = Objective(
            self.numerics.discretization(),
            self.variables,
            self.begin.properties,
            shots,
            executor,
            progress.update,
            self.numerics.regridding,
            self.regularization.penalties(self.grid, self.free),
        )
        self.problem = StageProblem(objective, self.free, cache)
        self.weight: Array | None = None
        self.optimizer = self.objects.optimizer

    def _variables(self) -> Variables:
        """On the grid of the unknowns, with changes that fade out towards what is fixed."""
        variables, length = self.whole.on(self.grid.to_coarse), self.settings.taper
        if length == 0:
            return variables
        taper = self.grid.to_coarse(from_region(self.fixed, self.grid.fine, length))
        return variables.tapered(taper, self.begin.properties)

    def _experiments(self) -> tuple[Experiment, ...]:
        return experiments(
            self._records(),
            self.objects.weighted_misfit,
            self.numerics.windows,
            self.objects.prepare,
            self.numerics.near,
            aligned=self.objects.encoding is not None,
        )

    def _records(self) -> Gathers:
        """Data and wavelet in the band of the stage."""
        records = self.plan.gathers
        if records is None:
            raise DataError("there are no records to invert")
        band = Band(*self.band)
        filtered = records.mapped(partial(band.apply, interval=records.interval))
        return replace(filtered, wavelet=band.apply(self.plan.wavelet, records.interval))

    # --- the optimizer ---------------------------------------------------------------------------

    def first(self) -> State:
        """The state after the first evaluation; it decides the preconditioner, too."""
        self.problem.name = f"{self.number} 0"
        objective = self.problem.objective
        # First arrivals of shots that fire together cannot be told apart.
        objective.diagnosed = self.frequency if self.selection.encoding is None else None
        self._draw(0)
        state = self.optimizer.start(self.start, self._posed(self.problem))
        objective.diagnosed = None
        self.weight = self._illumination(state.x)
        return state

    def _draw(self, iteration: int) -> None:
        """Let the objective be that of an iteration."""
        objective = self.problem.objective
        objective.experiments, objective.weight = self.selection.select(self.number, iteration)

    @property
    def frequency(self) -> float:
        """Centre of the wavelet's band [Hz]."""
        return Spectrum.of(self.selection.shots[0].wavelet[0], self.plan.interval).centre

    def points_per_wavelength(self, state: State) -> float:
        """Of the slowest wave of the present model, at the upper edge of the band."""
        numerics = self.numerics
        earth = self.variables.earth(self.variables.unpack(state.x), self.begin.properties)
        slowest = registry.load(numerics.equation).speeds(earth, numerics.grid.ndim)[0]
        return stability.points_per_wavelength(
            slowest, numerics.highest_frequency, numerics.grid.spacing
        )

    def diagnosis(self) -> Diagnosis | None:
        """Diagnosis of the traces of the first evaluation, if they were compared."""
        traces = self.problem.traces
        return None if traces is None else Diagnosis(traces, self.frequency)

    def silence(self) -> ZeroGradient:
        """How much there was at each station from the source to the gradient."""
        shots = self.selection.shots
        synthetic, adjoint, gradient = self.problem.peak_amplitudes
        return ZeroGradient(
            max(float(np.abs(shot.wavelet).max()) for shot in shots),
            float(synthetic),
            max(float(np.abs(shot.comparison.loaded().observed).max()) for shot in shots),
            float(adjoint),
            float(gradient),
            float(self.free.mean()),
        )

    def step(self, state: State) -> State | None:
        """The next state. A trial in which no waves are possible is a step that was too long.

        Raises
        ------
        ModelError, StabilityError
            If that is why no step was found.
        """
        self.problem.name = f"{self.number} {state.iteration + 1}"
        self._draw(state.iteration + self.optimizer.sampling)
        if self.selection.changing and state.iteration and not self.optimizer.sampling:
            # Values and gradients of other shots cannot be compared.
            state = optimizer.refreshed(state, self._posed(self.problem))
        refused: ModelError | StabilityError | None = None

        def attempt(x: Array) -> tuple[float, Array]:
            nonlocal refused
            try:
                return self.problem(x)
            except (ModelError, StabilityError) as error:
                log.warning("warning: %s; a shorter step is tried", error)
                refused = error
                return math.inf, np.zeros_like(x)

        following = self.optimizer.step(state, self._posed(attempt))
        if following is None and refused is not None:
            raise refused
        if following is None and self.selection.changing:
            # Other shots may lead on.
            return replace(state, iteration=state.iteration + 1)
        return following

    def _posed(self, evaluate: optimizer.Evaluate) -> optimizer.Problem:
        """The problem with bounds, preconditioner, first change and projection."""
        low, high = self.variables.bounds(self.begin.properties)
        lower, upper = np.where(self.free, low, self.start), np.where(self.free, high, self.start)
        return optimizer.Problem(
            evaluate,
            lower=lower,
            upper=upper,
            precondition=self._preconditioner(),
            first_change=self.variables.first_change(self.start),
            curvature=self.problem.product,
            projection=self.regularization.projection(
                self.variables, self.begin, self.free, (lower, upper)
            ),
        )

    def _preconditioner(self) -> Preconditioner:
        return preconditioner(
            self.settings.preconditioning,
            self.begin,
            self.free,
            self.plan.acquisition,
            self.band[1],
            1.0 if self.weight is None else self.weight,
        )

    def _illumination(self, x: Array) -> Array | None:
        """The diagonal of the Hessian: the energy of the waves, and what x changes for them."""
        settings = self.settings.preconditioning.illumination
        energy = self.problem.illumination
        if settings is False or energy is None:
            return None
        energy = self.problem.energy(x) if settings.receivers else energy**settings.power
        weights = []
        for squares in self.problem.objective.diagonal(x, self.free):
            scaled = energy / energy[self.free].mean()
            mean = squares[self.free].mean()
            if mean > 0:
                scaled = scaled * squares / mean
            weights.append(illumination_weight(scaled, self.free, settings.damping))
        return np.stack(weights)

    @property
    def estimates(self) -> bool:
        """Whether wavelets are estimated."""
        return self.selection.shots[0].comparison.source is not None

    def wavelets(self, state: State) -> tuple[Array, Array]:
        """Estimated wavelets of shape (n_shots or 1, samples), and the one modelled with."""
        problem, shots = self.problem, self.selection.shots
        problem.name = f"{self.number} end"
        problem.objective.experiments = shots
        return problem.wavelets(state.x), shots[0].wavelet[0]

    # --- the result ------------------------------------------------------------------------------

    def changed(self, state: State) -> dict[str, Array]:
        """Properties on the model's grid, with the change of this stage."""
        from scipy.ndimage import gaussian_filter

        base = self.base.properties
        before, after = self.variables.values(self.begin.properties), self.variables.unpack(state.x)
        values, length = self.whole.values(base), self.settings.model_smoothing
        sigma = [length / h for h in self.grid.fine.spacing]
        for block in self.whole.blocks:
            change = self.grid.to_fine(after[block.name] - before[block.name])
            if length > 0:
                change = gaussian_filter(change, sigma, mode="reflect")
            values[block.name] = np.clip(values[block.name] + change, block.low, block.high)
        sets = self.regularization.constraints(self.whole, self.base, ~self.fixed)
        values = sets.project(values)
        earth = self.whole.earth(values, base)
        return {n: np.where(self.fixed, base[n], earth[n]) for n in self.whole.properties}
