"""Layers keep their model: as parameters where it is learned, as buffers where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from fwicli import autograd


def test_layers_are_the_functions(make_survey: Callable[..., Any]) -> None:
    survey = make_survey()
    waves, m, q, r = survey.waves(), survey.model["m"], survey.wavelet, survey.gather
    dm = m * survey.change["m"]
    pairs = [
        (autograd.Forward(waves, m)(q), autograd.forward(waves, m, q)),
        (autograd.Adjoint(waves, {"m": m})(r), autograd.adjoint(waves, m, r)),
        (autograd.Jacobian(waves, m, q)(dm), autograd.jacobian(waves, m, q, dm)),
        (autograd.JacobianAdjoint(waves, m, q)(r), autograd.jacobian_adjoint(waves, m, q, r)),
    ]
    for layer, function in pairs:
        assert torch.equal(layer, function)


def test_what_is_learned_is_a_parameter(make_survey: Callable[..., Any]) -> None:
    survey = make_survey()
    m = survey.model["m"]
    fixed = autograd.Jacobian(survey.waves(), m, survey.wavelet)
    assert not list(fixed.parameters())
    assert set(fixed.state_dict()) == {"model_m", "wavelet"}
    learned = autograd.Jacobian(survey.waves(), nn.Parameter(m), survey.wavelet)
    assert [n for n, _ in learned.named_parameters()] == ["model_m"]
    network = nn.Sequential(nn.Linear(11, 11, dtype=m.dtype), learned)
    network(1e-3 * m).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in network.parameters())


def test_old_name_of_the_simulation(make_survey: Callable[..., Any]) -> None:
    """Functions and modules take it as a keyword, and warn with the new one."""
    s = make_survey()
    waves = s.waves()
    with pytest.warns(DeprecationWarning, match=r"autograd\.forward\(waves=\)") as w:
        gather = autograd.forward(waves=waves, model=s.model, wavelet=s.wavelet)
    assert w[0].filename == __file__
    with pytest.warns(DeprecationWarning, match=r"autograd\.Forward\(simulation=\)"):
        layer = autograd.Forward(waves=waves, model=s.model)
    assert torch.equal(layer(s.wavelet), gather)
