"""One run of `fwi lsrtm`: the steps of its solver, and what they write, draw and log."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.execution import Executor
from fwicli.files import hdf5, writing
from fwicli.imaging import reflectivity
from fwicli.imaging.least_squares import tasks
from fwicli.imaging.least_squares.solver import LinearState
from fwicli.plotting import migrations, pictures
from fwicli.survey.regridding import coarsened
from fwicli.workflows.assembly import least_squares
from fwicli.workflows.inversion.migration.problem import MigrationProblem
from fwicli.workflows.inversion.migration.state import MigrationState
from fwicli.workflows.planning.plan import Plan
from fwicli.workflows.run_folder import finished_shots, outputs, results
from fwicli.workflows.run_folder.folder import RunFolder, provenance
from fwicli.workflows.run_folder.progress import Progress

Array = NDArray[Any]

RESULT, STATE = outputs.IMAGE, outputs.STATE
CONVERGENCE, PANELS, WAVELETS = "convergence.png", "residual.png", "wavelets.png"

# Ratio of velocities from which a warning doubts amplitudes, and the largest exponent of one.
LARGEST_RATIO, LARGEST_EXPONENT = 2.0, 50.0

log = logging.getLogger("fwicli")


class MigrationRun:
    """One run of `fwi lsrtm`.

    Parameters
    ----------
    plan : Plan
        Of a least-squares migration.
    settings : LsrtmSection
    folder : RunFolder
    executor : Executor
    progress : Progress
    """

    def __init__(
        self,
        plan: Plan,
        settings: Any,
        folder: RunFolder,
        executor: Executor,
        progress: Progress,
    ) -> None:
        self.plan, self.settings = plan, settings
        self.folder, self.progress = folder, progress
        self.problem = MigrationProblem(plan, settings, executor, progress)
        self.solver = least_squares.build_solver(settings.solver)
        self.executor = executor
        self.started = time.monotonic()
        self._spent = 0.0
        self._reflectivity: Array | None = None

    def run(self, resumed: bool) -> dict[str, Any]:
        """All steps, from the beginning or from where the run was stopped.

        Parameters
        ----------
        resumed : bool
            Whether the run was begun before.

        Returns
        -------
        summary : dict of str to object
        """
        discretization = self.plan.stages[0].discretization()
        finished_shots.compile_missing(self.executor, discretization, tasks.KINDS, "gauss_newton")
        run_state = self._begin(resumed)
        while run_state.solver.iteration < self.settings.iterations and not run_state.ended:
            self._bar(run_state.solver.iteration + 1)
            following = self.solver.step(run_state.solver, self.problem)
            if following is None:
                log.info("no step lowers the residual further; the run ends here")
                run_state = replace(run_state, ended=True)
                run_state.write(self.folder.file(STATE))
                break
            run_state = self._saved(replace(run_state, solver=following))
        self.progress.stop()
        return self._conclude(run_state)

    def _begin(self, resumed: bool) -> MigrationState:
        """State before the first step, or where the run was stopped."""
        path = self.folder.path / STATE
        if resumed and path.exists():
            run_state = MigrationState.read(path, self.problem.smooth.grid.shape)
            self.problem.illumination = run_state.illumination
            self.problem.simulations = run_state.simulations
            self._spent = run_state.seconds
            done = run_state.solver.iteration
            self.folder.rewind(lambda record: record.get("iteration", done + 1) <= done)
            log.info("resuming after iteration %d", done)
            return run_state
        self.folder.rewind(lambda _: False)
        self._bar(0)
        state = self.solver.first(self.problem, self.problem.smooth.grid.shape)
        illumination = self.problem.illumination
        if illumination is None or not state.start > 0:
            results.check({"image": np.zeros(1)}, results.NO_IMAGE)
        return self._saved(MigrationState(state, np.asarray(illumination)))

    def _saved(self, run_state: MigrationState) -> MigrationState:
        """Write the progress, then the state: a run that is killed between takes its step back."""
        solver = run_state.solver
        run_state = replace(
            run_state,
            simulations=self.problem.simulations,
            seconds=self._seconds(),
            course=np.append(run_state.course, solver.residual),
        )
        results.check(
            {"residual": np.array([solver.energy]), "image": solver.y},
            results.NO_IMAGE,
            may_be_zero=True,
        )
        record: dict[str, Any] = {
            "stage": 1,
            "iteration": solver.iteration,
            "misfit": solver.energy / solver.start,
            "residual": solver.residual,
            "simulations": run_state.simulations,
            "seconds": round(run_state.seconds, 3),
        }
        correlation = self._correlation(solver)
        if correlation is not None:
            record["correlation"] = correlation
        self.folder.step(record)
        run_state.write(self.folder.file(STATE))
        log.info(
            "iteration %d: residual %.4g of that without an image%s",
            solver.iteration,
            solver.residual,
            "" if correlation is None else f", correlation {correlation:.3f}",
        )
        return run_state

    def _conclude(self, run_state: MigrationState) -> dict[str, Any]:
        """Write and draw the image, and sum up."""
        solver, problem = run_state.solver, self.problem
        perturbation = problem.perturbation(solver.y)
        if self.settings.stretch:
            _warn_of_amplitudes(perturbation)
        named = {
            "image": self._image(perturbation, self._wavelet(solver)),
            "perturbation": perturbation,
            "illumination": run_state.illumination,
        }
        results.check({"image": named["image"]}, results.NO_IMAGE)
        summary: dict[str, Any] = {
            "result": str(self.folder.path / RESULT),
            "shots": len(problem.records.shots),
            "iterations": solver.iteration,
            "residual": solver.residual,
            "simulations": run_state.simulations,
        }
        if (true := self._expected(solver)) is not None:
            named["reflectivity"] = true
        if (correlation := self._correlation(solver)) is not None:
            summary["correlation"] = correlation
        self._write(self.folder.file(RESULT), named)
        self._draw(run_state, named)
        summary["seconds"] = round(self._seconds(), 2)
        log.info("%d iterations in %.3g s", solver.iteration, summary["seconds"])
        return summary

    # --- the image --------------------------------------------------------------------------------

    def _wavelet(self, solver: LinearState) -> Array:
        """Wavelet in whose band images are: the estimated ones where it is unknown."""
        return self.problem.estimated(solver.filters) if solver.filters.size else self.plan.wavelet

    def _image(self, perturbation: Array, wavelet: Array) -> Array:
        """Reflectivity of the relative change of velocity, in the band of a wavelet."""
        at = self.problem.smooth, wavelet, self.plan.interval
        return reflectivity.of_change(perturbation, *at, self.settings.stretch)

    def _expected(self, solver: LinearState) -> Array | None:
        """Reflectivity of the reference; None without one."""
        if self.plan.reference is None:
            return None
        if self._reflectivity is None or solver.filters.size:
            true = coarsened(self.plan.reference, self.problem.smooth.grid)
            at = self.problem.smooth, self._wavelet(solver), self.plan.interval
            self._reflectivity = reflectivity.band_limited(true, *at)
        return self._reflectivity

    def _correlation(self, solver: LinearState) -> float | None:
        """Correlation of the image with the reflectivity of the reference, below the water."""
        if self.plan.reference is None or not solver.y.any():
            return None
        expected = self._expected(solver)
        if expected is None:
            return None
        true = coarsened(self.plan.reference, self.problem.smooth.grid)
        image = self._image(self.problem.perturbation(solver.y), self._wavelet(solver))
        return reflectivity.correlation(image, expected, ~true.covered())

    # --- files, pictures and messages -------------------------------------------------------------

    @writing.deferring_signals()
    def _write(self, path: Path, named: Mapping[str, Array]) -> None:
        grid = self.problem.smooth.grid
        with writing.replacing(path) as file:
            for name, values in named.items():
                hdf5.write_on_grid(file, name, values.astype(np.float32), grid, "")
            vp = self.problem.smooth.vp.astype(np.float32)
            hdf5.write_on_grid(file, "vp", vp, grid, "m/s")
            hdf5.write_surface(file, self.problem.smooth.topography)
            file.attrs.update(provenance())

    def _draw(self, run_state: MigrationState, named: Mapping[str, Array]) -> None:
        """Pictures of the image, the residual by iteration, and the records of one shot."""
        solver, problem = run_state.solver, self.problem
        smooth = problem.smooth
        title = f"Least-squares migration, {solver.iteration} iterations"
        pictures.image(self.folder.file("image.png"), named["image"], smooth, title)
        if "reflectivity" in named:
            path = self.folder.file("reflectivity.png")
            pictures.image(path, named["reflectivity"], smooth, "Band-limited reflectivity")
        migrations.convergence(self.folder.file(CONVERGENCE), run_state.course)
        shot = problem.records.shots[len(problem.records.shots) // 2]
        panels = problem.panels(solver.y, shot, solver.filters)
        title = f"shot {shot}, with weights"
        migrations.panels(self.folder.file(PANELS), panels, self.plan.interval, title)
        if solver.filters.size:
            wavelets = problem.estimated(solver.filters)
            start, interval = self.plan.wavelet, self.plan.interval
            hdf5.add_wavelets(
                self.folder.file(RESULT), 1, solver.iteration, wavelets, start, interval
            )
            estimated = hdf5.read_wavelets(self.folder.path / RESULT)
            pictures.estimated(self.folder.file(WAVELETS), estimated)

    def _bar(self, iteration: int) -> None:
        self.folder.heartbeat.change(stage=1, iteration=iteration)

    def _seconds(self) -> float:
        return self._spent + time.monotonic() - self.started


def _warn_of_amplitudes(perturbation: Array) -> None:
    """Warn of an image that is stretched by changes of velocity which no smooth model lacks."""
    ratio = float(np.exp(min(np.abs(perturbation).max(), LARGEST_EXPONENT)))
    if ratio > LARGEST_RATIO:
        log.warning(
            "the image implies velocities that differ from the smooth model by a factor of %.3g, "
            "and `least_squares.stretch` moves reflectors accordingly: are records and wavelet of "
            "true amplitude? Estimate the wavelet with `least_squares.source`, or set "
            "`least_squares.stretch: false`",
            ratio,
        )
