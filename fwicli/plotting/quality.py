"""Picture of the quality control of a shot: observed and synthetic records, and how they differ."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.quality.comparison import ComparedShot
from fwicli.plotting import lengths, pictures
from fwicli.plotting.style import Axes, Figure, save

Array = NDArray[Any]

OBSERVED, SYNTHETIC = "tab:blue", "tab:red"
# Traces of a stripe of the interleaved picture, at least, and stripes at most.
STRIPE, STRIPES = 2, 24
# Traces that are drawn as curves, and the lowest level of spectra [dB].
CURVES, LOWEST = 5, -40.0
# Quantity of axes.
DISTANCE = "distance from the source"


@dataclass(frozen=True)
class Wavelets:
    """Wavelet of a shot.

    Attributes
    ----------
    whole, in_band : ndarray of shape (samples,)
        As it is, and in the band of the comparison.
    unit : str
        Of both.
    """

    whole: Array
    in_band: Array
    unit: str


def shot(path: Path, compared: ComparedShot, raw: Array, wavelets: Wavelets, title: str) -> None:
    """Draw a shot: records, their difference, first arrivals, spectra, wavelet.

    Parameters
    ----------
    path : Path
        PNG file to write.
    compared : ComparedShot
    raw : ndarray of shape (n_receivers, samples)
        The observed traces at all frequencies [Pa].
    wavelets : Wavelets
    title : str
    """
    figure = Figure(figsize=(15.0, 12.0), layout="constrained")
    panels = figure.subplots(3, 3)
    _records(panels[0], compared)
    _interleaved(panels[1, 0], compared)
    _arrivals(panels[1, 1], compared)
    _lags(panels[1, 2], compared)
    _spectra(panels[2, 0], compared, raw)
    _curves(panels[2, 1], compared)
    _wavelet(panels[2, 2], wavelets, compared.interval)
    figure.suptitle(title)
    save(figure, path, pictures.DPI)


def _largest(compared: ComparedShot) -> float:
    """Amplitude at which the grey scale of all records ends [Pa]."""
    return float(np.percentile(np.abs(compared.observed), 98)) or 1.0


def _gather(axes: Axes, compared: ComparedShot, gather: Array, title: str) -> None:
    largest, end = _largest(compared), compared.interval * (gather.shape[1] - 1)
    count = len(gather)
    axes.imshow(
        gather.T,
        cmap="gray_r",
        vmin=-largest,
        vmax=largest,
        aspect="auto",
        interpolation="nearest",
        extent=(-0.5, count - 0.5, end, 0),
    )
    axes.set(xlabel="compared trace", ylabel="time [s]", title=title)


def _records(row: Any, compared: ComparedShot) -> None:
    """Observed, synthetic, and their difference, on one grey scale, with the picked onsets."""
    onsets = compared.onsets
    named = (
        (row[0], compared.observed, "Observed", onsets[0], OBSERVED),
        (row[1], compared.synthetic, "Synthetic", onsets[1], SYNTHETIC),
    )
    for axes, gather, name, times, colour in named:
        _gather(axes, compared, gather, name)
        axes.plot(np.arange(len(times)), times, ".", ms=3, color=colour, label="first arrival")
        axes.legend(fontsize=7, loc="lower right")
    _gather(row[2], compared, compared.observed - compared.synthetic, "Observed minus synthetic")


def _interleaved(axes: Axes, compared: ComparedShot) -> None:
    """Stripes of observed and synthetic traces in turn."""
    count = len(compared.observed)
    width = max(STRIPE, -(-count // STRIPES))
    synthetic = (np.arange(count) // width) % 2 == 1
    both = np.where(synthetic[:, None], compared.synthetic, compared.observed)
    _gather(axes, compared, both, f"Observed and synthetic in turn, {width} traces each")
    for edge in np.arange(width, count, width):
        axes.axvline(edge - 0.5, color="tab:orange", lw=0.4)


def _arrivals(axes: Axes, compared: ComparedShot) -> None:
    """Picked onsets against distance."""
    unit = lengths.unit_for(compared.distance)
    for times, colour, name in zip(
        compared.onsets, (OBSERVED, SYNTHETIC), ("observed", "synthetic"), strict=True
    ):
        axes.plot(
            compared.distance / unit.size, times, ".", ms=4, color=colour, alpha=0.7, label=name
        )
    axes.set(xlabel=unit.label(DISTANCE), ylabel="time [s]", title="First arrivals")
    axes.invert_yaxis()
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)


def _lags(axes: Axes, compared: ComparedShot) -> None:
    """Lag of the compared first arrivals against distance, in polarity."""
    traces, rows = compared.traces, compared.compared
    lags = traces.cycles / compared.frequency
    half, unit = 0.5 / compared.frequency, lengths.unit_for(compared.distance)
    for sign, colour, name in ((1, "0.2", "same polarity"), (-1, SYNTHETIC, "reversed")):
        these = rows & (np.sign(traces.correlation) == sign)
        x = compared.distance[these] / unit.size
        axes.plot(x, lags[these], ".", ms=4, color=colour, label=name)
    for edge in (-half, half):
        axes.axhline(edge, color="tab:red", lw=1, ls="--")
    axes.axhline(0, color="0.6", lw=0.8)
    reach = max(1.2 * half, 1.1 * float(np.abs(lags[rows]).max(initial=0.0)))
    axes.set_ylim(-reach, reach)
    text = f"{int(rows.sum())} of {len(rows)} traces compared; dashes: half a cycle"
    axes.set(xlabel=unit.label(DISTANCE), ylabel="observed later by [s]", title=text)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)


def _spectra(axes: Axes, compared: ComparedShot, raw: Array) -> None:
    """Amplitude spectra of all traces together, relative to the largest of each."""
    curves = (
        (raw, "0.6", "observed, all frequencies", 1.0),
        (compared.observed, OBSERVED, "observed", 1.4),
        (compared.synthetic, SYNTHETIC, "synthetic", 1.4),
    )
    last = 0.0
    for gather, colour, name, width in curves:
        amplitude = np.sqrt((np.abs(np.fft.rfft(gather.astype(np.float64))) ** 2).sum(axis=0))
        if not amplitude.any():
            continue
        frequencies = np.fft.rfftfreq(gather.shape[-1], compared.interval)
        with np.errstate(divide="ignore"):
            level = 20 * np.log10(amplitude / amplitude.max())
        axes.plot(frequencies, level, color=colour, lw=width, label=name)
        last = max(last, float(frequencies[np.flatnonzero(level > LOWEST / 2)[-1]]))
    axes.set_xlim(0, 1.5 * last or None)
    axes.set_ylim(LOWEST, 3)
    axes.set(
        xlabel="frequency [Hz]", ylabel="amplitude below its peak [dB]", title="Amplitude spectra"
    )
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)


def _curves(axes: Axes, compared: ComparedShot) -> None:
    """Some traces as curves, from the nearest to the farthest, each scaled by itself."""
    order = np.argsort(compared.distance, kind="stable")
    picks = np.unique(np.linspace(0, len(order) - 1, CURVES).round().astype(int))
    t = compared.interval * np.arange(compared.observed.shape[1])
    for row, trace in enumerate(order[picks]):
        largest = float(np.abs(compared.observed[trace]).max()) or 1.0
        for gather, colour, name in (
            (compared.observed, OBSERVED, "observed"),
            (compared.synthetic, SYNTHETIC, "synthetic"),
        ):
            values = row - 0.45 * gather[trace] / largest
            axes.plot(t, values, color=colour, lw=0.9, label=None if row else name)
    unit = lengths.unit_for(compared.distance)
    distances = compared.distance[order[picks]] / unit.size
    axes.set_yticks(range(len(picks)), [f"{distance:.3g}" for distance in distances])
    axes.set(
        xlabel="time [s]",
        ylabel=unit.label(DISTANCE),
        title="Traces, each relative to its observed peak",
        ylim=(len(picks), -1),
    )
    axes.legend(fontsize=7, loc="upper right")


def _wavelet(axes: Axes, wavelets: Wavelets, interval: float) -> None:
    """The wavelet, at all frequencies and in the band."""
    curves = ((wavelets.whole, "0.6", "all frequencies"), (wavelets.in_band, "k", "in the band"))
    last = 0
    for values, colour, name in curves:
        largest = float(np.abs(values).max()) or 1.0
        t = interval * np.arange(values.size)
        axes.plot(
            t,
            values / largest,
            color=colour,
            lw=1.3,
            label=f"{name}, peak {largest:.3g} {wavelets.unit}",
        )
        last = max(last, int(np.flatnonzero(np.abs(values) > 0.02 * largest)[-1]))
    axes.set_xlim(0, 1.2 * interval * max(last, 1))
    axes.set(xlabel="time [s]", ylabel="amplitude relative to its peak", title="Wavelet")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
