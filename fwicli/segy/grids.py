"""Models and images as SEG-Y: a trace for each column of the grid, its samples downwards.

A column lies at the CDP coordinates of its trace (bytes 181 and 185, with the scalar of byte 71).
In 3D, inline and crossline numbers (bytes 189 and 193) count along x and y. SEG-Y does not state
whether samples follow each other in time or in depth. The spacing of a file is therefore taken from
its text header, as `write` puts it there, or from the config. The sampling interval of headers is
the step in depth [mm].
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import segyio
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.segy.fields import STANDARD, Field
from fwicli.segy.index import read_index
from fwicli.segy.layout import Layout, explained, opened, read_layout
from fwicli.segy.quantities import Quantities
from fwicli.segy.records import divisor_of
from fwicli.segy.samples import SampleReader
from fwicli.segy.writer import Form, writing
from fwicli.survey.grid import Grid

Array = NDArray[Any]

SCALARS = ("trace_id", "coordinate_scalar", "coordinate_units", "sample_count", "sample_interval")
FIELDS = {
    "cdp": Field(21),
    "cdp_x": Field(181),
    "cdp_y": Field(185),
    "inline": Field(189),
    "crossline": Field(193),
    **{name: STANDARD[name] for name in SCALARS},
}
STATED = re.compile(r"(SPACING|ORIGIN) \[M\] X (\S+)(?: Y (\S+))? Z (\S+)")
# Largest step in depth that headers hold [m], in millimetres.
LARGEST = 65.535


def read(path: Path, shape: Sequence[int] | None = None) -> tuple[Array, str, dict[str, Any]]:
    """Read an array on a grid and the description of its axes.

    Parameters
    ----------
    path : Path
    shape : sequence of int, optional
        (x, z) or (x, y, z), of a file whose trace headers do not state it.

    Returns
    -------
    values : ndarray of float32 or float64
        (x, z) or (x, y, z).
    name : str
        Of the file, for messages.
    beside : dict
        `spacing` and `origin` [m], if the file states them.

    Raises
    ------
    DataError
        If the file cannot be read, or its traces are not those of a grid.
    """
    index = read_index(path, FIELDS)
    headers = Quantities([index])
    headers.check_units(("cdp_x", "cdp_y"))
    samples = SampleReader([index.layout]).read(np.arange(index.layout.traces))
    if shape is not None:
        if tuple(shape[-1:]) != samples.shape[1:] or np.prod(shape) != samples.size:
            raise DataError(
                f"{path} holds {len(samples)} traces of {samples.shape[1]} samples, which do not "
                f"fit `shape` {list(shape)}"
            )
        columns: tuple[int, ...] = tuple(shape[:-1])
        order = np.arange(len(samples))
    else:
        columns, order = _columns(headers)
    stated = _stated(index.layout)
    for name, values in stated.items():
        if len(values) != len(columns) + 1:
            raise DataError(
                f"{path}: the text header states {len(values)} numbers of {name.upper()} for "
                f"{len(columns) + 1} axes"
            )
    _compare(headers, columns, order, stated)
    return samples[order].reshape(*columns, samples.shape[1]), str(path), stated


def is_grid(path: Path) -> bool:
    """Whether the text header of a file states a grid, as `write` puts it there.

    Raises
    ------
    DataError
        If the file is not read, with the reason.
    """
    return bool(_stated(read_layout(path)))


def write(path: Path, values: Array, grid: Grid, name: str, unit: str) -> None:
    """Write an array on a grid, as IEEE floats.

    Parameters
    ----------
    path : Path
        A file that exists is replaced.
    values : ndarray of shape grid.shape
    grid : Grid
    name, unit : str
        Of the values.

    Raises
    ------
    DataError
        If headers cannot hold the positions or the spacing.
    """
    step = grid.spacing[-1]
    if step > LARGEST:
        raise DataError(
            f"a spacing of {step:g} m in depth does not fit the headers of SEG-Y, which hold up to "
            f"{LARGEST:g} m; interpolate the {name}, or write HDF5"
        )
    starts = zip(grid.origin, grid.spacing, grid.shape, strict=True)
    axes = [o + h * np.arange(n) for o, h, n in starts]
    columns = np.stack(np.meshgrid(*axes[:-1], indexing="ij"), axis=-1).reshape(-1, grid.ndim - 1)
    numbers = np.stack(np.unravel_index(np.arange(len(columns)), grid.shape[:-1]), axis=-1)
    divisor = divisor_of([columns])
    stored = np.rint(columns * divisor).astype(np.int64)
    headers = {
        "cdp": np.arange(1, len(columns) + 1),
        "cdp_x": stored[:, 0],
        "inline": numbers[:, 0] + 1,
        "crossline": numbers[:, 1] + 1 if grid.ndim == 3 else 1,
        "cdp_y": stored[:, 1] if grid.ndim == 3 else 0,
        "coordinate_scalar": 1 if divisor == 1 else -divisor,
        "coordinate_units": 1,
        "trace_id": 1,
    }
    encoding = "ieee8" if values.dtype.itemsize > 4 else "ieee"
    form = Form(
        round(step * 1e3) * 1e-6,
        grid.shape[-1],
        len(columns),
        encoding,
        text=_text(grid, name, unit),
        fields=FIELDS,
        longest=round(LARGEST * 1e3),
    )
    with writing(path, form) as writer:
        writer.append(values.reshape(len(columns), -1), headers)


def _text(grid: Grid, name: str, unit: str) -> list[str]:
    """Contents of a file, for its text header; `_stated` reads spacing and origin."""
    numbers = {"SPACING": grid.spacing, "ORIGIN": grid.origin}
    stated = [
        f"{key} [M] "
        + " ".join(f"{a.upper()} {v!r}" for a, v in zip(grid.axes, values, strict=True))
        for key, values in numbers.items()
    ]
    return [
        f"{name.upper()} IN {unit.upper() or 'NO UNIT'}, ON A GRID, WRITTEN BY FWICLI",
        "SAMPLES ARE IN DEPTH, DOWNWARDS; SAMPLE INTERVAL IN MM",
        *stated,
        "",
        "BYTES 181, 185 X AND Y OF THE COLUMN IN M, 71 THEIR SCALAR",
        "BYTES 189, 193 NUMBERS ALONG X AND Y FROM 1",
    ]


def _stated(layout: Layout) -> dict[str, Any]:
    """Spacing and origin [m] of the text header, by name; none without such lines."""
    if layout.kind == "su":
        return {}
    with opened(layout.path, layout.kind, layout.endian) as file, explained(layout.path):
        text = segyio.tools.wrap(file.text[0])
    stated = {}
    for key, *numbers in STATED.findall(text):
        try:
            stated[key.lower()] = np.array([float(n) for n in numbers if n])
        except ValueError:
            raise DataError(
                f"{layout.path}: the text header states {key} {numbers}; numbers are in m"
            ) from None
    return stated


def _columns(headers: Quantities) -> tuple[tuple[int, ...], NDArray[np.int64]]:
    """Number of columns along x, or along x and y, and numbers of traces in this order."""
    path, traces = headers.indexes[0].layout.path, headers.traces
    inline, crossline = (
        np.broadcast_to(headers.stored(name), traces) for name in ("inline", "crossline")
    )
    lines = [np.unique(numbers, return_inverse=True) for numbers in (inline, crossline)]
    counts = [len(values) for values, _ in lines]
    if min(counts) == 1:
        return (traces,), np.arange(traces)
    place = lines[0][1] * counts[1] + lines[1][1]
    if counts[0] * counts[1] != traces or len(np.unique(place)) != traces:
        raise DataError(
            f"{path}: {traces} traces are no grid of {counts[0]} inlines and {counts[1]} "
            f"crosslines (bytes 189 and 193); give `shape`, or write one trace for each column"
        )
    order = np.argsort(place)
    x, y = (np.broadcast_to(headers.horizontal(n), traces)[order] for n in ("cdp_x", "cdp_y"))
    # Where coordinates say so, crosslines count along x.
    along = [bool(np.ptp(c.reshape(counts), axis=0).any()) for c in (x, y)]
    across = [bool(np.ptp(c.reshape(counts), axis=1).any()) for c in (x, y)]
    if (along[0] and across[0]) or (along[1] and across[1]):
        raise DataError(
            f"{path}: inlines and crosslines are not along x and y (bytes 181 and 185); rotate the "
            f"grid, or give `shape`"
        )
    if along[1] or across[0]:
        return (counts[1], counts[0]), order.reshape(counts).T.reshape(-1)
    return (counts[0], counts[1]), order


def _compare(
    headers: Quantities,
    columns: tuple[int, ...],
    order: NDArray[np.int64],
    stated: dict[str, Any],
) -> None:
    """Refuse trace headers that contradict the text header."""
    if not {"spacing", "origin"} <= set(stated):
        return
    path = headers.indexes[0].layout.path
    for axis, name in zip(range(len(columns)), ("cdp_x", "cdp_y"), strict=False):
        positions = np.broadcast_to(headers.horizontal(name), headers.traces)[order]
        numbers = np.unravel_index(np.arange(headers.traces), columns)[axis]
        expected = stated["origin"][axis] + stated["spacing"][axis] * numbers
        wrong = np.abs(positions - expected) > 1e-3 * stated["spacing"][axis]
        if wrong.any():
            first = int(np.argmax(wrong))
            raise DataError(
                f"{headers.place(int(order[first]), name)} is {positions[first]:.9g} m, and by the "
                f"text header of {path.name} {expected[first]:.9g} m; correct one of the two"
            )
