"""Source estimation by variable projection: every evaluation solves for the best wavelet.

Synthetic data are linear in the wavelet. A filter f of the wavelet is therefore a filter of the
data, y = f * s, and the best one solves a damped least-squares problem,

    f = argmin 1/2 |W (f * s - d)|**2 + epsilon/2 |f|**2,        epsilon = lambda |W s|**2
    (S^T V S + epsilon) f = S^T V d,        V = W**2,   S f = f * s,

with lags from a first, not positive, to a last, not negative, and W weights of the samples. Sums
run over the traces of a shot, or over all shots with a filter in common. The estimated wavelet is
f * w, with w the wavelet of s. In a low band, f has a value every few samples only, and is fitted
every few samples: its effect on frequencies above the band is irrelevant.

The objective is a function of the model alone, phi(s) = misfit(y(s)). With a its derivative by y,
and q the solution of the same equations for the derivative by f, (S^T V S + epsilon) q = S^T a,

    dphi/ds = F^T (a - V (q * s)) + Q^T V (d - y) - 2 lambda (q . f) V s,

with F^T and Q^T the correlations with f and q. This contains the derivative of the filter, and
holds for any misfit and weights, also if they differ from those of the fit. If they are the same
and nothing is damped, q = 0 and the first term remains, as in variable projection.

References: Golub and Pereyra (1973), SIAM J. Numer. Anal. 10, 413-432; Pratt (1999), Geophysics
64, 888-901; Rickett (2013), Geophysical Prospecting 61, 874-881, for the projection in FWI.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.survey.signals.convolution import Lags

Array = NDArray[Any]

# Values of a filter per period of the upper edge of a band, where the band has decayed by 50 dB.
SAMPLING = 6.0


@dataclass(frozen=True)
class Equations:
    """Normal equations of a filter; those of several shots may be added.

    Attributes
    ----------
    matrix : ndarray of shape (n_lags, n_lags)
        S^T V S.
    right : ndarray of shape (n_lags,)
        S^T V d.
    energy : float
        |W s|**2.
    damping : float
        lambda.
    """

    matrix: Array
    right: Array
    energy: float
    damping: float

    def __add__(self, other: Equations) -> Equations:
        return Equations(
            self.matrix + other.matrix,
            self.right + other.right,
            self.energy + other.energy,
            self.damping,
        )

    def filter(self) -> Array:
        """The solution f."""
        return self.solve(self.right)

    def solve(self, right: Array) -> Array:
        """Solution for a right-hand side of shape (n_lags,).

        Raises
        ------
        DataError
            If the synthetic data are zero, or the damping is too small.
        """
        if not self.energy > 0:
            raise DataError(
                "the synthetic data are zero where the source is estimated; widen "
                "`inversion.source.window`"
            )
        damped = self.matrix + self.damping * self.energy * np.eye(len(self.right))
        try:
            factor = scipy.linalg.cho_factor(damped, lower=True)
        except scipy.linalg.LinAlgError:
            raise DataError(
                f"the wavelet cannot be estimated with a damping of {self.damping:g}; raise "
                f"`inversion.source.damping`"
            ) from None
        return np.asarray(scipy.linalg.cho_solve(factor, right))


@dataclass(frozen=True)
class SourceFit:
    """Settings of the fit of a filter to one shot.

    Parameters
    ----------
    lags : tuple of float
        First and last lag of the filter [s], not positive and not negative.
    damping : float
        lambda.
    weights : ndarray of shape (n_receivers, samples), or that broadcasts to it
        W.
    common : bool
        Whether all shots have one filter; `fit` is for filters of single shots.
    step : int
        Samples between values of the filter, and between samples that it is fitted to.
    """

    lags: tuple[float, float]
    damping: float = 1e-3
    weights: Array = field(default_factory=lambda: np.ones((1, 1)))
    common: bool = False
    step: int = 1

    def select(self, traces: NDArray[np.bool_]) -> SourceFit:
        """The fit to some of the traces."""
        weights = self.weights[traces] if len(self.weights) > 1 else self.weights
        return replace(self, weights=weights)

    def fit(self, synthetic: Array, observed: Array, interval: float) -> Fitted:
        """Fit a filter to one shot.

        Parameters
        ----------
        synthetic, observed : ndarray of shape (n_receivers, samples)
            Gathers [Pa].
        interval : float
            Sampling interval [s].

        Returns
        -------
        fitted : Fitted
            The synthetic gather with the best filter.
        """
        equations = self.equations(synthetic, observed, interval)
        return self.fitted(synthetic, observed, interval, equations, equations.filter())

    def equations(self, synthetic: Array, observed: Array, interval: float) -> Equations:
        """Normal equations of one shot.

        Parameters
        ----------
        synthetic, observed : ndarray of shape (n_receivers, samples)
            Gathers [Pa].
        interval : float
            Sampling interval [s].

        Returns
        -------
        equations : Equations
        """
        lags, squares = self._lags(synthetic, interval), self._squares(synthetic)
        count = lags.count
        matrix, right, energy = np.zeros((count, count)), np.zeros(count), 0.0
        for trace, data, v in zip(synthetic, observed, squares, strict=True):
            rows = np.flatnonzero(v)
            if rows.size == 0:
                continue
            weighted = lags.shifted(trace)[rows] * np.sqrt(v[rows])[:, None]
            matrix += weighted.T @ weighted
            right += weighted.T @ (np.sqrt(v[rows]) * data[rows])
            energy += float(np.sum(v * trace.astype(np.float64) ** 2))
        return Equations(matrix, right, energy, self.damping)

    def fitted(
        self,
        synthetic: Array,
        observed: Array,
        interval: float,
        equations: Equations,
        coefficients: Array,
    ) -> Fitted:
        """Apply a filter to the synthetic gather.

        Parameters
        ----------
        synthetic, observed : ndarray of shape (n_receivers, samples)
            Gathers [Pa].
        interval : float
            Sampling interval [s].
        equations : Equations
            Normal equations that the filter solves.
        coefficients : ndarray of shape (n_lags,)
            The filter.

        Returns
        -------
        fitted : Fitted
        """
        return Fitted(
            synthetic.astype(np.float64),
            observed,
            self._squares(synthetic),
            equations,
            coefficients,
            self._lags(synthetic, interval),
        )

    def _squares(self, synthetic: Array) -> Array:
        """V, zero at samples that the filter is not fitted to."""
        fitted = np.arange(synthetic.shape[1]) % self.step == 0
        return np.broadcast_to(self.weights**2 * fitted, synthetic.shape)

    def _lags(self, synthetic: Array, interval: float) -> Lags:
        first, last = (round(lag / interval / self.step) for lag in self.lags)
        return Lags(first, last, synthetic.shape[1], self.step)


def filter_step(highest: float, interval: float) -> int:
    """Samples between the values of a filter.

    Parameters
    ----------
    highest : float
        Upper edge of the band [Hz].
    interval : float
        Sampling interval [s].

    Returns
    -------
    step : int
        At least 1.
    """
    return max(1, int(1 / (SAMPLING * highest * interval) + 1e-9))


@dataclass(frozen=True)
class Fitted:
    """A synthetic gather with a fitted filter, and the derivatives of both by the original gather.

    Attributes
    ----------
    original, observed : ndarray of shape (n_receivers, samples)
        s and d [Pa].
    squares : ndarray of shape (n_receivers, samples)
        V.
    equations : Equations
        Solved by the filter: those of this shot, or the sum over shots.
    filter : ndarray of shape (n_lags,)
        f, per sample.
    lags : Lags
    synthetic : ndarray of shape (n_receivers, samples)
        y = f * s [Pa].
    """

    original: Array
    observed: Array
    squares: Array
    equations: Equations
    filter: Array
    lags: Lags
    synthetic: Array = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "synthetic", self.lags.convolve(self.filter, self.original))

    def wavelet(self, wavelet: Array) -> Array:
        """The estimated wavelet, of shape (samples,), from that of the synthetic gather."""
        return self.lags.convolve(self.filter, wavelet)

    def transpose(self, adjoint: Array) -> Array:
        """Derivative by the original from that by the fitted gather, for a filter of one shot."""
        return self.by_original(adjoint, self.equations.solve(self.by_filter(adjoint)))

    def by_filter(self, adjoint: Array) -> Array:
        """Derivative by the filter, S^T a, to be summed over shots with a filter in common."""
        return self.lags.by_lag(self.original, adjoint)

    def by_original(self, adjoint: Array, solution: Array) -> Array:
        """Derivative by the original gather.

        Parameters
        ----------
        adjoint : ndarray of shape (n_receivers, samples)
            a, the derivative by the fitted gather.
        solution : ndarray of shape (n_lags,)
            q, solved from the derivative by the filter.

        Returns
        -------
        derivative : ndarray of shape (n_receivers, samples)
        """
        filter_change = self.squares * self.lags.convolve(solution, self.original)
        residual = self.squares * (self.observed - self.synthetic)
        damping = 2 * self.equations.damping * float(np.dot(solution, self.filter))
        return (
            self.lags.correlate(self.filter, adjoint - filter_change)
            + self.lags.correlate(solution, residual)
            - damping * self.squares * self.original
        )

    def change(self, change: Array) -> Array:
        """Change of the fitted gather with that of the original, for a filter of one shot."""
        filtered = self.lags.convolve(self.filter, change)
        residual = self.squares * (self.observed - self.synthetic)
        damping = 2 * self.equations.damping * float(np.sum(self.squares * self.original * change))
        right = (
            self.lags.by_lag(change, residual)
            - self.lags.by_lag(self.original, self.squares * filtered)
            - damping * self.filter
        )
        return self.lags.convolve(self.equations.solve(right), self.original) + filtered


def common(
    equations: Sequence[Equations],
) -> tuple[Equations, Array]:
    """The equations of all shots, summed in their order, and the filter that solves them."""
    total = equations[0]
    for shot in equations[1:]:
        total = total + shot
    return total, total.filter()
