"""Penalties and constraints of a config are built once on each grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.survey.regridding import Regridding
from fwicli.workflows.assembly import regularization
from fwicli.workflows.planning.plan import make_plan

SETTINGS = [
    "inversion.regularization=[{kind: tikhonov, property: vp, weight: 0.1}]",
    "inversion.constraints=[{kind: total_variation, property: vp, relative: 0.5}]",
]


def test_each_is_built_once(survey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage on the grid of the model has the objects of its check; another grid its own."""
    plan = make_plan(load(survey / "invert.yaml", settings=SETTINGS))
    assert plan.inversion is not None
    stage = plan.inversion.stages[0]
    rules, grid, free = stage.regularization, plan.model.grid, ~plan.inversion.fixed
    built: list[str] = []
    for name in ("build_penalty", "build_constraint"):
        build = getattr(regularization, name)
        monkeypatch.setattr(
            regularization, name, lambda *a, n=name, f=build: built.append(n) or f(*a)
        )
    same = Regridding(grid, grid.spacing)
    (penalty,) = rules.penalties(same, free)
    sets = rules.constraints(stage.variables, plan.model, free).sets
    assert list(sets) == ["vp"]
    assert built == []
    assert rules.penalties(same, free)[0] is penalty
    coarse = Regridding(grid, 20.0)
    (other,) = rules.penalties(coarse, np.ones(coarse.coarse.shape, dtype=bool))
    assert other is not penalty
    assert built == ["build_penalty"]
