"""What a message says to type works when it is typed in."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from fwicli.config.loader import ConfigProblem, Loaded, ProblemsError, load
from fwicli.config.schema import KINDS
from fwicli.workflows.planning.plan import Plan, make_plan

MODEL = """\
model: {vp: 2000.0, shape: [61, 41], spacing: 10}
geometry:
  sources: {x: [100, 300, 500], z: 20}
  receivers: {x: {start: 0, stop: 600, step: 40}, z: 30}
wavelet: {kind: ricker, frequency: 10}
time: {interval: 0.004, duration: 0.6}
execution: {workers: 1}
"""
OBSERVED = """\
model: {vp: {file: start.npy}, spacing: 10}
data: {file: shots.h5}
execution: {workers: 1}
"""
CONFIGS = {
    "model": MODEL,
    "invert": OBSERVED + "inversion: {bounds: [1400, 3000], stages: [{band: [0, 12]}]}\n",
    "rtm": OBSERVED + "imaging: {condition: correlation}\n",
}
# An assignment that a message gives, as `key: value`.
ASSIGNMENT = re.compile(r"`([a-z_.0-9]+): ([^`]+)`")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Configs of the three commands, and records of direct waves."""
    place = tmp_path_factory.mktemp("advice")
    for kind, text in CONFIGS.items():
        (place / f"{kind}.yaml").write_text(text, encoding="utf-8")
    z = 10.0 * np.arange(41)
    np.save(place / "start.npy", np.broadcast_to(1500 + 1.5 * z, (61, 41)).astype(np.float32))
    np.save(place / "water.npy", np.full((61, 41), 1500, dtype=np.float32))
    t, x = 0.004 * np.arange(151), 40.0 * np.arange(16)
    sources = np.array([100.0, 300.0, 500.0])
    delays = np.abs(x - sources[:, None])[..., None] / 1600

    def ricker(times: np.ndarray) -> np.ndarray:
        a = (np.pi * 10 * (times - 0.15)) ** 2
        return np.asarray((1 - 2 * a) * np.exp(-a))

    with h5py.File(place / "shots.h5", "w") as file:
        file["data"] = ricker(t - delays).astype(np.float32)
        file["source_x"], file["source_z"] = sources, np.full(3, 20.0)
        file["receiver_x"], file["receiver_z"] = x, np.full(16, 30.0)
        file["wavelet"] = ricker(t)
        file.attrs["dt"] = 0.004
    return place


def planned(folder: Path, kind: str, *settings: str) -> Plan:
    """The plan of a config, with files of its folder."""
    named = [s.replace("FOLDER", str(folder)) for s in settings]
    loaded: Loaded = load(folder / f"{kind}.yaml", kind, named)
    return make_plan(loaded)


def problem(folder: Path, kind: str, *settings: str) -> ConfigProblem:
    """The one problem of a config."""
    with pytest.raises(ProblemsError) as caught:
        planned(folder, kind, *settings)
    (one,) = caught.value.problems
    return one


def ways(one: ConfigProblem) -> Iterator[list[str]]:
    """Settings that a message advises, each way by itself; some need two settings."""
    _, _, advice = one.message.rpartition("; ")
    for way in re.split(r", or (?=`|a |nothing |set )| or (?=`)", advice):
        settings = []
        for key, value in ASSIGNMENT.findall(way):
            section = [] if key.split(".")[0] in SECTIONS else [str(k) for k in one.key]
            settings.append(f"{'.'.join([*section, key])}={value}")
        if settings:
            yield settings


SECTIONS = {name for schema in KINDS.values() for name in schema.model_fields}

