"""Source estimation by variable projection: the wavelet that fits best is solved for at once.

Synthetic data are linear in the wavelet, so that a filter f of the wavelet is one of the data,
y = f * s, and the best one is that of a damped least-squares problem,

    f = argmin 1/2 |W (f * s - d)|**2 + epsilon/2 |f|**2,        epsilon = lambda |W s|**2
    (S^T V S + epsilon) f = S^T V d,        V = W**2,   S f = f * s,

with lags from a first, not positive, to a last, not negative, and W weights of the samples. Sums
run over the traces of a shot, or over all shots if they have one filter in common. The estimated
wavelet is f * w, with w the wavelet that s was modelled with. In a low band f has a value, and is
fitted to one, every few samples only: what it does to frequencies beyond the band does not count.

The objective is a function of the model alone, phi(s) = misfit(y(s)). With a its derivative by y,
and q the solution of the same equations for the derivative by f, (S^T V S + epsilon) q = S^T a,

    dphi/ds = F^T (a - V (q * s)) + Q^T V (d - y) - 2 lambda (q . f) V s,

with F^T and Q^T the correlations with f and q: the derivative of the filter is in it, and what
the misfit is or what it weighs need not be what the filter is fitted to. Where they are the same
and nothing is damped, q = 0 and the first term is left, as variable projection has it.

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

Array = NDArray[Any]

# Values of a filter in a period of the upper edge of a band, where the band has faded by 50 dB.
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
            If there is nothing to fit, or too little damping.
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
    """How the filter of one shot is fitted.

    Parameters
    ----------
    lags : tuple of float
        First and last lag of the filter [s], not positive and not negative.
    damping : float
        lambda.
    weights : ndarray of shape (n_receivers, samples), or that broadcasts to it
        W.
    common : bool
        Whether all shots have one filter; `fit` is for those that have not.
    step : int
        Samples from one value of the filter to the next, and between those that it is fitted to.
    """

    lags: tuple[float, float]
    damping: float = 1e-3
    weights: Array = field(default_factory=lambda: np.ones((1, 1)))
    common: bool = False
    step: int = 1

    def select(self, traces: NDArray[np.bool_]) -> SourceFit:
        """The same for some of the traces."""
        weights = self.weights[traces] if len(self.weights) > 1 else self.weights
        return replace(self, weights=weights)

    def fit(self, synthetic: Array, observed: Array, interval: float) -> Fitted:
        """The synthetic gather with the filter that fits it to the observed one."""
        equations = self.equations(synthetic, observed, interval)
        return self.fitted(synthetic, observed, interval, equations, equations.filter())

    def equations(self, synthetic: Array, observed: Array, interval: float) -> Equations:
        """Normal equations of one shot, for gathers of shape (n_receivers, samples)."""
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
        """The synthetic gather with a filter of shape (n_lags,) that solves the equations."""
        return Fitted(
            synthetic.astype(np.float64),
            observed,
            self._squares(synthetic),
            equations,
            coefficients,
            self._lags(synthetic, interval),
        )

    def _squares(self, synthetic: Array) -> Array:
        """V, zero at the samples that the filter is not fitted to."""
        fitted = np.arange(synthetic.shape[1]) % self.step == 0
        return np.broadcast_to(self.weights**2 * fitted, synthetic.shape)

    def _lags(self, synthetic: Array, interval: float) -> Lags:
        first, last = (round(lag / interval / self.step) for lag in self.lags)
        return Lags(first, last, synthetic.shape[1], self.step)


def filter_step(highest: float, interval: float) -> int:
    """Step of a filter for frequencies up to the edge of a band [Hz]."""
    return max(1, int(1 / (SAMPLING * highest * interval) + 1e-9))


@dataclass(frozen=True)
class Lags:
    """Convolution of traces with filters of lags first <= 0 <= last, cut to the record.

    Parameters
    ----------
    first, last : int
        Lags, in steps.
    samples : int
        Of a trace.
    step : int
        Samples in a step.
    """

    first: int
    last: int
    samples: int
    step: int = 1

    @property
    def count(self) -> int:
        """Number of lags."""
        return self.last - self.first + 1

    def shifted(self, trace: Array) -> Array:
        """s(t - l) for all samples t and lags l, shape (samples, n_lags)."""
        before, after = self.last * self.step, -self.first * self.step
        padded = np.pad(trace.astype(np.float64), (before, after))
        windows = np.lib.stride_tricks.sliding_window_view(padded, before + after + 1)
        return np.asarray(windows[:, :: -self.step])

    def convolve(self, coefficients: Array, gather: Array) -> Array:
        """(f * s)(t) = sum_l f(l) s(t - l), by trace."""
        product = self._transform(self._spread(coefficients)) * self._transform(gather)
        whole = scipy.fft.irfft(product, self._length)
        return np.asarray(whole[..., self._lead : self._lead + self.samples])

    def correlate(self, coefficients: Array, gather: Array) -> Array:
        """F^T, the transpose in the gather: sum_t f(t - t') g(t)."""
        filters = self._transform(self._spread(coefficients))
        product = filters.conj() * self._transform(self._placed(gather))
        return np.asarray(scipy.fft.irfft(product, self._length)[..., : self.samples])

    def by_lag(self, synthetic: Array, gather: Array) -> Array:
        """S^T, the transpose in the filter: sum over traces and t of s(t - l) g(t)."""
        product = self._transform(synthetic).conj() * self._transform(self._placed(gather))
        whole = scipy.fft.irfft(product.sum(axis=0), self._length)
        return np.asarray(whole[: self.count * self.step : self.step])

    @property
    def _lead(self) -> int:
        """Samples that the filter looks ahead."""
        return -self.first * self.step

    @property
    def _length(self) -> int:
        return int(scipy.fft.next_fast_len(self.samples + self.count * self.step, real=True))

    def _spread(self, coefficients: Array) -> Array:
        """The filter at every sample."""
        spread = np.zeros(self.count * self.step)
        spread[:: self.step] = coefficients
        return spread

    def _transform(self, values: Array) -> Array:
        return np.asarray(scipy.fft.rfft(values, self._length))

    def _placed(self, gather: Array) -> Array:
        """Where `convolve` takes its samples from."""
        return np.pad(gather, ((0, 0), (self._lead, 0)))


@dataclass(frozen=True)
class Fitted:
    """A synthetic gather with a fitted filter, and the derivatives of both by the original.

    Attributes
    ----------
    original, observed : ndarray of shape (n_receivers, samples)
        s and d.
    squares : ndarray of shape (n_receivers, samples)
        V.
    equations : Equations
        Whose solution the filter is: of this shot, or the sum over shots.
    filter : ndarray of shape (n_lags,)
        f, per sample.
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
        """The estimated wavelet, from the one that was modelled with, shape (samples,)."""
        return self.lags.convolve(self.filter, wavelet)

    def transpose(self, adjoint: Array) -> Array:
        """Derivative by the original, from that by the fitted gather, if the filter is its own."""
        return self.by_original(adjoint, self.equations.solve(self.by_filter(adjoint)))

    def by_filter(self, adjoint: Array) -> Array:
        """Derivative by the filter, S^T a; to be summed over the shots that have it in common."""
        return self.lags.by_lag(self.original, adjoint)

    def by_original(self, adjoint: Array, solution: Array) -> Array:
        """Derivative by the original, with q solved from the derivative by the filter."""
        moved = self.squares * self.lags.convolve(solution, self.original)
        rest = self.squares * (self.observed - self.synthetic)
        damping = 2 * self.equations.damping * float(np.dot(solution, self.filter))
        return (
            self.lags.correlate(self.filter, adjoint - moved)
            + self.lags.correlate(solution, rest)
            - damping * self.squares * self.original
        )

    def change(self, change: Array) -> Array:
        """Change of the fitted gather with one of the original, if the filter is its own."""
        moved = self.lags.convolve(self.filter, change)
        rest = self.squares * (self.observed - self.synthetic)
        damping = 2 * self.equations.damping * float(np.sum(self.squares * self.original * change))
        right = (
            self.lags.by_lag(change, rest)
            - self.lags.by_lag(self.original, self.squares * moved)
            - damping * self.filter
        )
        return self.lags.convolve(self.equations.solve(right), self.original) + moved


def common(
    equations: Sequence[Equations],
) -> tuple[Equations, Array]:
    """The equations of all shots, summed in their order, and the filter that solves them."""
    total = equations[0]
    for more in equations[1:]:
        total = total + more
    return total, total.filter()
