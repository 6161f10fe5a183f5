"""Advice where waves are too short for a grid: every number of it works when typed in."""

from __future__ import annotations

import math

from fwicli.config import schema
from fwicli.config.loader import Key
from fwicli.digits import apart, round_down
from fwicli.survey.grid import Grid
from fwicli.workflows.planning.requirements import Requirements

# Where the spectrum of a Ricker wavelet ends, relative to its peak frequency.
RICKER_END = 2.4


def too_coarse(config: schema.RunConfig, required: Requirements, needed: float) -> str:
    """Say that a grid has too few points per wavelength, and all ways out.

    Parameters
    ----------
    config : RunConfig
    required : Requirements
        Grid, slowest velocity, and frequency where the spectrum of the wavelet ends.
    needed : float
        Points per wavelength.

    Returns
    -------
    message : str
    """
    grid, slowest, highest = required.grid, required.speeds[0], required.spectrum.highest
    widest = max(grid.spacing)
    points = slowest / highest / widest
    have, need = apart(points, needed, digits=3)
    least = min(slowest, required.slowest)
    longest, allowed = round_down(least / highest / needed), slowest / widest / needed
    ways = [_finer(required.spacing_key, config.model, grid, longest)]
    ways.append(
        f"nothing above {round_down(allowed):g} Hz{_wavelet(config, allowed / highest, allowed)}"
    )
    ways.append(f"`physics.min_points_per_wavelength: {round_down(points):g}`, with its error")
    return (
        f"{have} points per wavelength at {highest:.4g} Hz, where the wavelet's spectrum ends, for "
        f"the slowest wave, {slowest:g} m/s, on a spacing of {widest:g} m; order "
        f"{config.physics.order} needs {need}: use {', or '.join(ways)}"
    )


def _finer(key: Key, model: schema.ModelSection, grid: Grid, longest: float) -> str:
    """A spacing that is short enough, and where it can be set."""
    if key[0] != "model" and (not isinstance(model.spacing, float) or longest >= model.spacing):
        return f"`{'.'.join(map(str, key))}: {longest:g}` or less"
    if isinstance(getattr(model, model.leading), float):
        shape = [
            math.ceil((n - 1) * h / longest) + 1
            for n, h in zip(grid.shape, grid.spacing, strict=True)
        ]
        return (
            f"`model.spacing: {longest:g}` or less, and for as large a model `model.shape: {shape}`"
        )
    return (
        f"a model with a spacing of {longest:g} m or less (interpolate its file: another `spacing` "
        f"alone would shrink it)"
    )


def _wavelet(config: schema.RunConfig, share: float, allowed: float) -> str:
    """The frequency of a wavelet whose spectrum ends at such a share of where it does now."""
    wavelet = getattr(config, "wavelet", None)
    if not isinstance(wavelet, schema.RickerSection) or hasattr(config, "inversion"):
        return ""
    # A spectrum that ends at the Nyquist frequency does so for many wavelets.
    frequency = min(share * wavelet.frequency, allowed / RICKER_END)
    return f", as of `wavelet.frequency: {round_down(0.97 * frequency, 2):g}`"
