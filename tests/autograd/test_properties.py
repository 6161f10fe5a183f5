"""Parameters made of tensors are those made of arrays, and have their derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fwicli import autograd
from fwicli.errors import ModelError
from fwicli.propagators.equations import properties
from fwicli.propagators.equations.registry import EQUATIONS
from tests.earths import random_earth


def earth(ndim: int) -> dict[str, np.ndarray]:
    return random_earth((5, 6, 7)[:ndim])


@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("ndim", [2, 3])
def test_they_are_those_of_arrays(equation: str, ndim: int) -> None:
    expected = properties.parameters(equation, earth(ndim))
    found = autograd.parameters(equation, earth(ndim))
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert np.allclose(found[name].numpy(), values, rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize("equation", EQUATIONS)
def test_derivatives(equation: str) -> None:
    known = EQUATIONS[equation].properties_in(2)
    values = {n: torch.from_numpy(v) for n, v in earth(2).items() if n in known}
    sizes = {n: float(v.abs().max()) for n, v in values.items()}

    largest = {n: p.abs().max() for n, p in autograd.parameters(equation, values).items()}

    def made(*relative: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = autograd.parameters(
            equation, {n: sizes[n] * x for n, x in zip(values, relative, strict=True)}
        )
        return tuple(p / largest[n] for n, p in found.items())

    inputs = tuple((v / sizes[n]).requires_grad_() for n, v in values.items())
    assert torch.autograd.gradcheck(made, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(made, inputs, fast_mode=True)


def test_what_is_missing_is_said() -> None:
    with pytest.raises(ModelError, match="needs rho, too"):
        autograd.parameters("variable_density", {"vp": torch.ones(3, 4)})
