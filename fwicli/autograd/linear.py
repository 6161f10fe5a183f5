"""Linear operators of SciPy, PyLops and `fwicli.operators` as differentiable functions of tensors.

    y = A x,        cotangent of x:  A^H v,        tangent of y:  A x'

The functions of `autograd.functions` know more: their model and wavelet have derivatives, too. An
operator here is fixed, and may be composed with others, as R @ J @ S; its derivatives are of any
order, forward and reverse. `physics` makes a physics of DeepInverse (https://deepinv.github.io).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fwicli.autograd.compilation import opaque
from fwicli.errors import DataError


@opaque
def linear(operator: Any, x: Tensor, adjoint: bool = False) -> Tensor:
    """A x, or A^H x.

    Parameters
    ----------
    operator : LinearOperator of SciPy or PyLops
        With `dims` and `dimsd`, the shapes of x and y, or without, for vectors.
    x : Tensor of shape (..., *dims)
        Those before are a batch, whose members are applied at once.
    adjoint : bool
        Whether A^H is applied, to shape (..., *dimsd).

    Returns
    -------
    y : Tensor of shape (..., *dimsd), or (..., *dims) for A^H
        In the precision of x.

    Raises
    ------
    DataError
        If x has another shape.
    """
    before = _shapes(operator)[adjoint]
    if tuple(x.shape[-len(before) :]) != before:
        raise DataError(
            f"the tensor has the shape {tuple(x.shape)}; this operator takes {before}, or "
            f"(batch, {', '.join(map(str, before))})"
        )
    y: Tensor = _Linear.apply(operator, adjoint, x)  # type: ignore[no-untyped-call]
    return y


def physics(operator: Any, channels: bool = False, **options: Any) -> Any:
    """A linear physics of DeepInverse: images (batch, channels, *grid) to measurements.

    Parameters
    ----------
    operator : LinearOperator of SciPy or PyLops
    channels : bool
        Whether the first of the operator's `dims` are the channels of an image, as where several
        parameters change; else there is one channel.
    **options
        Of `deepinv.physics.LinearPhysics`, as the noise model.

    Returns
    -------
    deepinv.physics.LinearPhysics
    """
    from deepinv.physics import LinearPhysics  # late: not among the requirements

    dims = _shapes(operator)[0]
    image = dims if channels else (1, *dims)

    def forward(x: Tensor, **_: Any) -> Tensor:
        return linear(operator, x.reshape(-1, *dims))

    def adjoint(y: Tensor, **_: Any) -> Tensor:
        return linear(operator, y, adjoint=True).reshape(-1, *image)

    return LinearPhysics(A=forward, A_adjoint=adjoint, img_size=image, **options)


def _shapes(operator: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shapes of the input and the output of an operator."""
    dims = getattr(operator, "dims", (operator.shape[1],))
    return tuple(dims), tuple(getattr(operator, "dimsd", (operator.shape[0],)))


class _Linear(torch.autograd.Function):
    """A x or A^H x, each the derivative of the other."""

    @staticmethod
    def forward(operator: Any, adjoint: bool, x: Tensor) -> Tensor:
        """Apply it to all of a batch."""
        shapes = _shapes(operator)
        before, after = shapes[adjoint], shapes[not adjoint]
        batch = x.shape[: x.ndim - len(before)]
        columns = x.detach().cpu().numpy().reshape(-1, math.prod(before)).T
        y = operator.rmatmat(columns) if adjoint else operator.matmat(columns)
        rows = torch.from_numpy(np.ascontiguousarray(np.asarray(y).T))
        return rows.reshape(*batch, *after).to(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], _: Tensor) -> None:
        """Keep the operator alone: nothing depends on x."""
        ctx.operator, ctx.adjoint, _ = inputs

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> tuple[None, None, Tensor]:
        """The other of the two."""
        input_cotangent = _Linear.apply(ctx.operator, not ctx.adjoint, cotangent)  # type: ignore[no-untyped-call]
        return None, None, input_cotangent

    @staticmethod
    def jvp(ctx: Any, _: None, __: None, tangent: Tensor) -> Tensor:
        """The same."""
        change: Tensor = _Linear.apply(ctx.operator, ctx.adjoint, tangent)  # type: ignore[no-untyped-call]
        return change

    @staticmethod
    def vmap(
        _: Any, in_dims: tuple[int | None, ...], operator: Any, adjoint: bool, x: Tensor
    ) -> tuple[Tensor, int]:
        """A batch more."""
        return _Linear.apply(operator, adjoint, x.movedim(in_dims[2] or 0, 0)), 0  # type: ignore[no-untyped-call]
