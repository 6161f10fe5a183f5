"""Functions of waves under PyTorch: what is propagated, transforms, executors, and mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.checkpoint import checkpoint

from fwicli import ExtendedSource, autograd
from fwicli.autograd import rules
from fwicli.errors import DataError, FwiError, GeometryError, ModelError
from fwicli.execution import Local
from fwicli.simulation import Evaluation, history_within

Make = Callable[..., Any]


@contextmanager
def counted() -> Iterator[list[str]]:
    """What is propagated meanwhile: direction and number of directions of every call."""
    calls: list[str] = []
    run = rules.run

    def counting(call: Evaluation, arrays: list[Any]) -> list[Any]:
        images = any(s.role == "model" for s in call.outputs)
        kind = ("gradient" if images else "adjoint") if call.backward else "forward"
        calls.append(f"{kind}{call.n_directions}")
        return run(call, arrays)

    rules.run = counting
    try:
        yield calls
    finally:
        rules.run = run


def loss(survey: Any, m: torch.Tensor, wavelet: torch.Tensor | None = None) -> torch.Tensor:
    q = survey.wavelet if wavelet is None else wavelet
    return (autograd.forward(survey.waves(), m, q) - survey.gather).square().sum()


def leaf(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.clone().requires_grad_()


def test_only_what_is_asked_for_is_propagated(make_survey: Make) -> None:
    survey = make_survey()
    m, q = survey.model["m"], survey.wavelet
    with counted() as calls, torch.no_grad():
        loss(survey, leaf(m))
    assert calls == ["forward0"]
    with counted() as calls:
        loss(survey, m, q)
    assert calls == ["forward0"]
    for model, wavelet, expected in [
        (leaf(m), q, "gradient0"),
        (m, leaf(q), "adjoint0"),
        (leaf(m), leaf(q), "gradient0"),
    ]:
        value = loss(survey, model, wavelet)
        with counted() as calls:
            value.backward()
        assert calls == [expected]


@pytest.mark.parametrize("place", ["sources", "receivers", "volume"])
def test_positions_that_are_changed_later_do_not_reach_the_gradient(
    make_survey: Make, place: str
) -> None:
    """Of NumPy's arrays PyTorch cannot see that they changed between waves and gradient."""
    survey = make_survey()
    sources, receivers = (x.numpy().astype(float) for x in (survey.sources[0], survey.receivers))
    weights = np.zeros(survey.discretization.grid.shape)
    weights[3:5, 3:5] = 1e-3
    entrance = ExtendedSource(weights) if place == "volume" else sources
    changed = {"sources": sources, "receivers": receivers, "volume": weights}[place]
    wavelet = survey.wavelet[0][: 1 if place == "volume" else None]
    gradients = []
    for late in (False, True):
        m = leaf(survey.model["m"])
        waves = autograd.Simulation(survey.discretization, entrance, receivers)
        phi = autograd.forward(waves, m, wavelet).square().sum()
        if late:
            changed[:] = changed[::-1].copy() * 0.9
        phi.backward()
        gradients.append(m.grad)
    assert torch.equal(*gradients)


def test_linear_parts_are_not_linearised(make_survey: Make) -> None:
    """Second derivatives by what is linear take no Born modelling."""
    survey = make_survey()
    m, q, r = survey.model["m"], leaf(survey.wavelet), leaf(survey.gather)
    back = autograd.adjoint(survey.waves(), m, r)
    (slope,) = torch.autograd.grad(back.square().sum(), r, create_graph=True)
    with counted() as calls:
        torch.autograd.grad(slope.square().sum(), r)
    assert calls == ["adjoint0", "forward0"]
    dm = leaf(m * survey.change["m"])
    for wavelet, change, expected in [
        (survey.wavelet, dm, "gradient0"),
        (q, dm.detach(), "adjoint1"),
        (q, dm, "gradient1"),
    ]:
        born = autograd.jacobian(survey.waves(), m, wavelet, change)
        with counted() as calls:
            born.square().sum().backward()
        assert calls == [expected]


