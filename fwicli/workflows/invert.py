"""`fwi invert`: the earth from records, band by band.

Each stage takes the present model to its grid, minimises the objective of its band with L-BFGS,
and brings the change back to the grid of the model:

    x  = argmin phi(x; band),        vp <- vp + P (vp(x) - R vp)

with R the averaging to the coarse grid and P the interpolation from it. After every step the
result and the state of the optimizer are written; `--resume` goes on from there, bit for bit.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from fwicli import hdf5, plotting
from fwicli.config import schema
from fwicli.config.loader import Loaded
from fwicli.errors import DataError
from fwicli.execution import Executor, Local
from fwicli.inversion.bands import Band
from fwicli.inversion.lbfgs import Lbfgs, State
from fwicli.inversion.objective import KINDS, Objective
from fwicli.inversion.parameterization import PARAMETERIZATIONS
from fwicli.inversion.preconditioning import Preconditioner, illumination_weight
from fwicli.survey.gathers import Gathers
from fwicli.survey.model import Regridding
from fwicli.workflows import assembly, shots
from fwicli.workflows.numerics import Numerics
from fwicli.workflows.plan import Plan, plan
from fwicli.workflows.progress import Progress, Silent
from fwicli.workflows.runfolder import RunFolder, provenance

Array = NDArray[Any]

RESULT, STATE = "inversion.h5", "state.h5"

log = logging.getLogger("fwicli")


@dataclass
class Standing:
    """How far an inversion has come.

    Attributes
    ----------
    stage : int
        Number of the stage, from 0.
    base : ndarray
        Velocity at the beginning of the stage, on the model's grid [m/s].
    state : State or None
        Of the optimizer in this stage; None before its first evaluation.
    weight : ndarray or None
        Preconditioner of the stage.
    iterates, simulations : int
        Steps and wave simulations of all stages.
    seconds : float
        Time spent before this process.
    """

    stage: int
    base: Array
    state: State | None = None
    weight: Array | None = None
    iterates: int = 0
    simulations: int = 0
    seconds: float = 0.0

    def write(self, path: Path) -> None:
        """Write it to a file."""
        arrays = {"base": self.base}
        numbers: dict[str, Any] = {
            "stage": self.stage,
            "iterates": self.iterates,
            "simulations": self.simulations,
            "seconds": self.seconds,
        }
        if self.state is not None:
            arrays |= {"x": self.state.x, "gradient": self.state.gradient}
            if self.state.steps:
                arrays |= {"steps": np.stack(self.state.steps)}
                arrays |= {"changes": np.stack(self.state.changes)}
            numbers |= {
                "value": self.state.value,
                "iteration": self.state.iteration,
                "evaluations": self.state.evaluations,
            }
        if self.weight is not None:
            arrays["weight"] = self.weight
        hdf5.write_state(path, arrays, numbers)

    @classmethod
    def read(cls, path: Path) -> Standing:
        """Read it from a file."""
        arrays, numbers = hdf5.read_state(path)
        state = None
        if "x" in arrays:
            state = State(
                arrays["x"],
                float(numbers["value"]),
                arrays["gradient"],
                tuple(arrays.get("steps", ())),
                tuple(arrays.get("changes", ())),
                int(numbers["iteration"]),
                int(numbers["evaluations"]),
            )
        return cls(
            int(numbers["stage"]),
            arrays["base"],
            state,
            arrays.get("weight"),
            int(numbers["iterates"]),
            int(numbers["simulations"]),
            float(numbers["seconds"]),
        )


class Inversion:
    """One run of `fwi invert`."""

    def __init__(self, loaded: Loaded, made: Plan, folder: RunFolder, progress: Progress) -> None:
        self.config: schema.InvertConfig = loaded.config
        self.settings = self.config.inversion
        self.plan = made
        self.folder = folder
        self.progress = progress
        self.parameterization = PARAMETERIZATIONS[self.settings.parameter]
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
            standing = Standing(0, self.plan.model.vp)
            reference = self.plan.reference
            hdf5.begin_inversion(
                self.folder.path / RESULT,
                self.plan.model.vp,
                None if reference is None else reference.vp,
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
        grid = Regridding(self.plan.model.grid, numerics.grid.spacing)
        begin = grid.model_to_coarse(replace(self.plan.model, vp=standing.base))
        free = ~(grid.to_coarse(self.fixed.astype(float)) > 0.5)
        start = self.parameterization.from_velocity(begin.vp)
        objective = Objective(
            numerics.discretization(),
            self.parameterization,
            begin.others,
            self._records(settings),
            self.settings.misfit,
            executor,
            self.progress.update,
        )

        def evaluate(x: Array) -> tuple[float, Array]:
            value, gradient = objective(x)
            return value, np.where(free, gradient, 0.0)

        self._announce(standing.stage, numerics)
        shots.compile_missing(executor, objective.discretization, KINDS)
        self._bar(standing.stage, 0)
        if standing.state is None:
            optimizer = self._optimizer(start, free, None, numerics)
            state = optimizer.start(start, evaluate)
            weight = self._weight(objective, state.x, free)
            standing = replace(standing, state=state, weight=weight)
            self._count(standing, objective)
            self._keep(standing, begin.vp, grid, step=False)
        optimizer = self._optimizer(start, free, standing.weight, numerics)
        while standing.state is not None and standing.state.iteration < settings.iterations:
            self._bar(standing.stage, standing.state.iteration + 1)
            following = optimizer.step(standing.state, evaluate)
            if following is None:
                log.info("no step lowers the misfit further; the stage ends here")
                break
            standing = replace(standing, state=following, iterates=standing.iterates + 1)
            self._count(standing, objective)
            self._keep(standing, begin.vp, grid, step=True)
        self.progress.stop()
        if standing.state is None:
            raise DataError("a stage ended before its first evaluation")
        base = self._model(standing, standing.state, begin.vp, grid)
        after = Standing(
            standing.stage + 1,
            base,
            iterates=standing.iterates,
            simulations=standing.simulations,
            seconds=self._seconds(),
        )
        after.write(self.folder.path / STATE)
        return after

    # --- parts of a stage ------------------------------------------------------------------------

    def _records(self, settings: schema.Stage) -> Gathers:
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
        # The Hessian in x has the square of dp/dx on its diagonal, p the compressibility.
        energy = objective.illumination**settings.exponent
        slope = objective.slope(x)
        energy = energy / energy[free].mean() * slope**2 / (slope[free] ** 2).mean()
        return illumination_weight(energy, free, settings.damping)

    def _optimizer(
        self, start: Array, free: NDArray[np.bool_], weight: Array | None, numerics: Numerics
    ) -> Lbfgs:
        low, high = self.parameterization.bounds(*self.settings.bounds)
        length = self.settings.preconditioning.smoothing
        sigma = tuple(length / h for h in numerics.grid.spacing)
        fastest = self.parameterization.to_velocity(start)
        change = self.settings.optimizer.first_change
        first = np.abs(self.parameterization.from_velocity(fastest + change) - start).max()
        return Lbfgs(
            lower=np.where(free, low, start),
            upper=np.where(free, high, start),
            precondition=Preconditioner(free, 1.0 if weight is None else weight, sigma),
            memory=self.settings.optimizer.memory,
            first_change=float(first),
            budget=self.settings.optimizer.evaluations,
        )

    def _model(self, standing: Standing, state: State, begin: Array, grid: Regridding) -> Array:
        """Velocity on the model's grid, with the change of this stage."""
        change = grid.to_fine(self.parameterization.to_velocity(state.x) - begin)
        if self.settings.model_smoothing > 0:
            change = _smooth(change, self.settings.model_smoothing, grid)
        low, high = self.settings.bounds
        vp = np.clip(standing.base + change, low, high)
        return np.where(self.fixed, standing.base, vp)

    # --- what is written and said ----------------------------------------------------------------

    def _keep(self, standing: Standing, begin: Array, grid: Regridding, step: bool) -> None:
        """Write the result, then the state: a run killed between the two repeats a step."""
        state = standing.state
        if state is None:
            return
        vp = self._model(standing, state, begin, grid)
        record: dict[str, Any] = {
            "stage": standing.stage + 1,
            "iteration": state.iteration,
            "misfit": state.value,
            "evaluations": state.evaluations,
            "simulations": standing.simulations,
            "seconds": round(self._seconds(), 3),
        }
        if self.plan.reference is not None:
            record["model_error"] = self._error(vp)
        if step:
            hdf5.add_iterate(
                self.folder.path / RESULT, standing.iterates, vp, self.plan.model.grid, record
            )
        replace(standing, seconds=self._seconds()).write(self.folder.path / STATE)
        self.folder.step(record)
        error = f", model error {record['model_error']:.4f}" if "model_error" in record else ""
        log.info(
            "stage %d iteration %d: misfit %.5f after %d evaluation%s%s",
            standing.stage + 1,
            state.iteration,
            state.value,
            state.evaluations,
            "" if state.evaluations == 1 else "s",
            error,
        )

    def _error(self, vp: Array) -> float:
        """Relative error of the model where it may change."""
        true = self.plan.reference
        if true is None:
            return float("nan")
        free = ~self.fixed
        return float(np.linalg.norm((vp - true.vp)[free]) / np.linalg.norm(true.vp[free]))

    def _announce(self, stage: int, numerics: Numerics) -> None:
        low, high = self.settings.stages[stage].band
        log.info(
            "stage %d of %d: %g to %g Hz, spacing %g m, step %g s, %.1f points per wavelength",
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
    inversion = Inversion(loaded, made, run_folder, progress or Silent())
    with run_folder.logging(), Local(made.workers) as executor:
        made.announce()
        standing = inversion.run(executor, resumed)
        history = hdf5.read_history(folder / RESULT)
        _plots(folder, made, standing.base, history)
    summary: dict[str, Any] = {
        "result": str(folder / RESULT),
        "stages": len(inversion.settings.stages),
        "iterates": standing.iterates,
        "simulations": standing.simulations,
        "seconds": round(standing.seconds, 1),
    }
    if "misfit" in history:
        summary["misfit"] = float(history["misfit"][-1])
    if "model_error" in history:
        summary["model_error"] = float(history["model_error"][-1])
    return summary


def _plots(folder: Path, made: Plan, vp: Array, history: dict[str, Array]) -> None:
    result = replace(made.model, vp=vp)
    scale = plotting.velocity_scale(made.reference or result, made.model)
    plotting.model(folder / "start.png", made.model, made.acquisition, "Start", scale)
    plotting.model(folder / "result.png", result, made.acquisition, "Result", scale)
    plotting.difference(folder / "difference.png", result, made.model)
    plotting.convergence(folder / "convergence.png", history)
    plotting.overview(folder / "overview.png", made.model, result, made.reference)


def _smooth(change: Array, length: float, grid: Regridding) -> Array:
    sigma = [length / h for h in grid.fine.spacing]
    return np.asarray(gaussian_filter(change, sigma, mode="reflect"))
