"""Pictures of the content of a file: map, offsets, fold, spectrum and a gather; or an array."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.plotting import lengths, pictures, style
from fwicli.plotting.style import Axes, Figure

Array = NDArray[Any]

# Points of a map, and traces of a gather, that are drawn at most.
MOST, TRACES = 20_000, 1500
# Half of the smallest range of depths of a map [m].
LOWEST = 5.0


@dataclass(frozen=True)
class SurveyPicture:
    """Numbers of the picture of a survey.

    Attributes
    ----------
    title : str
    sources, receivers : ndarray of shape (n, ndim)
        Positions [m].
    offsets : ndarray of shape (n_traces,)
        Horizontal distances [m].
    fold : tuple of ndarray
        Midpoints (n_bins, ndim - 1) [m], and traces of each.
    frequencies, spectrum : ndarray
        [Hz], and relative amplitude.
    gather : ndarray of shape (n_receivers, samples)
    shot : int
        Number of its shot.
    interval : float
        [s].
    """

    title: str
    sources: Array
    receivers: Array
    offsets: Array
    fold: tuple[Array, Array]
    frequencies: Array
    spectrum: Array
    gather: Array
    shot: int
    interval: float


def survey(path: Path, shown: SurveyPicture) -> None:
    """Draw a survey.

    Parameters
    ----------
    path : Path
        PNG file to write.
    shown : SurveyPicture
    """
    figure = Figure(figsize=(13.0, 7.6), layout="constrained")
    panels = figure.subplot_mosaic(
        [
            ["map", "map", "gather"],
            ["offsets", "fold", "gather"],
            ["spectrum", "spectrum", "gather"],
        ]
    )
    positions(panels["map"], shown.sources, shown.receivers)
    _offsets(panels["offsets"], shown.offsets)
    _fold(figure, panels["fold"], shown.fold)
    _spectrum(panels["spectrum"], shown)
    _gather(panels["gather"], shown)
    figure.suptitle(shown.title)
    save(figure, path)


@dataclass(frozen=True)
class ArrayPicture:
    """Numbers of the picture of an array.

    Attributes
    ----------
    title, label : str
        Of the picture, and of the values.
    values : ndarray of shape (n,) or (n_x, n_z)
    extent : tuple of float
        Left, right, bottom and top of a section.
    axes : tuple of str
        Labels of its axes.
    """

    title: str
    label: str
    values: Array
    extent: tuple[float, float, float, float] = (0.0, 1.0, 1.0, 0.0)
    axes: tuple[str, str] = ("x", "z")


def array(path: Path, shown: ArrayPicture) -> None:
    """Draw an array of one or two axes.

    Parameters
    ----------
    path : Path
        PNG file to write.
    shown : ArrayPicture
    """
    figure = Figure(figsize=(8.5, 4.6), layout="constrained")
    axes, values = figure.subplots(), shown.values
    axes.set_title(shown.title)
    if values.ndim < 2:
        axes.plot(np.atleast_1d(values), lw=1.2)
        axes.set(xlabel="number", ylabel=shown.label)
        axes.grid(alpha=0.3)
        save(figure, path)
        return
    finite = values[np.isfinite(values)]
    settings: dict[str, Any] = {"cmap": pictures.VELOCITY}
    if finite.size and finite.min() < 0 < finite.max():
        largest = float(np.percentile(np.abs(finite), 99)) or 1.0
        settings = {"cmap": "gray_r", "vmin": -largest, "vmax": largest}
    picture = axes.imshow(
        values.T, extent=shown.extent, aspect="auto", interpolation="nearest", **settings
    )
    axes.set(xlabel=shown.axes[0], ylabel=shown.axes[1])
    figure.colorbar(picture, ax=axes, label=shown.label)
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG file, signed by the program.

    Parameters
    ----------
    figure : Figure
    path : Path
    """
    style.save(figure, path, pictures.DPI)


# --- panels ---------------------------------------------------------------------------------------


