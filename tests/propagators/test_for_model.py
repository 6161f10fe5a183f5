"""A propagator from an earth model: what it is made of, and what it refuses."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest

from fwicli import (
    AbsorbingLayer,
    Discretization,
    Grid,
    HistoryOptions,
    Propagator,
    parameters,
    ricker,
    time_axis,
    times,
)
from fwicli.errors import GeometryError, ModelError, PhysicsError, StabilityError
from fwicli.propagators import propagator
from tests.equations import USUAL_ORDER

VP = np.full((41, 31), 2000.0)
VP[:, 15:] = 2500.0
RHO = np.full(VP.shape, 2200.0)
GIVEN = {"vp": VP, "spacing": 10.0, "dt": 0.004, "samples": 60, "frequency": 12.0}


def test_the_example_of_the_class() -> None:
    """The first example that a reader sees runs, and gives what it says."""
    failed, tried = doctest.testmod(propagator)
    assert tried > 8
    assert not failed


@pytest.mark.parametrize("equation", ["acoustic", "variable_density"])
def test_the_same_bits_as_from_four_objects(equation: str) -> None:
    """The short way makes the objects of the long one."""
    properties = {"vp": VP} if equation == "acoustic" else {"vp": VP, "rho": RHO}
    others = {n: v for n, v in properties.items() if n != "vp"}
    # The numbers are those of most tests, so that kernels are compiled once.
    given: dict[str, Any] = {"order": USUAL_ORDER, "precision": "float64", "history_step": 2}
    spacing = (10.0, 12.0)
    made = {**GIVEN, "spacing": spacing, "properties": others, "free": ("z-",)}
    short = Propagator.for_model(**made, **given)
    layer = AbsorbingLayer(20, 2500.0, 12.0, gap=4, free=("z-",))
    time = time_axis(0.004, 60, 2500.0, spacing, USUAL_ORDER)
    grid = Grid(VP.shape, spacing, (0.0, 0.0))
    long = Propagator(Discretization(equation, grid, time, layer, **given))
    assert short.discretization == long.discretization
    model = parameters(equation, properties)
    assert all(np.array_equal(model[n], p) for n, p in short.parameters(**properties).items())
    q = ricker(times(0.004, 60), 12.0)[None]
    points = np.array([[200.0, 50.0]]), np.array([[100.0, 20.0], [300.0, 20.0]])
    assert np.array_equal(
        short.forward(short.parameters(**properties), q, *points), long.forward(model, q, *points)
    )


def test_options() -> None:
    made = Discretization.for_model(
        VP,
        (10.0, 20.0),
        dt=0.004,
        frequency=12.0,
        duration=0.4,
        origin=(50.0, 0.0),
        fastest=3000.0,
        cells=12,
        order=4,
        precision="float64",
        history=HistoryOptions("disk"),
        threads=2,
        interpolation="linear",
    )
    assert (made.time.samples, made.grid.origin, made.grid.spacing) == (101, (50, 0), (10, 20))
    assert (made.layer.cells, made.layer.velocity, made.layer.frequency) == (12, 3000.0, 12.0)
    assert made.time == time_axis(0.004, 101, 3000.0, (10.0, 20.0), 4)
    assert (made.order, made.precision, made.threads) == (4, "float64", 2)
    assert (made.history.kind, made.interpolation) == ("disk", "linear")


@pytest.mark.parametrize(
    ("properties", "equation"),
    [
        ({}, "acoustic"),
        ({"rho": RHO}, "variable_density"),
        ({"rho": 2200.0}, "variable_density"),
        ({"epsilon": 0.2, "delta": 0.1}, "vti"),
        ({"epsilon": 0.2, "delta": 0.1, "theta": 0.3}, "tti"),
    ],
)
def test_the_equation_follows_from_the_properties(
    properties: dict[str, Any], equation: str
) -> None:
    made = Discretization.for_model(**GIVEN, properties=properties)
    assert made.equation == equation
    fastest = 2500.0 * (np.sqrt(1.4) if "epsilon" in properties else 1.0)
    assert made.layer.velocity == pytest.approx(fastest, rel=1e-6)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"vp": VP.astype(complex)}, ModelError, "vp is an ndarray of complex128"),
        ({"vp": -VP}, ModelError, "positive"),
        ({"vp": VP[0]}, GeometryError, "2 or 3 axes"),
        ({"spacing": 0.0}, GeometryError, "positive spacing"),
        ({"spacing": (10.0,)}, GeometryError, "2 or 3 axes"),
        ({"dt": -0.004}, StabilityError, "the interval is -0.004"),
        ({"dt": 4.0}, StabilityError, "ms"),
        ({"frequency": 0.0}, PhysicsError, r"`frequency` is 0.0.*\[Hz\]"),
        ({"samples": 0}, StabilityError, "`samples` is 0"),
        ({"samples": None}, StabilityError, "either `samples` of a record, or its `duration`"),
        ({"duration": 1.0}, StabilityError, "either `samples` of a record, or its `duration`"),
        ({"fastest": 2400.0}, StabilityError, "the model has waves of 2500 m/s"),
        ({"properties": {"vs": VP}}, ModelError, "elastic needs rho, too"),
        (
            {"properties": {"theta": VP, "rho": VP}},
            ModelError,
            "no equation has the properties vp, theta, rho",
        ),
        ({"properties": RHO}, ModelError, "by name"),
        ({"equation": "plastic"}, PhysicsError, "no equation `plastic`"),
        ({"equation": "vti"}, ModelError, "vti needs epsilon, delta, too"),
        ({"free": ("top",)}, GeometryError, "free sides"),
        ({"orders": 4}, PhysicsError, "no option `orders`; did you mean `order`?"),
        ({"water": 4}, PhysicsError, "no option `water`; choose among duration, properties"),
        ({"order": 5}, StabilityError, "even"),
        ({"precision": "half"}, PhysicsError, "no precision 'half'"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Propagator.for_model(**{**GIVEN, **changes})
