"""Modelling of one shot as a task for a worker, which imports no more for it than waves need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from fwicli.propagators.discretization import Discretization
from fwicli.propagators.propagator import propagator

Array = NDArray[Any]


@dataclass(frozen=True)
class ShotModelling:
    """Gather of one shot, as a picklable function."""

    discretization: Discretization
    parameters: dict[str, Array]
    wavelet: Array
    source: Array
    receivers: Array

    def __call__(self) -> Array:
        """Model the shot."""
        return propagator(self.discretization).forward(
            self.parameters, self.wavelet, self.source, self.receivers
        )
