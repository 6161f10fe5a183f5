"""One stage of an inversion: what is minimised, on which grid, from where, and how.

    x = argmin phi(x; band)

with the unknowns x on the grid of the stage, of which those at fixed points stay as they are.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.inversion import InversionSection
from fwicli.errors import DataError, ModelError, StabilityError
from fwicli.execution import Executor
from fwicli.inversion.diagnosis import ArrivalComparison, Diagnosis, ZeroGradient, stacked
from fwicli.inversion.objective import Objective
from fwicli.inversion.optimizers import optimizer
from fwicli.inversion.optimizers.optimizer import State
from fwicli.inversion.preconditioning.preconditioner import Preconditioner, illumination_weight
from fwicli.inversion.preconditioning.tapers import from_region
from fwicli.inversion.shots.experiments import Experiment, experiments
from fwicli.inversion.shots.selection import ShotSelection
from fwicli.inversion.unknowns.variables import Variables
from fwicli.propagators.equations import registry
from fwicli.propagators.sampling import stability
from fwicli.survey.bands import Band
from fwicli.survey.gathers import Gathers
from fwicli.survey.model import EarthModel
from fwicli.survey.regridding import Regridding
from fwicli.survey.wavelets import Spectrum
from fwicli.workflows.assembly.preconditioning import preconditioner
from fwicli.workflows.assembly.regularization import Regularization
from fwicli.workflows.inversion.evaluations import EvaluationCache
from fwicli.workflows.planning.numerics import Numerics
from fwicli.workflows.planning.plan import Plan
from fwicli.workflows.run_folder.progress import Progress

Array = NDArray[Any]

log = logging.getLogger("fwicli")


@dataclass
class StageProblem:
    """What an optimizer sees of a stage.

    Parameters
    ----------
    objective : Objective
    free : ndarray of bool
        Points that may change.
    journal : EvaluationCache
    name : str
        Of stage and iteration, for the journal.

    Attributes
    ----------
    illumination : ndarray or None
        Energy of the source fields in the last evaluation.
    simulations : int
        Propagations that the evaluations took, whichever process did them.
    peak_amplitudes : ndarray of shape (3,)
        Largest values of synthetic gathers, adjoint sources and gradient, before what is fixed was
        taken out, in the last evaluation.
    traces : ArrivalComparison or None
        Of the last evaluation, if it was to be diagnosed.
    """

    objective: Objective
    free: NDArray[np.bool_]
    journal: EvaluationCache
    name: str = ""

    def __post_init__(self) -> None:
        self.illumination: Array | None = None
        self.simulations = 0
        self._slopes_at: tuple[str, Array, dict[str, Array]] | None = None
        self.peak_amplitudes = np.zeros(3)
        self.traces: ArrivalComparison | None = None

    def __call__(self, x: Array) -> tuple[float, Array]:
        """Value and gradient at x."""
        entry = self.journal.recall(f"{self.name} gradient", (x,), lambda: self._evaluate(x))
        self.illumination = entry["illumination"]
        self.simulations += int(entry["simulations"])
        self.peak_amplitudes = entry["loudest"]
        rows, count = entry["traces"], len(fields(ArrivalComparison))
        self.traces = ArrivalComparison(*rows) if rows.size and len(rows) == count else None
        return float(entry["value"]), entry["gradient"]

    def energy(self, x: Array) -> Array:
        """Energy of sources times that of receivers."""
        return self._recalled("energy", (x,), lambda: {"": self.objective.energy(x)})[""]

    def wavelets(self, x: Array) -> Array:
        """Wavelets estimated at x."""

        def make() -> dict[str, Array]:
            return {"": np.asarray(self.objective.wavelets(x))}

        return self._recalled("wavelets", (x,), make)[""]

    def product(self, x: Array, v: Array, kind: optimizer.Kind) -> Array:
        """Second derivative at x, times v."""
        slopes = self._slopes(x) if kind == "full" else None
        found = self._recalled(
            f"{kind} product", (x, v), lambda: {"": self.objective.product(x, v, slopes)}
        )
        return np.where(self.free, found[""], 0.0)

    def _slopes(self, x: Array) -> dict[str, Array]:
        """Derivatives by the parameters of the equation, once for all products at x."""
        known = self._slopes_at
        if known is None or known[0] != self.name or not np.array_equal(known[1], x):
            found = self._recalled("slopes", (x,), lambda: self.objective.slopes(x))
            known = self._slopes_at = self.name, x, found
        return known[2]

    def _recalled(
        self, what: str, at: tuple[Array, ...], make: Callable[[], dict[str, Array]]
    ) -> dict[str, Array]:
        """Arrays by name, from the journal or made now; their propagations are counted."""

        def counted() -> dict[str, Array]:
            before = self.objective.simulations
            found = {f"found {name}": values for name, values in make().items()}
            return {**found, "simulations": np.asarray(self.objective.simulations - before)}

        entry = self.journal.recall(f"{self.name} {what}", at, counted)
        self.simulations += int(entry.pop("simulations"))
        return {name.removeprefix("found "): values for name, values in entry.items()}

    def _evaluate(self, x: Array) -> dict[str, Array]:
        before = self.objective.simulations
        value, gradient = self.objective(x)
        illumination = self.objective.illumination
        traces = stacked(self.objective.traces)
        return {
            "value": np.asarray(value),
            "gradient": np.where(self.free, gradient, 0.0),
            "illumination": np.zeros(0) if illumination is None else illumination,
            "simulations": np.asarray(self.objective.simulations - before),
            "loudest": np.array([*self.objective.peak_amplitudes, np.abs(gradient).max()]),
            "traces": np.stack([traces.amplitude, traces.cycles, traces.correlation, traces.same]),
        }


class Stage:
    """Everything that belongs to one stage.

    Parameters
    ----------
    number : int
        From 0.
    settings : Inversion
        As they are for this stage.
    made : Plan
    base : mapping of str to ndarray
        Properties that change, at the beginning of the stage, on the model's grid.
    variables : Variables
        On the model's grid.
    fixed : ndarray of bool
        Points of the model that stay.
    regularization : Regularization
    journal : EvaluationCache
    """

    def __init__(
        self,
        number: int,
        settings: InversionSection,
        made: Plan,
        base: Mapping[str, Array],
        variables: Variables,
        fixed: NDArray[np.bool_],
        regularization: Regularization,
        executor: Executor,
        journal: EvaluationCache,
        progress: Progress,
    ) -> None:
        self.number, self.settings, self.plan = number, settings, made
        self.band, self.iterations = (
            settings.stages[number].band,
            settings.stages[number].iterations,
        )
        self.whole, self.fixed = variables, fixed
        self.regularization = regularization
        self.numerics: Numerics = made.stages[number]
        unknowns = self.numerics.earth or self.numerics.grid
        self.grid = Regridding(made.model.grid, unknowns.spacing)
        self.base: EarthModel = made.model.changed(base)
        self.begin = self.grid.model_to_coarse(self.base)
        self.free = ~(self.grid.to_coarse(fixed.astype(float)) > 0.5)
        self.variables = self._variables()
        self.start = self.variables.pack(self.begin.properties)
        shots = self._experiments()
        self.selection = ShotSelection(shots, settings.shots.batches(), settings.shots.encoding())
        objective = Objective(
            self.numerics.discretization(),
            self.variables,
            self.begin.properties,
            shots,
            executor,
            progress.update,
            self.numerics.regridding,
            regularization.penalties(self.grid, self.free),
        )
        self.problem = StageProblem(objective, self.free, journal)
        self.weight: Array | None = None
        self.optimizer = settings.optimizer.made()

    def _variables(self) -> Variables:
        """On the grid of the unknowns, with changes that fade out towards what is fixed."""
        found, length = self.whole.on(self.grid.to_coarse), self.settings.taper
        if length == 0:
            return found
        taper = self.grid.to_coarse(from_region(self.fixed, self.grid.fine, length))
        return found.tapered(taper, self.begin.properties)

    def _experiments(self) -> tuple[Experiment, ...]:
        misfit, prepare = self.settings.misfit.made(), self.settings.prepare(self.number)
        together = self.settings.shots.encoding() is not None
        near, windows = self.numerics.near.length, self.numerics.windows
        return experiments(self._records(), misfit, windows, prepare, near, aligned=together)

    def _records(self) -> Gathers:
        """Data and wavelet in the band of the stage."""
        records = self.plan.gathers
        if records is None:
            raise DataError("there are no records to invert")
        band = Band(*self.band)
        return replace(
            records,
            data=band.apply(records.data, records.interval),
            wavelet=band.apply(self.plan.wavelet, records.interval),
        )

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
        """What the traces of the first evaluation say, if they were diagnosed."""
        traces = self.problem.traces
        return None if traces is None else Diagnosis(traces, self.frequency)

    def silence(self) -> ZeroGradient:
        """How much there was at each station from the source to the gradient."""
        shots = self.selection.shots
        synthetic, adjoint, gradient = self.problem.peak_amplitudes
        return ZeroGradient(
            max(float(np.abs(shot.wavelet).max()) for shot in shots),
            float(synthetic),
            max(float(np.abs(shot.comparison.observed).max()) for shot in shots),
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
        """The problem with all that is known of its variable."""
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
