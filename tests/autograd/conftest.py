"""A survey that is small enough for checks by finite differences; skipped without PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from tests.conftest import NEEDS_TORCH, WITH_TORCH
from tests.earths import random_earth
from tests.equations import USUAL_ORDER


class Skipped(pytest.Module):
    """A module of tests that cannot be imported without PyTorch."""

    def collect(self) -> NoReturn:
        pytest.skip(NEEDS_TORCH, allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Skipped | None:
    """Skip modules, and say why, where there is no PyTorch."""
    return None if WITH_TORCH else Skipped.from_parent(parent, path=module_path)


@dataclass
class Survey:
    """Two shots of two receivers over a random model, in float64.

    Attributes
    ----------
    model, change : dict of str to Tensor
        Parameters, and relative changes of them.
    """

    discretization: Any
    model: dict[str, Any]
    change: dict[str, Any]
    wavelet: Any
    gather: Any
    sources: Any
    receivers: Any

    def waves(self, sources: Any = None, receivers: Any = None, **more: Any) -> Any:
        from fwicli.autograd import Simulation

        s = self.sources if sources is None else sources
        r = self.receivers if receivers is None else receivers
        return Simulation(self.discretization, s, r, **more)


@pytest.fixture(scope="session")
def make_survey() -> Callable[..., Survey]:
    """Maker of surveys, by equation; waves cross the model and reach every layer."""
    import torch

    from fwicli import AbsorbingLayer, Discretization, Grid, time_axis
    from fwicli.propagators.equations.properties import parameters
    from fwicli.propagators.equations.registry import EQUATIONS

    def make(
        equation: str = "acoustic", ndim: int = 2, free: tuple[str, ...] = (), cells: int = 10
    ) -> Survey:
        if ndim not in EQUATIONS[equation].dimensions:
            pytest.skip(f"{equation} is not for {ndim}D")
        rng = np.random.default_rng(0)
        shape, spacing = ((9, 11), (10.0, 12.0)) if ndim == 2 else ((9, 9, 9), (10.0,) * 3)
        grid = Grid(shape, spacing, (5.0,) * ndim)
        earth = random_earth(shape)
        fastest = max(2600.0, EQUATIONS[equation].speeds(earth, ndim)[1])
        axis = time_axis(0.004, 14, fastest, spacing, USUAL_ORDER)
        layer = AbsorbingLayer(cells, fastest, 20.0, 0, free)
        # Kernels are those of `make_setting`.
        made = Discretization(equation, grid, axis, layer, USUAL_ORDER, "float64")
        model = {n: torch.from_numpy(v) for n, v in parameters(equation, earth).items()}
        changes = {n: 0.1 * torch.from_numpy(rng.standard_normal(shape)) for n in model}
        # Off the grid points, where the weights of an interpolation are smooth.
        sources = torch.tensor([[[33.3, 41.7]], [[62.1, 50.2]]], dtype=torch.float64)
        receivers = torch.tensor([[22.7, 77.3], [61.3, 33.1]], dtype=torch.float64)
        if ndim == 3:
            sources = torch.cat([sources[..., :1], sources], -1)
            receivers = torch.cat([receivers[..., :1], receivers], -1)
        wavelet = torch.from_numpy(rng.standard_normal((2, 1, 14)))
        gather = torch.from_numpy(rng.standard_normal((2, 2, 14)))
        return Survey(made, model, changes, wavelet, gather, sources, receivers)

    return make
