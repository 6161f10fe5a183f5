"""Sources that fire together are sums over shots."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwicli.inversion.shots.encoding import Encoding
from fwicli.operators import codes, forward, hessian, jacobian
from fwicli.survey.signals.wavelets import ricker, times
from tests.operators.surveys import N_SOURCES, SHOTS, WEIGHTS, error

EQUATIONS = ["acoustic", pytest.param("variable_density", marks=pytest.mark.slow)]


@pytest.mark.parametrize("equation", EQUATIONS)
def test_encoded_operators_are_explicit_sums(survey: Any, equation: str) -> None:
    """F, J, J^T J and H of codes against sums over shots that were propagated one by one."""
    s = survey(equation)
    change, d = s.change(), s.F @ s.wavelet
    E = s.F.encoder(WEIGHTS)
    coded = np.stack([sum(w * d[n] for n, w in enumerate(row)) for row in WEIGHTS])
    assert error(E @ d, coded) < 1e-14
    assert error(s.F.encoded(WEIGHTS) @ s.wavelet, coded) < 1e-12
    assert error(s.F.encoded(WEIGHTS[1]) @ s.wavelet, coded[1]) < 1e-12
    assert error(s.J.encoded(WEIGHTS) @ change, E @ (s.J @ change)) < 1e-12
    y = np.random.default_rng(4).standard_normal(E.dimsd)
    assert error(s.J.encoded(WEIGHTS).T @ y, s.J.T @ (E.T @ y)) < 1e-12
    assert error(s.F.encoded(WEIGHTS).T @ y, s.F.T @ (E.T @ y)) < 1e-12
    assert error(s.N.encoded(WEIGHTS) @ change, (s.J.T @ E.T @ E @ s.J) @ change) < 1e-12
    residual = np.asarray(E.T @ (E @ (d - s.data)))
    expected = hessian(s.waves, s.model, s.wavelet, residual=residual) @ change
    expected += (s.J.T @ E.T @ E @ s.J - s.N) @ change
    assert error(s.H.encoded(WEIGHTS) @ change, expected) < 1e-12


def test_delayed_sources_are_delayed_records(survey: Any) -> None:
    """As far as wavelets and records are sampled well; with the codes of inversions."""
    s = survey()
    axis = replace(s.waves.discretization.time, samples=120)
    waves = replace(s.waves, discretization=replace(s.waves.discretization, time=axis))
    F = forward(waves, s.model)
    wavelet = np.zeros((SHOTS, N_SOURCES, 120))
    wavelet[:, 0] = ricker(times(0.004, 120), 12.0, 0.13)
    drawn = Encoding(sources=2, delay=0.05).codes(np.arange(SHOTS), 0.004, 0, 1)
    weights, delays = codes(drawn, SHOTS)
    assert delays.max() > 3
    d = F @ wavelet
    expected = np.stack([code.records(d[code.shots]) for code in drawn])
    np.testing.assert_allclose(F.encoder(weights, delays) @ d, expected, rtol=1e-13)
    assert error(F.encoded(weights, delays) @ wavelet, expected) < 1e-6
    J = jacobian(waves, s.model, wavelet)
    coded = J.encoded(weights, delays) @ s.change()
    assert error(coded, J.encoder(weights, delays) @ (J @ s.change())) < 1e-5
