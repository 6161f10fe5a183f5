"""A diagnosis finds what was done to the data, and says what to do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fwicli.inversion.comparison import Comparison
from fwicli.inversion.misfits.registry import MISFITS
from fwicli.inversion.quality.diagnosis import (
    ArrivalComparison,
    Diagnosis,
    ZeroGradient,
    compare,
    stacked,
)
from fwicli.inversion.source_estimation import SourceFit
from fwicli.survey.signals.wavelets import ricker, times
from tests.inversion.test_objective import objective

INTERVAL, FREQUENCY, SAMPLES = 0.004, 8.0, 400


def shots(cycles: float = 0.0, scale: float = 1.0) -> list[np.ndarray]:
    """Two gathers of ten traces, their arrivals later by some cycles."""
    t = times(INTERVAL, SAMPLES)
    slow = 0.3 + 0.02 * np.arange(10)
    traces = [scale * ricker(t, FREQUENCY, s + cycles / FREQUENCY) for s in slow]
    return [np.stack(traces), 0.5 * np.stack(traces)]


def diagnosis(observed: list[np.ndarray]) -> Diagnosis:
    comparisons = [
        compare(s, d, INTERVAL, FREQUENCY) for s, d in zip(shots(), observed, strict=True)
    ]
    return Diagnosis(stacked(comparisons), FREQUENCY)


def test_the_same_records_are_in_order() -> None:
    result = diagnosis(shots())
    assert result.warnings() == []
    numbers = result.numbers()
    assert numbers["amplitude_ratio"] == pytest.approx(1, rel=1e-12)
    assert numbers["late_cycles"] == pytest.approx(0, abs=1e-4)
    assert numbers["skipped_share"] == numbers["reversed_share"] == 0
    assert numbers["picked_share"] == 1


def test_amplitudes_are_told() -> None:
    result = diagnosis(shots(scale=20.0))
    assert result.numbers()["amplitude_ratio"] == pytest.approx(0.05, rel=1e-12)
    (said,) = result.warnings()
    assert "0.05 times the observed" in said
    assert "by 20," in said
    assert result.warnings(compares_amplitudes=False) == []


def test_polarity_is_told() -> None:
    """And is not taken for half a cycle."""
    result = diagnosis([-s for s in shots()])
    assert result.numbers()["reversed_share"] == 1
    assert result.numbers()["skipped_share"] == 0
    (said,) = result.warnings()
    assert "100% of the first arrivals have the opposite polarity" in said


@pytest.mark.parametrize(("cycles", "word"), [(0.8, "fast"), (-1.4, "slow")])
def test_skipped_cycles_are_told(cycles: float, word: str) -> None:
    """With their share, and which way the model is wrong."""
    observed = [shots(cycles)[0], shots()[1]]
    result = diagnosis(observed)
    numbers = result.numbers()
    assert numbers["skipped_share"] == pytest.approx(0.5)
    assert result.traces.cycles[0] == pytest.approx(cycles, abs=0.02)
    (said,) = result.warnings()
    assert "50% of the first arrivals" in said
    assert f"the model is too {word}" in said


def test_less_than_half_a_cycle_is_no_warning() -> None:
    result = diagnosis(shots(0.4))
    assert result.warnings() == []
    assert "0.40 cycles later at 8 Hz" in result.summary()


def test_dead_traces_do_not_count() -> None:
    observed = shots(scale=2.0)
    observed[0][:6] = 0
    observed[1][3] = 0
    result = diagnosis(observed)
    assert np.isnan(result.traces.amplitude).sum() == 7
    assert result.numbers()["amplitude_ratio"] == pytest.approx(0.5)
    assert result.numbers()["picked_share"] == 1
    assert diagnosis([0 * s for s in observed]).numbers() == {}
    assert diagnosis([0 * s for s in observed]).summary() == "no trace has data"


def test_noise_is_not_compared() -> None:
    """Arrivals that are unlike each other tell no cycles."""
    random = np.random.default_rng(0)
    result = diagnosis([random.standard_normal(s.shape) for s in shots()])
    assert result.numbers()["picked_share"] < 0.2
    assert np.isfinite(result.numbers()["amplitude_ratio"])


def test_shots_may_differ_in_traces() -> None:
    parts = [ArrivalComparison(*np.ones((4, n))) for n in (4, 2)]
    cycles = stacked(parts).cycles
    np.testing.assert_array_equal(cycles, [[1, 1, 1, 1], [1, 1, np.nan, np.nan]])


def test_silence_is_explained_at_its_first_station() -> None:
    """Each stage, from the data to the fixed points, has its own message."""
    heard = ZeroGradient(1.0, 1.0, 1.0, 1.0, 1.0, 0.5)
    stations = {
        "observed": "data.traces",
        "wavelet": "`wavelet`",
        "synthetic": "free surface",
        "adjoint": "mutes",
        "gradient": "adjoint waves",
        "free": "no part of the model",
    }
    said = set()
    for station, word in stations.items():
        text = replace(heard, **{station: 0.0}).causes()
        assert word in text
        said.add(text)
    assert "sign of depths" in heard.causes()
    assert len(said | {heard.causes()}) == 7
    names = list(stations)
    assert (
        replace(heard, **dict.fromkeys(names[1:], 0.0)).causes()
        == replace(heard, wavelet=0.0).causes()
    )


@pytest.mark.parametrize(
    ("misfit", "expected"),
    [("least_squares", True), ("correlation", False), ("trace_normalized", False), ("huber", True)],
)
def test_misfits_tell_whether_amplitudes_count(misfit: str, expected: bool) -> None:
    """As they are, not as they are listed; an estimated source takes amplitudes up."""
    observed = shots()[0]
    compared = Comparison(observed, INTERVAL, MISFITS[misfit]())
    assert compared.depends_on_amplitude is expected
    assert not replace(compared, source=SourceFit((0.0, 0.0))).depends_on_amplitude


@pytest.mark.parametrize("common", [False, True])
def test_what_is_diagnosed_has_its_source_estimated(common: bool) -> None:
    """A wavelet of the opposite sign, half as large, is no matter where it is estimated."""
    f, x = objective("vp")
    fit = SourceFit((-0.02, 0.02), common=common)
    f.experiments = [
        replace(e, wavelet=-0.5 * e.wavelet, comparison=replace(e.comparison, source=fit))
        for e in f.experiments
    ]
    f.diagnosed = 15.0
    f(x)
    numbers = Diagnosis(stacked(f.traces), 15.0).numbers()
    assert numbers["reversed_share"] < 0.3
    assert 0.7 < numbers["amplitude_ratio"] < 1.3
