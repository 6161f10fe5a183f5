"""Energies that divide an image, and apertures of shots."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fwicli import EarthModel, Grid
from fwicli.imaging import energies
from fwicli.imaging.apertures import AngleTaper
from fwicli.imaging.conditions import registry
from fwicli.survey.signals.wavelets import ricker, times


@pytest.fixture(scope="module")
def shot(make_setting: Callable[..., Any]) -> dict[str, Any]:
    """A shot in an even medium."""
    setting = make_setting(samples=120)
    grid = setting.propagator.grid
    return {
        "propagator": setting.propagator,
        "earth": EarthModel(grid, np.full(grid.shape, 2000.0)),
        "wavelet": ricker(times(0.004, 120), 15.0)[None],
        "locations": (setting.sources[:1], setting.receivers[:3]),
    }


def test_energy_of_receivers_is_their_sum(shot: dict[str, Any]) -> None:
    """On average over draws: of all at once, and of each alone."""
    source, receivers = shot["locations"]
    model = {"m": 1 / shot["earth"].vp ** 2}
    kinds = ("correlation", "illumination")

    def mean(some: np.ndarray, first: int) -> np.ndarray:
        draws = [
            energies.of_receivers(
                shot["propagator"], model, shot["wavelet"], (source, some), kinds, first + n
            )
            for n in range(6)
        ]
        return np.mean(draws, axis=0)

    together = mean(receivers, 0)
    alone = sum(mean(receivers[i : i + 1], 50 * (i + 1)) for i in range(3))
    assert np.median(together / alone) == pytest.approx(1.0, abs=0.2)


def test_probing_finds_the_diagonal(shot: dict[str, Any]) -> None:
    """The mean of many draws is the diagonal of A^T A, column by column."""
    propagator, earth = shot["propagator"], shot["earth"]
    model = {"m": 1 / earth.vp**2}
    conditions = registry.load("velocity", "acoustic", earth)
    draws = [
        energies.of_hessian(propagator, model, conditions, shot["wavelet"], shot["locations"], seed)
        for seed in range(48)
    ]
    points = [(10, 12), (16, 18), (22, 25), (16, 30)]
    exact = []
    for point in points:
        spike = np.zeros(earth.grid.shape)
        spike[point] = 1.0
        (condition,) = conditions
        records = propagator.jacobian(
            model, condition.perturbation(spike), shot["wavelet"], *shot["locations"]
        )
        exact.append(np.vdot(records, records))
    block = [np.mean(draws, axis=0)[x - 2 : x + 3, z - 2 : z + 3].mean() for x, z in points]
    ratio = np.array(block) / np.array(exact)
    assert np.abs(ratio - 1).max() < 0.6
    assert np.abs(ratio.mean() - 1) < 0.3


def test_aperture_is_an_angle_below_the_source() -> None:
    """One within the inner angle, zero beyond the outer, and half between; also above."""
    grid = Grid((101, 61), (10.0, 10.0), (100.0, 0.0))
    weights = AngleTaper(20.0, 40.0).weights(grid, np.array([[600.0, 20.0]]))
    assert weights[50, 40] == 1.0
    depth = grid.coordinates(1)[40] - 20.0
    x = grid.coordinates(0) - 600.0
    angle = np.degrees(np.arctan2(np.abs(x), depth))
    assert (weights[angle <= 20, 40] == 1).all()
    assert weights[angle >= 40, 40].max() < 1e-30
    middle = np.interp(30.0, angle[50:], weights[50:, 40])
    assert middle == pytest.approx(0.5, abs=0.03)
    assert weights[70, 0] < 1e-30
    cube = Grid((21, 21, 11), (10.0, 10.0, 10.0), (0.0, 0.0, 0.0))
    turned = AngleTaper(10.0, 50.0).weights(cube, np.array([[100.0, 100.0, 0.0]]))
    np.testing.assert_allclose(turned, turned.transpose(1, 0, 2))
