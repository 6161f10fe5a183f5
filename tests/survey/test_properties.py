"""The table of properties fits equations, configs, and the earths of tests."""

from __future__ import annotations

from itertools import product
from typing import get_args

import numpy as np
import pytest

from fwicli.config.schema import ModelSection
from fwicli.propagators.equations.equation import arguments, call
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.properties import PROPERTIES
from tests.earths import plain_earth, random_earth


@pytest.mark.parametrize("equation", EQUATIONS)
def test_equations_have_properties_of_the_table(equation: str) -> None:
    """Also in 3D; all of them are taken where the others are common."""
    stated = EQUATIONS[equation]
    names = {a for ndim in (2, 3) for f in stated.parameters(ndim).values() for a in arguments(f)}
    assert names <= PROPERTIES.keys()
    corners = product(*(PROPERTIES[name].common for name in sorted(names)))
    for corner in corners:
        earth = {n: np.array([v]) for n, v in zip(sorted(names), corner, strict=True)}
        assert all(call(limit.margin, earth) >= 0 for limit in stated.limits), earth


@pytest.mark.parametrize("name", PROPERTIES)
def test_configs_have_a_key(name: str) -> None:
    """And one for the unit, if there is a choice: the SI unit and the others."""
    fields, unit = ModelSection.model_fields, PROPERTIES[name].unit
    assert name in fields
    assert bool(unit.setting) == bool(unit.name)
    if unit.setting:
        assert set(get_args(fields[unit.setting].annotation)) == {unit.name, *unit.others}


@pytest.mark.parametrize("name", PROPERTIES)
def test_ranges_nest(name: str) -> None:
    """Common values are plausible, and of the sign."""
    prop = PROPERTIES[name]
    (least, most), (low, high) = prop.plausible, prop.common
    assert least <= low < high <= most
    assert {"positive": low > 0, "not negative": low >= 0, "any": True}[prop.sign]


@pytest.mark.parametrize("earth", [random_earth((5, 6)), plain_earth(2000.0, (5, 6))])
def test_earths_of_tests_are_models(earth: dict[str, np.ndarray]) -> None:
    """With every property of the table, each plausible."""
    others = {name: values for name, values in earth.items() if name != "vp"}
    model = EarthModel(Grid((5, 6), (10.0, 10.0), (0.0, 0.0)), earth["vp"], others)
    assert model.properties.keys() == PROPERTIES.keys()
    for name, values in model.properties.items():
        low, high = PROPERTIES[name].plausible
        assert low <= values.min() <= values.max() <= high


def test_losses_are_smoothed() -> None:
    """Of water and mud, that of mud counts."""
    qp = np.where(np.arange(40) % 2, 1000.0, 20.0) * np.ones((30, 1))
    model = EarthModel(
        Grid((30, 40), (1.0, 1.0), (0.0, 0.0)), np.full((30, 40), 1500.0), {"qp": qp}
    )
    smooth = model.smoothed(8.0).others["qp"]
    np.testing.assert_allclose(smooth[:, 18:22], 2 / (1 / 20 + 1 / 1000), rtol=0.01)
