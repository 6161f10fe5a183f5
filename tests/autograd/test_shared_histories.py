"""Histories wait for backward(): nothing is propagated twice, and no memory is left."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from fwicli import autograd
from fwicli.execution import InProcess, Local
from fwicli.propagators.running import shared_memory
from fwicli.propagators.running.kernel_run import KernelRun

Make = Callable[..., Any]


@contextmanager
def counted() -> Iterator[list[str]]:
    """Kinds of the kernels that run meanwhile, in this process."""
    kinds: list[str] = []
    run = KernelRun.run

    def counting(self: KernelRun, *series: Any) -> Any:
        kinds.append(self.signature.kind)
        return run(self, *series)

    KernelRun.run = counting  # type: ignore[method-assign]
    try:
        yield kinds
    finally:
        KernelRun.run = run  # type: ignore[method-assign]


def misfit(survey: Any, model: dict[str, torch.Tensor], **more: Any) -> torch.Tensor:
    made = autograd.forward(survey.waves(**more), model, survey.wavelet)
    return (made - survey.gather).square().sum()


def leaves(model: dict[str, torch.Tensor], *names: str) -> dict[str, torch.Tensor]:
    return {n: t.clone().requires_grad_(not names or n in names) for n, t in model.items()}


@pytest.fixture(autouse=True)
def _no_spare_memory() -> None:
    """Executors of other tests that are still there may have memory to spare: free it."""
    gc.collect()
    for spare in list(shared_memory._spares.values()):
        shared_memory._drop(spare.memories)


@pytest.mark.parametrize(("room", "again"), [(None, 0), (0, 2), (1.5, 1)])
def test_what_has_room_is_propagated_once(
    make_survey: Make, room: float | None, again: int
) -> None:
    survey = make_survey()
    model = leaves(survey.model)
    misfit(survey, model)
    # Memory of the history of a shot, from that of two.
    held = misfit(survey, model)
    each = shared_memory.bytes_in_use() / 2
    del held
    with counted() as kinds:
        value = misfit(survey, model, max_history_bytes=None if room is None else room * each)
    assert kinds == ["forward"] * 2
    with counted() as kinds:
        value.backward()
    assert kinds.count("forward") == again
    assert kinds.count("gradient") == 2
    plain = leaves(survey.model)
    misfit(survey, plain, max_history_bytes=0).backward()
    assert torch.equal(model["m"].grad, plain["m"].grad)
    with torch.no_grad():
        assert torch.allclose(value, misfit(survey, plain), rtol=1e-14)


@pytest.mark.parametrize("names", [(), ("k",), ("r",)])
def test_some_parameters(make_survey: Make, names: tuple[str, ...]) -> None:
    survey = make_survey("variable_density")
    found = []
    for held in (None, 0):
        model = leaves(survey.model, *names)
        with counted() as kinds:
            misfit(survey, model, max_history_bytes=held).backward()
        assert kinds.count("forward") == (2 if held is None else 4)
        found.append([model[n].grad for n in names or survey.model])
    assert all(torch.equal(waited, again) for waited, again in zip(*found, strict=True))


def test_memory_is_freed_with_what_is_saved(make_survey: Make) -> None:
    survey = make_survey()
    gc.collect()
    assert shared_memory.bytes_in_use() == 0
    value = misfit(survey, leaves(survey.model))
    one = shared_memory.bytes_in_use()
    assert one > 0
    values = [value, misfit(survey, leaves(survey.model))]
    assert shared_memory.bytes_in_use() == 2 * one
    values[0].backward()
    assert shared_memory.bytes_in_use() == one, (
        "freed by backward(), though the loss is still there"
    )
    values[1].backward(retain_graph=True)
    assert shared_memory.bytes_in_use() == one
    values[1].backward()
    assert shared_memory.bytes_in_use() == 0
    misfit(survey, leaves(survey.model))
    assert shared_memory.bytes_in_use() == 0, "a loss that nobody wants a derivative of"
    del value, values
    gc.collect()
    assert shared_memory.spare_bytes() == 0, "each had an executor of its own"


def test_memory_is_used_again_by_the_same_executor(make_survey: Make) -> None:
    survey, executor, other = make_survey(), InProcess(), InProcess()
    gc.collect()
    misfit(survey, leaves(survey.model), executor=executor).backward()
    one = shared_memory.spare_bytes()
    assert one > 0
    value = misfit(survey, leaves(survey.model), executor=executor)
    assert (shared_memory.bytes_in_use(), shared_memory.spare_bytes()) == (one, 0)
    del value
    assert (shared_memory.bytes_in_use(), shared_memory.spare_bytes()) == (0, one)
    value = misfit(survey, leaves(survey.model), executor=other, max_history_bytes=1.5 * one)
    assert (shared_memory.bytes_in_use(), shared_memory.spare_bytes()) == (one, 0), (
        "there was no room for both"
    )
    del value, other
    gc.collect()
    assert (shared_memory.bytes_in_use(), shared_memory.spare_bytes()) == (0, 0)


def test_memory_used_again_has_nothing_of_before(make_survey: Make) -> None:
    """Other waves, and another number of shots."""
    survey, executor = make_survey(), InProcess()
    found = []
    for more in ({"executor": executor}, {"max_history_bytes": 0}):
        for scale in (1.0, 3.0):
            model = leaves(survey.model)
            waves = survey.waves(**more)
            made = autograd.forward(waves, model, scale * survey.wavelet)
            (made - survey.gather).square().sum().backward()
            found.append(model["m"].grad)
    assert torch.equal(found[0], found[2])
    assert torch.equal(found[1], found[3])


def test_losses_alive_stay_within_their_memory(make_survey: Make) -> None:
    survey = make_survey()
    value = misfit(survey, leaves(survey.model))
    room = 1.2 * shared_memory.bytes_in_use()
    values = [
        value,
        *(misfit(survey, leaves(survey.model), max_history_bytes=room) for _ in range(3)),
    ]
    assert shared_memory.bytes_in_use() <= room
    models = leaves(survey.model)
    value = misfit(survey, models, max_history_bytes=room)
    del values
    value.backward()
    plain = leaves(survey.model)
    misfit(survey, plain, max_history_bytes=0).backward()
    assert torch.equal(models["m"].grad, plain["m"].grad)


def test_workers_find_each_others_histories(make_survey: Make) -> None:
    survey = make_survey()
    plain = leaves(survey.model)
    misfit(survey, plain, max_history_bytes=0).backward()
    with Local(2) as executor:
        model = leaves(survey.model)
        value = misfit(survey, model, executor=executor)
        # New workers did not make what they find.
        executor.close()
        value.backward()
    assert torch.equal(model["m"].grad, plain["m"].grad)
    assert shared_memory.bytes_in_use() == 0


def test_where_memory_is_not_shared(make_survey: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some machines let no process open what another one has: waves are propagated again."""

    def refuse(self: shared_memory.SharedSlot) -> None:
        raise PermissionError(self.path)

    survey = make_survey()
    plain, model = leaves(survey.model), leaves(survey.model)
    misfit(survey, plain, max_history_bytes=0).backward()
    executor = InProcess()
    # Memory that has the history of other waves.
    other = leaves({"m": 1.1 * survey.model["m"]})
    misfit(survey, other, executor=executor).backward()
    with monkeypatch.context() as patch:
        patch.setattr(shared_memory.SharedSlot, "open", refuse)
        value = misfit(survey, model, executor=executor)
    with counted() as kinds:
        value.backward()
    assert kinds.count("forward") == 2
    assert torch.equal(model["m"].grad, plain["m"].grad)


