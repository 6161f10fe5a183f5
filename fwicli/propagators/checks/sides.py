"""Sides where the pressure is zero: a source of it sends nothing, and receivers record nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import GeometryError
from fwicli.propagators.absorbing import SIDES, SURFACE
from fwicli.survey.grid import Grid

Array = NDArray[Any]


def zero_at(place: Array, grid: Grid, side: str) -> NDArray[np.bool_]:
    """Which of positions [m] lie on a side where the pressure is zero (see `SIDES`).

    Parameters
    ----------
    place : ndarray of shape (n, ndim)
        Positions [m].
    grid : Grid
    side : str
        Name of the side (see `SIDES`).

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    axis = grid.axes.index(side[0])
    end = (grid.end if side[1] == "+" else grid.origin)[axis]
    return np.asarray(np.abs(place[:, axis] - end) <= 1e-6 * grid.spacing[axis])


def silence(what: str, on: NDArray[np.bool_], grid: Grid, side: str, surface: str = "") -> str:
    """Why those of sources or receivers that lie on such a side are silent, in words.

    Parameters
    ----------
    what : str
        `sources` or `receivers`.
    on : ndarray of bool, shape (n,)
        Points that lie on the side.
    grid : Grid
    side : str
        Name of the side (see `SIDES`).
    surface : str
        Another remedy at a free surface; by default to absorb there.

    Returns
    -------
    str
    """
    axis, last = grid.axes.index(side[0]), side[1] == "+"
    end = (grid.end if last else grid.origin)[axis]
    inward = end + (-1 if last else 1) * grid.spacing[axis] / 2
    remedy = f"absorb on that side, or move them inwards, to {side[0]} = {inward:g} m"
    if surface and side in SURFACE:
        remedy = f"move them down, as to z = {inward:g} m, or {surface}"
    effect = "send nothing" if what == "sources" else "record nothing"
    return (
        f"{int(on.sum())} of {len(on)} {what}, the first number {int(np.flatnonzero(on)[0])}, lie "
        f"on the side `{SIDES[side]}`, at {side[0]} = {end:g} m, where the pressure is zero: they "
        f"{effect}; {remedy}"
    )


def check_sounding(
    what: str,
    place: Array,
    grid: Grid,
    free: Sequence[str],
    symmetry: tuple[Array | None, Sequence[int]] = (None, ()),
) -> None:
    """Refuse sources and receivers on sides where what they emit or record is zero.

    Parameters
    ----------
    what : str
        `sources` or `receivers`.
    place : ndarray of shape (n, ndim)
        Positions [m].
    grid : Grid
    free : tuple of str
        Sides where the pressure is zero (see `SIDES`).
    symmetry : pair
        Orders of derivatives at the positions, of shape (n, ndim), or None; and the axes about
        whose sides the field is even. Odd derivatives of odd fields are not zero, nor even ones of
        even fields.

    Raises
    ------
    GeometryError
        If one does.
    """
    orders, even = symmetry
    for side in free:
        on, axis = zero_at(place, grid, side), grid.axes.index(side[0])
        powers = np.zeros(len(place), dtype=int) if orders is None else orders[:, axis]
        on &= powers % 2 == (1 if axis in even else 0)
        if on.any():
            raise GeometryError(silence(what, on, grid, side))
