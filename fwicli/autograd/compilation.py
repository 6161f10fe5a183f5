"""Functions that `torch.compile` does not trace: those that propagate waves.

It compiles the code before and after them. Propagation is no tensor operation.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def opaque(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, at which compiled graphs break."""

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        if torch.compiler.is_compiling():
            # Here alone: it imports the compiler, which takes seconds, and which is there now.
            from fwicli.autograd.uncompiled import call

            result: R = call(function, *args, **kwargs)
            return result
        return function(*args, **kwargs)

    return called
