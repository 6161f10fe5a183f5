"""Diagnosis of observed against synthetic records: whether there is something to invert.

Trace by trace, with f the centre of the band,

    amplitude   rms(synthetic) / rms(observed)
    polarity    sign of the correlation of the first arrivals
    cycles      f (t_observed - t_synthetic), by which the observed first arrivals are later

Traces count if their first arrivals are the same event in both (see `events`) and correlate well.
If arrivals are off by more than half a cycle, they must correlate very well, or agree with a
neighbour among receivers or shots. In the model that generated the data none is off, at any noise.

A first arrival that is off by more than half a cycle pulls the model the wrong way: the inversion
starts near a local minimum (cycle skipping; Virieux and Operto 2009, Geophysics 74, WCC1-WCC26).

Workers compute the numbers beside the gather. Here, they are put into words, with advice. The same
is done for a gradient that is zero everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.conditioning.first_arrivals import arrival_shifts

Array = NDArray[Any]

# Correlation coefficients above which arrivals are one wave, and above which they need no
# neighbour.
ALIKE, SURE = 0.8, 0.95
HALF = 0.5
# Neighbours among receivers and shots, and the largest difference [cycles] of those that agree.
RECEIVERS, SHOTS, AGREE = 3, 1, 0.25
# Shares of traces, and ratio of amplitudes, above which there is a warning. In the true model none
# is skipped; if more than half are reversed, the wavelet is wrong and not the receivers.
SKIPPED, TURNED, REVERSED, LOUDER = 0.01, 0.05, 0.5, 3.0
# Range of most delays [cycles] that counts as a common delay, and share of the skipped traces that
# makes them all late or all early.
UNIFORM, MOST = 0.25, 0.8


@dataclass(frozen=True)
class ArrivalComparison:
    """Observed against synthetic traces of a shot, or of many.

    Attributes
    ----------
    amplitude : ndarray of shape (n_receivers,) or (n_shots, n_receivers)
        Synthetic over observed; NaN where the observed trace is zero.
    cycles : ndarray of that shape
        By which observed first arrivals are later; NaN without first arrivals.
    correlation : ndarray of that shape
        Correlation coefficient of the first arrivals, negative for opposite polarity.
    same : ndarray of that shape
        1 where they are the same event, 0 where this is uncertain; NaN for no trace.
    """

    amplitude: Array
    cycles: Array
    correlation: Array
    same: Array


def compare(
    synthetic: Array, observed: Array, interval: float, frequency: float
) -> ArrivalComparison:
    """Compare the gathers of a shot.

    Parameters
    ----------
    synthetic, observed : ndarray of shape (n_receivers, samples)
        In the same band.
    interval : float
        Sampling interval [s].
    frequency : float
        Centre of the band [Hz].

    Returns
    -------
    traces : ArrivalComparison
    """
    # Sixteen samples a cycle are enough, and bound the cost of finely sampled records.
    step = max(1, int(1 / (16 * frequency * interval)))
    synthetic, observed = synthetic[:, ::step], observed[:, ::step]
    modelled, recorded = ((g.astype(np.float64) ** 2).sum(axis=1) for g in (synthetic, observed))
    ratio = np.full(len(observed), np.nan)
    np.divide(modelled, recorded, out=ratio, where=recorded > 0)
    shifts = arrival_shifts(synthetic, observed, step * interval, frequency)
    return ArrivalComparison(
        np.sqrt(ratio), frequency * shifts.time, shifts.correlation, shifts.same.astype(float)
    )


def stacked(shots: Sequence[ArrivalComparison]) -> ArrivalComparison:
    """Traces of many shots, a row for each; missing traces are NaN."""
    count = max((len(shot.amplitude) for shot in shots), default=0)
    rows = np.full((4, len(shots), count), np.nan)
    for number, shot in enumerate(shots):
        recorded = slice(len(shot.amplitude))
        rows[:, number, recorded] = shot.amplitude, shot.cycles, shot.correlation, shot.same
    return ArrivalComparison(*rows)


@dataclass(frozen=True)
class Diagnosis:
    """Diagnosis of the traces of a survey in one band, at one model.

    Parameters
    ----------
    traces : ArrivalComparison
        Of all shots, shape (n_shots, n_receivers).
    frequency : float
        Centre of the band [Hz].
    """

    traces: ArrivalComparison
    frequency: float

    @property
    def reliable(self) -> NDArray[np.bool_]:
        """Traces that are compared: their first arrivals are one wave, of either polarity."""
        correlation = np.abs(np.nan_to_num(self.traces.correlation))
        alike = (
            (self.traces.same == 1) & (correlation >= ALIKE) & np.isfinite(self.traces.amplitude)
        )
        off = np.abs(np.nan_to_num(self.traces.cycles)) > HALF
        cycles = np.where(alike, self.traces.cycles, np.nan)
        return np.asarray(alike & (~off | (correlation >= SURE) | _agreeing(cycles)))

    def numbers(self) -> dict[str, float]:
        """Numbers for the progress file; those without any trace are left out.

        Keys: `amplitude_ratio`, median of synthetic over observed; `late_cycles`, median by which
        observed first arrivals are later; `skipped_share` and `reversed_share`, of the traces that
        are compared; `picked_share`, the share of these among all traces that are not dead.
        Amplitudes are those of the compared traces, if there are any: others may be noise.
        """
        alive = np.isfinite(self.traces.amplitude)
        if not alive.any():
            return {}
        reliable = self.reliable
        numbers = {
            "amplitude_ratio": float(
                np.median(self.traces.amplitude[reliable if reliable.any() else alive])
            ),
            "picked_share": float(reliable.sum() / alive.sum()),
        }
        if reliable.any():
            cycles = self.traces.cycles[reliable]
            numbers["late_cycles"] = float(np.median(cycles))
            numbers["skipped_share"] = float((np.abs(cycles) > HALF).mean())
            numbers["reversed_share"] = float((self.traces.correlation[reliable] < 0).mean())
        return numbers

    def summary(self) -> str:
        """One line for the log."""
        numbers = self.numbers()
        if not numbers:
            return "no trace has data"
        text = f"amplitudes {numbers['amplitude_ratio']:.3g} times the observed"
        if "late_cycles" not in numbers:
            return f"{text}; no first arrivals that can be compared"
        alive = int(np.isfinite(self.traces.amplitude).sum())
        return (
            f"{text}; first arrivals of {int(self.reliable.sum())} of {alive} traces compared with "
            f"confidence: the observed are {abs(numbers['late_cycles']):.2f} cycles "
            f"{'later' if numbers['late_cycles'] >= 0 else 'earlier'} at {self.frequency:.3g} Hz "
            f"(median), {_percent(numbers['skipped_share'])} are off by more than half a cycle"
        )

    def warnings(self, compares_amplitudes: bool = True) -> list[str]:
        """Warnings, each with its advice.

        Parameters
        ----------
        compares_amplitudes : bool
            Whether the misfit depends on the ratio of amplitudes.
        """
        numbers = self.numbers()
        ratio = numbers.get("amplitude_ratio", 1.0)
        texts = [*self._polarity(numbers.get("reversed_share", 0.0))]
        if numbers.get("skipped_share", 0.0) > SKIPPED:
            texts.append(
                f"{_percent(numbers['skipped_share'])} of the first arrivals that can be compared "
                f"are off by more than half a cycle at {self.frequency:.3g} Hz, and pull the model "
                f"the wrong way: {self._cause()}"
            )
        if compares_amplitudes and ratio > 0 and not 1 / LOUDER <= ratio <= LOUDER:
            texts.append(
                f"synthetic amplitudes are {ratio:.3g} times the observed ones (median of the "
                f"traces), and the misfit compares amplitudes; scale the wavelet by "
                f"{1 / ratio:.3g}, estimate it, or use a misfit that is normalised"
            )
        return texts

    def _polarity(self, share: float) -> Iterator[str]:
        """Warnings of traces of opposite polarity."""
        if share > REVERSED:
            yield (
                f"{_percent(share)} of the first arrivals have the opposite polarity of the "
                f"modelled ones; change the sign of the wavelet (`wavelet: ... amplitude` or "
                f"`scale`), or estimate it"
            )
        elif share > TURNED:
            yield (
                f"{_percent(share)} of the first arrivals have the opposite polarity of the "
                f"others, so that it is not the wavelet's sign; check which receivers are reversed"
            )

    def _cause(self) -> str:
        """Likely cause of skipped cycles, from their pattern, and advice."""
        reliable = self.reliable
        cycles = np.where(reliable, self.traces.cycles, np.nan)
        off = np.abs(np.nan_to_num(cycles)) > HALF
        low, middle, high = np.nanquantile(cycles, (0.1, 0.5, 0.9))
        if high - low < UNIFORM and abs(middle) > AGREE:
            late = middle / self.frequency
            return (
                f"nearly all are {abs(late):.3g} s {'late' if late > 0 else 'early'}, near and "
                f"far, which is the wavelet's time and not the model, unless all receivers are as "
                f"far from the source; let the wavelet begin {abs(late):.3g} s "
                f"{'later' if late > 0 else 'earlier'}, or estimate it (`source`)"
            )
        alone = float(_alone(cycles, off)[off].mean())
        if alone > HALF:
            return (
                f"most of them ({_percent(alone)}) have neighbours on both sides that are not off, "
                f"which no model does; check the times and positions of these traces, or leave "
                f"them out"
            )
        late_share = float((cycles[off] > 0).mean())
        if late_share >= MOST:
            cause = f"late (median {np.median(cycles[off]):+.2f} cycles): the model is too fast"
        elif late_share <= 1 - MOST:
            cause = f"early (median {np.median(cycles[off]):+.2f} cycles): the model is too slow"
        else:
            cause = (
                f"late where the model is too fast ({_percent(late_share)} of them), and early "
                f"where it is too slow"
            )
        return (
            f"the observed are {cause}; begin with a lower band or a better model, or use a misfit "
            f"of travel times or envelopes first"
        )


def _agreeing(cycles: Array) -> NDArray[np.bool_]:
    """Traces that differ little from a neighbour among receivers or shots; NaN for no value.

    Parameters
    ----------
    cycles : ndarray of shape (n_shots, n_receivers), or (n_receivers,)
    """
    rows = np.atleast_2d(cycles)
    agreeing = np.zeros(rows.shape, dtype=bool)
    for axis, reach in ((0, SHOTS), (1, RECEIVERS)):
        for step in range(1, min(reach, rows.shape[axis] - 1) + 1):
            ahead = np.moveaxis(rows, axis, 0)
            near = np.abs(ahead[step:] - ahead[:-step]) <= AGREE
            marked = np.moveaxis(agreeing, axis, 0)
            marked[step:] |= near
            marked[:-step] |= near
    return agreeing.reshape(np.shape(cycles))


def _alone(cycles: Array, off: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Traces that are off, between compared traces on both sides that are not."""
    rows, is_off = np.atleast_2d(cycles), np.atleast_2d(off)
    alone = np.zeros(rows.shape, dtype=bool)
    for row, off_row, marks in zip(rows, is_off, alone, strict=True):
        compared = np.flatnonzero(np.isfinite(row))
        is_on = ~off_row[compared]
        marks[compared[1:-1]] = is_on[:-2] & is_on[2:] & off_row[compared[1:-1]]
    return alone.reshape(np.shape(cycles))


def _percent(share: float) -> str:
    """A share as a percentage that is not 0 % if the share is not zero."""
    return f"{share:.0%}" if share == 0 or share >= 0.01 else f"{share:.1%}"


@dataclass(frozen=True)
class ZeroGradient:
    """Why a gradient is zero: amplitudes at each stage from the source to the model.

    Attributes
    ----------
    wavelet, synthetic, observed : float
        Largest amplitudes in the band [Pa].
    adjoint : float
        Largest value of the adjoint sources, after mutes and weights.
    gradient : float
        Largest value of the gradient before fixed points were set to zero.
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
        """The first stage with amplitude zero, and its likely cause."""
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
