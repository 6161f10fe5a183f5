"""Domains in which images are sparse: tight frames T with T^T T = 1.

    none       T = 1
    wavelet    orthonormal wavelets, periodic on a grid that is padded with zeros
    curvelet   uniform discrete curvelets, likewise; their coefficients are complex

An image is the sum of few wavelets, as reflectors are smooth along themselves and short across. It
takes fewer curvelets, which have directions. For these T^T is the real part of the adjoint.

References: Mallat (2009), A Wavelet Tour of Signal Processing, Academic Press, ch. 7; Nguyen and
Chauris (2010), IEEE Trans. Signal Process. 58, 3618-3634, for uniform discrete curvelets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import ConfigError

Array = NDArray[Any]

# Directions of the coarsest curvelets for each axis, and smallest number of their scales.
WEDGES, FEWEST_SCALES = 3, 2


class Transform(Protocol):
    """A tight frame."""

    def forward(self, image: Array) -> Array:
        """Coefficients T y of an image."""
        ...

    def adjoint(self, coefficients: Array) -> Array:
        """Image T^T c of coefficients, as `forward` returns them."""
        ...


@dataclass(frozen=True)
class Identity:
    """T = 1: the points of the image themselves."""

    def forward(self, image: Array) -> Array:
        """The image."""
        return image

    def adjoint(self, coefficients: Array) -> Array:
        """The coefficients."""
        return coefficients


class WaveletFrame:
    """Orthonormal wavelets.

    Parameters
    ----------
    shape : sequence of int
        Of the image.
    wavelet : str
        Name of an orthogonal wavelet, as db4 or sym8.
    levels : int
        Number of scales, as far as the image is large enough for them.

    Raises
    ------
    ConfigError
        If PyWavelets is not installed, or has no such orthogonal wavelet.
    """

    def __init__(self, shape: Sequence[int], wavelet: str = "db4", levels: int = 4) -> None:
        check(wavelet)
        import pywt  # late: an optional library

        self.shape, self.wavelet = tuple(shape), wavelet
        possible = pywt.dwt_max_level(min(self.shape), pywt.Wavelet(wavelet).dec_len)
        self.levels = min(levels, possible)
        block = 2**self.levels
        self._padding = [(0, -n % block) for n in self.shape]
        zeros = np.zeros(
            [n + after for n, (_, after) in zip(self.shape, self._padding, strict=True)]
        )
        self._slices = pywt.coeffs_to_array(self._decomposed(zeros))[1]

    def forward(self, image: Array) -> Array:
        """Coefficients T y of an image of shape `shape`."""
        import pywt  # late: an optional library

        padded = np.pad(image, self._padding)
        return np.asarray(pywt.coeffs_to_array(self._decomposed(padded))[0])

    def adjoint(self, coefficients: Array) -> Array:
        """Image T^T c of coefficients, as `forward` returns them."""
        import pywt  # late: an optional library

        parts = pywt.array_to_coeffs(coefficients, self._slices, output_format="wavedecn")
        image = pywt.waverecn(parts, self.wavelet, mode="periodization")
        return np.asarray(image[tuple(slice(n) for n in self.shape)])

    def _decomposed(self, padded: Array) -> Any:
        import pywt  # late: an optional library

        return pywt.wavedecn(padded, self.wavelet, mode="periodization", level=self.levels)


class CurveletFrame:
    """Uniform discrete curvelets.

    Parameters
    ----------
    shape : sequence of int
        Of the image.
    scales : int
        Number of scales, the coarsest included, as far as the image is large enough for them.

    Raises
    ------
    ConfigError
        If curvelets is not installed.
    """

    def __init__(self, shape: Sequence[int], scales: int = 3) -> None:
        if find_spec("curvelets") is None:
            raise ConfigError(
                "curvelets need the library curvelets, which is not installed; install it with "
                "`pip install 'fwicli[sparsity]'`, or set `transform: {kind: wavelet}`"
            )
        from curvelets.numpy import UDCT  # late: an optional library

        self.shape = tuple(shape)
        while scales > FEWEST_SCALES and WEDGES * 2**scales > min(shape):
            scales -= 1
        # Sizes that every wedge divides: for others the library gives no tight frame.
        block = WEDGES * 2**scales
        self._padding = [(0, -n % block) for n in self.shape]
        padded = [n + after for n, (_, after) in zip(self.shape, self._padding, strict=True)]
        self._curvelets = UDCT(tuple(padded), num_scales=scales, wedges_per_direction=WEDGES)

    def forward(self, image: Array) -> Array:
        """Complex coefficients T y of an image of shape `shape`."""
        padded = np.pad(np.asarray(image, dtype=np.float64), self._padding)
        return np.asarray(self._curvelets.vect(self._curvelets.forward(padded)))

    def adjoint(self, coefficients: Array) -> Array:
        """Image T^T c of coefficients, as `forward` returns them."""
        image = self._curvelets.backward(self._curvelets.struct(coefficients))
        return np.asarray(image.real[tuple(slice(n) for n in self.shape)])


def check(wavelet: str) -> None:
    """Make sure that there is an orthogonal wavelet of a name.

    Parameters
    ----------
    wavelet : str

    Raises
    ------
    ConfigError
        If PyWavelets is not installed, or has no such orthogonal wavelet.
    """
    if find_spec("pywt") is None:
        raise ConfigError(
            "wavelets need PyWavelets, which is not installed; install it with `pip install "
            "'fwicli[sparsity]'`, or set `transform: {kind: none}`"
        )
    import pywt  # late: an optional library

    names = [n for n in pywt.wavelist(kind="discrete") if pywt.Wavelet(n).orthogonal]
    if wavelet not in names:
        raise ConfigError(
            f"there is no orthogonal wavelet `{wavelet}`; choose db4, sym8, coif2 or another of "
            f"{', '.join(names[:3])}, ..., {names[-1]}"
        )


# From the shape of an image to its transform.
MakeTransform = Callable[[tuple[int, ...]], Transform]


def soft(values: Array, threshold: float) -> Array:
    """Values moved towards zero by a threshold: the proximal map of the sum of absolute values.

    Parameters
    ----------
    values : ndarray
        Complex ones keep their phase.
    threshold : float

    Returns
    -------
    thresholded : ndarray of the shape of `values`
    """
    return np.sign(values) * np.maximum(np.abs(values) - threshold, 0.0)
