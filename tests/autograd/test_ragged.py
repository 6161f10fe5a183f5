"""Differentiable waves of shots that differ in their number of receivers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from fwicli.autograd import adjoint, forward, jacobian, jacobian_adjoint

COUNTS = [2, 1]


def test_derivatives_of_ragged_shots(make_survey: Callable[..., Any]) -> None:
    """Values and gradients are those of single shots; padding has neither values nor gradients."""
    s = make_survey()
    spreads = [s.receivers.numpy(), s.receivers.numpy()[1:]]
    waves = s.waves(receivers=spreads)
    model = {n: v.clone().requires_grad_() for n, v in s.model.items()}
    wavelet, weights = s.wavelet.clone().requires_grad_(), s.gather.clone()
    weights[1, 1] = float("nan")  # padding, which no input reaches
    d = forward(waves, model, wavelet)
    assert tuple(d.shape) == (2, 2, 14)
    assert not d[1, 1].any()
    (d * s.gather).sum().backward()
    value, image = 0.0, jacobian_adjoint(waves, s.model, s.wavelet, weights)
    dd, back = jacobian(waves, s.model, s.wavelet, s.change), adjoint(waves, s.model, weights)
    gradient = {n: torch.zeros_like(v) for n, v in s.model.items()}
    for shot, count in enumerate(COUNTS):
        one = s.waves(s.sources[shot], spreads[shot])
        alone = {n: v.clone().requires_grad_() for n, v in s.model.items()}
        q = s.wavelet[shot].clone().requires_grad_()
        gather = forward(one, alone, q)
        assert torch.equal(d[shot, :count], gather)
        assert torch.equal(dd[shot, :count], jacobian(one, s.model, s.wavelet[shot], s.change))
        assert torch.equal(back[shot], adjoint(one, s.model, weights[shot, :count]))
        (gather * s.gather[shot, :count]).sum().backward()
        assert wavelet.grad is not None
        assert torch.equal(wavelet.grad[shot], q.grad)
        value += float((gather * s.gather[shot, :count]).sum().detach())
        for n, v in alone.items():
            gradient[n] += v.grad
    for n, v in model.items():
        assert torch.equal(v.grad, gradient[n])
        assert torch.equal(image[n], gradient[n])
    assert np.isclose(value, float((d * s.gather).sum().detach()), rtol=1e-12)


def test_second_derivatives_of_ragged_shots(make_survey: Callable[..., Any]) -> None:
    """By finite differences, as for equal shots."""
    s = make_survey()
    waves = s.waves(receivers=[s.receivers.numpy(), s.receivers.numpy()[1:]])
    name, values = next(iter(s.model.items()))
    q = s.wavelet.clone().requires_grad_()
    x = torch.zeros((), dtype=torch.float64, requires_grad=True)

    def misfit(t: Any, wavelet: Any) -> Any:
        d = forward(waves, {**s.model, name: values + t * values * s.change[name]}, wavelet)
        return ((d - 0.1 * s.gather) ** 2).sum()

    assert torch.autograd.gradgradcheck(lambda t: misfit(t, q.detach()), (x,), rtol=1e-4)
    assert torch.autograd.gradcheck(lambda w: misfit(x.detach(), w), (q,), rtol=1e-4)
