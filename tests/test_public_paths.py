"""Public functions take names of files and folders as text, as Python's `open` does."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fwicli


def path_parameters() -> list[tuple[str, str]]:
    """Public functions and the names of their parameters that are paths."""
    return [
        (name, parameter.name)
        for name in fwicli.__all__
        if inspect.isfunction(value := getattr(fwicli, name))
        for parameter in inspect.signature(value).parameters.values()
        if "Path" in str(parameter.annotation)
    ]


def test_there_are_some() -> None:
    assert {"load_config", "read_gathers", "write_segy"} <= {name for name, _ in path_parameters()}


@pytest.mark.parametrize(("name", "parameter"), path_parameters())
def test_text_is_allowed(name: str, parameter: str) -> None:
    assert "str" in str(inspect.signature(getattr(fwicli, name)).parameters[parameter].annotation)


def test_files_named_by_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written and read again, from the present folder."""
    monkeypatch.chdir(tmp_path)
    data = np.random.default_rng(0).standard_normal((1, 2, 50)).astype(np.float32)
    points = np.array([[150.0, 8.0], [200.0, 8.0]])
    records = fwicli.Gathers(fwicli.Acquisition(np.array([[100.0, 6.0]]), points), 0.004, data)
    fwicli.write_gathers("shots.h5", records, {})
    fwicli.write_segy("shots.sgy", records)
    read: list[Any] = [fwicli.read_gathers("shots.h5").data, fwicli.read_segy("shots.sgy").data]
    read.append(fwicli.read_array("shots.h5", "data")[0])
    for gathers in read:
        np.testing.assert_array_equal(np.asarray(gathers), data)


def test_runs_in_folders_named_by_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("model.yaml").write_text(
        "model: {vp: 2000, shape: [41, 31], spacing: 10}\n"
        "geometry: {sources: {x: 100, z: 24}, receivers: {x: [200, 300], z: 24}}\n"
        "wavelet: {kind: ricker, frequency: 15}\n"
        "time: {duration: 0.4, interval: 0.004}\nexecution: {workers: 1}\n",
        encoding="utf-8",
    )
    summary = fwicli.run_model(fwicli.load_config("model.yaml"), "run")
    assert fwicli.read_gathers(summary["result"]).acquisition.shots == 1
