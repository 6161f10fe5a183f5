"""What receivers record and sources emit, and what an equation refuses of it."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli import Acquisition
from fwicli.errors import GeometryError, PhysicsError
from fwicli.propagators.equations import registry
from fwicli.survey.components import NAMES, PRESSURE, Component

VZ, VX = Component.named("vz"), Component.named("vx")


@pytest.mark.parametrize("name", NAMES)
def test_names_and_directions_are_one(name: str) -> None:
    component = Component.named(name)
    assert component.name == name
    assert Component(component.quantity, component.dip, component.azimuth) == component
    if name != "pressure":
        expected = np.eye(3)["xyz".index(name[1])]
        np.testing.assert_allclose(component.direction(3), expected, atol=1e-15)


def test_any_direction() -> None:
    """A direction is a unit vector; in 2D it lies in the plane (x, z)."""
    sensor = Component("acceleration", 30.0, 45.0)
    vector = sensor.direction(3)
    assert np.linalg.norm(vector) == pytest.approx(1.0)
    assert vector[2] == pytest.approx(0.5)
    assert vector[0] == pytest.approx(vector[1])
    assert (sensor.unit, sensor.name) == ("m/s2", "acceleration along dip 30, azimuth 45 deg")
    np.testing.assert_allclose(Component("velocity", 30.0, 180.0).direction(2), [-(0.75**0.5), 0.5])
    with pytest.raises(GeometryError, match="leaves the plane"):
        sensor.direction(2)


def test_nonsense_is_refused() -> None:
    for name in ("v", "vw", "shear", ""):
        with pytest.raises(GeometryError, match="there is no component"):
            Component.named(name)
    with pytest.raises(GeometryError, match="no direction"):
        Component("pressure", 0.0, 0.0)
    with pytest.raises(GeometryError, match="give both"):
        Component("velocity", 90.0)


def survey(**components: object) -> Acquisition:
    receivers = [np.zeros((2, 2)), np.ones((1, 2))]
    return Acquisition(np.zeros((2, 2)), receivers, **components)  # type: ignore[arg-type]


def test_components_belong_to_receivers_and_sources() -> None:
    mixed = survey(recorded=[[VX, VZ], PRESSURE], emitted=[PRESSURE, VZ])
    assert mixed.recorded_by(0) == (VX, VZ)
    assert mixed.select([1]).recorded_by(0) == (PRESSURE,)
    assert mixed.select([1]).emitted_by(0) == VZ
    assert mixed.components == ({VX, VZ, PRESSURE}, {PRESSURE, VZ})
    with pytest.raises(GeometryError, match="components of 1 receivers for the 2 receivers"):
        survey(recorded=[[VX], PRESSURE])
    with pytest.raises(GeometryError, match="one for each shot"):
        survey(emitted=[VZ])


@pytest.mark.parametrize("name", sorted(registry.EQUATIONS))
def test_acoustic_equations_have_pressure_only(name: str) -> None:
    equation = registry.load(name)
    equation.check_components(survey())
    with pytest.raises(PhysicsError, match="cannot record vx, vz, only pressure"):
        equation.check_components(survey(recorded=[[VX, VZ], PRESSURE]))
    with pytest.raises(PhysicsError, match="cannot emit vz"):
        equation.check_components(survey(emitted=VZ))
