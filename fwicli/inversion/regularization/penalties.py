"""Penalties: prior expectations of a model, as terms of the objective.

With v a property that has bounds of width V, D the differences of neighbours in widths per
kilometre, D v -> 1000 m D v / V, and means over the N points that may change,

    Tikhonov, order 1      a / 2N sum_i sum_k w_k (D_k v)**2
    Tikhonov, order 2      a / 2N sum_i (sum_k w_k D_kk v)**2
    directional            a / 2N sum_i (n_i . D v)**2         n along the layers
    total variation        a / N sum_i (sqrt(|D v|**2 + e**2) - e)
    reference              a / 2N sum_i ((v - v_ref) / V)**2

with the weight a. On any grid and for any property the penalties are so of order a; the data term
is 1 for a model that explains nothing. With a `base` v_0, the penalty applies to the change v - v_0
in place of v.

The curvature is the exact second derivative; all penalties are convex.

References: Tikhonov and Arsenin (1977), Solutions of Ill-Posed Problems; Rudin, Osher and Fatemi
(1992), Physica D 60, 259-268, and Acar and Vogel (1994), Inverse Problems 10, 1217-1229, for the
smoothed total variation; Hale (2013), Geophysics 78, no. 5, on smoothing along the layers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.regularization.differences import Differences

Array = NDArray[Any]
Values = Mapping[str, Array]

# Length over which gradients are measured [m].
LENGTH = 1000.0


class Penalty(Protocol):
    """A convex function of the properties."""

    def __call__(
        self, values: Values, spacing: tuple[float, ...]
    ) -> tuple[float, dict[str, Array]]:
        """Value, and derivatives by the properties that it depends on.

        Parameters
        ----------
        values : mapping of str to ndarray of shape grid.shape
            Properties, in SI units.
        spacing : tuple of float
            Of the grid [m].

        Returns
        -------
        value : float
        derivatives : dict of str to ndarray of shape grid.shape
            By property, per SI unit.
        """
        ...

    def curvature(
        self, values: Values, change: Values, spacing: tuple[float, ...]
    ) -> dict[str, Array]:
        """Second derivative times a change of the properties.

        Parameters
        ----------
        values, change : mapping of str to ndarray of shape grid.shape
            Properties and their changes, in SI units.
        spacing : tuple of float
            Of the grid [m].

        Returns
        -------
        product : dict of str to ndarray of shape grid.shape
            By property, per SI unit.
        """
        ...


@dataclass(frozen=True)
class _Single(ABC):
    """A penalty on one property: the mean of a function f of a linear image L v of it.

    Parameters
    ----------
    name : str
        Of the property.
    weight : float
        a.
    width : float
        V, in the unit of the property.
    free : ndarray of bool
        Points that may change.
    base : ndarray, optional
        v_0.
    """

    name: str
    weight: float
    width: float
    free: NDArray[np.bool_]
    base: Array | None = None

    def __call__(
        self, values: Values, spacing: tuple[float, ...]
    ) -> tuple[float, dict[str, Array]]:
        """Value, and derivative by the property."""
        image = self._image(self._scaled(values[self.name]), spacing)
        total, slope = self._function(image)
        derivative = self._transpose(slope, spacing)
        return self._share * total, {self.name: self._share / self.width * derivative}

    def curvature(
        self, values: Values, change: Values, spacing: tuple[float, ...]
    ) -> dict[str, Array]:
        """Second derivative times a change of the property."""
        image = self._image(self._scaled(values[self.name]), spacing)
        image_change = self._image(np.asarray(change[self.name], dtype=float) / self.width, spacing)
        product = self._transpose(self._second(image, image_change), spacing)
        return {self.name: self._share / self.width * product}

    @property
    def _share(self) -> float:
        """Weight of one point."""
        return self.weight / max(int(self.free.sum()), 1)

    def _scaled(self, values: Array) -> Array:
        base = 0.0 if self.base is None else self.base
        return np.asarray((values.astype(float) - base) / self.width)

    @abstractmethod
    def _image(self, values: Array, spacing: tuple[float, ...]) -> Array:
        """L v."""

    @abstractmethod
    def _transpose(self, image: Array, spacing: tuple[float, ...]) -> Array:
        """Transpose of `_image`."""

    def _function(self, image: Array) -> tuple[float, Array]:
        """Sum of f over all points, and its derivative."""
        return 0.5 * float(np.vdot(image, image)), image

    def _second(self, image: Array, image_change: Array) -> Array:
        """Second derivative of f times a change of the image."""
        del image
        return image_change

    def _differences(self, spacing: tuple[float, ...]) -> Differences:
        """Differences per `LENGTH`."""
        return Differences(self.free, tuple(h / LENGTH for h in spacing))


@dataclass(frozen=True)
class Tikhonov(_Single):
    """Squared slopes, or squared curvature: `axes` are the weights w_k of the axes."""

    order: int = 1
    axes: tuple[float, ...] = ()

    def _weights(self) -> Array:
        weights = np.array(self.axes or (1.0,) * self.free.ndim)
        return weights.reshape(-1, *[1] * self.free.ndim)

    def _image(self, values: Array, spacing: tuple[float, ...]) -> Array:
        differences = self._differences(spacing)
        if self.order == 1:
            return np.sqrt(self._weights()) * differences.gradient(values)
        return np.asarray((self._weights() * differences.curvature(values)).sum(axis=0))

    def _transpose(self, image: Array, spacing: tuple[float, ...]) -> Array:
        differences = self._differences(spacing)
        if self.order == 1:
            return differences.gradient_transpose(np.sqrt(self._weights()) * image)
        return differences.curvature_transpose(self._weights() * image)


@dataclass(frozen=True)
class Directional(_Single):
    """Squared slope along the layers, n = (cos dip, sin dip) for a dip [rad] towards larger x."""

    dip: Array | float = 0.0

    def _image(self, values: Array, spacing: tuple[float, ...]) -> Array:
        differences = self._differences(spacing)
        along, down = differences.gradient(values)
        # A slope along the layers needs both differences.
        has_both = differences.edges.all(axis=0)
        return np.where(has_both, np.cos(self.dip) * along + np.sin(self.dip) * down, 0.0)

    def _transpose(self, image: Array, spacing: tuple[float, ...]) -> Array:
        differences = self._differences(spacing)
        image = np.where(differences.edges.all(axis=0), image, 0.0)
        parts = np.stack([np.cos(self.dip) * image, np.sin(self.dip) * image])
        return differences.gradient_transpose(parts)


@dataclass(frozen=True)
class TotalVariation(_Single):
    """Length of the slopes, smoothed below `smoothing`, e [widths per km]."""

    smoothing: float = 0.05

    def _image(self, values: Array, spacing: tuple[float, ...]) -> Array:
        return self._differences(spacing).gradient(values)

    def _transpose(self, image: Array, spacing: tuple[float, ...]) -> Array:
        return self._differences(spacing).gradient_transpose(image)

    def _size(self, image: Array) -> Array:
        return np.asarray(np.sqrt((image**2).sum(axis=0) + self.smoothing**2))

    def _function(self, image: Array) -> tuple[float, Array]:
        size = self._size(image)
        return float((size - self.smoothing).sum()), image / size

    def _second(self, image: Array, image_change: Array) -> Array:
        size = self._size(image)
        along = (image * image_change).sum(axis=0) / size**2
        return np.asarray((image_change - along * image) / size)


@dataclass(frozen=True)
class Reference(_Single):
    """Squared distance from a model; `base` is that model."""

    def _image(self, values: Array, spacing: tuple[float, ...]) -> Array:
        del spacing
        return np.where(self.free, values, 0.0)

    def _transpose(self, image: Array, spacing: tuple[float, ...]) -> Array:
        del spacing
        return np.where(self.free, image, 0.0)
