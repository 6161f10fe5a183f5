"""Options of the discretization for an earth model."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypedDict

from fwicli.errors import PhysicsError


class ModelOptions(TypedDict, total=False):
    """Options of `Discretization.for_model`, beside those that every model needs."""

    duration: float
    """Length of the record [s], in place of `samples`."""
    properties: Mapping[str, Any]
    """Other properties by name: `rho` [kg/m3], `epsilon`, `delta`, `theta` and `phi` [rad]."""
    equation: str
    """Wave equation; by default the first one that has all properties."""
    origin: tuple[float, ...]
    """Position of the first point [m]; by default zeros."""
    fastest: float
    """Velocity that the time step allows [m/s]; by default that of the fastest wave."""
    cells: int
    """Thickness of the absorbing layer in cells; by default 20."""
    free: tuple[str, ...]
    """Sides with zero pressure in place of a layer; `("z-",)` is a free surface."""
    order: int
    precision: str
    history_step: int
    history: Any
    """Storage of the forward field, as `HistoryOptions`."""
    threads: int
    interpolation: str
    stencil: str
    topography: Any
    """Depth of the surface, one for all columns or of shape `vp.shape[:-1]` [m]; above is air."""
    reference_frequency: float
    """At which waves that lose energy have the velocity `vp` [Hz]; by default `frequency`."""


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse options that `for_model` does not have.

    Parameters
    ----------
    options : mapping of str to object

    Raises
    ------
    PhysicsError
        With the name that is closest.
    """
    names = list(ModelOptions.__annotations__)
    for name in options:
        if name not in names:
            close = get_close_matches(name, names, 1)
            hint = f"did you mean `{close[0]}`?" if close else f"choose among {', '.join(names)}"
            raise PhysicsError(f"`for_model` has no option `{name}`; {hint}")
