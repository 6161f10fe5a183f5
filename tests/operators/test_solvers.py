"""Solvers and libraries of others take wave operators."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import optimize
from scipy.sparse.linalg import aslinearoperator, eigsh, lsqr

from fwicli.errors import DataError
from fwicli.operators import forward, hessian, jacobian
from fwicli.survey.signals.wavelets import ricker, times
from tests.operators.surveys import SAMPLES, WEIGHTS, Survey, error


class Imaging:
    """A reflector in a smooth medium, in large pixels, and its data: a small problem of images.

    Attributes
    ----------
    J, A : Operator
        Born modelling of changes of the model, and of the values of pixels, relative to its size.
    matrix : ndarray
        A, column by column.
    """

    def __init__(self, survey: Survey) -> None:
        shape, size = survey.grid.shape, 1 / 2000.0**2
        wavelet = np.broadcast_to(ricker(times(0.004, SAMPLES), 15.0), survey.wavelet.shape)
        self.J = jacobian(survey.waves, {"m": np.full(shape, size)}, wavelet)[:1]
        pixels = np.zeros((4, 6, *shape))
        for i, j in np.ndindex(4, 6):
            pixels[i, j, 8 * i : 8 * i + 8, 6 * j : 6 * j + 6] = size
        self.A = self.J @ aslinearoperator(pixels.reshape(24, -1).T)
        largest = np.linalg.norm(self.A @ np.eye(24), 2)
        self.A = self.A / largest
        self.matrix = self.A @ np.eye(24)
        self.truth = np.zeros(24)
        self.truth[[8, 9, 15]] = 0.1, -0.05, 0.05
        self.reflector = self.truth @ pixels.reshape(24, -1)
        self.data = self.A @ self.truth


@pytest.fixture(scope="module")
def imaging(survey: Any) -> Imaging:
    return Imaging(survey())


def test_lsqr_recovers_the_perturbation(imaging: Imaging) -> None:
    """Least-squares migration: pixels from their data, and from J alone all of the data."""
    found, *_ = lsqr(imaging.A, imaging.data, iter_lim=50, atol=0, btol=0)
    assert error(found, imaging.truth) < 1e-4
    d = imaging.J @ imaging.reflector
    migrated = imaging.J.T @ d
    image, *_ = lsqr(imaging.J, d, iter_lim=20, atol=0, btol=0)
    assert error(imaging.J @ image, d) < 0.02
    scaled = migrated * np.vdot(imaging.J @ migrated, d) / np.sum((imaging.J @ migrated) ** 2)
    assert error(imaging.J @ scaled, d) > 0.3


def test_damped_and_bounded_least_squares(imaging: Imaging) -> None:
    """SciPy's, and what the matrix gives."""
    A, d, matrix = imaging.A, imaging.data, imaging.matrix
    found, *_ = lsqr(A, d, damp=0.3, iter_lim=40, atol=1e-10, btol=1e-10)
    expected = np.linalg.solve(matrix.T @ matrix + 0.09 * np.eye(24), matrix.T @ d)
    assert error(found, expected) < 1e-8
    bounds = np.full(24, -0.03), np.full(24, 0.03)
    how: dict[str, Any] = {"max_iter": 2, "lsq_solver": "lsmr", "lsmr_maxiter": 4}
    bounded = optimize.lsq_linear(A, d, bounds, **how).x
    assert error(bounded, optimize.lsq_linear(aslinearoperator(matrix), d, bounds, **how).x) < 1e-6
    assert np.abs(bounded).max() < 0.03
    largest = eigsh(A.T @ A, k=1, return_eigenvectors=False, tol=1e-3)
    assert largest == pytest.approx(1.0, rel=1e-4)


