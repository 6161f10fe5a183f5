"""Configs of SH waves: without vp, with vy and fy; what they cannot have is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.config.problems import ProblemsError
from fwicli.files import hdf5
from fwicli.files.records import read_gathers
from fwicli.workflows import invert, model
from fwicli.workflows.planning.plan import make_plan

SPACING = [10, 12]  # and order and precision are those of `make_setting`, as its kernels
PHYSICS = {"equation": "sh", "order": 4, "precision": "float64", "free_surface": True}
CONFIG: dict[str, Any] = {
    "model": {"vs": "vs.npy", "rho": 1900, "spacing": SPACING},
    "physics": {**PHYSICS, "absorbing": {"cells": 10}},
    "geometry": {
        "sources": {"x": [100, 250], "z": 0, "component": "fy"},
        "receivers": {"x": {"start": 20, "stop": 380, "step": 40}, "z": 0, "component": "vy"},
    },
    "wavelet": {"kind": "ricker", "frequency": 5},
    "time": {"interval": 0.004, "duration": 0.8},
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config of a softer block in a half-space."""
    vs = np.full((41, 31), 1000.0)
    vs[15:25, 5:12] = 850.0
    np.save(tmp_path / "vs.npy", vs)
    path = tmp_path / "model.yaml"
    path.write_text(json.dumps(CONFIG))  # JSON is YAML
    return path


def inversion(folder: Path, **changes: Any) -> Path:
    """A config that inverts the records of the config for vs."""
    path = folder / "invert.yaml"
    tree: dict[str, Any] = {
        "model": {"vs": 1000, "rho": 1900, "spacing": SPACING, "shape": [41, 31]},
        "physics": CONFIG["physics"],
        "data": {"file": "run/shots.h5"},
        "reference": CONFIG["model"],
        "inversion": {
            "invert_for": {"vs": [700, 1200]},
            "fixed": "nothing",
            "stages": [{"band": [2, 11], "iterations": 5}],
        },
    }
    path.write_text(json.dumps({**tree, **changes}))
    return path


@pytest.mark.slow  # kernels of gradients, with those of a free surface
def test_inversion_for_vs(config: Path) -> None:
    """Records of a model without vp are inverted for vs, towards the model that made them."""
    model.run(load(config), config.parent / "run")
    gathers = read_gathers(config.parent / "run" / "shots.h5")
    recorded, emitted = gathers.acquisition.components
    assert [c.name for c in (*recorded, *emitted)] == ["vy", "fy"]
    summary = invert.run(load(inversion(config.parent)), config.parent / "inverted")
    history = hdf5.read_history(config.parent / "inverted" / "inversion.h5")
    assert history["misfit"][-1] < 0.2 * history["misfit"][0]
    assert history["model_error_vs"][-1] < history["model_error_vs"][0]
    assert summary["model_error_vs"] == history["model_error_vs"][-1]


def test_plan_knows_the_speed(config: Path) -> None:
    """Steps and points in the wavelength are those of vs; a vp beside it is of no use."""
    plan = make_plan(load(config))
    assert plan.summary()["vs_m_s"] == [850.0, 1000.0]
    (stage,) = plan.stages
    assert stage.layer.velocity == 1000.0
    beside = make_plan(load(config, settings=["model.vp=3000", "model.shape=[41, 31]"]))
    assert any("`model.vp` is not used by the equation `sh`" in w for w in beside.warnings)
    assert list(beside.model.properties) == ["vs", "rho"]
    assert beside.stages[0].layer.velocity == 1000.0


REFUSED = [
    ("geometry.receivers.component=pressure", "`sh` cannot record pressure, only vy; .*: vy`"),
    ("geometry.sources.component=fx", "`sh` cannot emit fx, only fy"),
    ("physics.equation=acoustic", "`acoustic` needs `vp`, and the model has only `vs`, `rho`"),
    ("physics.grid=auto", "vs has no mean that fluids and solids have in common"),
]


@pytest.mark.parametrize(("setting", "words"), REFUSED)
def test_refused(config: Path, setting: str, words: str) -> None:
    with pytest.raises(ProblemsError, match=words):
        make_plan(load(config, settings=[setting]))


def test_units_of_vs(config: Path) -> None:
    """Values that are slow everywhere are those of another unit."""
    np.save(config.parent / "vs.npy", np.load(config.parent / "vs.npy") / 1000)
    with pytest.raises(ProblemsError, match=r"vs is from 0.85 to 1 m/s, .* set `model.unit: km/s`"):
        make_plan(load(config))


def test_model_needs_a_velocity(config: Path) -> None:
    tree = {**CONFIG, "model": {"rho": 1900, "spacing": SPACING}}
    config.write_text(json.dumps(tree))
    with pytest.raises(ProblemsError, match=r"model.vp: give the P velocity .* `vs` alone for SH"):
        load(config)


@pytest.mark.slow  # kernels of the records, those of the inversion
def test_images_and_other_unknowns_are_refused(config: Path) -> None:
    """Migration of P waves, and inversion for vp or impedance."""
    model.run(load(config), config.parent / "run")
    rtm = {"imaging": {}, "inversion": None, "reference": None}
    path = inversion(config.parent, **rtm)
    tree = {n: v for n, v in json.loads(path.read_text()).items() if v is not None}
    path.write_text(json.dumps(tree))
    with pytest.raises(ProblemsError, match="`sh` has no P velocity, in which images are made"):
        make_plan(load(path))
    for name in ("vp", "impedance"):
        settings = [f"inversion.invert_for={{{name}: [700, 1200]}}"]
        with pytest.raises(ProblemsError, match=f"`sh` has no {name}; it may be inverted for vs"):
            make_plan(load(inversion(config.parent), settings=settings))
