"""What the history keeps, and what the plan says about its memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from fwicli import Points, TimeAxis
from fwicli.propagators import history
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.sampling import memory
from tests.equations import LARGE


def test_band_sets_the_rate() -> None:
    """Twice the frequency needs twice the snapshots; never less than every step."""
    axis = TimeAxis(0.004, 1000, 5)
    rates = [history.subsampling(axis, f) for f in (5.0, 10.0, 20.0, 1000.0)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == 1
    for frequency, every in zip((5.0, 10.0, 20.0), rates, strict=False):
        assert every * axis.step <= 1 / (2 * history.OVERSAMPLING * frequency)


def test_snapshots_reach_the_last_step() -> None:
    for steps, every in ((10, 3), (10, 1), (9, 4), (1, 5)):
        assert history.snapshots(steps, every) == len(range(0, steps, every))


# Fields of the elastic and viscoacoustic equations are of first order in time, as those of the
# acoustic system.
@pytest.mark.parametrize(
    "equation",
    [
        "velocity_pressure",
        pytest.param("variable_density", marks=pytest.mark.slow),
        pytest.param("elastic", marks=pytest.mark.slow),
        pytest.param("viscoacoustic", marks=pytest.mark.slow),
        pytest.param("elastic_vti", marks=pytest.mark.slow),
        pytest.param("viscoelastic", marks=pytest.mark.slow),
    ],
)
def test_plan_tells_the_memory_of_components(
    make_setting: Callable[..., Any], equation: str
) -> None:
    """Fields that are recorded beside those of pressure keep more levels."""
    table = EQUATIONS[equation].recorded(2)
    vectors = [name for name in table if name != "pressure"]
    for names in (["pressure", *vectors], vectors):
        s = make_setting(2, equation=equation)
        recorded = [names[n % len(names)] for n in range(len(s.receivers))]
        s.propagator.forward(s.model, s.wavelet, s.sources, Points(s.receivers, recorded))
        with s.propagator._pool.runner() as runner:
            arrays = runner.arrays
        levels = sum(math.prod(shape[:-2]) for _, shape in arrays._arrays if len(shape) > 1)
        fields = {name for component in names for name in table[component].fields}
        expected = EQUATIONS[equation].footprint(2).arrays(False, fields)
        # Levels of pressure that nothing records are counted, too.
        spare = 0 if "pressure" in names else len(table["pressure"].fields)
        assert expected - spare <= levels <= expected


@pytest.mark.parametrize(
    ("equation", "precision", "size"),
    [
        pytest.param(e, *size, marks=pytest.mark.slow if e in LARGE else ())
        for e, size in [("acoustic", ("float32", 4)), *((e, ("float64", 8)) for e in EQUATIONS)]
    ],
)
def test_plan_tells_the_memory_that_is_used(
    make_setting: Callable[..., Any], equation: str, precision: str, size: int
) -> None:
    """The arrays of a propagator are what the plan says, up to the halo."""
    s = make_setting(2, precision, equation, every=2)
    p = s.propagator
    p.forward(s.model, s.wavelet, s.sources, s.receivers)
    points, order = (33 + 20) * (37 + 20), p.discretization.order
    footprint = EQUATIONS[equation].footprint(2)
    for gradient in (False, True):
        if gradient:
            kinds = ("gradient", "illumination")
            place = s.wavelet, s.sources, s.receivers
            p.images(s.model, lambda d: d, *place, kinds=kinds)
        strips = (p.layer.cells + order // 2,) * 2
        few = memory.packed((53, 57), order, size, strips)
        told = history.working_bytes(footprint, (points, few), size, gradient)
        if gradient:
            timing = p.resampling.steps, 2, p.time.step
            stated = EQUATIONS[equation], p.grid.shape, p.layer, order, timing, size
            told += history.demand(*stated).memory(history.STORED)
        with p._pool.runner() as runner:
            arrays = runner.arrays
        rows = arrays.shape[0]
        rings = (a.nbytes for a in arrays._arrays.values() if a.ndim > 2 and a.shape[-2] < rows)
        used = arrays.nbytes - sum(rings)
        # All levels of all fields, of the forward run and of the one that makes snapshots; rings
        # have few rows of a grid.
        levels = sum(
            math.prod(shape[:-2])
            for name, shape in arrays._arrays
            if len(shape) > 1 and shape[-2] >= rows and not name.startswith("history")
        )
        assert levels == footprint.forward + gradient * footprint.gradient
        # On so small a grid the halo and the ends of rows are almost as many points again; the
        # history of some fields has none.
        assert 0.5 * used < told <= used
        if not gradient:
            there = (53 + 2 * order) * (arrays.allocated[-1] + 2 * order)
            exact = history.working_bytes(footprint, (there, few), size, gradient)
            assert 0.97 * used < exact <= used
