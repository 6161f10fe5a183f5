"""Solvers of linear least squares, on matrices."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.sparse.linalg import lsqr

from fwicli.errors import ConfigError
from fwicli.imaging.least_squares import transforms
from fwicli.imaging.least_squares.conjugate_gradients import ConjugateGradients
from fwicli.imaging.least_squares.solver import LinearEvaluation, LinearSolver, LinearState
from fwicli.imaging.least_squares.sparse import Bregman, Fista
from fwicli.imaging.least_squares.transforms import (
    CurveletFrame,
    Identity,
    WaveletFrame,
    soft,
)

RNG = np.random.default_rng(3)
SHAPE = (5, 4)


@dataclass
class Matrix:
    """Rows of a matrix as shots; batches of them after the first step."""

    matrix: np.ndarray
    data: np.ndarray
    batches: int = 1
    passes: int = field(default=0)

    def _rows(self, iteration: int) -> slice:
        return (
            slice(None) if iteration == 0 else slice(iteration % self.batches, None, self.batches)
        )

    def evaluate(
        self, y: np.ndarray, iteration: int, filters: np.ndarray | None
    ) -> LinearEvaluation:
        self.passes += 1
        rows = self._rows(iteration)
        matrix, data = self.matrix[rows], self.data[rows]
        residual = matrix @ y.ravel() - data
        gradient = (matrix.T @ residual).reshape(y.shape)
        return LinearEvaluation(residual @ residual, data @ data, gradient, np.zeros((1, 0)))

    def product(self, direction: np.ndarray, filters: np.ndarray) -> tuple[np.ndarray, float]:
        self.passes += 1
        ahead = self.matrix @ direction.ravel()
        return (self.matrix.T @ ahead).reshape(direction.shape), float(ahead @ ahead)

    def energy(self, direction: np.ndarray, iteration: int, filters: np.ndarray) -> float:
        ahead = self.matrix[self._rows(iteration)] @ direction.ravel()
        return float(ahead @ ahead)


def solved(solver: LinearSolver, problem: Matrix, steps: int) -> LinearState:
    state = solver.first(problem, SHAPE)
    for _ in range(steps):
        following = solver.step(state, problem)
        assert following is not None
        state = following
    return state


@pytest.fixture
def problem() -> Matrix:
    matrix = RNG.standard_normal((40, 20))
    return Matrix(matrix, matrix @ RNG.standard_normal(20) + RNG.standard_normal(40))


@pytest.mark.parametrize("steps", [1, 3, 8])
def test_conjugate_gradients_are_lsqr(problem: Matrix, steps: int) -> None:
    """The same iterates, with one product a step; the recurrence of the residual is exact."""
    state = solved(ConjugateGradients(), problem, steps)
    expected = lsqr(problem.matrix, problem.data, iter_lim=steps, atol=0, btol=0)[0]
    np.testing.assert_allclose(state.y.ravel(), expected, rtol=1e-9)
    residual = problem.matrix @ state.y.ravel() - problem.data
    assert state.energy == pytest.approx(residual @ residual, rel=1e-9)
    assert state.residual == pytest.approx(np.sqrt(residual @ residual / state.start), rel=1e-9)
    assert problem.passes == steps + 1


def test_damping_is_that_of_ridge_regression(problem: Matrix) -> None:
    state = solved(ConjugateGradients(damping=0.1), problem, 20)
    damping = state.numbers["damping"]
    normal = problem.matrix.T @ problem.matrix + damping * np.eye(20)
    expected = np.linalg.solve(normal, problem.matrix.T @ problem.data)
    np.testing.assert_allclose(state.y.ravel(), expected, rtol=1e-6)
    residual = problem.matrix @ state.y.ravel() - problem.data
    assert state.energy == pytest.approx(residual @ residual, rel=1e-6)
    first = problem.matrix.T @ problem.data
    curvature = np.sum((problem.matrix @ first) ** 2) / (first @ first)
    assert damping == pytest.approx(0.1 * curvature, rel=1e-9)


def test_restarts_reach_the_same_solution(problem: Matrix) -> None:
    state = solved(ConjugateGradients(damping=0.05, restart=7), problem, 60)
    expected = solved(ConjugateGradients(damping=0.05), problem, 20)
    np.testing.assert_allclose(state.y, expected.y, rtol=1e-5)


def test_fista_meets_the_conditions_of_its_minimum(problem: Matrix) -> None:
    """The gradient of the data is -mu sign(y) where y is not zero, and smaller elsewhere."""
    state = solved(Fista(lambda _: Identity(), weight=0.2, products=60), problem, 800)
    weight = state.numbers["weight"]
    y = state.y.ravel()
    gradient = problem.matrix.T @ (problem.matrix @ y - problem.data)
    there = np.abs(y) > 1e-8
    assert 0 < there.sum() < 20
    np.testing.assert_allclose(gradient[there], -weight * np.sign(y[there]), rtol=1e-5)
    assert (np.abs(gradient[~there]) <= weight * (1 + 1e-6)).all()


@pytest.mark.parametrize("batches", [1, 4])
def test_bregman_recovers_a_sparse_image(batches: int) -> None:
    """From fewer data than unknowns, where least squares do not; by batches of the data, too."""
    random = np.random.default_rng(3)
    matrix, sparse = random.standard_normal((14, 20)), np.zeros(20)
    sparse[[3, 11]] = 2.0, -1.5
    problem = Matrix(matrix, matrix @ sparse, batches)
    state = solved(Bregman(lambda _: Identity(), quantile=0.99), problem, 3000)
    assert state.residual < 1e-6
    assert np.linalg.norm(state.y.ravel() - sparse) < 0.35 * np.linalg.norm(sparse)
    least, *_ = np.linalg.lstsq(matrix, problem.data)
    assert np.linalg.norm(least - sparse) > 0.6 * np.linalg.norm(sparse)


@pytest.mark.parametrize("solver", [ConjugateGradients(), Bregman(lambda _: Identity())])
def test_no_step_leads_further_from_data_of_zero(solver: LinearSolver) -> None:
    problem = Matrix(RNG.standard_normal((30, 20)), np.zeros(30))
    assert solver.step(solver.first(problem, SHAPE), problem) is None


@pytest.mark.parametrize("shape", [(61, 41), (32, 16), (9, 7, 21)])
def test_wavelets_are_a_tight_frame(shape: tuple[int, ...]) -> None:
    """T^T T = 1, and T^T is the transpose of T."""
    pytest.importorskip("pywt", reason="PyWavelets is not installed")
    transform = WaveletFrame(shape, "db4", 3)
    image = RNG.standard_normal(shape)
    coefficients = transform.forward(image)
    np.testing.assert_allclose(transform.adjoint(coefficients), image, atol=1e-9)
    other = RNG.standard_normal(coefficients.shape)
    forward, back = np.vdot(coefficients, other), np.vdot(image, transform.adjoint(other))
    assert forward == pytest.approx(back, abs=1e-9 * np.linalg.norm(image) * np.linalg.norm(other))


@pytest.mark.parametrize("scales", [2, 3, 4])
@pytest.mark.parametrize("shape", [(61, 41), (40, 17), (30, 14, 25)])
def test_curvelets_are_a_tight_frame(shape: tuple[int, ...], scales: int) -> None:
    """T^T T = 1, and T^T is the transpose of T, on shapes that no wedge divides."""
    pytest.importorskip("curvelets", reason="curvelets is not installed")
    transform = CurveletFrame(shape, scales)
    image = RNG.standard_normal(shape)
    coefficients = transform.forward(image)
    np.testing.assert_allclose(transform.adjoint(coefficients), image, atol=1e-12)
    size = coefficients.shape
    other = RNG.standard_normal(size) + 1j * RNG.standard_normal(size)
    forward, back = np.vdot(coefficients, other).real, np.vdot(image, transform.adjoint(other))
    scale = np.linalg.norm(coefficients) * np.linalg.norm(other)
    assert forward == pytest.approx(back, abs=1e-13 * scale)


def test_curvelets_that_are_not_installed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transforms, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match="curvelets, which is not installed; install it with"):
        CurveletFrame((20, 20))


def test_unknown_wavelets_are_refused() -> None:
    pytest.importorskip("pywt", reason="PyWavelets is not installed")
    with pytest.raises(ConfigError, match=r"no orthogonal wavelet `bior2\.2`; choose db4"):
        WaveletFrame((20, 20), "bior2.2")


def test_soft_thresholds() -> None:
    """Complex values keep their phase."""
    np.testing.assert_array_equal(soft(np.array([-3.0, -0.5, 0.0, 2.0]), 1.0), [-2, 0, 0, 1])
    np.testing.assert_allclose(soft(np.array([3j, 0.6 - 0.8j, 3 - 4j]), 1.0), [2j, 0, 2.4 - 3.2j])