# Broken settings of a command, what the message must say, and how many ways out it has.
BROKEN = [
    ("model", ["wavelet.frequency=45"], "points per wavelength at", 3),
    ("model", ["wavelet.frequency=30.5"], "points per wavelength at", 3),
    ("model", ["model.spacing=30", "model.shape=[21, 14]"], "points per wavelength", 3),
    ("model", ["physics.order=4", "wavelet.frequency=20"], "order 4 needs", 3),
    ("model", ["physics.substeps=1"], "is unstable", 1),
    ("model", ["physics.substeps=1", "model.vp=2110"], "is unstable", 1),
    ("model", ["model.smooth={length: 700}"], "longest side of the model", 0),
    (
        "model",
        ["physics.absorbing.sides=[left, right, bottom, top]", "physics.free_surface=true"],
        "exclude",
        1,
    ),
    ("model", ["physics.history={keep: stored, bits: 8}"], "`bits` is not for", 1),
    ("model", ["model.vp=2.1"], "no rock or water is so slow", 1),
    (
        "model",
        ["physics.free_surface=true", "geometry.sources.z=0"],
        "where the pressure is zero: they send nothing",
        1,
    ),
    ("rtm", ["imaging.band=[200, 240]"], "no energy from 200 to 240 Hz", 1),
    ("rtm", ["imaging.mute=500.0"], "leaves out all of the image", 1),
    ("rtm", ["model.vp=FOLDER/water.npy", "imaging.mute=water"], "`mute: water` leaves out", 1),
    (
        "rtm",
        ["imaging.spacing=17", "physics.absorbing.sides=[left, right, top]"],
        "moves the end of the model along z",
        1,
    ),
    ("rtm", ["imaging.spacing=9.9999"], "a spacing of 9.9999 m is finer", 1),
    ("rtm", ["imaging.spacing=150"], "fewer than 5 points", 1),
    ("rtm", ["physics.grid=150"], "fewer than 5 points", 1),
    ("rtm", ["physics.history={keep: fourier, frequencies: [90]}"], "no waves at 90 Hz", 1),
    ("invert", ["inversion.stages.0.band=[200, 240]"], "no energy from 200 to 240 Hz", 1),
    (
        "invert",
        ["inversion.conditioning=[{kind: band_pass, band: [200, 240]}]"],
        "a filter from 200 to 240 Hz leaves nothing of the wavelet",
        1,
    ),
    ("invert", ["inversion.stages.0.spacing=2"], "a spacing of 2 m is finer", 1),
    ("invert", ["inversion.stages.0.spacing=120"], "fewer than 5 points", 1),
    ("invert", ["inversion.stages.0.spacing=100"], "points per wavelength", 2),
    ("invert", ["inversion.bounds=[1600, 2000]"], "outside the bounds 1600 to 2000", 1),
    ("invert", ["inversion.bounds=[1.4, 3.0]"], "are they in km/s", 1),
    (
        "invert",
        ["inversion.bounds=null", "inversion.invert_for={vp: [1.4, 3.0]}"],
        "are they in km/s",
        1,
    ),
    ("invert", ["inversion.bounds=[1515.00001, 3000]"], "outside the bounds", 1),
    (
        "invert",
        ["inversion.bounds=null", "inversion.invert_for={vp: [1600, 2000]}"],
        "outside the bounds",
        1,
    ),
    ("invert", ["model.vp=FOLDER/water.npy"], "`fixed: water` keeps", 1),
    ("invert", ["inversion.fixed=10000"], "all of the model is fixed", 1),
    ("invert", ["inversion.shots={encode: {}}", "inversion.misfit=huber"], "by `least_squares`", 1),
    ("invert", ["inversion.shots={encode: {}}", "physics.aperture=auto"], "whole model", 1),
    (
        "invert",
        ["inversion.constraints=[{kind: slopes, low: 0}]", "inversion.optimizer={method: newton}"],
        "keeps bounds alone",
        1,
    ),
]


@pytest.mark.parametrize(
    ("kind", "settings", "message", "count"), BROKEN, ids=[" ".join(b[1])[:50] for b in BROKEN]
)
def test_advice_works(
    folder: Path, kind: str, settings: list[str], message: str, count: int
) -> None:
    one = problem(folder, kind, *settings)
    assert message in one.message
    advised = list(ways(one))
    assert len(advised) >= count, one.message
    for way in advised:
        planned(folder, kind, *settings, *way)


def test_configs_have_no_problem(folder: Path) -> None:
    for kind in CONFIGS:
        assert planned(folder, kind).kind == kind


