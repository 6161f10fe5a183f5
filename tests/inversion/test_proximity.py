"""Parts of records next to sources that depend on the grid are not compared, by any misfit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fwicli import Gathers
from fwicli.errors import DataError
from fwicli.inversion.misfits.registry import MISFITS
from fwicli.inversion.misfits.residuals import LeastSquares
from fwicli.inversion.objective import Objective
from fwicli.inversion.shots.encoding import Encoding
from fwicli.inversion.shots.experiments import compared_traces, experiments
from fwicli.inversion.shots.selection import ShotSelection
from fwicli.survey import proximity
from fwicli.survey.signals.wavelets import ricker, times
from fwicli.workflows.assembly.conditioning import Preparer
from tests.inversion.test_objective import SAMPLES, objective, records_of, slope
from tests.inversion.test_preparation import SOURCES, sections

# Three or four receivers of each shot are nearer to its source, one within a quarter of this.
NEAR = 80.0


def compared(f: Objective, records: Gathers, way: str) -> Objective:
    """The objective of these records, in one of the ways that there are to compare them."""
    kind, _, name = way.partition(": ")
    misfit = MISFITS[name]() if kind == "misfit" else LeastSquares()
    chain = sections("times") if kind == "chain" else []
    source = SOURCES[name] if kind == "source" else None
    prepared = None
    if chain or source:
        guess = 0.3 * ricker(times(0.004, SAMPLES), 25.0)
        records = replace(records, wavelet=guess if source else records.wavelet)
        prepared = Preparer(chain, source)
    encoded = kind == "encoded"
    shots = experiments(records, misfit, (), prepared, NEAR, aligned=encoded)
    f = replace(f, experiments=shots)
    if encoded:
        f.experiments, f.weight = ShotSelection(shots, None, Encoding(delay=0.02)).select(0, 0)
    return f


def of_another_grid(records: Gathers, estimated: bool) -> Gathers:
    """Records that differ as those of another grid do; of unknown sources, in any way."""
    rng, data = np.random.default_rng(4), records.data.astype(np.float64)
    t, h = times(0.004, SAMPLES), 1e-4
    before, wavelet, after = (ricker(t + shift, 15.0) for shift in (-h, 0.0, h))
    second = before - 2 * wavelet + after
    shapes = np.stack([wavelet / np.abs(wavelet).max(), second / np.abs(second).max()])
    for shot, gather in enumerate(data):
        distance = proximity.distances(records.acquisition, shot)
        near = distance < NEAR / 4 if estimated else distance < NEAR
        assert near.sum() == 1 if estimated else near.sum() >= 3
        if estimated:
            gather[near] *= -30.0
        else:
            gather[near] += np.abs(gather).max() * rng.standard_normal((near.sum(), 2)) @ shapes
    return replace(records, data=data)


WAYS = [
    *(f"misfit: {name}" for name in MISFITS),
    *(f"source: {name}" for name in SOURCES if name != "windowed"),
    "chain",
    "encoded",
]


@pytest.mark.parametrize("way", WAYS)
def test_what_the_grid_adds_makes_no_difference(way: str) -> None:
    """Nor does what traces next to unknown sources hold; the gradient is that of the objective."""
    f, x = objective("slowness")
    records, unknown = records_of(f), way.startswith("source")
    records = replace(records, data=records.data.astype(np.float64))
    f = compared(f, records, way)
    value, gradient = f(x)
    other = compared(f, of_another_grid(records, unknown), way)(x)
    # Widths of misfits come from the compared part of the data.
    assert other[0] == pytest.approx(value, rel=2e-3)
    assert np.linalg.norm(other[1] - gradient) < 2e-3 * np.linalg.norm(gradient)
    direction = x * np.random.default_rng(1).standard_normal(x.shape)
    assert np.vdot(gradient, direction) == pytest.approx(slope(f, x, direction, 1e-6), rel=2e-6)


@pytest.mark.parametrize("way", ["misfit: least_squares", "misfit: huber", "source: shot"])
def test_second_derivative_with_traces_that_fade(way: str) -> None:
    """Of Gauss and Newton, symmetric; the full one is the derivative of the gradient."""
    f, x = objective("slowness")
    f = compared(f, records_of(f), way)
    rng = np.random.default_rng(2)
    v, w = (0.02 * x * rng.standard_normal(x.shape) for _ in range(2))
    Hv, Hw = f.product(x, v), f.product(x, w)
    assert np.vdot(w, Hv) == pytest.approx(np.vdot(v, Hw), rel=1e-9)
    if way == "misfit: least_squares":
        full = f.product(x, v, f.slopes(x))
        change = (f(x + 1e-4 * v)[1] - f(x - 1e-4 * v)[1]) / 2e-4
        assert np.linalg.norm(full - change) < 1e-5 * np.linalg.norm(change)


def test_operator_is_a_symmetric_projector() -> None:
    """N N = N = N^T; it takes the wavelet of one source, or of several that fire together, out."""
    f, _ = objective("vp")
    records = records_of(f)
    shots = experiments(records, LeastSquares(), near=NEAR, aligned=True)
    (together,), _ = ShotSelection(shots, None, Encoding(delay=0.02)).select(0, 0)
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, *records.data.shape[1:]))
    for experiment in (*shots, together):
        N = experiment.comparison.near
        assert np.vdot(a, N.apply(b)) == pytest.approx(np.vdot(N.apply(a), b), rel=1e-12)
        np.testing.assert_allclose(N.apply(N.apply(a)), N.apply(a), atol=1e-12)
        far = np.setdiff1d(np.arange(len(a)), N.rows)
        np.testing.assert_array_equal(N.apply(a)[far], a[far])
    assert together.comparison.near.rows.size > max(s.comparison.near.rows.size for s in shots)


def test_nothing_left_of_unknown_sources_is_said() -> None:
    """By name of the setting; also where the source is estimated from near traces alone."""
    f, _ = objective("vp")
    records = records_of(f)
    source = SOURCES["common"]
    with pytest.raises(DataError, match="`near_source` to a shorter distance"):
        experiments(records, LeastSquares(), (), Preparer([], source), near=1e5)
    source = SOURCES["shot"].model_copy(update={"window": sections("offsets")})
    with pytest.raises(DataError, match="nothing of shot 0 is left to estimate its source from"):
        compared_traces(records, Preparer([], source), 1e5)
