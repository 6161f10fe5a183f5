"""Times and lengths in another unit: refused at once, with the number and the likely unit."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest

from fwicli.config.loader import Loaded, ProblemsError, load
from fwicli.errors import StabilityError
from fwicli.propagators.sampling.stability import time_axis
from fwicli.workflows.planning.plan import make_plan

FAR = "points per wavelength"


def refused(loaded: Loaded) -> str:
    with pytest.raises(ProblemsError) as caught:
        make_plan(loaded)
    assert caught.value.exit_code == 3
    return "\n".join(str(p) for p in caught.value.problems)


# Settings of a model, and what the message must say.
TIMES = {
    "ms": (["time.interval=4", "time.duration=600"], "Then write 0.004"),
    "ms_alone": (["time.interval=4"], "Then write 0.004"),
    "µs": (["time.interval=4000", "time.duration=600000"], "µs? Then write 0.004"),
    "duration_in_ms": (["time.duration=600"], "is the duration in ms"),
    "duration_in_µs": (["time.duration=6e+5"], "1.5e+08 samples"),
    "nanoseconds": (["time.interval=1e-9"], "6e+08 samples, more than the 1000000"),
    "ages": (["time.duration=1e9"], "samples, more than the 1000000"),
    "least": (["time.interval=1e-30"], "samples, more than the 1000000"),
    "most": (["time.interval=1e30"], "no second sample"),
    "alias": (["time.interval=0.05"], "none above 10 Hz (Nyquist)"),
    "substeps": (["physics.substeps=100000000"], "steps, more than the 1000000"),
    "spacing_in_km": (
        [
            "model.spacing=0.01",
            "geometry.sources={x: 0.3, z: 0.02}",
            "geometry.receivers={x: 0.4, z: 0.02}",
        ],
        "is the spacing in km?",
    ),
    "least_spacing": (["model.spacing=1e-30"], "outside 1e-08 to 1e+06 m"),
    "most_spacing": (["model.spacing=1e30"], "outside 1e-08 to 1e+06 m"),
    "unequal": (["model.spacing=[10, 0.001]"], "differ more than 1000-fold"),
    "origin": (["model.origin=[1e+12, 0]"], "farther than 1e+08 m"),
    "velocity_in_mm": (["model.unit=km/s"], "check the unit of vp"),
    "positions_in_km": (
        [
            "geometry.sources={x: {start: 0.1, stop: 0.5, step: 0.2}, z: 0.02}",
            "geometry.receivers={x: {start: 0, stop: 0.6, step: 0.02}, z: 0.03}",
        ],
        "are they in km?",
    ),
    "positions": (["geometry.receivers.x={start: 0, stop: 600, step: 1e-9}"], "positions"),
    "streamer": (
        [
            "geometry.receivers={x: {start: 9, stop: 60, count: 100000}, z: 30, towed: true}",
            "geometry.sources.x={start: 100, stop: 300, count: 100000}",
        ],
        "records of 100000 shots, 100000 receivers",
    ),
}


@pytest.mark.parametrize("case", TIMES)
def test_units_that_cannot_be_meant_are_refused(survey: Path, case: str) -> None:
    settings, words = TIMES[case]
    assert words in refused(load(survey / "model.yaml", settings=settings))


# Sampling interval that a data file states, and what the message must say.
STATED = {
    4.0: "ms? Then write 0.004",
    1.0: "ms? Then write 0.001",
    4000.0: "µs? Then write 0.004",
    250.0: "µs? Then write 0.00025",
    1e9: "time steps",
    1e-9: "times shorter than the longest stable time step",
}


@pytest.mark.parametrize("dt", STATED)
@pytest.mark.parametrize("command", ["invert", "rtm"])
def test_intervals_of_data_in_another_unit_are_refused(
    survey: Path, tmp_path: Path, command: str, dt: float
) -> None:
    """Once, whatever the stages are, and not as a grid that is too coarse."""
    path = tmp_path / "shots.h5"
    path.write_bytes((survey / "shots" / "shots.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs["dt"] = dt
    band = "inversion.stages.0.band=[3, 8]" if command == "invert" else "imaging.band=[3, 16]"
    told = refused(load(survey / f"{command}.yaml", settings=[f"data.file={path}", band]))
    assert STATED[dt] in told
    assert "\n" not in told
    assert FAR not in told


# What is meant, from a block of steel under ultrasound to the crust.
HONEST = {
    "ultrasound": ("0.0005", "3.0e+5", "1.0e-7", "1.5e-5", 1),
    "block": ("0.05", "3000", "2.0e-5", "0.003", 1),
    "ditch": ("1", "100", "5.0e-4", "0.15", 1),
    "exploration": ("20", "8", "0.004", "3", 0),
    "crust": ("500", "0.35", "0.05", "60", 0),
    "globe": ("20000", "0.008", "2", "2500", 0),
}


@pytest.mark.parametrize("case", HONEST)
def test_every_honest_scale_passes(survey: Path, case: str) -> None:
    """Ratios decide: the same model a million times smaller or larger."""
    spacing, frequency, interval, duration, _ = HONEST[case]
    at = [f"{{x: {12 * float(spacing)}, z: {2 * float(spacing)}}}"]
    settings = [
        f"model.spacing={spacing}",
        f"geometry.sources={at[0]}",
        f"geometry.receivers={at[0]}",
        f"wavelet.frequency={frequency}",
        f"time.interval={interval}",
        f"time.duration={duration}",
    ]
    made = make_plan(load(survey / "model.yaml", settings=settings))
    assert made.stages[0].points_per_wavelength > 3
    said = " ".join(made.warnings)
    assert ("a sampling interval of 2 s is long" in said) == (case == "globe")


def test_advice_works(survey: Path) -> None:
    """Steps that are meant can be set, as the message says."""
    settings = [
        "model.spacing=0.1",
        "geometry.sources={x: 3, z: 0.2}",
        "geometry.receivers={x: 4, z: 0.2}",
        "time.duration=0.4",
    ]
    told = refused(load(survey / "model.yaml", settings=settings))
    advised = told.partition("set `")[2].partition("`")[0].replace(": ", "=")
    assert advised.startswith("physics.substeps=")
    assert make_plan(load(survey / "model.yaml", settings=[*settings, advised])).warnings


def test_python_asks_for_units_too() -> None:
    """The time axis of 4 s in place of 4 ms; steps that are asked for are taken."""
    with pytest.raises(StabilityError, match=r"is the interval in ms\? Then write 0.004"):
        time_axis(4.0, 100, 2000.0, (10.0, 10.0), 8)
    assert time_axis(4.0, 100, 2000.0, (10.0, 10.0), 8, substeps=2000).substeps == 2000
