"""Normalised zero-lag correlation: the shape of the traces, independent of their strength.

    phi = sum_r w_r (1 - c_r),      c_r = <s_r, d_r> / (|s_r| |d_r|)
    dphi/ds_r = -w_r (d_r / |d_r| - c_r s_r / |s_r|) / |s_r|

with synthetic traces s_r, observed ones d_r and weights w_r that leave out silent traces. With one
c for a whole gather, the relative strength of its traces counts. The curvature is its value where
the two agree in shape, w (1 - s s^T / |s|**2) / |s|**2.

Reference: Choi and Alkhalifah (2012), Geophysical Prospecting 60, 748-760.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.misfits.misfit import CurvedMisfit
from fwicli.inversion.misfits.traces import SILENT, weights

Array = NDArray[Any]

OVER = ("trace", "gather")


@dataclass(frozen=True)
class Correlation(CurvedMisfit):
    """One minus the normalised correlation at zero lag.

    Parameters
    ----------
    over : str
        Correlate and normalise each "trace", or the whole "gather".
    silent : float
        Relative strength at which a trace counts half, where each is normalised.
    """

    over: str = "trace"
    silent: float = SILENT

    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:  # noqa: ARG002
        """Value, and its derivative with respect to the synthetic gather."""
        s, inverse = self._unit(synthetic)
        d, _ = self._unit(observed)
        weight = self._weights(observed)
        coefficient = (s * d).sum(axis=-1, keepdims=True)
        derivative = -weight * inverse * (d - coefficient * s)
        return float((weight * (1 - coefficient)).sum()), derivative.reshape(synthetic.shape)

    def scale(self, observed: Array, interval: float) -> float:
        """Value of a gather that does not correlate with the observed one."""
        return self(np.zeros_like(observed), observed, interval)[0]

    def curvature(
        self,
        synthetic: Array,
        observed: Array,
        interval: float,  # noqa: ARG002
        change: Array,
    ) -> Array:
        """Second derivative where shapes agree, applied to a change of the synthetic gather."""
        s, inverse = self._unit(synthetic)
        c = self._rows(change)
        across = c - s * (s * c).sum(axis=-1, keepdims=True)
        return np.asarray((self._weights(observed) * inverse**2 * across).reshape(change.shape))

    def _rows(self, gather: Array) -> Array:
        """The gather with a row for each correlation: its traces, or all samples in one row."""
        rows = gather.astype(np.float64)
        return rows if self.over == "trace" else rows.reshape(1, -1)

    def _unit(self, gather: Array) -> tuple[Array, Array]:
        """Rows divided by their norms, and the inverse norms; zero for rows of zeros."""
        rows = self._rows(gather)
        norms = np.linalg.norm(rows, axis=-1, keepdims=True)
        inverse = np.where(norms > 0, 1 / np.where(norms > 0, norms, 1.0), 0.0)
        return inverse * rows, inverse

    def _weights(self, observed: Array) -> Array:
        return weights(self._rows(observed), self.silent if self.over == "trace" else 0.0)
