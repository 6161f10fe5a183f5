"""A survey small enough to model and invert in a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.workflows import model
from tests import pictures

EARTH = "{vp: {file: true.npy}, spacing: 10}"

MODEL = f"""\
model: {EARTH}
geometry:
  sources: {{x: {{start: 60, stop: 540, count: 4}}, z: 20}}
  receivers: {{x: {{start: 0, stop: 600, step: 20}}, z: 20}}
wavelet: {{kind: ricker, frequency: 12}}
time: {{interval: 0.004, duration: 0.6}}
execution: {{workers: 2}}
"""

INVERT = f"""\
model: {{vp: {{file: true.npy}}, spacing: 10, smooth: {{length: 60, keep: water}}}}
reference: {EARTH}
data: {{file: shots/shots.h5}}
inversion:
  bounds: [1450, 3200]
  stages:
    - {{band: [0, 8], iterations: 3, spacing: 20}}
    - {{band: [0, 16], iterations: 3}}
execution: {{workers: 2}}
"""

RTM = f"""\
model: {{vp: {{file: true.npy}}, spacing: 10, smooth: {{length: 60, keep: water}}}}
reference: {EARTH}
data: {{file: shots/shots.h5}}
execution: {{workers: 2}}
imaging: {{condition: correlation}}
"""

LSRTM = RTM.replace("imaging: {condition: correlation}", "least_squares: {iterations: 3}")


@pytest.fixture(scope="session")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with configs, a model with water, and its modelled records in `shots`."""
    folder = tmp_path_factory.mktemp("survey")
    x, z = np.meshgrid(10.0 * np.arange(61), 10.0 * np.arange(41), indexing="ij")
    vp = np.where(z < 60, 1500.0, 1900 + 1.5 * z)
    vp = np.where((z > 220) & (z > 150 + 0.2 * x), 2700.0, vp)
    np.save(folder / "true.npy", vp.astype(np.float32))
    texts = {"model": MODEL, "invert": INVERT, "rtm": RTM, "lsrtm": LSRTM}
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    with pictures.drawn():
        model.run(load(folder / "model.yaml"), folder / "shots")
    return folder


@pytest.fixture(scope="session")
def inverted(survey: Path) -> dict[str, Any]:
    """Summary of an inversion that was never interrupted, in `whole`."""
    from fwicli.workflows import invert

    with pictures.drawn():
        return invert.run(load(survey / "invert.yaml"), survey / "whole")
