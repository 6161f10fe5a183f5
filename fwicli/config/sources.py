"""The section `source` of an inversion: how the wavelet is estimated."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from fwicli.config.conditioning import WeightingSection
from fwicli.config.values import Positive, Range, Section


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
