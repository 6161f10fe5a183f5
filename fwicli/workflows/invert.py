"""`fwi invert`: the earth from records, band by band.

Each stage takes the present model to its grid, minimises the objective of its band with L-BFGS,
and brings the change back to the grid of the model:

    x  = argmin phi(x; band),        y <- y + P (y(x) - y(R c))

with y the variables, such as vp and rho, c all properties of the model, R the averaging to the
coarse grid and P the interpolation from it. After every step the
result and the state of the optimizer are written; `--resume` goes on from there, bit for bit.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from fwicli import hdf5, plotting
from fwicli.config import schema
from fwicli.config.inversion import Stage
from fwicli.config.loader import Loaded
from fwicli.errors import DataError, ModelError, StabilityError
from fwicli.execution import Executor, Local
from fwicli.inversion.bands import Band
from fwicli.inversion.lbfgs import Evaluate, Lbfgs, State
from fwicli.inversion.objective import KINDS, Objective
from fwicli.inversion.preconditioning import Preconditioner, illumination_weight
from fwicli.survey.gathers import Gathers
from fwicli.survey.model import EarthModel
from fwicli.survey.regridding import Regridding
from fwicli.workflows import assembly, shots
from fwicli.workflows.numerics import Numerics
from fwicli.workflows.plan import Plan, plan
from fwicli.workflows.progress import Progress, Silent
from fwicli.workflows.runfolder import RunFolder, provenance
from fwicli.workflows.standing import Standing

Array = NDArray[Any]

RESULT, STATE = "inversion.h5", "state.h5"
# Column of the history; the errors of other properties than vp have their names appended.
ERROR = "model_error"

log = logging.getLogger("fwicli")


class Inversion:
    """One run of `fwi invert`."""

    def __init__(self, loaded: Loaded, made: Plan, folder: RunFolder, progress: Progress) -> None:
        self.config: schema.InvertConfig = loaded.config
        self.settings = self.config.inversion
        self.plan = made
        self.folder = folder
        self.progress = progress
        self.variables = assembly.variables(self.settings, self.config.physics.equation)
        self.fixed = assembly.kept(made.model, self.settings.fixed)
        self.started = time.monotonic()
        self._spent = 0.0

    # --- the run ---------------------------------------------------------------------------------

    def run(self, executor: Executor, resumed: bool) -> Standing:
        """All stages, from the beginning or from where the run was stopped."""
        state_path = self.folder.path / STATE
        if resumed and state_path.exists():
            standing = Standing.read(state_path)
            self._spent = standing.seconds
            log.info("resuming in stage %d", standing.stage + 1)
        else:
            properties = self.plan.model.properties
            standing = Standing(0, {n: properties[n] for n in self.variables.properties})
            reference = self.plan.reference
            hdf5.begin_inversion(
                self.folder.path / RESULT,
                self._quantities(self.plan.model),
                {} if reference is None else self._quantities(reference),
                self.plan.model.grid,
                provenance(),
            )
        while standing.stage < len(self.settings.stages):
            standing = self._stage(standing, executor)
        return standing

    def _stage(self, standing: Standing, executor: Executor) -> Standing:
        """Minimise the objective of one band; returns the beginning of the next stage."""
        settings = self.settings.stages[standing.stage]
        numerics = self.plan.stages[standing.stage]
        unknowns = numerics.earth or numerics.grid
        grid = Regridding(self.plan.model.grid, unknowns.spacing)
        begin = grid.model_to_coarse(self.plan.model.changed(standing.base))
        free = ~(grid.to_coarse(self.fixed.astype(float)) > 0.5)
        start = self.variables.pack(begin.properties)
        objective = self._objective(settings, numerics, begin, executor)

        def evaluate(x: Array) -> tuple[float, Array]:
            value, gradient = objective(x)
            return value, np.where(free, gradient, 0.0)

        self._announce(standing.stage, numerics)
        shots.compile_missing(executor, objective.discretization, KINDS)
        self._bar(standing.stage, 0)
        if standing.state is None:
            optimizer = self._optimizer(start, begin.properties, free, None, numerics)
            state = optimizer.start(start, evaluate)
            weight = self._weight(objective, state.x, free)
            standing = replace(standing, state=state, weight=weight)
            self._count(standing, objective)
            self._keep(standing, begin, grid, step=False)
        optimizer = self._optimizer(start, begin.properties, free, standing.weight, numerics)
        while standing.state is not None and standing.state.iteration < settings.iterations:
            self._bar(standing.stage, standing.state.iteration + 1)
            following = self._step(optimizer, standing.state, evaluate)
            if following is None:
                log.info("no step lowers the misfit further; the stage ends here")
                break
            standing = replace(standing, state=following, iterates=standing.iterates + 1)
            self._count(standing, objective)
            self._keep(standing, begin, grid, step=True)
        self.progress.stop()
        if standing.state is None:
            raise DataError("a stage ended before its first evaluation")
        after = Standing(
            standing.stage + 1,
            self._changed(standing, standing.state, begin, grid),
            iterates=standing.iterates,
            simulations=standing.simulations,
            seconds=self._seconds(),
        )
        after.write(self.folder.path / STATE)
        return after

    def _step(self, optimizer: Lbfgs, state: State, evaluate: Evaluate) -> State | None:
        """The next state. A trial in which no waves are possible is a step that was too long.

        Raises
        ------
        ModelError, StabilityError
            If that is why no step was found.
        """
        refused: ModelError | StabilityError | None = None

        def attempt(x: Array) -> tuple[float, Array]:
            nonlocal refused
            try:
                return evaluate(x)
            except (ModelError, StabilityError) as error:
                log.warning("warning: %s; a shorter step is tried", error)
                refused = error
                return math.inf, np.zeros_like(x)

        following = optimizer.step(state, attempt)
        if following is None and refused is not None:
            raise refused
        return following

    # --- parts of a stage ------------------------------------------------------------------------

    def _objective(
        self, settings: Stage, numerics: Numerics, begin: EarthModel, executor: Executor
    ) -> Objective:
        return Objective(
            numerics.discretization(),
            self.variables,
            begin.properties,
            self._records(settings),
            self.settings.misfit,
            executor,
            self.progress.update,
            numerics.regridding,
            numerics.windows,
        )

    def _records(self, settings: Stage) -> Gathers:
        """Data and wavelet in the band of a stage."""
        records = self.plan.gathers
        if records is None:
            raise DataError("there are no records to invert")
        band = Band(*settings.band)
        return replace(
            records,
            data=band.apply(records.data, records.interval),
            wavelet=band.apply(self.plan.wavelet, records.interval),
        )

    def _weight(self, objective: Objective, x: Array, free: NDArray[np.bool_]) -> Array | None:
        settings = self.settings.preconditioning.illumination
        if settings is False or objective.illumination is None:
            return None
        # The diagonal of the Hessian: the energy of the waves, and what x changes for them.
        energy = objective.illumination**settings.exponent
        weights = []
        for squares in objective.diagonal(x, free):
            scaled = energy / energy[free].mean()
            mean = squares[free].mean()
            if mean > 0:
                scaled = scaled * squares / mean
            weights.append(illumination_weight(scaled, free, settings.damping))
        return np.stack(weights)

    def _optimizer(
        self,
        start: Array,
        earth: Mapping[str, Array],
        free: NDArray[np.bool_],
        weight: Array | None,
        numerics: Numerics,
    ) -> Lbfgs:
        low, high = self.variables.bounds(earth)
        length = self.settings.preconditioning.smoothing
        sigma = (0.0, *(length / h for h in (numerics.earth or numerics.grid).spacing))
        return Lbfgs(
            lower=np.where(free, low, start),
            upper=np.where(free, high, start),
            precondition=Preconditioner(free, 1.0 if weight is None else weight, sigma),
            memory=self.settings.optimizer.memory,
            first_change=self.variables.first_change(start),
            budget=self.settings.optimizer.evaluations,
        )

    def _changed(
        self, standing: Standing, state: State, begin: EarthModel, grid: Regridding
    ) -> dict[str, Array]:
        """Properties on the model's grid, with the change of this stage."""
        base = self.plan.model.changed(standing.base).properties
        before, after = self.variables.values(begin.properties), self.variables.unpack(state.x)
        values = self.variables.values(base)
        for block in self.variables.blocks:
            change = grid.to_fine(after[block.name] - before[block.name])
            if self.settings.model_smoothing > 0:
                change = _smooth(change, self.settings.model_smoothing, grid)
            values[block.name] = np.clip(values[block.name] + change, block.low, block.high)
        earth = self.variables.earth(values, base)
        return {n: np.where(self.fixed, base[n], earth[n]) for n in self.variables.properties}

    # --- what is written and said ----------------------------------------------------------------

    def _keep(self, standing: Standing, begin: EarthModel, grid: Regridding, step: bool) -> None:
        """Write the result, then the state: a run killed between the two repeats a step."""
        state = standing.state
        if state is None:
            return
        model = self.plan.model.changed(self._changed(standing, state, begin, grid))
        record: dict[str, Any] = {
            "stage": standing.stage + 1,
            "iteration": state.iteration,
            "misfit": state.value,
            "evaluations": state.evaluations,
            "simulations": standing.simulations,
            "seconds": round(self._seconds(), 3),
        }
        record |= self._errors(model)
        if step:
            hdf5.add_iterate(
                self.folder.path / RESULT,
                standing.iterates,
                self._quantities(model),
                model.grid,
                record,
            )
        replace(standing, seconds=self._seconds()).write(self.folder.path / STATE)
        self.folder.step(record)
        errors = "".join(
            f", {column.replace('_', ' ')} {record[column]:.4f}"
            for column in record
            if column.startswith(ERROR)
        )
        log.info(
            "stage %d iteration %d: misfit %.5f after %d evaluation%s%s",
            standing.stage + 1,
            state.iteration,
            state.value,
            state.evaluations,
            "" if state.evaluations == 1 else "s",
            errors,
        )

    def _quantities(self, model: EarthModel) -> dict[str, Array]:
        """What is inverted for, as far as a model has it."""
        found = {name: model.quantity(name) for name in self.variables.quantities}
        return {name: values for name, values in found.items() if values is not None}

    def _errors(self, model: EarthModel) -> dict[str, float]:
        """Relative errors of the model where it may change, by column of the history.

        Those of vp are `model_error`; a quantity that is zero in the reference has none.
        """
        true = {} if self.plan.reference is None else self._quantities(self.plan.reference)
        found, free, errors = self._quantities(model), ~self.fixed, {}
        for name in true:
            norm = np.linalg.norm(true[name][free])
            if norm > 0:
                column = ERROR if name == "vp" else f"{ERROR}_{name}"
                wrong = np.linalg.norm((found[name] - true[name])[free])
                errors[column] = float(wrong / norm)
        return errors

    def _announce(self, stage: int, numerics: Numerics) -> None:
        low, high = self.settings.stages[stage].band
        log.info(
            "stage %d of %d: %g to %g Hz, spacing %.4g m, step %g s, %.1f points per wavelength",
            stage + 1,
            len(self.settings.stages),
            low,
            high,
            max(numerics.grid.spacing),
            numerics.axis.step,
            numerics.points_per_wavelength,
        )

    def _bar(self, stage: int, iteration: int) -> None:
        title = f"stage {stage + 1} iteration {iteration}"
        self.progress.start(title, self.plan.acquisition.shots)

    def _count(self, standing: Standing, objective: Objective) -> None:
        standing.simulations += 2 * self.plan.acquisition.shots * objective.evaluations
        objective.evaluations = 0

    def _seconds(self) -> float:
        return self._spent + time.monotonic() - self.started


