"""What a config says of the model holds in the result of `fwi invert`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli.config.loader import ProblemsError, load
from fwicli.files import hdf5
from fwicli.inversion.regularization.differences import Differences
from fwicli.workflows import invert
from fwicli.workflows.planning.plan import make_plan

# One stage on a grid of its own, in place of the two of the survey.
# These tests are of the model: all traces count as they are, also those next to their source.
STAGE = "inversion.stages=[{band: [0, 10], iterations: 3, spacing: 20, near_source: nothing}]"


@pytest.fixture(autouse=True, scope="module")
def no_pictures() -> Iterator[None]:
    """They take longer than these inversions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fwicli.workflows.inversion.run.draw", lambda *_: None)
        yield


def run(survey: Path, folder: Path, *settings: str) -> dict[str, Any]:
    # Changes after a few steps are compared here: all begin with short ones.
    short = "inversion.optimizer={method: lbfgs, first_change: 50}"
    return invert.run(load(survey / "invert.yaml", settings=[STAGE, short, *settings]), folder)


def models(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Start and result."""
    with h5py.File(folder / "inversion.h5") as file:
        return file["start/vp"][()], file["result/vp"][()]


def misfits(folder: Path) -> np.ndarray:
    return hdf5.read_history(folder / "inversion.h5")["misfit"]


@pytest.fixture(scope="module")
def plain(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The change without any of it."""
    folder = tmp_path_factory.mktemp("plain") / "run"
    run(survey, folder)
    start, found = models(folder)
    return found - start


def test_what_is_fixed_stays(survey: Path, tmp_path: Path, plain: np.ndarray) -> None:
    """Water, a layer and a mask, to the bit; towards them changes fade out."""
    mask = np.zeros((61, 41), dtype=np.float32)
    mask[:10] = 1
    np.save(tmp_path / "mask.npy", mask)
    run(
        survey,
        tmp_path / "run",
        f"inversion.fixed=[water, {{between: [200, 260]}}, {{file: {tmp_path}/mask.npy}}]",
        "inversion.taper=60",
    )
    start, found = models(tmp_path / "run")
    changed = np.abs(found - start)
    assert not changed[mask > 0].any()
    assert not changed[:, :6].any()
    assert not changed[:, 20:26].any()
    assert changed[10:, 6:20].max() > 10
    assert np.all(changed[10:, 26:].max(axis=0) > 0)
    near, before = changed[10:, 6:8].mean(), np.abs(plain)[10:, 6:8].mean()
    assert near < 0.4 * before


def test_bounds_may_be_models(survey: Path, tmp_path: Path, plain: np.ndarray) -> None:
    """Kept to the bit on the model's grid, and reached."""
    start = make_plan(load(survey / "invert.yaml")).model.vp
    np.save(tmp_path / "low.npy", (start - 15).astype(np.float32))
    np.save(tmp_path / "high.npy", (start + 20).astype(np.float32))
    ends = ", ".join(f"{{file: {tmp_path}/{n}.npy}}" for n in ("low", "high"))
    run(survey, tmp_path / "run", f"inversion.bounds=[{ends}]")
    _, found = models(tmp_path / "run")
    below, above = plain.min(), plain.max()
    assert below < -20
    assert above > 30
    for name, sign in (("low", 1), ("high", -1)):
        bound = np.load(tmp_path / f"{name}.npy").astype(float)
        free = np.arange(41) >= 6
        left = sign * (found - bound)[:, free]
        assert left.min() >= -1e-3
        assert left.min() < 1


def test_bounds_may_be_models_of_logarithms(survey: Path, tmp_path: Path) -> None:
    start = make_plan(load(survey / "invert.yaml")).model.vp
    np.save(tmp_path / "high.npy", (start + 20).astype(np.float32))
    run(
        survey,
        tmp_path / "run",
        f"inversion.bounds=[1450, {{file: {tmp_path}/high.npy}}]",
        "inversion.parameter=log",
    )
    _, found = models(tmp_path / "run")
    assert np.all(np.diff(misfits(tmp_path / "run")) < 0)
    assert (found - np.load(tmp_path / "high.npy"))[:, 6:].max() <= 1e-3


def rough(change: np.ndarray, axis: int | None = None) -> float:
    """Mean length of the slopes, or of those along an axis, where there is no water."""
    free = np.broadcast_to(np.arange(41) >= 6, change.shape)
    slope = Differences(free, (10.0, 10.0)).gradient(change)
    return float(np.abs(slope[axis]).mean() if axis is not None else np.hypot(*slope).mean())


def test_penalties_shape_the_change(survey: Path, tmp_path: Path, plain: np.ndarray) -> None:
    """Smoother where that is asked for, along one axis more than along the other."""
    kinds = {
        "x": "{kind: tikhonov, weight: 0.003, of: change, axes: {x: 4}}",
        "z": "{kind: tikhonov, weight: 0.003, of: change, axes: {z: 1}}",
        "reference": "{kind: reference, weight: 1000}",
    }
    changes = {}
    for name, kind in kinds.items():
        run(survey, tmp_path / name, f"inversion.regularization=[{kind}]")
        start, found = models(tmp_path / name)
        changes[name] = found - start
        assert np.all(np.diff(misfits(tmp_path / name)) < 0)
    assert rough(changes["z"]) < 0.8 * rough(plain)
    assert np.abs(changes["reference"]).mean() < 0.3 * np.abs(plain).mean()
    ratio = {n: rough(changes[n], 0) / rough(changes[n], 1) for n in ("x", "z")}
    assert ratio["x"] < 0.8 * ratio["z"]


def test_stage_has_its_own(survey: Path, tmp_path: Path) -> None:
    """A list of a stage takes the place of that of all; the value says so."""
    heavy = "{kind: tikhonov, weight: 5.0}"
    first = "{band: [0, 10], iterations: 1, spacing: 20"
    run(
        survey,
        tmp_path / "run",
        f"inversion.stages=[{first}}}, {first}, regularization: []}}]",
        f"inversion.regularization=[{heavy}]",
    )
    with_penalty, without = misfits(tmp_path / "run")
    assert without < 0.9 * with_penalty


def test_preconditioner_of_everything(survey: Path, tmp_path: Path, plain: np.ndarray) -> None:
    """It is one operator in which the optimizer converges; what is muted does not change."""
    run(
        survey,
        tmp_path / "run",
        "inversion.preconditioning={illumination: {receivers: true}, depth: 0.5, "
        "smoothing: {wavelengths: 0.4}, mutes: {sources: 90, receivers: 60, fixed: 30}}",
    )
    start, found = models(tmp_path / "run")
    assert np.all(np.diff(misfits(tmp_path / "run")) < 0)
    change = found - start
    assert rough(change) < rough(plain)
    assert np.abs(change[:, 6]).mean() < 0.5 * np.abs(plain[:, 6]).mean()
    # The energies of sources and receivers take as long as two gradients of four shots.
    history = hdf5.read_history(tmp_path / "run" / "inversion.h5")
    evaluations = history["evaluations"][-1]
    assert history["simulations"][-1] == 4 * (2 * evaluations + 4)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("bounds=[1450, {file: SHORT}]", "holds shape (5, 4), but the model has (61, 41)"),
        (
            "bounds=[{file: HIGH}, 3200]",
            "the lower bound of vp, 9000, is above the upper one, 3200",
        ),
        ("fixed={file: SHORT}", "holds shape (5, 4), but the model has (61, 41)"),
        ("fixed=[water, {above: 500}]", "nothing is left to invert for"),
        (
            "regularization=[{kind: tikhonov, weight: 1, axes: {y: 1}}]",
            "the model has no axis y; its axes are x, z",
        ),
        ("regularization=[{kind: reference, weight: 1, model: {file: SHORT}}]", "holds shape"),
        ("constraints=[{kind: slopes, axis: y, low: 0}]", "no axis y"),
    ],
)
def test_impossible_settings(survey: Path, tmp_path: Path, setting: str, message: str) -> None:
    """Told when the run is planned, before anything is computed."""
    np.save(tmp_path / "short.npy", np.ones((5, 4)))
    np.save(tmp_path / "high.npy", np.full((61, 41), 9000.0))
    for name in ("short", "high"):
        setting = setting.replace(name.upper(), f"{tmp_path}/{name}.npy")
    with pytest.raises(ProblemsError) as caught:
        make_plan(load(survey / "invert.yaml", settings=[f"inversion.{setting}"]))
    assert message in str(caught.value)
    assert caught.value.exit_code == 3


