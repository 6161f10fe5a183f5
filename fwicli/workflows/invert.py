"""`fwi invert`: the earth from records, band by band.

Each stage takes the present model to its grid, minimises the objective of its band with L-BFGS,
and brings the change back to the grid of the model:

    x  = argmin phi(x; band),        y <- y + P (y(x) - y(R c))

with y the variables, such as vp and rho, c all properties of the model, R the averaging to the
coarse grid and P the interpolation from it. After every step the result and the state of the
optimizer are written, and within a step every evaluation; `--resume` goes on from there, bit for
bit.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.loader import Loaded
from fwicli.digits import apart, round_up
from fwicli.errors import DataError
from fwicli.execution import Executor, Local
from fwicli.files import hdf5
from fwicli.inversion.objective import KINDS
from fwicli.inversion.optimizers.optimizer import State
from fwicli.plotting import pictures
from fwicli.survey.model import EarthModel
from fwicli.workflows.assembly import unknowns
from fwicli.workflows.assembly.regularization import Regularization
from fwicli.workflows.inversion.evaluations import EvaluationCache
from fwicli.workflows.inversion.resume import RULE, ResumeRule
from fwicli.workflows.inversion.stage import Stage
from fwicli.workflows.inversion.state import InversionState
from fwicli.workflows.planning.checks import ROUNDING, points_needed
from fwicli.workflows.planning.plan import Plan, make_plan
from fwicli.workflows.run_folder import finished_shots, outputs, results
from fwicli.workflows.run_folder.folder import RunFolder, provenance
from fwicli.workflows.run_folder.manifest import JOURNAL
from fwicli.workflows.run_folder.progress import Progress, Silent

Array = NDArray[Any]

RESULT, STATE = outputs.INVERSION, outputs.STATE
# Column of the history; the errors of other properties than vp have their names appended.
ERROR = "model_error"
NOTHING: Mapping[str, float] = {}

log = logging.getLogger("fwicli")


class InversionRun:
    """One run of `fwi invert`."""

    def __init__(self, loaded: Loaded, made: Plan, folder: RunFolder, progress: Progress) -> None:
        self.config: schema.InvertConfig = loaded.config
        self.settings = self.config.inversion
        self.plan = made
        self.folder = folder
        self.progress = progress
        self.variables = unknowns.variables(self.config, made.model)
        self.fixed = unknowns.fixed(self.config, made.model)
        self.started = time.monotonic()
        self.journal = EvaluationCache(folder.file(JOURNAL))
        self._spent = 0.0
        self._short = -1

    # --- the run ---------------------------------------------------------------------------------

    def run(self, executor: Executor, resumed: bool) -> InversionState:
        """All stages, from the beginning or from where the run was stopped."""
        state_path = self.folder.path / STATE
        properties = self.plan.model.properties
        if resumed and state_path.exists():
            run_state = InversionState.read(state_path)
            run_state.check(state_path, {n: properties[n] for n in self.variables.properties})
            self._spent = run_state.seconds
            log.info("resuming in stage %d", run_state.stage + 1)
        else:
            run_state = InversionState(0, {n: properties[n] for n in self.variables.properties})
            reference = self.plan.reference
            hdf5.begin_inversion(
                self.folder.file(RESULT),
                self._quantities(self.plan.model),
                {} if reference is None else self._quantities(reference),
                self.plan.model.grid,
                provenance(),
            )
        self.folder.rewind(run_state.holds)
        while run_state.stage < len(self.settings.stages):
            run_state = self._stage(run_state, executor)
        return run_state

    def _stage(self, run_state: InversionState, executor: Executor) -> InversionState:
        """Minimise the objective of one band; returns the beginning of the next stage."""
        settings = self.settings.of(run_state.stage)
        variables = unknowns.variables(self.config, self.plan.model, settings)
        stage = Stage(
            run_state.stage,
            settings,
            self.plan,
            run_state.base,
            variables,
            self.fixed,
            Regularization(self.config, settings, self.plan.model, variables, self.fixed),
            executor,
            self.journal,
            self.progress,
        )
        self._announce(stage)
        made, curvature = stage.problem.objective.discretization, stage.optimizer.curvature
        finished_shots.compile_missing(executor, made, KINDS, curvature)
        self._bar(stage, 0)
        state = run_state.state
        if state is None:
            state = stage.first()
            run_state = replace(run_state, state=state, weight=stage.weight)
            found = self._diagnose(stage, state)
            self._keep(run_state, stage, step=False, found=found)
        elif state.x.shape != stage.start.shape:
            raise DataError(
                f"{self.folder.path / STATE} holds {state.x.shape} unknowns, and stage "
                f"{stage.number + 1} has {stage.start.shape}; begin the run anew with --force"
            )
        stage.weight = run_state.weight
        while state.iteration < stage.iterations and not run_state.ended:
            self._bar(stage, state.iteration + 1)
            following = stage.step(state)
            if following is None:
                log.info("no step lowers the misfit further; the stage ends here")
                run_state = replace(run_state, ended=True)
                self._remember(run_state, stage)
                continue
            state = following
            run_state = replace(run_state, state=state, iterates=run_state.iterates + 1)
            self._keep(run_state, stage, step=True)
        self.progress.stop()
        self._keep_wavelets(run_state, stage, state)
        # The end of a stage is not written: with its state on disk a stage can be extended.
        return InversionState(
            run_state.stage + 1,
            stage.changed(state),
            iterates=run_state.iterates,
            simulations=run_state.simulations,
            seconds=self._seconds(),
        )

    def _remember(self, run_state: InversionState, stage: Stage) -> None:
        """Write how far the inversion has come; the way there need not be kept any longer."""
        run_state.simulations += stage.problem.simulations
        stage.problem.simulations = 0
        replace(run_state, seconds=self._seconds()).write(self.folder.file(STATE))
        self.journal.clear()

    # --- what is written and said ----------------------------------------------------------------

    def _diagnose(self, stage: Stage, state: State) -> dict[str, float]:
        """Say and draw what the first evaluation of a stage shows; numbers for the progress.

        Raises
        ------
        DataError
            If the gradient is zero, with the likely causes.
        """
        found = stage.diagnosis()
        if found is not None:
            log.info("diagnosis: %s", found.summary())
            for warning in found.warnings(stage.selection.shots[0].comparison.depends_on_amplitude):
                log.warning("warning: %s", warning)
            title = f"stage {stage.number + 1}, {stage.band[0]:g} to {stage.band[1]:g} Hz"
            path = self.folder.file(outputs.diagnosis(stage.number + 1))
            pictures.diagnosis(path, found, title)
        if not state.gradient.any():
            silence = stage.silence()
            if state.value > 0 or silence.adjoint > 0:
                raise DataError(
                    f"the gradient of stage {stage.number + 1} is zero everywhere, so that there "
                    f"is no way down: {silence.causes()}"
                )
            log.warning("warning: the model explains the data of the stage to the last bit")
        return {} if found is None else found.numbers()

    def _keep(
        self,
        run_state: InversionState,
        stage: Stage,
        step: bool,
        found: Mapping[str, float] = NOTHING,
    ) -> None:
        """Write the result and the progress, then the state.

        A run that is killed between them takes its step back, and does it again.
        """
        state = run_state.state
        if state is None:
            return
        model = self.plan.model.changed(stage.changed(state))
        results.check(
            {"model": model.vp, "misfit": np.array([state.value]), "gradient": state.gradient}
            | {f"model ({name})": values for name, values in model.others.items()},
            results.NO_MODEL,
            may_be_zero=True,
        )
        record: dict[str, Any] = {
            "stage": run_state.stage + 1,
            "iteration": state.iteration,
            "misfit": state.value,
            "evaluations": state.evaluations,
            "simulations": run_state.simulations + stage.problem.simulations,
            "seconds": round(self._seconds(), 3),
            "points_per_wavelength": round(stage.points_per_wavelength(state), 2),
        }
        self._warn_of_slow(stage, record["points_per_wavelength"])
        record |= self._errors(model)
        if step:
            hdf5.add_iterate(
                self.folder.file(RESULT),
                run_state.iterates,
                self._quantities(model),
                model.grid,
                record,
            )
        self.folder.step(record | dict(found))
        self._remember(run_state, stage)
        errors = "".join(
            f", {column.replace('_', ' ')} {record[column]:.4f}"
            for column in record
            if column.startswith(ERROR)
        )
        log.info(
            "stage %d iteration %d: misfit %.5f after %d evaluation%s%s",
            run_state.stage + 1,
            state.iteration,
            state.value,
            state.evaluations,
            "" if state.evaluations == 1 else "s",
            errors,
        )

    def _warn_of_slow(self, stage: Stage, points: float) -> None:
        """Say once a stage that waves have become too short for the grid."""
        needed = points_needed(self.config.physics)
        if points < needed * (1 - ROUNDING) and self._short != stage.number:
            self._short = stage.number
            have, need = apart(points, needed, digits=3)
            log.warning(
                "warning: the model has become so slow that its shortest wave has %s points, and "
                "needs %s; raise the lower bound of vp by %.2g %%, or use a finer grid",
                have,
                need,
                round_up(100 * (needed / points - 1), 2),
            )

    def _keep_wavelets(self, run_state: InversionState, stage: Stage, state: State) -> None:
        """Write the wavelets that were estimated, at the end of a stage."""
        path, number = self.folder.file(RESULT), stage.number + 1
        if stage.estimates and not hdf5.has_wavelets(path, number, run_state.iterates):
            found, start = stage.wavelets(state)
            interval = self.plan.interval
            hdf5.add_wavelets(path, number, run_state.iterates, found, start, interval)
            self._remember(run_state, stage)

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

    def _announce(self, stage: Stage) -> None:
        low, high = stage.band
        log.info(
            "stage %d of %d: %g to %g Hz, spacing %.4g m, step %g s, %.1f points per wavelength",
            stage.number + 1,
            len(self.settings.stages),
            low,
            high,
            max(stage.numerics.grid.spacing),
            stage.numerics.axis.step,
            stage.numerics.points_per_wavelength,
        )
        if stage.numerics.near.traces:
            log.info("%s", stage.numerics.near)

    def _bar(self, stage: Stage, iteration: int) -> None:
        title = f"stage {stage.number + 1} iteration {iteration}"
        self.progress.start(title, len(stage.problem.objective.experiments))

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
    made = make_plan(loaded)
    resume_rule = ResumeRule.read(folder / STATE) if resume else ResumeRule()
    run_folder = RunFolder(folder, loaded, resume_rule.allows, RULE)
    resumed = run_folder.open(resume, force)
    made.agree(run_folder)
    inversion = InversionRun(loaded, made, run_folder, progress or Silent())
    with run_folder.logging(), Local(made.workers) as executor:
        made.announce()
        for change in run_folder.extended:
            log.info("the run is extended: %s", change)
        run_state = inversion.run(executor, resumed)
        history = hdf5.read_history(folder / RESULT)
        _plots(run_folder, made, run_state.base, inversion.variables.quantities, history)
    summary: dict[str, Any] = {
        "result": str(folder / RESULT),
        "stages": len(inversion.settings.stages),
        "iterates": run_state.iterates,
        "simulations": run_state.simulations,
        "seconds": round(run_state.seconds, 1),
    }
    if "misfit" in history:
        summary["misfit"] = float(history["misfit"][-1])
    summary |= {n: float(c[-1]) for n, c in history.items() if n.startswith(ERROR)}
    return summary


def _plots(
    folder: RunFolder,
    made: Plan,
    found: Mapping[str, Array],
    quantities: tuple[str, ...],
    history: dict[str, Array],
) -> None:
    """Pictures of every quantity; those of vp have no name in theirs."""
    result = made.model.changed(found)
    pictures.convergence(folder.file("convergence.png"), history)
    wavelets = hdf5.read_wavelets(folder.path / RESULT)
    if wavelets:
        pictures.estimated(folder.file("wavelets.png"), wavelets)
    for name in quantities:
        known = made.reference is not None and made.reference.quantity(name) is not None
        true = made.reference if known else None
        scale = pictures.scale_of(true or result, made.model, name=name)
        for title, earth in (("Start", made.model), ("Result", result)):
            path = folder.file(outputs.section(title.lower(), name))
            pictures.model(path, earth, made.acquisition, title, scale, name)
        pictures.difference(
            folder.file(outputs.section("difference", name)), result, made.model, name
        )
        path = folder.file(outputs.section("overview", name))
        pictures.overview(path, made.model, result, true, name)
