"""Filters of images as operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fwicli import EarthModel, Grid, Simulation
from fwicli.operators import (
    dip_cut,
    image_laplacian,
    imaging,
    low_cut,
    normalised,
    probed_diagonal,
    weights,
)
from fwicli.operators.operator import Composed

GRID = Grid((20, 30), (10.0, 5.0), (0.0, 0.0))
RANDOM = np.random.default_rng(0).random(GRID.shape)


@pytest.mark.parametrize(
    "operator",
    [
        low_cut(GRID, 80.0),
        dip_cut(GRID, 40.0),
        image_laplacian(GRID),
        weights(RANDOM),
        normalised(RANDOM),
    ],
)
def test_filters_are_symmetric(operator: Any) -> None:
    assert operator.dottest() < 1e-13


def test_energy_divides_the_image() -> None:
    """Damped by a share of its mean."""
    image = RANDOM[::-1]
    expected = image / (RANDOM + 0.1 * RANDOM.mean())
    np.testing.assert_allclose(normalised(RANDOM, 0.1) @ image, expected)


def test_filters_compose_with_born_modelling(make_setting: Callable[..., Any]) -> None:
    """A mute before it is an exact pair, and leaves the muted region out of the migration."""
    setting = make_setting(samples=60)
    grid = setting.propagator.grid
    earth = EarthModel(grid, np.full(grid.shape, 2000.0))
    waves = Simulation(setting.propagator.discretization, setting.sources[None], setting.receivers)
    A = imaging(waves, earth, setting.wavelet[:, :60], "velocity")
    mute = np.ones(grid.shape)
    mute[:, :10] = 0.0
    pair = A @ weights(mute)
    x, y = np.random.default_rng(1).standard_normal(pair.dims), setting.gather[None, :, :60]
    difference = np.vdot(pair @ x, y) - np.vdot(x, pair.T @ y)
    assert abs(difference) < 1e-12 * np.linalg.norm(pair @ x) * np.linalg.norm(y)
    assert not (pair.T @ y)[:, :10].any()
    assert isinstance(pair, Composed)


@pytest.mark.parametrize("name", ["low_cut", "dip_cut", "laplacian", "normalised", "probed"])
def test_every_filter_of_a_migration_is_an_exact_pair(
    make_setting: Callable[..., Any], name: str
) -> None:
    """<A F s, d> = <s, F A^T d> for filters F, and energies of the source or of the Hessian."""
    setting = make_setting(samples=60)
    grid = setting.propagator.grid
    vp = np.linspace(1800.0, 2400.0, grid.shape[1]) * np.ones(grid.shape)
    waves = Simulation(setting.propagator.discretization, setting.sources[None], setting.receivers)
    A = imaging(waves, EarthModel(grid, vp), setting.wavelet[:, :60], "inverse_scattering")
    filters = {
        "low_cut": lambda: low_cut(grid, 60.0),
        "dip_cut": lambda: dip_cut(grid, 40.0),
        "laplacian": lambda: image_laplacian(grid),
        "normalised": lambda: normalised(np.random.default_rng(3).random(grid.shape), 0.01),
        "probed": lambda: normalised(probed_diagonal(A, 1).clip(0.0), 0.01),
    }
    assert (A @ filters[name]()).dottest() < 1e-12


def test_probing_averages_to_the_diagonal() -> None:
    """Exact at once for a diagonal operator; near after many draws for another."""
    values = weights(RANDOM)
    np.testing.assert_allclose(probed_diagonal(values, 1), RANDOM**2)
    small = Grid((4, 5), (10.0, 10.0), (0.0, 0.0))
    cut = low_cut(small, 60.0)
    exact = np.array([np.linalg.norm(cut @ row) ** 2 for row in np.eye(20)]).reshape(4, 5)
    probed = probed_diagonal(cut, 3000)
    assert np.abs(probed - exact).max() < 0.1 * exact.max()
