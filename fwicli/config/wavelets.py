"""The section `wavelet` of a config: a Ricker or Ormsby wavelet, or one from a file."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from fwicli.config.values import NonNegative, Number, Positive, Section


class RickerSection(Section):
    """Ricker wavelet."""

    kind: Literal["ricker"]
    """This name selects a Ricker wavelet."""
    frequency: Positive
    """The amplitude spectrum peaks at this frequency [Hz]."""
    delay: NonNegative | None = None
    """The wavelet peaks at this time; by default late enough to begin near zero [s]."""
    amplitude: Number = 1.0
    """The peak has this amplitude; its unit in 3D is Pa m [Pa]."""


class OrmsbySection(Section):
    """Ormsby wavelet."""

    kind: Literal["ormsby"]
    """This name selects an Ormsby wavelet."""
    corners: Annotated[list[Positive], Field(min_length=4, max_length=4)]
    """The trapezoidal spectrum has these four increasing corner frequencies [Hz]."""
    delay: Positive | None = None
    """The wavelet peaks at this time; by default late enough to begin near zero [s]."""
    amplitude: Number = 1.0
    """The peak has this amplitude; its unit in 3D is Pa m [Pa]."""

    @field_validator("corners")
    @classmethod
    def _increasing(cls, value: list[float]) -> list[float]:
        if not all(low < high for low, high in pairwise(value)):
            raise ValueError("corner frequencies must increase")
        return value


class WaveletFileSection(Section):
    """Wavelet from a file, from t = 0, resampled to the data."""

    kind: Literal["file"]
    """This name selects a wavelet from a file."""
    file: Path
    """The wavelet is read from this HDF5, .npy, RSF, SEG-Y, SU, text or raw file, relative to the
    config; or one for each shot."""
    dataset: str = "wavelet"
    """The wavelet has this name in an HDF5 or .npz file."""
    interval: Positive | None = None
    """The samples are this far apart; by default as the file says, or as the data [s]."""
    dtype: Literal["float32", "float64"] = "float32"
    """A raw file holds numbers of this type."""
    scale: Number = 1.0
    """The samples are multiplied by this factor."""
    delay: Number = 0.0
    """The wavelet is this much later than in the file, or earlier if negative [s]."""


WaveletSection = Annotated[
    RickerSection | OrmsbySection | WaveletFileSection, Field(discriminator="kind")
]
