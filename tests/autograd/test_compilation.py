"""`torch.compile` around waves: graphs break there, and numbers and derivatives are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from fwicli import autograd


@pytest.fixture
def survey(make_survey: Callable[..., Any]) -> Any:
    return make_survey()


def test_functions_and_modules(survey: Any) -> None:
    """A network before and behind waves, compiled as a whole, and modules themselves."""
    waves, q, d = survey.waves(), survey.wavelet, survey.gather
    m, change = survey.model["m"], survey.change["m"] * survey.model["m"]

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones((), dtype=m.dtype))

        def forward(self, vp: torch.Tensor) -> torch.Tensor:
            model = autograd.parameters("acoustic", {"vp": vp * self.scale})
            gathers = autograd.forward(waves, model, q)
            back = autograd.adjoint(waves, model, d)
            born = autograd.jacobian(waves, model, q, {"m": change})
            image = autograd.jacobian_adjoint(waves, model, q, d)["m"]
            terms = [torch.tanh(x).square().sum() for x in (gathers, back, born, image)]
            return torch.stack(terms).sum()

    layers = [
        (autograd.Forward(waves, m), q),
        (autograd.Adjoint(waves, m), d),
        (autograd.Jacobian(waves, m, q), change),
        (autograd.JacobianAdjoint(waves, m, q), d),
    ]
    results = []
    for prepared in (lambda x: x, lambda x: torch.compile(x, backend="eager")):
        network = Network()
        loss = prepared(network)(m**-0.5)
        loss.backward()
        outputs = [prepared(layer)(x) for layer, x in layers]
        results.append([loss.detach(), network.scale.grad, *outputs])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
