"""Sizes and units that cannot be meant, found before anything is computed or allocated.

Bounds are ratios where there are two numbers to compare, so that a block of a metre with megahertz
passes as well as the earth: time steps in a sampling interval, crossings of the model by a wave.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.errors import DataError, ModelError, PhysicsError
from fwicli.propagators.sampling import stability
from fwicli.survey.signals.wavelets import LONG_INTERVAL, in_seconds

Array = NDArray[Any]

# Stable steps over sampling interval: sampling a hundred times finer than the grid allows gives
# nothing, and a thousand times is another unit.
FINEST_SAMPLING, FINE_SAMPLING = 1000, 100
# Records in seconds are rarely so long, those in milliseconds always [s].
LONG_DURATION = 100.0
# Of a record, and of the steps of a propagation: a million take hours on the smallest grid.
MOST_SAMPLES = MOST_STEPS = 1_000_000
# How often the fastest wave may cross the model within the record.
MOST_CROSSINGS, MANY_CROSSINGS = 1000, 100
# Of a sampling interval [s], even of earthquakes seen around the globe.
LONGEST_INTERVAL = 10.0
# From the wavelength of gigahertz in a microscope to a coarse globe [m]; how much the spacings of
# the axes may differ; the circumference of the earth [m], which all coordinates on it stay within.
SPACINGS, UNEQUAL, FARTHEST = (1e-8, 1e6), 1000, 1e8
# Largest values [Pa, or Pa m] of the sources of a survey, with room for any unit; beyond them the
# squares that a gradient is made of overflow or vanish in single precision.
LOUDEST, FAINTEST = 1e15, 1e-15


def check_interval(interval: float, name: str) -> None:
    """A sampling interval [s] must be one.

    Parameters
    ----------
    interval : float
        Sampling interval [s].
    name : str
        Of the data, for the message.

    Raises
    ------
    DataError
        If it is not positive, or far too long for waves.
    """
    if not (math.isfinite(interval) and interval > 0):
        raise DataError(f"{name} is sampled every {interval} s; the interval must be above 0 s")
    if interval > LONGEST_INTERVAL:
        raise DataError(
            f"{name} is sampled every {interval:g} s, too far apart for waves: "
            f"{in_seconds(interval)}give the interval in s"
        )


def check_wavelet(wavelet: Array, name: str) -> Array:
    """The wavelet, which must be finite, not zero, and of a size that waves can be computed with.

    Parameters
    ----------
    wavelet : ndarray
    name : str
        For the message.

    Returns
    -------
    wavelet : ndarray
        The same.

    Raises
    ------
    DataError
        If it does not.
    """
    if not np.isfinite(wavelet).all():
        first = int(np.flatnonzero(~np.isfinite(wavelet))[0])
        raise DataError(
            f"{name} is {wavelet.flat[first]} at sample {first}; replace values that are no "
            f"numbers (is it of another type, such as float64?)"
        )
    largest = float(np.abs(wavelet).max(initial=0.0))
    if largest == 0:
        raise DataError(f"{name} is zero, so that there are no waves")
    if not FAINTEST <= largest <= LOUDEST:
        raise DataError(
            f"{name} has a largest value of {largest:.3g} Pa (Pa m in 3D), which no source has and "
            f"single precision cannot square; scale it, or check its type (float32, float64) and "
            f"byte order"
        )
    return wavelet


def record(section: schema.TimeSection) -> tuple[float, int]:
    """Sampling interval [s] and number of samples of a record; the last is at its end or before.

    Raises
    ------
    PhysicsError
        If it has fewer than two samples, or more than can be meant.
    """
    interval, duration = section.interval, section.duration
    steps = duration / interval
    if not steps < MOST_SAMPLES:
        hint = "check the units of both, s"
        if duration > LONG_DURATION and duration / 1000 / interval < MOST_SAMPLES:
            hint = f"is the duration in ms? Then write {duration / 1000:g}"
        raise PhysicsError(
            f"a duration of {duration:g} s sampled every {interval:g} s makes {steps:.3g} samples, "
            f"more than the {MOST_SAMPLES} that a record may have: {hint}"
        )
    samples = math.floor(steps + 1e-9) + 1
    if samples < 2:
        raise PhysicsError(
            f"the record has no second sample: it ends at {duration:g} s and is sampled every "
            f"{interval:g} s; {in_seconds(interval)}make it longer"
        )
    return interval, samples


def check_steps(
    interval: float,
    samples: int,
    limit: float,
    spacing: float,
    fastest: float,
    substeps: int | None,
) -> None:
    """The time steps of a propagation must be as many as its grid and its record need.

    Parameters
    ----------
    interval : float
        Sampling interval [s].
    samples : int
        Of a record.
    limit : float
        Longest stable time step [s].
    spacing : float
        Shortest spacing of the grid [m].
    fastest : float
        Fastest wave [m/s].
    substeps : int or None
        Time steps in an interval, where the config sets them.

    Raises
    ------
    PhysicsError
        If there are too many, with the unit that is likely wrong.
    """
    ratio = interval / limit
    count = substeps or max(1, math.ceil(min(ratio, 1e300) - 1e-9))
    total = count * (samples - 1)
    if substeps is None:
        stability.check_substeps(interval, samples, count, fastest, spacing)
    check_finest(interval, limit)
    if total > MOST_STEPS:
        raise PhysicsError(
            f"{samples} samples of {count} time steps are {total:.6g} steps, more than the "
            f"{MOST_STEPS} that a run may have: shorten the record, or check its unit, s"
        )


def check_finest(interval: float, limit: float) -> None:
    """A sampling interval [s] must not be out of all proportion to the stable time step [s].

    Parameters
    ----------
    interval : float
        Sampling interval [s].
    limit : float
        Longest stable time step [s].

    Raises
    ------
    PhysicsError
        If it is far shorter.
    """
    if interval * FINEST_SAMPLING < limit:
        raise PhysicsError(
            f"an interval of {interval:g} s is {limit / interval:.3g} times shorter than the "
            f"longest stable time step, {limit:.3g} s: is the interval in another unit, or the "
            f"spacing in mm? They are in s and m"
        )


def check_sampling(
    interval: float,
    samples: int,
    limit: float,
    spacing: float,
    fastest: float,
    substeps: int | None,
) -> None:
    """An interval of data [s] must not be in another unit, before any band of theirs is judged.

    The grid is that of the model; that of a stage may be coarser.

    Parameters
    ----------
    interval : float
        Sampling interval [s].
    samples : int
        Of a record.
    limit : float
        Longest stable time step [s].
    spacing : float
        Shortest spacing of the grid [m].
    fastest : float
        Fastest wave [m/s].
    substeps : int or None
        Time steps in an interval, where the config sets them.

    Raises
    ------
    PhysicsError
        If it is far too short, or too long for more than a few time steps.
    """
    check_finest(interval, limit)
    if interval > LONG_INTERVAL:
        check_steps(interval, samples, limit, spacing, fastest, substeps)


def check_crossings(duration: float, fastest: float, lengths: Sequence[float]) -> None:
    """A record must not be out of all proportion to the model that it comes from.

    Parameters
    ----------
    duration : float
        Of a record [s].
    fastest : float
        Fastest wave [m/s].
    lengths : sequence of float
        Of the model, along every axis [m].

    Raises
    ------
    PhysicsError
        If waves could cross the model too many times.
    """
    crossings = duration * fastest / max(lengths)
    if crossings > MOST_CROSSINGS:
        hint = "the duration in ms" if crossings / 1000 > 0.1 else "the spacing in km"
        raise PhysicsError(
            f"in {duration:g} s the fastest wave, of {fastest:g} m/s, crosses the model of "
            f"{max(lengths):g} m {crossings:.6g} times: is {hint}? Durations are in s, lengths in m"
        )


def doubts(interval: float, samples: int, limit: float, length: float, fastest: float) -> list[str]:
    """Warnings of times and lengths that are possible, but hardly intended.

    Parameters
    ----------
    interval : float
        Sampling interval [s].
    samples : int
        Of a record.
    limit : float
        Longest stable time step [s].
    length : float
        Longest side of the model [m].
    fastest : float
        Fastest wave [m/s].

    Returns
    -------
    doubts : list of str
    """
    said = []
    if interval > LONG_INTERVAL:
        said.append(
            f"a sampling interval of {interval:g} s is long; {in_seconds(interval)}it is in s"
        )
    if interval * FINE_SAMPLING < limit:
        said.append(
            f"an interval of {interval:g} s is {limit / interval:.3g} times shorter than the "
            f"longest stable time step, {limit:.3g} s; check its unit, s, or sample less often"
        )
    crossings = interval * (samples - 1) * fastest / length
    if crossings > MANY_CROSSINGS:
        said.append(
            f"within the record the fastest wave crosses the model {crossings:.0f} times; check "
            f"the unit of the duration, s"
        )
    return said


def check_spacing(spacing: Sequence[float], origin: Sequence[float]) -> None:
    """Spacings and origin of a model [m] must be those of a body that waves can cross.

    Parameters
    ----------
    spacing : sequence of float
        Along every axis [m].
    origin : sequence of float
        Coordinates of the first point [m].

    Raises
    ------
    ModelError
        If they are not.
    """
    low, high = SPACINGS
    for h in spacing:
        if not low <= h <= high:
            raise ModelError(
                f"a spacing of {h:g} m is outside {low:g} to {high:g} m; check its unit, m"
            )
    if max(spacing) > UNEQUAL * min(spacing):
        raise ModelError(
            f"spacings of {', '.join(f'{h:g}' for h in spacing)} m differ more than "
            f"{UNEQUAL}-fold; check that all are in m"
        )
    for o in origin:
        if not abs(o) <= FARTHEST:
            raise ModelError(f"an origin of {o:g} m is farther than {FARTHEST:g} m; check its unit")