def run(
    loaded: Loaded,
    folder: Path,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Invert the records; returns a summary."""
    made = plan(loaded)
    run_folder = RunFolder(folder, loaded)
    resumed = run_folder.open(resume, force)
    made.agree(run_folder)
    inversion = Inversion(loaded, made, run_folder, progress or Silent())
    with run_folder.logging(), Local(made.workers) as executor:
        made.announce()
        standing = inversion.run(executor, resumed)
        history = hdf5.read_history(folder / RESULT)
        _plots(folder, made, standing.base, inversion.variables.quantities, history)
    summary: dict[str, Any] = {
        "result": str(folder / RESULT),
        "stages": len(inversion.settings.stages),
        "iterates": standing.iterates,
        "simulations": standing.simulations,
        "seconds": round(standing.seconds, 1),
    }
    if "misfit" in history:
        summary["misfit"] = float(history["misfit"][-1])
    summary |= {n: float(c[-1]) for n, c in history.items() if n.startswith(ERROR)}
    return summary


def _plots(
    folder: Path,
    made: Plan,
    found: Mapping[str, Array],
    quantities: tuple[str, ...],
    history: dict[str, Array],
) -> None:
    """Pictures of every quantity; those of vp have no name in theirs."""
    result = made.model.changed(found)
    plotting.convergence(folder / "convergence.png", history)
    for name in quantities:
        known = made.reference is not None and made.reference.quantity(name) is not None
        true = made.reference if known else None
        end = "" if name == "vp" else f"_{name}"
        scale = plotting.scale_of(true or result, made.model, name=name)
        for title, earth in (("Start", made.model), ("Result", result)):
            path = folder / f"{title.lower()}{end}.png"
            plotting.model(path, earth, made.acquisition, title, scale, name)
        plotting.difference(folder / f"difference{end}.png", result, made.model, name)
        plotting.overview(folder / f"overview{end}.png", made.model, result, true, name)


def _smooth(change: Array, length: float, grid: Regridding) -> Array:
    sigma = [length / h for h in grid.fine.spacing]
    return np.asarray(gaussian_filter(change, sigma, mode="reflect"))
