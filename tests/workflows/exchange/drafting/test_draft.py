"""Configs that records fill in: they pass the check as soon as the model is there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.config.problems import ProblemsError
from fwicli.config.records import read_section
from fwicli.errors import DataError
from fwicli.segy.records import write_gathers
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.components import Component
from fwicli.survey.gathers import Gathers
from fwicli.survey.signals.wavelets import ricker
from fwicli.workflows.exchange.drafting.bands import SignalBand
from fwicli.workflows.exchange.drafting.draft import draft
from fwicli.workflows.planning.plan import make_plan
from tests.cli.test_commands import fwi

INTERVAL, SAMPLES = 0.004, 400
FREQUENCY = 12.0


def survey(
    shots: int = 3, azimuth: float = 90.0, depth: float = 8.0, wide: bool = False
) -> Gathers:
    """Direct waves of towed streamers of different lengths, along a line of some azimuth."""
    along = np.array([np.sin(np.deg2rad(azimuth)), np.cos(np.deg2rad(azimuth)), 0.0])
    across = np.array([along[1], -along[0], 0.0])
    origin, t = np.array([431_000.0, 6_782_000.0, depth]), INTERVAL * np.arange(SAMPLES)
    sources, receivers, data = [], [], []
    for shot in range(shots):
        sideways = 400.0 * shot * across if wide else 3.0 * (-1) ** shot * across
        source = origin + 50.0 * shot * along + sideways
        offsets = 100.0 + 25.0 * np.arange(20 + 2 * shot)
        sources.append(source)
        receivers.append(source - offsets[:, None] * along)
        times = t - offsets[:, None] / 1500.0
        data.append(np.stack([ricker(row - 0.2, FREQUENCY, 0.0) for row in times]))
    return Gathers(
        Acquisition(np.stack(sources), receivers), INTERVAL, [d.astype(np.float32) for d in data]
    )


def drafted(folder: Path, records: Gathers, kind: str = "invert", *settings: str) -> Path:
    """A config of a SEG-Y file of these records, with the model that its command writes."""
    write_gathers(folder / "line.sgy", records)
    section, keys = read_section([folder / "line.sgy"], settings)
    path = folder / f"{kind}.yaml"
    path.write_text(draft(kind, section, keys, path).text)
    answer(path)
    return path


def answer(path: Path) -> None:
    """Run the command that the config shows."""
    command = re.search(r'python (-c "[^"]*")', path.read_text())
    assert command is not None
    words = shlex.split(command[1].replace("\n  #   ", "\n"))
    subprocess.run([sys.executable, *words], cwd=path.parent, check=True)


@pytest.mark.parametrize("kind", ["invert", "rtm"])
@pytest.mark.parametrize("azimuth", [90.0, 37.5, 251.0])
def test_a_crooked_line_needs_the_model_alone(tmp_path: Path, kind: str, azimuth: float) -> None:
    path = drafted(tmp_path, survey(azimuth=azimuth), kind)
    loaded = load(path)
    assert loaded.kind == kind
    assert loaded.config.data.coordinates.fit == "line"
    plan = make_plan(loaded)
    assert plan.model.grid.ndim == 2
    assert plan.acquisition.counts.tolist() == [20, 22, 24]


def test_geophones_choose_an_equation_that_has_them(tmp_path: Path) -> None:
    """Its first is that of fluids, whose density it asks for; solids are a question."""
    records = survey()
    vz = Component.named("vz")
    acquisition = replace(records.acquisition, recorded=vz)
    path = drafted(tmp_path, replace(records, acquisition=acquisition))
    assert "physics.equation: are the sensors on or in rock?" in path.read_text()
    plan = make_plan(load(path))
    assert plan.stages[0].equation == "velocity_pressure"
    assert plan.model.properties["rho"].min() == 2000
    assert set(plan.acquisition.components[0]) == {vz}


def test_a_wide_survey_needs_three_dimensions(tmp_path: Path) -> None:
    path = drafted(tmp_path, survey(wide=True), "rtm")
    config = load(path).config
    assert config.data.coordinates is None
    assert len(np.load(tmp_path / "rtm_start.npy").shape) == 3
    low, high = (np.array(config.model.origin), survey(wide=True).acquisition.sources)
    assert (low[:2] < high.min(axis=0)[:2]).all()


def test_band_is_that_of_the_wavelet() -> None:
    """The strongest frequency, and the edges at a fifth of it, of every trace alike."""
    band = SignalBand.of(survey())
    frequencies = np.linspace(0, 60, 6001)
    shape = frequencies**2 * np.exp(-((frequencies / FREQUENCY) ** 2))
    loud = frequencies[shape >= 0.2 * shape.max()]
    step = 1.5 / (INTERVAL * SAMPLES)
    assert band.peak == pytest.approx(FREQUENCY, abs=step)
    assert band.low == pytest.approx(loud[0], abs=step)
    assert band.high == pytest.approx(loud[-1], abs=step)


def test_stages_rise_to_what_the_records_hold() -> None:
    for low, high in ((1.0, 60.0), (7.5, 57.0), (2.0, 4.0), (20.0, 25.0)):
        edges = SignalBand(low, (low + high) / 2, high).stages()
        assert 1 <= len(edges) <= 3
        assert list(edges) == sorted(set(edges))
        assert edges[0] >= low
        assert edges[-1] <= max(high, 1.6 * low, 3.0)


def test_silent_records_have_no_band() -> None:
    records = survey()
    silent = Gathers(records.acquisition, INTERVAL, [0 * np.asarray(d) for d in records.data])
    with pytest.raises(DataError, match="are silent"):
        SignalBand.of(silent.with_silence())


def test_depths_that_are_elevations_are_asked(tmp_path: Path) -> None:
    """Positions above the model are no guess: the question names both ways out, and they work."""
    write_gathers(tmp_path / "line.sgy", survey(depth=-30.0))
    section, keys = read_section([tmp_path / "line.sgy"], [])
    path = tmp_path / "invert.yaml"
    made = draft("invert", section, keys, path)
    question = next(q for q in made.questions if "above z = 0" in q)
    assert "axes: {z: -z}" in question
    assert "datum: 30" in question
    section, keys = read_section([tmp_path / "line.sgy"], ["data.axes={z: -z}"])
    made = draft("invert", section, keys, path)
    assert "z 30 m" in made.facts["sources"]
    assert not [q for q in made.questions if "above z = 0" in q]
    assert 'axes: {"z": "-z"}' in made.text


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("data.preset=barge", "preset"),
        ("model.spacing=10", "`data` alone"),
        ("data.byte={}", "byte"),
        ("data.group", "KEY=VALUE"),
    ],
)
def test_wrong_settings_are_explained(tmp_path: Path, setting: str, message: str) -> None:
    write_gathers(tmp_path / "line.sgy", survey())
    with pytest.raises(ProblemsError, match=message):
        read_section([tmp_path / "line.sgy"], [setting])


def test_the_command_tells_facts_and_questions(tmp_path: Path) -> None:
    write_gathers(tmp_path / "line.sgy", survey())
    run = fwi("init", "invert", "--from", "line.sgy", "my.yaml", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "20 to 24" in run.stderr
    assert "QUESTION 1: model.vp" in run.stderr
    text = (tmp_path / "my.yaml").read_text()
    for number in range(1, 1 + run.stderr.count("QUESTION")):
        assert f"# {number}. " in text
    assert fwi("init", "model", "--from", "line.sgy", cwd=tmp_path).returncode == 2
    assert fwi("init", "rtm", "--set", "data.preset=su", cwd=tmp_path).returncode == 2
    missing = fwi("init", "rtm", "--from", "other.sgy", cwd=tmp_path)
    assert missing.returncode == 2
    assert "other.sgy" in missing.stderr


@pytest.mark.parametrize(
    "setting",
    [
        "{fit: line, datum: 0, shift: [500, 0]}",
        "{azimuth: 37.5, origin: [431000, 6782000]}",
        "{azimuth: 217.5, origin: [431000, 6782000]}",
        "{fit: line, datum: 30}",
    ],
)
def test_stated_coordinates_are_those_of_the_model(tmp_path: Path, setting: str) -> None:
    """The extent is that of positions on the stated axes: the config passes the check."""
    path = drafted(tmp_path, survey(azimuth=37.5), "rtm", f"data.coordinates={setting}")
    plan = make_plan(load(path))
    grid = plan.model.grid
    least = np.concatenate([plan.acquisition.sources, plan.acquisition.all_receivers()]).min(axis=0)
    assert grid.ndim == 2
    assert 0 <= least[0] - grid.origin[0] <= 21 * grid.spacing[0]
    assert least[1] == pytest.approx(8.0 + (30.0 if "30" in setting else 0.0))


def test_wide_surveys_keep_stated_axes(tmp_path: Path) -> None:
    records = survey(wide=True)
    setting = "data.coordinates={azimuth: 90, origin: [431000, 6782000]}"
    path = drafted(tmp_path, records, "rtm", setting)
    x, y, _ = load(path).config.model.origin
    assert -2000 < x < 0
    assert -2000 < y < 0
