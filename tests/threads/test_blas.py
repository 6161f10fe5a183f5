"""Products of matrices take one thread while shots run, and what they had before after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import threadpoolctl

from fwicli.execution import InProcess, Processes
from fwicli.propagators.running.kernel_run import KernelRun


def threads() -> set[int]:
    """Of products of matrices in this process."""
    return {x["num_threads"] for x in threadpoolctl.threadpool_info() if x["user_api"] == "blas"}


@pytest.mark.parametrize("make", [InProcess, lambda: Processes(2)], ids=["here", "workers"])
def test_tasks(make: Callable[[], Any]) -> None:
    executor = make()
    try:
        with threadpoolctl.threadpool_limits(2, user_api="blas"):
            assert threads() == {2}
            assert list(executor.map([threads] * 3)) == [{1}] * 3
            assert threads() == {2}
    finally:
        executor.close()


def test_propagations(make_setting: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    s, limits, run = make_setting(), [], KernelRun.run

    def watched(self: KernelRun, *arguments: Any, **named: Any) -> Any:
        limits.append(threads())
        return run(self, *arguments, **named)

    monkeypatch.setattr(KernelRun, "run", watched)
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        place = s.sources, s.receivers
        s.propagator.adjoint(s.model, s.forward(), *place)
        s.propagator.jacobian_adjoint(s.model, s.gather, s.wavelet, *place)
        assert threads() == {2}
    assert limits == [{1}] * 4
