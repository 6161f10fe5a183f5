"""Differentiable waves of sources and receivers with components."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from fwicli import Points
from fwicli.autograd import Simulation, forward


def test_gradients_of_components(make_setting: Callable[..., Any]) -> None:
    """Those of <F(p) q, r> are the propagator's F^T r and J^T r, for all components at once."""
    s = make_setting(2, equation="velocity_pressure", order=4)
    sources = Points(s.receivers[:3], ["pressure", "fx", "fz"])
    receivers = Points(s.receivers[3:6], ["pressure", "vx", "vz"])
    q = torch.from_numpy(np.random.default_rng(1).standard_normal((3, s.wavelet.shape[1])))
    r = torch.from_numpy(s.gather[3:6])
    model = {n: torch.from_numpy(p).requires_grad_() for n, p in s.model.items()}
    q.requires_grad_()
    waves = Simulation(s.propagator.discretization, sources, receivers)
    (forward(waves, model, q) * r).sum().backward()
    place = sources, receivers
    assert q.grad is not None
    expected = s.propagator.adjoint(s.model, r.numpy(), *place)
    np.testing.assert_allclose(q.grad, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    image = s.propagator.jacobian_adjoint(s.model, r.numpy(), q.detach().numpy(), *place)
    for name, parameter in model.items():
        limit = 1e-12 * np.abs(image[name]).max()
        np.testing.assert_allclose(parameter.grad, image[name], rtol=0, atol=limit)
