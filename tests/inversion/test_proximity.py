"""Traces next to their source fade out: whatever they hold, and whatever compares them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fwicli import Gathers
from fwicli.config.sources import prepare
from fwicli.errors import DataError
from fwicli.inversion import diagnosis
from fwicli.inversion.draws import Draws
from fwicli.inversion.encoding import Encoding
from fwicli.inversion.experiments import experiments, heard
from fwicli.inversion.misfits import MISFITS
from fwicli.inversion.objective import Objective
from fwicli.inversion.residuals import LeastSquares
from fwicli.survey import proximity
from fwicli.survey.wavelets import ricker, times
from tests.inversion.test_objective import SAMPLES, objective, records_of, slope
from tests.inversion.test_preparation import SOURCES, sections

# One receiver of each shot is nearer to its source than a quarter of this, two to four fade.
NEAR = 80.0

Make = Callable[[Gathers], Objective]


def compared(f: Objective, records: Gathers, way: str) -> Objective:
    """The objective of these records, in one of the ways that there are to compare them."""
    kind, _, name = way.partition(": ")
    misfit = MISFITS[name]() if kind == "misfit" else LeastSquares()
    chain = sections("times", "amplitude_weights") if kind == "chain" else []
    source = SOURCES[name] if kind == "source" else None
    prepared = None
    if chain or source:
        guess = 0.3 * ricker(times(0.004, SAMPLES), 25.0)
        records = replace(records, wavelet=guess if source else records.wavelet)
        prepared = lambda record: prepare(record, chain, source)  # noqa: E731
    encoded = kind == "encoded"
    shots = experiments(records, misfit, (), prepared, NEAR, aligned=encoded)
    f = replace(f, experiments=shots)
    if encoded:
        f.experiments, f.weight = Draws(shots, None, Encoding()).of(0, 0)
    return f


WAYS = [
    *(f"misfit: {name}" for name in MISFITS),
    *(f"source: {name}" for name in SOURCES if name != "windowed"),
    "chain",
    "encoded",
]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_next_to_the_source_makes_no_difference(way: str) -> None:
    """Value and gradient are the same to the bit; the gradient is that of the objective."""
    f, x = objective("slowness")
    records = records_of(f)
    loud = records.data.copy()
    for shot, gather in enumerate(loud):
        nearest = proximity.of_shot(records.acquisition, shot, NEAR) == 0
        assert nearest.sum() == 1
        gather[nearest] *= -30.0
    # Amplitudes of traces are relative to the mean of the gather.
    if way != "chain":
        first, second = (
            compared(f, replace(records, data=d), way)(x) for d in (records.data, loud)
        )
        assert first[0] == second[0]
        np.testing.assert_array_equal(first[1], second[1])
    f = compared(f, records, way)
    _, gradient = f(x)
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


def test_shots_that_fire_together_fade_at_each_of_their_sources() -> None:
    """A receiver counts as far as it is off all of them; the mean over signs is that of shots."""
    f, _ = objective("vp")
    records = records_of(f)
    shots = experiments(records, LeastSquares(), near=NEAR, aligned=True)
    assert {len(s.receivers) for s in shots} == {records.data.shape[1]}
    (together,), _ = Draws(shots, None, Encoding()).of(0, 0)
    weights = [proximity.of_shot(records.acquisition, n, NEAR) for n in range(2)]
    np.testing.assert_array_equal(together.comparison.near, weights[0] * weights[1])
    everywhere = [replace(s, comparison=replace(s.comparison, near=np.zeros(10))) for s in shots]
    with pytest.raises(DataError, match=r"fire together: every trace .* or encode fewer"):
        Draws(everywhere, None, Encoding()).of(0, 0)


def test_diagnosis_looks_at_what_is_compared() -> None:
    f, x = objective("vp")
    f = compared(f, records_of(f), "misfit: least_squares")
    f.diagnosed = 15.0
    f(x)
    assert [len(t.amplitude) for t in f.traces] == [9, 9]
    assert diagnosis.together(f.traces).amplitude.shape == (2, 9)


def test_nothing_left_is_said() -> None:
    """By name of the setting; also where the source is estimated from near traces alone."""
    f, _ = objective("vp")
    records = records_of(f)
    with pytest.raises(DataError, match="`near_source` to a shorter distance"):
        experiments(records, LeastSquares(), near=1e5)
    source = SOURCES["shot"].model_copy(update={"window": sections("offsets")})
    with pytest.raises(DataError, match="nothing of shot 0 is left to estimate its source from"):
        heard(records, lambda record: prepare(record, [], source), 1e5)
