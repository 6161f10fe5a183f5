"""Images by surface offset and by shot: exact pairs, parts of the plain image, and velocities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwicli import (
    AbsorbingLayer,
    Discretization,
    EarthModel,
    FullField,
    Grid,
    HistoryOptions,
    Propagator,
    Simulation,
    SubsurfaceOffset,
    ricker,
    time_axis,
    times,
    velocity_ratios,
)
from fwicli.errors import GeometryError
from fwicli.imaging.extended.bins import OffsetBins, SourceBins, SourcePart, TraceParts
from fwicli.imaging.extended.migration import ExtendedMigrationTask
from fwicli.imaging.migration import MigrationTask
from fwicli.operators import common_shots, extended_imaging, imaging, surface_offsets
from fwicli.propagators.running.results import GradientRequest

KINDS = {
    "surface offset": lambda A: surface_offsets(A, 200.0, 4),
    "part of the offsets": lambda A: surface_offsets(A, 60.0, 2),
    "common shot": common_shots,
    "shots in bins": lambda A: common_shots(A, 2),
}


@pytest.fixture(scope="module")
def operators(make_setting: Callable[..., Any]) -> dict[str, Any]:
    """Operators of three shots: an image of impedance, and one with lags."""
    setting = make_setting(samples=60)
    sources = np.stack([setting.sources, setting.sources[::-1] + 7.0, setting.sources[::-1] + 3.0])
    simulation = Simulation(setting.propagator.discretization, sources, setting.receivers)
    earth = EarthModel(setting.propagator.grid, 1 / np.sqrt(setting.model["m"]))
    wavelet = setting.wavelet[:, :60]
    return {
        "impedance": imaging(simulation, earth, wavelet, "inverse_scattering"),
        "lags": extended_imaging(simulation, setting.model, wavelet, SubsurfaceOffset(1)),
    }


@pytest.mark.parametrize("image", ["impedance", "lags"])
@pytest.mark.parametrize("kind", KINDS)
def test_pair_is_exact(operators: dict[str, Any], kind: str, image: str) -> None:
    """<A s, d> = <s, A^T d> to float64 round-off."""
    A = KINDS[kind](operators[image])
    assert A.dottest() < 1e-13
    assert A[1:].dottest() < 1e-13


@pytest.mark.parametrize("kind", KINDS)
def test_bins_add_up_to_the_plain_image(operators: dict[str, Any], kind: str) -> None:
    """To round-off; with part of the offsets, to the image of these traces."""
    J = operators["impedance"]
    A = KINDS[kind](J)
    records = np.random.default_rng(0).standard_normal(J.dimsd)
    inside = A.members.any(axis=0)
    assert inside.all() == (kind != "part of the offsets")
    bins, expected = A.T @ records, J.T @ np.where(inside[..., None], records, 0)
    assert np.linalg.norm(bins.sum(axis=0) - expected) < 1e-13 * np.linalg.norm(expected)
    np.testing.assert_array_equal(bins.any(axis=(1, 2)), A.members.any(axis=(1, 2)))
    assert bins[1].any()


def test_common_shot_is_the_image_of_the_shot(operators: dict[str, Any]) -> None:
    """Row by row, from left to right."""
    J = operators["impedance"]
    records = np.random.default_rng(1).standard_normal(J.dimsd)
    x = [J.shot_set.places(n)[0].mean(axis=0)[0] for n in range(3)]
    for row, shot in zip(common_shots(J).T @ records, np.argsort(x), strict=True):
        alone = J[shot].T @ records[shot]
        assert np.linalg.norm(row - alone) < 1e-13 * np.linalg.norm(alone)


def test_offsets_of_fields_are_refused(make_setting: Callable[..., Any]) -> None:
    setting = make_setting(samples=20)
    simulation = Simulation(setting.propagator.discretization, setting.sources, FullField())
    J = extended_imaging(simulation, setting.model, setting.wavelet[:, :20], SubsurfaceOffset(1))
    with pytest.raises(GeometryError, match="FullField has no offsets"):
        surface_offsets(J, 100.0)


def test_bins_of_offsets() -> None:
    """Edges belong to the bin above, the last one to the last; distances are horizontal."""
    bins = OffsetBins(300.0, 3)
    receivers = np.array([[100.0, 50.0], [0.0, 9.0], [200.1, 0.0], [400.0, 0.0], [400.1, 0.0]])
    numbers = [
        list(np.flatnonzero(m)) for m in bins.membership(np.array([[100.0, 0.0]]), receivers)
    ]
    assert numbers == [[0], [1, 2], [3]]
    np.testing.assert_allclose(bins.centres, [50.0, 150.0, 250.0])
    cube = OffsetBins(10.0, 2).membership(np.zeros((1, 3)), np.array([[3.0, 4.0, 99.0]]))
    assert cube.tolist() == [[False], [True]]
    parts = TraceParts(bins.membership(np.array([[100.0, 0.0]]), receivers))
    gather = np.arange(10.0).reshape(5, 2)
    split = parts.split(gather)
    assert list(split) == [0, 1, 2, 3]
    assert parts.count == 4
    np.testing.assert_array_equal(sum(split.values()), gather)
    assert list(parts.images(split)) == [0, 1, 2]


def test_bins_of_sources() -> None:
    """One for each position by default, else the nearest centre."""
    x = np.array([500.0, 100.0, 300.0, 300.0])
    bins = SourceBins.of_sources(x)
    assert [bins.number(v) for v in x] == [2, 0, 1, 1]
    np.testing.assert_allclose(bins.centres, [100.0, 300.0, 500.0])
    assert [SourceBins.of_sources(x, 2).number(v) for v in (290.0, 310.0)] == [0, 1]


@pytest.mark.parametrize(
    "history",
    [
        HistoryOptions(),
        HistoryOptions("checkpoints", checkpoints=2, segment=12),
        HistoryOptions("boundary", segment=24),
        HistoryOptions("disk", segment=24),
        HistoryOptions("compressed"),
        HistoryOptions("fourier", frequencies=(10.0, 20.0)),
        HistoryOptions("probes", count=8),
    ],
    ids=lambda h: h.kind,
)
def test_residuals_share_the_forward_field(
    make_setting: Callable[..., Any], history: HistoryOptions
) -> None:
    """Bit for bit what each has alone, for every history."""
    setting = make_setting(samples=60, every=2, keeping=history)
    gathers = np.random.default_rng(3).standard_normal((3, len(setting.receivers), 60))
    at = setting.wavelet[:, :60], setting.sources, setting.receivers
    with setting.propagator.runner() as runner:
        results = runner.gradients_of_each(
            {0: setting.model},
            {0: at[0]},
            lambda _: [(0, {0: gather}) for gather in gathers],
            *at[1:],
            GradientRequest(),
        )
    assert len(results) == 3
    for gather, result in zip(gathers, results, strict=True):
        alone = setting.propagator.jacobian_adjoint(setting.model, gather, *at)
        np.testing.assert_array_equal(result.gradient["m"], alone["m"])
        np.testing.assert_array_equal(result.gather, results[0].gather)


GRID = Grid((121, 61), (10.0, 10.0), (0.0, 0.0))
SAMPLES, INTERVAL = 140, 0.006
TRUE, DEPTH = 2000.0, 395.0
OFFSETS = OffsetBins(640.0, 8)
SOURCES = np.arange(60.0, 1200.0, 60.0)


@pytest.fixture(scope="module")
def shots() -> dict[str, Any]:
    """Records of a flat reflector below even rock."""
    axis = time_axis(INTERVAL, SAMPLES, 2400.0, GRID.spacing, 8)
    discretization = Discretization("acoustic", GRID, axis, AbsorbingLayer(12, 2400.0, 15.0))
    propagator = Propagator(discretization)
    wavelet = ricker(times(INTERVAL, SAMPLES), 14.0)[None]
    vp = np.full(GRID.shape, TRUE)
    even = {"m": 1 / vp**2}
    vp = vp.copy()
    vp[:, 40:] = 2300.0
    receivers = np.stack([np.arange(0.0, 1201.0, 20.0), np.full(61, 20.0)], axis=1)
    records = []
    for x in SOURCES:
        source = np.array([[x, 20.0]])
        at = wavelet, source, receivers
        reflected = propagator.forward({"m": 1 / vp**2}, *at) - propagator.forward(even, *at)
        records.append((source, reflected))
    return {"shot": (discretization, wavelet, receivers), "records": records}


def migrated(shots: dict[str, Any], velocity: float, kind: str) -> np.ndarray:
    """Gathers of the sum over shots, in the precision of the waves."""
    discretization, wavelet, receivers = shots["shot"]
    # As a migration has it, whose kernels serve this, too.
    discretization = replace(discretization, parameters=())
    rows = np.zeros((len(OFFSETS.centres) if kind == "offset" else len(SOURCES), *GRID.shape))
    model = {"m": np.full(GRID.shape, 1 / velocity**2)}
    for number, (source, reflected) in enumerate(shots["records"]):
        parts = TraceParts(OFFSETS.membership(source, receivers))
        lags = parts if kind == "offset" else SourcePart(number)
        shot = discretization, model, wavelet, source, receivers, reflected, "correlation", False
        for row, image in ExtendedMigrationTask(*shot, lags=lags)().gathers.items():
            rows[row] += image
    return rows


@pytest.mark.parametrize("kind", ["offset", pytest.param("shot", marks=pytest.mark.slow)])
@pytest.mark.parametrize("share", [1.0, pytest.param(0.95, marks=pytest.mark.slow), 1.05])
def test_moveout_tells_the_velocity(shots: dict[str, Any], kind: str, share: float) -> None:
    """Flat to half a sample at all offsets in the true one; else the ratio, with its sign."""
    gathers = migrated(shots, share * TRUE, kind)
    distances = np.abs(SOURCES[:, None] - GRID.coordinates(0))
    halves = OFFSETS.centres / 2 if kind == "offset" else distances
    scanned = velocity_ratios(gathers, halves, GRID, 20.0)
    around = slice(int(share * DEPTH / 10) - 8, int(share * DEPTH / 10) + 9)
    weights = (scanned.energy * scanned.semblance**2)[45:76, around]
    ratio = float((weights * scanned.curvature[45:76, around]).sum() / weights.sum())
    assert ratio == pytest.approx(share, abs=0.02)
    farthest = OFFSETS.centres[-1] / 2
    below = share * DEPTH - 20.0
    moveout = np.sqrt(below**2 + (ratio**2 - 1) * farthest**2) - below
    if share == 1.0:
        assert abs(moveout) < 0.5 * GRID.spacing[1]
    else:
        assert np.sign(moveout) == np.sign(share - 1.0)


@pytest.mark.parametrize("condition", ["correlation", "velocity"])
def test_parts_of_a_shot_add_up(shots: dict[str, Any], condition: str) -> None:
    """The image with gathers is the plain one to round-off; so is the sum of the gathers."""
    discretization, wavelet, receivers = shots["shot"]
    source, reflected = shots["records"][3]
    model = {"m": np.full(GRID.shape, TRUE**-2), "earth_vp": np.full(GRID.shape, TRUE)}
    if condition == "correlation":
        model = {"m": model["m"]}
        discretization = replace(discretization, parameters=())
    shot = discretization, model, wavelet, source, receivers, reflected, condition, False
    plain = MigrationTask(*shot)()
    for largest in (1200.0, 300.0):
        parts = TraceParts(OffsetBins(largest, 6).membership(source, receivers))
        result = ExtendedMigrationTask(*shot, lags=parts)()
        error = np.linalg.norm(result.image - plain.image)
        assert 0 < error < 1e-5 * np.linalg.norm(plain.image)
        np.testing.assert_array_equal(result.illumination, plain.illumination)
        total = sum(result.gathers.values())
        part = np.linalg.norm(total - plain.image) / np.linalg.norm(plain.image)
        assert (part < 1e-5) == (largest == 1200.0)


@pytest.mark.parametrize("ratio", [0.9, 1.0, 1.08])
def test_ratio_of_synthetic_events(ratio: float) -> None:
    """Of events on the curve of the ratio, to the step of the scan."""
    z, halves = GRID.coordinates(1), np.linspace(0.0, 250.0, 9)
    depths = 20.0 + np.sqrt(280.0**2 + (ratio**2 - 1) * halves**2)
    events = np.exp(-(((z - depths[:, None]) / 15.0) ** 2))
    gathers = np.repeat(events[:, None], GRID.shape[0], axis=1)
    scanned = velocity_ratios(gathers, halves, GRID, 20.0)
    assert scanned.curvature[60, 30] == pytest.approx(ratio, abs=0.006)
    assert scanned.semblance[60, 30] > 0.95