def test_newton_of_scipy_takes_the_hessian(survey: Any) -> None:
    """Truncated Newton with H falls to the data of the truth, in relative changes x."""
    s = survey()
    waves = replace(s.waves, sources=s.sources[0])
    wavelet = np.broadcast_to(ricker(times(0.004, SAMPLES), 12.0), s.wavelet[0].shape)
    start = 1 / 2000.0**2
    ball = np.exp(-np.hypot(*np.indices(s.grid.shape) - np.array([16, 18])[:, None, None]) / 4)
    data = forward(waves, start * (1 + 0.1 * ball)) @ wavelet
    size = np.linalg.norm(data)

    def at(x: np.ndarray) -> np.ndarray:
        return start * (1 + x.reshape(s.grid.shape))

    def residual(x: np.ndarray) -> np.ndarray:
        return (forward(waves, at(x)) @ wavelet - data) / size

    def value(x: np.ndarray) -> float:
        return 0.5 * float(np.sum(residual(x) ** 2))

    def gradient(x: np.ndarray) -> np.ndarray:
        J = jacobian(waves, at(x), wavelet)
        return (start / size) * (J.T @ residual(x).ravel())

    def product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        H = hessian(waves, at(x), wavelet, data=data)
        return (start / size) ** 2 * (H @ y)

    x = np.zeros(ball.size)
    options = {"maxiter": 5}
    found = optimize.minimize(
        value, x, jac=gradient, hessp=product, method="trust-ncg", options=options
    )
    assert found.fun < 1e-2 * value(x)


def test_pylops(imaging: Imaging, survey: Any) -> None:
    """Composed with its operators on both sides, dot-tested and solved by it."""
    pylops = pytest.importorskip("pylops")
    J, A, x = imaging.J, imaging.A, imaging.reflector.reshape(imaging.J.dims)
    R = pylops.Restriction(J.dimsd, [0, 2], axis=1, dtype="float64")
    S = pylops.Smoothing2D([3, 3], dims=J.dims, dtype="float64")
    for B in (R @ J @ S, R @ (J @ S)):
        assert isinstance(B, pylops.LinearOperator)
        assert (B.dims, B.dimsd) == (J.dims, (1, 2, SAMPLES))
        assert pylops.utils.dottest(B, rtol=1e-12)
        assert error(B @ x, R @ (J @ (S @ x))) < 1e-13
    y = np.random.default_rng(1).standard_normal((1, 2, SAMPLES))
    assert error((R @ J @ S).H @ y, S.H @ (J.T @ (R.H @ y))) < 1e-13
    for B in (J + pylops.Zero(*J.shape), J - pylops.Zero(*J.shape)):
        assert error(B @ x.ravel(), J @ x.ravel()) < 1e-13
    assert pylops.utils.dottest(survey().F.encoded(WEIGHTS).pylops(), rtol=1e-12)
    assert survey().H.pylops().dims == J.dims
    found, expected = (
        pylops.cgls(B, imaging.data, niter=8, tol=0)[0]
        for B in (A.pylops(), pylops.MatrixMult(imaging.matrix))
    )
    assert error(found, expected) < 1e-12
    assert error(A @ found, imaging.data) < 0.1


def test_pyproximal(imaging: Imaging) -> None:
    """FISTA for the least of 1/2 |A x - d|^2 + a |x|_1: the steps with the matrix of A."""
    pylops, pyproximal = pytest.importorskip("pylops"), pytest.importorskip("pyproximal")
    d = imaging.data
    a = 0.1 * np.abs(imaging.A.T @ d).max()

    def least(B: Any, steps: int) -> np.ndarray:
        f, g = pyproximal.L2(Op=B, b=d), pyproximal.L1(a)
        primal = pyproximal.optimization.primal
        return primal.ProximalGradient(
            f, g, np.zeros(24), tau=0.99, niter=steps, tol=None, acceleration="fista"
        )

    matrix = pylops.MatrixMult(imaging.matrix)
    assert error(least(imaging.A.pylops(), 12), least(matrix, 12)) < 1e-9
    x = least(matrix, 3000)
    slope = imaging.A.T @ (d - imaging.A @ x)
    assert np.abs(slope).max() < 1.001 * a
    np.testing.assert_allclose(slope[x != 0], a * np.sign(x[x != 0]), rtol=1e-3)
    assert 1 <= np.sum(x != 0) < 12


