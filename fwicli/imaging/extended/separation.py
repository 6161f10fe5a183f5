"""Images of waves that travel opposite to each other along an axis.

With a wave field in time and along z, its parts that go down and up are

    u_down = (u + P u) / 2,        u_up = (u - P u) / 2,        P = H_t H_z

with the Hilbert transforms H. The image of waves that travel opposite to each other is

    I = sum_t u_down v_up + u_up v_down = 1/2 sum_t (u v - (P u) (P v)).

Waves that go along with each other, as those of source and receiver along a diving ray, are left
out, and so is their smooth, strong correlation. P is symmetric, so that the pair is exact. It takes
two Fourier transforms of each field.

Reference: Liu, Zhang, Morton and Leveille (2011), Geophysics 76, S29-S39.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.imaging.extended.extension import Extension, Shape

Array = NDArray[Any]

# Points across that are transformed at once.
PART = 16


class Separation(Extension):
    """Opposite directions along one axis of space."""

    axis: ClassVar[int]
    """Axis of the fields, time being the first."""

    def image(self, u: Array, v: Array) -> Array:
        """The image of opposite waves."""
        result = np.zeros(u.shape[1:], np.result_type(u, v))
        for part in self._parts(u.shape):
            plain = np.einsum("t...,t...->...", u[part], v[part])
            turned = np.einsum("t...,t...->...", self._directed(u[part]), self._directed(v[part]))
            result[part[1:]] = 0.5 * (plain - turned)
        return result

    def source(self, image: Array, u: Array) -> Array:
        """Sources of an image."""
        result = np.zeros(u.shape, np.result_type(u, image))
        for part in self._parts(u.shape):
            field, values = u[part], image[part[1:]]
            result[part] = 0.5 * (values * field - self._directed(values * self._directed(field)))
        return result

    def _parts(self, shape: Shape) -> Iterator[tuple[slice, ...]]:
        """Parts of a field along another axis, whose transforms take little memory."""
        across = 1 if self.axis % len(shape) != 1 else len(shape) - 1
        for first in range(0, shape[across], PART):
            part = [slice(None)] * len(shape)
            part[across] = slice(first, first + PART)
            yield tuple(part)

    def _directed(self, field: Array) -> Array:
        """P of a field: itself for waves along the axis, with the other sign against it."""
        axes = (0, self.axis % field.ndim)
        lengths = [2 * field.shape[axis] for axis in axes]
        spectrum = scipy.fft.rfft2(field, lengths, axes=axes)
        signs = []
        for axis, length, is_real in zip(axes, lengths, (False, True), strict=True):
            frequency = np.fft.rfftfreq(length) if is_real else np.fft.fftfreq(length)
            # The highest one has no sign.
            sign = np.where(np.abs(frequency) < 0.5, np.sign(frequency), 0.0)
            signs.append(sign.reshape([-1 if i == axis else 1 for i in range(field.ndim)]))
        spectrum *= (-signs[0] * signs[1]).astype(field.dtype)
        back = scipy.fft.irfft2(spectrum, lengths, axes=axes)
        inside = [slice(None)] * field.ndim
        for axis in axes:
            inside[axis] = slice(field.shape[axis])
        return np.asarray(back[tuple(inside)])


class UpDown(Separation):
    """Waves that go down against waves that go up: reflectors of gentle dip."""

    name = "up_down"
    axis = -1


class LeftRight(Separation):
    """Waves that go right along x against waves that go left: reflectors of steep dip."""

    name = "left_right"
    axis = 1
