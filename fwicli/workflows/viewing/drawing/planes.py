"""Planes of arrays on a grid: all of a 2D array, and sections and depth slices of a 3D one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import ConfigError
from fwicli.files.blocks import BlockedArray
from fwicli.files.hdf5 import SURFACE
from fwicli.plotting.figures import Plane
from fwicli.plotting.lengths import unit_for

Array = NDArray[Any]

NAMES = ("x", "y", "z")
QUANTITIES = {"x": "x", "y": "y", "z": "depth"}


def plane(array: BlockedArray, places: Mapping[str, float]) -> tuple[Plane, str]:
    """A plane of a stored array, of which no more than blocks are in memory.

    Parameters
    ----------
    array : BlockedArray
        Of two or three axes.
    places : mapping of str to float
        The axis that a plane is normal to, and its coordinate there [m]; by default the plane in
        the middle of y.

    Returns
    -------
    plane : Plane
    place : str
        Where it is, in words; empty in 2D.

    Raises
    ------
    ConfigError
        If it lies outside, or the array has only two axes.
    """
    ndim = len(array.shape)
    spacing, origin = (_numbers(array, name, ndim) for name in ("spacing", "origin"))
    on_grid = spacing is not None
    steps = spacing or [1.0] * ndim
    first = origin or [0.0] * ndim
    names = ("x", "z") if ndim == 2 else NAMES
    if ndim == 2:
        if places:
            raise ConfigError(
                f"{array.name} has two axes, x and z: it is a plane already; leave out "
                f"--{next(iter(places))}"
            )
        values, rest, text = _whole(array), [0, 1], ""
    else:
        normal, index = _index(array, places, steps, first, on_grid)
        values = _cut(array, normal, index)
        rest = [axis for axis in range(3) if axis != normal]
        coordinate = first[normal] + index * steps[normal]
        text = f"{names[normal]} = {coordinate:g}{' m' if on_grid else ''}"
    ends = [
        first[axis] + point * steps[axis]
        for axis in rest
        for point in (-0.5, array.shape[axis] - 0.5)
    ]
    lasts = [f + (n - 1) * s for f, n, s in zip(first, array.shape, steps, strict=True)]
    unit = unit_for([*first, *lasts])
    scale = unit.size if on_grid else 1.0
    labels = [
        unit.label(QUANTITIES[names[a]]) if on_grid else f"point along {names[a]}" for a in rest
    ]
    extent = (ends[0] / scale, ends[1] / scale, ends[2] / scale, ends[3] / scale)
    down, surface = names[rest[1]] == "z", array.beside.get(SURFACE)
    if surface is not None and on_grid and not down:
        values = np.where(surface > first[-1] + index * steps[-1], np.nan, values)
    elif surface is not None and ndim == 3:
        surface = surface.take(index, axis=normal)
    line = surface / scale if surface is not None and on_grid and down else None
    return Plane(values, extent, (labels[0], labels[1]), down, on_grid, line), text


def _numbers(array: BlockedArray, name: str, ndim: int) -> list[float] | None:
    """Spacing or origin of an array; None if it does not say it."""
    values = array.beside.get(name)
    if isinstance(values, np.ndarray) and values.size in (1, ndim):
        return [float(v) for v in np.broadcast_to(values.reshape(-1), ndim)]
    return None


def _index(
    array: BlockedArray,
    places: Mapping[str, float],
    steps: list[float],
    first: list[float],
    on_grid: bool,
) -> tuple[int, int]:
    """Axis that a plane is normal to, and the point of it that is nearest to a coordinate."""
    if not places:
        return 1, array.shape[1] // 2
    if len(places) > 1:
        options = " and ".join(f"--{name}" for name in places)
        raise ConfigError(f"{options} cut different planes; a picture shows one: choose one")
    ((name, coordinate),) = places.items()
    axis = NAMES.index(name)
    index = round((coordinate - first[axis]) / steps[axis])
    if not 0 <= index < array.shape[axis]:
        unit = " m" if on_grid else ""
        last = first[axis] + (array.shape[axis] - 1) * steps[axis]
        raise ConfigError(
            f"there is no plane at {name} = {coordinate:g}{unit}: {array.name} goes from "
            f"{first[axis]:g} to {last:g}{unit}; choose --{name} there"
        )
    return axis, index


def _whole(array: BlockedArray) -> Array:
    return np.concatenate([block for _, block in array])


def _cut(array: BlockedArray, axis: int, index: int) -> Array:
    """Points of a 3D array with one index along an axis."""
    if axis == 0:
        return np.asarray(array.rows(slice(index, index + 1))[0])
    return np.concatenate([block.take(index, axis=axis) for _, block in array])
