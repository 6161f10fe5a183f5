"""Base of extensions: an image of two wave fields, and the sources that belong to it.

    s = E(u, v) = sum_t ...,        w = E*(s, u),        <E(u, v), s> = <v, E*(s, u)>

with the field u of the source and the back-propagated field v. With v = F^T d, Born modelling of an
extended image is d = F w: both are an exact pair, as F and F^T are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]


class Extension(ABC):
    """An image that is linear in each of two wave fields of shape (samples, *grid)."""

    name: ClassVar[str]
    """Name in configs."""

    def shape(self, grid: Shape) -> Shape:
        """Shape of its images on a grid; by default that of the grid."""
        return grid

    @abstractmethod
    def image(self, u: Array, v: Array) -> Array:
        """The image of two fields, E(u, v).

        Parameters
        ----------
        u, v : ndarray of shape (samples, *grid)
            Field of the source, and back-propagated field.

        Returns
        -------
        ndarray of shape shape(grid)
        """

    @abstractmethod
    def source(self, image: Array, u: Array) -> Array:
        """Sources of Born modelling, E*(s, u): the transpose of `image` with respect to v.

        Parameters
        ----------
        image : ndarray of shape shape(grid)
        u : ndarray of shape (samples, *grid)

        Returns
        -------
        ndarray of shape (samples, *grid)
        """
