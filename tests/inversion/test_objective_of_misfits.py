"""The gradient of the whole objective, through the waves, is that of every misfit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli import Acquisition, Gathers, Propagator
from fwicli.errors import ConfigError
from fwicli.inversion.comparison import Comparison
from fwicli.inversion.misfits.adaptive import Adaptive
from fwicli.inversion.misfits.attributes import Envelope
from fwicli.inversion.misfits.correlation import Correlation
from fwicli.inversion.misfits.graph_space import GraphSpace
from fwicli.inversion.misfits.registry import MISFITS
from fwicli.inversion.misfits.residuals import LeastSquares
from fwicli.inversion.misfits.travel_time import TravelTime
from fwicli.inversion.misfits.user import UserMisfit
from fwicli.inversion.misfits.wasserstein import Wasserstein
from fwicli.inversion.objective import Objective
from fwicli.inversion.shots.experiments import experiments
from tests.inversion.test_objective import GRID, objective, records_of, slope

OWN = """\
def cube(synthetic, observed, interval):
    residual = abs(synthetic - observed)
    return interval * (residual**3).sum(), 3 * interval * residual * (synthetic - observed)

def torch_cube(synthetic, observed, interval):
    return interval * (abs(synthetic - observed) ** 3).sum()
"""


def compared_by(misfit: Any) -> tuple[Objective, np.ndarray]:
    f, x = objective("slowness")
    return replace(f, experiments=experiments(records_of(f), misfit)), x


def check(misfit: Any) -> None:
    """Central differences in random directions to 1e-6."""
    f, x = compared_by(misfit)
    value, gradient = f(x)
    assert 1e-4 < value < 10
    rng = np.random.default_rng(1)
    for _ in range(2):
        direction = x * rng.standard_normal(x.shape)
        assert np.vdot(gradient, direction) == pytest.approx(slope(f, x, direction, 1e-6), rel=1e-6)


@pytest.mark.parametrize("name", MISFITS)
def test_gradient_of_every_misfit(name: str) -> None:
    check(MISFITS[name]())


@pytest.mark.parametrize(
    ("name", "derivative"),
    [("cube", "own"), pytest.param("torch_cube", "torch", marks=pytest.mark.torch)],
)
def test_gradient_of_ones_own(tmp_path: Path, name: str, derivative: str) -> None:
    """By hand and by PyTorch."""
    (tmp_path / "my.py").write_text(OWN, encoding="utf-8")
    check(UserMisfit(str(tmp_path / "my.py"), name, derivative))


@pytest.mark.parametrize(
    ("misfit", "sees"),
    [
        (LeastSquares(), False),
        (Correlation(), False),
        (Adaptive(), True),
        (Wasserstein(), True),
        (GraphSpace(), True),
        (TravelTime(), True),
        (Envelope(), True),
    ],
    ids=str,
)
def test_velocity_is_seen_from_afar(misfit: Any, sees: bool) -> None:
    """From 0.7 periods too early to 0.9 too late, the slope points to the true velocity.

    Through a homogeneous model, from one side to the other.
    """
    f, _ = objective("vp")
    receivers = np.array([[390.0, z] for z in (60.0, 150.0, 240.0)])
    across = Acquisition(np.array([[10.0, 150.0]]), receivers)
    wavelet = f.experiments[0].wavelet
    earth = {"m": np.full(GRID.shape, 1 / 2000.0**2)}
    gather = Propagator(f.discretization).forward(earth, wavelet, across.sources, receivers)
    shots = Gathers(across, 0.004, gather[None], wavelet[0])
    f = replace(f, experiments=experiments(shots, misfit))
    points = []
    for vp in (1520.0, 1600.0, 1800.0, 1950.0, 2050.0, 2250.0, 2500.0, 2650.0):
        gradient = f(f.variables.pack({"vp": np.full(GRID.shape, vp)}))[1]
        points.append((gradient.sum() > 0) == (vp > 2000.0))
    assert all(points[3:5])
    assert all(points) == sees


def test_which_misfits_have_a_curvature_is_said() -> None:
    """Where an optimizer asks one that has none."""
    gather = np.ones((2, 20))
    compared = Comparison(gather, 0.004, Wasserstein())
    with pytest.raises(ConfigError, match=r"Wasserstein lacks; .* misfits least_squares, huber, "):
        compared.curvature(gather, gather)
