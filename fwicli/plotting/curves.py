"""Curves of a run: convergence, wavelets, and spectra of records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.plotting.style import Figure, words_of

Array = NDArray[Any]

# Lowest level of a spectrum [dB].
LOWEST = -60.0


def wavelet(values: Array, interval: float, unit: str = "Pa") -> Figure:
    """Draw a wavelet and its spectrum, or those of all shots over each other.

    Parameters
    ----------
    values : ndarray of shape (samples,) or (n_shots, samples)
        In the unit [Pa] in 2D, [Pa m] in 3D.
    interval : float
        Sampling interval [s].
    unit : str

    Returns
    -------
    figure : Figure
    """
    figure = Figure(figsize=(7.5, 2.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    shots = np.atleast_2d(values)
    size, alpha = shots.shape[1], max(0.1, 1 / len(shots))
    t = interval * np.arange(size)
    loud = np.flatnonzero((np.abs(shots) > 1e-3 * np.abs(shots).max()).any(axis=0))
    left.plot(t, shots.T, "C0", lw=1.2, alpha=alpha)
    left.set_xlim(0, min(t[-1], 1.5 * t[loud[-1]] + interval))
    title = "Wavelet" if len(shots) == 1 else f"Wavelets of {len(shots)} shots"
    left.set(xlabel="time [s]", ylabel=f"amplitude [{unit}]", title=title)
    spectrum = np.abs(np.fft.rfft(shots, 4 * size))
    frequency = np.fft.rfftfreq(4 * size, interval)
    right.plot(frequency, spectrum.T / spectrum.max(), "C0", lw=1.2, alpha=alpha)
    last = frequency[np.flatnonzero((spectrum > 1e-2 * spectrum.max()).any(axis=0))[-1]]
    right.set_xlim(0, 1.3 * last)
    right.set(xlabel="frequency [Hz]", ylabel="share of the peak", title="Amplitude spectrum")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    return figure


def estimated(stages: Mapping[int, tuple[Array, Array, float]]) -> Figure:
    """Draw the estimated wavelets of each stage over the one that it began from.

    Parameters
    ----------
    stages : mapping
        By number: wavelets of shape (n_shots or 1, samples), the first guess of shape (samples,),
        and the sampling interval [s].

    Returns
    -------
    figure : Figure
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
        axes.set_xlabel("time [s]")  # stages differ in their times
    return figure


def convergence(history: dict[str, Array]) -> Figure:
    """Draw misfit and model error against the iterations of all stages.

    Parameters
    ----------
    history : dict of str to ndarray of shape (iterations,)
        Columns of the history; those of model errors are optional.

    Returns
    -------
    figure : Figure
    """
    from matplotlib.ticker import MaxNLocator  # late: `style` reads Matplotlib's settings

    panels = [("misfit", "misfit, share of the data")]
    for column in sorted(c for c in history if c.startswith("model_error")):
        name = column.removeprefix("model_error").removeprefix("_") or "vp"
        label = "relative model error" if name == "vp" else f"relative error of {words_of(name)}"
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
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if name == "misfit":
            axes.set_yscale("log")
        axes.grid(alpha=0.3, which="both")
        axes.legend(fontsize=7)
    return figure


def spectra(levels: Mapping[str, tuple[Array, Array]], title: str) -> Figure:
    """Draw amplitude spectra, each below its own peak.

    Parameters
    ----------
    levels : mapping
        By name of the curve: frequencies [Hz], and amplitudes.
    title : str

    Returns
    -------
    figure : Figure
    """
    figure = Figure(figsize=(7.0, 4.0), layout="constrained")
    axes, last = figure.subplots(), 0.0
    for name, (frequencies, amplitude) in levels.items():
        with np.errstate(divide="ignore"):
            level = 20 * np.log10(amplitude / (amplitude.max() or 1.0))
        axes.plot(frequencies, level, lw=1.2, label=name)
        loud = frequencies[level > LOWEST / 2]
        last = max(last, float(loud[-1]) if loud.size else 0.0)
    axes.set_xlim(0, 1.5 * last or None)
    axes.set_ylim(LOWEST, 3)
    axes.set(xlabel="frequency [Hz]", ylabel="amplitude below its peak [dB]", title=title)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    return figure
