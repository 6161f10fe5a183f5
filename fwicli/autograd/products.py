"""Products and sums whose changes can be differentiated again.

PyTorch switches forward differentiation off while it asks a function of ours for its change, so
that plain operations there have no change of their own: nested forward derivatives would be zero
without a word. Functions of ours keep it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class _Multilinear(torch.autograd.Function):
    """f(a, b, ...), linear in each of its arguments, or in all together."""

    generate_vmap_rule = True

    @staticmethod
    def forward(f: Callable[..., Tensor], together: bool, *tensors: Tensor) -> Tensor:  # noqa: ARG004
        """The value of f."""
        return f(*tensors).clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], _: Tensor) -> None:
        """Keep the arguments."""
        ctx.f, ctx.together, *tensors = inputs
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Any, ...]:
        """Cotangents of the arguments."""
        back = torch.func.vjp(ctx.f, *ctx.saved_tensors)[1]
        return (None, None, *back(cotangent))

    @staticmethod
    def jvp(ctx: Any, _f: None, _together: None, *tangents: Tensor | None) -> Tensor:
        """The change of f."""
        arguments = ctx.saved_tensors
        if ctx.together:
            changes = [
                torch.zeros_like(g) if t is None else t
                for g, t in zip(arguments, tangents, strict=True)
            ]
            return linear_in_all(ctx.f, *changes)
        terms = [
            multilinear(ctx.f, *arguments[:n], t, *arguments[n + 1 :])
            for n, t in enumerate(tangents)
            if t is not None
        ]
        return add(*terms)


def multilinear(f: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """f of tensors, linear in each of them.

    Parameters
    ----------
    f : callable
        Function of tensors that gives a tensor.
    *tensors : Tensor
        Its arguments.

    Returns
    -------
    Tensor
        Its value, which can be differentiated in forward mode again.
    """
    product: Tensor = _Multilinear.apply(f, False, *tensors)  # type: ignore[no-untyped-call]
    return product


def linear_in_all(f: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """f of tensors, linear in all of them together.

    Parameters
    ----------
    f : callable
        Function of tensors that gives a tensor.
    *tensors : Tensor
        Its arguments.

    Returns
    -------
    Tensor
        Its value, which can be differentiated in forward mode again.
    """
    value: Tensor = _Multilinear.apply(f, True, *tensors)  # type: ignore[no-untyped-call]
    return value


def add(*tensors: Tensor) -> Tensor:
    """The sum."""
    return linear_in_all(_sum, *tensors) if len(tensors) > 1 else tensors[0]


def _sum(*tensors: Tensor) -> Tensor:
    total = tensors[0]
    for t in tensors[1:]:
        total = total + t
    return total
