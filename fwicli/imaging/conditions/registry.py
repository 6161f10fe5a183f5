"""The imaging conditions that belong to a wave equation, by the name used in configs."""

from __future__ import annotations

from fwicli.errors import PhysicsError
from fwicli.imaging.conditions import names
from fwicli.imaging.conditions.condition import Condition
from fwicli.imaging.conditions.contrasts import (
    Delta,
    Density,
    Epsilon,
    Impedance,
    Tomographic,
    Velocity,
)
from fwicli.imaging.conditions.potentials import ConstantDensityImpedance, CrossCorrelation
from fwicli.survey.model import EarthModel

CONDITIONS: dict[str, type[Condition]] = {
    condition.name: condition
    for condition in (CrossCorrelation, Velocity, Impedance, Tomographic, Density, Epsilon, Delta)
}


def load(name: str, equation: str, earth: EarthModel) -> tuple[Condition, ...]:
    """Conditions with one Born modelling each, whose sum is the one called `name`.

    Parameters
    ----------
    name : str
    equation : str
        Name of the wave equation.
    earth : EarthModel
        Smooth model of the migration, on the grid of the image.

    Returns
    -------
    tuple of Condition
        One, but for the tomographic image of constant density.

    Raises
    ------
    PhysicsError
        If the equation has no such image.
    """
    available = names.available(equation, earth.grid.ndim)
    if name not in available:
        raise PhysicsError(
            f"the equation `{equation}` has no image `{name}`; choose one of "
            f"{', '.join(available)}, or an equation that has the property"
        )
    if name in names.CONSTANT_DENSITY and not names.has_density(equation):
        impedance = ConstantDensityImpedance(equation, earth)
        if name == impedance.name:
            return (impedance,)
        return Velocity(equation, earth), ConstantDensityImpedance(equation, earth, sign=-1.0)
    return (CONDITIONS[name](equation, earth),)
