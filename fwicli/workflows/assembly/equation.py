"""The wave equation of a config."""

from __future__ import annotations

from fwicli.config.schema import EquationFile, PhysicsSection
from fwicli.propagators.equations.own import own_equation


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
