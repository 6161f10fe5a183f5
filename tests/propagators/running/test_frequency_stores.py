"""A history of random frequencies estimates the gradient, and is exact with all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fwicli.propagators.history import HistoryOptions
from fwicli.propagators.sampling import probes
from fwicli.survey.signals.wavelets import ricker, times

Make = Callable[..., Any]
Images = dict[str, np.ndarray]

PEAK = 15.0
ALL = HistoryOptions("probes", count=100_000)


def images(s: Any, shift: float = 0.0) -> Images:
    """Gradient and illumination of a shot, whose sources lie further along x by a distance."""
    samples = s.wavelet.shape[-1]
    pulse = ricker(times(0.004, samples), PEAK)
    wavelet = np.repeat(pulse[None], len(s.wavelet), axis=0)
    sources = s.sources + np.array([shift, 0.0])
    kinds = ("gradient", "illumination")
    residual = np.cumsum(s.gather, axis=1)
    result = s.propagator.images(
        s.model, lambda _: residual, wavelet, sources, s.receivers, kinds=kinds
    )
    return {**result.gradient, **result.images}


def error(a: np.ndarray, b: np.ndarray) -> float:
    """Relative difference from the second."""
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


@pytest.mark.parametrize("every", [1, 4])
def test_all_frequencies_are_exact(make_setting: Make, every: int) -> None:
    """The basis is complete then: the gradient is that of the snapshots to round-off."""
    stored, probed = (
        images(make_setting(every=every)),
        images(make_setting(every=every, keeping=ALL)),
    )
    assert error(probed["m"], stored["m"]) < 1e-12
    assert error(probed["illumination"], stored["illumination"]) < 1e-12


def test_error_falls_with_the_count(make_setting: Make) -> None:
    """Of gradient and illumination, whose scale is right from the first."""
    stored, errors = images(make_setting(every=4)), []
    for count in (8, 16, 40):
        probed = images(make_setting(every=4, keeping=HistoryOptions("probes", count=count)))
        errors.append(error(probed["m"], stored["m"]))
        ratio = probed["illumination"].sum() / stored["illumination"].sum()
        assert 0.7 < ratio < 1.4
        scale = np.vdot(probed["m"], stored["m"]) / np.vdot(stored["m"], stored["m"])
        assert 0.7 < scale < 1.4
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.1


def test_draws_follow_the_shot_alone(make_setting: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process, or other shots before, change no bit; other sources draw others."""
    draws: list[list[int]] = []
    plain = probes.drawn

    def spied(chance: np.ndarray, seed: int) -> np.ndarray:
        draws.append(plain(chance, seed).tolist())
        return plain(chance, seed)

    monkeypatch.setattr(probes, "drawn", spied)
    few = HistoryOptions("probes", count=8)
    first, again = make_setting(keeping=few), make_setting(keeping=few)
    here = images(first)
    images(again, 20.0)
    np.testing.assert_array_equal(images(again)["m"], here["m"])
    assert draws[0] == draws[2] != draws[1]
