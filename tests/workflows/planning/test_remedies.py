"""Positions outside the model: how many, by how much, and advice that works when it is typed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli.config.coordinates import CoordinatesSection
from fwicli.config.loader import load
from fwicli.errors import FwiError
from fwicli.survey.coordinates import Frame
from fwicli.survey.grid import Grid
from fwicli.workflows.assembly.frames import MapPositions
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.planning.remedies import remedies

REST = "wavelet: {kind: ricker, frequency: 9}\n"
FLAT = "model: {vp: 2000.0, shape: [121, 41], spacing: 10}\n"
SOLID = "model: {vp: 2000.0, shape: [61, 31, 21], spacing: 20}\n"
# Settings as a message has them in backquotes.
TYPED = re.compile(r"`((?:data|geometry)[\w.]+): (\{[^`]*\})`")


def survey(ndim: int) -> tuple[np.ndarray, np.ndarray]:
    """Sources and receivers inside the model, not at its middle, and not symmetric."""
    x = np.linspace(40, 1000, 13)
    sources = np.stack([x[::4], np.full(4, 20.0)], axis=1)
    receivers = np.stack([x, np.linspace(30, 60, 13)], axis=1)
    if ndim == 2:
        return sources, receivers
    across = (np.arange(13) % 5) * 90.0 + 30
    return (np.insert(sources, 1, 200.0, axis=1), np.insert(receivers, 1, across, axis=1))


def message(path: Path, settings: list[str]) -> str:
    """What the checks say of positions; empty where all are inside."""
    try:
        make_plan(load(path, settings=settings))
    except FwiError as error:
        lines = [line for line in str(error).splitlines() if "lie outside" in line]
        if not lines:
            raise
        return lines[0]
    return ""


def of_records(folder: Path, sources: np.ndarray, receivers: np.ndarray) -> Path:
    """A config of records at positions."""
    with h5py.File(folder / "shots.h5", "w") as file:
        file["data"] = np.random.default_rng(1).standard_normal((len(sources), len(receivers), 201))
        file["data"].attrs["dt"] = 0.004
        for name, positions in (("source", sources), ("receiver", receivers)):
            axes = "xz" if positions.shape[1] == 2 else "xyz"
            for axis, values in zip(axes, positions.T, strict=True):
                file[f"{name}_{axis}"] = values
    path = folder / "c.yaml"
    model = FLAT if sources.shape[1] == 2 else SOLID
    path.write_text(f"{model}{REST}data: {{file: shots.h5}}\n", encoding="utf-8")
    return path


def of_tables(folder: Path, sources: np.ndarray, receivers: np.ndarray, model: str) -> Path:
    """A config of tables of positions."""
    for name, positions in (("s", sources), ("r", receivers)):
        header = "x,z" if positions.shape[1] == 2 else "x,y,z"
        np.savetxt(folder / f"{name}.csv", positions, "%.6f", ",", header=header, comments="")
    path = folder / "c.yaml"
    section = "geometry: {sources: {file: s.csv}, receivers: {file: r.csv}}\n"
    time = "time: {interval: 0.004, duration: 0.8}\n"
    path.write_text(model + REST + time + section, encoding="utf-8")
    return path


def turned(positions: np.ndarray, azimuth: float) -> np.ndarray:
    """Positions on the map of a model that lies there with this azimuth."""
    return Frame((0.0, 0.0), azimuth).to_map(positions)


FAULTS: dict[str, Any] = {
    "sign of all": lambda s, r: (s * [1, -1], r * [1, -1]),
    "sign of receivers": lambda s, r: (s, r * [1, -1]),
    "sign of sources": lambda s, r: (s * [1, -1], r),
    "x and z exchanged": lambda s, r: (s[:, ::-1], r[:, ::-1]),
    "elevations on a hill": lambda s, r: (s - [0, 800], r - [0, 800]),
    "far away": lambda s, r: (np.add(s, [431200, 0]), np.add(r, [431200, 0])),
    "a little aside": lambda s, r: (np.add(s, [300, 0]), np.add(r, [300, 0])),
    "far away and of the other sign": lambda s, r: (
        np.add(s * [1, -1], [9e4, 0]),
        np.add(r * [1, -1], [9e4, 0]),
    ),
    "x and y exchanged": lambda s, r: (s[:, [1, 0, 2]], r[:, [1, 0, 2]]),
    "turned by a right angle": lambda s, r: (turned(s, 180), turned(r, 180)),
    "turned back": lambda s, r: (turned(s, 270), turned(r, 270)),
    "in UTM": lambda s, r: (
        np.add(turned(s, 37), [431200, 6478300, 0]),
        np.add(turned(r, 37), [431200, 6478300, 0]),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_advice_on_records_works(fault: str, tmp_path: Path) -> None:
    """Each planted fault is out; the settings in the message, as typed, bring all in."""
    ndim = 3 if any(word in fault for word in ("y", "turned", "UTM")) and "z" not in fault else 2
    if fault.startswith(("elevations", "far")):
        ndim = 2
    path = of_records(tmp_path, *FAULTS[fault](*survey(ndim)))
    text = message(path, [])
    assert "all lie in it with" in text, text
    for remedy in text.partition("all lie in it ")[2].split("; or "):
        typed = TYPED.findall(remedy)
        assert typed, text
        assert message(path, [f"{key}={value}" for key, value in typed]) == ""


@pytest.mark.parametrize("fault", ["elevations on a hill", "far away", "a little aside", "in UTM"])
def test_advice_on_tables_works(fault: str, tmp_path: Path) -> None:
    ndim = 3 if fault == "in UTM" else 2
    model = FLAT if ndim == 2 else SOLID
    path = of_tables(tmp_path, *FAULTS[fault](*survey(ndim)), model)
    text = message(path, [])
    for remedy in text.partition("all lie in it ")[2].split("; or "):
        typed = TYPED.findall(remedy)
        assert typed, text
        assert message(path, [f"{key}={value}" for key, value in typed]) == ""


def test_advice_on_positions_of_records_works(tmp_path: Path) -> None:
    """Where a geometry is that of records in a file."""
    path = of_records(tmp_path, *FAULTS["sign of receivers"](*survey(2)))
    time = "time: {interval: 0.004, duration: 0.8}\n"
    section = "geometry: {records: {file: shots.h5}}\n"
    path.write_text(FLAT + REST + time + section, encoding="utf-8")
    ((key, value), *_) = TYPED.findall(message(path, []))
    assert (key, value) == ("geometry.records.receiver_axes", "{z: -z}")
    assert message(path, [f"{key}={value}"]) == ""


def test_elevations_in_a_column_of_depths(tmp_path: Path) -> None:
    """What the message says of the columns of tables brings them in."""
    path = of_tables(tmp_path, *FAULTS["sign of all"](*survey(2)), FLAT)
    assert "`columns: {elevation: NAME}`" in message(path, [])
    settings = [f"geometry.{name}.columns={{elevation: z}}" for name in ("sources", "receivers")]
    assert message(path, settings) == ""


def test_columns_that_are_exchanged(tmp_path: Path) -> None:
    path = of_tables(tmp_path, *FAULTS["x and y exchanged"](*survey(3)), SOLID)
    assert "`columns: {x: NAME, y: NAME}`" in message(path, [])
    settings = [f"geometry.{name}.columns={{x: y, y: x}}" for name in ("sources", "receivers")]
    assert message(path, settings) == ""


@pytest.mark.parametrize("azimuth", [53.0, -37.0, 217.0])
def test_an_azimuth_of_another_convention(azimuth: float, tmp_path: Path) -> None:
    """From east in place of north, counted backwards, and of the other direction."""
    sources, receivers = (np.add(turned(p, 37), [4e5, 6e6, 0]) for p in survey(3))
    path = of_tables(tmp_path, sources, receivers, SOLID)
    own = f"geometry.coordinates={{origin: [400000, 6000000], azimuth: {azimuth}}}"
    text = message(path, [own])
    assert "with an x axis of azimuth 37 degrees" in text
    (first, *_) = TYPED.findall(text)
    assert message(path, [f"{first[0]}={first[1]}"]) == ""


def test_how_many_and_by_how_much(tmp_path: Path) -> None:
    sources, receivers = survey(2)
    receivers[3:5, 0] += [0.0, 5000.0]
    receivers[6, 1] = -25.0
    text = message(of_records(tmp_path, sources, receivers), [])
    assert "2 of 13 receivers lie outside the model, the first, number 4, at (5360," in text
    assert "the farthest by 4160 m in x; the model has x from 0 to 1200, z from 0 to 400 m" in text
    assert "all lie in it" not in text  # nothing brings them in
    assert "move them, or check units" in text


def test_records_of_a_crooked_line(tmp_path: Path) -> None:
    """In 2D they are refused with what to type, which projects them and says how far they were."""
    sources, receivers = (turned(p, 37) + np.array([4e5, 6e6, 0.0]) for p in survey(3))
    path = of_records(tmp_path, sources, receivers)
    path.write_text(path.read_text(encoding="utf-8").replace(SOLID, FLAT), encoding="utf-8")
    with pytest.raises(FwiError, match=r"`coordinates: \{fit: line\}`"):
        make_plan(load(path))
    plan = make_plan(load(path, settings=["data.coordinates={fit: line, datum: 5}"]))
    assert plan.acquisition.ndim == 2
    assert plan.acquisition.sources[:, 1].tolist() == [25.0] * 4
    assert plan.gathers is not None
    assert plan.gathers.acquisition.ndim == 2
    assert any("projected on the line of x: the farthest, receiver" in n for n in plan.notes)


def test_which_receiver_of_which_shot(tmp_path: Path) -> None:
    """Where shots have their own."""
    sources, receivers = survey(2)
    receivers[12, 0] = 1300.0
    path = of_tables(tmp_path, sources, receivers, FLAT)
    text = message(path, ["geometry.receivers.offsets=[0, 700]"])
    assert (
        "2 of 43 receivers lie outside the model, the first, number 12 of shot 2, at (1300," in text
    )


def test_a_survey_that_is_too_large_gets_no_advice() -> None:
    grid = Grid((11, 11), (10.0, 10.0), (0.0, 0.0))
    points = np.array([[0.0, 5.0], [150.0, 5.0]])
    assert remedies(grid, MapPositions(None, points, points)) == []
    inside = MapPositions(CoordinatesSection(datum=-50.0), points / 2, points / 2)
    (advice, *_) = remedies(grid, inside)
    assert "`geometry.coordinates: {" in advice


def test_axes_that_are_settled_are_left_alone() -> None:
    grid = Grid((11, 11), (10.0, 10.0), (0.0, 0.0))
    points = np.array([[0.0, -5.0], [50.0, -5.0]])
    texts = remedies(grid, MapPositions(None, points, points, "data", settled=True))
    assert texts
    assert not any("axes" in text for text in texts)
