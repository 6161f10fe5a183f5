"""Errors of records that are estimated from the dispersion of differences."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.propagators.equations.stencils import SECOND, Stencil
from fwicli.propagators.sampling.phase_errors import Dispersion, band, record_errors
from fwicli.propagators.sampling.stability import velocity_error
from fwicli.survey.signals.wavelets import Spectrum, ricker, times
from fwicli.survey.wave_paths import WavePath

SPECTRUM = Spectrum.of(ricker(times(0.004, 400), 10.0), 0.004)
STENCILS = [Stencil(8), Stencil(4), *(Stencil(n, "optimised") for n in (6, 8, 16))]
KINDS = ["second", "half", "centred"]


def path(duration: float, velocity: float = 2000.0) -> WavePath:
    return WavePath(0, velocity * duration, np.full(4, velocity), np.full(4, duration / 4))


def error(spacing: float, duration: float, differences: Dispersion, step: float = 0.0) -> float:
    return float(record_errors([path(duration)], SPECTRUM, spacing, differences, step)[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stencil", STENCILS, ids=str)
def test_longer_cells_and_longer_paths_have_larger_errors(stencil: Stencil, kind: str) -> None:
    if stencil.optimised and kind == "centred":
        pytest.skip("slopes on the points have Taylor's weights")
    differences = Dispersion(2, stencil, kind)
    by_spacing = [error(h, 2.0, differences) for h in np.geomspace(2, 4000, 60)]
    by_time = [error(25.0, t, differences) for t in np.geomspace(0.01, 1e15, 60)]
    for errors in (by_spacing, by_time):
        assert (np.diff(errors) >= -1e-12).all()
        assert errors[-1] == pytest.approx(2.0, rel=0.01)
    assert by_spacing[0] < 0.02


@pytest.mark.parametrize("stencil", STENCILS, ids=str)
def test_errors_are_those_of_the_velocity(stencil: Stencil) -> None:
    """Along an axis, of the shortest wave that Taylor's weights keep within 10 %."""
    largest = max(velocity_error(p, stencil) for p in np.geomspace(6.0, 1000, 400))
    angle = 2 * np.pi / 6.0 * (1 - velocity_error(6.0, stencil))
    assert Dispersion(2, stencil).velocity_errors(angle) == pytest.approx(largest, rel=0.1)


@pytest.mark.parametrize("stencil", STENCILS, ids=str)
def test_no_direction_has_a_larger_error(stencil: Stencil) -> None:
    """(K h)**2 is the sum over axes of those of second differences."""
    weights = np.array(stencil.second[1:])
    places = np.arange(1, weights.size + 1)
    for angle in np.linspace(0.1, 1.8, 18):
        for direction in np.linspace(0, np.pi / 4, 7):
            parts = angle * np.array([np.cos(direction), np.sin(direction)])
            numerical = np.sqrt((2 * (1 - np.cos(np.outer(parts, places))) @ weights).sum())
            bound = Dispersion(2, stencil).velocity_errors(numerical)
            assert abs(angle / numerical - 1) <= bound * (1 + 1e-4) + 1e-7


def test_slopes_half_a_cell_away_are_the_best() -> None:
    errors = {kind: error(25.0, 1.0, Dispersion(2, Stencil(8), kind)) for kind in KINDS}
    assert errors["half"] < 0.9 * errors["second"]
    assert errors["second"] < 0.2 * errors["centred"]
    orders = [error(25.0, 1.0, Dispersion(2, Stencil(n))) for n in sorted(SECOND)]
    assert (np.diff(orders) < 0).all()


def test_one_frequency() -> None:
    """exp(i phi) - 1, of a wave that has one frequency; waves that no grid holds have all of it."""
    tone = Spectrum(np.array([0.0, 10.0, 10.0 + 1e-6]), np.array([0.0, 1.0, 1.0]))
    differences = Dispersion(2, Stencil(8))
    d = float(differences.velocity_errors(np.array(2 * np.pi * 10 * 40 / 2000.0)))
    phase = 2 * np.pi * 10 * 1.5 * d
    found = record_errors([path(1.5)], tone, 40.0, differences)[0]
    assert found == pytest.approx(abs(np.exp(1j * phase) - 1), rel=1e-6)
    assert record_errors([path(1.5)], tone, 400.0, differences)[0] == pytest.approx(2.0)


def test_slow_parts_count() -> None:
    """Of two halves of a path, nearly all of the error is in the slower one."""
    both = WavePath(0, 3000.0, np.array([1500.0, 3000.0]), np.array([1.0, 1.0]))
    slow = WavePath(0, 1500.0, np.array([1500.0, 3000.0]), np.array([1.0, 0.0]))
    differences = Dispersion(2, Stencil(8))
    errors = record_errors([both, slow], SPECTRUM, 20.0, differences)
    assert errors[0] == pytest.approx(errors[1], rel=0.01)


def test_dispersion_of_time_adds_where_it_is_not_corrected() -> None:
    """w dt**2 w**2 / 24 for each second, to first order."""
    differences = Dispersion(3, Stencil(16))
    frequencies, shares = band(SPECTRUM, 3)
    step, duration = 1e-4, 0.5
    phase = (2 * np.pi * frequencies) ** 3 * step**2 / 24 * duration
    expected = np.sqrt(shares @ phase**2)
    without = error(2.0, duration, differences)
    assert error(2.0, duration, differences, step) - without == pytest.approx(expected, rel=0.02)
