"""From the solver of a least-squares migration in a config to the object that takes its steps."""

from __future__ import annotations

from functools import partial, singledispatch

from fwicli.config.least_squares import (
    BregmanSection,
    ConjugateGradientsSection,
    CurveletTransformSection,
    FistaSection,
    LsrtmSection,
    TransformSection,
    WaveletTransformSection,
)
from fwicli.config.values import Section
from fwicli.imaging.least_squares.conjugate_gradients import ConjugateGradients
from fwicli.imaging.least_squares.solver import LinearSolver
from fwicli.imaging.least_squares.sparse import Bregman, Fista
from fwicli.imaging.least_squares.transforms import (
    CurveletFrame,
    Identity,
    MakeTransform,
    WaveletFrame,
)
from fwicli.inversion.shots.batches import Batches


@singledispatch
def build_solver(section: Section) -> LinearSolver:
    """The solver of a section.

    Parameters
    ----------
    section : SolverSection
        Its class chooses the solver.

    Returns
    -------
    solver : LinearSolver

    Raises
    ------
    TypeError
        If no function is registered for the class of the section.
    """
    raise TypeError(f"no solver is built from {type(section).__name__}")


@build_solver.register
def _conjugate_gradients(section: ConjugateGradientsSection) -> LinearSolver:
    return ConjugateGradients(section.damping, section.restart)


@build_solver.register
def _bregman(section: BregmanSection) -> LinearSolver:
    return Bregman(_transform(section.transform), section.quantile)


@build_solver.register
def _fista(section: FistaSection) -> LinearSolver:
    return Fista(_transform(section.transform), section.weight)


def build_batches(settings: LsrtmSection) -> Batches | None:
    """Batches of shots of a migration; None where each step takes all.

    Parameters
    ----------
    settings : LsrtmSection

    Returns
    -------
    batches : Batches or None
    """
    solver = settings.solver
    if not isinstance(solver, BregmanSection) or solver.batch is None:
        return None
    return Batches(solver.batch, solver.order, solver.seed)


def _transform(section: TransformSection) -> MakeTransform:
    """From the shape of an image to the domain in which it is sparse."""
    if isinstance(section, WaveletTransformSection):
        return partial(WaveletFrame, wavelet=section.wavelet, levels=section.levels)
    if isinstance(section, CurveletTransformSection):
        return partial(CurveletFrame, scales=section.scales)
    return lambda _: Identity()