def test_pyxu(imaging: Imaging) -> None:
    """The same values and adjoint, of several at once, too."""
    pytest.importorskip("pyxu")
    J = imaging.J
    A = J.pyxu()
    assert (A.dim_shape, A.codim_shape) == (J.dims, J.dimsd)
    x = imaging.reflector.reshape(J.dims)
    y = J @ x
    np.testing.assert_array_equal(A(x), y)
    np.testing.assert_array_equal(A.adjoint(y), J.T @ y)
    both = np.stack([x, x[::-1]])
    assert error(A(both)[1], J @ both[1]) < 1e-14
    assert error(A.gram()(x), J.T @ y) < 1e-12


@pytest.mark.torch
def test_torch_functions(imaging: Imaging) -> None:
    """A composition is differentiable to any order, forward, reverse, and for a batch."""
    import torch

    from fwicli.autograd.linear import linear

    random = np.random.default_rng(2)
    few = aslinearoperator(random.standard_normal((24, 2)))
    A = aslinearoperator(random.standard_normal((3, len(imaging.data)))) @ imaging.A @ few
    dense = torch.tensor(A @ np.eye(2))
    for adjoint, matrix in ((False, dense), (True, dense.T)):
        x = torch.tensor(random.standard_normal(matrix.shape[1]), requires_grad=True)

        def f(x: Any, adjoint: bool = adjoint) -> Any:
            return linear(A, x, adjoint) ** 2

        assert torch.autograd.gradcheck(f, x, check_forward_ad=True)
        assert torch.autograd.gradgradcheck(f, x)
        rows = torch.func.jacrev(lambda x, adjoint=adjoint: linear(A, x, adjoint))(x)
        assert torch.allclose(rows, matrix, rtol=1e-12, atol=0)
        batch = torch.stack([x, 2 * x]).detach()
        torch.testing.assert_close(linear(A, batch, adjoint), batch @ matrix.T)
        across = torch.func.vmap(lambda x, adjoint=adjoint: linear(A, x, adjoint), in_dims=1)
        torch.testing.assert_close(across(batch.T), batch @ matrix.T)
    with pytest.raises(DataError, match=r"takes \(33, 37\), or \(batch, 33, 37\)"):
        linear(imaging.J, torch.zeros(3))


def test_deepinverse(imaging: Imaging, survey: Any) -> None:
    """It finds the adjoint right, and reconstructs with it; images may have channels."""
    pytest.importorskip("deepinv")
    import torch

    from fwicli.autograd.linear import physics

    J, scale = imaging.J, np.linalg.norm(imaging.J @ imaging.reflector)
    made = physics(J / scale)
    x = torch.tensor(imaging.reflector).reshape(1, 1, *J.dims)
    y = made(x)
    assert y.shape == (1, *J.dimsd)
    assert error(y.numpy().ravel(), J @ imaging.reflector / scale) < 1e-13
    assert made.A_adjoint(y).shape == x.shape
    assert abs(made.adjointness_test(x)) < 1e-12 * float((y**2).sum())
    two = survey("variable_density").J[0]
    several = physics(two, channels=True)
    images = several.A_adjoint(torch.ones(3, *two.dimsd, dtype=torch.float64))
    assert images.shape == (3, 2, *two.dims[1:])
    assert several(images).shape == (3, *two.dimsd)
    small = physics(imaging.A, tol=1e-12)
    # Its conjugate gradients add 1e-8 to what they divide by, and its damping is in float32.
    x = 1e5 * torch.tensor(imaging.truth)[None, None]
    found = small.prox_l2(torch.zeros_like(x), small(x), gamma=100.0)
    matrix, d = imaging.matrix, imaging.data
    expected = np.linalg.solve(matrix.T @ matrix + 0.01 * np.eye(24), matrix.T @ d)
    assert error(found.numpy().ravel(), 1e5 * expected) < 1e-6
