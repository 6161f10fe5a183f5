"""Single pictures: planes of models and images, gathers, and positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.plotting import surveys, topographies
from fwicli.plotting.style import Axes, Figure, Look, colour_scale, section_size

Array = NDArray[Any]

# Colours of a quantity by its kind, and the share of values within them [%].
COLOURS = {"property": "turbo", "change": "seismic", "image": "gray_r", "energy": "viridis"}
CLIPS = {"property": 100.0, "change": 99.5, "image": 99.0, "energy": 99.0}
# Kinds whose colours have zero in their middle.
SIGNED = ("change", "image")
# Share of the samples of a gather within its colours [%].
CLIP_OF_GATHERS = 98.0
# Traces that are drawn as wiggles, and columns of density, at most.
WIGGLES, COLUMNS = 120, 3000


@dataclass(frozen=True)
class Plane:
    """A plane of an array on a grid.

    Attributes
    ----------
    values : ndarray of shape (n, m)
        The second axis points down in sections, and along y in depth slices.
    extent : tuple of float
        Begin and end of the first axis, then of the second in the unit of the labels.
    axes : tuple of str
        Labels of the axes.
    down : bool
        Whether the second axis points down.
    equal : bool
        Whether both axes have one scale.
    surface : ndarray of shape (n,), optional
        Depth of the surface along the first axis of a section, above which is air, in the unit of
        the labels.
    """

    values: Array
    extent: tuple[float, float, float, float]
    axes: tuple[str, str]
    down: bool = True
    equal: bool = True
    surface: Array | None = None


def section(plane: Plane, kind: str, title: str, label: str, look: Look) -> Figure:
    """Draw a plane in colours.

    Parameters
    ----------
    plane : Plane
    kind : str
        One of `COLOURS`.
    title, label : str
        Of the picture, and of the colours.
    look : Look

    Returns
    -------
    figure : Figure
    """
    left, right, begin, end = plane.extent
    shape = abs((end - begin) / (right - left)) if right != left else 1.0
    size = section_size(shape) if plane.equal else (8.0, 4.6)
    figure = Figure(figsize=look.size or size, layout="constrained")
    axes = figure.subplots()
    low, high = _ends(plane.values, kind, look)
    picture = axes.imshow(
        plane.values.T,
        cmap=look.colours or COLOURS[kind],
        vmin=low,
        vmax=high,
        aspect="equal" if plane.equal else "auto",
        interpolation="bilinear",
        origin="upper" if plane.down else "lower",
        extent=(left, right, end, begin) if plane.down else (left, right, begin, end),
    )
    if plane.surface is not None:
        margin = 0.5 * (right - left) / len(plane.surface)
        x = np.linspace(left + margin, right - margin, len(plane.surface))
        ends = np.array([left, *x[1:-1], right])  # the line begins and ends with the section
        topographies.surface(axes, ends, plane.surface)
    colour_scale(figure, picture, axes, label)
    axes.set(xlabel=plane.axes[0], ylabel=plane.axes[1], title=title)
    return figure


def profile(values: Array, label: str, title: str, look: Look) -> Figure:
    """Draw an array of one axis as a curve.

    Parameters
    ----------
    values : ndarray of shape (n,)
    label, title : str
    look : Look

    Returns
    -------
    figure : Figure
    """
    figure = Figure(figsize=look.size or (7.0, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(np.atleast_1d(values), lw=1.2)
    axes.set(xlabel="number", ylabel=label, title=title)
    axes.grid(alpha=0.3)
    return figure


def _ends(values: Array, kind: str, look: Look) -> tuple[float, float]:
    """Values at the ends of the colours."""
    if look.limits is not None:
        return look.limits
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    clip = look.clip or CLIPS[kind]
    if kind in SIGNED:
        largest = float(np.percentile(np.abs(finite), clip)) or 1.0
        return -largest, largest
    low, high = np.percentile(finite, [50 - clip / 2, 50 + clip / 2])
    return float(low), float(high)


# --- records --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShownGather:
    """A gather and its heading.

    Attributes
    ----------
    data : ndarray of shape (n_receivers, samples)
    title : str
    interval, start : float
        Sampling interval, and time of the first sample [s].
    """

    data: Array
    title: str
    interval: float
    start: float = 0.0


def gathers(shown: Sequence[ShownGather], wiggles: bool, look: Look) -> Figure:
    """Draw gathers side by side, as density or as wiggles.

    Parameters
    ----------
    shown : sequence of ShownGather
    wiggles : bool
        Whether traces are curves, their positive halves filled.
    look : Look

    Returns
    -------
    figure : Figure
    """
    size = look.size or (max(4.6, 3.4 * len(shown)), 4.8)
    figure = Figure(figsize=size, layout="constrained")
    columns = figure.subplots(1, len(shown), squeeze=False, sharey=True)[0]
    for axes, gather in zip(columns, shown, strict=True):
        data = np.nan_to_num(gather.data)
        largest = float(np.percentile(np.abs(data), look.clip or CLIP_OF_GATHERS)) or 1.0
        if look.limits is not None:
            largest = max(map(abs, look.limits))
        end = gather.start + gather.interval * (data.shape[1] - 1)
        if wiggles:
            _wiggles(axes, data, largest, np.linspace(gather.start, end, data.shape[1]))
        else:
            step = -(-len(data) // COLUMNS)
            axes.imshow(
                data[::step].T,
                cmap=look.colours or COLOURS["image"],
                vmin=-largest,
                vmax=largest,
                aspect="auto",
                interpolation="bilinear",
                extent=(0, max(len(data) - 1, 1), end, gather.start),
            )
        axes.set_ylim(end, gather.start)
        axes.set_title(gather.title, fontsize=9)
        axes.set_xlabel("receiver")
    columns[0].set_ylabel("time [s]")
    return figure


def _wiggles(axes: Axes, data: Array, largest: float, t: Array) -> None:
    """Traces as curves around their number; the largest value reaches the next one."""
    step = max(1, -(-len(data) // WIGGLES))
    for number in range(0, len(data), step):
        swing = step * np.clip(data[number] / largest, -1.0, 1.0)
        axes.plot(number + swing, t, color="k", lw=0.4)
        axes.fill_betweenx(t, number, number + swing, where=swing > 0, color="k", lw=0)
    axes.set_xlim(-step, len(data) - 1 + step)


def acquisition(sources: Array, receivers: Array, title: str, look: Look) -> Figure:
    """Draw positions from above in 3D, and in the section in 2D.

    Parameters
    ----------
    sources, receivers : ndarray of shape (n, ndim)
        [m].
    title : str
    look : Look

    Returns
    -------
    figure : Figure
    """
    figure = Figure(figsize=look.size or (8.0, 4.4), layout="constrained")
    axes = figure.subplots()
    surveys.positions(axes, sources, receivers)
    axes.set_title(title)
    return figure
