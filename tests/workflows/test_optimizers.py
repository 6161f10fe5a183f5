"""Every optimizer by its name in the config: the misfit falls, and interruptions do not show."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.files import hdf5
from fwicli.inversion.objective import Objective
from fwicli.plotting import pictures
from fwicli.workflows import invert
from tests.workflows.test_invert import StopAtUpdate, result

pytestmark = pytest.mark.usefixtures("without_pictures")

METHODS = {
    "conjugate_gradient": "{method: conjugate_gradient, formula: hybrid}",
    "spectral_gradient": "{method: spectral_gradient}",
    "gauss_newton": "{method: gauss_newton, inner: 2}",
    "newton": "{method: newton, inner: 2}",
    "adam": "{method: adam, decay: 0.1}",
    "momentum": "{method: momentum, momentum: 0.5}",
}
STAGES = "inversion.stages=[{band: [0, 8], iterations: 2, spacing: 20}]"


@pytest.fixture
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take longer than these inversions."""
    monkeypatch.setattr("fwicli.workflows.inversion.run.draw", lambda *_: None)
    monkeypatch.setattr(pictures, "diagnosis", lambda *_: None)


# Second derivatives take large kernels: these are those of other tests.
FINE = (
    "inversion.stages=[{band: [0, 8], iterations: 2}]",
    *(f"{model}.spacing=[10, 12]" for model in ("model", "reference")),
    "physics.order=4",
    "physics.precision=float64",
)


def settings(method: str, *others: str) -> tuple[str, ...]:
    grid = FINE if method in ("gauss_newton", "newton") else (STAGES,)
    return (*grid, f"inversion.optimizer={METHODS[method]}", "execution.workers=1", *others)


@pytest.mark.parametrize("method", METHODS)
def test_misfit_falls(survey: Path, tmp_path: Path, method: str) -> None:
    """Of every method; and the propagations are counted."""
    summary = invert.run(load(survey / "invert.yaml", settings=settings(method)), tmp_path / "run")
    history = hdf5.read_history(tmp_path / "run" / "inversion.h5")
    assert history["misfit"][-1] < 0.98 * history["misfit"][0]
    shots, evaluations = 4, int(history["evaluations"][-1])
    numbers = hdf5.read_state(tmp_path / "run" / "state.h5")[1]
    products = int(numbers.get("method_products", 0))
    assert (products > 0) == (method in ("gauss_newton", "newton"))
    # The full second derivative takes the gradient by the parameters of the equation, too.
    again, each = (2, 4) if method == "newton" else (0, 3)
    assert summary["simulations"] == shots * (2 * evaluations + each * products + 2 * again)


@pytest.mark.parametrize(
    ("method", "others", "interrupts"),
    [
        ("newton", (), (6, 13, 9)),
        ("adam", ("inversion.shots={batch: 2}",), (3, 3)),
        ("spectral_gradient", (), (3, 9)),
    ],
)
def test_resumed_result_is_the_same(
    survey: Path, tmp_path: Path, method: str, others: tuple[str, ...], interrupts: tuple[int, ...]
) -> None:
    """Bit for bit, stopped anywhere: within a line search, or an inner iteration."""
    config = load(survey / "invert.yaml", settings=settings(method, *others))
    whole = invert.run(config, tmp_path / "whole")
    stopped = 0
    for number, updates in enumerate(interrupts):
        try:
            invert.run(config, tmp_path / "run", resume=number > 0, progress=StopAtUpdate(updates))
        except KeyboardInterrupt:
            stopped += 1
    summary = invert.run(config, tmp_path / "run", resume=True)
    assert stopped == len(interrupts)
    assert summary["simulations"] == whole["simulations"]
    np.testing.assert_array_equal(result(tmp_path / "run"), result(tmp_path / "whole"))


def test_stochastic_methods_evaluate_once_a_step(
    survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step with other shots, half of them, so that two evaluations see every shot."""
    seen, evaluate = [], Objective.__call__

    def noted(self: Objective, x: np.ndarray) -> tuple[float, np.ndarray]:
        seen.append({float(e.source[0, 0]) for e in self.experiments})
        return evaluate(self, x)

    monkeypatch.setattr(Objective, "__call__", noted)
    config = load(survey / "invert.yaml", settings=settings("adam", "inversion.shots={batch: 2}"))
    summary = invert.run(config, tmp_path / "run")
    assert summary["simulations"] == 2 * 2 * (1 + 2)
    assert [len(shots) for shots in seen] == [2, 2, 2]
    assert len(seen[0] | seen[1]) == 4


def test_first_change_of_a_stage(survey: Path, tmp_path: Path) -> None:
    """A stage may have one of its own; a step that is not searched for grows with it."""
    changes = []
    for change in (20, 40):
        own = f"optimizer: {{method: adam, first_change: {change}}}"
        stages = f"inversion.stages=[{{band: [0, 8], iterations: 1, spacing: 20, {own}}}]"
        given = (stages, "execution.workers=1")
        folder = tmp_path / str(change)
        invert.run(load(survey / "invert.yaml", settings=given), folder)
        with h5py.File(folder / "inversion.h5") as file:
            start = file["start/vp"][()].astype(float)
        changes.append(result(folder) - start)
    assert np.abs(changes[0]).max() == pytest.approx(20, rel=0.01)
    np.testing.assert_allclose(changes[1], 2 * changes[0], atol=1e-3)
