"""What tests share: a small propagator, and data made by others where they are present."""

from __future__ import annotations

import gc
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.earths import random_earth
from tests.equations import USUAL_ORDER

pytest_plugins = ["tests.slurm", "tests.survey_fixtures"]

# SymPy remembers results of one kernel for the next: its own limit is that of one formula.
os.environ.setdefault("SYMPY_CACHE_SIZE", "100000")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
ROOT = Path(__file__).resolve().parents[1]
WITH_TORCH = importlib.util.find_spec("torch") is not None
NEEDS_TORCH = "needs PyTorch: make test EXTRAS=torch"
WITH_DASK = all(importlib.util.find_spec(name) for name in ("distributed", "dask_jobqueue"))
NEEDS_DASK = "needs Dask: make test EXTRAS=cluster"
# Tests of seconds run first, so that at the end no process waits long for the others.
LONG = (
    "tests/test_documentation.py",
    "tests/workflows/",
    "tests/propagators/",
    "tests/operators/",
    "tests/cli/",
    "tests/inversion/test_",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run long tests first; mark tests that need PyTorch or Dask, and skip them without."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
    for item in items:
        if "tests/autograd/" in item.nodeid:
            item.add_marker(pytest.mark.torch)
        if item.get_closest_marker("torch") and not WITH_TORCH:
            item.add_marker(pytest.mark.skip(reason=NEEDS_TORCH))
        if item.get_closest_marker("cluster") and not WITH_DASK:
            item.add_marker(pytest.mark.skip(reason=NEEDS_DASK))


def pytest_collection_finish() -> None:
    """Tests are not searched for garbage, again and again, while they run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of data made by others; tests that need it skip without it."""
    if not (SHARED / "marmousi2_shots.h5").exists():
        pytest.skip(f"no Marmousi-II data in {SHARED}")
    return SHARED


@dataclass
class Setting:
    """A small random medium with sources and receivers off the grid, some near the layer."""

    propagator: Any
    model: dict[str, np.ndarray]
    perturbation: dict[str, np.ndarray]
    wavelet: np.ndarray
    gather: np.ndarray
    sources: np.ndarray
    receivers: np.ndarray

    def forward(self, model: dict[str, np.ndarray] | None = None) -> np.ndarray:
        return self.propagator.forward(
            model or self.model, self.wavelet, self.sources, self.receivers
        ).astype(float)


@pytest.fixture(scope="session")
def make_setting() -> Callable[..., Setting]:
    """Maker of settings; waves cross the model several times and reach every layer."""
    from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, time_axis
    from fwicli.propagators.equations.properties import parameters
    from fwicli.propagators.equations.registry import EQUATIONS
    from fwicli.propagators.equations.stencils import Stencil
    from fwicli.propagators.history import STORED

    def make(
        ndim: int = 2,
        precision: str = "float64",
        equation: str = "acoustic",
        order: int | None = None,
        every: int = 1,
        gap: int = 0,
        samples: int | None = None,
        cells: int | None = None,
        spacing: tuple[float, ...] = (),
        surface: bool = False,
        free: tuple[str, ...] = (),
        keeping: Any = None,
        wanted: tuple[str, ...] | None = None,
        stencil: str = "taylor",
    ) -> Setting:
        if not EQUATIONS[equation].free_sides:
            on_top = EQUATIONS[equation].solid_surface
            if free or (surface and not on_top):
                pytest.skip(f"{equation} has no such free sides")
        if ndim not in EQUATIONS[equation].dimensions:
            pytest.skip(f"{equation} is not for {ndim}D")
        rng = np.random.default_rng(ndim)
        order = order or USUAL_ORDER
        size = 33 if ndim == 2 else 15
        if cells is None:
            cells = 10 if ndim == 2 else 6
        shape = tuple(size + 4 * axis for axis in range(ndim))
        spacing = spacing or ((10.0, 12.0) if ndim == 2 else (10.0, 10.0, 10.0))
        grid = Grid(shape, spacing, (5.0,) * ndim)
        vp = 1500 + 1000 * rng.random(shape)
        samples = samples or (80 if ndim == 2 else 40)
        low, high = np.array(grid.origin), np.array(grid.end)
        # Solids below a fluid; anisotropy that changes from cell to cell, its axis as well.
        earth = random_earth(shape, ndim, vp=vp, rho=1000 * (1 + rng.random(shape)))
        forces = EQUATIONS[equation].leading == "vs"
        if forces:
            earth["vs"] = vp.copy()
        if equation != "elastic_vti":  # changes of its parameters would be no fluids
            earth["vs"][..., :6] = 0
        fastest = max(2600.0, EQUATIONS[equation].speeds(earth, ndim)[1])
        axis = time_axis(0.004, samples, fastest, spacing, Stencil(order, stencil))
        layer = AbsorbingLayer(cells, fastest, 20.0, gap, ("z-",) if surface else free)
        model = parameters(equation, earth)
        return Setting(
            Propagator(
                Discretization(
                    equation,
                    grid,
                    axis,
                    layer,
                    order=order,
                    precision=precision,
                    history_step=every,
                    history=keeping or STORED,
                    parameters=wanted,
                    stencil=stencil,
                )
            ),
            model,
            {name: 0.1 * p * rng.standard_normal(shape) for name, p in model.items()},
            # Forces move rocks far less than pressure does in water.
            (1e8 if forces else 1.0) * rng.standard_normal((2, samples)),
            rng.standard_normal((9, samples)),
            low + (high - low) * rng.random((2, ndim)),
            low + (high - low) * rng.random((9, ndim)),
        )

    return make
