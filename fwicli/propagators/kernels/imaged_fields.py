"""The two fields that imaging conditions take, as sums of fields of an equation.

    u = sum_f a_f u_f        the pressure that receivers record
    v = sum_f b_f v_f        what sources of pressure record backwards in time

with weights a and b of the equation's tables of pressure, fields u_f and their multipliers v_f.
Where u is one field, the history keeps that field. Of several, it keeps their sum.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from devito import Eq, Function, Inc, TimeFunction

from fwicli.propagators.equations.equation import Equation
from fwicli.propagators.kernels.imaging_conditions import CONDITIONS
from fwicli.propagators.symbolic.expressions import Expr
from fwicli.propagators.symbolic.system import System

# Name in the history of a pressure that is a sum of fields.
SUM = "pressure"


def weighted(system: System, fields: Mapping[str, float], naming: Callable[[str], str]) -> Expr:
    """The sum of fields times weights.

    Parameters
    ----------
    system : System
    fields : mapping of str to float
        Weights by the names of fields.
    naming : callable
        From the name of a field to that in the system.

    Returns
    -------
    expr
    """
    terms = [(system.fields[system.index(naming(name))], w) for name, w in fields.items()]
    return sum(field if weight == 1.0 else weight * field for field, weight in terms)


def pressure(equation: Equation, ndim: int) -> Mapping[str, float]:
    """Weights of the fields whose sum is the pressure.

    Parameters
    ----------
    equation : Equation
    ndim : int
        Number of space dimensions.

    Returns
    -------
    mapping of str to float
    """
    return equation.usual("record", ndim)[1].fields


def imaged_field(equation: Equation, ndim: int) -> str:
    """Name in the history of the field u.

    Parameters
    ----------
    equation : Equation
    ndim : int
        Number of space dimensions.

    Returns
    -------
    str
    """
    fields = pressure(equation, ndim)
    return next(iter(fields)) if len(fields) == 1 else SUM


def parts(names: Collection[str], equation: Equation, ndim: int) -> set[str]:
    """Fields that a history is made of.

    Parameters
    ----------
    names : collection of str
        Names in the history.
    equation : Equation
    ndim : int
        Number of space dimensions.

    Returns
    -------
    set of str
    """
    fields = set(names) - {SUM}
    return fields | set(pressure(equation, ndim)) if SUM in names else fields


def imaged(condition: str, u: TimeFunction, v: Expr) -> list[Eq]:
    """Add to the sum of a condition, if there is anything to add.

    Parameters
    ----------
    condition : str
        Name of an imaging condition.
    u : TimeFunction
        Forward field, from the history.
    v : expr
        Backward field.

    Returns
    -------
    list of Eq
    """
    image = Function(name=f"image_{condition}", grid=u.grid, space_order=0, dtype=u.grid.dtype)
    value = CONDITIONS[condition](u, v)
    return [] if value == 0 else [Inc(image, value)]
