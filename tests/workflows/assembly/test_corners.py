"""Velocities that bounds of combinations allow: none within the bounds is beyond them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.config.schema import InvertConfig
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.regridding import coarsened
from fwicli.workflows.assembly.inversion import InversionObjects
from fwicli.workflows.assembly.survey import earth_model
from tests.inversion.unknowns.test_combinations import SETS

SHAPE = (6, 5)
BOUNDS = {
    "vp": [1500.0, 3500.0],
    "vs": [300.0, 1500.0],
    "rho": [1500.0, 2600.0],
    "impedance": [3e6, 8e6],
    "shear_impedance": [5e5, 3e6],
    "lame_mu": [5e8, 4e9],
    "vp_vs_ratio": [1.2, 4.0],
    "lame_lambda": [-2e9, 2e10],
}


def objects(
    names: tuple[str, ...], fixed: Any = "nothing", **bounds: Any
) -> tuple[InversionObjects, EarthModel]:
    """Of an inversion for some variables, and a model with a fluid on top."""
    tree = {
        "model": {"vp": 2200.0, "vs": 1000.0, "rho": 2000.0, "shape": SHAPE, "spacing": 10.0},
        "data": {"file": "shots.h5"},
        "physics": {"equation": "elastic"},
        "inversion": {
            "stages": [{"band": [0, 8]}],
            "invert_for": {n: BOUNDS[n] for n in names} | bounds,
            "fixed": fixed,
        },
    }
    config = InvertConfig.model_validate(tree)
    model = earth_model(config.model)
    properties = {n: np.array(values) for n, values in model.properties.items()}
    properties["vs"][:, 0], properties["vp"][:, 0], properties["rho"][:, 0] = 0.0, 1500.0, 1000.0
    properties["rho"][3:] += 300.0
    model = model.changed(properties)
    return InversionObjects(config, model), model


@pytest.mark.parametrize("names", SETS, ids=" ".join)
def test_no_model_within_bounds_is_beyond(names: tuple[str, ...]) -> None:
    """And some come within 10 % of the ends: the time step is no smaller than it need be."""
    shared, model = objects(names)
    low, high = (shared.bounded(model, side).properties for side in (0, 1))
    rng = np.random.default_rng(0)
    least, most = (dict(model.properties) for _ in range(2))
    for _ in range(2000):
        # More often at the ends than between them.
        shares = np.clip(1.6 * rng.random(len(names)) - 0.3, 0, 1)
        y = {
            n: np.full(SHAPE, (1 - s) * BOUNDS[n][0] + s * BOUNDS[n][1])
            for n, s in zip(names, shares, strict=True)
        }
        earth = shared.variables.earth(y, model.properties)
        possible = earth["vp"] > earth["vs"]
        for n in ("vp", "vs"):
            least[n] = np.where(possible, np.minimum(least[n], earth[n]), least[n])
            most[n] = np.where(possible, np.maximum(most[n], earth[n]), most[n])
    changing = {n for n in ("vp", "vs") if shared.variables.behind(n)}
    for n in changing:
        # A fluid without stiffness has no slowest wave.
        solid = 1 if "lame_lambda" in names else 0
        assert (low[n] <= least[n] * (1 + 1e-12))[:, solid:].all()
        assert (high[n] >= most[n] * (1 - 1e-12)).all()
        np.testing.assert_allclose(most[n], high[n], rtol=0.1)
    for n in {*model.properties} - changing - set(names):
        np.testing.assert_array_equal(high[n], model.properties[n])
    assert low["vp"].min() > 0
    assert not high["vs"][:, 0].any() or "vs" in names


def test_fixed_points_have_their_own() -> None:
    shared, model = objects(("rho", "lame_lambda", "lame_mu"), fixed=15)
    for side in (0, 1):
        bounded = shared.bounded(model, side).properties
        for name in ("vp", "vs"):
            np.testing.assert_array_equal(bounded[name][:, :2], model.properties[name][:, :2])
            assert (bounded[name][:, 2:] != model.properties[name][:, 2:]).all()


def test_bounds_that_are_models_serve_other_grids(tmp_path: Path) -> None:
    """By their lowest and highest value, as those of properties do."""
    np.save(tmp_path / "low.npy", np.linspace(5e8, 1e9, 30).reshape(SHAPE))
    low = {"file": str(tmp_path / "low.npy")}
    config = objects(("lame_mu",), lame_mu=[low, 4e9])[0].config
    shared = InversionObjects(config, earth_model(config.model))
    coarse = coarsened(shared.model, Grid((4, 3), (20.0, 20.0), (0.0, 0.0)))
    for side, end in enumerate((5e8, 4e9)):
        vs = shared.bounded(coarse, side).properties["vs"]
        np.testing.assert_allclose(vs, np.sqrt(end / 2000))
        assert vs.shape == coarse.grid.shape != SHAPE
