"""The wave equations that the program knows, by the name used in configs.

The modules state equations with Devito but do not import it, so that a list of names costs nothing.
"""

from __future__ import annotations

from fwicli.errors import ModelError, PhysicsError
from fwicli.propagators.equations import (
    acoustic,
    elastic,
    elastic_vti,
    own,
    sh,
    tti,
    variable_density,
    velocity_pressure,
    viscoacoustic,
    viscoelastic,
    vti,
)
from fwicli.propagators.equations.equation import Equation
from fwicli.survey.model import EarthModel

EQUATIONS: dict[str, Equation] = {
    e.name: e
    for e in (
        acoustic.EQUATION,
        variable_density.EQUATION,
        velocity_pressure.EQUATION,
        vti.EQUATION,
        tti.EQUATION,
        elastic.EQUATION,
        elastic_vti.EQUATION,
        sh.EQUATION,
        viscoacoustic.EQUATION,
        viscoelastic.EQUATION,
    )
}


def load(name: str) -> Equation:
    """The equation called `name`, which may be that of a file (see `own`).

    Raises
    ------
    PhysicsError
        If no equation has that name.
    """
    if isinstance(name, own.OwnEquation):
        return own.load(name)
    if name not in EQUATIONS:
        hint = "; name the equation of a file by `own_equation(FILE)`" if "@" in str(name) else ""
        raise PhysicsError(f"no equation `{name}`; there are: {', '.join(EQUATIONS)}{hint}")
    return EQUATIONS[name]


def simplest(earth: EarthModel) -> str:
    """Name of the first equation that has all properties of a model.

    Raises
    ------
    ModelError
        If there is none.
    """
    there, ndim = set(earth.properties), earth.grid.ndim
    fitting = [n for n, e in EQUATIONS.items() if there <= set(e.properties_in(ndim))]
    for name in fitting:
        if set(EQUATIONS[name].properties_in(ndim)) - set(EQUATIONS[name].defaults) <= there:
            return name
    if fitting:
        return fitting[0]  # and what it needs, too, is said elsewhere
    raise ModelError(
        f"no equation has the properties {', '.join(earth.properties)}; there are: "
        f"{', '.join(EQUATIONS)}"
    )
