"""Experiments of iterations are on average the whole survey, with gradients of their own."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from fwicli.errors import ConfigError
from fwicli.inversion.comparison import Comparison
from fwicli.inversion.misfits.registry import LeastSquares
from fwicli.inversion.shots.batches import Batches
from fwicli.inversion.shots.encoding import Code, Encoding
from fwicli.inversion.shots.experiments import Experiment
from fwicli.inversion.shots.selection import ShotSelection
from tests.inversion.test_objective import objective, slope

RNG = np.random.default_rng(3)


class Halved(LeastSquares):
    """Another misfit: that of half of the gather."""

    def __call__(
        self, synthetic: np.ndarray, observed: np.ndarray, interval: float
    ) -> tuple[float, np.ndarray]:
        return super().__call__(0.5 * synthetic, observed, interval)


def test_batches_come_with_their_weight() -> None:
    f, _ = objective("vp")
    shots = list(f.experiments) * 3
    draws = ShotSelection(shots, Batches(2, "random"))
    assert draws.changing
    drawn, weight = draws.select(0, 4)
    assert weight == 3
    numbers = Batches(2, "random").shots(6, 0, 4)
    assert all(a is shots[n] for a, n in zip(drawn, numbers, strict=True))
    everything, weight = ShotSelection(shots).select(0, 4)
    assert list(everything) == shots
    assert weight == 1
    assert not ShotSelection(shots, Batches(6)).changing


@pytest.mark.parametrize("rule", [Encoding(), Encoding(realisations=3, delay=0.02)])
def test_gradient_of_encoded_shots_is_that_of_their_objective(rule: Encoding) -> None:
    """By central differences in float64."""
    f, x = objective("slowness")
    f.experiments, f.weight = ShotSelection(f.experiments, None, rule).select(1, 5)
    assert len(f.experiments) == rule.realisations
    assert f.weight == pytest.approx(1 / rule.realisations)
    assert f.experiments[0].source.shape == (2, 2)
    _, gradient = f(x)
    direction = x * np.random.default_rng(1).standard_normal(x.shape)
    assert np.vdot(gradient, direction) == pytest.approx(slope(f, x, direction, 1e-5), rel=1e-6)


def test_gradient_of_a_batch_is_that_of_its_objective() -> None:
    f, x = objective("slowness")
    f.experiments, f.weight = ShotSelection(f.experiments, Batches(1)).select(0, 3)
    assert len(f.experiments) == 1
    _, gradient = f(x)
    direction = x * np.random.default_rng(1).standard_normal(x.shape)
    assert np.vdot(gradient, direction) == pytest.approx(slope(f, x, direction, 1e-5), rel=1e-6)


def test_means_are_those_of_all_shots() -> None:
    """Of both batches, and over all signs of a code: value and gradient, to round-off."""
    f, x = objective("vp")
    whole, expected = f(x)
    shots = list(f.experiments)

    def mean(draws: list[tuple[list[Experiment], float]]) -> tuple[float, np.ndarray]:
        evaluations = []
        for f.experiments, f.weight in draws:
            evaluations.append(f(x))
        return np.mean([v for v, _ in evaluations]), np.mean([g for _, g in evaluations], axis=0)

    draws = ShotSelection(shots, Batches(1))
    encoded = ShotSelection(shots, None, Encoding())
    codes = [Code(np.arange(2), np.array(s), np.zeros(2, int)) for s in product([-1, 1], repeat=2)]
    for drawn in (
        [draws.select(0, 0), draws.select(0, 1)],
        [([encoded._encoded(code)], 1.0) for code in codes],
    ):
        value, gradient = mean(drawn)
        assert value == pytest.approx(whole, rel=1e-12)
        assert np.linalg.norm(gradient - expected) < 1e-11 * np.linalg.norm(expected)


def test_sums_of_other_misfits_are_refused() -> None:
    shot = Experiment(
        np.zeros((1, 2)),
        np.ones((1, 9)),
        np.zeros((3, 2)),
        Comparison(RNG.standard_normal((3, 9)), 0.004, Halved()),
    )
    ShotSelection([shot, shot], Batches(1))
    with pytest.raises(ConfigError, match="only for `misfit: least_squares`"):
        ShotSelection([shot, shot], None, Encoding())
