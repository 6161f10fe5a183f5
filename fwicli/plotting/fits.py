"""Pictures of the fit of synthetic to observed records: misfits, maps, spectra and gathers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.quality.comparison import ComparedShot
from fwicli.inversion.quality.data_fit import DataFit
from fwicli.plotting import lengths
from fwicli.plotting.encoding import compact, vector
from fwicli.plotting.quality import OBSERVED, SYNTHETIC
from fwicli.plotting.style import Axes, Figure
from fwicli.survey.components import PRESSURE

Array = NDArray[Any]

DPI = 110
# The misfit of a `DataFit` is one of norms, that of a run may be one of squares.
RATIO = "norm of the difference / of the data"
# Colour of classes without a trace; lowest level of spectra [dB].
EMPTY, LOWEST = "0.85", -50.0
# Powers of ten of the colour scale of misfits, at most.
DECADES = 4
# Colours of the models that are compared, in their order.
COLOURS = ("0.45", SYNTHETIC)


@dataclass(frozen=True)
class Curve:
    """An amplitude spectrum.

    Parameters
    ----------
    label : str
    frequencies, power : ndarray of shape (n,)
        [Hz], and squared amplitude of any unit.
    """

    label: str
    frequencies: Array
    power: Array


@dataclass(frozen=True)
class MapStyle:
    """Colours of a map by frequency and offset.

    Parameters
    ----------
    colours : str
        Name of a colour map.
    low, high : float
        Ends of the scale.
    label : str
        Of the scale, with its unit.
    """

    colours: str
    low: float
    high: float
    label: str


CORRELATION = MapStyle("RdYlBu", -1.0, 1.0, "correlation at lag zero")
PHASE = MapStyle("twilight_shifted", -np.pi, np.pi, "phase residual [rad]")


def misfit(fits: Mapping[str, DataFit]) -> bytes:
    """Misfit by shot and offset, a map for each model, and by offset, a curve for each.

    Parameters
    ----------
    fits : mapping of str to DataFit
        By the name of the model, in the same classes.

    Returns
    -------
    picture : bytes
        PNG.
    """
    unit = lengths.unit_for([fit.classes.offsets for fit in fits.values()])
    figure = Figure(figsize=(4.2 * (len(fits) + 1), 3.6), layout="constrained")
    panels = figure.subplots(1, len(fits) + 1, squeeze=False)[0]
    maps = {name: fit.by_shot_and_offset for name, fit in fits.items()}
    scale = _logarithmic(np.concatenate([values.ravel() for values in maps.values()]))
    picture: Any = None
    for axes, (name, values) in zip(panels, maps.items(), strict=False):
        fit = fits[name]
        edges = fit.classes.offsets / unit.size
        rows = np.arange(len(fit.shots) + 1) - 0.5
        picture = axes.pcolormesh(edges, rows, values, cmap="viridis_r", norm=scale)
        axes.set_facecolor(EMPTY)
        axes.set_yticks(range(len(fit.shots)), [str(s.shot) for s in fit.shots])
        axes.invert_yaxis()
        axes.set(xlabel=unit.label("offset"), ylabel="shot", title=f"{name}: {fit.misfit:.3g}")
    figure.colorbar(picture, ax=panels[len(fits) - 1], label=RATIO)
    last = panels[-1]
    for (name, fit), colour in zip(fits.items(), COLOURS, strict=False):
        middle = 0.5 * (fit.classes.offsets[1:] + fit.classes.offsets[:-1]) / unit.size
        last.plot(middle, fit.by_offset, "o-", ms=3, color=colour, label=name)
    last.set(xlabel=unit.label("offset"), ylabel=RATIO, title="All shots")
    last.set_yscale("log")
    last.grid(alpha=0.3, which="both")
    last.legend(fontsize=8)
    return compact(figure, DPI)


def _logarithmic(values: Array) -> Any:
    """A logarithmic colour scale over at most `DECADES` below the largest value."""
    from matplotlib.colors import LogNorm

    positive = values[np.isfinite(values) & (values > 0)]
    largest = float(positive.max()) if positive.size else 1.0
    smallest = max(float(positive.min()) if positive.size else 0.1, largest * 10.0**-DECADES)
    return LogNorm(smallest if smallest < largest else 0.5 * largest, largest, clip=True)


def maps(fits: Mapping[str, DataFit], quantity: str, style: MapStyle) -> bytes:
    """A quantity by frequency and offset, a map for each model.

    Parameters
    ----------
    fits : mapping of str to DataFit
        By the name of the model, in the same classes.
    quantity : {"correlation", "phase", "common_phase", "coherence"}
        Attribute of the fits.
    style : MapStyle

    Returns
    -------
    picture : bytes
        PNG.
    """
    unit = lengths.unit_for([fit.classes.offsets for fit in fits.values()])
    figure = Figure(figsize=(0.8 + 4.6 * len(fits), 3.6), layout="constrained")
    panels = figure.subplots(1, len(fits), squeeze=False, sharey=True)[0]
    picture: Any = None
    for axes, (name, fit) in zip(panels, fits.items(), strict=True):
        picture = axes.pcolormesh(
            fit.classes.offsets / unit.size,
            fit.classes.bands,
            getattr(fit, quantity),
            cmap=style.colours,
            vmin=style.low,
            vmax=style.high,
        )
        axes.set_facecolor(EMPTY)
        axes.set(xlabel=unit.label("offset"), title=name)
    panels[0].set_ylabel("frequency [Hz]")
    bar = figure.colorbar(picture, ax=list(panels), label=style.label)
    if style is PHASE:
        bar.set_ticks(
            [-np.pi, -np.pi / 2, 0, np.pi / 2, np.pi], labels=["-π", "-π/2", "0", "π/2", "π"]
        )
    return compact(figure, DPI)


def spectra(curves: Sequence[Curve], band: tuple[float, float] | None) -> bytes:
    """Amplitude spectra, each relative to its peak.

    Parameters
    ----------
    curves : sequence of Curve
    band : tuple of float or None
        Lowest and highest frequency of the band [Hz], which is marked.

    Returns
    -------
    picture : bytes
        SVG.
    """
    figure = Figure(figsize=(8.0, 3.4), layout="constrained")
    axes, last = figure.subplots(), 0.0
    fixed = {"observed": OBSERVED, "observed, all frequencies": "0.8", "wavelet": "tab:green"}
    models = iter(COLOURS)
    for curve in curves:
        if not curve.power.any():
            continue
        with np.errstate(divide="ignore"):
            level = 10 * np.log10(curve.power / curve.power.max())
        loud = curve.frequencies[level > LOWEST / 2]
        last = max(last, float(loud[-1]))
        colour = fixed.get(curve.label) or next(models, "k")
        style = "--" if curve.label == "wavelet" else "-"
        # Broad and below the others, which may cover it.
        width = 3.0 if curve.label == "observed" else 1.2
        axes.plot(
            curve.frequencies,
            np.maximum(level, 2 * LOWEST),
            style,
            color=colour,
            lw=width,
            label=curve.label,
        )
    if band is not None:
        axes.axvspan(*band, color="0.93", zorder=0)
    axes.set_xlim(0, 1.3 * last or None)
    axes.set_ylim(LOWEST, 3)
    axes.set(xlabel="frequency [Hz]", ylabel="amplitude below its peak [dB]")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return vector(figure)


def gathers(shots: Sequence[Mapping[str, ComparedShot]]) -> bytes:
    """Records of some shots: observed, synthetic in each model, and the last difference.

    Parameters
    ----------
    shots : sequence of mapping of str to ComparedShot
        For each shot, by the name of the model.

    Returns
    -------
    picture : bytes
        PNG.
    """
    count = len(shots[0]) + 2
    figure = Figure(figsize=(3.1 * count, 3.3 * len(shots)), layout="constrained")
    rows = figure.subplots(len(shots), count, squeeze=False, sharey=True)
    for row, models in zip(rows, shots, strict=True):
        last = list(models.values())[-1]
        panels = [("observed", last.observed)]
        panels += [(name, compared.synthetic) for name, compared in models.items()]
        panels.append((f"observed minus {list(models)[-1]}", last.observed - last.synthetic))
        largest = float(np.percentile(np.abs(last.observed), 98)) or 1.0
        for axes, (name, gather) in zip(row, panels, strict=True):
            _gather(axes, gather, last, largest)
            axes.set_title(name, fontsize=9)
        component = last.component
        of = "" if component == PRESSURE else f", {component.name} [{component.unit}]"
        row[0].set_ylabel(f"shot {last.shot}{of}: time [s]")
    for axes in rows[-1]:
        axes.set_xlabel("compared trace")
    return compact(figure, DPI)


def _gather(axes: Axes, gather: Array, compared: ComparedShot, largest: float) -> None:
    axes.imshow(
        gather.T,
        cmap="gray_r",
        vmin=-largest,
        vmax=largest,
        aspect="auto",
        interpolation="antialiased",
        extent=(-0.5, len(gather) - 0.5, compared.interval * (gather.shape[1] - 1), 0),
    )
