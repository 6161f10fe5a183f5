"""The list `conditioning` of an inversion: what of the data is compared, operator by operator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from fwicli.config.values import LARGEST, Band, NonNegative, Number, Positive, Section
from fwicli.files import arrays
from fwicli.inversion.conditioning import first_arrivals, mutes, trace_weights
from fwicli.inversion.conditioning.operators import BandPass, Operator, Record, Weights
from fwicli.survey import bands

Share = Annotated[float, Field(strict=True, gt=0, lt=1)]


class BandPassed(Section):
    """Frequencies of a band alone [Hz], beside the filter of the stage.

    zero_phase: run it forwards and backwards.
    """

    kind: Literal["band_pass"]
    band: Band
    zero_phase: bool = False

    def operator(self, record: Record) -> Operator:
        """For the traces of a shot."""
        return BandPass(bands.Band(*self.band), record.interval, self.zero_phase)


class Offsets(Section):
    """Traces from the nearest to the farthest horizontal offset [m].

    taper: length inside each edge [m].  mute: take them out, in place of keeping them alone.
    """

    kind: Literal["offsets"]
    nearest: NonNegative | None = None
    farthest: NonNegative | None = None
    taper: NonNegative = 0.0
    mute: bool = False

    @model_validator(mode="after")
    def _edges(self) -> Offsets:
        _in_order("nearest", self.nearest, "farthest", self.farthest, "m")
        return self

    def operator(self, record: Record) -> Weights:
        """For the traces of a shot."""
        return mutes.by_offset(record, self.nearest, self.farthest, self.taper, self.mute)


class _Times(Section):
    """Edges in time [s]."""

    after: Number | None = None
    before: Number | None = None
    taper: NonNegative = 0.0
    mute: bool = False

    @model_validator(mode="after")
    def _edges(self) -> _Times:
        _in_order("after", self.after, "before", self.before, "s")
        return self


class Times(_Times):
    """Samples after and before a time [s].

    taper: length inside each edge [s].  mute: take them out, in place of keeping them alone.
    """

    kind: Literal["times"]

    def operator(self, record: Record) -> Weights:
        """For the traces of a shot."""
        return mutes.by_time(record, self.after, self.before, self.taper, self.mute)


class Moveout(_Times):
    """Samples after and before times [s] since offset / velocity; velocity in m/s."""

    kind: Literal["moveout"]
    velocity: Positive

    def operator(self, record: Record) -> Weights:
        """For the traces of a shot."""
        origin = record.offsets / self.velocity
        return mutes.by_time(record, self.after, self.before, self.taper, self.mute, origin)


class FirstArrivals(_Times):
    """Samples after and before times [s] since the first arrival, picked on the observed data.

    weakest: amplitude of the weakest first arrival, relative to the largest of its trace.
    """

    kind: Literal["first_arrivals"]
    weakest: Share = 0.1

    def operator(self, record: Record) -> Weights:
        """For the traces of a shot."""
        origin = first_arrivals.first_arrivals(record.observed, record.interval, self.weakest)
        return mutes.by_time(record, self.after, self.before, self.taper, self.mute, origin)


class Damped(Section):
    """Factors exp(-t / constant), with t since the start or since the first arrival [s]."""

    kind: Literal["damping"]
    constant: Positive
    since: Literal["start", "first_arrivals"] = "start"
    weakest: Share = 0.1

    def operator(self, record: Record) -> Weights:
        """For the traces of a shot."""
        if self.since == "start":
            return mutes.damping(record, self.constant)
        origin = first_arrivals.first_arrivals(record.observed, record.interval, self.weakest)
        return mutes.damping(record, self.constant, origin)


class OffsetWeights(Section):
    """Weights (offset / scale)**power of the traces, with the scale in m."""

    kind: Literal["offset_weights"]
    power: Number
    scale: Positive = 1000.0

    def operator(self, record: Record) -> Weights:
        """For the traces of a shot."""
        return trace_weights.by_offset(record, self.scale, self.power)


class AmplitudeWeights(Section):
    """Weights amplitude**-power, of each observed trace relative to the mean of its shot."""

    kind: Literal["amplitude_weights"]
    power: Number = 1.0

    def operator(self, record: Record) -> Weights:
        """For the traces of a shot."""
        return trace_weights.by_amplitude(record, self.power)


class GivenWeights(Section):
    """Weights from a file, of shape (receivers,) or (shots, receivers).

    Shots are counted as they are inverted, after `data.shots`.  dataset: name in an HDF5 file.
    """

    kind: Literal["given_weights"]
    file: Path
    dataset: str = "weights"

    def operator(self, record: Record) -> Weights:
        """For the traces of a shot."""
        stored = arrays.read(self.file, self.dataset, masks=True, chosen=self.chosen("dataset"))
        return trace_weights.given(record, stored.values)


class DeadTraces(Section):
    """No traces that are far weaker or far louder than their neighbours.

    below, above: amplitude relative to the median of the neighbours.
    """

    kind: Literal["dead_traces"]
    below: Share = 0.05
    above: Annotated[float, Field(strict=True, gt=1, le=LARGEST)] = 20.0

    def operator(self, record: Record) -> Weights:
        """For the traces of a shot."""
        found = trace_weights.dead(record.observed, self.below, self.above)
        return Weights((~found).astype(np.float64)[:, None])


Weighting = Annotated[
    Offsets
    | Times
    | Moveout
    | FirstArrivals
    | Damped
    | OffsetWeights
    | AmplitudeWeights
    | GivenWeights
    | DeadTraces,
    Field(discriminator="kind"),
]
Conditioned = Annotated[
    BandPassed
    | Offsets
    | Times
    | Moveout
    | FirstArrivals
    | Damped
    | OffsetWeights
    | AmplitudeWeights
    | GivenWeights
    | DeadTraces,
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
