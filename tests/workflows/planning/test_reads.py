"""Checks and plans read every input file once, however many stages and objects use it."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from fwicli.cli.main import cli
from fwicli.config.arrays import ArrayFileSection
from fwicli.config.loader import load
from fwicli.files import arrays
from fwicli.survey.grid import Grid
from fwicli.workflows.assembly.arrays import ModelArrays

CONFIG = """\
model: {vp: {file: start.npy}, spacing: 10}
reference: {vp: {file: reference.npy}, spacing: 10}
data: {file: shots.h5}
wavelet: {kind: file, file: wavelet.npy, interval: 0.004}
execution: {workers: 1}
inversion:
  bounds: [{file: low.npy}, {file: high.h5}]
  fixed: [water, {file: mask.npy}]
  conditioning: [{kind: given_weights, file: weights.npy}, {kind: offsets, farthest: 500}]
  source: {window: [{kind: given_weights, file: window.npy}]}
  misfit: {file: my_misfit.py, name: f}
  regularization:
  - {kind: directional, weight: 0.01, dip: {file: dip.npy}}
  - {kind: reference, weight: 0.01, model: {file: prior.npy}}
  stages:
  - {band: [0, 8]}
  - {band: [0, 12], taper: 30}
  - band: [0, 14]
    misfit: huber
    conditioning: [{kind: given_weights, file: weights.npy}]
    regularization: [{kind: reference, weight: 0.1, model: {file: prior.npy}}]
    constraints: [{kind: slopes, high: 3}]
    optimizer: {method: spectral_gradient}
"""
MISFIT = """\
def f(synthetic, observed, interval):
    residual = synthetic - observed
    return 0.5 * float((residual**2).sum()), residual
"""
# Audit hooks cannot be removed: this one counts only while a counter is set.
_counters: list[Counter[str]] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _counters and event == "open" and isinstance(arguments[0], str | os.PathLike):
        _counters[-1][os.path.realpath(os.fspath(arguments[0]))] += 1


sys.addaudithook(_audit)


@contextmanager
def opens(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often each file is opened, by Python and by the HDF5 library."""
    begin: Callable[..., None] = h5py.File.__init__

    def counted(self: h5py.File, name: Any, *more: Any, **settings: Any) -> None:
        if isinstance(name, str | os.PathLike):
            _counters[-1][os.path.realpath(os.fspath(name))] += 1
        begin(self, name, *more, **settings)

    _counters.append(Counter())
    with monkeypatch.context() as patch:
        patch.setattr(h5py.File, "__init__", counted)
        yield _counters[-1]
    _counters.pop()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config whose bounds, masks, weights, dips and references are in files."""
    vp = np.broadcast_to(1500 + 15.0 * np.arange(41), (61, 41)).astype(np.float32)
    named = {"start": vp, "reference": 1.02 * vp, "low": vp - 200, "prior": 1.01 * vp}
    named |= {"dip": 0 * vp + 5, "mask": vp < 1600, "weights": np.ones(16), "window": np.ones(16)}
    t, x, sources = 0.004 * np.arange(151), 40.0 * np.arange(16), np.array([100.0, 300.0, 500.0])

    def ricker(times: np.ndarray) -> np.ndarray:
        a = (np.pi * 10 * (times - 0.15)) ** 2
        return np.asarray((1 - 2 * a) * np.exp(-a))

    for name, values in (named | {"wavelet": ricker(t)}).items():
        np.save(tmp_path / f"{name}.npy", values)
    with h5py.File(tmp_path / "high.h5", "w") as file:
        file["vp"] = vp + 800
    with h5py.File(tmp_path / "shots.h5", "w") as file:
        file["data"] = ricker(t - np.abs(x - sources[:, None])[..., None] / 1600).astype(np.float32)
        file["source_x"], file["source_z"] = sources, np.full(3, 20.0)
        file["receiver_x"], file["receiver_z"] = x, np.full(16, 30.0)
        file["dt"] = 0.004
    (tmp_path / "my_misfit.py").write_text(MISFIT, encoding="utf-8")
    (tmp_path / "invert.yaml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", [["check", "invert.yaml"], ["invert", "invert.yaml", "-n"]])
def test_every_input_is_read_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    """Each array is opened as often as by one `arrays.read`; records and functions once."""
    inputs = {path.name: str(path.resolve()) for path in folder.iterdir()}
    with opens(monkeypatch) as counts:
        result = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    once = {"my_misfit.py": 1, "invert.yaml": 1}
    for name in inputs.keys() - once.keys():
        with opens(monkeypatch) as alone:
            arrays.read(folder / name, "data" if name == "shots.h5" else "vp", masks=True)
        once[name] = alone[inputs[name]]
    assert {name: counts[path] for name, path in inputs.items()} == once


def test_a_second_read_is_seen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One object remembers an array, two read it twice, and a shared array cannot be changed."""
    loaded = load(folder / "invert.yaml")
    grid, section = (
        Grid((61, 41), (10.0, 10.0), (0.0, 0.0)),
        ArrayFileSection(file=folder / "low.npy"),
    )
    path = os.path.realpath(section.file)
    with opens(monkeypatch) as counts:
        first, second = (ModelArrays(loaded.config.model, grid) for _ in range(2))
        values = first.on_grid(section)
        single = counts[path]
        assert first.on_grid(section) is values
        assert counts[path] == single > 0
        second.on_grid(section)
        assert counts[path] == 2 * single
    with pytest.raises(ValueError, match="read-only"):
        values[0, 0] = 0.0