def test_transforms_of_torch_func(make_survey: Make) -> None:
    """Hessian, batched Jacobians and gradients, against the reverse mode applied twice."""
    survey = make_survey()
    m = survey.model["m"]
    basis = torch.stack([m * survey.change["m"], m * survey.change["m"].flip(0)])

    def of(c: torch.Tensor) -> torch.Tensor:
        return loss(survey, m + torch.einsum("k,kij->ij", c, basis))

    zero = torch.zeros(2, dtype=m.dtype)
    twice = torch.autograd.functional.hessian(of, zero)
    assert torch.allclose(torch.func.hessian(of)(zero), twice, rtol=1e-10)
    slopes = torch.autograd.functional.jacobian(of, zero)
    for transform in (torch.func.jacfwd, torch.func.jacrev, torch.func.grad):
        assert torch.allclose(transform(of)(zero), slopes, rtol=1e-10)


def test_vmap_over_shots(make_survey: Make) -> None:
    """Shots, models, and gradients of each shot, as in a loop."""
    survey = make_survey()
    m = survey.model["m"]
    waves = survey.waves(sources=survey.sources[0])
    batch = torch.stack([survey.wavelet[0], survey.wavelet[1]])

    def one(q: torch.Tensor) -> torch.Tensor:
        return autograd.forward(waves, m, q)

    with counted() as calls:
        together = torch.func.vmap(one)(batch)
    assert calls == ["forward0"]
    assert torch.equal(together, torch.stack([one(q) for q in batch]))
    outside, loop = leaf(m), leaf(m)
    torch.func.vmap(lambda q: autograd.forward(waves, outside, q))(batch).square().sum().backward()
    sum(autograd.forward(waves, loop, q).square().sum() for q in batch).backward()
    assert torch.allclose(outside.grad, loop.grad, rtol=1e-12)

    def slope(m: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        made = autograd.forward(waves, m, q)
        return torch.func.grad(lambda m: (autograd.forward(waves, m, q) * made).sum())(m)

    models = torch.stack([m, 1.1 * m])
    for dims in [(None, 0), (0, None), (0, 0)]:
        found = torch.func.vmap(slope, dims)(
            m if dims[0] is None else models, batch[0] if dims[1] is None else batch
        )
        each = [
            slope(m if dims[0] is None else models[i], batch[0 if dims[1] is None else i])
            for i in range(2)
        ]
        assert torch.allclose(found, torch.stack(each), rtol=1e-12)
    inner = torch.func.vmap(lambda m, q: autograd.forward(waves, m, q), (None, 0))
    nested = torch.func.vmap(inner, (0, None))(models, batch)
    assert torch.equal(nested, torch.stack([inner(m, batch) for m in models]))


def test_recomputation_and_retained_graphs_give_the_same_gradient(make_survey: Make) -> None:
    survey = make_survey()
    plain, again = leaf(survey.model["m"]), leaf(survey.model["m"])
    value = loss(survey, plain)
    value.backward(retain_graph=True)
    first = plain.grad.clone()
    plain.grad = None
    value.backward()
    checkpoint(lambda m: loss(survey, m), again, use_reentrant=False).backward()
    assert torch.equal(plain.grad, first)
    assert torch.equal(again.grad, first)


def test_workers_and_memory_do_not_change_the_bits(make_survey: Make) -> None:
    survey = make_survey()
    gradients = []
    with Local(2) as executor:
        for more in ({}, {"executor": executor}, {"memory": 1.5e5}):
            m = leaf(survey.model["m"])
            made = autograd.forward(survey.waves(**more), m, survey.wavelet)
            made.square().sum().backward()
            gradients.append(m.grad)
    assert torch.equal(gradients[0], gradients[1])
    assert torch.equal(gradients[0], gradients[2])


def test_history_of_a_lifted_equation_is_so_much_larger(make_survey: Make) -> None:
    made = make_survey(cells=4).discretization
    kinds = {(n, m): history_within(made, n, m).kind for n in (0, 1) for m in (1.5e5, 3e5, 1e8)}
    assert kinds[0, 1.5e5] == "checkpoints"
    assert kinds[0, 1e8] == kinds[1, 1e8] == "stored"
    assert (kinds[0, 3e5], kinds[1, 3e5]) == ("stored", "checkpoints")


def test_single_precision(make_survey: Make) -> None:
    survey = make_survey()
    m, single = leaf(survey.model["m"]), leaf(survey.model["m"].float())
    loss(survey, m).backward()
    made = autograd.forward(survey.waves(), single, survey.wavelet.float())
    assert made.dtype == torch.float32
    (made - survey.gather.float()).square().sum().backward()
    assert single.grad.dtype == torch.float32
    assert float((single.grad - m.grad).norm() / m.grad.norm()) < 1e-4


def test_whole_wave_fields(make_survey: Make) -> None:
    """A source everywhere, and a record of everything; the gradient by finite differences."""
    from fwicli import FullField

    survey = make_survey()
    m = survey.model["m"]
    waves = autograd.Simulation(survey.discretization, survey.sources[0], FullField())
    field = autograd.forward(waves, m, survey.wavelet[0])
    assert field.shape == (14, 9, 11)
    x = torch.zeros((), dtype=m.dtype, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x: (
            autograd.forward(waves, m * (1 + x * survey.change["m"]), survey.wavelet[0])
            / field.abs().max()
        ),
        (x,),
        eps=1e-5,
        atol=1e-6,
        fast_mode=True,
    )


def test_mistakes_are_explained(make_survey: Make) -> None:
    survey, layered = make_survey(), make_survey("variable_density")
    m, q = survey.model["m"], survey.wavelet
    weights = torch.ones(9, 11, dtype=m.dtype, requires_grad=True)
    volume = autograd.Simulation(survey.discretization, ExtendedSource(weights), survey.receivers)
    cases: list[tuple[type[FwiError], str, Callable[[], Any]]] = [
        (ModelError, "needs `r`", lambda: autograd.forward(layered.waves(), {"k": m}, q)),
        (ModelError, "no `vp`", lambda: autograd.forward(survey.waves(), {"vp": m, "m": m}, q)),
        (ModelError, "by name", lambda: autograd.forward(layered.waves(), m, q)),
        (ModelError, r"the grid \(9, 11\)", lambda: autograd.forward(survey.waves(), m[1:], q)),
        (ModelError, "float32", lambda: autograd.forward(survey.waves(), (1e9 * m).int(), q.int())),
        (DataError, "same precision", lambda: autograd.forward(survey.waves(), m, q.float())),
        (DataError, r"it needs \(1, 14\)", lambda: autograd.forward(survey.waves(), m, q[..., 1:])),
        (
            GeometryError,
            "numbers of shots differ: wavelet 3, sources 2",
            lambda: autograd.forward(survey.waves(), m, q[[0, 0, 1]]),
        ),
        (
            GeometryError,
            r"need \(n, 2\)",
            lambda: autograd.forward(survey.waves(receivers=torch.ones(2, 3)), m, q),
        ),
        (GeometryError, "require a gradient", lambda: autograd.forward(volume, m, q[0])),
    ]
    for kind, words, wrong in cases:
        with pytest.raises(kind, match=words):
            wrong()


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        ("tensor of layout sparse_coo; give a dense one", lambda t: t.to_sparse()),
        ("tensor on the device `meta`, without values", lambda t: t.to("meta")),
    ],
    ids=["sparse", "meta"],
)
def test_tensors_without_an_array_are_refused(
    make_survey: Make, words: str, changed: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    survey = make_survey()
    m, q = survey.model["m"], survey.wavelet
    with pytest.raises(ModelError, match=f"parameter m is a {words}"):
        autograd.forward(survey.waves(), changed(m), q)
    with pytest.raises(DataError, match=f"the wavelet is a {words}"):
        autograd.forward(survey.waves(), m, changed(q[0]))
    with pytest.raises(GeometryError, match=f"receivers is a {words}"):
        autograd.forward(survey.waves(receivers=changed(survey.receivers)), m, q)


def test_no_shots_are_refused(make_survey: Make) -> None:
    survey = make_survey()
    m, q = survey.model["m"], survey.wavelet
    with pytest.raises(GeometryError, match="number of shots is 0, by the shape of wavelet"):
        autograd.forward(survey.waves(sources=survey.sources[0]), m, q[:0])
    with pytest.raises(GeometryError, match="number of shots is 0, by the shape of sources"):
        autograd.forward(survey.waves(sources=survey.sources[:0]), m, q[0])
