"""Values of fields in the absorbing layer at all times: waves backwards in time need them."""

from __future__ import annotations

from typing import Any

from devito import DefaultDimension, Function

from fwicli.propagators.absorbing import strip_points, walls
from fwicli.propagators.kernels.ports import RIM
from fwicli.propagators.kernels.signature import Signature
from fwicli.propagators.symbolic.expressions import Expr


def edges(f: Any, signature: Signature, grid: Any) -> list[tuple[Function, Expr]]:
    """Values of a field in the layer, and as far inside as the layer's terms reach.

    Parameters
    ----------
    f : TimeFunction
        Access to the field.
    signature : Signature
    grid : devito.Grid

    Returns
    -------
    list of (Function, expr)
        For each side an array of shape (steps, *grid), with the thickness of the strip along its
        axis, and the field there.
    """
    thickness = strip_points(signature.layer, signature.order)
    pairs = []
    for axis, sides in enumerate(walls(signature.free, grid.dim)):
        x = grid.dimensions[axis]
        for last, free in enumerate(sides):
            if free:
                continue
            side = "right" if last else "left"
            rim = DefaultDimension(name=f"{RIM}{side}{axis}", default_value=thickness)
            shape = list(grid.shape)
            shape[axis] = thickness
            edge = Function(
                name=f"edge_{f.name}_{side}{axis}",
                dimensions=(grid.time_dim, *(rim if d is x else d for d in grid.dimensions)),
                shape=(2, *shape),
                space_order=0,
                dtype=grid.dtype,
            )
            first = x.symbolic_max - thickness + 1 if last else x.symbolic_min
            pairs.append((edge, f.subs(x, first + rim)))
    return pairs
