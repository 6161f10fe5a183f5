"""Shot records: traces of every shot on a common time axis, with their geometry and source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.survey.acquisition import Acquisition

Array = NDArray[Any]


@dataclass(frozen=True)
class Gathers:
    """Recorded or modelled pressure of a survey.

    Parameters
    ----------
    acquisition : Acquisition
    interval : float
        Sampling interval [s]; the first sample is t = 0.
    data : ndarray of shape (n_shots, n_receivers, samples)
        Pressure [Pa].
    wavelet : ndarray of shape (samples,) or None
        Source time function [Pa] in 2D, [Pa m] in 3D.

    Raises
    ------
    DataError
        If the data do not match the acquisition, or hold a value that is not a number.
    """

    acquisition: Acquisition
    interval: float
    data: Array
    wavelet: Array | None = None

    def __post_init__(self) -> None:
        expected = (self.acquisition.shots, self.acquisition.traces)
        if self.data.shape[:2] != expected:
            raise DataError(
                f"data of shape {self.data.shape} (shot, receiver, time) do not fit the geometry "
                f"of {expected[0]} shots with {expected[1]} receivers each"
            )
        if self.wavelet is not None and self.wavelet.shape[-1] != self.samples:
            raise DataError(
                f"the wavelet has {self.wavelet.shape[-1]} samples and the data {self.samples}; "
                f"both must be sampled at {self.interval:g} s from t = 0"
            )

    @property
    def samples(self) -> int:
        """Number of samples of a trace."""
        return int(self.data.shape[2])

    def check_finite(self) -> None:
        """Make sure that no sample is NaN or infinite.

        Raises
        ------
        DataError
            Naming the first bad trace.
        """
        for shot, gather in enumerate(self.data):
            bad = ~np.isfinite(gather)
            if bad.any():
                receiver, sample = np.argwhere(bad)[0]
                raise DataError(
                    f"shot {shot}, receiver {receiver} is {gather[receiver, sample]} at "
                    f"{sample * self.interval:g} s; mute or drop bad traces"
                )

    def until(self, duration: float) -> Gathers:
        """The records, and the wavelet, up to a time [s].

        Raises
        ------
        DataError
            If they do not last so long, or nothing is left.
        """
        samples, end = int(duration / self.interval + 1e-9) + 1, (self.samples - 1) * self.interval
        if not 2 <= samples <= self.samples:
            raise DataError(
                f"a duration of {duration:g} s does not fit records of {end:g} s sampled at "
                f"{self.interval:g} s; choose one from {self.interval:g} to {end:g} s"
            )
        wavelet = None if self.wavelet is None else self.wavelet[..., :samples]
        return replace(self, data=self.data[..., :samples], wavelet=wavelet)

    def select(self, shots: Array) -> Gathers:
        """The records of some of the shots, by number."""
        return replace(self, acquisition=self.acquisition.select(shots), data=self.data[shots])
