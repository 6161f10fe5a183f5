"""Shot records: traces of every shot on a common time axis, with their geometry and source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.digits import apart, round_down
from fwicli.errors import DataError
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.silence import Silence

Array = NDArray[Any]

# Largest and smallest peak amplitude of records [Pa], with room for any unit. Beyond them, squares
# overflow or vanish in single precision.
LOUDEST, FAINTEST = 1e15, 1e-30


@dataclass(frozen=True)
class PointSource:
    """Discretization of a point source, on which the field next to the source depends.

    Attributes
    ----------
    equation : str
        Name of the equation.
    spacing, origin : tuple of float
        Of the grid [m].
    order : int
        Order of the space differences.
    interpolation : str
        Interpolation of sources and receivers between grid points.
    """

    equation: str
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    order: int
    interpolation: str

    def like(self, other: PointSource) -> bool:
        """Whether fields next to sources at equal positions are equal."""
        same = (self.equation, self.order, self.interpolation, len(self.spacing)) == (
            other.equation,
            other.order,
            other.interpolation,
            len(other.spacing),
        )
        if not same or not np.allclose(self.spacing, other.spacing, rtol=1e-6, atol=0):
            return False
        # Grids with common points may begin at different positions.
        offset = (np.asarray(self.origin) - np.asarray(other.origin)) / np.asarray(self.spacing)
        return bool(np.allclose(offset, np.rint(offset), rtol=0, atol=1e-4))


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
    silence : Silence or None
        Silent traces, which are not compared; None before they are detected.
    point_source : PointSource or None
        Discretization of modelled records; None for measured records, and if it is unknown.

    Raises
    ------
    DataError
        If the data or the wavelet do not fit the acquisition.
    """

    acquisition: Acquisition
    interval: float
    data: Array
    wavelet: Array | None = None
    silence: Silence | None = None
    point_source: PointSource | None = None

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

    @property
    def live(self) -> NDArray[np.bool_]:
        """Traces that are compared, shape (n_shots, n_receivers)."""
        if self.silence is None:
            return np.ones(self.data.shape[:2], dtype=bool)
        return self.silence.live

    def with_silence(self, compared: bool = False) -> Gathers:
        """The records with their silent traces detected; traces with NaN or infinities become zero.

        Receivers of silent traces may have an unknown position; they are moved to the source of the
        shot.

        Parameters
        ----------
        compared : bool
            Whether traces of zeros are compared.

        Raises
        ------
        DataError
            If no trace holds numbers alone, or amplitudes are beyond single precision.
        GeometryError
            If the position of a source, or of a trace that is not silent, is not a number.
        """
        silence = Silence.of(self.data, compared)
        if silence.broken.all():
            raise DataError(
                "all traces hold values that are no numbers; check the file and its units"
            )
        data = self.data
        if silence.broken.any():
            data = np.where(silence.broken[..., None], np.zeros((), data.dtype), data)
        _check_amplitudes(data)
        acquisition = self.acquisition.placed(~(silence.zero | silence.broken))
        return replace(self, acquisition=acquisition, data=data, silence=silence)

    def until(self, duration: float) -> Gathers:
        """The records and the wavelet, cut after a duration [s].

        Raises
        ------
        DataError
            If the records are shorter, or the duration ends before the peak of the wavelet.
        """
        samples, end = int(duration / self.interval + 1e-9) + 1, (self.samples - 1) * self.interval
        if not 2 <= samples <= self.samples:
            requested, available = apart(duration, round_down(end, 6))
            raise DataError(
                f"a duration of {requested} s does not fit records of {available} s sampled at "
                f"{self.interval:g} s; choose one from {self.interval:g} to {available} s"
            )
        if self.wavelet is not None:
            peak = int(np.abs(self.wavelet).max(axis=tuple(range(self.wavelet.ndim - 1))).argmax())
            if peak >= samples:
                raise DataError(
                    f"a duration of {duration:g} s ends before the peak of the wavelet at "
                    f"{peak * self.interval:g} s; choose a longer one"
                )
        wavelet = None if self.wavelet is None else self.wavelet[..., :samples]
        return replace(self, data=self.data[..., :samples], wavelet=wavelet)

    def select(self, shots: Array) -> Gathers:
        """The records of some of the shots, by number."""
        silence = None if self.silence is None else self.silence.select(shots)
        acquisition = self.acquisition.select(shots)
        return replace(self, acquisition=acquisition, data=self.data[shots], silence=silence)


def _check_amplitudes(data: Array) -> None:
    """Make sure that amplitudes fit single precision; all may be zero.

    Raises
    ------
    DataError
        Naming the strongest trace.
    """
    peaks = [max(float(gather.max()), -float(gather.min())) for gather in data]
    shot, largest = int(np.argmax(peaks)), max(peaks)
    if largest == 0 or FAINTEST <= largest <= LOUDEST:
        return
    receiver = int(np.abs(data[shot]).max(axis=-1).argmax())
    raise DataError(
        f"the largest value of the traces, of shot {shot}, receiver {receiver}, is {largest:.3g} "
        f"Pa, which no record has and single precision cannot square; scale the records, mute the "
        f"trace (zeros, or NaN), or check the type and byte order that they were written with"
    )
