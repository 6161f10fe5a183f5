"""Random frequencies: chances in proportion to amplitudes, draws that keep to them."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.propagators.sampling import probes

AMPLITUDES = np.abs(np.sin(np.linspace(0.1, 3.0, 40))) ** 3


@pytest.mark.parametrize("count", [1, 5, 20, 39, 40, 50])
def test_chances_are_in_proportion_up_to_one(count: int) -> None:
    """Their sum is the number of frequencies that are drawn."""
    chance = probes.chances(AMPLITUDES, count)
    assert chance.sum() == pytest.approx(min(count, 40), rel=1e-13)
    assert chance.min() > 0
    assert chance.max() <= 1
    below = chance < 1
    ratio = chance[below] / AMPLITUDES[below]
    np.testing.assert_allclose(ratio, ratio[:1].repeat(len(ratio)), rtol=1e-12)
    # Whatever is certain would have a chance above one in this proportion.
    assert not below.any() or (AMPLITUDES[~below] * ratio[0] >= 1 - 1e-12).all()


@pytest.mark.parametrize("amplitudes", [np.zeros(9), np.eye(9)[3]])
def test_silence_has_chances_too(amplitudes: np.ndarray) -> None:
    """A source without waves, or of one frequency, leaves none out; all are drawn where all can."""
    assert (probes.chances(amplitudes, 4) > 0).all()
    assert probes.drawn(probes.chances(amplitudes, 9), 1).tolist() == list(range(9))


@pytest.mark.parametrize("count", [3, 12])
def test_draws_have_their_chances(count: int) -> None:
    """Over many seeds; each draws as many different ones, and the same ones again."""
    chance = probes.chances(AMPLITUDES, count)
    seeds, drawn = 4000, np.zeros(40)
    for seed in range(seeds):
        numbers = probes.drawn(chance, seed)
        assert len(set(numbers.tolist())) == count
        drawn[numbers] += 1
    deviation = np.sqrt(seeds * chance * (1 - chance)) + 1e-9
    assert (np.abs(drawn - seeds * chance) < 5 * deviation).all()
    np.testing.assert_array_equal(probes.drawn(chance, 7), probes.drawn(chance, 7))


def test_estimate_is_right_on_average_and_better_with_more() -> None:
    """Of a sum over frequencies whose terms have the amplitudes' squares, and signs."""
    terms = AMPLITUDES**2 * np.cos(np.linspace(0.0, 4.0, 40))
    errors = []
    for count in (4, 16, 40):
        chance = probes.chances(AMPLITUDES, count)
        draws = [probes.drawn(chance, seed) for seed in range(500)]
        estimates = np.array([(terms[n] / chance[n]).sum() for n in draws])
        assert abs(estimates.mean() - terms.sum()) < 0.01 * np.abs(terms).sum()
        errors.append(float(np.abs(estimates - terms.sum()).max()))
    assert errors[0] > 2 * errors[1] > 0
    assert errors[2] < 1e-13
