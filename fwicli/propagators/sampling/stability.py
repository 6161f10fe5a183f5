"""Grid spacing and time step: stability limit and points per wavelength.

A second difference with the weights c_0, ..., c_N on a grid of spacing h (see `stencils`) has the
largest eigenvalue s / h**2 with s = 4 sum of c_k over odd k (the highest frequency the grid can
hold). Leap-frog time stepping of u_tt = v**2 laplacian(u) is stable for

    dt <= 2 / (v_max sqrt(sum over axes of s / h**2))

(Courant, Friedrichs and Lewy, 1928; Etgen, 2007, SEG expanded abstracts).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from fwicli import scalars
from fwicli.digits import apart, round_down
from fwicli.errors import StabilityError
from fwicli.propagators.equations.stencils import Stencil
from fwicli.survey.signals.wavelets import in_seconds

# The limit holds for the interior; the absorbing layer takes a little of it.
SAFETY = 0.98
# Survey samples are a few to a few tens of stable steps apart; grids of 1 m under records of 4 ms
# come to 20. More are a matter of units (1700 and more where ms are taken for s).
MOST_SUBSTEPS = 100
# No solid is faster [m/s]: twice the velocity of diamond.
FASTEST = 36e3


def stable_step(vp_max: float, spacing: Sequence[float], order: int | Stencil) -> float:
    """Largest stable time step [s] for a velocity [m/s] and grid spacings [m].

    Parameters
    ----------
    vp_max : float
        Velocity of the fastest wave [m/s].
    spacing : tuple of float
        Grid spacing along every axis [m].
    order : int or Stencil
        Order of the space differences, or their stencil.

    Returns
    -------
    float
    """
    largest = Stencil.of(order).largest_square
    return SAFETY * 2 / (vp_max * math.sqrt(sum(largest / h**2 for h in spacing)))


def points_per_wavelength(vp_min: float, frequency: float, spacing: Sequence[float]) -> float:
    """Grid points in the shortest wavelength at a frequency [Hz].

    Parameters
    ----------
    vp_min : float
        Velocity of the slowest wave [m/s].
    frequency : float
        [Hz]
    spacing : tuple of float
        Grid spacing along every axis [m].

    Returns
    -------
    float
    """
    return vp_min / frequency / max(spacing)


def velocity_error(points: float, order: int | Stencil) -> float:
    """Relative error of the phase velocity along an axis, by points per wavelength.

    The differences see the wavenumber k as K, K**2 = -(c_0 + 2 sum_n c_n cos(n k h)) / h**2, and
    the wave travels K / k times as fast, time stepping aside.

    Parameters
    ----------
    points : float
        Points per wavelength.
    order : int or Stencil
        Order of the space differences, or their stencil.

    Returns
    -------
    float
    """
    centre, *others = Stencil.of(order).second
    angle = 2 * math.pi / points
    effective = -centre - 2 * sum(c * math.cos(n * angle) for n, c in enumerate(others, start=1))
    return abs(math.sqrt(max(effective, 0.0)) / angle - 1)


@cache
def fewest_points(order: int | Stencil, error: float = 0.01) -> float:
    """Points per wavelength from which on the velocity error is at most `error`, by bisection.

    Parameters
    ----------
    order : int or Stencil
        Order of the space differences, or their stencil.
    error : float
        Relative error of the velocity; that of optimised weights stays at `stencils.ERROR`.

    Returns
    -------
    float
    """
    low, high = 2.0, 100.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if velocity_error(middle, order) > error else (low, middle)
    return high


def default_points(stencil: Stencil) -> float:
    """Points per wavelength that a run has, unless the config says otherwise.

    Parameters
    ----------
    stencil : Stencil

    Returns
    -------
    float
        With Taylor's weights, the error falls to 1 % there, and quickly beyond it; optimised ones
        may have 0.1 %, as their error is not much less for longer waves.
    """
    return fewest_points(stencil, 0.001 if stencil.optimised else 0.01)


@dataclass(frozen=True)
class TimeAxis:
    """Recorded samples and the finer time steps of the propagation.

    Parameters
    ----------
    interval : float
        Sampling interval of the survey [s].
    samples : int
        Number of recorded samples; the first is t = 0.
    substeps : int
        Propagation steps in one recorded interval.
    corrected : bool
        Whether the dispersion of the time stepping is removed (see `dispersion`).

    Raises
    ------
    StabilityError
        If the interval is not positive, or there are no samples or substeps.
    """

    interval: float
    samples: int
    substeps: int = 1
    corrected: bool = True

    def __post_init__(self) -> None:
        numbers: dict[str, float] = {
            "interval": scalars.positive("the interval", self.interval, " [s]", StabilityError),
            "samples": scalars.whole("the number of samples", self.samples, 1, StabilityError),
            "substeps": scalars.whole("`substeps`", self.substeps, 1, StabilityError),
        }
        for name, number in numbers.items():
            object.__setattr__(self, name, number)

    @property
    def step(self) -> float:
        """Propagation time step [s]."""
        return self.interval / self.substeps

    @property
    def duration(self) -> float:
        """Time of the last recorded sample [s]."""
        return self.interval * (self.samples - 1)


def check_order(order: Any) -> int:
    """The order of the space differences.

    Raises
    ------
    StabilityError
        If it is not even, or below 4.
    """
    number = scalars.whole("the order", order, 4, StabilityError)
    if number % 2:
        raise StabilityError(
            f"the order is {order}; that of differences is even: give {number + 1}"
        )
    return number


def fastest_allowed(of_model: float, asked_for: float | None) -> float:
    """Velocity that the time step has to allow [m/s].

    Parameters
    ----------
    of_model : float
        Of the fastest wave [m/s].
    asked_for : float or None
        [m/s]

    Returns
    -------
    float

    Raises
    ------
    StabilityError
        If less is asked for than the model has.
    """
    if asked_for is None:
        return of_model
    fastest = scalars.positive("`fastest`", asked_for, " [m/s]", StabilityError)
    if fastest < of_model:
        raise StabilityError(
            f"`fastest` is {fastest:g} m/s, and the model has waves of {of_model:g} m/s; give at "
            f"least that"
        )
    return fastest


def check_substeps(
    interval: float, samples: int, substeps: int, fastest: float, spacing: float
) -> None:
    """Refuse more time steps in an interval than come of times, lengths and velocities in SI units.

    Parameters
    ----------
    interval : float
        Sampling interval [s].
    samples : int
        Number of samples.
    substeps : int
        Fewest stable steps in it, on a grid of `spacing` [m] for the `fastest` wave [m/s].
    fastest : float
        Velocity of the fastest wave [m/s].
    spacing : float
        Smallest grid spacing [m].

    Raises
    ------
    StabilityError
        With the unit that is likely wrong.
    """
    if substeps <= MOST_SUBSTEPS:
        return
    hint = in_seconds(interval) or "is the spacing in km? Else "
    if fastest > FASTEST:
        hint = "no rock is so fast, check the unit of vp; else "
    error = StabilityError(
        f"an interval of {interval:g} s takes {substeps:.6g} time steps at vp = {fastest:g} m/s on "
        f"a spacing of {spacing:g} m, {substeps * (samples - 1):.6g} in all; more than "
        f"{MOST_SUBSTEPS} come of a wrong unit: {hint}set `physics.substeps: {substeps}` (in "
        f"Python `substeps={substeps}`) if all is meant"
    )
    error.substeps = substeps
    raise error


def time_axis(
    interval: float,
    samples: int,
    vp_max: float,
    spacing: Sequence[float],
    order: int | Stencil,
    substeps: int | None = None,
    corrected: bool = True,
) -> TimeAxis:
    """Time axis with the fewest stable substeps, or with those asked for.

    Parameters
    ----------
    interval : float
        Sampling interval [s].
    samples : int
        Number of samples.
    vp_max : float
        Velocity of the fastest wave [m/s].
    spacing : sequence of float
        Grid spacing along every axis [m].
    order : int or Stencil
        Order of the space differences, or their stencil.
    substeps : int, optional
        Time steps in an interval; by default the fewest that are stable.
    corrected : bool
        Whether the dispersion of the time stepping is removed.

    Returns
    -------
    TimeAxis

    Raises
    ------
    StabilityError
        If `substeps` are given and too few, or not given and so many that a unit must be wrong; or
        if a number is impossible.
    """
    interval = scalars.positive("the interval", interval, " [s]", StabilityError)
    samples = scalars.whole("the number of samples", samples, 1, StabilityError)
    vp_max = scalars.positive("`vp_max`", vp_max, " [m/s]", StabilityError)
    stencil = order if isinstance(order, Stencil) else Stencil(check_order(order))
    if not isinstance(spacing, Sequence | np.ndarray) or len(spacing) not in (2, 3):
        raise StabilityError(
            f"`spacing` is {spacing!r}; give that of each axis, as (10.0, 10.0) [m]"
        )
    spacing = [scalars.positive("`spacing`", h, " [m]", StabilityError) for h in spacing]
    if substeps is not None:
        substeps = scalars.whole("`substeps`", substeps, 1, StabilityError)
    limit = stable_step(vp_max, spacing, stencil)
    needed = max(1, math.ceil(interval / limit - 1e-9))
    if substeps is None:
        check_substeps(interval, samples, needed, vp_max, min(spacing))
        return TimeAxis(interval, samples, needed, corrected)
    if substeps < needed:
        step, most = apart(interval / substeps, round_down(limit))
        error = StabilityError(
            f"time step {step} s is unstable: at vp_max = {vp_max:g} m/s and "
            f"spacing {min(spacing):g} m it must be at most {most} s; set "
            f"`physics.substeps: {needed}` or more"
        )
        error.substeps = needed
        raise error
    return TimeAxis(interval, samples, substeps, corrected)


def sample_count(dt: float, samples: int | None, duration: float | None) -> int:
    """Number of samples of a record, of which that or its duration is given.

    Parameters
    ----------
    dt : float
        Sampling interval [s].
    samples : int or None
    duration : float or None
        [s]

    Returns
    -------
    int

    Raises
    ------
    StabilityError
        If both are given or none, or one is not positive.
    """
    if (samples is None) == (duration is None):
        raise StabilityError("give either `samples` of a record, or its `duration` [s]")
    if samples is not None:
        return scalars.whole("`samples`", samples, 1, StabilityError)
    dt = scalars.positive("`dt`", dt, " [s]", StabilityError)
    length = scalars.positive("`duration`", duration, " [s]", StabilityError)
    return round(length / dt) + 1
