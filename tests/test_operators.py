"""Wave operators are exact, transposed and composed, and solvers of others take them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import optimize
from scipy.sparse import random_array
from scipy.sparse.linalg import LinearOperator, aslinearoperator, eigsh, lsqr

from fwicli.errors import DataError, GeometryError, ModelError
from fwicli.execution import InProcess, Local
from fwicli.inversion.encoding import Encoding
from fwicli.operators import codes, extended, forward, gauss_newton, hessian, jacobian
from fwicli.operators.operator import Composed
from fwicli.propagators.places import Everywhere, Volume
from fwicli.propagators.propagator import Propagator
from fwicli.survey.wavelets import ricker, times
from fwicli.waves import Waves
from tests.conftest import ROOT

Make = Callable[..., Any]
SHOTS, N_SOURCES, N_RECEIVERS, SAMPLES = 3, 2, 4, 60
WEIGHTS = np.array([[1.0, -1.0, 0.5], [2.0, 0.0, -1.0]])


class Counting(InProcess):
    """Counts what is propagated."""

    def __init__(self) -> None:
        self.maps = self.tasks = 0

    def map(self, tasks: Sequence[Any], done: Any = None) -> Iterator[Any]:
        self.maps += 1
        self.tasks += len(tasks)
        return super().map(tasks, done)


class Survey:
    """A small random medium, shots in it, and the operators of all of them."""

    def __init__(self, make: Make, equation: str = "acoustic", precision: str = "float64") -> None:
        setting = make(equation=equation, precision=precision, samples=SAMPLES)
        self.propagator: Propagator = setting.propagator
        self.model = {n: v.astype(precision) for n, v in setting.model.items()}
        self.grid = self.propagator.grid
        self.names = tuple(self.model)
        random = np.random.default_rng(5)
        low, high = np.array(self.grid.origin), np.array(self.grid.end)
        self.sources = low + (high - low) * random.random((SHOTS, N_SOURCES, 2))
        self.receivers = low + (high - low) * random.random((N_RECEIVERS, 2))
        self.wavelet = random.standard_normal((SHOTS, N_SOURCES, SAMPLES))
        self.executor = Counting()
        self.waves = Waves(
            self.propagator.discretization, self.sources, self.receivers, self.executor
        )
        self.F = forward(self.waves, self.model)
        self.J = jacobian(self.waves, self.model, self.wavelet)
        self.N = gauss_newton(self.waves, self.model, self.wavelet)
        self.data = random.standard_normal(self.F.dimsd)
        self.H = hessian(self.waves, self.model, self.wavelet, data=self.data)

    def change(self, seed: int = 1) -> np.ndarray:
        """A random change of the model, a tenth of each parameter."""
        random = np.random.default_rng(seed)
        return self.J.pack(
            {n: 0.1 * v * random.standard_normal(v.shape) for n, v in self.model.items()}
        )


@pytest.fixture(scope="module")
def survey(make_setting: Make) -> Callable[..., Survey]:
    return cache(lambda *how: Survey(make_setting, *how))


def error(found: Any, expected: Any) -> float:
    """Relative difference."""
    return float(np.linalg.norm(np.subtract(found, expected)) / np.linalg.norm(expected))


EQUATIONS = ["acoustic", "variable_density"]
OPERATORS: dict[str, Callable[[Survey], Any]] = {
    "F": lambda s: s.F,
    "F of a shot": lambda s: s.F[1],
    "F of shots": lambda s: s.F[[2, 0]],
    "F encoded": lambda s: s.F.encoded(WEIGHTS),
    "F delayed": lambda s: s.F.encoded(WEIGHTS[0], [0, 7, 3]),
    "J": lambda s: s.J,
    "J of a shot": lambda s: s.J[-1],
    "J of shots": lambda s: s.J[1:],
    "J encoded": lambda s: s.J.encoded(WEIGHTS),
    "J delayed": lambda s: s.J.encoded(WEIGHTS, [[0, 1, 2], [9, 0, 5]]),
    "J of one parameter": lambda s: jacobian(s.waves, s.model, s.wavelet, s.names[-1]),
    "JTJ": lambda s: s.N,
    "JTJ of shots": lambda s: s.N[::2],
    "JTJ encoded": lambda s: s.N.encoded(WEIGHTS),
    "H": lambda s: s.H,
    "H of a shot": lambda s: s.H[0],
    "H encoded": lambda s: s.H.encoded(WEIGHTS[1]),
    "w": lambda s: extended(s.waves, s.model, s.wavelet),
    "w of shots": lambda s: extended(s.waves, s.model, s.wavelet[:, :1])[1:],
    "E w": lambda s: s.F.encoder(WEIGHTS[0]) @ extended(s.waves, s.model, s.wavelet),
    "E": lambda s: s.F.encoder(WEIGHTS, [[0, 1, 2], [9, 0, 5]]),
    "E J": lambda s: s.J.encoder(WEIGHTS[0]) @ s.J,
    "J transposed": lambda s: s.J.T,
    "sum": lambda s: sum(s.J[n].H @ s.J[n] for n in range(2)) - 2 * s.H / 3,
    "power": lambda s: -(s.N**2),
    "with SciPy": lambda s: (
        aslinearoperator(random_array((7, s.J.shape[0]), density=0.1, rng=1)) @ s.J
    ),
}


# Of several parameters, those that the others are made of.
CASES = [(name, "acoustic") for name in OPERATORS]
CASES += [(n, "variable_density") for n in ("F", "J", "J of one parameter", "JTJ", "H encoded")]


@pytest.mark.parametrize(("name", "equation"), CASES)
def test_adjoints(survey: Any, name: str, equation: str) -> None:
    """<A x, y> = <x, A^T y> to round-off, and A^T is what .H gives."""
    operator = OPERATORS[name](survey(equation))
    random = np.random.default_rng(3)
    x, y = random.standard_normal(operator.shape[1]), random.standard_normal(operator.shape[0])
    Ax, Aty = operator.matvec(x), operator.rmatvec(y)
    scale = np.linalg.norm(Ax) * np.linalg.norm(y)
    assert scale > 0
    assert abs(np.vdot(Ax, y) - np.vdot(x, Aty)) < 1e-12 * scale
    np.testing.assert_array_equal(operator.H @ y, Aty)


def test_dottest_measures(survey: Any) -> None:
    """The error of an adjoint: none of J, and that of one which is wrong by a factor."""
    J = survey().J[0]
    assert J.dottest() < 1e-12
    assert J.T.dottest() < 1e-12
    wrong = LinearOperator(J.shape, J.matvec, lambda y: 1.01 * J.rmatvec(y), dtype=J.dtype)
    assert 1e-5 < Composed(wrong, J.dims, J.dimsd).dottest() < 1e-2


@pytest.mark.parametrize("equation", EQUATIONS)
def test_shots_are_those_of_the_propagator(survey: Any, equation: str) -> None:
    """F, J, J^T, J^T J and H of every shot, and their sums."""
    s = survey(equation)
    change, p = s.change(), s.propagator
    named, residual = s.J.unpack(change), s.F @ s.wavelet - s.data
    total: dict[str, Any] = {"J^T": 0.0, "N": 0.0, "H": 0.0}
    for n in range(SHOTS):
        at = s.wavelet[n], s.sources[n], s.receivers
        np.testing.assert_array_equal((s.F @ s.wavelet)[n], p.forward(s.model, *at))
        born = p.jacobian(s.model, named, *at)
        np.testing.assert_array_equal((s.J @ change)[n], born)
        total["J^T"] += s.J.pack(p.jacobian_adjoint(s.model, residual[n], *at))
        total["N"] += s.J.pack(p.gauss_newton(s.model, named, *at))
        total["H"] += s.J.pack(p.hessian(s.model, named, residual[n], *at))
    at_residual = hessian(s.waves, s.model, s.wavelet, residual=residual)
    assert error(s.J.T @ residual, total["J^T"]) < 1e-13
    assert error(s.N @ change, total["N"]) < 1e-13
    assert error(s.H @ change, total["H"]) < 1e-13
    assert error(at_residual @ change, total["H"]) < 1e-13
    assert error(s.N @ change, s.J.T @ (s.J @ change)) < 1e-12


@pytest.mark.parametrize("equation", EQUATIONS)
def test_hessian_is_the_derivative_of_the_gradient(survey: Any, equation: str) -> None:
    """Central differences of J^T (F q - d), to 1e-6; Gauss-Newton alone is not it."""
    s = survey(equation)
    change = s.change()

    def gradient(step: float) -> np.ndarray:
        model = {n: s.model[n] + step * v for n, v in s.J.unpack(change).items()}
        residual = forward(s.waves, model) @ s.wavelet - s.data
        return jacobian(s.waves, model, s.wavelet).T @ residual

    step = 1e-4
    difference = (gradient(step) - gradient(-step)) / (2 * step)
    for n in range(len(s.names)):
        part = (slice(None),) if len(s.names) == 1 else (n,)
        assert error((s.H @ change)[part], difference[part]) < 1e-6
        assert error((s.N @ change)[part], difference[part]) > 1e-2


def test_shapes_are_kept(survey: Any) -> None:
    """Of model and data, for one and several parameters; vectors stay vectors."""
    s, two = survey(), survey("variable_density")
    assert s.F.dims == (SHOTS, N_SOURCES, SAMPLES)
    assert s.F.dimsd == s.J.dimsd == (SHOTS, N_RECEIVERS, SAMPLES)
    assert s.J.dims == s.J.T.dimsd == s.J.H.dimsd == s.grid.shape
    assert two.J.dims == two.H.dimsd == (2, *s.grid.shape)
    assert s.F[0].dims == (N_SOURCES, SAMPLES)
    assert s.F[:1].dims == (1, N_SOURCES, SAMPLES)
    assert (2 * s.J.encoder(WEIGHTS) @ s.J @ s.N).dims == s.grid.shape
    assert (s.J.encoder(WEIGHTS) @ s.J).dimsd == (2, N_RECEIVERS, SAMPLES)
    change = s.change()
    assert (s.J @ change).shape == s.J.dimsd
    assert (s.J @ change.ravel()).shape == (s.J.shape[0],)
    both = s.J @ np.stack([change.ravel(), 2 * change.ravel()], axis=1)
    assert error(both[:, 1], 2 * (s.J @ change).ravel()) < 1e-14


def test_parameters_by_name(survey: Any) -> None:
    """A change of one is the change of all with zeros; in any order."""
    s = survey("variable_density")
    k, r = s.names
    change = s.J.unpack(s.change())
    alone = jacobian(s.waves, s.model, s.wavelet, r)
    assert alone.dims == s.grid.shape
    assert error(alone @ change[r], s.J @ s.J.pack({r: change[r]})) < 1e-13
    assert error(alone.T @ s.data, s.J.unpack(s.J.T @ s.data)[r]) < 1e-13
    N = gauss_newton(s.waves, s.model, s.wavelet, r)
    assert N._discretization().parameters == (r,)
    whole = s.N @ s.J.pack({r: change[r]})
    assert error(N @ change[r], s.J.unpack(whole)[r]) < 1e-13
    turned = jacobian(s.waves, s.model, s.wavelet, (r, k))
    np.testing.assert_array_equal(turned.pack(change), s.change()[::-1])
    assert error(turned @ turned.pack(change), s.J @ s.change()) < 1e-14
    with pytest.raises(ModelError, match=r"`vp` does not change; what does is k, r"):
        s.J.pack({"vp": change[k]})


def test_selected_shots(survey: Any) -> None:
    """Are rows of F and J, and terms of J^T J and H."""
    s = survey()
    change = s.change()
    d, dd = s.F @ s.wavelet, s.J @ change
    for which in (slice(1, 3), [2, 0], np.array([True, False, True]), -1, 0):
        np.testing.assert_array_equal(s.F[which] @ s.wavelet[which], d[which])
        np.testing.assert_array_equal(s.J[which] @ change, dd[which])
    assert error(s.H[:2] @ change + s.H[2] @ change, s.H @ change) < 1e-13
    assert error(s.N[0] @ change + s.N[[1, 2]] @ change, s.N @ change) < 1e-13
    np.testing.assert_array_equal(s.J[1:][1] @ change, dd[2])
    assert len([shot for shot in s.J]) == SHOTS  # noqa: C416 - the loop over shots is the point
    with pytest.raises(IndexError, match="only one shot"):
        s.J[0][0]
    with pytest.raises(IndexError, match="no shot is selected of 3"):
        s.J[3:]


def test_shots_of_one_place(survey: Any) -> None:
    """Sources and receivers of all shots, in volumes and everywhere; receivers of each shot."""
    s = survey()
    random = np.random.default_rng(6)
    plate = Volume(random.random((N_SOURCES, *s.grid.shape)))
    for sources, receivers in ((s.sources[0], s.receivers), (plate, Everywhere(every=20))):
        waves = replace(s.waves, sources=sources, receivers=receivers)
        several, one = forward(waves, s.model, shots=SHOTS), forward(waves, s.model)
        d = several @ s.wavelet
        np.testing.assert_array_equal(d[1], one @ s.wavelet[1])
        assert several.dottest() < 1e-12
        together = several.encoded(WEIGHTS)
        assert error(together @ s.wavelet, np.tensordot(WEIGHTS, d, 1)) < 1e-12
        assert together.dottest() < 1e-12
        J = jacobian(waves, s.model, s.wavelet[0])
        assert J.dimsd == one.dimsd
        assert J.dottest() < 1e-12
    towed = s.receivers + np.arange(SHOTS)[:, None, None]
    waves = replace(s.waves, receivers=towed)
    F = forward(waves, s.model)
    np.testing.assert_array_equal(
        F[2] @ s.wavelet[2],
        s.propagator.forward(s.model, s.wavelet[2], s.sources[2], towed[2]),
    )
    for sums in (F.encoded, F.encoder):
        with pytest.raises(GeometryError, match="receivers of shot 1 lie elsewhere"):
            sums(WEIGHTS)


def test_extended_sources(survey: Any) -> None:
    """One over the cell volume at a node is a point source there; nothing makes no waves."""
    s = survey()
    A = extended(s.waves, s.model, s.wavelet)
    assert (A.dims, A.dimsd) == ((SHOTS, N_SOURCES, *s.grid.shape), s.F.dimsd)
    w = np.zeros(A.dims)
    assert not (A @ w).any()
    w[1, 0, 12, 20] = w[1, 1, 20, 9] = 1 / s.grid.cell_volume
    nodes = np.array(s.grid.origin) + np.array([[12, 20], [20, 9]]) * np.array(s.grid.spacing)
    expected = s.propagator.forward(s.model, s.wavelet[1], nodes, s.receivers)
    found = A @ w
    assert error(found[1], expected) < 1e-12
    assert not found[[0, 2]].any()
    assert error(A[1] @ w[1], expected) < 1e-12
    assert A[0].dims == (N_SOURCES, *s.grid.shape)
    assert extended(s.waves, s.model, s.wavelet[0, :1]).dims == s.grid.shape
    with pytest.raises(DataError, match=r"shape \(60,\); extended sources need \(n, samples\)"):
        extended(s.waves, s.model, s.wavelet[0, 0])


def test_nothing_is_propagated_before_it_is_applied(survey: Any) -> None:
    """Then once for each shot, or for each code; columns of a matrix at once."""
    s = survey()
    before = s.executor.tasks
    total = sum(w * s.J[n].H @ s.J[n] for n, w in enumerate((1.0, 2.0)))
    summed, coded = s.J.encoder(WEIGHTS) @ s.J, s.J.encoded(WEIGHTS)
    H, F = s.H.encoded(WEIGHTS[0]), s.F.encoded(WEIGHTS[0])
    assert s.executor.tasks == before
    change = s.change()
    for operator, x, expected in (
        (summed, change, SHOTS),
        (coded, change, 2),
        (F, s.wavelet, 1),
        (H, change, 1),
        (s.N, change, SHOTS),
        (total, change, 4),
    ):
        before = s.executor.tasks
        operator @ x
        assert s.executor.tasks - before == expected
    maps, before = s.executor.maps, s.executor.tasks
    s.J.matmat(np.stack([change.ravel()] * 4, axis=1))
    assert (s.executor.maps - maps, s.executor.tasks - before) == (1, 4 * SHOTS)


@pytest.mark.parametrize("equation", EQUATIONS)
def test_encoded_operators_are_explicit_sums(survey: Any, equation: str) -> None:
    """F, J, J^T J and H of codes against sums over shots that were propagated one by one."""
    s = survey(equation)
    change, d = s.change(), s.F @ s.wavelet
    E = s.F.encoder(WEIGHTS)
    coded = np.stack([sum(w * d[n] for n, w in enumerate(row)) for row in WEIGHTS])
    assert error(E @ d, coded) < 1e-14
    assert error(s.F.encoded(WEIGHTS) @ s.wavelet, coded) < 1e-12
    assert error(s.F.encoded(WEIGHTS[1]) @ s.wavelet, coded[1]) < 1e-12
    assert error(s.J.encoded(WEIGHTS) @ change, E @ (s.J @ change)) < 1e-12
    y = np.random.default_rng(4).standard_normal(E.dimsd)
    assert error(s.J.encoded(WEIGHTS).T @ y, s.J.T @ (E.T @ y)) < 1e-12
    assert error(s.F.encoded(WEIGHTS).T @ y, s.F.T @ (E.T @ y)) < 1e-12
    assert error(s.N.encoded(WEIGHTS) @ change, (s.J.T @ E.T @ E @ s.J) @ change) < 1e-12
    residual = np.asarray(E.T @ (E @ (d - s.data)))
    expected = hessian(s.waves, s.model, s.wavelet, residual=residual) @ change
    expected += (s.J.T @ E.T @ E @ s.J - s.N) @ change
    assert error(s.H.encoded(WEIGHTS) @ change, expected) < 1e-12


def test_delayed_sources_are_delayed_records(survey: Any) -> None:
    """As far as wavelets and records are sampled well; with the codes of inversions."""
    s = survey()
    axis = replace(s.waves.discretization.axis, samples=120)
    waves = replace(s.waves, discretization=replace(s.waves.discretization, axis=axis))
    F = forward(waves, s.model)
    wavelet = np.zeros((SHOTS, N_SOURCES, 120))
    wavelet[:, 0] = ricker(times(0.004, 120), 12.0, 0.13)
    drawn = Encoding(sources=2, delay=0.05).codes(np.arange(SHOTS), 0.004, 0, 1)
    weights, delays = codes(drawn, SHOTS)
    assert delays.max() > 3
    d = F @ wavelet
    expected = np.stack([code.records(d[code.shots]) for code in drawn])
    np.testing.assert_allclose(F.encoder(weights, delays) @ d, expected, rtol=1e-13)
    assert error(F.encoded(weights, delays) @ wavelet, expected) < 1e-6
    J = jacobian(waves, s.model, wavelet)
    coded = J.encoded(weights, delays) @ s.change()
    assert error(coded, J.encoder(weights, delays) @ (J @ s.change())) < 1e-5


def test_numbers_of_other_kinds(survey: Any) -> None:
    """Complex vectors have two parts; single precision is that of the model."""
    s, single = survey(), survey("acoustic", "float32")
    x, y = s.change(1), s.change(2)
    assert error(s.J @ (x + 1j * y), s.J @ x + 1j * (s.J @ y)) < 1e-14
    assert (single.J @ x).dtype == single.F.dtype == np.float32
    assert error(single.J @ x, s.J @ x) < 1e-4
    assert single.J.dottest() < 1e-5
    np.testing.assert_array_equal(s.N @ np.zeros(s.N.dims), 0.0)


def test_workers_change_nothing(survey: Any) -> None:
    """Bit-identical results of two processes, also within a memory."""
    s = survey()
    change = s.change()
    with Local(2) as executor:
        waves = replace(s.waves, executor=executor)
        J = jacobian(waves, s.model, s.wavelet)
        H = hessian(waves, s.model, s.wavelet, data=s.data)
        np.testing.assert_array_equal(J.T @ s.data, s.J.T @ s.data)
        np.testing.assert_array_equal(H @ change, s.H @ change)
    little = replace(s.waves, memory=2e6)
    H = hessian(little, s.model, s.wavelet, data=s.data)
    assert H._discretization().keeping.kind == "checkpoints"
    assert error(H @ change, s.H @ change) < 1e-12


# --- solvers -------------------------------------------------------------------------------------


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


def test_torch_functions(imaging: Imaging) -> None:
    """A composition is differentiable to any order, forward, reverse, and for a batch."""
    torch = pytest.importorskip("torch")
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


def test_the_page_of_documentation_runs() -> None:
    """Every example of docs/operators.md, one after the other."""
    pytest.importorskip("pylops")
    text = (ROOT / "docs/operators.md").read_text()
    names: dict[str, Any] = {"__name__": "page"}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, names)
    assert names["A"].dimsd == (3, 5, 120)


def test_mistakes_are_explained(survey: Any) -> None:
    s = survey()
    change = s.change()
    with pytest.raises(DataError, match=r"takes arrays of shape \(33, 37\), or vectors of 1221"):
        s.J @ change[:-1]
    with pytest.raises(DataError, match=r"this array has the shape \(\)"):
        s.J @ np.array(2.0)
    with pytest.raises(DataError, match=r"right one gives \(3, 4, 60\)"):
        s.J @ s.J
    with pytest.raises(DataError, match="cannot be added"):
        s.J + s.J[0]
    with pytest.raises(DataError, match=r"wavelet has the shape \(3, 2, 59\)"):
        jacobian(s.waves, s.model, s.wavelet[..., 1:])
    with pytest.raises(GeometryError, match=r"numbers of shots differ.*sources 3, wavelet 2"):
        jacobian(s.waves, s.model, s.wavelet[:2])
    with pytest.raises(DataError, match=r"either `data`, .* or `residual`"):
        hessian(s.waves, s.model, s.wavelet)
    with pytest.raises(ModelError, match="choose among m, each once"):
        jacobian(s.waves, s.model, s.wavelet, "vp")
    with pytest.raises(ModelError, match="m float16"):
        forward(s.waves, s.model["m"].astype(np.float16))
    with pytest.raises(ModelError, match="give them by name"):
        forward(survey("variable_density").waves, s.model["m"])
    with pytest.raises(GeometryError, match=r"there are 3 shots; got \(2,\)"):
        s.J.encoded([1, 2])
    with pytest.raises(GeometryError, match="no shots"):
        s.J[0].encoded([1])
    with pytest.raises(GeometryError, match=r"delays need a whole number of samples from 0 to 59"):
        s.J.encoded([1, 1, 1], [0, -1, 0])
