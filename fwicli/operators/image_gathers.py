"""Born modelling of images by surface offset and by source, and migration as its transpose.

    s -> d = sum_b W_b A s_b,        d -> s_b = A^T W_b d

with the operator A of all shots from an image to records, and the weights W_b of traces in a bin.
The bins have each trace once, so that the images of `surface_offsets` and `common_shots` add up to
that of A^T.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import GeometryError
from fwicli.imaging.extended.bins import OffsetBins, SourceBins
from fwicli.operators.modelling import ShotOperator

Array = NDArray[Any]


def surface_offsets(imaging: ShotOperator, largest: float, bins: int = 8) -> GathersOperator:
    """The operator from images by surface offset to the records that they explain.

    Its transpose takes one application of A^T for each bin.

    Parameters
    ----------
    imaging : ShotOperator
        A, as of `imaging` or `extended_imaging`.
    largest : float
        Outer edge of the last bin [m]. Traces of larger offset are in no bin: their records are
        zero.
    bins : int
        Number of bins of equal width.

    Returns
    -------
    GathersOperator
        With images of shape (bins, *A.dims).
    """
    offsets = OffsetBins(largest, bins)
    members = np.zeros((bins, *_traces(imaging)), dtype=bool)
    for shot in range(imaging.shots):
        source, receivers = imaging.shot_set.places(shot)
        inside = offsets.membership(_positions(source), _positions(receivers))
        members[:, shot, : inside.shape[1]] = inside
    return GathersOperator(imaging, members)


def common_shots(imaging: ShotOperator, bins: int | None = None) -> GathersOperator:
    """The operator from images of single shots, or of shots nearby, to the records.

    It takes no more than one application of A, or of its transpose.

    Parameters
    ----------
    imaging : ShotOperator
        A, as of `imaging` or `extended_imaging`.
    bins : int, optional
        Bins of the positions along x; by default one for each position.

    Returns
    -------
    GathersOperator
        With images of shape (bins, *A.dims).
    """
    places = [_positions(imaging.shot_set.places(shot)[0]) for shot in range(imaging.shots)]
    x = np.array([position.mean(axis=0)[0] for position in places])
    sources = SourceBins.of_sources(x, bins)
    members = np.zeros((sources.count, *_traces(imaging)), dtype=bool)
    for shot, position in enumerate(x):
        members[sources.number(float(position)), shot] = True
    return GathersOperator(imaging, members)


class GathersOperator(ShotOperator):
    """Born modelling of images in bins of traces (see `surface_offsets`, `common_shots`).

    Parameters
    ----------
    imaging : ShotOperator
    members : ndarray of bool, of shape (bins, shots, n_receivers)
        Traces of each bin.
    """

    def __init__(self, imaging: ShotOperator, members: NDArray[np.bool_]) -> None:
        super().__init__(imaging.shot_set, (len(members), *imaging.dims), imaging.dimsd)
        self.imaging, self.members = imaging, members

    def __getitem__(self, which: Any) -> GathersOperator:
        """The operator of some shots, with the same bins."""
        numbers = np.atleast_1d(np.arange(self.shots)[which])
        return GathersOperator(self.imaging[which], self.members[:, numbers])

    def _apply(self, x: Array) -> Array:
        records = np.zeros((len(x), *self._by_shot), self.dtype)
        for image, members, shots in self._bins(np.swapaxes(x, 0, 1)):
            part = self._of(shots)._apply(image).reshape(len(x), -1, *self._by_shot[1:])
            records[:, shots] += np.where(members[shots][..., None], part, 0)
        return records.reshape(len(x), *self.dimsd)

    def _apply_adjoint(self, y: Array) -> Array:
        records = y.reshape(len(y), *self._by_shot)
        images = np.zeros((len(self.members), len(y), *self.dims[1:]), self.dtype)
        for image, members, shots in self._bins(images):
            part = np.where(members[shots][..., None], records[:, shots], 0)
            operator = self._of(shots)
            image[:] = operator._apply_adjoint(part.reshape(len(y), *operator.dimsd))
        return np.swapaxes(images, 0, 1)

    @property
    def _by_shot(self) -> tuple[int, ...]:
        """Shape of records with a dimension of shots."""
        return (self.shots, *self.imaging.shot_set.data_of("gather"))

    def _bins(self, images: Array) -> list[tuple[Array, NDArray[np.bool_], NDArray[np.int64]]]:
        """Image, traces and shots of every bin that has traces."""
        shots = [np.flatnonzero(members.any(axis=1)) for members in self.members]
        each = zip(images, self.members, shots, strict=True)
        return [(image, members, numbers) for image, members, numbers in each if numbers.size]

    def _of(self, shots: NDArray[np.int64]) -> ShotOperator:
        """A of some shots."""
        return self.imaging if len(shots) == self.shots else self.imaging[shots]


def _traces(imaging: ShotOperator) -> tuple[int, int]:
    """Numbers of shots and of traces of a shot."""
    return imaging.shots, imaging.shot_set.data_of("gather")[0]


def _positions(place: Any) -> Array:
    """Positions of points [m].

    Raises
    ------
    GeometryError
        If sources or receivers are other than points.
    """
    positions = getattr(place, "positions", place)
    if not isinstance(positions, np.ndarray):
        raise GeometryError(
            f"a {type(place).__name__} has no offsets: images by offset or shot need positions of "
            f"sources and receivers, arrays of shape (n_points, ndim) [m]"
        )
    return positions
