"""Calls from several threads give the bits that they give one after the other."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import threadpoolctl

from fwicli import Propagator, Simulation, operators
from fwicli.execution import Processes
from fwicli.propagators.running.shot import ShotRunner
from fwicli.propagators.tasks import propagator
from fwicli.threads import blas

Make = Callable[..., Any]
Gradient = Callable[[int], np.ndarray]

DOORS = ("propagator", "kept", "several", "operators", "one operator", "autograd")


def gradients(s: Any, door: str) -> Gradient:
    """A gradient for one of many wavelets, through a door."""
    made, p = s.propagator.discretization, s.propagator
    wavelet = {n: np.roll(s.wavelet, n, axis=1) for n in range(16)}
    waves = Simulation(made, s.sources, s.receivers)
    J = operators.jacobian(waves, s.model, s.wavelet)

    def through(p: Any, n: int) -> np.ndarray:
        return np.asarray(
            p.jacobian_adjoint(s.model, s.gather, wavelet[n % 16], s.sources, s.receivers)["m"]
        )

    def torch_gradient(n: int) -> np.ndarray:
        import torch

        from fwicli import autograd

        own = Simulation(made, s.sources, s.receivers)
        m = torch.tensor(s.model["m"], requires_grad=True)
        gather = autograd.forward(own, {"m": m}, torch.tensor(wavelet[n % 16]))
        (gather * torch.tensor(s.gather)).sum().backward()
        return np.asarray(m.grad.numpy())

    functions: dict[str, Gradient] = {
        "propagator": lambda n: through(p, n),
        "kept": lambda n: through(propagator(made), n),
        # Two discretizations that take each other's place.
        "several": lambda n: through(propagator(replace(made, history_step=1 + n % 2)), n),
        "operators": lambda n: np.asarray(
            operators.jacobian(waves, s.model, wavelet[n % 16]).T @ s.gather
        ),
        "one operator": lambda n: np.asarray(J.T @ ((1 + n % 16) * s.gather)),
        "autograd": torch_gradient,
    }
    return functions[door]


def compare(gradient: Gradient, threads: int, count: int) -> tuple[int, int]:
    """How many of so many gradients, by so many threads, have the bits of serial ones."""
    alone = [gradient(n) for n in range(16)]
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(gradient, range(count)))
    return sum(np.array_equal(f, alone[n % 16]) for n, f in enumerate(found)), count


@pytest.mark.parametrize("door", DOORS)
def test_gradients_of_threads(make_setting: Make, door: str) -> None:
    """All are right, bit for bit."""
    if door == "autograd":
        pytest.importorskip("torch")
    right, count = compare(gradients(make_setting(2), door), 4, 24)
    assert right == count


@pytest.mark.slow
@pytest.mark.parametrize("threads", [2, 4])
@pytest.mark.parametrize("door", DOORS)
def test_many_gradients_of_threads(make_setting: Make, door: str, threads: int) -> None:
    """200 of each thread."""
    if door == "autograd":
        pytest.importorskip("torch")
    right, count = compare(gradients(make_setting(2, "float32"), door), threads, 200 * threads)
    assert right == count


def test_a_call_within_a_call(make_setting: Make) -> None:
    """A residual may propagate waves of its own with the same propagator."""
    s = make_setting(2)
    place = s.wavelet, s.sources, s.receivers
    expected = s.propagator.jacobian_adjoint(s.model, s.gather, *place)["m"]

    def residual(_: np.ndarray) -> np.ndarray:
        other = {"m": 1.1 * s.model["m"]}
        s.propagator.jacobian_adjoint(other, 2 * s.gather, -s.wavelet, s.sources, s.receivers)
        return np.asarray(s.gather)

    found = s.propagator.images(s.model, residual, *place).gradient["m"]
    assert np.array_equal(found, expected)


def test_memory_is_that_of_calls_at_the_same_time(
    make_setting: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other they share a runner; of many threads, few runners stay."""
    monkeypatch.setattr("fwicli.propagators.running.pool.MOST_IDLE", 2)
    s = make_setting(2)
    made: list[ShotRunner] = []
    start = ShotRunner.__init__

    def counted(self: ShotRunner, *given: Any) -> None:
        made.append(self)
        start(self, *given)

    monkeypatch.setattr(ShotRunner, "__init__", counted)
    p = Propagator(s.propagator.discretization)
    forward = lambda _: p.forward(s.model, s.wavelet, s.sources, s.receivers)  # noqa: E731
    for _ in range(3):
        forward(0)
    assert len(made) == 1
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(forward, range(16)))
    assert len(p._pool._idle) <= 2


def test_threads_of_products_come_back() -> None:
    """Whichever of several blocks that overlap ends first."""

    def threads() -> set[int]:
        return {
            x["num_threads"] for x in threadpoolctl.threadpool_info() if x["user_api"] == "blas"
        }

    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        first, second = blas.alone(), blas.alone()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert threads() == {1}
        second.__exit__(None, None, None)
        assert threads() == {2}


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies(make_setting: Make, copied: Callable[[Any], Any]) -> None:
    """Of propagators, waves and operators that have worked give the same."""
    s = make_setting(2)
    place = s.wavelet, s.sources, s.receivers
    expected = s.propagator.jacobian_adjoint(s.model, s.gather, *place)["m"]
    again = copied(s.propagator)
    assert again is not s.propagator
    assert again.discretization == s.propagator.discretization
    assert np.array_equal(again.jacobian_adjoint(s.model, s.gather, *place)["m"], expected)
    waves = Simulation(s.propagator.discretization, s.sources, s.receivers)
    for made in (
        lambda w: operators.forward(w, s.model).T,
        lambda w: operators.jacobian(w, s.model, s.wavelet).T,
        lambda w: 2 * operators.jacobian(w, s.model, s.wavelet).T,
    ):
        operator = made(waves)
        product = operator @ s.gather
        assert np.array_equal(copied(operator) @ s.gather, product)
        assert np.array_equal(made(copied(waves)) @ s.gather, product)


def test_copies_have_workers_of_their_own(make_setting: Make) -> None:
    """But for a copy in this process, which shares them."""
    s = make_setting(2)
    executor = Processes(2)
    waves = Simulation(s.propagator.discretization, s.sources, s.receivers, executor)
    assert copy.deepcopy(waves).executor is executor
    assert pickle.loads(pickle.dumps(waves)).executor.workers == 2
