"""Wave operators are exact, transposed and composed."""

from __future__ import annotations

import gc
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy.sparse import random_array
from scipy.sparse.linalg import LinearOperator, aslinearoperator

import fwicli
from fwicli import Discretization
from fwicli.errors import DataError, GeometryError, ModelError
from fwicli.execution import Local
from fwicli.operators import extended, forward, gauss_newton, hessian, jacobian
from fwicli.operators.operator import Composed
from fwicli.propagators.locations import ExtendedSource, FullField
from fwicli.propagators.running import shared_memory
from fwicli.propagators.running.kernel_run import KernelRun
from tests.conftest import ROOT
from tests.equations import USUAL_ORDER
from tests.operators.surveys import N_RECEIVERS, N_SOURCES, SAMPLES, SHOTS, WEIGHTS, Survey, error

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
    "J of one parameter": lambda s: jacobian(s.waves, s.model, s.wavelet, s.names[0]),
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
    alone = jacobian(s.waves, s.model, s.wavelet, k)
    assert alone.dims == s.grid.shape
    assert error(alone @ change[k], s.J @ s.J.pack({k: change[k]})) < 1e-13
    assert error(alone.T @ s.data, s.J.unpack(s.J.T @ s.data)[k]) < 1e-13
    other = jacobian(s.waves, s.model, s.wavelet, r)
    assert error(other @ change[r], s.J @ s.J.pack({r: change[r]})) < 1e-13
    N = gauss_newton(s.waves, s.model, s.wavelet, k)
    assert N._discretization().parameters == (k,)
    turned = jacobian(s.waves, s.model, s.wavelet, (r, k))
    np.testing.assert_array_equal(turned.pack(change), s.change()[::-1])
    assert error(turned @ turned.pack(change), s.J @ s.change()) < 1e-14
    with pytest.raises(ModelError, match=r"`vp` does not change; what does is k, r"):
        s.J.pack({"vp": change[k]})


# Slow: a kernel of its own, for the history of one parameter and of its change.
@pytest.mark.slow
def test_product_of_one_parameter(survey: Any) -> None:
    """J^T J of one is a block of that of all."""
    s = survey("variable_density")
    k = s.names[0]
    change = s.J.unpack(s.change())[k]
    N = gauss_newton(s.waves, s.model, s.wavelet, k)
    whole = s.N @ s.J.pack({k: change})
    assert error(N @ change, s.J.unpack(whole)[k]) < 1e-13


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
    plate = ExtendedSource(random.random((N_SOURCES, *s.grid.shape)))
    for sources, receivers in ((s.sources[0], s.receivers), (plate, FullField(every=20))):
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


def test_histories_wait_from_the_second_product_on(
    survey: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    s = survey("variable_density")
    model = {n: v.copy() for n, v in s.model.items()}
    J = jacobian(s.waves, model, s.wavelet)
    kinds: list[str] = []
    run = KernelRun.run

    def counting(self: KernelRun, *series: Any) -> Any:
        kinds.append(self.signature.kind)
        return run(self, *series)

    monkeypatch.setattr(KernelRun, "run", counting)
    gc.collect()
    before = shared_memory.bytes_in_use()
    found = []
    for forwards in (SHOTS, SHOTS, 0, 0):
        kinds.clear()
        found.append(J.T @ s.data)
        assert (kinds.count("forward"), kinds.count("gradient")) == (forwards, SHOTS)
        # Another model of the caller's is not that of the operator.
        model[s.names[0]] *= 1.01
    assert all(np.array_equal(f, found[0]) for f in found)
    assert np.array_equal(pickle.loads(pickle.dumps(J)).T @ s.data, found[0])
    assert shared_memory.bytes_in_use() > before
    del J
    gc.collect()
    assert shared_memory.bytes_in_use() == before


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
    assert H._discretization().history.kind == "checkpoints"
    assert error(H @ change, s.H @ change) < 1e-12


def test_the_page_of_documentation_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every example of docs/guide/operators.md, one after the other.

    With differences of the order of all tests, whose kernels are there.
    """
    pytest.importorskip("pylops")
    monkeypatch.setattr(fwicli, "Discretization", partial(Discretization, order=USUAL_ORDER))
    text = (ROOT / "docs/guide/operators.md").read_text()
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
