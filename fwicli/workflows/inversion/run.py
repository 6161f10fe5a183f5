"""One run of `fwi invert`: its stages, and what they write, draw and log."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.digits import apart, round_up
from fwicli.errors import DataError
from fwicli.execution import Executor
from fwicli.files import hdf5
from fwicli.inversion.objective import KINDS
from fwicli.inversion.optimizers.optimizer import State
from fwicli.plotting import pictures
from fwicli.survey.model import EarthModel
from fwicli.workflows.inversion.clocked import ClockedExecutor
from fwicli.workflows.inversion.evaluations import EvaluationCache
from fwicli.workflows.inversion.stage import Stage
from fwicli.workflows.inversion.state import InversionState
from fwicli.workflows.planning.checks import ROUNDING, points_needed
from fwicli.workflows.planning.plan import Plan
from fwicli.workflows.run_folder import finished_shots, outputs, results
from fwicli.workflows.run_folder.folder import RunFolder, provenance
from fwicli.workflows.run_folder.manifest import JOURNAL
from fwicli.workflows.run_folder.names import OUTSIDE
from fwicli.workflows.run_folder.progress import Progress

Array = NDArray[Any]

RESULT, STATE = outputs.INVERSION, outputs.STATE
# Column of the history; the errors of other properties than vp have their names appended.
ERROR = "model_error"
NOTHING: Mapping[str, float] = {}
NO_ATTRIBUTES: Mapping[str, str] = {}

log = logging.getLogger("fwicli")


class InversionRun:
    """One run of `fwi invert`: all stages, and what they write and log.

    Parameters
    ----------
    plan : Plan
        Of an inversion.
    folder : RunFolder
    progress : Progress
    attributes : mapping of str to str
        Of the result, beside its provenance.

    Raises
    ------
    DataError
        If the plan is not that of an inversion.
    """

    def __init__(
        self,
        plan: Plan,
        folder: RunFolder,
        progress: Progress,
        attributes: Mapping[str, str] = NO_ATTRIBUTES,
    ) -> None:
        if plan.inversion is None:
            raise DataError("there are no records to invert")
        self.config = plan.inversion.config
        self.settings = self.config.inversion
        self.plan = plan
        self.folder = folder
        self.progress = progress
        self.attributes = attributes
        self.variables, self.fixed = plan.inversion.variables, plan.inversion.fixed
        self.started = time.monotonic()
        self.cache = EvaluationCache(folder.file(JOURNAL))
        self._spent = 0.0
        self._last = self.started
        self._clocked: ClockedExecutor | None = None
        self._short = -1

    # --- the run ---------------------------------------------------------------------------------

    def run(self, executor: Executor, resumed: bool) -> InversionState:
        """All stages, from the beginning or from where the run was stopped.

        Parameters
        ----------
        executor : Executor
        resumed : bool
            Whether the run was begun before.

        Returns
        -------
        run_state : InversionState
            After the last stage.
        """
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
                {**provenance(), **self.attributes},
                self.plan.model.topography,
            )
        self.folder.rewind(run_state.holds)
        self._clocked = ClockedExecutor(executor)
        while run_state.stage < len(self.settings.stages):
            run_state = self._stage(run_state, self._clocked)
        return run_state

    def _stage(self, run_state: InversionState, executor: Executor) -> InversionState:
        """Minimise the objective of one band; returns the beginning of the next stage."""
        stage = Stage(
            run_state.stage, self.plan, run_state.base, executor, self.cache, self.progress
        )
        self._announce(stage)
        discretization = stage.problem.objective.discretization
        kernels = discretization, KINDS, stage.optimizer.curvature
        finished_shots.compile_missing(executor, *kernels, self.plan.acquisition)
        run_state, state = self._begin(stage, run_state)
        stage.weight = run_state.weight
        while state.iteration < stage.iterations and not run_state.ended:
            self._bar(stage, state.iteration + 1)
            following = stage.step(state)
            if following is None:
                log.info("no step lowers the misfit further; the stage ends here")
                run_state = replace(run_state, ended=True)
                self._save_state(run_state, stage)
                continue
            state = following
            run_state = replace(run_state, state=state, iterates=run_state.iterates + 1)
            self._save(run_state, stage, step=True)
        self.progress.stop()
        self._save_wavelets(run_state, stage, state)
        # The end of a stage is not written: with its state on disk a stage can be extended.
        return InversionState(
            run_state.stage + 1,
            stage.changed(state),
            iterates=run_state.iterates,
            simulations=run_state.simulations,
            seconds=self._seconds(),
        )

    def _begin(self, stage: Stage, run_state: InversionState) -> tuple[InversionState, State]:
        """States at the beginning of a stage, or where the run was stopped in it."""
        self._bar(stage, 0)
        state = run_state.state
        if state is None:
            state = stage.first()
            run_state = replace(run_state, state=state, weight=stage.weight)
            self._save(run_state, stage, step=False, diagnosis=self._diagnose(stage, state))
        elif state.x.shape != stage.start.shape:
            raise DataError(
                f"{self.folder.path / STATE} holds {state.x.shape} unknowns, and stage "
                f"{stage.number + 1} has {stage.start.shape}; begin the run anew with --force"
            )
        return run_state, state

    def _save_state(self, run_state: InversionState, stage: Stage) -> None:
        """Write the state of the run, and forget the evaluations that led to it."""
        run_state.simulations += stage.problem.simulations
        stage.problem.simulations = 0
        replace(run_state, seconds=self._seconds()).write(self.folder.file(STATE))
        self.cache.clear()

    # --- files and messages ----------------------------------------------------------------------

    def _diagnose(self, stage: Stage, state: State) -> dict[str, float]:
        """Log and draw the diagnosis of the first evaluation of a stage; numbers for the progress.

        Raises
        ------
        DataError
            If the gradient is zero, with the likely causes.
        """
        diagnosis = stage.diagnosis()
        if diagnosis is not None:
            log.info("diagnosis: %s", diagnosis.summary())
            for warning in diagnosis.warnings(
                stage.selection.shots[0].comparison.loaded().depends_on_amplitude
            ):
                log.warning("warning: %s", warning)
            title = f"stage {stage.number + 1}, {stage.band[0]:g} to {stage.band[1]:g} Hz"
            path = self.folder.file(outputs.diagnosis(stage.number + 1))
            pictures.diagnosis(path, diagnosis, title)
        if not state.gradient.any():
            silence = stage.silence()
            if state.value > 0 or silence.adjoint > 0:
                raise DataError(
                    f"the gradient of stage {stage.number + 1} is zero everywhere, so that there "
                    f"is no way down: {silence.causes()}"
                )
            log.warning("warning: the model explains the data of the stage to the last bit")
        return {} if diagnosis is None else diagnosis.numbers()

    def _save(
        self,
        run_state: InversionState,
        stage: Stage,
        step: bool,
        diagnosis: Mapping[str, float] = NOTHING,
    ) -> None:
        """Write the result and the progress, then the state.

        A run that is killed between them takes its step back, and does it again.
        """
        state = run_state.state
        if state is None:
            return
        model = self.plan.model.changed(stage.changed(state))
        results.check(
            {"misfit": np.array([state.value]), "gradient": state.gradient}
            | {f"model ({name})": values for name, values in model.properties.items()},
            results.NO_MODEL,
            may_be_zero=True,
        )
        record = self._record(run_state, stage, state)
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
        outside = {OUTSIDE: self._outside_of_shots()}
        self.folder.step(record | outside | dict(diagnosis))
        self._save_state(run_state, stage)
        _log_step(record)

    def _record(self, run_state: InversionState, stage: Stage, state: State) -> dict[str, Any]:
        """Numbers of a step for the progress."""
        return {
            "stage": run_state.stage + 1,
            "iteration": state.iteration,
            "misfit": state.value,
            "evaluations": state.evaluations,
            "simulations": run_state.simulations + stage.problem.simulations,
            "seconds": round(self._seconds(), 3),
            "points_per_wavelength": round(stage.points_per_wavelength(state), 2),
        }

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

    def _save_wavelets(self, run_state: InversionState, stage: Stage, state: State) -> None:
        """Write the wavelets that were estimated, at the end of a stage."""
        path, number = self.folder.file(RESULT), stage.number + 1
        if stage.estimates and not hdf5.has_wavelets(path, number, run_state.iterates):
            estimated, start = stage.wavelets(state)
            interval = self.plan.interval
            hdf5.add_wavelets(path, number, run_state.iterates, estimated, start, interval)
            self._save_state(run_state, stage)

    def _quantities(self, model: EarthModel) -> dict[str, Array]:
        """Quantities of the inversion that a model has."""
        quantities = {name: model.quantity(name) for name in self.variables.quantities}
        return {name: values for name, values in quantities.items() if values is not None}

    def _errors(self, model: EarthModel) -> dict[str, float]:
        """Relative errors of the model where it may change, by column of the history.

        The column of vp is `model_error`. A quantity that is zero in the reference gets no column.
        """
        true = {} if self.plan.reference is None else self._quantities(self.plan.reference)
        quantities, free, errors = self._quantities(model), ~self.fixed, {}
        for name in true:
            norm = np.linalg.norm(true[name][free])
            if norm > 0:
                column = ERROR if name == "vp" else f"{ERROR}_{name}"
                error = np.linalg.norm((quantities[name] - true[name])[free])
                errors[column] = float(error / norm)
        return errors

    def _announce(self, stage: Stage) -> None:
        low, high = stage.band
        log.info(
            "stage %d of %d: %g to %g Hz, spacing %.4g m, step %g s, %.3g points per wavelength",
            stage.number + 1,
            len(self.settings.stages),
            low,
            high,
            max(stage.numerics.grid.spacing),
            stage.numerics.time.step,
            stage.numerics.points_per_wavelength,
        )
        if stage.numerics.near.traces:
            log.info("%s", stage.numerics.near)

    def _bar(self, stage: Stage, iteration: int) -> None:
        title = f"stage {stage.number + 1} iteration {iteration}"
        self.progress.start(title, len(stage.problem.objective.experiments))
        self.folder.heartbeat.change(stage=stage.number + 1, iteration=iteration)

    def _outside_of_shots(self) -> float:
        """Elapsed time since the last step in which no shot ran [s]."""
        now = time.monotonic()
        outside, self._last = now - self._last, now
        if self._clocked is not None:
            outside -= self._clocked.seconds
            self._clocked.seconds = 0.0
        return round(max(0.0, outside), 3)

    def _seconds(self) -> float:
        return self._spent + time.monotonic() - self.started


def _log_step(record: Mapping[str, Any]) -> None:
    """Log the numbers of a step."""
    errors = "".join(
        f", {column.replace('_', ' ')} {record[column]:.4g}"
        for column in record
        if column.startswith(ERROR)
    )
    log.info(
        "stage %d iteration %d: misfit %.4g after %d evaluation%s%s",
        record["stage"],
        record["iteration"],
        record["misfit"],
        record["evaluations"],
        "" if record["evaluations"] == 1 else "s",
        errors,
    )


def draw(
    folder: RunFolder,
    plan: Plan,
    properties: Mapping[str, Array],
    quantities: tuple[str, ...],
    history: dict[str, Array],
) -> None:
    """Draw every quantity of an inversion; pictures of vp have no name in theirs.

    Parameters
    ----------
    folder : RunFolder
    plan : Plan
    properties : mapping of str to ndarray
        Properties that changed, at the end, on the grid of the model.
    quantities : tuple of str
        Names of the properties, and of combinations of them.
    history : dict of str to ndarray
        Columns by step.
    """
    result = plan.model.changed(properties)
    pictures.convergence(folder.file("convergence.png"), history)
    wavelets = hdf5.read_wavelets(folder.path / RESULT)
    if wavelets:
        pictures.estimated(folder.file("wavelets.png"), wavelets)
    for name in quantities:
        reference = plan.reference
        true = None if reference is None or reference.quantity(name) is None else reference
        scale = pictures.scale_of(true or result, plan.model, name=name)
        for title, earth in (("Start", plan.model), ("Result", result)):
            path = folder.file(outputs.section(title.lower(), name))
            pictures.model(path, earth, plan.acquisition, title, scale, name)
        pictures.difference(
            folder.file(outputs.section("difference", name)), result, plan.model, name
        )
        path = folder.file(outputs.section("overview", name))
        pictures.overview(path, plan.model, result, true, name)