def test_recomputation_finds_what_it_has_made(make_survey: Make) -> None:
    survey = make_survey()
    model, plain = leaves(survey.model), leaves(survey.model)
    value = checkpoint(lambda m: misfit(survey, {"m": m}), model["m"], use_reentrant=False)
    assert shared_memory.bytes_in_use() == 0
    with counted() as kinds:
        value.backward()
    assert kinds == ["forward"] * 2 + ["gradient"] * 2
    misfit(survey, plain, max_history_bytes=0).backward()
    assert torch.equal(model["m"].grad, plain["m"].grad)
    assert shared_memory.bytes_in_use() == 0


def test_a_fork_does_not_free_the_memory(make_survey: Make) -> None:
    survey = make_survey()
    model, plain = leaves(survey.model), leaves(survey.model)
    value = misfit(survey, model)
    child = os.fork()
    if not child:
        try:
            del value
            gc.collect()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    with counted() as kinds:
        value.backward()
    assert kinds == ["gradient"] * 2
    misfit(survey, plain, max_history_bytes=0).backward()
    assert torch.equal(model["m"].grad, plain["m"].grad)


def test_products_with_the_hessian(make_survey: Make) -> None:
    survey = make_survey()
    found = []
    for held in (None, 0):
        model = leaves(survey.model)
        value = misfit(survey, model, max_history_bytes=held)
        (slope,) = torch.autograd.grad(value, model["m"], create_graph=True)
        along = model["m"].detach() * survey.change["m"]
        found.append(torch.autograd.grad(slope, model["m"], along)[0])
    assert torch.equal(*found)


def test_a_model_changed_in_place_is_refused(make_survey: Make) -> None:
    survey = make_survey()
    model = leaves(survey.model)
    value = misfit(survey, {"m": 1.0 * model["m"]})
    inner = 1.0 * model["m"]
    value = misfit(survey, {"m": inner})
    inner *= 1.01
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


def test_nothing_waits_where_no_gradient_is_wanted(
    make_survey: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    survey = make_survey()
    monkeypatch.setattr(
        "fwicli.simulation.SharedHistory", lambda *_: pytest.fail("a history is shared")
    )
    misfit(survey, survey.model)
    wavelet = survey.wavelet.clone().requires_grad_()
    autograd.forward(survey.waves(), survey.model, wavelet).sum().backward()
    with torch.no_grad():
        misfit(survey, leaves(survey.model))


def test_some_parameters_of_those_that_require_a_gradient(make_survey: Make) -> None:
    """By a transform, inside of which fewer are asked for."""
    survey = make_survey("variable_density")
    plain = leaves(survey.model)
    misfit(survey, plain, max_history_bytes=0).backward()
    model = leaves(survey.model)
    found = torch.func.grad(lambda k: misfit(survey, {**model, "k": k}))(model["k"])
    assert torch.allclose(found, plain["k"].grad, rtol=1e-12)
