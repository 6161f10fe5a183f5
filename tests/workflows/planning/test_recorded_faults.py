"""Faults that records show by themselves, in surveys with more shots than are looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.components import Component
from fwicli.survey.gathers import Gathers
from fwicli.survey.signals.wavelets import ricker, times
from fwicli.workflows.assembly import survey
from fwicli.workflows.planning import recorded_faults
from fwicli.workflows.planning.problems import Problems

SHOTS, INTERVAL, SAMPLES = 60, 0.004, 150
CONFIG = """\
model: {vp: 2000, shape: [101, 11], spacing: 10}
data: {file: shots.h5}
imaging: {}
"""


def records(**amplitudes: float) -> Gathers:
    """Direct waves below noise of 1 %; some shots, as `shot7`, have other waves or none."""
    rng = np.random.default_rng(0)
    receivers = np.stack([np.linspace(100, 800, 8), np.full(8, 20.0)], axis=-1)
    t = times(INTERVAL, SAMPLES)
    wave = ricker(t, 12.0)
    gather = np.stack([np.interp(t - x / 2000, t, wave, left=0.0) for x in receivers[:, 0]])
    data = np.tile(gather, (SHOTS, 1, 1))
    for name, amplitude in amplitudes.items():
        data[int(name.removeprefix("shot"))] *= amplitude
    data += 0.01 * rng.standard_normal(data.shape)
    sources = np.stack([np.zeros(SHOTS), np.full(SHOTS, 20.0)], axis=-1)
    return Gathers(Acquisition(sources, receivers), INTERVAL, data).with_silence()


@pytest.mark.parametrize(
    ("weak", "expected"),
    [
        ({"shot7": 0.0, "shot33": 0.0}, [7, 33]),
        ({"shot7": 0.0, "shot33": 0.3}, [7]),  # weaker, but with first arrivals
        ({f"shot{n}": 0.3 for n in range(1, 40)}, None),
        ({f"shot{n}": 0.0 for n in range(1, 20)}, list(range(1, 20))),
        ({}, None),
    ],
)
def test_dead_shots_are_named_wherever_they_are(
    weak: dict[str, float],
    expected: list[int] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Few shots are looked at closely; amplitudes are compared of all of them."""
    monkeypatch.setattr(recorded_faults, "COMPARED", 20)
    (tmp_path / "rtm.yaml").write_text(CONFIG)
    loaded = load(tmp_path / "rtm.yaml")
    problems = Problems(loaded)
    recorded_faults.check(problems, loaded.config, None, records(**weak), None)
    named = [f.fault for f in problems.faults if f.fault.kind == "dead_shot"]
    assert [fault.numbers["shots"] for fault in named] == ([expected] if expected else [])
    assert all(f"of {SHOTS} shots)" in fault.text for fault in named)


LAND = """\
model: {vp: 1200, vs: %s, rho: 1900, shape: [101, 31], spacing: 10}
physics: {equation: elastic, free_surface: %s}
data: {file: shots.h5}
inversion: {invert_for: {vs: [150, 700]}, stages: [{band: [0, 5]}]}
"""


@pytest.mark.parametrize(
    ("vs", "free", "kinds"),
    [(300, "true", []), (300, "false", ["sampling"]), (0, "true", ["sampling"])],
)
def test_surface_waves_are_waves_of_the_model(
    vs: float, free: str, kinds: list[str], tmp_path: Path
) -> None:
    """They stand out first where noise hides P waves; without a surface nothing is so slow."""
    places = np.stack([np.linspace(50, 800, 40), np.zeros(40)], axis=-1)
    t = times(INTERVAL, 4 * SAMPLES)
    wave = ricker(t, 8.0)
    gather = np.stack([np.interp(t - x / 280, t, wave, left=0.0) for x in places[:, 0]])
    data = gather + 0.02 * np.random.default_rng(0).standard_normal((2, *gather.shape))
    geometry = Acquisition(
        np.zeros((2, 2)), places, [Component.named("vz")] * 40, Component.named("fz")
    )
    (tmp_path / "invert.yaml").write_text(LAND % (vs, free))
    loaded = load(tmp_path / "invert.yaml")
    model = survey.earth_model(loaded.config.model)
    problems = Problems(loaded)
    gathers = Gathers(geometry, INTERVAL, data).with_silence()
    recorded_faults.check(problems, loaded.config, model, gathers, ricker(t, 7.0))
    assert [f.fault.kind for f in problems.faults] == kinds


SOLID = """\
model: {vp: 2000, vs: 1000, rho: 2000, shape: [101, 31], spacing: 10}
physics: {equation: elastic}
data: {file: shots.h5}
inversion: {invert_for: {vs: [150, 1200]}, stages: [{band: [0, 5]}]}
"""


@pytest.mark.parametrize(("band", "kinds"), [(8.0, []), (3.0, ["wavelet_band"])])
def test_stress_at_the_source_says_nothing_on_the_wavelet(
    band: float, kinds: list[str], tmp_path: Path
) -> None:
    """In a solid it is static, and a hundred times that of waves; other traces have the band."""
    places = np.stack([np.linspace(50, 850, 41), np.full(41, 20.0)], axis=-1)
    t = times(INTERVAL, 4 * SAMPLES)
    wave = ricker(t, band)
    gather = np.stack([np.interp(t - x / 2000, t, wave, left=0.0) for x in places[:, 0] - 50])
    static = np.cumsum(np.cumsum(wave))
    gather[0] = 100 * static / np.abs(static).max()
    geometry = Acquisition(np.tile(places[:1], (2, 1)), places)
    (tmp_path / "invert.yaml").write_text(SOLID)
    loaded = load(tmp_path / "invert.yaml")
    model = survey.earth_model(loaded.config.model)
    problems = Problems(loaded)
    gathers = Gathers(geometry, INTERVAL, np.tile(gather, (2, 1, 1))).with_silence()
    recorded_faults.check(problems, loaded.config, model, gathers, ricker(t, 8.0))
    assert [f.fault.kind for f in problems.faults] == kinds
