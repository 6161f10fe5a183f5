"""The wave equation of a config, and its differences in space."""

from __future__ import annotations

from fwicli.config.schema import EquationFile, PhysicsSection
from fwicli.propagators.equations.own import own_equation
from fwicli.propagators.equations.stencils import Stencil


def wave_equation(physics: PhysicsSection) -> str:
    """Name of the equation, also of one in a file.

    Parameters
    ----------
    physics : PhysicsSection

    Returns
    -------
    name : str

    Raises
    ------
    PhysicsError
        If there is no such file.
    """
    if isinstance(physics.equation, EquationFile):
        return own_equation(physics.equation.file)
    return physics.equation


def stencil(physics: PhysicsSection) -> Stencil:
    """Order and weights of the differences in space.

    Parameters
    ----------
    physics : PhysicsSection

    Returns
    -------
    Stencil

    Raises
    ------
    PhysicsError
        If there are no such weights of that order.
    """
    return Stencil(physics.order, physics.stencil)
