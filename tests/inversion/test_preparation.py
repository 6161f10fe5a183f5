"""Conditioning and source estimation in the whole objective: its gradient is its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from fwicli import Acquisition, Gathers
from fwicli.config.conditioning import ConditioningSection
from fwicli.config.sources import SourceSection
from fwicli.errors import ConfigError, DataError
from fwicli.inversion.conditioning.operators import Record
from fwicli.inversion.misfits.residuals import LeastSquares
from fwicli.inversion.objective import Objective
from fwicli.inversion.shots.experiments import Preparation, experiments
from fwicli.survey.signals.wavelets import ricker, times
from fwicli.workflows.assembly.conditioning import Preparer
from tests.inversion.test_objective import SAMPLES, objective, slope

SECTIONS = TypeAdapter(list[ConditioningSection])

# Operators and their settings in a config.
SETTINGS: dict[str, dict[str, Any]] = {
    "band_pass": {"band": [4.0, 20.0]},
    "zero_phase": {"kind": "band_pass", "band": [4.0, 20.0], "zero_phase": True},
    "offsets": {"nearest": 50.0, "farthest": 250.0, "taper": 60.0},
    "times": {"after": 0.05, "before": 0.35, "taper": 0.06},
    "moveout": {"velocity": 1500.0, "after": 0.02, "taper": 0.08},
    "first_arrivals": {"after": -0.03, "before": 0.1, "taper": 0.04, "mute": True},
    "damping": {"constant": 0.1, "since": "first_arrivals"},
    "offset_weights": {"power": 1.5, "scale": 200.0},
    "amplitude_weights": {"power": 1.0},
    "dead_traces": {},
}


def sections(*names: str) -> list[Any]:
    return SECTIONS.validate_python([{"kind": name, **SETTINGS[name]} for name in names])


CHAINS = {name: (name,) for name in SETTINGS} | {
    "chain": ("dead_traces", "first_arrivals", "band_pass", "offsets", "amplitude_weights"),
}
SOURCES = {
    "shot": SourceSection(lags=[-0.03, 0.1], damping=1e-2),
    "common": SourceSection(estimate="common", lags=[-0.03, 0.1], damping=1e-2),
    "windowed": SourceSection(
        lags=[0.0, 0.08],
        damping=1e-2,
        window=sections("times"),
    ),
    "common, windowed": SourceSection(
        estimate="common", lags=[-0.02, 0.08], damping=1e-2, window=sections("offsets")
    ),
}


def prepared(
    chain: tuple[str, ...], source: SourceSection | None = None
) -> tuple[Objective, np.ndarray]:
    """The small objective of two shots, its data conditioned, its wavelet estimated."""
    f, x = objective("vp")
    many, chosen = f.experiments, sections(*chain)
    conditioned = []
    for number, e in enumerate(many):
        c = e.comparison
        observed = c.observed + 0.0
        if "dead_traces" in chain:
            observed[3] = 0.0
        record = Record.of(number, e.source, e.receivers, c.interval, observed)
        both = Preparer(chosen, source)(record)
        compared = both.compared_traces(observed.shape)
        fit = None if both.source is None else both.source.select(compared)
        comparison = replace(
            c,
            observed=observed[compared],
            conditioning=both.conditioning.select(compared),
            source=fit,
        )
        # The guess of the wavelet differs from the wavelet of the data.
        wavelet = e.wavelet if source is None else 0.3 * ricker(times(0.004, SAMPLES), 25.0)[None]
        receivers = e.receivers[compared]
        conditioned.append(replace(e, wavelet=wavelet, receivers=receivers, comparison=comparison))
    return replace(f, experiments=tuple(conditioned)), x


def check_gradient(f: Objective, x: np.ndarray) -> None:
    """Along a random direction, to 1e-6 of central differences."""
    _, gradient = f(x)
    direction = 0.02 * x * np.random.default_rng(9).standard_normal(x.shape)
    assert np.vdot(gradient, direction) == pytest.approx(slope(f, x, direction, 1e-4), rel=1e-6)


@pytest.mark.parametrize("name", CHAINS)
def test_gradient_of_conditioned_data(name: str) -> None:
    """And what is compared is another thing than all of the data."""
    f, x = prepared(CHAINS[name])
    check_gradient(f, x)
    plain, _ = objective("vp")
    if name != "dead_traces":
        assert abs(f(x)[0] / plain(x)[0] - 1) > 1e-3


@pytest.mark.parametrize("chain", [(), ("times", "amplitude_weights"), ("band_pass",)], ids=str)
@pytest.mark.parametrize("source", SOURCES)
def test_gradient_with_the_source_estimated(chain: tuple[str, ...], source: str) -> None:
    """Through the filter, also where it is fitted to other data than those compared."""
    f, x = prepared(chain, SOURCES[source])
    check_gradient(f, x)


def test_filter_that_is_held_has_another_gradient() -> None:
    """The derivative of the filter counts: what the test above would miss."""
    f, x = prepared(("times",), SOURCES["windowed"])
    _, gradient = f(x)
    without_filter = []
    for e in f.experiments:
        synthetic = f._modelled(f.parameter_map.parameters(x))[len(without_filter)].synthetic
        fitted = e.comparison.source.fit(synthetic, e.comparison.observed, 0.004)
        wavelet = fitted.wavelet(e.wavelet)
        without_filter.append(
            replace(e, wavelet=wavelet, comparison=replace(e.comparison, source=None))
        )
    _, other = replace(f, experiments=tuple(without_filter))(x)
    assert np.linalg.norm(gradient - other) > 0.01 * np.linalg.norm(gradient)


@pytest.mark.parametrize("estimate", ["shot", "common"])
def test_unknown_wavelet_is_found_at_the_true_model(estimate: str) -> None:
    """From a guess of another frequency, size and sign; nothing is left unexplained."""
    rng = np.random.default_rng(0)
    true = 2000 + 400 * rng.random((41, 31))
    source = SourceSection(estimate=estimate, lags=[-0.1, 0.15], damping=1e-9)
    f, _ = prepared((), source)
    guess = -0.3 * ricker(times(0.004, SAMPLES), 18.0)[None]
    f = replace(f, experiments=tuple(replace(e, wavelet=guess) for e in f.experiments))
    x = true[None] / 1e3
    assert f(x)[0] < 1e-4
    wavelets = f.wavelets(x)
    assert wavelets is not None
    expected = ricker(times(0.004, SAMPLES), 15.0)
    assert wavelets.shape == (1 if estimate == "common" else 2, SAMPLES)
    for wavelet in wavelets:
        assert np.linalg.norm(wavelet - expected) < 0.03 * np.linalg.norm(expected)


def test_curvature_is_symmetric_and_positive() -> None:
    """Of conditioned data with an estimated source; refused for a common one."""
    f, x = prepared(("times", "band_pass"), SOURCES["shot"])
    synthetic = f._modelled(f.parameter_map.parameters(x))[0].synthetic
    c = f.experiments[0].comparison
    u, v = np.random.default_rng(3).standard_normal((2, *synthetic.shape))
    Hu, Hv = c.curvature(synthetic, u), c.curvature(synthetic, v)
    assert np.vdot(Hu, v) == pytest.approx(np.vdot(u, Hv), rel=1e-10)
    assert np.vdot(Hu, u) > 0
    f, x = prepared((), SOURCES["common"])
    with pytest.raises(ConfigError, match="estimate: shot"):
        f.experiments[0].comparison.curvature(synthetic, synthetic)


def test_products_with_the_second_derivative() -> None:
    """Of conditioned data against differences of gradients; with a source, those of a metric."""
    f, x = prepared(("band_pass", "times"))
    rng, h = np.random.default_rng(4), 1e-4
    u, v = (0.02 * x * w for w in rng.standard_normal((2, *x.shape)))
    expected = (f(x + h * v)[1] - f(x - h * v)[1]) / (2 * h)
    product = f.product(x, v, f.slopes(x))
    assert np.linalg.norm(product - expected) < 1e-5 * np.linalg.norm(expected)
    f, x = prepared(("band_pass", "times"), SOURCES["shot"])
    Hu, Hv = f.product(x, u), f.product(x, v)
    assert np.vdot(Hu, v) == pytest.approx(np.vdot(u, Hv), rel=1e-9)
    assert np.vdot(Hu, u) > 0


# --- experiments ----------------------------------------------------------------------------------


def records() -> Gathers:
    f, _ = objective("vp", precision="float32")
    first, second = f.experiments
    geometry = np.concatenate([first.source, second.source])
    data = np.stack([first.comparison.observed, second.comparison.observed])
    return Gathers(Acquisition(geometry, first.receivers), 0.004, data, first.wavelet[0])


def test_muted_traces_are_not_modelled() -> None:
    """Nor are shots of which nothing is left."""
    gathers = records()

    def near(record: Record) -> Preparation:
        farthest = 60.0 if record.shot == 0 else 0.5
        named = {"kind": "offsets", "farthest": farthest}
        return Preparer(SECTIONS.validate_python([named]), None)(record)

    shots = experiments(gathers, LeastSquares(), prepare=near)
    assert len(shots) == 1
    offsets = np.abs(shots[0].receivers[:, 0] - gathers.acquisition.sources[0, 0])
    assert offsets.max() < 60
    assert shots[0].comparison.observed.shape == (len(offsets), SAMPLES)
    with pytest.raises(DataError, match="mutes every trace of every shot"):
        experiments(
            gathers,
            LeastSquares(),
            prepare=Preparer(
                SECTIONS.validate_python([{"kind": "offsets", "nearest": 9000.0}]), None
            ),
        )


def test_source_without_data_is_refused() -> None:
    source = SourceSection(window=SECTIONS.validate_python([{"kind": "offsets", "farthest": 5.0}]))
    with pytest.raises(DataError, match="nothing of shot 0 is left to estimate its source from"):
        experiments(records(), LeastSquares(), prepare=Preparer([], source))


def test_end_of_the_record_needs_no_wave_from_after_it() -> None:
    """Where the filter looks ahead, what it cannot see is not compared."""
    record = Record(0, np.zeros(2), 0.004, np.ones((2, 101)))
    both = Preparer([], SourceSection(lags=[-0.1, 0.2]))(record)
    weights = both.conditioning.weights((2, 101))
    assert not weights[:, 75:].any()
    assert (weights[:, :51] == 1).all()
    assert both.source is not None
    np.testing.assert_array_equal(both.source.weights, weights)
    assert Preparer([], SourceSection(lags=[0.0, 0.2]))(record).conditioning.weights((2, 101)).all()
