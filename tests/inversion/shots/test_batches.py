"""Batches are repeatable, fair, and on average the whole."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.shots.batches import ORDERS, Batches


@pytest.mark.parametrize("order", ORDERS)
def test_a_batch_follows_from_stage_and_iteration(order: str) -> None:
    """In whatever order they are asked for; another seed or stage gives others."""
    batches = Batches(5, order, seed=3)
    forth = [batches.shots(40, 1, k) for k in range(16)]
    back = [batches.shots(40, 1, k) for k in reversed(range(16))]
    for a, b in zip(forth, reversed(back), strict=True):
        np.testing.assert_array_equal(a, b)
    for other in (Batches(5, order, seed=4), batches):
        stage = 1 if other is not batches else 2
        drawn = [other.shots(40, stage, k) for k in range(16)]
        assert any((a != b).any() for a, b in zip(forth, drawn, strict=True))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("count", [12, 13, 17])
def test_batches_are_sets_of_the_size(order: str, count: int) -> None:
    for iteration in range(30):
        shots = Batches(4, order).shots(count, 0, iteration)
        assert 3 <= len(shots) <= 4
        assert np.all(np.diff(shots) > 0)
        assert 0 <= shots[0] <= shots[-1] < count


@pytest.mark.parametrize("order", ["shuffled", "interleaved"])
def test_every_shot_comes_once_before_any_comes_again(order: str) -> None:
    for turn in range(3):
        drawn = [Batches(4, order).shots(13, 0, 4 * turn + k) for k in range(4)]
        np.testing.assert_array_equal(np.sort(np.concatenate(drawn)), np.arange(13))


def test_interleaved_shots_cover_the_line() -> None:
    for iteration in range(8):
        np.testing.assert_array_equal(np.diff(Batches(6, "interleaved").shots(24, 0, iteration)), 4)


@pytest.mark.parametrize("order", ORDERS)
def test_the_mean_is_that_of_all_shots(order: str) -> None:
    """Weighted sums over batches, averaged over many iterations."""
    values = np.random.default_rng(0).random(11)
    batches = Batches(3, order)
    estimates = [
        batches.weight(11) * values[batches.shots(11, 0, iteration)].sum()
        for iteration in range(3000)
    ]
    spread = np.std(estimates) / np.sqrt(len(estimates))
    assert spread > 0
    assert abs(np.mean(estimates) - values.sum()) < 4 * spread


def test_a_large_batch_is_all() -> None:
    np.testing.assert_array_equal(Batches(9).shots(7, 2, 5), np.arange(7))
    assert Batches(9).weight(7) == 1
