"""The list `conditioning` of an inversion: operators that select the data to compare."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from fwicli.config.values import LARGEST, Band, NonNegative, Number, Positive, Section

Share = Annotated[float, Field(strict=True, gt=0, lt=1)]
Pair = Annotated[list[Positive], Field(min_length=2, max_length=2)]


class BandPassSection(Section):
    """Frequencies of a band alone, beside the filter of the stage."""

    kind: Literal["band_pass"]
    """This name selects a band-pass filter."""
    band: Band
    """The filter passes these lowest and highest frequencies [Hz]."""
    zero_phase: bool = False
    """The filter runs forwards and backwards, and leaves the phase alone."""


class TimeDerivativeSection(Section):
    """Derivative in time of any order, such as 0.5; an integral if it is negative."""

    kind: Literal["time_derivative"]
    """This name selects a derivative in time."""
    order: Annotated[float, Field(strict=True, ge=-4, le=4)]
    """The derivative has this order, in s to the power of minus the order."""


class OffsetsSection(Section):
    """Traces from the nearest to the farthest horizontal offset."""

    kind: Literal["offsets"]
    """This name selects a window of offsets."""
    nearest: NonNegative | None = None
    """Traces are kept from this offset on [m]."""
    farthest: NonNegative | None = None
    """Traces are kept up to this offset [m]."""
    taper: NonNegative = 0.0
    """The weights fade over this length inside each edge [m]."""
    mute: bool = False
    """Traces between the edges are removed instead of kept."""

    @model_validator(mode="after")
    def _edges(self) -> OffsetsSection:
        _in_order("nearest", self.nearest, "farthest", self.farthest, "m")
        return self


class _TimeWindow(Section):
    """Edges in time."""

    after: Number | None = None
    """Samples are kept from this time on [s]."""
    before: Number | None = None
    """Samples are kept up to this time [s]."""
    taper: NonNegative = 0.0
    """The weights fade over this length inside each edge [s]."""
    mute: bool = False
    """Samples between the edges are removed instead of kept."""

    @model_validator(mode="after")
    def _edges(self) -> _TimeWindow:
        _in_order("after", self.after, "before", self.before, "s")
        return self

    @property
    def removes_earliest(self) -> bool:
        """Whether the earliest samples are removed."""
        return (self.after is None) == self.mute


class TimesSection(_TimeWindow):
    """Samples after and before a time."""

    kind: Literal["times"]
    """This name selects a window of times."""


class MoveoutSection(_TimeWindow):
    """Samples after and before times since offset / velocity."""

    kind: Literal["moveout"]
    """This name selects a window of times since offset / velocity."""
    velocity: Positive
    """The window moves out with this velocity [m/s]."""


class MoveoutByFrequencySection(_TimeWindow):
    """Samples after and before times since offset / velocity, which depends on frequency."""

    kind: Literal["moveout_by_frequency"]
    """This name selects a window of times since offset / velocity, by frequency."""
    velocities: Annotated[list[Pair], Field(min_length=2)]
    """Pairs of frequency [Hz] and velocity [m/s] with which the window moves out; between them its
    weights are interpolated."""

    @model_validator(mode="after")
    def _rising(self) -> MoveoutByFrequencySection:
        frequencies = [frequency for frequency, _ in self.velocities]
        if any(low >= high for low, high in pairwise(frequencies)):
            listed = ", ".join(f"{frequency:g}" for frequency in frequencies)
            raise ValueError(
                f"frequencies of `velocities` must rise from pair to pair, not {listed} Hz; sort "
                f"the pairs, and keep one of each frequency"
            )
        return self


class FirstArrivalsSection(_TimeWindow):
    """Samples after and before times since the first arrival, picked on the observed data."""

    kind: Literal["first_arrivals"]
    """This name selects a window of times since the first arrival."""
    weakest: Share = 0.1
    """The weakest first arrival has this amplitude, relative to the largest of its trace."""


class DampingSection(Section):
    """Factors exp(-t / constant), with t since the start or since the first arrival."""

    kind: Literal["damping"]
    """This name selects exponential damping in time."""
    constant: Positive
    """Amplitudes decay by a factor e over this time [s]."""
    since: Literal["start", "first_arrivals"] = "start"
    """The damping begins at the start of the record or at the first arrival."""
    weakest: Share = 0.1
    """The weakest first arrival has this amplitude, relative to the largest of its trace."""


class OffsetWeightsSection(Section):
    """Weights (offset / scale)**power of the traces."""

    kind: Literal["offset_weights"]
    """This name selects weights by offset."""
    power: Number
    """The weights grow with this power of the offset."""
    scale: Positive = 1000.0
    """The weights are 1 at this offset [m]."""


class AmplitudeWeightsSection(Section):
    """Weights amplitude**-power, of each observed trace relative to the mean of its shot."""

    kind: Literal["amplitude_weights"]
    """This name selects weights by amplitude."""
    power: Number = 1.0
    """The weights fall with this power of the amplitude."""


class GivenWeightsSection(Section):
    """Weights from a file, of shape (receivers,) or (shots, receivers).

    The rows of shots with fewer receivers than others end in NaN.
    """

    kind: Literal["given_weights"]
    """This name selects weights from a file."""
    file: Path
    """The weights are read from this file, with shots counted after `data.shots`."""
    dataset: str = "weights"
    """The weights have this name in an HDF5 file."""


class DeadTracesSection(Section):
    """No traces that are far weaker or far louder than their neighbours.

    below, above: amplitude relative to the median of the neighbours.
    """

    kind: Literal["dead_traces"]
    """This name selects the removal of dead and loud traces."""
    below: Share = 0.05
    """Traces weaker than this, relative to the median of their neighbours, are removed."""
    above: Annotated[float, Field(strict=True, gt=1, le=LARGEST)] = 20.0
    """Traces stronger than this, relative to the median of their neighbours, are removed."""


WeightingSection = Annotated[
    OffsetsSection
    | TimesSection
    | MoveoutSection
    | FirstArrivalsSection
    | DampingSection
    | OffsetWeightsSection
    | AmplitudeWeightsSection
    | GivenWeightsSection
    | DeadTracesSection,
    Field(discriminator="kind"),
]
ConditioningSection = Annotated[
    BandPassSection
    | TimeDerivativeSection
    | OffsetsSection
    | TimesSection
    | MoveoutSection
    | MoveoutByFrequencySection
    | FirstArrivalsSection
    | DampingSection
    | OffsetWeightsSection
    | AmplitudeWeightsSection
    | GivenWeightsSection
    | DeadTracesSection,
    Field(discriminator="kind"),
]


def _in_order(first: str, low: float | None, second: str, high: float | None, unit: str) -> None:
    """At least one edge, and the lower one first."""
    if low is None and high is None:
        raise ValueError(f"give `{first}` or `{second}` [{unit}], or both")
    if low is not None and high is not None and low >= high:
        raise ValueError(
            f"`{first}: {low:g}` must be below `{second}: {high:g}` [{unit}]; exchange them, and "
            f"add `mute: true` to take out what lies between"
        )
