"""`fwi lsrtm` with every history: the solver and the transpose of J that it is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.config.problems import ProblemsError
from fwicli.execution import Local
from fwicli.workflows import lsrtm
from fwicli.workflows.inversion.migration.problem import MigrationProblem
from fwicli.workflows.inversion.migration.state import MigrationState
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.run_folder.progress import Silent
from tests.workflows.test_lsrtm import dataset, steps

NONE = "transform: {kind: none}"
SOLVERS = {
    "conjugate gradients": "{kind: conjugate_gradients}",
    "bregman": f"{{kind: bregman, quantile: 0.0, {NONE}}}",
    "fista": f"{{kind: fista, weight: 0.0001, {NONE}}}",
}
FREQUENCIES = 20  # of the band


def run(folder: Path, survey: Path, *settings: str) -> Path:
    """A run of ten steps in one process."""
    settings = ("least_squares.iterations=10", "execution.workers=1", *settings)
    lsrtm.run(load(survey / "lsrtm.yaml", settings=settings), folder)
    return folder


@pytest.fixture(scope="module")
def stored(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs with a history that is as good as exact, by solver."""
    folder = tmp_path_factory.mktemp("stored")
    return {
        name: run(folder / name, survey, f"least_squares.solver={solver}")
        for name, solver in SOLVERS.items()
    }


def exact_residual(folder: Path, survey: Path) -> float:
    """Residual of the last state of a run, modelled anew."""
    loaded = load(survey / "lsrtm.yaml", settings=["execution.workers=1"])
    plan = make_plan(loaded)
    state = MigrationState.read(folder / "state.h5", plan.model.grid.shape)
    with Local(1) as executor:
        problem = MigrationProblem(plan, loaded.config.least_squares, executor, Silent())
        problem.illumination = state.illumination
        evaluation = problem.evaluate(state.solver.y, 0, None)
    return float(np.sqrt(evaluation.energy / evaluation.start))


def error(folder: Path, stored: Path) -> float:
    """Relative difference of two images."""
    image, other = dataset(folder), dataset(stored)
    return float(np.linalg.norm(image - other) / np.linalg.norm(other))


@pytest.fixture(scope="module")
def early(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three steps with that history: later ones multiply how sums were rounded."""
    folder = tmp_path_factory.mktemp("early")
    return run(folder / "run", survey, "least_squares.iterations=3")


@pytest.mark.parametrize(
    ("history", "largest"),
    [("fourier", 0.005), ("{keep: compressed, bits: 8}", 0.005), ("checkpoints", 0.0)],
)
def test_histories_of_the_band_make_the_image(
    survey: Path,
    stored: dict[str, Path],
    early: Path,
    tmp_path: Path,
    history: str,
    largest: float,
) -> None:
    """Conjugate gradients with them make the same steps, and tell the residual of the image."""
    setting = f"physics.history={history}"
    first = run(tmp_path / "early", survey, setting, "least_squares.iterations=3")
    assert error(first, early) <= largest
    folder = run(tmp_path / "run", survey, setting)
    whole = stored["conjugate gradients"]
    last, last_of_whole = steps(folder)[-1], steps(whole)[-1]
    assert last["residual"] == pytest.approx(exact_residual(folder, survey), rel=0.02)
    assert last["residual"] < 1.05 * last_of_whole["residual"]
    assert last["correlation"] > last_of_whole["correlation"] - 0.01


@pytest.mark.parametrize("solver", ["bregman", "fista"])
@pytest.mark.parametrize("history", ["{keep: fourier, count: 24}", "{keep: probes, count: 32}"])
def test_histories_of_few_frequencies_converge(
    survey: Path, stored: dict[str, Path], tmp_path: Path, solver: str, history: str
) -> None:
    """Solvers that compute each residual anew go down as without them; a warning names them."""
    settings = [f"least_squares.solver={SOLVERS[solver]}", f"physics.history={history}"]
    folder = run(tmp_path / "run", survey, *settings)
    assert error(folder, stored[solver]) > 0.01
    last, last_of_whole = steps(folder)[-1], steps(stored[solver])[-1]
    assert last["residual"] < 1.1 * last_of_whole["residual"]
    assert last["correlation"] > last_of_whole["correlation"] - 0.06
    warnings = make_plan(load(survey / "lsrtm.yaml", settings=settings)).warnings
    assert any(f"of the {FREQUENCIES} frequencies of the band" in text for text in warnings)


@pytest.mark.parametrize(
    ("history", "few"),
    [("probes", 8), ("{keep: fourier, count: 24}", 12), ("{keep: fourier, frequencies: [9]}", 1)],
)
def test_conjugate_gradients_refuse_few_frequencies(
    survey: Path, tmp_path: Path, history: str, few: int
) -> None:
    """By the check and by the run, before anything is written; enough of them are allowed."""
    loaded = load(survey / "lsrtm.yaml", settings=[f"physics.history={history}"])
    message = f"keeps {few} of the {FREQUENCIES} frequencies of the band, and conjugate gradients"
    with pytest.raises(ProblemsError, match=message):
        make_plan(loaded)
    with pytest.raises(ProblemsError, match=message):
        lsrtm.run(loaded, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    enough = f"physics.history={{keep: probes, count: {2 * FREQUENCIES}}}"
    warnings = make_plan(load(survey / "lsrtm.yaml", settings=[enough])).warnings
    assert not any("frequencies of the band" in text for text in warnings)


@pytest.mark.parametrize(("every", "doubted"), [(4, False), (40, True)])
def test_a_transpose_that_is_none_is_doubted(
    survey: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, every: int, doubted: bool
) -> None:
    """A run compares p . J^T J p with |J p|^2: snapshots that are too rare make them differ."""
    history = f"physics.history={{keep: stored, every: {every}}}"
    run(tmp_path / "run", survey, history, "least_squares.iterations=2")
    assert caplog.text.count("which it should equal") == doubted