# Numbers that a message advises in its text, and the key that they are for.
FINE = ["model.spacing=4", "model.shape=[151, 101]"]
NUMBERS = [
    (
        "model",
        [*FINE, "wavelet.frequency=60"],
        r"sample every ([\d.e-]+) s or finer",
        "time.interval",
    ),
    ("model", ["wavelet.frequency=2"], r"make the record \D*([\d.e-]+) s", "time.duration"),
    ("model", ["wavelet.frequency=0.9"], r"make the record \D*([\d.e-]+) s", "time.duration"),
    ("model", ["wavelet.delay=0.01"], r"make it ([\d.]+) s", "wavelet.delay"),
    ("model", ["wavelet.delay=0.601"], r"make the record \D*([\d.e-]+) s", "time.duration"),
    ("model", ["wavelet.delay=150"], r"in ms\? Then write ([\d.]+);", "wavelet.delay"),
    ("model", ["wavelet.frequency=0.01"], r"in kHz\? Then write ([\d.]+);", "wavelet.frequency"),
    ("model", ["time.interval=4"], r"in ms\? Then write ([\d.]+);", "time.interval"),
    ("model", ["model.smooth={length: 700}"], r"`length` of ([\d.]+) m", "model.smooth.length"),
    ("rtm", ["data.duration=0.7"], r"to ([\d.]+) s", "data.duration"),
]


@pytest.mark.parametrize(
    ("kind", "settings", "number", "key"), NUMBERS, ids=[" ".join(n[1])[:50] for n in NUMBERS]
)
def test_numbers_in_messages_work(
    folder: Path, kind: str, settings: list[str], number: str, key: str
) -> None:
    one = problem(folder, kind, *settings)
    match = re.search(number, one.message)
    assert match is not None, one.message
    planned(folder, kind, *settings, f"{key}={match[1]}")


# What is saved in place of a velocity, and the cause that must be named.
MISTAKEN = {
    "km/s": (lambda v: v / 1000, "is it in km/s?"),
    "slowness": (lambda v: 1 / v, "is it the slowness, in s/m?"),
    "squared slowness": (lambda v: v**-2.0, "is it the squared slowness, in s2/m2?"),
    "a hundredth of km/s": (lambda v: v / 1e5, "give the velocity, in m/s"),
}


@pytest.mark.parametrize("mistake", MISTAKEN)
def test_other_quantities_than_velocity_are_named(folder: Path, mistake: str) -> None:
    change, cause = MISTAKEN[mistake]
    np.save(folder / "mistaken.npy", change(np.load(folder / "start.npy").astype(np.float64)))
    one = problem(folder, "model", "model.shape=null", "model.vp=FOLDER/mistaken.npy")
    assert cause in one.message
    assert ("km/s" in one.message) == (mistake == "km/s")


@pytest.mark.parametrize("kind", ["model", "invert", "rtm"])
def test_models_with_depth_first_are_named(folder: Path, kind: str) -> None:
    np.save(folder / "turned.npy", np.load(folder / "start.npy").T)
    shape = ["model.shape=null"] if kind == "model" else []
    with pytest.raises(ProblemsError) as caught:
        planned(folder, kind, *shape, "model.vp=FOLDER/turned.npy")
    outside = [p.message for p in caught.value.problems if "outside the model" in p.message]
    assert outside
    assert all("is the model (z, x)?" in message for message in outside)


def test_points_outside_either_way_are_not_blamed_on_the_order_of_axes(folder: Path) -> None:
    one = problem(folder, "model", "geometry.sources.x=[700]")
    assert "is the model" not in one.message


STAGES = "inversion.stages=[{band: [0, 5], spacing: 40}, {band: [0, 12]}, {band: [0, 9]}]"


@pytest.mark.parametrize(
    "settings",
    [
        ["physics.substeps=1"],
        ["physics.substeps=1", "inversion.bounds=[1400, 14000]"],
        ["inversion.bounds=[1400, 900000]"],
        ["inversion.bounds=[1400, 900000]", "physics.grid=auto"],
    ],
    ids=str,
)
@pytest.mark.parametrize("interval", [0.004, 0.5])
def test_time_steps_advised_are_enough_for_all_stages(
    interval: float, settings: list[str], folder: Path, tmp_path: Path
) -> None:
    """A stage with a finer grid needs more of them: the first advice is for that one."""
    shutil.copy(folder / "shots.h5", tmp_path / "shots.h5")
    with h5py.File(tmp_path / "shots.h5", "r+") as file:
        file.attrs["dt"] = interval

    def advised(*more: str) -> list[int]:
        data = f"data.file={tmp_path / 'shots.h5'}"
        try:
            planned(folder, "invert", data, STAGES, *settings, *more)
        except ProblemsError as error:
            return [int(n) for n in re.findall(r"`physics.substeps: ([0-9]+)`", str(error))]
        return []

    given = advised()
    assert len(given) == (interval < 0.1 or "900000" in settings[0] or len(settings) == 1)
    for substeps in given:
        assert advised(f"physics.substeps={substeps}") == []
