"""Moveout, bands and energies of records, as properties of synthetic gathers."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from fwicli.inversion.quality import energies, moveout, spectra
from fwicli.inversion.quality.moveout import FirstArrivals
from fwicli.survey.signals.wavelets import ricker, times
from tests.propagators.halfspace import displacement, velocities

INTERVAL, SAMPLES = 0.004, 400
DISTANCE = np.linspace(100.0, 1500.0, 40)


def gather(speed: float = 2000.0, frequency: float = 10.0, delay: float = 0.15) -> np.ndarray:
    """A wave of one speed, whose amplitude falls with distance."""
    t = times(INTERVAL, SAMPLES)
    traces = [ricker(t, frequency, delay + r / speed) / r for r in DISTANCE]
    return np.stack(traces)


@pytest.mark.parametrize("speed", [1500.0, 3000.0])
@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_slope_is_the_slowness_at_any_time_zero(speed: float, shift: float) -> None:
    """Within the picks' sampling; scale and polarity do not count."""
    wave = -7.0 * gather(speed, delay=0.15 + shift)
    arrivals = moveout.arrivals(wave, DISTANCE, INTERVAL, 10.0)
    assert arrivals.slope() == pytest.approx(1 / speed, rel=0.05)


def test_slope_bears_a_quarter_of_wrong_picks() -> None:
    random = np.random.default_rng(0)
    time = 0.1 + DISTANCE / 2000
    wrong = random.permutation(len(time))[: len(time) // 4]
    time[wrong] = random.random(len(wrong))
    assert FirstArrivals(DISTANCE, time).slope() == pytest.approx(1 / 2000, rel=0.1)


@pytest.mark.parametrize("factor", [0.001, 0.1, 10.0, 1000.0])
def test_factor_of_the_interval_is_found(factor: float) -> None:
    wave = gather()
    interval = factor * INTERVAL
    arrivals = moveout.arrivals(wave, DISTANCE, interval, 10.0 / factor)
    fault = moveout.wrong_sampling([arrivals], 0.1, (1500.0, 3000.0), interval)
    assert fault is not None
    assert fault.numbers["interval_s"] == pytest.approx(INTERVAL)


def test_speeds_of_the_model_and_reflections_are_no_fault() -> None:
    """A flat reflection has a small slope, but a late time."""
    direct = moveout.arrivals(gather(), DISTANCE, INTERVAL, 10.0)
    assert moveout.wrong_sampling([direct], 0.1, (1500.0, 3000.0), INTERVAL) is None
    reflected = FirstArrivals(DISTANCE, 0.1 + np.sqrt(3.0**2 + (DISTANCE / 2000) ** 2))
    assert reflected.slope() < 1 / 7500
    assert moveout.wrong_sampling([reflected], 0.1, (1500.0, 3000.0), INTERVAL) is None


def test_waves_that_stand_out_may_be_slower_than_modelled_ones() -> None:
    """Noise hides the first waves on land; as slow as `uncertainty` says is no fault."""
    p, surface = (FirstArrivals(DISTANCE, 0.1 + DISTANCE / v) for v in (900.0, 300.0))
    assert moveout.other_sampling([surface], [p], INTERVAL) is not None
    assert moveout.other_sampling([surface], [p], INTERVAL, 2.5) is None
    slower = FirstArrivals(DISTANCE, 10 * surface.time)
    assert moveout.other_sampling([slower], [p], INTERVAL, 2.5) is not None


@pytest.mark.parametrize("well", [360.0, 0.0])
def test_distances_that_hardly_differ_do_not_tell_the_sampling(well: float) -> None:
    """A body between two wells may halve the moveout; next to the source nothing does."""
    distance = np.hypot(well, np.linspace(0.0, 280.0, 40))
    straight = FirstArrivals(distance, 0.1 + distance / 2000)
    halved = FirstArrivals(distance, straight.time + (distance.max() - distance) / 4000)
    fault = moveout.other_sampling([halved], [straight], INTERVAL)
    assert (fault is None) == (well > 0)
    tenth = FirstArrivals(distance, 0.1 * straight.time)
    assert moveout.other_sampling([tenth], [straight], INTERVAL) is not None


@pytest.mark.parametrize(("factor", "is_fault"), [(0.1, True), (1.0, False), (10.0, True)])
def test_times_tell_the_sampling_where_distances_hardly_differ(
    factor: float, is_fault: bool
) -> None:
    """Between far wells, waves through fast rock arrive earlier at farther receivers."""
    distance = np.hypot(1000.0, np.linspace(0.0, 280.0, 40))
    time = factor * (distance / 2000 - 4 * (distance - 1000) / 2000)
    fast = FirstArrivals(distance, time)
    assert fast.slope() < 0
    fault = moveout.wrong_sampling([fast], 0.0, (1900.0, 2600.0), INTERVAL)
    assert (fault is not None) == is_fault
    if fault is not None:
        assert fault.numbers["factor"] == factor


def test_too_few_picks_say_nothing() -> None:
    empty = FirstArrivals(DISTANCE, np.full(len(DISTANCE), np.nan))
    assert np.isnan(empty.slope())
    assert np.isnan(empty.mean(0.0))
    assert moveout.wrong_sampling([empty], 0.0, (1500.0, 3000.0), INTERVAL) is None
    assert moveout.other_sampling([empty], [empty], INTERVAL) is None


def test_middle_of_a_band_scales_with_frequency_and_bears_noise() -> None:
    middles = []
    for frequency in (6.0, 12.0):
        power = spectra.power([gather(frequency=frequency)], SAMPLES)
        middles.append(spectra.middle(power, SAMPLES, INTERVAL))
    assert middles[1] == pytest.approx(2 * middles[0], rel=0.02)
    wave = gather(frequency=6.0)
    noise = np.random.default_rng(0).standard_normal(wave.shape)
    noise *= np.sqrt(0.1 * (wave**2).mean())
    noisy = spectra.middle(spectra.power([wave + noise], SAMPLES), SAMPLES, INTERVAL)
    assert noisy == pytest.approx(middles[0], rel=0.05)


def test_ghosts_and_dimensions_shape_the_expected_band() -> None:
    """A shallow source below a free surface loses low frequencies; a line source high ones."""
    wavelet = ricker(times(INTERVAL, SAMPLES), 10.0, 0.15)

    def expected(ndim: int, *ghosts: float) -> float:
        power = spectra.arriving(wavelet, INTERVAL, ndim, ghosts)
        return spectra.middle(power, SAMPLES, INTERVAL)

    assert expected(2) < expected(3) < expected(3, 0.005) < expected(3, 0.005, 0.005)


def test_surface_waves_have_the_expected_band() -> None:
    """Of a force on a half space (Lamb's problem), beyond the source; P and S waves are weak."""
    t = times(INTERVAL, SAMPLES)
    wavelet, places = ricker(t, 6.0, 0.2), np.array([[600.0, 0.0], [900.0, 0.0]])
    response = partial(displacement, (1800.0, 900.0, 2000.0))
    _, vz = velocities(response, (0.0, "fz"), places, wavelet, INTERVAL, 10.0)
    recorded = spectra.middle(spectra.power([vz], SAMPLES), SAMPLES, INTERVAL)
    power = spectra.of_surface_waves(wavelet, INTERVAL, 2)
    assert recorded == pytest.approx(spectra.middle(power, SAMPLES, INTERVAL), rel=0.02)


def test_other_bands_are_named_and_near_ones_are_not() -> None:
    assert spectra.other_band(10.0, 11.0) is None
    assert spectra.other_band(float("nan"), 11.0) is None
    fault = spectra.other_band(10.0, 20.0)
    assert fault is not None
    assert fault.numbers["ratio"] == 0.5
    assert spectra.other_band(10.0, 16.0, estimated=True) is None


def test_dead_shots_are_named_by_their_numbers() -> None:
    """Zeros and faint noise; shots that are a few times weaker than others are alive."""
    random = np.random.default_rng(0)
    wave = gather()
    noise = 0.01 * np.abs(wave).max() * random.standard_normal((6, *wave.shape))
    shots = [wave + n for n in noise]
    shots[1] = noise[1]
    shots[4] = 0 * wave
    shots[5] = 0.3 * shots[5]
    found_energies = [energies.energy(shot, INTERVAL, 10.0) for shot in shots]
    fault = energies.dead_shots(found_energies, [10, 11, 12, 13, 14, 15])
    assert fault is not None
    assert fault.numbers["shots"] == [11, 14]
    assert energies.dead_shots([e for e in found_energies if e.standing > 0.5], range(4)) is None
    assert energies.dead_shots(found_energies[:2], [0, 1]) is None
