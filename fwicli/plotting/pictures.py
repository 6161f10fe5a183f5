"""Pictures of models, gathers, wavelets, images, convergence and diagnosis, as PNG files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import ModelError
from fwicli.inversion.quality.diagnosis import HALF, Diagnosis
from fwicli.plotting import curves, lengths, topographies
from fwicli.plotting.greys import end_of_greys
from fwicli.plotting.style import Axes, Figure, colour_scale, extremes, label, save, section_size
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.components import PRESSURE, ordered
from fwicli.survey.gathers import Gathers
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.properties import PROPERTIES, UNITS
from fwicli.survey.uniform import distinct

Array = NDArray[Any]

DPI = 130
VELOCITY = "turbo"
# Traces without a value.
UNKNOWN = "0.8"


def scale_of(*models: EarthModel, name: str = "vp") -> tuple[float, float]:
    """Lowest and highest value of a property in several models.

    Parameters
    ----------
    *models : EarthModel
    name : str
        Property, or a combination of them.

    Returns
    -------
    tuple of float
        Lowest and highest value, in the unit of the property.
    """
    return extremes(name, *(_quantity(m, name) for m in models))


def model(
    path: Path,
    earth: EarthModel,
    acquisition: Acquisition | None = None,
    title: str = "P velocity",
    scale: tuple[float, float] | None = None,
    name: str = "vp",
) -> None:
    """Draw a property of a model, with sources and receivers.

    Parameters
    ----------
    path : Path
        PNG file to write.
    earth : EarthModel
    acquisition : Acquisition, optional
        Positions to mark.
    title : str
    scale : tuple of float, optional
        Ends of the colour scale; by default those of the model.
    name : str
        Property, or a combination of them.
    """
    figure, axes = _figure(earth.grid)
    _model(figure, axes, earth, title, scale or scale_of(earth, name=name), name)
    if acquisition is not None:
        _positions(axes, acquisition, earth.grid)
    _save(figure, path)


def properties(
    path: Path, earth: EarthModel, acquisition: Acquisition, title: str | None = None
) -> None:
    """Draw all properties of a model that are not the same everywhere, with the positions.

    Parameters
    ----------
    path : Path
        PNG file to write.
    earth : EarthModel
    acquisition : Acquisition
        Positions to mark.
    title : str, optional
        Above P velocity, or S velocity in a model without it; it is always drawn.
    """
    titles = {name: prop.words.capitalize() or name for name, prop in PROPERTIES.items()}
    first, varied = earth.leading, earth.properties.items()
    titles[first] = title or titles[first]
    varying = [n for n, v in varied if n != first and distinct(v).min() < distinct(v).max()]
    names = [first, *varying]
    width, height = size(earth.grid)
    figure = Figure(figsize=(width, height * len(names)), layout="constrained")
    for axes, name in zip(figure.subplots(len(names), 1, squeeze=False)[:, 0], names, strict=True):
        _model(figure, axes, earth, titles[name], scale_of(earth, name=name), name)
        _positions(axes, acquisition, earth.grid)
    _save(figure, path)


def difference(path: Path, result: EarthModel, start: EarthModel, name: str = "vp") -> None:
    """Draw the change of a property by an inversion.

    Parameters
    ----------
    path : Path
        PNG file to write.
    result, start : EarthModel
        Models on the same grid.
    name : str
        Property, or a combination of them.
    """
    figure, axes = _figure(result.grid)
    change = _quantity(result, name) - _quantity(start, name)
    largest = float(np.percentile(np.abs(change), 99.5)) or 1.0
    picture = _section(axes, change, result, "seismic", -largest, largest)
    colour_scale(figure, picture, axes, f"change of {label(name, UNITS.get(name, ''))}")
    axes.set_title("Result minus start")
    _save(figure, path)


def overview(
    path: Path,
    start: EarthModel,
    result: EarthModel,
    reference: EarthModel | None,
    name: str = "vp",
) -> None:
    """Draw start, result and the reference below each other.

    Parameters
    ----------
    path : Path
        PNG file to write.
    start, result : EarthModel
    reference : EarthModel or None
        True model, if there is one.
    name : str
        Property, or a combination of them.
    """
    named = [("Start", start), ("Result", result)]
    if reference is not None:
        named.append(("True", reference))
    scale = scale_of(*[m for _, m in named], name=name)
    width, height = size(start.grid)
    figure = Figure(figsize=(width, height * len(named)), layout="constrained")
    rows = figure.subplots(len(named), 1, squeeze=False)[:, 0]
    for axes, (title, earth) in zip(rows, named, strict=True):
        _model(figure, axes, earth, title, scale, name)
    _save(figure, path)


def image(
    path: Path, values: Array, earth: EarthModel, title: str = "Reverse-time migration"
) -> None:
    """Draw an image of reflectors.

    Parameters
    ----------
    path : Path
        PNG file to write.
    values : ndarray of shape earth.grid.shape
        Image.
    earth : EarthModel
        Smooth model of the migration; its water does not count for the colour scale.
    title : str
    """
    figure, axes = _figure(earth.grid)
    reflectors(axes, values, earth)
    axes.set_title(title)
    _save(figure, path)


def reflectors(axes: Axes, values: Array, earth: EarthModel) -> None:
    """Draw an image of reflectors in axes.

    Parameters
    ----------
    axes : Axes
    values : ndarray of shape earth.grid.shape
        Image.
    earth : EarthModel
        Its water does not count for the grey scale.
    """
    largest = end_of_greys(values, ~earth.covered())
    _section(axes, values, earth, "gray_r", -largest, largest)


def gathers(path: Path, records: Gathers, count: int = 3) -> None:
    """Draw some shot records, from the first to the last; several components below each other.

    Parameters
    ----------
    path : Path
        PNG file to write.
    records : Gathers
    count : int
        Number of shots to draw, at most.
    """
    shots = np.unique(np.linspace(0, records.acquisition.shots - 1, count).round().astype(int))
    parts = [(s, c, n) for s in shots for c, n in records.acquisition.rows_by_component(s).items()]
    names = ordered({component for _, component, _ in parts})
    unit = lengths.unit_for(records.acquisition.sources[:, 0])
    figure = Figure(figsize=(3.4 * len(shots), 4.6 * len(names)), layout="constrained")
    panels = figure.subplots(len(names), len(shots), squeeze=False, sharey=True)
    for axes in panels.flat:
        axes.set_visible(False)  # shots may differ in components
    for shot, component, rows in parts:
        axes = panels[names.index(component), int(np.searchsorted(shots, shot))]
        axes.set_visible(True)
        # Components differ by orders of size: each has a scale of its own.
        data = np.asarray(records.data[shot])[rows]
        plain = names == [PRESSURE]
        name = "" if plain else f", {component.name} [{component.unit}]"
        largest = float(np.percentile(np.abs(data), 98)) or 1.0
        end = records.interval * (records.samples - 1)
        axes.imshow(
            data.T,
            cmap="gray_r",
            vmin=-largest,
            vmax=largest,
            aspect="auto",
            interpolation="bilinear",
            extent=(0, max(data.shape[0] - 1, 1), end, 0),
        )
        x = unit.text("x", records.acquisition.sources[shot, 0])
        axes.set_title(f"shot {shot}, {x}{name}", fontsize=9)
        axes.set_xlabel("receiver")
    for axes in panels[:, 0]:
        axes.set_ylabel("time [s]")
    _save(figure, path)


def wavelet(path: Path, values: Array, interval: float, unit: str = "Pa") -> None:
    """Draw a wavelet and its spectrum, as `curves.wavelet` does.

    Parameters
    ----------
    path : Path
        PNG file to write.
    values : ndarray of shape (samples,) or (n_shots, samples)
    interval : float
        Sampling interval [s].
    unit : str
    """
    _save(curves.wavelet(values, interval, unit), path)


def estimated(path: Path, stages: Mapping[int, tuple[Array, Array, float]]) -> None:
    """Draw the estimated wavelets of each stage, as `curves.estimated` does.

    Parameters
    ----------
    path : Path
        PNG file to write.
    stages : mapping
    """
    _save(curves.estimated(stages), path)


def convergence(path: Path, history: dict[str, Array]) -> None:
    """Draw misfit and model error against iterations, as `curves.convergence` does.

    Parameters
    ----------
    path : Path
        PNG file to write.
    history : dict of str to ndarray of shape (iterations,)
    """
    _save(curves.convergence(history), path)


def diagnosis(path: Path, comparison: Diagnosis, title: str = "") -> None:
    """Draw how observed and synthetic traces differ: delays, their shares, and amplitudes.

    Traces whose first arrivals cannot be compared are grey.

    Parameters
    ----------
    path : Path
        PNG file to write.
    comparison : Diagnosis
    title : str
    """
    figure = Figure(figsize=(12.0, 3.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    cycles = np.where(comparison.reliable, comparison.traces.cycles, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        louder = 20 * np.log10(comparison.traces.amplitude)
    louder[~np.isfinite(louder)] = np.nan
    for axes, values, name, limits in (
        (left, cycles, "observed later by [cycles]", (-1.0, 1.0)),
        (right, louder, "synthetic over observed [dB]", (-20.0, 20.0)),
    ):
        low, high = limits
        picture = axes.imshow(
            values, cmap="seismic", vmin=low, vmax=high, aspect="auto", interpolation="nearest"
        )
        figure.colorbar(picture, ax=axes, label=name)
        axes.set_facecolor(UNKNOWN)
        axes.set(xlabel="compared trace of the shot", ylabel="shot")
    delays = cycles[np.isfinite(cycles)]
    reach = max(1.0, float(np.abs(delays).max())) if delays.size else 1.0
    middle.hist(delays, bins=41, range=(-reach, reach), color="0.5")
    for edge in (-HALF, HALF):
        middle.axvline(edge, color="tab:red", lw=1, ls="--")
    off = int((np.abs(delays) > HALF).sum())
    text = f"{off} of {delays.size} off by more than half a cycle" if delays.size else ""
    middle.set(xlabel=f"cycles at {comparison.frequency:.3g} Hz", ylabel="traces", title=text)
    figure.suptitle(title)
    _save(figure, path)


# --- parts of pictures ----------------------------------------------------------------------------


def size(grid: Grid) -> tuple[float, float]:
    """Width and height of a figure that keep the proportions of a section [inches]."""
    extent = [e - o for o, e in zip(grid.origin, grid.end, strict=True)]
    return section_size(float(extent[-1] / extent[0]))


def _figure(grid: Grid) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size(grid), layout="constrained")
    return figure, figure.subplots()


def _positions(axes: Axes, acquisition: Acquisition, grid: Grid) -> None:
    """Mark sources and receivers on a section of a grid."""
    receivers, sources = acquisition.all_receivers(), acquisition.sources
    step = 1 / lengths.unit_of(grid).size
    axes.plot(
        receivers[:, 0] * step,
        receivers[:, -1] * step,
        "wv",
        ms=3,
        mec="k",
        mew=0.3,
        label="receivers",
    )
    axes.plot(sources[:, 0] * step, sources[:, -1] * step, "r*", ms=5, label="sources")
    axes.legend(loc="lower right", fontsize=7, framealpha=0.7)


def _model(
    figure: Figure,
    axes: Axes,
    earth: EarthModel,
    title: str,
    scale: tuple[float, float],
    name: str,
) -> None:
    picture = _section(axes, _quantity(earth, name), earth, VELOCITY, *scale)
    colour_scale(figure, picture, axes, label(name, UNITS.get(name, "")))
    axes.set_title(title)


def _quantity(earth: EarthModel, name: str) -> Array:
    values = earth.quantity(name)
    if values is None:
        there = ", ".join(earth.properties)
        raise ModelError(f"there is no `{name}` to draw; the model has {there}")
    return values


def _section(
    axes: Axes, values: Array, earth: EarthModel, colours: str, low: float, high: float
) -> Any:
    """Draw a vertical section; of a 3D array, the one in the middle."""
    grid = earth.grid
    section = values if values.ndim == 2 else values[:, values.shape[1] // 2]
    (left, top), (right, bottom) = (grid.origin[0], grid.origin[-1]), (grid.end[0], grid.end[-1])
    unit = lengths.unit_of(grid)
    axes.set(xlabel=unit.label("x"), ylabel=unit.label("depth"))
    picture = axes.imshow(
        section.T,
        cmap=colours,
        vmin=low,
        vmax=high,
        aspect="equal",
        interpolation="bilinear",
        extent=(left / unit.size, right / unit.size, bottom / unit.size, top / unit.size),
    )
    topographies.middle(axes, earth.topography)
    return picture


def _save(figure: Figure, path: Path) -> None:
    save(figure, path, DPI)
