"""Numbers of evaluations and propagations that the stages of a run take.

A line search takes as many evaluations as the waves make it take; a plan counts the mean number of
earlier inversions. Also counted is the work that a stage does once: its first evaluation, the
illumination, and the wavelets at its end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fwicli.inversion.optimizers.conjugate_gradient import ConjugateGradient
from fwicli.inversion.optimizers.lbfgs import Lbfgs
from fwicli.inversion.optimizers.newton import Newton
from fwicli.inversion.optimizers.spectral_gradient import SpectralGradient
from fwicli.inversion.optimizers.stochastic import Adam, Momentum
from fwicli.workflows.assembly.inversion import StageObjects
from fwicli.workflows.planning import alternatives
from fwicli.workflows.planning.plan import Plan

# Evaluations of an iteration. L-BFGS took 1903 in 1739 iterations of 309 stages; the others took
# 100 in 47, 114 in 110, and 11 in 9 (`benchmarks/optimizer_cost.py`).
EVALUATIONS = {
    Lbfgs: 1.1,
    ConjugateGradient: 2.1,
    SpectralGradient: 1.05,
    Newton: 1.1,
    Adam: 1.0,
    Momentum: 1.0,
}
# Products of an iteration of a Newton method, as a share of the most that it may make: there, 122
# in 9 iterations of at most 30.
PRODUCTS = 0.45
# Shots that a run with records models before it begins.
CHECKED = 3


@dataclass(frozen=True)
class Counts:
    """Numbers of a stage; of a migration or of modelling, which have one stage.

    Attributes
    ----------
    shots : int
        Experiments of an evaluation: shots, or groups that fire together.
    every : int
        Experiments of the whole survey.
    iterations : int
        0 for modelling and migration.
    evaluations : float
        Of an iteration.
    products : float
        Products with second derivatives in an iteration.
    first_passes : int
        Propagations forwards of each experiment before an evaluation.
    once_gradients, once_forwards : int
        Gradients and propagations forwards of all experiments that the stage does once, beside its
        first evaluation.
    checked : int
        Shots that are modelled before the run, to compare them with their records.
    readings : int
        Other readings of the coordinates with which these are modelled in the whole grid.
    diagnosed : bool
        Whether the traces of the first evaluation are diagnosed.
    linear : bool
        Whether each evaluation takes as long as a product.
    """

    shots: int
    every: int
    iterations: int = 0
    evaluations: float = 0.0
    products: float = 0.0
    first_passes: int = 0
    once_gradients: int = 0
    once_forwards: int = 0
    checked: int = 0
    readings: int = 0
    diagnosed: bool = False
    linear: bool = False

    @property
    def assumption(self) -> str:
        """Content of an iteration as assumed, in words; empty without iterations."""
        if not self.iterations:
            return ""
        words = f"{self.evaluations:g} evaluations an iteration"
        if self.products:
            words += f" and {self.products:g} products"
        if self.first_passes:
            words += ", each after a first pass for the source"
        return words


def of_plan(plan: Plan) -> list[Counts]:
    """Counts of each stage.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    counts : list of Counts
    """
    shots = plan.acquisition.shots
    checked = 0 if plan.gathers is None else min(CHECKED, shots)
    readings = _readings(plan, checked) if checked else 0
    if plan.iterations:
        first = Counts(shots, shots, plan.iterations, products=1.0, linear=True)
        return [replace(first, checked=checked, readings=readings)]
    if plan.inversion is None:
        return [Counts(shots, shots, checked=checked, readings=readings) for _ in plan.stages]
    first, *others = (_of_stage(objects, shots) for objects in plan.inversion.stages)
    return [replace(first, checked=checked, readings=readings), *others]


def _readings(plan: Plan, checked: int) -> int:
    """Other readings of the coordinates that the check of some shots models."""
    if not plan.stages[0].fits_whole(min(plan.workers, checked)):
        return 0
    model = plan.model
    return len(alternatives.alternatives(plan.acquisition, model.grid, model.topography))


def _of_stage(objects: StageObjects, shots: int) -> Counts:
    """Counts of a stage of an inversion."""
    optimizer, settings = objects.optimizer, objects.settings
    drawn = shots if objects.batches is None else min(shots, objects.batches.size)
    batched, fired = drawn < shots, drawn
    if objects.encoding is not None:
        group = objects.encoding.sources or drawn
        fired = -(-drawn // group) * objects.encoding.realisations
    evaluations = EVALUATIONS.get(type(optimizer), 1.0)
    if (batched or objects.encoding is not None) and not optimizer.sampling:
        evaluations += 1  # of the new shots, at the present model
    products = PRODUCTS * optimizer.inner if isinstance(optimizer, Newton) else 0.0
    source = settings.source
    estimated = source is not False
    common = getattr(source, "estimate", "") == "common"
    illumination = settings.preconditioning.illumination
    receivers = illumination is not False and illumination.receivers
    return Counts(
        fired,
        shots,
        objects.section.iterations,
        evaluations,
        products,
        int(common),
        2 * int(receivers),
        int(estimated),
        diagnosed=objects.encoding is None,
    )
