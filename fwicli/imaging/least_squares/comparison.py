"""Comparison of linearised records with observed ones, of one shot.

    phi(dm) = 1/2 |W (f * (F q + J dm) - d)|**2,        r = f * (F q + J dm) - d
    dphi/d(J dm) = f^T W^T W r,        W = C N

with J = dF q / dm, modelled records F q [Pa], observed ones d, and a filter f of the wavelet, which
is 1 where the wavelet is known. N removes the part of traces next to the source that depends on the
grid (see `survey.proximity`), and C is the conditioning: mutes, weights and filters, each with its
transpose. Without `subtract_modelled` F q is left out: then d holds reflections alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.conditioning.operators import Chain
from fwicli.inversion.source_estimation import Equations, SourceFit
from fwicli.survey.proximity import Near
from fwicli.survey.signals.convolution import Lags
from fwicli.survey.signals.spans import within
from fwicli.survey.traces import Traces

Array = NDArray[Any]


@dataclass(frozen=True)
class LinearComparison:
    """Residual of the linearised records of one shot, as a picklable function.

    Parameters
    ----------
    observed : ndarray of shape (n_receivers, samples), or Traces of one shot
        d, in memory or read by the worker [Pa].
    interval : float
        Sampling interval [s].
    subtract_modelled : bool
        Whether F q is part of the prediction.
    conditioning : Chain
        C.
    near : Near, optional
        N; the identity by default.
    span : slice, optional
        Samples that are recorded; by default all.
    fit : SourceFit, optional
        How f is fitted; by default the wavelet is known.
    """

    observed: Array | Traces
    interval: float
    subtract_modelled: bool = True
    conditioning: Chain = Chain()  # noqa: RUF009 - it is frozen
    near: Near | None = None
    span: slice | None = None
    fit: SourceFit | None = None

    @property
    def data(self) -> Array:
        """d, in double precision."""
        observed = self.observed[0] if isinstance(self.observed, Traces) else self.observed
        return np.asarray(observed, dtype=np.float64)

    def predicted(self, modelled: Array, change: Array) -> Array:
        """Prediction before the filter: F q + J dm, or J dm alone.

        Parameters
        ----------
        modelled, change : ndarray of shape (n_receivers, samples)
            F q and J dm [Pa].

        Returns
        -------
        predicted : ndarray of shape (n_receivers, samples)
        """
        change = change.astype(np.float64)
        return modelled + change if self.subtract_modelled else change

    def equations(self, predicted: Array) -> Equations | None:
        """Normal equations of the filter; None without a prediction to fit.

        Parameters
        ----------
        predicted : ndarray of shape (n_receivers, samples)
            See `predicted` [Pa].

        Returns
        -------
        equations : Equations or None
        """
        if self.fit is None:
            return None
        equations = self.fit.equations(predicted, self.data, self.interval)
        return equations if equations.energy > 0 else None

    def lags(self, samples: int) -> Lags:
        """Lags of the filter, for traces of a number of samples."""
        fit = self.fit or SourceFit((0.0, 0.0))
        first, last = (round(lag / self.interval / fit.step) for lag in fit.lags)
        return Lags(first, last, samples, fit.step)

    def residual(self, predicted: Array, coefficients: Array | None) -> Array:
        """W r.

        Parameters
        ----------
        predicted : ndarray of shape (n_receivers, samples)
            See `predicted` [Pa].
        coefficients : ndarray of shape (n_lags,) or None
            f; None for the wavelet as it is.

        Returns
        -------
        residual : ndarray of shape (n_receivers, samples)
        """
        return self.weighted(self._filtered(predicted, coefficients) - self.data)

    def forward(self, change: Array, coefficients: Array | None) -> Array:
        """W (f * J dm).

        Parameters
        ----------
        change : ndarray of shape (n_receivers, samples)
            J dm [Pa].
        coefficients : ndarray of shape (n_lags,) or None
            f.

        Returns
        -------
        weighted : ndarray of shape (n_receivers, samples)
        """
        return self.weighted(self._filtered(change.astype(np.float64), coefficients))

    def transpose(self, residual: Array, coefficients: Array | None) -> Array:
        """f^T W^T r, the transpose of `forward`.

        Parameters
        ----------
        residual : ndarray of shape (n_receivers, samples)
            r.
        coefficients : ndarray of shape (n_lags,) or None
            f.

        Returns
        -------
        gather : ndarray of shape (n_receivers, samples)
        """
        gather = np.asarray(self.conditioning.transpose(residual))
        gather = within(gather if self.near is None else self.near.apply(gather), self.span)
        if coefficients is None:
            return gather
        return self.lags(gather.shape[-1]).correlate(coefficients, gather)

    def weighted(self, gather: Array) -> Array:
        """W applied to a gather of shape (n_receivers, samples)."""
        gather = within(gather, self.span)
        gather = gather if self.near is None else self.near.apply(gather)
        return np.asarray(self.conditioning.apply(gather))

    def _filtered(self, gather: Array, coefficients: Array | None) -> Array:
        if coefficients is None:
            return gather
        return self.lags(gather.shape[-1]).convolve(coefficients, gather)
