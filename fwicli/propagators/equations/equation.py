"""A wave equation as the program knows it, without the Devito that it is stated in."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fwicli.propagators.equations.medium import Medium

Formula = Callable[..., Any]


@dataclass(frozen=True)
class Footprint:
    """Arrays of the size of the grid that an equation works on.

    Attributes
    ----------
    forward : int
        Fields at all their levels, memory variables, parameters and coefficients.
    gradient : int
        What a gradient adds to them: multipliers, gradients, illumination.
    history : int
        Fields of which the history keeps snapshots.
    """

    forward: int
    gradient: int
    history: int


@dataclass(frozen=True)
class Equation:
    """A wave equation: what it is made of, and the statement of its residuals.

    Attributes
    ----------
    name : str
        As in the config, `physics: {equation: NAME}`.
    parameters : mapping of str to callable
        Model parameters that the residuals hold, each a formula in physical properties, which
        are the names of its arguments: vp [m/s], rho [kg/m3]. It is called with arrays, and with
        symbols to be differentiated.
    source, receiver : str
        Field into whose residual a source enters, and field that is recorded.
    state : callable
        States the residuals in a medium.
    footprint : callable
        Memory, from the number of space dimensions.
    """

    name: str
    parameters: Mapping[str, Formula]
    source: str
    receiver: str
    state: Callable[[Medium], None]
    footprint: Callable[[int], Footprint]

    @property
    def properties(self) -> tuple[str, ...]:
        """Names of the physical properties that a model must have."""
        found = [name for f in self.parameters.values() for name in inspect.signature(f).parameters]
        return tuple(dict.fromkeys(found))
