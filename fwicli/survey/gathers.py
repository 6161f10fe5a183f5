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

# Largest amplitudes of records [Pa], with room for any unit; beyond them squares overflow, or
# vanish, in single precision.
LOUDEST, FAINTEST = 1e15, 1e-30


@dataclass(frozen=True)
class PointSource:
    """How point sources are modelled: what the field next to them depends on.

    Attributes
    ----------
    equation : str
    spacing, origin : tuple of float
        Of the grid [m].
    order : int
        Of the differences in space.
    interpolation : str
        Of sources and receivers between the points.
    """

    equation: str
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    order: int
    interpolation: str

    def like(self, other: PointSource) -> bool:
        """Whether fields next to sources at the same places are the same."""
        same = (self.equation, self.order, self.interpolation, len(self.spacing)) == (
            other.equation,
            other.order,
            other.interpolation,
            len(other.spacing),
        )
        if not same or not np.allclose(self.spacing, other.spacing, rtol=1e-6, atol=0):
            return False
        # Grids whose points fall on each other may begin at different places.
        apart = (np.asarray(self.origin) - np.asarray(other.origin)) / np.asarray(self.spacing)
        return bool(np.allclose(apart, np.rint(apart), rtol=0, atol=1e-4))


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
        Traces that are compared with nothing; none if it is not known.
    point_source : PointSource or None
        How the records were modelled; None if they were recorded, or where nothing is known of it.

    Raises
    ------
    DataError
        If the data do not match the acquisition, or hold a value that is not a number.
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
        """The records with their silent traces noted; those that hold no numbers become zero.

        Receivers of such a trace, and of one that is zero, may be nowhere: they are put where the
        source of the shot is.

        Parameters
        ----------
        compared : bool
            Whether traces that are zero are compared.

        Raises
        ------
        DataError
            If there is no other trace, amplitudes are those of no record, or a position is not a
            number.
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
        """The records, and the wavelet, up to a time [s].

        Raises
        ------
        DataError
            If they do not last so long, or nothing is left of them or of the wavelet.
        """
        samples, end = int(duration / self.interval + 1e-9) + 1, (self.samples - 1) * self.interval
        if not 2 <= samples <= self.samples:
            asked, last = apart(duration, round_down(end, 6))
            raise DataError(
                f"a duration of {asked} s does not fit records of {last} s sampled at "
                f"{self.interval:g} s; choose one from {self.interval:g} to {last} s"
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
    """Amplitudes must be such that waves can be computed with them; all may be zero.

    Raises
    ------
    DataError
        Naming the loudest trace.
    """
    loudest = [max(float(gather.max()), -float(gather.min())) for gather in data]
    shot, largest = int(np.argmax(loudest)), max(loudest)
    if largest == 0 or FAINTEST <= largest <= LOUDEST:
        return
    receiver = int(np.abs(data[shot]).max(axis=-1).argmax())
    raise DataError(
        f"the largest value of the traces, of shot {shot}, receiver {receiver}, is {largest:.3g} "
        f"Pa, which no record has and single precision cannot square; scale the records, mute the "
        f"trace (zeros, or NaN), or check the type and byte order that they were written with"
    )
