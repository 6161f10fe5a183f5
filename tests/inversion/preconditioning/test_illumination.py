"""Energy of sources and receivers at each point."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.objective import MisfitTask
from fwicli.inversion.preconditioning.illumination import IlluminationTask
from fwicli.survey.signals.noise import signals
from fwicli.survey.signals.wavelets import ricker, times
from tests.inversion.test_objective import FINE, objective, placed


def test_receivers_at_once_are_their_sum() -> None:
    """The energy of all receivers at once, averaged over draws, is the sum over receivers."""
    f, x = objective("vp")
    shot = f.experiments[0]
    common = (f.discretization, f.parameter_map.parameters(x), shot.wavelet, shot.source)
    near = shot.receivers[::4]
    together = np.mean([IlluminationTask(*common, near, seed)() for seed in range(16)], axis=0)
    # A receiver alone, of which the average over draws needs no other receivers.
    alone = sum(
        np.mean(
            [IlluminationTask(*common, near[i : i + 1], 100 * i + s)() for s in range(5)], axis=0
        )
        for i in range(len(near))
    )
    inside = (slice(4, -4), slice(6, -4))
    ratio = together[inside] / alone[inside]
    assert np.median(ratio) == pytest.approx(1, rel=0.2)
    assert np.percentile(np.abs(np.log(ratio)), 90) < 0.3


def test_source_and_receivers_are_alike() -> None:
    """The energy of the source is that of the gradient's illumination."""
    f, x = objective("vp")
    shot = f.experiments[0]
    common = (
        f.discretization,
        f.parameter_map.parameters(x),
        shot.wavelet,
        shot.source,
        shot.receivers,
    )
    expected = MisfitTask(*common, shot.comparison)().stack.values["illumination"]
    task = IlluminationTask(*common, 0)
    np.testing.assert_allclose(task._energy(shot.wavelet, shot.source, shot.receivers), expected)


def test_deep_points_are_raised_by_receivers() -> None:
    """And the sum over shots is moved to the grid of x, and counted."""
    f, x = objective("vp", grid=FINE)
    f = placed(f, coarse=True, windowed=True)
    energy = f.energy(x)
    assert energy.shape == FINE.shape
    assert energy.min() >= 0
    assert f.simulations == 8
    np.testing.assert_array_equal(energy, f.energy(x))


def test_signals_have_the_wavelet_s_spectrum() -> None:
    """On average, and differ from receiver to receiver and from seed to seed."""
    wavelet = ricker(times(0.004, 500), 12.0)
    random = signals(wavelet, 200, 3)
    power = (np.abs(np.fft.rfft(random, axis=1)) ** 2).mean(axis=0)
    expected = np.abs(np.fft.rfft(wavelet)) ** 2 * 500
    strong = expected > 0.2 * expected.max()
    assert np.median(power[strong] / expected[strong]) == pytest.approx(1, rel=0.15)
    assert abs(np.corrcoef(random[0], random[1])[0, 1]) < 0.5
    assert (signals(wavelet, 200, 4) != random).any()
