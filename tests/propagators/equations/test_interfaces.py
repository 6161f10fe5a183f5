"""Densities that act as means of two nodes, prepared for it."""

from __future__ import annotations

import numpy as np

from fwicli.propagators.equations.interfaces import WEIGHTS, sharpened

RNG = np.random.default_rng(4)
SHAPE = (9, 11)


def test_filter_gives_back_what_means_lose() -> None:
    """To 1 % up to 3 points in a wave of the model, 6 of the field; to second order exactly."""
    x = np.linspace(1e-3, 2 * np.pi / 3, 200)  # q h
    response = 1 + sum(2 * w * (np.cos(j * x) - 1) for j, w in enumerate(WEIGHTS, start=1))
    assert np.abs(response * (x / 4) / np.tan(x / 4) - 1).max() < 0.01
    assert np.abs(response - np.tan(x / 4) / (x / 4))[:10].max() < 1e-5


def test_uniform_density_stays_to_the_last_bit() -> None:
    earth = {"vp": 1500 + RNG.random(SHAPE), "rho": np.full(SHAPE, 1234.5)}
    for name, values in sharpened(earth).items():
        np.testing.assert_array_equal(values, earth[name])


def test_density_stays_positive_next_to_air() -> None:
    """At any contrast, in 3D too, and velocities do not rise above what is stable."""
    rho = np.where(RNG.random((7, 8, 9)) < 0.5, 1.2, 2600.0)
    nodes = sharpened({"vp": np.full(rho.shape, 2000.0), "rho": rho})
    assert np.isfinite(nodes["rho"]).all()
    assert nodes["rho"].min() > 0
    assert np.abs(nodes["vp"] / 2000 - 1).max() < 0.01


def test_light_and_dense_are_treated_alike() -> None:
    """The reciprocals of all densities give the reciprocals of rho' exp(-2 S)."""
    rho = 1 + RNG.random(SHAPE)
    vp = np.ones(SHAPE)
    plain, inverse = sharpened({"vp": vp, "rho": rho}), sharpened({"vp": vp, "rho": 1 / rho})
    np.testing.assert_allclose(plain["vp"], inverse["vp"], rtol=1e-12)
    np.testing.assert_allclose(plain["rho"] * inverse["rho"], plain["vp"] ** -2, rtol=1e-12)


def test_mirrored_earth_has_mirrored_nodes() -> None:
    earth = {"vp": 1500 + 500 * RNG.random(SHAPE), "rho": 1000 + 1000 * RNG.random(SHAPE)}
    nodes = sharpened(earth)
    mirrored = sharpened({name: values[::-1] for name, values in earth.items()})
    for name, values in nodes.items():
        np.testing.assert_allclose(mirrored[name], values[::-1], rtol=1e-13)


def test_sums_across_a_step_are_kept() -> None:
    """Density and compressibility, and so travel times, to 1 % of a cell at a contrast of 2."""
    rho = np.where(np.arange(40) < 20, 1000.0, 2000.0)[:, None] * np.ones((1, 3))
    nodes = sharpened({"vp": np.ones(rho.shape), "rho": rho})
    assert abs(nodes["rho"].sum(axis=0) - rho.sum(axis=0)).max() < 0.01 * 2000
    softness = 1 / (nodes["rho"] * nodes["vp"] ** 2)
    assert abs(softness.sum(axis=0) - (1 / rho).sum(axis=0)).max() < 0.01 / 1000
