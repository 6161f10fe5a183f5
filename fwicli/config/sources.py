"""The section `source` of an inversion: how the wavelet is estimated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field

from fwicli.config.conditioning import ConditioningSection, WeightingSection
from fwicli.config.values import Positive, Range, Section
from fwicli.inversion.conditioning import mutes
from fwicli.inversion.conditioning.operators import Chain, Record, Weights, chain
from fwicli.inversion.shots.experiments import Preparation
from fwicli.inversion.source_estimation import SourceFit, filter_step


def _about_zero(value: list[float]) -> list[float]:
    if not value[0] <= 0 <= value[1]:
        raise ValueError("lags go from one that is not positive to one that is not negative")
    return value


class SourceSection(Section):
    """Source estimation: the filter of the wavelet that fits best, at every evaluation."""

    estimate: Literal["shot", "common"] = "shot"
    """One wavelet is estimated for each shot, or one in common for all."""
    lags: Annotated[Range, AfterValidator(_about_zero)] = Field(default=[-0.1, 0.4])
    """The filter has its first and last coefficients at these times [s]."""
    damping: Positive = 1e-3
    """The filter is damped by this share of the energy of the synthetic data."""
    window: list[WeightingSection] | None = None
    """These weights select the data to fit; by default those of `conditioning`."""

    def whole(self, record: Record) -> list[Weights]:
        """Samples whose synthetic value needs none from after the end of the record."""
        lead = -self.lags[0]
        return [mutes.by_time(record, None, record.times[-1] - lead, lead)] if lead > 0 else []

    def fit(self, record: Record, conditioning: Chain, highest: float) -> SourceFit:
        """For the traces of a shot, their conditioning, and the upper edge of the band [Hz]."""
        if self.window is not None:
            own = [section.operator(record) for section in self.window]
            conditioning = chain([*self.whole(record), *own])
        weights = np.asarray(conditioning.weights(record.observed.shape))
        lags = self.lags[0], self.lags[1]
        step = filter_step(highest, record.interval)
        return SourceFit(lags, self.damping, weights, self.estimate == "common", step)


def prepare(
    record: Record,
    conditioning: Sequence[ConditioningSection],
    source: SourceSection | None,
    highest: float = np.inf,
) -> Preparation:
    """What is done with the gathers of a shot before they are compared.

    Parameters
    ----------
    highest : float
        Upper edge of the band [Hz].
    """
    ends = [] if source is None else source.whole(record)
    made = chain([*ends, *(section.operator(record) for section in conditioning)])
    return Preparation(made, None if source is None else source.fit(record, made, highest))
