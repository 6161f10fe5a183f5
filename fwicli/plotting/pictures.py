"""Pictures of models, gathers, wavelets, images, convergence and diagnosis, as PNG files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import ModelError
from fwicli.inversion.quality.diagnosis import HALF, Diagnosis
from fwicli.plotting.style import Axes, Figure, save
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.gathers import Gathers
from fwicli.survey.grid import Grid
from fwicli.survey.model import UNITS, EarthModel

Array = NDArray[Any]

DPI = 130
VELOCITY = "turbo"
# Traces without a value.
UNKNOWN = "0.8"
# Names of properties, as labels have them; others are their own.
WORDS = {"vp": "P velocity", "rho": "density"}


def scale_of(*models: EarthModel, name: str = "vp") -> tuple[float, float]:
    """Lowest and highest value of a property in several models.

    Parameters
    ----------
    *models : EarthModel
    name : str
        Property, or `impedance`.

    Returns
    -------
    tuple of float
        Lowest and highest value, in the unit of the property.
    """
    shown = [_quantity(m, name) for m in models]
    return min(float(v.min()) for v in shown), max(float(v.max()) for v in shown)


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
        Property, or `impedance`.
    """
    figure, axes = _figure(earth.grid)
    _model(figure, axes, earth, title, scale or scale_of(earth, name=name), name)
    if acquisition is not None:
        receivers, sources = acquisition.all_receivers(), acquisition.sources
        step = 0.001
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
        Property, or `impedance`.
    """
    figure, axes = _figure(result.grid)
    change = _quantity(result, name) - _quantity(start, name)
    largest = float(np.percentile(np.abs(change), 99.5)) or 1.0
    picture = _section(axes, change, result.grid, "seismic", -largest, largest)
    figure.colorbar(picture, ax=axes, label=f"change of {_label(name)}", shrink=0.9)
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
        Property, or `impedance`.
    """
    named = [("Start", start), ("Result", result)]
    if reference is not None:
        named.append(("True", reference))
    scale = scale_of(*[m for _, m in named], name=name)
    width, height = _size(start.grid)
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
    below = ~earth.water()
    visible = values[below] if below.any() else values  # all of the model may be water
    largest = float(np.percentile(np.abs(visible), 99)) or 1.0
    _section(axes, values, earth.grid, "gray_r", -largest, largest)
    axes.set_title(title)
    _save(figure, path)


def gathers(path: Path, records: Gathers, count: int = 3) -> None:
    """Draw some shot records, from the first to the last.

    Parameters
    ----------
    path : Path
        PNG file to write.
    records : Gathers
    count : int
        Number of shots to draw, at most.
    """
    shots = np.unique(np.linspace(0, records.acquisition.shots - 1, count).round().astype(int))
    figure = Figure(figsize=(3.4 * len(shots), 4.6), layout="constrained")
    columns = figure.subplots(1, len(shots), squeeze=False, sharey=True)[0]
    for axes, shot in zip(columns, shots, strict=True):
        data = records.data[shot]
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
        x = records.acquisition.sources[shot, 0]
        axes.set_title(f"shot {shot}, x = {x / 1000:.4g} km", fontsize=9)
        axes.set_xlabel("receiver")
    columns[0].set_ylabel("time [s]")
    _save(figure, path)


