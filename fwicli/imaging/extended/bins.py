"""Images by surface offset, and by position of the source, for the analysis of velocity.

With the masks W_b of traces whose distance |x_r - x_s| is in the bin b, the sum of which is one,

    surface offset      s_b = sum_shots J^T W_b d        d = sum_b W_b J s_b
    common shot         s_b = sum_(shots of b) J^T d     d = J s_b for the shots of b

so that the images of all bins add up to the plain one. Each bin of offsets takes an adjoint run
of a shot, all with the same forward field. Images of sources take no run more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class OffsetBins:
    """Bins of equal width of the horizontal distance between source and receiver.

    Parameters
    ----------
    largest : float
        Outer edge of the last bin [m], which belongs to it.
    count : int
        Number of bins.
    """

    largest: float
    count: int

    @property
    def centres(self) -> Array:
        """Offset of the middle of each bin [m]."""
        return (np.arange(self.count) + 0.5) * self.largest / self.count

    def membership(self, source: Array, receivers: Array) -> NDArray[np.bool_]:
        """Whether the trace of a receiver is in a bin; of larger offset, in none.

        Parameters
        ----------
        source : ndarray of shape (n_sources, ndim)
            Positions [m]; their centre counts.
        receivers : ndarray of shape (n_receivers, ndim)
            Positions [m].

        Returns
        -------
        ndarray of bool, of shape (count, n_receivers)
        """
        away = np.asarray(receivers)[:, :-1] - np.atleast_2d(source).mean(axis=0)[:-1]
        share = np.linalg.norm(away, axis=1) / self.largest
        numbers = np.minimum((share * self.count).astype(int), self.count - 1)
        return np.asarray((np.arange(self.count)[:, None] == numbers) & (share <= 1))


@dataclass(frozen=True)
class SourceBins:
    """Bins of the positions of sources along x, each around its centre.

    Parameters
    ----------
    first, last : float
        Centres of the outer bins [m].
    count : int
        Number of bins.
    """

    first: float
    last: float
    count: int

    @classmethod
    def of_sources(cls, x: Array, count: int | None = None) -> SourceBins:
        """Bins from the first source to the last.

        Parameters
        ----------
        x : ndarray of shape (n_shots,)
            Positions along x [m].
        count : int, optional
            Number of bins; by default as many as there are positions.

        Returns
        -------
        SourceBins
        """
        return cls(float(np.min(x)), float(np.max(x)), count or len(np.unique(x)))

    @property
    def centres(self) -> Array:
        """Position of the middle of each bin [m]."""
        return np.linspace(self.first, self.last, self.count)

    def number(self, x: float) -> int:
        """The bin of a source.

        Parameters
        ----------
        x : float
            Its position along x [m].
        """
        return int(np.abs(self.centres - x).argmin())


@dataclass(frozen=True, eq=False)
class TraceParts:
    """Parts of the traces of a shot, each of which makes an image.

    Parameters
    ----------
    membership : ndarray of bool, of shape (count, n_receivers)
        A trace is in one part, or in none.
    """

    membership: NDArray[np.bool_]

    @property
    def count(self) -> int:
        """Number of parts that have traces, those in no part as one."""
        return int(self.membership.any(axis=1).sum()) + int(not self.membership.any(axis=0).all())

    def split(self, gather: Array) -> dict[int, Array]:
        """The gather of each part, zero in other traces; they sum to the gather.

        Parameters
        ----------
        gather : ndarray of shape (n_receivers, samples)

        Returns
        -------
        dict of int to ndarray of shape (n_receivers, samples)
            By number of the part, without empty parts; `count` stands for traces in no part.
        """
        rest = ~self.membership.any(axis=0)
        parts = enumerate([*self.membership, rest])
        return {n: np.where(mask[:, None], gather, 0) for n, mask in parts if mask.any()}

    def images(self, parts: Mapping[int, Array]) -> dict[int, Array]:
        """Images of parts, without those of traces in no part.

        Parameters
        ----------
        parts : mapping of int to ndarray
        """
        return {n: image for n, image in parts.items() if n < len(self.membership)}


@dataclass(frozen=True)
class SourcePart:
    """The whole image of a shot belongs to one bin of sources.

    Parameters
    ----------
    number : int
        Of the bin.
    """

    number: int
