"""Positions of sources and receivers, shot by shot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from fwicli.errors import GeometryError

Array = NDArray[Any]


@dataclass(frozen=True)
class Acquisition:
    """One source a shot, and as many receivers in each shot.

    Parameters
    ----------
    sources : ndarray of shape (n_shots, ndim)
        Positions [m].
    receivers : ndarray of shape (n_receivers, ndim) or (n_shots, n_receivers, ndim)
        Positions [m], the same for every shot or of each shot.

    Raises
    ------
    GeometryError
        If the shapes do not agree.
    """

    sources: Array
    receivers: Array

    def __post_init__(self) -> None:
        shots, ndim = self.sources.shape
        shape = self.receivers.shape
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

    def select(self, shots: Array) -> Acquisition:
        """The acquisition of some of the shots, by number."""
        receivers = self.receivers[shots] if self.receivers.ndim == 3 else self.receivers
        return Acquisition(self.sources[shots], receivers)


def towed(sources: Array, offsets: Array) -> Array:
    """Receivers at fixed offsets [m] from each source, shape (n_shots, n_receivers, ndim)."""
    return sources[:, None, :] + offsets[None, :, :]
