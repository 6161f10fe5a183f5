"""Encoded shots are exact sums, and their cross-talk is zero on average."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from fwicli.errors import GeometryError
from fwicli.inversion.shots.encoding import Code, Encoding, check_spread
from fwicli.survey.acquisition import Acquisition, towed
from fwicli.survey.signals.wavelets import ricker, times

RNG = np.random.default_rng(0)
OBSERVED, SYNTHETIC = RNG.standard_normal((2, 4, 3, 50))


def misfit(code: Code, synthetic: np.ndarray, observed: np.ndarray) -> float:
    """Least squares of encoded gathers."""
    residual = code.records(synthetic[code.shots]) - code.records(observed[code.shots])
    return 0.5 * float((residual**2).sum())


def test_cross_talk_cancels_over_all_signs() -> None:
    """To round-off: the mean over all signs is the sum over the shots."""
    alone = 0.5 * float(((SYNTHETIC - OBSERVED) ** 2).sum())
    shots, none = np.arange(4), np.zeros(4, int)
    codes = [Code(shots, np.array(signs), none) for signs in product([-1.0, 1.0], repeat=4)]
    values = [misfit(code, SYNTHETIC, OBSERVED) for code in codes]
    assert np.mean(values) == pytest.approx(alone, rel=1e-12)
    assert np.std(values) > 0.05 * alone


def test_realisations_lessen_cross_talk() -> None:
    """With the square root of their number."""
    alone = 0.5 * float(((SYNTHETIC - OBSERVED) ** 2).sum())
    spread = {}
    for realisations in (1, 16):
        rule = Encoding(realisations=realisations)
        errors = []
        for iteration in range(300):
            codes = rule.codes(np.arange(4), 0.004, 0, iteration)
            assert len(codes) == realisations
            mean = sum(misfit(code, SYNTHETIC, OBSERVED) for code in codes) / realisations
            errors.append(mean - alone)
        spread[realisations] = np.std(errors)
        assert abs(np.mean(errors)) < 4 * spread[realisations] / np.sqrt(300)
    assert spread[1] / spread[16] == pytest.approx(4, rel=0.2)


def test_groups_hold_every_shot_once() -> None:
    """In every realisation; new codes in every iteration, and the same when it is repeated."""
    rule, shots = Encoding(sources=3, realisations=2, delay=0.1), np.array([1, 4, 5, 8, 9, 12, 20])
    codes = rule.codes(shots, 0.004, 0, 7)
    assert len(codes) == 6
    for realisation in (codes[:3], codes[3:]):
        drawn = np.sort(np.concatenate([code.shots for code in realisation]))
        np.testing.assert_array_equal(drawn, shots)
    delays = np.concatenate([code.delays for code in codes])
    assert 0 <= delays.min() < delays.max() <= 25
    again = rule.codes(shots, 0.004, 0, 7)
    for a, b in zip(codes, again, strict=True):
        for name in ("shots", "signs", "delays"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    other = rule.codes(shots, 0.004, 0, 8)
    assert any((a.signs != b.signs).any() for a, b in zip(codes, other, strict=True))


def test_choices_are_obeyed() -> None:
    codes = Encoding(polarity=False, realisations=5).codes(np.arange(6), 0.004, 0, 0)
    for code in codes:
        np.testing.assert_array_equal(code.signs, 1.0)
        np.testing.assert_array_equal(code.delays, 0)
        np.testing.assert_array_equal(code.shots, np.arange(6))


def test_waves_of_encoded_sources_are_encoded_records(make_setting: Callable[..., Any]) -> None:
    """To round-off for signs; for delays, as far as the wavelets are sampled well."""
    setting = make_setting(samples=120)
    peaks = (0.15, 0.2)
    setting.wavelet = np.stack([ricker(times(0.004, 120), 10.0, peak) for peak in peaks])
    apart = np.stack(
        [
            setting.propagator.forward(setting.model, w[None], s[None], setting.receivers)
            for w, s in zip(setting.wavelet, setting.sources, strict=True)
        ]
    )
    for delay, tolerance in ((0, 1e-13), (9, 1e-6)):
        code = Code(np.array([0, 1]), np.array([-1.0, 1.0]), np.array([0, delay]))
        together = setting.propagator.forward(
            setting.model, code.wavelets(setting.wavelet), setting.sources, setting.receivers
        )
        added = code.records(apart)
        error = np.linalg.norm(together - added) / np.linalg.norm(added)
        assert error < tolerance


def test_delays_and_signs_are_those_of_the_code() -> None:
    code = Code(np.array([0, 2]), np.array([1.0, -1.0]), np.array([0, 2]))
    wavelets = np.array([[1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0]])
    np.testing.assert_array_equal(code.wavelets(wavelets), [[1, 2, 3, 4], [0, 0, -10, -20]])
    np.testing.assert_array_equal(code.records(wavelets[:, None]), [[1, 2, -7, -16]])


def test_gathers_keep_their_precision() -> None:
    code = Code(np.arange(2), np.ones(2), np.zeros(2, int))
    data = np.ones((2, 3, 5), np.float32)
    assert code.records(data).dtype == np.float32


def test_receivers_that_move_are_refused() -> None:
    sources = np.array([[0.0, 5.0], [50.0, 5.0]])
    check_spread(Acquisition(sources, np.array([[10.0, 5.0], [20.0, 5.0]])))
    same = np.broadcast_to(np.array([[10.0, 5.0], [20.0, 5.0]]), (2, 2, 2))
    check_spread(Acquisition(sources, same))
    spread = towed(sources, np.array([[10.0, 0.0], [20.0, 0.0]]))
    with pytest.raises(GeometryError, match=r"receivers of shot 1 lie elsewhere .* `encode`"):
        check_spread(Acquisition(sources, spread))
