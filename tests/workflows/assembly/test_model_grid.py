"""Grids of models: a config that contradicts its file is refused; it would stretch the model."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from fwicli.config.schema import ModelSection
from fwicli.errors import ModelError
from fwicli.workflows.assembly.survey import earth_model


def model_file(folder: Path, **attributes: object) -> Path:
    with h5py.File(folder / "model.h5", "w") as file:
        file["vp"] = np.full((11, 7), 2000.0)
        file["vp"].attrs.update(attributes)
    return folder / "model.h5"


def section(path: Path, **keys: object) -> ModelSection:
    return ModelSection.model_validate({"vp": {"file": str(path), "dataset": "vp"}, **keys})


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"spacing": 8.0},
        {"spacing": [8.0, 5.0]},
        {"spacing": [8.0, 5.0], "origin": [-100.0, 0.0]},
        {"spacing": [8.0001, 5.0], "origin": [-100.001, 0.0]},
    ],
)
def test_equal_grids_are_one(tmp_path: Path, keys: dict[str, object]) -> None:
    stored = (8.0, 5.0) if keys.get("spacing") != 8.0 else (8.0, 8.0)
    path = model_file(tmp_path, spacing=stored, origin=(-100.0, 0.0))
    grid = earth_model(section(path, **keys)).grid
    assert grid.spacing == pytest.approx(stored, rel=1e-4)
    assert grid.origin == pytest.approx((-100.0, 0.0), abs=0.01)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("spacing", 5.0),
        ("spacing", [8.0, 5.1]),
        ("spacing", [5.0, 8.0]),
        ("origin", [0.0, 0.0]),
        ("origin", [-100.0, 5.0]),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, key: str, value: object) -> None:
    path = model_file(tmp_path, spacing=(8.0, 5.0), origin=(-100.0, 0.0))
    with pytest.raises(ModelError, match=f"leave out `{key}`") as raised:
        earth_model(section(path, **{key: value}))
    assert raised.value.key == (key,)


@pytest.mark.parametrize("attribute", ["ten", np.nan, (1.0, 2.0, 3.0), -5.0])
def test_a_description_that_is_no_spacing_is_overruled(tmp_path: Path, attribute: object) -> None:
    path = model_file(tmp_path, spacing=attribute)
    assert earth_model(section(path, spacing=10.0)).grid.spacing == (10.0, 10.0)
