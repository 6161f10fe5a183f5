"""Models, images and wavelets as RSF: axes by their labels, lengths in metres.

Arrays are (x, z) or (x, y, z), z fastest. Axes of an RSF file are in this order, z as the first,
unless their labels say otherwise. A cube must label them: programs of Madagascar have (z, x, y).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.files.rsf import writer
from fwicli.files.rsf.axes import METRES, SECONDS, Axis
from fwicli.files.rsf.header import Header, read_header
from fwicli.survey.grid import Grid

Array = NDArray[Any]


def read(path: Path) -> tuple[Array, str, dict[str, Any]]:
    """Read an array and the description of its axes.

    Parameters
    ----------
    path : Path
        Of the header.

    Returns
    -------
    values : ndarray of float32 or float64
        With axes (x, z) or (x, y, z), if there are two or three.
    name : str
        Of the file, for messages.
    beside : dict
        `spacing` and `origin` [m]; `dt` and `dt_unit` of a single axis.

    Raises
    ------
    DataError
        If the file cannot be read, or its axes are not those of a model.
    """
    header = read_header(path)
    order, beside = described(header)
    return np.ascontiguousarray(header.block().transpose(order)), str(path), beside


def described(header: Header) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Axes of an array, and their description.

    Parameters
    ----------
    header : Header

    Returns
    -------
    order : tuple of int
        Axes of the stored array, slowest first, in the order (x, z) or (x, y, z).
    beside : dict
        `spacing` and `origin` [m]; `dt` and `dt_unit` of a single axis.

    Raises
    ------
    DataError
        If the axes are not those of a model.
    """
    if len(header.axes) == 1:
        (axis,) = header.axes
        stated = {} if axis.interval is None else {"dt": np.array(axis.interval)}
        return (0,), stated | ({"dt_unit": axis.unit} if axis.unit else {})
    order = _order(header)
    return order, _lengths(header, [header.axes[::-1][i] for i in order])


def write(path: Path, values: Array, grid: Grid, name: str, unit: str) -> None:
    """Write an array on a grid.

    Parameters
    ----------
    path : Path
        Of the header; files that exist are replaced.
    values : ndarray of shape grid.shape
    grid : Grid
    name, unit : str
        Of the values.
    """
    axes = [
        Axis(n, h, o, axis.upper(), "m")
        for n, h, o, axis in zip(grid.shape, grid.spacing, grid.origin, grid.axes, strict=True)
    ]
    writer.write(path, values, axes[::-1], {"label": name, "unit": unit})


def _order(header: Header) -> tuple[int, ...]:
    """Axes of the stored array, slowest first, in the order (x, z) or (x, y, z)."""
    labels = [axis.name for axis in reversed(header.axes)]
    if len(labels) == 2:
        return (1, 0) if labels[0] == "z" and labels[1] != "z" else (0, 1)
    if len(labels) == 3 and sorted(labels) == ["x", "y", "z"]:
        return tuple(labels.index(name) for name in "xyz")
    if len(labels) == 3:
        stated = ", ".join(f'label{i}="{a.label}"' for i, a in enumerate(header.axes, 1))
        raise DataError(
            f"{header.path} has three axes, of which the labels ({stated}) do not say which is x, "
            f'y and z; write them into the header, as label1="Z" label2="X" label3="Y"'
        )
    return tuple(range(len(labels)))


def _lengths(header: Header, axes: Sequence[Axis]) -> dict[str, Any]:
    """Spacing and origin [m] of axes, those that the header states for all of them."""
    for axis in axes:
        if axis.unit.lower() in SECONDS:
            raise DataError(
                f"{header.path}: the axis `{axis.label}` has the unit {axis.unit}, which is a "
                f"time; models and images have x, y and depth [m]: convert it to depth first"
            )
        if axis.unit.lower() not in METRES:
            raise DataError(
                f"{header.path}: the unit `{axis.unit}` of the axis `{axis.label}` is none of "
                f"{', '.join(filter(None, METRES))}"
            )
    beside = {}
    for name, values in (
        ("spacing", [axis.interval for axis in axes]),
        ("origin", [axis.origin for axis in axes]),
    ):
        metres = [
            v * METRES[a.unit.lower()] for v, a in zip(values, axes, strict=True) if v is not None
        ]
        if len(metres) == len(axes):
            beside[name] = np.array(metres)
    return beside
