"""A wave equation as a system of residuals, and its fields beyond free sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from devito import Function, TimeFunction

from fwicli.errors import CalculusError
from fwicli.propagators.symbolic.expressions import Expr, functions

# Parts of the grid, as Devito's subdomains.
Region = tuple[Any, ...]


@dataclass(frozen=True)
class Mirror:
    """Continuation of a field beyond a free side.

    Parameters
    ----------
    axis : int
    last : bool
        Whether the side is at the last points of the axis or at the first.
    half : bool
        Whether the values sit half a cell on from their label along this axis.
    even : bool
        Whether the field is even about the side; else it is odd, and zero on it.
    """

    axis: int
    last: bool
    half: bool
    even: bool


@dataclass(frozen=True)
class System:
    """Residuals of a wave equation, one per field, in the order of their solution.

    Parameters
    ----------
    fields : tuple of TimeFunction
        Unknowns f_j; field i is found from residual i.
    residuals : tuple of expr
        R_i(f; p), linear in the fields.
    parameters : tuple of Function
        Model parameters p, independent of time.
    supports : mapping of str to tuple of SubDomain
        Where a function is not zero, by its name: a term with such a factor is evaluated there
        only. The function must vanish within one stencil radius of the inner edge.
    mirrors : mapping of str to tuple of Mirror
        How fields are continued beyond free sides, by name. A multiplier has the mirrors of the
        field whose residual it belongs to; with these, transposes stay exact.
    derived : mapping of Function to expr
        Coefficients that are pointwise expressions of the parameters and of those before them,
        computed once.
    backward : bool
        Whether the unknowns are found backwards in time.
    """

    fields: tuple[TimeFunction, ...]
    residuals: tuple[Expr, ...]
    parameters: tuple[Function, ...] = ()
    supports: Mapping[str, Region] = field(default_factory=dict)
    mirrors: Mapping[str, tuple[Mirror, ...]] = field(default_factory=dict)
    derived: Mapping[Function, Expr] = field(default_factory=dict)
    backward: bool = False

    def __post_init__(self) -> None:
        if len(self.fields) != len(self.residuals):
            raise CalculusError(
                f"{len(self.residuals)} residuals for {len(self.fields)} fields; state one each"
            )
        for f in functions(self.residuals) | set(self.fields):
            if any(s != 0 for s in f.staggered or ()):
                raise CalculusError(
                    f"`{f.name}` is a staggered Function; use a plain one and say where a "
                    f"derivative is taken, as in {f.name}.dx(x0=x + x.spacing / 2)"
                )

    @property
    def time(self) -> Any:
        """Time dimension of the fields."""
        return self.fields[0].grid.stepping_dim

    def unknown(self, index: int) -> Expr:
        """Newest time level of field `index`, which residual `index` is solved for."""
        f = self.fields[index]
        return f.backward if self.backward else f.forward

    @property
    def coefficients(self) -> tuple[Function, ...]:
        """Parameters, and the coefficients derived from them."""
        return (*self.parameters, *self.derived)

    def index(self, name: str) -> int:
        """Position of the field called `name`."""
        return [f.name for f in self.fields].index(name)
