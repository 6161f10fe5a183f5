"""Lengths in pictures: m below 1 km, and km from there on."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from fwicli import EarthModel, Grid
from fwicli.plotting import pictures
from fwicli.plotting.lengths import KILOMETRE, METRE, LengthUnit, unit_for, unit_of


@pytest.mark.parametrize(
    ("lengths", "unit"),
    [
        ([0.0, 240.0], METRE),
        ([-1500.0, 10.0], KILOMETRE),
        ([[999.0], [np.nan]], METRE),
        ([1000.0], KILOMETRE),
        ([], METRE),
    ],
)
def test_unit_is_that_of_the_longest(lengths: list[float], unit: LengthUnit) -> None:
    assert unit_for(lengths) is unit


def test_coordinates_are_in_words() -> None:
    assert METRE.text("x", 130.4) == "x = 130.4 m"
    assert KILOMETRE.text("x", 1304.0) == "x = 1.304 km"


@pytest.mark.parametrize(("spacing", "unit", "end"), [(1.5, "m", 60.0), (50.0, "km", 2.0)])
def test_sections_have_labels_of_their_scale(spacing: float, unit: str, end: float) -> None:
    """Of a land line in m, of a basin in km."""
    grid = Grid((41, 21), (spacing, spacing), (0.0, 0.0))
    assert unit_of(grid).name == unit
    axes = Figure().subplots()
    earth = EarthModel(grid, np.full(grid.shape, 2000.0))
    pictures.reflectors(axes, np.ones(grid.shape), earth)
    assert (axes.get_xlabel(), axes.get_ylabel()) == (f"x [{unit}]", f"depth [{unit}]")
    assert axes.images[0].get_extent() == pytest.approx((0.0, end, end / 2, 0.0))
