"""The gradient of the whole objective, through the waves, is that of every misfit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.inversion.experiments import experiments
from fwicli.inversion.objective import Objective
from fwicli.inversion.own import Own
from tests.inversion.test_misfits import CASES
from tests.inversion.test_objective import objective, records_of, slope

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


@pytest.mark.parametrize("misfit", CASES, ids=str)
def test_gradient_of_every_misfit(misfit: Any) -> None:
    check(misfit)


@pytest.mark.parametrize(("name", "derivative"), [("cube", "own"), ("torch_cube", "torch")])
def test_gradient_of_ones_own(tmp_path: Path, name: str, derivative: str) -> None:
    """By hand and by PyTorch."""
    if derivative == "torch":
        pytest.importorskip("torch")
    (tmp_path / "my.py").write_text(OWN, encoding="utf-8")
    check(Own(str(tmp_path / "my.py"), name, derivative))
