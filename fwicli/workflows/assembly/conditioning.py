"""From `conditioning` and `source` of an inversion to operators on the gathers of a shot.

The operators depend on the record: on its offsets, its picks and its length. A `Preparer` therefore
keeps the sections of a stage and builds their operators for each shot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.conditioning import (
    AmplitudeWeightsSection,
    BandPassSection,
    ConditioningSection,
    DampingSection,
    DeadTracesSection,
    FirstArrivalsSection,
    GivenWeightsSection,
    MoveoutByFrequencySection,
    MoveoutSection,
    OffsetsSection,
    OffsetWeightsSection,
    TimeDerivativeSection,
    TimesSection,
)
from fwicli.config.inversion import InversionSection
from fwicli.config.sources import SourceSection
from fwicli.config.values import Section
from fwicli.inversion.conditioning import first_arrivals, mutes, trace_weights
from fwicli.inversion.conditioning.frequency_weights import FrequencyWeights
from fwicli.inversion.conditioning.operators import (
    BandPass,
    Chain,
    GatherOperator,
    Record,
    TimeDerivative,
    Weights,
    chain,
    joined,
)
from fwicli.inversion.shots.experiments import Preparation
from fwicli.inversion.source_estimation import SourceFit, filter_step
from fwicli.survey import components
from fwicli.survey.components import Component
from fwicli.survey.signals.bands import Band
from fwicli.workflows.assembly.arrays import TraceArrays
from fwicli.workflows.assembly.components import component_weights

Array = NDArray[Any]


@dataclass(frozen=True)
class Preparer:
    """Builds conditioning and source estimation of a stage for the record of a shot.

    Parameters
    ----------
    conditioning : sequence of ConditioningSection
        Operators in their order.
    source : SourceSection or None
        Source estimation; None where the wavelet is known.
    highest : float
        Upper edge of the band [Hz].
    arrays : TraceArrays
        Arrays in files that sections name.
    shares : mapping of Component to float
        Weights of components in the fit of the source, 1 for those that are left out.
    """

    conditioning: Sequence[ConditioningSection]
    source: SourceSection | None
    highest: float = np.inf
    arrays: TraceArrays = field(default_factory=TraceArrays)
    shares: Mapping[Component, float] = field(default_factory=dict)

    def __call__(self, record: Record) -> Preparation:
        """Operators on the gathers of a shot before they are compared."""
        conditioning = self._chain(self.conditioning, record)
        if self.source is None:
            return Preparation(conditioning)
        return Preparation(conditioning, self._fit(self.source, record, conditioning))

    def _chain(self, sections: Sequence[ConditioningSection], record: Record) -> Chain:
        """Operators of sections, built for the traces of each component by themselves."""
        chains = {}
        for component, part in record.by_component().items():
            ends = [] if self.source is None else _within_record(self.source, part)
            chains[component] = chain([*ends, *(build(s, part, self.arrays) for s in sections)])
        if len(chains) == 1:
            return next(iter(chains.values()))
        return joined(chains, components.rows(record.components))

    def _fit(self, source: SourceSection, record: Record, conditioning: Chain) -> SourceFit:
        if source.window is not None:
            conditioning = self._chain(source.window, record)
        weights = np.asarray(conditioning.weights(record.observed.shape))
        weights = alike(weights, record, self.shares)
        lags = source.lags[0], source.lags[1]
        step = filter_step(self.highest, record.interval)
        return SourceFit(lags, source.damping, weights, source.estimate == "common", step)


def alike(weights: Array, record: Record, shares: Mapping[Component, float]) -> Array:
    """Weights with which the components of a shot count alike in a sum of squares.

    Parameters
    ----------
    weights : ndarray of shape (n_receivers, samples)
        Of the traces.
    record : Record
    shares : mapping of Component to float
        Share of a component in the sum, relative to others; 1 for those that are left out.

    Returns
    -------
    weights : ndarray of shape (n_receivers, samples)
        The first component with energy keeps its own, but for its share.
    """
    if len(set(record.components)) < 2:
        return weights
    rows = components.rows(record.components)
    energies = {c: float(np.sum((weights[r] * record.observed[r]) ** 2)) for c, r in rows.items()}
    unit = next((energy for energy in energies.values() if energy > 0), 1.0)
    weights = weights.copy()
    for component, energy in energies.items():
        share = shares.get(component, 1.0) * unit / energy if energy > 0 else 0.0
        weights[rows[component]] *= np.sqrt(share)
    return weights


def build_preparer(settings: InversionSection, number: int, arrays: TraceArrays) -> Preparer | None:
    """Conditioning and source estimation of a stage; None where there is neither.

    Parameters
    ----------
    settings : InversionSection
        Of all stages.
    number : int
        Of the stage, from 0.
    arrays : TraceArrays
        Arrays in files that sections name.

    Returns
    -------
    preparer : Preparer or None
    """
    stage, highest = settings.of(number), settings.stages[number].band[1]
    if not stage.conditioning and stage.source is False:
        return None
    shares = component_weights(stage)
    return Preparer(stage.conditioning, stage.source or None, highest, arrays, shares)


def _within_record(source: SourceSection, record: Record) -> list[Weights]:
    """Weights of samples whose filtered value needs no sample after the end of the record."""
    lead = -source.lags[0]
    return [mutes.by_time(record, None, record.times[-1] - lead, lead)] if lead > 0 else []


@singledispatch
def build(section: Section, record: Record, arrays: TraceArrays) -> GatherOperator:
    """The operator of a section, for the traces of a shot.

    Parameters
    ----------
    section : ConditioningSection
        Its class chooses the operator.
    record : Record
        Observed traces of the shot and their offsets.
    arrays : TraceArrays
        Arrays in files that sections name.

    Returns
    -------
    operator : GatherOperator

    Raises
    ------
    TypeError
        If no function is registered for the class of the section.
    """
    raise TypeError(f"no operator is built from {type(section).__name__}")


@build.register
def _band_pass(section: BandPassSection, record: Record, arrays: TraceArrays) -> GatherOperator:
    return BandPass(Band(*section.band), record.interval, section.zero_phase)


@build.register
def _time_derivative(
    section: TimeDerivativeSection, record: Record, arrays: TraceArrays
) -> GatherOperator:
    return TimeDerivative(section.order, record.interval)


@build.register
def _offsets(section: OffsetsSection, record: Record, arrays: TraceArrays) -> GatherOperator:
    return mutes.by_offset(record, section.nearest, section.farthest, section.taper, section.mute)


@build.register
def _times(section: TimesSection, record: Record, arrays: TraceArrays) -> GatherOperator:
    return mutes.by_time(record, section.after, section.before, section.taper, section.mute)


@build.register
def _moveout(section: MoveoutSection, record: Record, arrays: TraceArrays) -> GatherOperator:
    origin = record.offsets / section.velocity
    return mutes.by_time(record, section.after, section.before, section.taper, section.mute, origin)


@build.register
def _moveout_by_frequency(
    section: MoveoutByFrequencySection, record: Record, arrays: TraceArrays
) -> GatherOperator:
    edges = section.after, section.before, section.taper, section.mute
    parts = [mutes.by_time(record, *edges, record.offsets / v) for _, v in section.velocities]
    frequencies = tuple(frequency for frequency, _ in section.velocities)
    return FrequencyWeights(frequencies, tuple(parts), record.interval)


@build.register
def _first_arrivals(
    section: FirstArrivalsSection, record: Record, arrays: TraceArrays
) -> GatherOperator:
    origin = first_arrivals.pick_for_mutes(record.observed, record.interval, section.weakest)
    return mutes.by_time(record, section.after, section.before, section.taper, section.mute, origin)


@build.register
def _damping(section: DampingSection, record: Record, arrays: TraceArrays) -> GatherOperator:
    if section.since == "start":
        return mutes.damping(record, section.constant)
    origin = first_arrivals.pick_for_mutes(record.observed, record.interval, section.weakest)
    return mutes.damping(record, section.constant, origin)


@build.register
def _offset_weights(
    section: OffsetWeightsSection, record: Record, arrays: TraceArrays
) -> GatherOperator:
    return trace_weights.by_offset(record, section.scale, section.power)


@build.register
def _amplitude_weights(
    section: AmplitudeWeightsSection, record: Record, arrays: TraceArrays
) -> GatherOperator:
    return trace_weights.by_amplitude(record, section.power)


@build.register
def _given_weights(
    section: GivenWeightsSection, record: Record, arrays: TraceArrays
) -> GatherOperator:
    return trace_weights.from_array(record, arrays.weights(section))


@build.register
def _dead_traces(section: DeadTracesSection, record: Record, arrays: TraceArrays) -> GatherOperator:
    dead = trace_weights.dead(record.observed, section.below, section.above)
    return Weights((~dead).astype(np.float64)[:, None])