def measured(vp: np.ndarray) -> dict[str, float]:
    """What constraints limit, where there is no water [1/s]."""
    free = np.broadcast_to(np.arange(41) >= 6, vp.shape)
    made = Differences(free, (10.0, 10.0))
    slope, points = made.gradient(vp.astype(float)), made.edges.any(axis=0).sum()
    return {
        "variation": float(np.hypot(*slope).sum() / points),
        "smoothness": float(np.sqrt((slope**2).sum() / points)),
        "least": float(slope[1][made.edges[1]].min()),
        "sides": float(np.abs(slope[0]).max()),
    }


@pytest.mark.parametrize("method", ["lbfgs", "spectral_gradient"])
def test_constraints_hold_in_the_result(
    survey: Path, tmp_path: Path, plain: np.ndarray, method: str
) -> None:
    """All at once, on the model's grid, with bounds to the bit; and the misfit falls."""
    start = make_plan(load(survey / "invert.yaml")).model.vp
    variation = measured(start)["variation"]
    kinds = [
        "{kind: total_variation, relative: 0.98}",
        "{kind: smoothness, limit: 2.7}",
        "{kind: slopes, low: -0.5}",
        "{kind: slopes, axis: x, low: -1, high: 1}",
    ]
    run(
        survey,
        tmp_path / "run",
        f"inversion.constraints=[{', '.join(kinds)}]",
        f"inversion.optimizer={{method: {method}}}",
        "inversion.bounds=[1450, 2720]",
    )
    limits = {"variation": 0.98 * variation, "smoothness": 2.7, "sides": 1.0}
    free, found = measured(start + plain), measured(models(tmp_path / "run")[1])
    for name, limit in limits.items():
        assert free[name] > 1.1 * limit, name
        assert found[name] <= 1.002 * limit, name
    assert free["least"] < -1
    assert found["least"] > -0.501
    result = models(tmp_path / "run")[1]
    assert result[:, 6:].min() >= 1450
    assert result.max() <= 2720
    np.testing.assert_array_equal(result[:, :6], 1500)
    assert np.all(np.diff(misfits(tmp_path / "run")) < 0)
