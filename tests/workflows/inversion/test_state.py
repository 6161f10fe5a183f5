"""The state of an inversion: read whole, or refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli.errors import DataError
from fwicli.inversion.optimizers.optimizer import State
from fwicli.workflows.inversion.state import InversionState

BASE = {"vp": np.full((4, 3), 2000.0)}
STATE = State(np.ones(6), 0.5, np.zeros(6), 2, 3, {"s": np.ones((1, 6))}, {"step": 0.1})
STANDING = InversionState(1, BASE, STATE, np.ones((4, 3)), 4, 20, 9.5)
ARRAYS = ("base_vp", "x", "gradient", "weight", "method_s")
NUMBERS = ("stage", "iterates", "simulations", "seconds", "value", "iteration", "evaluations")
CHANGES: dict[str, Any] = {
    "text": lambda v: np.asarray(v).astype("S8"),
    "complex": lambda v: np.asarray(v) * 1j,
    "no values": lambda v: np.zeros((0, 2)),
    "NaN": lambda v: np.full(np.shape(v), np.nan),
    "of another shape": lambda v: np.ones((7, 3)),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    STANDING.write(tmp_path / "state.h5")
    return tmp_path / "state.h5"


def test_state_survives(path: Path) -> None:
    found = InversionState.read(path)
    found.check(path, BASE)
    assert found.state is not None
    np.testing.assert_array_equal(found.state.x, STATE.x)
    assert found.state.x.dtype == STATE.x.dtype
    assert (found.stage, found.iterates, found.seconds) == (1, 4, 9.5)
    assert found.state.numbers == {"step": 0.1}


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("name", ["base_vp", "x", "gradient"])
def test_damaged_arrays_are_refused(path: Path, name: str, kind: str) -> None:
    with h5py.File(path, "r+") as file:
        new = CHANGES[kind](file[name][()])
        del file[name]
        file[name] = new
    with pytest.raises(DataError, match=r"state\.h5"):
        InversionState.read(path).check(path, BASE)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [None, "text", np.nan, np.zeros(3)], ids=str)
def test_damaged_numbers_are_refused(path: Path, name: str, value: Any) -> None:
    """But for a time that is not a number, which nothing depends on."""
    with h5py.File(path, "r+") as file:
        del file.attrs[name]
        if value is not None:
            file.attrs[name] = value
    if name in ("seconds", "value") and isinstance(value, float):
        InversionState.read(path)
        return
    with pytest.raises(DataError, match=r"state\.h5"):
        InversionState.read(path)


def test_state_of_another_run(path: Path) -> None:
    with pytest.raises(DataError, match="belongs to another run"):
        InversionState.read(path).check(path, {"vp": np.zeros((5, 3))})
    with pytest.raises(DataError, match="belongs to another run"):
        InversionState.read(path).check(path, {**BASE, "rho": BASE["vp"]})
