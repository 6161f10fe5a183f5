"""Tests of a propagator: whether its transposes, derivatives and Hessian are exact.

With random q, d, dp and dp' on the user's grid and model, in double precision:

    adjoint     |<F q, d> - <q, F^T d>| / (|F q| |d|)
    Born        |<J dp, d> - <dp, J^T d>| / (|J dp| |d|)
    Taylor      |F(p + h dp) - F(p) - h J dp| falls as h**2
    Hessian     |<H dp, dp'> - <dp, H dp'>| / (|H dp| |dp'|)
    Taylor 2    |g(p + h dp) - g(p) - h H dp| falls as h**2

Parameters of different units are compared as relative changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators.propagator import Propagator
from fwicli.survey.points import Points

Array = NDArray[Any]

EXACT, EXACT_HESSIAN, SLOPE_ERROR = 1e-12, 1e-11, 0.02
STEPS = 0.002 * 0.5 ** np.arange(6)


@dataclass(frozen=True)
class Verdict:
    """Outcome of one test: its value, and the largest that is good."""

    name: str
    value: float
    bar: float

    @property
    def good(self) -> bool:
        """Whether the test is passed."""
        return bool(self.value <= self.bar)


class Verification:
    """Tests of one propagator in one model.

    Parameters
    ----------
    propagator : Propagator
        In float64, storing every step of its history.
    model : mapping of str to ndarray
        Parameters of the equation, by name.
    sources, receivers : ndarray of shape (n_points, ndim), or Points
        Positions [m], and components where these are not pressure.
    seed : int
        Of the random vectors.
    """

    def __init__(
        self,
        propagator: Propagator,
        model: Mapping[str, Array],
        sources: Array | Points,
        receivers: Array | Points,
        seed: int = 0,
    ) -> None:
        self.propagator = propagator
        self.base = dict(model)
        self.points = _points(sources), _points(receivers)
        rng = np.random.default_rng(seed)
        samples = propagator.time.samples
        self.wavelet, self.gather = (rng.standard_normal((len(p), samples)) for p in self.points)
        shape = (len(self.base), *propagator.grid.shape)
        self.directions = 0.1 * rng.standard_normal((2, *shape))
        # Pressures are larger than velocities by orders: traces are relative to their sizes.
        self.sizes = np.ones((len(self.gather), 1))
        if isinstance(receivers, Points):
            sizes = np.linalg.norm(self._forward(0), axis=1, keepdims=True)
            self.sizes = np.where(sizes > 0, sizes, 1.0)

    def run(self) -> Iterator[Verdict]:
        """The verdicts, one after the other."""
        tests: dict[str, tuple[Callable[[], float], float]] = {
            "adjoint of F": (self.adjoint, EXACT),
            "adjoint of J": (self.jacobian_adjoint, EXACT),
            "J is the derivative of F (slope 2)": (self.jacobian, SLOPE_ERROR),
            "symmetry of H": (self.symmetry, EXACT_HESSIAN),
            "H is the derivative of the gradient (slope 2)": (self.hessian, SLOPE_ERROR),
        }
        for name, (test, bar) in tests.items():
            yield Verdict(name, test(), bar)

    def adjoint(self) -> float:
        """Mismatch of F and F^T."""
        back = self.propagator.adjoint(self.base, self.gather / self.sizes, *self.points)
        return _mismatch(self._forward(0), self.gather, self.wavelet, back)

    def jacobian_adjoint(self) -> float:
        """Mismatch of J and J^T."""
        change = self.directions[0]
        return _mismatch(self._born(change), self.gather, change, self._gradient(0, self.gather))

    def jacobian(self) -> float:
        """Largest deviation of the Taylor slopes of F from 2."""
        change, base = self.directions[0], self._forward(0)
        born = self._born(change)
        return _deviation([self._forward(h * change) - base - h * born for h in STEPS])

    def symmetry(self) -> float:
        """Asymmetry of H."""
        x, y = self.directions
        return _mismatch(self._hessian(x), y, x, self._hessian(y))

    def hessian(self) -> float:
        """Largest deviation of the Taylor slopes of the gradient from 2."""
        change = self.directions[0]
        base, action = self._misfit_gradient(0), self._hessian(change)
        errors = [self._misfit_gradient(h * change) - base - h * action for h in STEPS]
        return _deviation(errors)

    # --- operators in relative changes x of the parameters ---------------------------------------

    def _model(self, x: Array | int) -> dict[str, Array]:
        stacked = np.zeros_like(self.directions[0]) + x
        return {n: p * (1 + stacked[i]) for i, (n, p) in enumerate(self.base.items())}

    def _change(self, x: Array) -> dict[str, Array]:
        return {n: p * x[i] for i, (n, p) in enumerate(self.base.items())}

    def _stacked(self, values: Mapping[str, Array]) -> Array:
        return np.stack([p * values[n] for n, p in self.base.items()])

    def _forward(self, x: Array | int) -> Array:
        return self.propagator.forward(self._model(x), self.wavelet, *self.points) / self.sizes

    def _born(self, x: Array) -> Array:
        born = self.propagator.jacobian(self.base, self._change(x), self.wavelet, *self.points)
        return born / self.sizes

    def _gradient(self, x: Array | int, adjoint_source: Array) -> Array:
        gradient = self.propagator.jacobian_adjoint(
            self._model(x), adjoint_source / self.sizes, self.wavelet, *self.points
        )
        return self._stacked(gradient)

    def _residual(self, x: Array | int) -> Array:
        # Observed data that differ from the modelled by noise.
        return self._forward(x) - self._forward(0) - self.gather

    def _misfit_gradient(self, x: Array | int) -> Array:
        return self._gradient(x, self._residual(x))

    def _hessian(self, x: Array) -> Array:
        sources, receivers = self.points
        if not isinstance(receivers, Points):
            at = self.wavelet, sources, receivers
            product = self.propagator.hessian(self.base, self._change(x), self._residual(0), *at)
            return self._stacked(product)
        residual = self._residual(0) / self.sizes
        result = self.propagator.curvature(
            self.base,
            self._change(x),
            lambda _, change: (residual, change / self.sizes**2),
            self.wavelet,
            sources,
            receivers,
            kinds=(),
        )
        return self._stacked(result.product)


def _points(place: Array | Points) -> Array | Points:
    return place if isinstance(place, Points) else np.atleast_2d(place)


def _mismatch(a: Array, b: Array, c: Array, d: Array) -> float:
    """|<a, b> - <c, d>| relative to |a| |b|."""
    difference = float(np.vdot(a, b)) - float(np.vdot(c, d))
    return abs(difference) / float(np.linalg.norm(a) * np.linalg.norm(b))


def _deviation(errors: list[Array]) -> float:
    """Largest deviation from 2 of the slopes of errors, each at half the step of the last."""
    norms = [float(np.linalg.norm(e)) for e in errors]
    return max(abs(math.log2(a / b) - 2) for a, b in pairwise(norms))
