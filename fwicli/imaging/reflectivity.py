"""Reflectivity of a known earth as an image would show it, to measure an image against.

At normal incidence r = (Z+ - Z-) / (Z+ + Z-), a spike midway between two points, with the impedance
Z = v rho, or the velocity v where an earth states no density rho. Each column is taken to vertical
travel time in the smooth model, convolved with the zero-phase wavelet of the data, and taken back
to depth.

A small relative change x of velocity has r = (x+ - x-) / 2. As r = tanh((ln v+ - ln v-) / 2), x is
the change of ln v. An image has reflectors where the smooth model puts their travel times. In the
velocities v exp(x), the travel time of depth z belongs to depth

    z'(z) = int_0^z exp(x) dz,

to which an image is stretched by its own x. That takes true amplitudes, vertical rays and constant
density; otherwise x is a change of impedance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.survey.model import EarthModel

Array = NDArray[Any]


def band_limited(true: EarthModel, smooth: EarthModel, wavelet: Array, interval: float) -> Array:
    """Normal-incidence reflectivity of `true` in the band of a wavelet, on the grid of both.

    Parameters
    ----------
    true, smooth : EarthModel
        The earth, with or without a density, and the smooth model that gives travel times, on one
        grid.
    wavelet : ndarray of shape (samples,) or (n_shots, samples)
        Its power spectrum shapes the reflectivity, without its phase.
    interval : float
        Its sampling interval [s].

    Returns
    -------
    ndarray of shape grid.shape
    """
    impedance = true.vp.astype(float)
    if "rho" in true.properties:
        impedance = impedance * true.properties["rho"].astype(float)
    upper, lower = impedance[..., :-1], impedance[..., 1:]
    return _shaped((lower - upper) / (lower + upper), smooth, wavelet, interval)


def of_change(
    change: Array, smooth: EarthModel, wavelet: Array, interval: float, stretched: bool = False
) -> Array:
    """Reflectivity of a small relative change of velocity or impedance, in the band of a wavelet.

    With x the change, r = (x+ - x-) / 2, which is linear in x.

    Parameters
    ----------
    change : ndarray of shape smooth.grid.shape
        x.
    smooth : EarthModel
        It gives travel times.
    wavelet : ndarray of shape (samples,) or (n_shots, samples)
        Its power spectrum shapes the reflectivity, without its phase.
    interval : float
        Its sampling interval [s].
    stretched : bool
        Whether reflectors are at depths of the velocities v exp(x), not of the smooth model. Below
        the last of them the image is zero.

    Returns
    -------
    ndarray of shape grid.shape
    """
    spikes = 0.5 * np.diff(change.astype(float), axis=-1)
    depths = stretched_depths(change, smooth.grid.spacing[-1]) if stretched else None
    return _shaped(spikes, smooth, wavelet, interval, depths)


def stretched_depths(change: Array, depth_step: float) -> Array:
    """Depths below the top of the grid to which a change of velocity moves its points [m].

    Parameters
    ----------
    change : ndarray of shape (*grid,)
        x, the change of ln v.
    depth_step : float
        Spacing along depth [m].

    Returns
    -------
    depths : ndarray of the shape of `change`
        z', which rises along the last axis.
    """
    ratio = np.exp(change.astype(float))
    steps = 0.5 * depth_step * (ratio[..., 1:] + ratio[..., :-1])
    return np.concatenate([np.zeros((*change.shape[:-1], 1)), np.cumsum(steps, axis=-1)], axis=-1)


def _shaped(
    spikes: Array,
    smooth: EarthModel,
    wavelet: Array,
    interval: float,
    shifted: Array | None = None,
) -> Array:
    """Spikes between the points, in the band of a wavelet, at the points or their new depths."""
    depth_step, depths = smooth.grid.spacing[-1], smooth.grid.shape[-1]

    n = 2 * wavelet.shape[-1]
    power = np.abs(np.fft.rfft(wavelet, n)) ** 2
    if power.ndim > 1:
        power = power.mean(axis=0)
    frequencies = np.fft.rfftfreq(n, interval)
    result = np.zeros((spikes.size // (depths - 1), depths))
    pairs = zip(spikes.reshape(-1, depths - 1), smooth.vp.reshape(-1, depths), strict=True)
    for column, (r, v) in enumerate(pairs):
        times = np.concatenate([[0.0], np.cumsum(depth_step / v[:-1] + depth_step / v[1:])])
        step = np.diff(times).min() / 2
        even = np.arange(0, times[-1] + step, step)
        # Spikes spread over two samples keep their size and their place.
        place = 0.5 * (times[:-1] + times[1:]) / step
        left = np.floor(place).astype(int)
        series = np.zeros(even.size + 1)
        np.add.at(series, left, r * (1 - (place - left)))
        np.add.at(series, left + 1, r * (place - left))
        length = 2 * series.size
        spectrum = np.interp(np.fft.rfftfreq(length, step), frequencies, power / power.max())
        shaped = np.fft.irfft(np.fft.rfft(series, length) * spectrum, length)[: series.size]
        if shifted is not None:
            columns = shifted.reshape(-1, depths)
            times = np.interp(depth_step * np.arange(depths), columns[column], times, right=np.inf)
        result[column] = np.interp(times, step * np.arange(series.size), shaped, right=0.0)
    return result.reshape(smooth.vp.shape)


def correlation(image: Array, reference: Array, where: NDArray[np.bool_]) -> float | None:
    """Correlation coefficient of two images at some points; None where one of them is constant.

    Parameters
    ----------
    image : ndarray of shape (*grid,)
    reference : ndarray of shape (*grid,)
        Image that it is compared with.
    where : ndarray of bool, shape (*grid,)
        Points that count.

    Returns
    -------
    float or None
    """
    if not where.any():
        return None
    a, b = image[where].astype(float), reference[where].astype(float)
    a, b = a - a.mean(), b - b.mean()
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return float(np.vdot(a, b) / size) if size > 0 else None
