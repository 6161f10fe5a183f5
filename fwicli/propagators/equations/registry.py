"""The wave equations that the program knows, by the name used in configs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from fwicli.errors import PhysicsError

if TYPE_CHECKING:
    from fwicli.propagators.equations.medium import Equation

# Modules are named, not imported: a list of names must not cost the import of Devito.
MODULES = {
    "acoustic": "fwicli.propagators.equations.acoustic",
    "variable_density": "fwicli.propagators.equations.variable_density",
}


def load(name: str) -> Equation:
    """The equation called `name`.

    Raises
    ------
    PhysicsError
        If there is none.
    """
    if name not in MODULES:
        raise PhysicsError(f"no equation `{name}`; there are: {', '.join(MODULES)}")
    equation: Equation = import_module(MODULES[name]).EQUATION
    return equation
