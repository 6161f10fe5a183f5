"""The linear problem of `fwi lsrtm`: images to records and back, shot by shot with an executor.

    x = S y,    dm = -2 m R x,    A y = W f * J dm

with the unknown y, the relative change x of P velocity on the grid of the image, S its scale (see
`imaging.least_squares.preconditioner`), R the averaging to the grid of the waves, and m the first
parameter of the equation, which is proportional to vp**-2.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.execution import Executor, total
from fwicli.imaging.least_squares import preconditioner, tasks
from fwicli.imaging.least_squares.comparison import LinearComparison
from fwicli.imaging.least_squares.solver import LinearEvaluation
from fwicli.imaging.least_squares.tasks import EnergyTask, EquationsTask, LinearTask, PanelsTask
from fwicli.inversion.hessian import with_changes
from fwicli.propagators.tasks import ShotTask, SummandTask, WindowedTask
from fwicli.survey.stacks import StackAndRecords
from fwicli.workflows.assembly import least_squares, survey
from fwicli.workflows.inversion.migration.records import MigrationRecords
from fwicli.workflows.planning.plan import Plan
from fwicli.workflows.run_folder.progress import Progress

Array = NDArray[Any]

# Largest relative difference of the curvature by A^T A from that by A without a warning.
LARGEST_MISMATCH = 0.01

log = logging.getLogger("fwicli")


class MigrationProblem:
    """Evaluates residual, gradient and products of a least-squares migration.

    Parameters
    ----------
    plan : Plan
    settings : LsrtmSection
    executor : Executor
    progress : Progress

    Attributes
    ----------
    illumination : ndarray or None
        Energy of the source fields on the grid of the image; None before the first evaluation.
    simulations : int
        Propagations so far.
    """

    def __init__(self, plan: Plan, settings: Any, executor: Executor, progress: Progress) -> None:
        self.plan, self.settings = plan, settings
        self.executor, self.progress = executor, progress
        self.records = MigrationRecords(plan, settings, settings.source)
        self.parameters = dict(self.records.parameters)
        self.first = next(iter(self.parameters))
        self.smooth = self.records.smooth
        self.free = ~survey.kept_points(self.smooth, settings.mute)
        self.batches = least_squares.build_batches(settings)
        self.illumination: Array | None = None
        self.simulations = 0
        self._is_doubted = False
        self._numerics = plan.stages[0]
        self._discretization = self._numerics.discretization()

    # --- the problem of a solver ------------------------------------------------------------------

    def evaluate(self, y: Array, iteration: int, filters: Array | None) -> LinearEvaluation:
        """Residual and gradient of the shots of an iteration.

        Parameters
        ----------
        y : ndarray of shape (*image grid,)
        iteration : int
            From 0.
        filters : ndarray of shape (n_shots, n_lags) or None
            Latest filters; those of the shots are estimated anew.

        Returns
        -------
        evaluation : LinearEvaluation
        """
        shots = self._shots(iteration)
        change = self._change(self.perturbation(y))
        common = self._common_filter(shots, change)
        stack = self._total(shots, change, dict.fromkeys(shots, common))
        values = stack.stack.everywhere()
        if self.illumination is None:
            self.illumination = self._on_image(values[tasks.KINDS[1]])
        estimated = self._filters(shots, stack.records[tasks.FILTER], filters)
        energy, start = (
            float(sum(map(float, stack.records[n]))) for n in (tasks.ENERGY, tasks.START)
        )
        return LinearEvaluation(energy, start, self._gradient(values[tasks.IMAGE]), estimated)

    def product(self, direction: Array, filters: Array) -> tuple[Array, float]:
        """A^T A p of all shots, and |A p|**2.

        Parameters
        ----------
        direction : ndarray of shape (*image grid,)
            p.
        filters : ndarray of shape (n_shots, n_lags)

        Returns
        -------
        product : ndarray of shape (*image grid,)
        energy : float
        """
        shots = self.records.shots
        named = self._rows(filters)
        change = self._change(self.perturbation(direction))
        stack = self._total(shots, change, named, product=True)
        energy = sum(map(float, stack.records[tasks.ENERGY]))
        product = self._gradient(stack.stack.everywhere()[tasks.IMAGE])
        self._check_transpose(float(np.vdot(direction, product)), energy)
        return product, energy

    def _check_transpose(self, curvature: float, energy: float) -> None:
        """Warn once where p . A^T A p is not |A p|**2, as for a history that is too coarse."""
        if self._is_doubted or abs(curvature - energy) <= LARGEST_MISMATCH * energy:
            return
        self._is_doubted = True
        log.warning(
            "warning: with the history `%s`, p . J^T J p of a direction p is %.3g times |J p|^2, "
            "which it should equal: the transpose of J is so far from exact that image and "
            "residuals may be wrong; set `physics.history: auto`, or keep more of the field",
            self._discretization.history.kind,
            curvature / energy if energy > 0 else float("inf"),
        )

    def energy(self, direction: Array, iteration: int, filters: Array) -> float:
        """|A p|**2 of the shots of an iteration, from every third one of them.

        Parameters
        ----------
        direction : ndarray of shape (*image grid,)
            p.
        iteration : int
            From 0.
        filters : ndarray of shape (n_shots, n_lags)

        Returns
        -------
        energy : float
        """
        every, rows = self._shots(iteration), self._rows(filters)
        # The length of a step needs no more accuracy, which costs a third of it.
        shots = every[::3]
        change = self._change(self.perturbation(direction))
        each = [self._task(EnergyTask, s, change, filter=rows[s]) for s in shots]
        self.progress.start("step length", len(each))
        finished = count(1)
        energies = self.executor.map(each, lambda _: self.progress.update(next(finished)))
        self.simulations += 2 * len(each)
        return float(sum(energies)) * len(every) / len(shots)

    def _rows(self, filters: Array) -> dict[int, Array | None]:
        """Filters by shot; None where the wavelet is known."""
        shots = self.records.shots
        return {s: f if f.size else None for s, f in zip(shots, filters, strict=True)}

    def perturbation(self, y: Array) -> Array:
        """x, the relative change of P velocity, of shape (*image grid,)."""
        return self._scale() * y if y.any() else np.zeros(y.shape)

    def panels(self, y: Array, shot: int, filters: Array) -> dict[str, Array]:
        """Weighted records of a shot: observed, predicted, and what remains.

        Parameters
        ----------
        y : ndarray of shape (*image grid,)
        shot : int
            One of those that are migrated.
        filters : ndarray of shape (n_shots, n_lags)

        Returns
        -------
        panels : dict of str to ndarray of shape (n_receivers, samples)
        """
        row = filters[self.records.shots.index(shot)]
        change = self._change(self.perturbation(y))
        task = self._task(PanelsTask, shot, change, filter=row if row.size else None)
        return next(iter(self.executor.map([task])))

    def estimated(self, filters: Array) -> Array:
        """Estimated wavelets of all shots, of shape (n_shots, samples) [Pa]."""
        wavelets = []
        for shot, row in zip(self.records.shots, filters, strict=True):
            wavelet = self.records.records.wavelet_of(shot)
            lags = self._comparison(shot).lags(wavelet.size)
            wavelets.append(lags.convolve(row, wavelet))
        return np.stack(wavelets)

    # --- parts ------------------------------------------------------------------------------------

    def _shots(self, iteration: int) -> list[int]:
        """Shots of an iteration; the first takes all, since they scale the unknown."""
        shots = self.records.shots
        if self.batches is None or iteration == 0:
            return shots
        return [shots[n] for n in self.batches.shots(len(shots), 0, iteration - 1)]

    def _scale(self) -> Array:
        if self.illumination is None:
            return self.free.astype(np.float64)
        slowness = 1 / self.smooth.vp.astype(np.float64) ** 2
        damping = self.settings.illumination
        return preconditioner.scale(self.illumination, damping, slowness, self.free)

    def _change(self, perturbation: Array) -> dict[str, Array]:
        """Parameters with dm, on the grid of the waves."""
        regridding = self._numerics.regridding
        coarse = perturbation if regridding is None else regridding.to_coarse(perturbation)
        first = self.parameters[self.first]
        change = (-2 * first * coarse).astype(self._discretization.precision)
        return with_changes(self.parameters, {self.first: change})

    def _gradient(self, image: Array) -> Array:
        """Derivative by y from that by dm."""
        by_coarse = -2 * self.parameters[self.first] * image
        regridding = self._numerics.regridding
        fine = by_coarse if regridding is None else regridding.to_coarse_transpose(by_coarse)
        return np.asarray(self._scale() * fine)

    def _on_image(self, values: Array) -> Array:
        regridding = self._numerics.regridding
        return values if regridding is None else regridding.to_fine(values)

    def _total(
        self,
        shots: Sequence[int],
        change: dict[str, Array],
        filters: dict[int, Array | None],
        product: bool = False,
    ) -> StackAndRecords:
        """Sum over shots; its shape depends on their number alone."""
        summands = [
            SummandTask(self._task(LinearTask, s, change, product=product, filter=filters[s]))
            for s in shots
        ]
        self.progress.start("product" if product else "gradient", len(summands))
        finished = count(1)
        self.simulations += 3 * len(summands)
        summed: StackAndRecords = total(
            self.executor, summands, lambda _: self.progress.update(next(finished))
        )
        return summed

    def _common_filter(self, shots: Sequence[int], change: dict[str, Array]) -> Array | None:
        """The filter that shots have in common; None where each has its own, or none."""
        if not self.settings.source or self.settings.source.estimate != "common":
            return None
        each = self.executor.map([self._task(EquationsTask, shot, change) for shot in shots])
        self.simulations += 2 * len(shots)
        summed = None
        for equations in each:
            if equations is not None:
                summed = equations if summed is None else summed + equations
        return None if summed is None else np.asarray(summed.filter())

    def _filters(
        self, shots: Sequence[int], estimated: Sequence[Array], before: Array | None
    ) -> Array:
        """Filters of all shots, with new ones of some of them."""
        every = self.records.shots
        width = self._width
        filters = self._units(width) if before is None else before.copy()
        for shot, coefficients in zip(shots, estimated, strict=True):
            if width and coefficients.size:
                filters[every.index(shot)] = coefficients
        return filters

    @property
    def _width(self) -> int:
        """Number of lags of the filters."""
        shot = self.records.shots[0]
        comparison = self._comparison(shot)
        samples = self.plan.stages[0].time.samples
        return comparison.lags(samples).count if comparison.fit is not None else 0

    def _units(self, width: int) -> Array:
        """Filters that leave the wavelet as it is."""
        filters = np.zeros((len(self.records.shots), width))
        if width:
            comparison = self._comparison(self.records.shots[0])
            filters[:, -comparison.lags(self.plan.stages[0].time.samples).first] = 1.0
        return filters

    def _comparison(self, shot: int) -> LinearComparison:
        records, prepared = self.records, self.records.preparation(shot)
        return LinearComparison(
            records.observed(shot),
            records.records.interval,
            self.settings.subtract_modelled is not False,
            prepared.conditioning,
            records.near(shot),
            records.span(shot),
            prepared.source,
        )

    def _task(
        self, kind: Callable[..., ShotTask], shot: int, change: dict[str, Array], **extra: Any
    ) -> WindowedTask:
        source, receivers = self.records.places(shot)
        task = kind(
            self._discretization,
            change,
            self.records.records.wavelet_of(shot).reshape(1, -1),
            source,
            receivers,
            comparison=self._comparison(shot),
            in_water=self.settings.subtract_modelled == "water",
            **extra,
        )
        return WindowedTask(task, self._numerics.window(shot))
