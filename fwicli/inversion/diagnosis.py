"""What observed and synthetic records say of each other: whether there is something to invert.

Trace by trace, with f the centre of the band,

    amplitude   rms(synthetic) / rms(observed)
    polarity    sign of the correlation of the first arrivals
    cycles      f (t_observed - t_synthetic), by which the observed first arrivals are later

A first arrival that is off by more than half a cycle pulls the model the wrong way: the inversion
begins in a local minimum (cycle skipping; Virieux and Operto 2009, Geophysics 74, WCC1-WCC26).

The numbers are small and computed where the gather is; what they mean is said here in words, with
what to do. So are the causes of a gradient that is zero everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.arrivals import shifts

Array = NDArray[Any]

# Arrivals with a smaller correlation coefficient are not those of one wave.
ALIKE = 0.5
HALF = 0.5
# Shares of traces, and ratio of amplitudes, above which something is said.
SKIPPED, REVERSED, LOUDER = 0.1, 0.5, 3.0


@dataclass(frozen=True)
class Traces:
    """Observed against synthetic traces of a shot, or of many.

    Attributes
    ----------
    amplitude : ndarray of shape (n_receivers,) or (n_shots, n_receivers)
        Synthetic over observed; NaN where nothing was observed.
    cycles : ndarray of that shape
        By which observed first arrivals are later; NaN where there are none.
    likeness : ndarray of that shape
        Correlation coefficient of the first arrivals, negative for opposite polarity.
    """

    amplitude: Array
    cycles: Array
    likeness: Array


def compare(synthetic: Array, observed: Array, interval: float, frequency: float) -> Traces:
    """Compare the gathers of a shot.

    Parameters
    ----------
    synthetic, observed : ndarray of shape (n_receivers, samples)
        In the same band.
    interval : float
        Sampling interval [s].
    frequency : float
        Centre of the band [Hz].
    """
    # A cycle of sixteen samples is enough, and what a period costs does not grow with its samples.
    step = max(1, int(1 / (16 * frequency * interval)))
    synthetic, observed = synthetic[:, ::step], observed[:, ::step]
    made, recorded = ((g.astype(np.float64) ** 2).sum(axis=1) for g in (synthetic, observed))
    ratio = np.full(len(observed), np.nan)
    np.divide(made, recorded, out=ratio, where=recorded > 0)
    late = shifts(synthetic, observed, step * interval, frequency)
    return Traces(np.sqrt(ratio), frequency * late.time, late.likeness)


def together(shots: Sequence[Traces]) -> Traces:
    """The traces of many shots, a row each; shots with fewer traces are filled up with NaN."""
    count = max((len(shot.amplitude) for shot in shots), default=0)
    rows = np.full((3, len(shots), count), np.nan)
    for number, shot in enumerate(shots):
        there = slice(len(shot.amplitude))
        rows[:, number, there] = shot.amplitude, shot.cycles, shot.likeness
    return Traces(*rows)


@dataclass(frozen=True)
class Diagnosis:
    """What the traces of a survey say in one band, at one model.

    Parameters
    ----------
    traces : Traces
        Of all shots, shape (n_shots, n_receivers).
    frequency : float
        Centre of the band [Hz].
    """

    traces: Traces
    frequency: float

    @property
    def reliable(self) -> NDArray[np.bool_]:
        """Traces whose first arrivals are those of one wave, whatever its polarity."""
        return np.asarray(np.abs(np.nan_to_num(self.traces.likeness)) >= ALIKE)

    def numbers(self) -> dict[str, float]:
        """What is kept in the progress; a number that there is no trace for is left out.

        Keys: `amplitude_ratio`, median of synthetic over observed; `late_cycles`, median by which
        observed first arrivals are later; `skipped_share` and `reversed_share`, of the traces
        with reliable first arrivals; `picked_share`, of these among all that are not dead.
        """
        alive = np.isfinite(self.traces.amplitude)
        if not alive.any():
            return {}
        good = self.reliable & alive
        found = {
            "amplitude_ratio": float(np.median(self.traces.amplitude[alive])),
            "picked_share": float(good.sum() / alive.sum()),
        }
        if good.any():
            cycles = self.traces.cycles[good]
            found["late_cycles"] = float(np.median(cycles))
            found["skipped_share"] = float((np.abs(cycles) > HALF).mean())
            found["reversed_share"] = float((self.traces.likeness[good] < 0).mean())
        return found

    def summary(self) -> str:
        """One line for the log."""
        found = self.numbers()
        if not found:
            return "no trace has data"
        text = f"amplitudes {found['amplitude_ratio']:.3g} of the observed"
        if "late_cycles" not in found:
            return f"{text}; no first arrivals that can be compared"
        return (
            f"{text}; first arrivals of {found['picked_share']:.0%} of the traces compared: the "
            f"observed are {abs(found['late_cycles']):.2f} cycles "
            f"{'later' if found['late_cycles'] >= 0 else 'earlier'} at {self.frequency:.3g} Hz "
            f"(median), {found['skipped_share']:.0%} are off by more than half a cycle"
        )

    def warnings(self, compares_amplitudes: bool = True) -> list[str]:
        """What is wrong, with what to do.

        Parameters
        ----------
        compares_amplitudes : bool
            Whether the misfit depends on the ratio of amplitudes.
        """
        found = self.numbers()
        said = []
        reversed_share = found.get("reversed_share", 0.0)
        if reversed_share > REVERSED:
            said.append(
                f"{reversed_share:.0%} of the first arrivals have the opposite polarity of the "
                f"modelled ones; change the sign of the wavelet (`wavelet: ... amplitude` or "
                f"`scale`), or estimate it"
            )
        skipped = found.get("skipped_share", 0.0)
        if skipped > SKIPPED:
            late = found["late_cycles"]
            cause = "fast" if late > 0 else "slow"
            said.append(
                f"{skipped:.0%} of the first arrivals are off by more than half a cycle at "
                f"{self.frequency:.3g} Hz (median {late:+.2f} cycles: the model is too {cause}, or "
                f"the wavelet's time is off), and pull the model the wrong way; begin with a lower "
                f"band or a better model, or use a misfit of travel times or envelopes first"
            )
        ratio = found.get("amplitude_ratio", 1.0)
        if compares_amplitudes and ratio > 0 and not 1 / LOUDER <= ratio <= LOUDER:
            said.append(
                f"synthetic amplitudes are {ratio:.3g} times the observed ones (median of the "
                f"traces), and the misfit compares amplitudes; scale the wavelet by "
                f"{1 / ratio:.3g}, estimate it, or use a misfit that is normalised"
            )
        return said


@dataclass(frozen=True)
class Silence:
    """Why a gradient is zero: how much there is at each station from the source to the model.

    Attributes
    ----------
    wavelet, synthetic, observed : float
        Largest amplitudes of the band.
    adjoint : float
        Largest value of the adjoint sources, after mutes and weights.
    gradient : float
        Largest value of the gradient before what is fixed was taken out.
    free : float
        Share of the model that may change.
    """

    wavelet: float
    synthetic: float
    observed: float
    adjoint: float
    gradient: float
    free: float

    def causes(self) -> str:
        """The first station where nothing is left, and what is likely to be wrong there."""
        if self.observed == 0:
            return (
                "the observed data of the band are all zero: check `data.traces` and the bands of "
                "the stages"
            )
        if self.wavelet == 0:
            return "the wavelet is zero in the band: check `wavelet` and the bands of the stages"
        if self.synthetic == 0:
            return (
                "nothing arrives at the receivers: check that sources and receivers are not on "
                "the free surface, where the pressure is zero, that the record is long enough for "
                "a wave to get there, and the units of velocity, positions and times"
            )
        if self.adjoint == 0:
            return (
                f"nothing of the residual is left, with amplitudes of {self.observed:.3g} observed "
                f"and {self.synthetic:.3g} synthetic: mutes, weights or selected offsets take out "
                f"all of it, or the data are those of the starting model"
            )
        if self.gradient == 0:
            return (
                "the adjoint waves do not meet the forward ones: check that receivers are inside "
                "the model and the record is long enough for what is reflected below"
            )
        if self.free == 0:
            return "no part of the model may change: check `fixed` and the bounds"
        return (
            f"all of it lies where the model is fixed ({1 - self.free:.0%} of it), as in water: "
            f"check `fixed`, the sign of depths, and that the record is long enough for waves from "
            f"below"
        )
