"""Positions of sources and receivers, shot by shot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import GeometryError

Array = NDArray[Any]


@dataclass(frozen=True)
class Acquisition:
    """Sources and receivers: one source a shot, and equally many receivers in each shot.

    Parameters
    ----------
    sources : ndarray of shape (n_shots, ndim)
        Positions [m].
    receivers : ndarray of shape (n_receivers, ndim) or (n_shots, n_receivers, ndim)
        Positions [m], common to all shots or for each shot.

    Raises
    ------
    GeometryError
        If the shapes do not agree, or there are no sources or no receivers.
    """

    sources: Array
    receivers: Array

    def __post_init__(self) -> None:
        if self.sources.ndim != 2 or self.receivers.ndim not in (2, 3):
            raise GeometryError(
                f"sources of shape {self.sources.shape} and receivers of shape "
                f"{self.receivers.shape}: they must be (shots, ndim) and (receivers, ndim) or "
                f"(shots, receivers, ndim)"
            )
        shots, ndim = self.sources.shape
        shape = self.receivers.shape
        for name, count in (("sources", shots), ("receivers", shape[-2])):
            if count == 0:
                raise GeometryError(f"there are no {name}; give at least one")
        if shape[-1] != ndim or (len(shape) == 3 and shape[0] != shots):
            raise GeometryError(
                f"receivers of shape {shape} do not fit {shots} sources with {ndim} coordinates; "
                f"they must be (receivers, {ndim}) or ({shots}, receivers, {ndim})"
            )

    @property
    def shots(self) -> int:
        """Number of shots."""
        return int(self.sources.shape[0])

    @property
    def traces(self) -> int:
        """Number of receivers of a shot."""
        return int(self.receivers.shape[-2])

    @property
    def ndim(self) -> int:
        """Number of coordinates."""
        return int(self.sources.shape[1])

    def source(self, shot: int) -> Array:
        """Position of the source of a shot, shape (1, ndim) [m]."""
        return self.sources[shot : shot + 1]

    def receivers_of(self, shot: int) -> Array:
        """Positions of the receivers of a shot, shape (n_receivers, ndim) [m]."""
        return self.receivers[shot] if self.receivers.ndim == 3 else self.receivers

    def all_receivers(self) -> Array:
        """Positions of all receivers of all shots, shape (n, ndim) [m]."""
        return self.receivers.reshape(-1, self.ndim)

    def placed(self, live: NDArray[np.bool_]) -> Acquisition:
        """The acquisition with dead receivers of unknown position moved to their source.

        Parameters
        ----------
        live : ndarray of bool, of shape (n_shots, n_receivers)
            Traces that recorded something.

        Raises
        ------
        GeometryError
            If a source, or the receiver of a live trace, has a position that is not a number.
        """
        for shot in np.flatnonzero(~np.isfinite(self.sources).all(axis=1))[:1]:
            raise GeometryError(f"the source of shot {shot} is at {_place(self.sources[shot])}")
        unknown: NDArray[np.bool_] = np.asarray(~np.isfinite(self.receivers).all(axis=-1))
        if not unknown.any():
            return self
        for shot, receiver in np.argwhere(np.atleast_2d(unknown) & live)[:1]:
            position = _place(self.receivers_of(int(shot))[int(receiver)])
            raise GeometryError(
                f"receiver {receiver} of shot {shot} is at {position}, and its trace is not "
                f"silent; only receivers without a trace may be nowhere"
            )
        shape = (self.shots, *self.receivers.shape[-2:])
        at_source = np.broadcast_to(self.sources[:, None, :], shape)
        receivers = np.where(unknown[..., None], at_source, self.receivers)
        return Acquisition(self.sources, receivers)

    def select(self, shots: Array) -> Acquisition:
        """The acquisition of some of the shots, by number."""
        receivers = self.receivers[shots] if self.receivers.ndim == 3 else self.receivers
        return Acquisition(self.sources[shots], receivers)


def towed(sources: Array, offsets: Array) -> Array:
    """Receivers at fixed offsets from each source.

    Parameters
    ----------
    sources : ndarray of shape (n_shots, ndim)
        Positions [m].
    offsets : ndarray of shape (n_receivers, ndim)
        Receiver minus source [m].

    Returns
    -------
    receivers : ndarray of shape (n_shots, n_receivers, ndim)
        Positions [m].
    """
    return sources[:, None, :] + offsets[None, :, :]


def _place(position: Array) -> str:
    """A position in words."""
    return f"({', '.join(f'{c:g}' for c in position)}) m"