def wavelet(path: Path, values: Array, interval: float, unit: str = "Pa") -> None:
    """Draw a wavelet and its spectrum.

    Parameters
    ----------
    path : Path
        PNG file to write.
    values : ndarray of shape (samples,)
        Wavelet, in the unit [Pa] in 2D, [Pa m] in 3D.
    interval : float
        Sampling interval [s].
    unit : str
    """
    figure = Figure(figsize=(7.5, 2.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    t = interval * np.arange(values.size)
    loud = np.flatnonzero(np.abs(values) > 1e-3 * np.abs(values).max())
    left.plot(t, values, lw=1.2)
    left.set_xlim(0, min(t[-1], 1.5 * t[loud[-1]] + interval))
    left.set(xlabel="time [s]", ylabel=f"amplitude [{unit}]", title="Wavelet")
    spectrum = np.abs(np.fft.rfft(values, 4 * values.size))
    frequency = np.fft.rfftfreq(4 * values.size, interval)
    right.plot(frequency, spectrum / spectrum.max(), lw=1.2)
    last = frequency[np.flatnonzero(spectrum > 1e-2 * spectrum.max())[-1]]
    right.set_xlim(0, 1.3 * last)
    right.set(xlabel="frequency [Hz]", ylabel="share of the peak", title="Amplitude spectrum")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    _save(figure, path)


def estimated(path: Path, stages: Mapping[int, tuple[Array, Array, float]]) -> None:
    """Draw the estimated wavelets of each stage over the one that it began from.

    Parameters
    ----------
    path : Path
        PNG file to write.
    stages : mapping
        By number: wavelets of shape (n_shots or 1, samples), the first guess of shape (samples,),
        and the sampling interval [s].
    """
    figure = Figure(figsize=(7.5, 2.2 * len(stages)), layout="constrained")
    rows = figure.subplots(len(stages), 1, squeeze=False)[:, 0]
    for axes, (number, (wavelets, start, interval)) in zip(rows, stages.items(), strict=True):
        t = interval * np.arange(start.size)
        axes.plot(t, start / np.abs(start).max(), "k--", lw=1, label="start (scaled)")
        largest = np.abs(wavelets).max() or 1.0
        for shot, values in enumerate(wavelets):
            label = None if shot else f"estimated, peak {largest:.3g}"
            axes.plot(
                t, values / largest, "C0", lw=1, alpha=max(0.2, 1 / len(wavelets)), label=label
            )
        loud = np.flatnonzero((np.abs(wavelets) > 1e-2 * largest).any(axis=0))
        axes.set_xlim(0, min(t[-1], 1.2 * t[loud[-1]] + interval))
        axes.set(ylabel="relative amplitude", title=f"Wavelet of stage {number}")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7, loc="upper right")
    rows[-1].set_xlabel("time [s]")
    _save(figure, path)


def convergence(path: Path, history: dict[str, Array]) -> None:
    """Draw misfit and model error against the iterations of all stages.

    Parameters
    ----------
    path : Path
        PNG file to write.
    history : dict of str to ndarray of shape (iterations,)
        Columns of the history; those of model errors are optional.
    """
    panels = [("misfit", "misfit, share of the data")]
    for column in sorted(c for c in history if c.startswith("model_error")):
        name = column.removeprefix("model_error").removeprefix("_") or "vp"
        label = (
            "relative model error" if name == "vp" else f"relative error of {WORDS.get(name, name)}"
        )
        panels.append((column, label))
    panels = [p for p in panels if p[0] in history]
    figure = Figure(figsize=(4.6 * max(1, len(panels)), 3.4), layout="constrained")
    columns = figure.subplots(1, max(1, len(panels)), squeeze=False)[0]
    for axes, (name, label) in zip(columns, panels, strict=False):
        numbers = np.arange(1, history[name].size + 1)
        for stage in np.unique(history["stage"]):
            here = history["stage"] == stage
            axes.plot(numbers[here], history[name][here], "o-", ms=3, label=f"stage {stage}")
        axes.set(xlabel="iteration", ylabel=label)
        if name == "misfit":
            axes.set_yscale("log")
        axes.grid(alpha=0.3, which="both")
        axes.legend(fontsize=7)
    _save(figure, path)


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


def _size(grid: Grid) -> tuple[float, float]:
    """Width and height [inches] that keep the proportions of a section."""
    width = 8.0
    extent = [e - o for o, e in zip(grid.origin, grid.end, strict=True)]
    return width, float(np.clip(0.82 * width * extent[-1] / extent[0], 1.6, 9.0)) + 0.7


def _figure(grid: Grid) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_size(grid), layout="constrained")
    return figure, figure.subplots()


def _model(
    figure: Figure,
    axes: Axes,
    earth: EarthModel,
    title: str,
    scale: tuple[float, float],
    name: str,
) -> None:
    picture = _section(axes, _quantity(earth, name), earth.grid, VELOCITY, *scale)
    figure.colorbar(picture, ax=axes, label=_label(name), shrink=0.9)
    axes.set_title(title)


def _quantity(earth: EarthModel, name: str) -> Array:
    values = earth.quantity(name)
    if values is None:
        there = ", ".join(earth.properties)
        raise ModelError(f"there is no `{name}` to draw; the model has {there}")
    return values


def _label(name: str) -> str:
    unit = UNITS.get(name, "")
    words = WORDS.get(name, name)
    return f"{words} [{unit}]" if unit else words


def _section(axes: Axes, values: Array, grid: Grid, colours: str, low: float, high: float) -> Any:
    """Draw a vertical section; of a 3D array, the one in the middle."""
    section = values if values.ndim == 2 else values[:, values.shape[1] // 2]
    (left, top), (right, bottom) = (grid.origin[0], grid.origin[-1]), (grid.end[0], grid.end[-1])
    axes.set(xlabel="x [km]", ylabel="depth [km]")
    return axes.imshow(
        section.T,
        cmap=colours,
        vmin=low,
        vmax=high,
        aspect="equal",
        interpolation="bilinear",
        extent=(left / 1000, right / 1000, bottom / 1000, top / 1000),
    )


def _save(figure: Figure, path: Path) -> None:
    save(figure, path, DPI)
