"""The wave equations that the program knows, by the name used in configs.

The modules state equations with Devito but do not import it, so that a list of names costs nothing.
"""

from __future__ import annotations

from fwicli.errors import PhysicsError
from fwicli.propagators.equations import (
    acoustic,
    elastic,
    tti,
    variable_density,
    velocity_pressure,
    vti,
)
from fwicli.propagators.equations.equation import Equation

EQUATIONS: dict[str, Equation] = {
    e.name: e
    for e in (
        acoustic.EQUATION,
        variable_density.EQUATION,
        velocity_pressure.EQUATION,
        vti.EQUATION,
        tti.EQUATION,
        elastic.EQUATION,
    )
}


def load(name: str) -> Equation:
    """The equation called `name`.

    Raises
    ------
    PhysicsError
        If no equation has that name.
    """
    if name not in EQUATIONS:
        raise PhysicsError(f"no equation `{name}`; there are: {', '.join(EQUATIONS)}")
    return EQUATIONS[name]
