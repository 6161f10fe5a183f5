"""Operators of surveys whose sources and receivers have components."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fwicli import Points, Simulation
from fwicli.operators import forward, jacobian


def test_operators_take_components(make_setting: Callable[..., Any]) -> None:
    """Data of all components in one operator, that of the propagator, with exact transposes."""
    s = make_setting(2, equation="velocity_pressure", order=4)
    sources = Points(s.receivers[:3], ["pressure", "fx", "fz"])
    receivers = Points(s.receivers[3:6], ["pressure", "vx", "vz"])
    rng = np.random.default_rng(1)
    wavelet = rng.standard_normal((3, s.wavelet.shape[1]))
    waves = Simulation(s.propagator.discretization, sources, receivers)
    F, J = forward(waves, s.model), jacobian(waves, s.model, wavelet)
    gather = s.propagator.forward(s.model, wavelet, sources, receivers)
    np.testing.assert_array_equal(F @ wavelet, gather)
    # Pressures are larger than velocities by orders.
    sizes = np.linalg.norm(gather, axis=1, keepdims=True)
    residual = s.gather[3:6] / sizes
    for operator, x in ((F, wavelet), (J, J.pack(s.perturbation))):
        image = operator @ x
        back = operator.H @ residual
        difference = np.vdot(image, residual) - np.vdot(x, back)
        size = np.linalg.norm(image / sizes) * np.linalg.norm(residual * sizes)
        assert abs(difference) < 1e-12 * size
