"""Reverse-time migration: a sum over shots of forward and back-propagated fields.

    image(x) = sum_shots sum_t u(x, t) v(x, t) / (sum_shots sum_t u(x, t)**2 + eps)

with u the source field in a smooth model and v the recorded field, propagated backwards from the
receivers. The division makes up for the uneven energy of the sources.

Reference: Baysal, Kosloff and Sherwood (1983), Geophysics 48, 1514-1524.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators.propagator import Discretization, propagator

Array = NDArray[Any]


@dataclass(frozen=True)
class ShotImage:
    """Contribution of one shot."""

    image: Array
    illumination: Array


@dataclass(frozen=True)
class ShotMigration:
    """Image of one shot, as a picklable function.

    Parameters
    ----------
    condition : str
        Name of an imaging condition, or "gradient".
    subtract_modelled : bool
        Take what the smooth model itself explains from the records first.
    """

    discretization: Discretization
    m: Array
    wavelet: Array
    source: Array
    receivers: Array
    observed: Array
    condition: str
    subtract_modelled: bool

    def __call__(self) -> ShotImage:
        """Model the source field, back-propagate the records, and correlate."""

        def records(modelled: Array) -> Array:
            return self.observed - modelled if self.subtract_modelled else self.observed

        result = propagator(self.discretization).images(
            {"m": self.m},
            records,
            self.wavelet,
            self.source,
            self.receivers,
            kinds=(self.condition, "illumination"),
        )
        gradient = self.condition == "gradient"
        image = result.gradient["m"] if gradient else result.images[self.condition]
        return ShotImage(image, result.images["illumination"])


def compensate(image: Array, illumination: Array, damping: float) -> Array:
    """Divide an image by the energy of the source fields, damped by a share of its mean."""
    return np.asarray(image / (illumination + damping * illumination.mean()))
