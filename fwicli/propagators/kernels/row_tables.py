"""Arguments of kernels that hold a number for each row of a field: its slot, or its first point."""

from __future__ import annotations

from typing import Any

import numpy as np
from devito import Function


def row_table(name: str, field: Any, axis: Any) -> Function:
    """A table of integers for the rows of a field, its halo among them.

    Parameters
    ----------
    name : str
        Of the argument.
    field : Function
        On the grid.
    axis : Dimension
        Along which rows follow each other.

    Returns
    -------
    Function
    """
    (points,) = (n for n, d in zip(field.shape, field.dimensions, strict=True) if d is axis)
    return Function(
        name=name,
        dimensions=(axis,),
        shape=(points,),
        space_order=field.space_order,
        dtype=np.int32,
    )
