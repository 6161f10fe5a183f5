"""From the solver of a least-squares migration in a config to the object that takes its steps."""

from __future__ import annotations

from functools import singledispatch

from fwicli.config.least_squares import ConjugateGradientsSection
from fwicli.config.values import Section
from fwicli.imaging.least_squares.conjugate_gradients import ConjugateGradients
from fwicli.imaging.least_squares.solver import LinearSolver


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