def positions(axes: Axes, sources: Array, receivers: Array) -> None:
    """Draw positions from above in 3D, and in the section in 2D.

    Parameters
    ----------
    axes : Axes
    sources, receivers : ndarray of shape (n, ndim)
        [m].
    """
    down = 1 if sources.shape[1] == 3 else -1
    level = slice(0, 2 if down == 1 else 1)
    unit = lengths.unit_for(np.concatenate([sources[:, level], receivers[:, level]]))
    scale = unit.size if down == 1 else 1
    for points, marker, size, label in (
        (receivers, "v", 3, "receivers"),
        (sources, "*", 6, "sources"),
    ):
        places = np.unique(points, axis=0)
        places = places[:: -(-len(places) // MOST)]
        colour = "tab:red" if label == "sources" else "tab:blue"
        axes.plot(
            places[:, 0] / unit.size,
            places[:, down] / scale,
            marker,
            ms=size,
            color=colour,
            mew=0,
            label=f"{label} ({len(np.unique(points, axis=0))})",
        )
    axes.set(xlabel=unit.label("x"), ylabel=unit.label("y") if down == 1 else "depth [m]")
    if down == 1:
        axes.set_aspect("equal", adjustable="datalim")
    else:
        low, high = axes.get_ylim()
        middle, half = 0.5 * (low + high), max(0.5 * (high - low), LOWEST)
        axes.set_ylim(middle + half, middle - half)
    axes.set_title("Positions", fontsize=10)
    axes.legend(fontsize=7)
    axes.grid(alpha=0.3)


def _offsets(axes: Axes, offsets: Array) -> None:
    unit = lengths.unit_for(offsets)
    axes.hist(offsets[np.isfinite(offsets)] / unit.size, bins=40, color="tab:blue")
    axes.set(xlabel=unit.label("offset"), ylabel="traces")
    axes.set_title("Offsets", fontsize=10)


def _fold(figure: Figure, axes: Axes, fold: tuple[Array, Array]) -> None:
    """Along x in 2D; from above in 3D."""
    midpoints, counts = fold
    unit = lengths.unit_for(midpoints)
    if midpoints.shape[1] == 1:
        axes.plot(midpoints[:, 0] / unit.size, counts, ".-", ms=3, lw=0.8)
        axes.set(xlabel=unit.label("midpoint"), ylabel="traces")
        axes.set_ylim(bottom=0)
    else:
        x, y = (midpoints / unit.size).T
        places = axes.scatter(x, y, c=counts, s=6, marker="s")
        figure.colorbar(places, ax=axes, label="traces")
        axes.set(xlabel=unit.label("midpoint x"), ylabel=unit.label("y"))
    axes.set_title(f"Fold, up to {counts.max()}", fontsize=10)


def _spectrum(axes: Axes, shown: SurveyPicture) -> None:
    axes.plot(shown.frequencies, shown.spectrum, lw=1.0)
    loud = shown.frequencies[shown.spectrum >= 1e-2]
    last = float(shown.frequencies[-1])
    axes.set_xlim(0, min(last, 1.2 * float(loud[-1])) if loud.size and loud[-1] else last)
    axes.set(xlabel="frequency [Hz]", ylabel="relative amplitude")
    axes.set_title("Mean spectrum", fontsize=10)
    axes.grid(alpha=0.3)


def _gather(axes: Axes, shown: SurveyPicture) -> None:
    step = -(-len(shown.gather) // TRACES)
    data = np.nan_to_num(shown.gather[::step])
    largest = float(np.percentile(np.abs(data), 98)) or 1.0
    end = shown.interval * (data.shape[1] - 1)
    axes.imshow(
        data.T, cmap="gray_r", vmin=-largest, vmax=largest, aspect="auto",
        interpolation="bilinear", extent=(0, max(len(shown.gather) - 1, 1), end, 0),
    )  # fmt: skip
    axes.set(xlabel="trace", ylabel="time [s]")
    axes.set_title(f"Shot {shown.shot}", fontsize=10)
