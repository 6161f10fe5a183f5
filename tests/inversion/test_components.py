"""Misfits of pressures and particle velocities together: shares, and gradients of the whole."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli import Acquisition, Gathers, Propagator
from fwicli.inversion.misfits.by_component import ByComponent, factors
from fwicli.inversion.misfits.registry import MISFITS
from fwicli.inversion.misfits.residuals import LeastSquares
from fwicli.inversion.objective import Objective
from fwicli.inversion.shots.encoding import Encoding
from fwicli.inversion.shots.experiments import experiments
from fwicli.inversion.shots.selection import ShotSelection
from fwicli.propagators.equations.properties import parameters
from fwicli.survey import proximity
from fwicli.survey.components import PRESSURE, Component
from fwicli.survey.signals.wavelets import ricker, times
from fwicli.workflows.assembly.conditioning import Preparer
from tests.earths import random_earth
from tests.inversion.ragged import stored
from tests.inversion.test_objective import GRID, SAMPLES, objective, slope
from tests.inversion.test_preparation import CHAINS, SOURCES, sections

VX, VZ = Component.named("vx"), Component.named("vz")
ALL = (PRESSURE, VX, VZ)
WEIGHTS = {VX: 2.0, VZ: 0.5}
POSITIONS = np.stack([np.arange(20.0, 400.0, 40.0), np.full(10, 33.0)], axis=1)
ACQUISITION = Acquisition(np.array([[83.0, 17.0], [301.0, 17.0]]), POSITIONS).recording(ALL)
ROWS = {component: slice(10 * n, 10 * n + 10) for n, component in enumerate(ALL)}


@cache
def mixed(
    equation: str = "velocity_pressure", names: tuple[str, ...] = ("vp",)
) -> tuple[Gathers, Objective, np.ndarray]:
    """Records of pressure, vx and vz, a small objective without them, and its model.

    Sources are moments in solids, and pressure elsewhere.
    """
    f, x = objective("slowness", equation, names=names)
    acquisition = ACQUISITION
    if equation == "elastic":
        acquisition = replace(ACQUISITION, emitted=Component("moment", tensor=(1.0, -0.5, 0.3)))
    wavelet = ricker(times(0.004, SAMPLES), 15.0)
    true = 2000 + 400 * np.random.default_rng(5).random(GRID.shape)
    model = parameters(equation, random_earth(GRID.shape, 7, vp=true))
    propagator = Propagator(f.discretization)
    # The kernels of a gradient record, too: no others are compiled.
    data = [
        propagator.images(
            model,
            lambda gather: gather,
            wavelet[None],
            acquisition.source_points(shot),
            acquisition.receiver_points(shot),
            ("gradient", "illumination"),
        ).gather
        for shot in range(2)
    ]
    return Gathers(acquisition, 0.004, np.stack(data), wavelet), f, x


def compared(records: Gathers, f: Objective, **options: Any) -> Objective:
    options = {"misfit": LeastSquares(), "weights": WEIGHTS, **options}
    misfit = ByComponent(options.pop("misfit"), (), options.pop("weights"))
    return replace(f, experiments=experiments(records, misfit, **options))


def assert_gradient(f: Objective, x: np.ndarray, seed: int = 3, precision: float = 1e-6) -> None:
    """To central differences along a random direction."""
    value, gradient = f(x)
    assert value > 1e-4
    for block in range(len(x)):
        direction = np.zeros(x.shape)
        direction[block] = 0.02 * x[block] * np.random.default_rng(seed).standard_normal(GRID.shape)
        expected = slope(f, x, direction, 1e-3)
        assert np.vdot(gradient, direction) == pytest.approx(expected, rel=precision)


def test_gradient_in_solids_below_water() -> None:
    """Of moments, in vp, vs and rho; vs stays 0 in the water, where nothing depends on it."""
    records, f, x = mixed("elastic", ("vp", "vs", "rho"))
    x = x.copy()
    x[1][:, :6] = 0.0
    f = compared(records, f)
    assert not f(x)[1][1][:, :6].any()
    assert_gradient(f, x)


@pytest.mark.parametrize("misfit", MISFITS)
def test_gradient_of_every_misfit(misfit: str) -> None:
    records, f, x = mixed()
    precision = 1e-4 if misfit in ("graph_space", "wasserstein", "travel_time") else 1e-5
    assert_gradient(compared(records, f, misfit=MISFITS[misfit]()), x, precision=precision)


@pytest.mark.parametrize("source", ["shot", "common", "windowed"])
def test_gradient_with_conditioning_and_estimated_source(source: str) -> None:
    records, f, x = mixed()
    records = replace(records, wavelet=0.3 * ricker(times(0.004, SAMPLES), 25.0))
    make = Preparer(sections("times", "amplitude_weights"), SOURCES[source], 20.0, shares=WEIGHTS)
    assert_gradient(compared(records, f, prepare=make, near=40.0), x, precision=1e-5)


def test_weights_are_shares_of_the_misfit() -> None:
    """Where nothing is modelled, each component has its weight in the value, in any unit."""
    records, f, _ = mixed()
    shots = [e.comparison for e in compared(records, f).experiments]
    values = dict.fromkeys(ALL, 0.0)
    for shot in shots:
        for component, rows in ROWS.items():
            synthetic = np.array(shot.loaded().observed)
            synthetic[rows] = 0.0
            values[component] += shot.loaded()(synthetic)[0]
    shares = np.array(list(values.values())) / values[PRESSURE]
    np.testing.assert_allclose(shares, [1.0, 2.0, 0.5], rtol=1e-12)
    assert sum(s.scale() for s in shots) == pytest.approx(sum(values.values()), rel=1e-12)


@pytest.mark.parametrize("misfit", MISFITS)
def test_other_units_change_nothing(misfit: str) -> None:
    """Velocities in mm/s have the misfit, relative to that of nothing, of those in m/s."""
    random = np.random.default_rng(8)
    observed, synthetic = (random.standard_normal((6, 64)).cumsum(axis=1) for _ in range(2))
    each = ByComponent(MISFITS[misfit](), (PRESSURE,) * 3 + (VX,) * 3, {})
    values = []
    for size in (1.0, 1000.0):
        sizes = np.array([1.0] * 3 + [size] * 3)[:, None]
        shares = factors([each.scales(sizes * observed, 0.004)], WEIGHTS)
        weighted = each.weighted(shares)
        value = weighted(sizes * synthetic, sizes * observed, 0.004)[0]
        values.append(value / weighted.scale(sizes * observed, 0.004))
    assert values[0] == pytest.approx(values[1], rel=1e-9)


def test_weight_of_zero_leaves_out() -> None:
    """Bit for bit the survey of pressures alone."""
    records, f, x = mixed()
    alone = replace(
        records,
        acquisition=replace(ACQUISITION, receivers=POSITIONS, recorded=PRESSURE),
        data=records.data[:, ROWS[PRESSURE]],
    )
    value, gradient = compared(records, f, weights={VX: 0.0, VZ: 0.0})(x)
    expected, reference = compared(alone, f, weights={})(x)
    assert value == expected
    np.testing.assert_array_equal(gradient, reference)


@pytest.mark.parametrize("chain", CHAINS)
def test_conditioning_is_that_of_each_component(chain: str) -> None:
    """Neighbours, means and picks are those of one quantity."""
    records, f, _ = mixed()
    make = Preparer(sections(*CHAINS[chain]), None, 20.0)
    shots = compared(records, f, prepare=make, near=0.0).experiments
    for component, rows in ROWS.items():
        own = replace(
            records,
            acquisition=replace(ACQUISITION, receivers=POSITIONS, recorded=component),
            data=records.data[:, rows],
        )
        for one, other in zip(
            compared(own, f, prepare=make, near=0.0).experiments, shots, strict=True
        ):
            together = other.comparison.loaded()
            assert isinstance(together.misfit, ByComponent)
            kept = [c == component for c in together.misfit.components]
            conditioned = together.conditioning.apply(together.observed)[kept]
            expected = one.comparison.loaded()
            np.testing.assert_array_equal(
                conditioned, expected.conditioning.apply(expected.observed)
            )


def test_traces_in_files_are_those_in_memory(tmp_path: Path) -> None:
    records, f, x = mixed()
    make = Preparer(sections("times"), None, 20.0)
    loaded = compared(records, f, prepare=make, near=40.0)
    reading = compared(stored(records, tmp_path), f, prepare=make, near=40.0)
    (value, gradient), (expected, reference) = reading(x), loaded(x)
    assert value == expected
    np.testing.assert_array_equal(gradient, reference)


def test_shots_that_fire_together() -> None:
    records, f, x = mixed()
    shots = compared(records, f, aligned=True, near=40.0).experiments
    f = replace(f, experiments=shots)
    f.experiments, f.weight = ShotSelection(shots, None, Encoding(delay=0.02)).select(0, 0)
    assert len(f.experiments) == 1
    assert_gradient(f, x)


def test_second_derivative_is_that_of_each_component() -> None:
    """Times the change it is the change of the derivative: the misfit is quadratic."""
    random = np.random.default_rng(4)
    observed, synthetic, change = (random.standard_normal((6, 64)) for _ in range(3))
    each = ByComponent(LeastSquares(), (PRESSURE,) * 3 + (VX,) * 3, {PRESSURE: 1.0, VX: 2.0})
    assert each.curvature is not None
    product = each.curvature(synthetic, observed, 0.004, change)
    forwards, backwards = (each(synthetic + h * change, observed, 0.004)[1] for h in (0.5, -0.5))
    error = np.linalg.norm(product - (forwards - backwards))
    assert error < 1e-12 * np.linalg.norm(product)


# Slow: two large kernels. `test_hessian` has such products by pressures every day.
@pytest.mark.slow
def test_curvature_is_symmetric() -> None:
    """And the exact Hessian is the derivative of the gradient."""
    records, f, x = mixed()
    f, random = compared(records, f), np.random.default_rng(2)
    u, v = (0.02 * x * random.standard_normal(x.shape) for _ in range(2))
    assert np.vdot(u, f.product(x, v)) == pytest.approx(np.vdot(v, f.product(x, u)), rel=1e-10)
    change = (f(x + 1e-3 * v)[1] - f(x - 1e-3 * v)[1]) / 2e-3
    product = f.product(x, v, f.slopes(x))
    assert np.linalg.norm(product - change) < 1e-5 * np.linalg.norm(change)


def test_energy_of_receivers() -> None:
    """Receivers of any component send as sources of pressure."""
    records, f, x = mixed()
    energy = compared(records, f).energy(x)
    assert energy.shape == GRID.shape
    assert energy.min() >= 0
    assert energy.max() > 0


@pytest.mark.parametrize("component", ALL)
def test_what_the_grid_adds_next_to_the_source(component: Component) -> None:
    """Velocities differ by the integral of the wavelet, and by its derivative.

    Pressures in solids differ by the volume that was injected, too.
    """
    t, h = times(0.004, SAMPLES), 1e-3
    wavelet = ricker(t, 15.0)
    fine = ricker(np.arange(-2000, 8 * SAMPLES) * 0.0005, 15.0)
    summed = 0.0005 * (np.cumsum(fine) - 0.5 * fine)
    twice = np.cumsum(summed) - 0.5 * summed
    integral, volume = summed[2000::8][:SAMPLES], twice[2000::8][:SAMPLES]
    velocity = integral / np.abs(integral).max(), (ricker(t + h, 15.0) - ricker(t - h, 15.0)) / 2
    second = ricker(t + h, 15.0) - 2 * wavelet + ricker(t - h, 15.0)
    shapes = (wavelet, second, volume) if component == PRESSURE else velocity
    distance, pair = np.array([10.0, 200.0]), [component] * 2
    near = proximity.without(distance, 40.0, wavelet, 0.004, pair, rigid=True)
    for shape in shapes:
        left = near.apply(np.stack([shape, shape]))
        assert np.linalg.norm(left[0]) < 0.002 * np.linalg.norm(shape)
        np.testing.assert_array_equal(left[1], shape)
    fluid = proximity.without(distance, 40.0, wavelet, 0.004, pair).apply(np.stack([volume] * 2))
    assert np.linalg.norm(fluid[0]) > 0.1 * np.linalg.norm(volume)


def test_traces_of_several_components_next_to_the_source() -> None:
    """Each loses what is its own."""
    wavelet, rows = ricker(times(0.004, SAMPLES), 15.0), [PRESSURE, VX, PRESSURE]
    distance = np.array([10.0, 10.0, 300.0])
    gather = np.random.default_rng(1).standard_normal((3, SAMPLES))
    both = proximity.without(distance, 40.0, wavelet, 0.004, rows).apply(gather)
    for row, component in enumerate(rows):
        one = slice(row, row + 1)
        near = proximity.without(distance[one], 40.0, wavelet, 0.004, [component])
        np.testing.assert_allclose(both[one], near.apply(gather[one]), rtol=1e-12)
