"""Observed against synthetic first arrivals of shots: time zero, polarity, and positions.

A starting model is wrong, so that arrivals differ for its sake: little next to the source, and more
with distance, but as a smooth function of it. Faults of records show otherwise:

    time zero   arrivals next to the source are as late as all others
    polarity    arrivals next to the source correlate negatively
    positions   arrivals scatter, and scatter less with exchanged axes, or depths of opposite sign

Scatter is the mean over traces of min(1, |lag - median lag| / half a cycle), and 1 for a trace
whose arrival is not the same event in both. It is taken over those traces that are the same event
for at least one of the positions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.conditioning.first_arrivals import pick_onsets
from fwicli.inversion.quality.diagnosis import ALIKE, ArrivalComparison, Diagnosis, compare, stacked
from fwicli.inversion.quality.faults import Fault
from fwicli.inversion.quality.moveout import FirstArrivals, arrivals
from fwicli.survey.components import PRESSURE, Component

Array = NDArray[Any]

# Share of the compared traces that are near to the source, and the fewest of them.
NEAR, FEWEST = 0.25, 4
# Common lag [cycles of the band] that is a fault, and the largest range of 80 % of near lags.
LATE, RANGE = 0.15, 0.4
# Errors of travel times that a starting model may have, relative to them: of those to the nearest
# receivers, and between receivers.
UNSURE, UNEVEN = 0.07, 0.03
# Share of near arrivals of opposite polarity that is a fault.
REVERSED = 0.75
# Scatter at which positions are doubted, and share of it that is left at the right ones.
SCATTER, LEFT = 0.1, 0.6


@dataclass(frozen=True)
class ComparedShot:
    """Observed and synthetic traces of a shot, in one band.

    Parameters
    ----------
    shot : int
        Number in the survey.
    distance : ndarray of shape (n_receivers,)
        From the source [m].
    observed, synthetic : ndarray of shape (n_receivers, samples)
        In the unit of the component.
    interval : float
        Sampling interval [s].
    frequency : float
        Centre of the band [Hz].
    component : Component
        Of all these traces; other components of the shot are compared by themselves.
    begin : float, optional
        Onset of the wavelet in the band [s]; without it, travel times are not known.
    """

    shot: int
    distance: Array
    observed: Array
    synthetic: Array
    interval: float
    frequency: float
    component: Component = PRESSURE
    begin: float = float("nan")

    @cached_property
    def traces(self) -> ArrivalComparison:
        """First arrivals, trace by trace."""
        return compare(self.synthetic, self.observed, self.interval, self.frequency)

    @cached_property
    def compared(self) -> NDArray[np.bool_]:
        """Traces whose first arrivals are the same event."""
        return np.asarray(Diagnosis(stacked([self.traces]), self.frequency).reliable[0])

    @cached_property
    def observed_arrivals(self) -> FirstArrivals:
        """Onsets of the observed traces."""
        return arrivals(self.observed, self.distance, self.interval, self.frequency)

    @cached_property
    def synthetic_arrivals(self) -> FirstArrivals:
        """Onsets of the synthetic traces."""
        return arrivals(self.synthetic, self.distance, self.interval, self.frequency)

    @cached_property
    def onsets(self) -> tuple[Array, Array]:
        """Onsets of all observed and synthetic traces [s]; NaN where they are uncertain."""
        observed, synthetic = (
            pick_onsets(gather, self.interval, self.frequency)
            for gather in (self.observed, self.synthetic)
        )
        return observed, synthetic

    @property
    def travel_times(self) -> Array:
        """Modelled times from the source to the compared receivers [s], of shape (n_compared,)."""
        return self.onsets[1][self.compared] - self.begin

    @cached_property
    def near(self) -> NDArray[np.bool_]:
        """The compared traces that are nearest to the source."""
        compared = self.compared
        count = max(FEWEST, round(NEAR * int(compared.sum())))
        order = np.argsort(np.where(compared, self.distance, np.inf), kind="stable")[:count]
        near = np.zeros(len(self.distance), dtype=bool)
        near[order] = True
        return near & compared

    def numbers(self) -> dict[str, Any]:
        """Numbers of the shot, for a table or for JSON; None where no trace is compared."""
        traces, near = self.traces, self.near
        lags = traces.cycles[near] / self.frequency
        energy = float(np.linalg.norm(self.observed)), float(np.linalg.norm(self.synthetic))
        product = float(np.vdot(self.observed, self.synthetic))
        difference = float(np.linalg.norm(self.observed - self.synthetic))
        alive = np.isfinite(traces.amplitude)
        return {
            "shot": self.shot,
            **({} if self.component == PRESSURE else {"component": self.component.name}),
            "traces": len(self.distance),
            "compared_traces": int(self.compared.sum()),
            "amplitude_ratio": float(np.median(traces.amplitude[alive])) if alive.any() else None,
            "observed_late_s": float(np.median(lags)) if near.any() else None,
            "reversed_share": float((traces.correlation[near] < 0).mean()) if near.any() else None,
            "record_correlation": product / (energy[0] * energy[1]) if min(energy) > 0 else None,
            "relative_difference": difference / energy[0] if energy[0] > 0 else None,
        }


def judged(shots: Sequence[ComparedShot]) -> bool:
    """Whether enough first arrivals are compared to judge time zero and polarity.

    Parameters
    ----------
    shots : sequence of ComparedShot

    Returns
    -------
    judged : bool
    """
    return sum(int(shot.near.sum()) for shot in shots) >= FEWEST


def late(shots: Sequence[ComparedShot]) -> Fault | None:
    """The fault of records with another time zero than the wavelet; None if they agree.

    Parameters
    ----------
    shots : sequence of ComparedShot
        In one band.

    Returns
    -------
    fault : Fault or None
    """
    lags = np.concatenate([s.traces.cycles[s.near] for s in shots])
    if len(lags) < FEWEST:
        return None
    low, common, high = np.quantile(lags, (0.1, 0.5, 0.9))
    # A wrong speed makes lags that grow with distance, from zero at the source.
    # The way to the nearest receiver belongs to all of them.
    limit = LATE + UNSURE * _travel_time(shots, np.min)
    if high - low > RANGE or not min(abs(common), abs(_at_source(shots))) > limit:
        return None
    if common * _at_source(shots) < 0:
        return None
    seconds = float(common / shots[0].frequency)
    return Fault(
        "time_zero",
        f"the time zero of the records is off: first arrivals next to the source are observed "
        f"{abs(seconds):.3g} s {'later' if seconds > 0 else 'earlier'} than modelled "
        f"({abs(common):.2f} cycles at {shots[0].frequency:.3g} Hz, median of {len(lags)} "
        f"traces), which no model explains",
        {"late_s": seconds, "late_cycles": float(common)},
    )


def _travel_time(shots: Sequence[ComparedShot], of: Callable[[Array], Any]) -> float:
    """One of the travel times to the compared receivers of a shot, as the least [cycles]."""
    times = [of(shot.travel_times) * shot.frequency for shot in shots if shot.compared.any()]
    return max(0.0, float(np.nan_to_num(np.median(times)))) if times else 0.0


def _at_source(shots: Sequence[ComparedShot]) -> float:
    """Lag of the nearer half of the traces, extended to the source [cycles]."""
    zero = []
    for shot in shots:
        compared = shot.compared
        if not compared.any():
            continue
        near = compared & (shot.distance <= np.median(shot.distance[compared]))
        lags = shot.traces.cycles[near]
        slope = FirstArrivals(shot.distance[near], lags).slope()
        if np.isfinite(slope):
            zero += list(lags - slope * shot.distance[near])
        else:
            zero += list(lags)
    return float(np.median(zero)) if zero else 0.0


def turned(shots: Sequence[ComparedShot]) -> Fault | None:
    """The fault of records of opposite polarity; None if polarities agree.

    Parameters
    ----------
    shots : sequence of ComparedShot
        In one band.

    Returns
    -------
    fault : Fault or None
    """
    correlation = np.concatenate([s.traces.correlation[s.near] for s in shots])
    if len(correlation) < FEWEST:
        return None
    share = float((correlation < 0).mean())
    if share < REVERSED:
        return None
    return Fault(
        "polarity",
        f"the polarity is reversed: {100 * share:.0f}% of the first arrivals next to the source "
        f"are of the opposite sign of the modelled ones (of {len(correlation)} traces)",
        {"reversed_share": share},
    )


def scatters(first: Sequence[ComparedShot], second: Sequence[ComparedShot]) -> tuple[float, float]:
    """Scatter of arrivals at two alternatives of the positions, over the same traces.

    Parameters
    ----------
    first, second : sequence of ComparedShot
        The same shots, with synthetic traces for either.

    Returns
    -------
    scatters : tuple of float
        Of each, from 0 to 1; NaN if no trace can be compared.
    """
    alternatives = [[_deviations(s) for s in shots] for shots in (first, second)]
    deviations = [np.concatenate(shots) for shots in alternatives]
    either = (deviations[0] < 1) | (deviations[1] < 1)
    if either.sum() < FEWEST:
        return float("nan"), float("nan")
    return float(deviations[0][either].mean()), float(deviations[1][either].mean())


def _deviations(shot: ComparedShot) -> Array:
    """min(1, |lag - median| / half a cycle) of each trace; 1 where it cannot be compared."""
    same = (shot.traces.same == 1) & (np.abs(np.nan_to_num(shot.traces.correlation)) >= ALIKE)
    if not same.any():
        return np.ones(len(shot.distance))
    cycles = np.where(same, shot.traces.cycles, np.nan)
    away = np.abs(cycles - np.nanmedian(cycles)) / 0.5
    return np.where(same, np.minimum(np.nan_to_num(away, nan=1.0), 1.0), 1.0)


def misplaced(
    surveyed: Sequence[ComparedShot], other: Sequence[ComparedShot], kind: str, words: str
) -> Fault | None:
    """The fault of positions at which arrivals scatter far more than at others; or None.

    Parameters
    ----------
    surveyed, other : sequence of ComparedShot
        The same shots with synthetic traces at the positions of the survey, and at others.
    kind : {"coordinates", "elevations"}
    words : str
        Change of the positions, as "x and y of the receivers exchanged".

    Returns
    -------
    fault : Fault or None
    """
    scatter, left = scatters(surveyed, other)
    limit = max(SCATTER, UNEVEN * _travel_time(surveyed, np.median) / 0.5)
    if not (scatter > limit and left < LEFT * scatter):
        return None
    return Fault(
        kind,
        f"first arrivals scatter by {scatter / 2:.2f} cycles at the positions of the survey, and "
        f"by {left / 2:.2f} with {words}",
        {"scatter_cycles": scatter / 2, "left_cycles": left / 2},
    )
