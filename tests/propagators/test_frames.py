"""How many calls lie between an operator and the compiled function."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fwicli
from fwicli.propagators.kernels.kernel import Kernel

PACKAGE = str(Path(fwicli.__file__).parent)
# Operators of a propagator, and frames of this package from them to the compiled function.
MOST = 4


def frames() -> list[str]:
    """Functions of this package that are running, the innermost first."""
    names, frame = [], sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(PACKAGE):
            names.append(frame.f_code.co_name)
        frame = frame.f_back
    return names


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Stacks at each call of a compiled function."""
    seen: list[list[str]] = []
    function = Kernel.function.func

    class Traced:
        """Stands for the compiled function, and notes who calls it."""

        def __get__(self, kernel: Kernel, _: Any) -> Callable[..., Any]:
            def traced(*arguments: Any) -> Any:
                seen.append(frames())
                return function(kernel)(*arguments)

            return traced

        def __set__(self, *_: Any) -> None:
            raise AttributeError

    monkeypatch.setattr(Kernel, "function", Traced())
    return seen


def test_forward_reaches_the_compiled_function_in_four_frames(
    make_setting: Callable[..., Any], stacks: list[list[str]]
) -> None:
    s = make_setting(precision="float32")
    s.forward()
    assert stacks
    for stack in stacks:
        assert stack[-1] == "forward"
        assert len(stack) <= MOST


def test_others_take_at_most_one_more(
    make_setting: Callable[..., Any], stacks: list[list[str]]
) -> None:
    """Operators in terms of others have their own frame: a gradient is an image."""
    s = make_setting(precision="float32")
    points = s.sources, s.receivers
    s.propagator.adjoint(s.model, s.gather, *points)
    s.propagator.jacobian_adjoint(s.model, s.gather, s.wavelet, *points)
    assert {stack[-1] for stack in stacks} == {"adjoint", "jacobian_adjoint"}
    assert max(map(len, stacks)) <= MOST + 1
