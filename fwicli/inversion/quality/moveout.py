"""Moveout of first arrivals: whether times and distances go together at the speeds of a model.

With the onset t of the first arrival at the distance r from the source, and t0 that of the wavelet,

    slope    dt / dr, the median over pairs of traces (Theil and Sen)
    mean     (t - t0) / r, the median over traces

The first does not depend on the time zero. The second holds where the first events are
reflections, whose slope is small. Records sampled at the wrong interval have both too large, or
both too small, by the same factor.

Between wells all distances are alike. Waves to near and far receivers have paths of their own, and
a relative error e of their mean slownesses changes the slope by up to the factor

    1 + e (r_far + r_near) / (r_far - r_near)

so that the slope tells the less of the sampling, the less the distances differ. Where they hardly
differ, the mean is taken alone.

References: Theil (1950), Indag. Math. 12, 85-91; Sen (1968), J. Am. Stat. Assoc. 63, 1379-1389.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.conditioning.first_arrivals import pick_onsets
from fwicli.inversion.quality.faults import Fault

Array = NDArray[Any]

# Factor beyond the speeds of the model from which times are not those of waves in it.
BEYOND = 2.5
# Ratio of the slopes of observed and synthetic arrivals that no starting model explains, where the
# nearest receiver is next to the source: 1 + e.
STEEPER = 1.6
# Likeness of the distances of a shot above which slopes do not tell the sampling.
ALIKE = 3.0
# Fewest picks, and traces of a shot that are taken; share of the distances that picks must span.
FEWEST, MOST, SPAN = 6, 300, 0.2
# Factors by which intervals are wrong: units, and the usual decimations.
FACTORS = (1e-6, 1e-3, 1e-2, 0.1, 0.125, 0.25, 0.5, 2.0, 4.0, 8.0, 10.0, 1e2, 1e3, 1e6)


@dataclass(frozen=True)
class FirstArrivals:
    """First arrivals of a shot.

    Attributes
    ----------
    distance : ndarray of shape (n_receivers,)
        From the source [m].
    time : ndarray of shape (n_receivers,)
        Onset [s]; NaN where it is uncertain.
    """

    distance: Array
    time: Array

    @property
    def picked(self) -> NDArray[np.bool_]:
        """Traces with a pick."""
        return np.asarray(np.isfinite(self.time))

    @property
    def likeness(self) -> float:
        """(r_far + r_near) / (r_far - r_near) of the picks: 1 if the nearest is at the source."""
        r = self.distance[self.picked]
        width = float(np.ptp(r)) if r.size else 0.0
        return float(r.max() + r.min()) / width if width > 0 else math.inf

    def slope(self) -> float:
        """dt / dr [s/m]; NaN if the picks are few or span too little."""
        r, t = self.distance[self.picked], self.time[self.picked]
        if len(r) < FEWEST or np.ptp(r) < SPAN * np.ptp(self.distance) or np.ptp(r) == 0:
            return math.nan
        every = max(1, len(r) // MOST)
        r, t = r[::every], t[::every]
        first, second = np.triu_indices(len(r), 1)
        apart = np.abs(r[first] - r[second]) > 0.1 * np.ptp(r)
        first, second = first[apart], second[apart]
        return float(np.median((t[first] - t[second]) / (r[first] - r[second])))

    def mean(self, begin: float) -> float:
        """(t - t0) / r of the farther half of the picks [s/m]; NaN without picks.

        Parameters
        ----------
        begin : float
            Onset of the wavelet, t0 [s].
        """
        r, t = self.distance[self.picked], self.time[self.picked]
        far = (r >= np.median(r)) & (r > 0) if r.size else np.zeros(0, dtype=bool)
        return float(np.median((t[far] - begin) / r[far])) if far.any() else math.nan


def arrivals(gather: Array, distance: Array, interval: float, frequency: float) -> FirstArrivals:
    """First arrivals of the louder half of the traces of a shot.

    In faint traces, an artefact before the first arrival may be what stands out.

    Parameters
    ----------
    gather : ndarray of shape (n_receivers, samples)
    distance : ndarray of shape (n_receivers,)
        From the source [m].
    interval : float
        Sampling interval [s].
    frequency : float
        Middle of the band of the gather [Hz].

    Returns
    -------
    arrivals : FirstArrivals
    """
    if not len(gather):
        return FirstArrivals(distance, np.zeros(0))
    peaks = np.abs(gather).max(axis=1, initial=0.0)
    loud = (peaks >= np.median(peaks)) & (peaks > 0)
    times = np.full(len(gather), np.nan)
    times[loud] = pick_onsets(gather[loud], interval, frequency)
    return FirstArrivals(distance, times)


def onset(wavelet: Array, interval: float, frequency: float) -> float:
    """Onset of a wavelet; the time of its largest value if no onset stands out.

    Parameters
    ----------
    wavelet : ndarray of shape (samples,)
    interval : float
        Sampling interval [s].
    frequency : float
        Middle of its band [Hz].

    Returns
    -------
    time : float
        [s]
    """
    time = float(pick_onsets(wavelet.reshape(1, -1), interval, frequency)[0])
    return time if math.isfinite(time) else interval * float(np.abs(wavelet).argmax())


def wrong_sampling(
    shots: Sequence[FirstArrivals], begin: float, speeds: tuple[float, float], interval: float
) -> Fault | None:
    """The fault of times that no wave of the model has; None if they are possible.

    Parameters
    ----------
    shots : sequence of FirstArrivals
        Observed.
    begin : float
        Onset of the wavelet [s].
    speeds : tuple of float
        Slowest and fastest wave of the model [m/s].
    interval : float
        Sampling interval of the records [s].

    Returns
    -------
    fault : Fault or None
    """
    mean = _median([s.mean(begin) for s in shots])
    telling = [s for s in shots if s.likeness <= ALIKE]
    slope = _median([s.slope() for s in telling]) if telling else mean
    slowest, fastest = speeds
    if not (math.isfinite(slope) and math.isfinite(mean)) or slope <= 0:
        return None
    slow = min(slope, mean) > BEYOND / slowest
    fast = max(slope, mean) < 1 / (BEYOND * fastest)
    if not (slow or fast):
        return None
    factor = _power_of_ten(slope * math.sqrt(slowest * fastest))
    return Fault(
        "sampling",
        f"first arrivals move out at {1 / slope:.3g} m/s, and the model has {slowest:.4g} to "
        f"{fastest:.4g} m/s: the sampling interval of {interval:g} s is likely {_times(factor)}, "
        f"or distances are not in m",
        {"apparent_m_s": 1 / slope, "factor": factor, "interval_s": interval / factor},
    )


def other_sampling(
    observed: Sequence[FirstArrivals],
    synthetic: Sequence[FirstArrivals],
    interval: float,
    uncertainty: float = 1.0,
) -> Fault | None:
    """The fault of observed arrivals whose moveout is a multiple of the synthetic one.

    Parameters
    ----------
    observed, synthetic : sequence of FirstArrivals
        Of the same shots.
    interval : float
        Sampling interval of the records [s].
    uncertainty : float
        How many times as slow as others the waves may be that stand out first.

    Returns
    -------
    fault : Fault or None
    """
    ratios, likenesses = [], []
    for recorded, modelled in zip(observed, synthetic, strict=True):
        both = recorded.picked & modelled.picked
        same = [
            FirstArrivals(a.distance, np.where(both, a.time, np.nan)) for a in (recorded, modelled)
        ]
        slopes = [a.slope() for a in same]
        if min(slopes) > 0:
            ratios.append(slopes[0] / slopes[1])
            likenesses.append(same[0].likeness)
    ratio = _median(ratios)
    limit = (1 + (STEEPER - 1) * _median(likenesses)) * uncertainty
    if not ratio > 0 or 1 / limit <= ratio <= limit:
        return None
    factor = min(FACTORS, key=lambda f: abs(math.log(f / ratio)))
    return Fault(
        "sampling",
        f"observed first arrivals move out {ratio:.3g} times as slowly as the synthetic ones, "
        f"which is more than a starting model may be off: the sampling interval of {interval:g} s "
        f"is likely {_times(factor)}",
        {"moveout_ratio": ratio, "factor": factor, "interval_s": interval / factor},
    )


def _median(values: Sequence[float]) -> float:
    """Median of the numbers that are not NaN; NaN if there are none."""
    finite = [v for v in values if math.isfinite(v)]
    return float(np.median(finite)) if finite else math.nan


def _power_of_ten(ratio: float) -> float:
    """The power of ten, other than 1, that is nearest to a ratio."""
    power = round(math.log10(ratio)) or (1 if ratio > 1 else -1)
    return float(10.0**power)


def _times(factor: float) -> str:
    """A factor in words."""
    return f"{factor:g} times too long" if factor > 1 else f"{1 / factor:g} times too short"
