"""What receivers record and sources emit, and what an equation refuses of it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from fwicli import Acquisition, Points
from fwicli.errors import GeometryError, PhysicsError
from fwicli.propagators.equations import registry
from fwicli.survey import moments, proximity, windows
from fwicli.survey.components import DIRECTED, NAMES, PRESSURE, Component

VZ, VX = Component.named("vz"), Component.named("vx")


@pytest.mark.parametrize("name", DIRECTED)
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


def test_directions_are_sums_of_the_components_along_axes() -> None:
    assert VZ.axes(2) == ("vx", "vz")
    assert Component("force", 0.0, 90.0).axes(3) == ("fx", "fy", "fz")
    assert PRESSURE.axes(2) == ()
    assert (VZ.source_unit(2), Component.named("fz").source_unit(2)) == ("m/s/m", "N/m")
    assert (PRESSURE.source_unit(3), Component.named("fz").source_unit(3)) == ("Pa m", "N")


@pytest.mark.parametrize("receivers", [np.zeros((2, 2)), np.zeros((2, 2, 2)), None])
def test_receivers_record_several_components(receivers: np.ndarray | None) -> None:
    """All receivers once for each component; rows of one component are found again."""
    plain = survey() if receivers is None else Acquisition(np.zeros((2, 2)), receivers)
    both = plain.recording([PRESSURE, VZ])
    for shot in range(2):
        count = len(plain.receivers_of(shot))
        assert both.recorded_by(shot) == (PRESSURE,) * count + (VZ,) * count
        rows = both.rows_by_component(shot)
        np.testing.assert_array_equal(rows[VZ], np.arange(count, 2 * count))
        positions = both.receivers_of(shot)[rows[VZ]]
        np.testing.assert_array_equal(positions, plain.receivers_of(shot))
        assert isinstance(both.receiver_points(shot), Points)
        assert isinstance(plain.receiver_points(shot), np.ndarray)
    assert plain.recording([VZ]).recorded == VZ


def test_points_are_selected_and_moved() -> None:
    points = Points(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), ["vx", "pressure", "vz"])
    some = points.select(slice(None, None, 2)).shifted(np.array([10.0, 0.0]))
    np.testing.assert_array_equal(some.positions, [[11.0, 2.0], [15.0, 6.0]])
    assert some.components == (VX, VZ)
    with pytest.raises(GeometryError, match="there are 3 points"):
        Points(points.positions, ["vx"])
    with pytest.raises(GeometryError, match="there is no component `vq`"):
        Points(points.positions, "vq")


@pytest.mark.parametrize("name", ["acoustic", "vti", "tti"])
def test_equations_of_pressure_refuse_others(name: str) -> None:
    equation = registry.load(name)
    equation.check_components(survey())
    with pytest.raises(PhysicsError, match="cannot record vx, vz, only pressure"):
        equation.check_components(survey(recorded=[[VX, VZ], PRESSURE]))
    with pytest.raises(PhysicsError, match="cannot emit vz"):
        equation.check_components(survey(emitted=VZ))


def test_velocities_are_those_of_the_system_of_first_order() -> None:
    equation = registry.load("velocity_pressure")
    mixed = survey(recorded=[[VX, Component("velocity", 30.0, 0.0)], PRESSURE])
    equation.check_components(mixed)
    with pytest.raises(PhysicsError, match="cannot record ax, only pressure, vx, vz"):
        equation.check_components(survey(recorded=Component.named("ax")))
    with pytest.raises(GeometryError, match="leaves the plane"):
        equation.check_components(survey(recorded=Component.named("vy")))


def test_gauges_have_two_ends() -> None:
    """Of their length and direction, about the receiver; windows hold both."""
    gauge = Component("strain_rate", 30.0, 180.0, 10.0)
    assert Component.named(gauge.code) == gauge
    assert gauge.name == "strain_rate over 10 m along dip 30, azimuth 180 deg"
    assert (gauge.unit, gauge.vector, gauge.axes(2)) == ("1/s", "velocity", ("vx", "vz"))
    positions = np.array([[100.0, 50.0], [200.0, 50.0]])
    first, second = gauge.ends(positions)
    np.testing.assert_allclose(second - first, [[-10 * np.sqrt(0.75), 5.0]] * 2, rtol=1e-12)
    np.testing.assert_allclose((first + second) / 2, positions, rtol=1e-15)
    survey = Acquisition(np.array([[150.0, 40.0]]), positions, [gauge, PRESSURE])
    assert survey.sensed(0).tolist() == [first[0].tolist(), second[0].tolist(), [200.0, 50.0]]
    assert survey.all_sensed().shape == (3, 2)
    ((low, high),) = windows.beyond(survey, 10.0, np.zeros(2))
    assert (low[0], high[0]) == (second[0, 0] - 10, 210)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("strain_rate 0 0 0", "the gauge of a strain rate is 0.0"),
        ("strain_rate 0 0 nan", "the gauge of a strain rate is nan"),
        ("strain 0 0 -1", "the gauge of a strain is -1.0"),
        ("strain_rate 0 0", "there is no component `strain_rate 0 0`"),
    ],
)
def test_gauges_that_are_none(code: str, words: str) -> None:
    with pytest.raises(GeometryError, match=words):
        Component.named(code)


def test_strain_rates_near_a_source_are_those_of_velocities() -> None:
    """Each end of a gauge has the part of a velocity that depends on the grid."""
    wavelet, distance = np.sin(np.arange(40.0)), np.array([10.0, 500.0])
    gauge = Component("strain_rate", 0.0, 0.0, 10.0)
    strain, velocity, pressure = (
        proximity.without(distance, 100.0, wavelet, 0.004, (c, c)) for c in (gauge, VX, PRESSURE)
    )
    np.testing.assert_array_equal(strain.basis, velocity.basis)
    assert not np.allclose(strain.basis, pressure.basis)


def test_strains_near_a_source_are_those_of_displacements() -> None:
    """Each end has the integral of the part of a velocity."""
    wavelet, distance = np.sin(np.arange(40.0)), np.array([10.0, 500.0])
    named = [Component("strain", 0.0, 0.0, 10.0), Component.named("ux"), VX]
    strain, displacement, velocity = (
        proximity.without(distance, 100.0, wavelet, 0.004, (c, c)) for c in named
    )
    np.testing.assert_array_equal(strain.basis, displacement.basis)
    assert not np.allclose(strain.basis, velocity.basis)
    columns = proximity.direct(wavelet, 0.004, "displacement")
    rates = proximity.direct(wavelet, 0.004, "velocity")
    np.testing.assert_allclose(columns[:, 1], wavelet / np.linalg.norm(wavelet), atol=1e-12)
    summed = np.cumsum(rates[:, 0]) - 0.5 * rates[:, 0]
    np.testing.assert_allclose(columns[:, 0], summed / np.linalg.norm(summed), atol=1e-12)


def test_strains_and_displacements_are_integrals() -> None:
    gauge = Component("strain", 30.0, 180.0, 10.0)
    assert (gauge.unit, gauge.vector, gauge.rate) == ("1", "displacement", "velocity")
    assert gauge.axes(2) == ("vx", "vz")
    moved = Component.named("uz")
    assert (moved.unit, moved.vector, moved.rate) == ("m", "displacement", "velocity")
    for component in (gauge, moved, Component("displacement", 30.0, 45.0)):
        assert Component.named(component.code) == component


def test_components_that_changed_places() -> None:
    """A force along each stands for the sensor; names and codes say so, and lead back."""
    assert PRESSURE.exchanged == (PRESSURE, PRESSURE)
    for sensor in (VZ, Component.named("ax"), Component("velocity", 30.0, 45.0)):
        force, recorded = sensor.exchanged
        assert (force.quantity, force.dip, force.azimuth) == ("force", sensor.dip, sensor.azimuth)
        assert recorded != sensor
        assert recorded.measured == sensor
        assert (recorded.name, recorded.unit) == (f"reciprocal {sensor.name}", sensor.unit)
        assert Component.named(recorded.code) == recorded


def test_moments_are_tensors() -> None:
    """Names are those of elements; codes keep every digit, also through a pickle."""
    for name in moments.NAMES:
        element = Component.named(name)
        assert (element.name, element.code, element.vector) == (name, name, "moment")
        assert element.shares(3) == {name: 1.0}
    assert set(moments.NAMES) < set(NAMES)
    mixed = Component("moment", tensor=(1 / 3, -0.5, 0))
    assert mixed.tensor == (1 / 3, 0.0, -0.5, 0.0, 0.0, 0.0)
    assert mixed.code == f"moment {1 / 3!r} 0.0 -0.5 0.0 0.0 0.0"
    for again in (Component.named(mixed.code), pickle.loads(pickle.dumps(mixed))):
        assert (again, hash(again)) == (mixed, hash(mixed))
    assert mixed.name == "moment of 0.333333 mxx, -0.5 mzz"
    assert mixed.shares(2) == {"mxx": 1 / 3, "mzz": -0.5}
    assert (mixed.source_unit(3), mixed.source_unit(2)) == ("N m", "N m/m")
    assert mixed != Component.named("mxx")
    assert Component("moment", tensor=[1, 0, 0]) == Component.named("mxx")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, r"the tensor of a moment is \(\); give finite numbers"),
        ({"tensor": (0, 0, 0)}, "that are not all 0"),
        ({"tensor": (1, 2, 3, 4)}, r"is \(1, 2, 3, 4\)"),
        ({"tensor": (1, np.nan, 0)}, "finite"),
        ({"tensor": (1, 1, 0), "dip": 30.0}, "moment has no direction"),
        ({"tensor": (1, 1, 0), "gauge": 30.0}, "moment has no gauge"),
        ({"quantity": "force", "dip": 0.0, "azimuth": 0.0, "tensor": (1, 1, 0)}, "has no tensor"),
    ],
)
def test_moments_that_are_none(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(GeometryError, match=words):
        Component(**{"quantity": "moment", **arguments})  # type: ignore[arg-type]


def test_codes_of_moments_that_are_none() -> None:
    for code in ("moment", "moment 1 2", "moment 1 2 x", "mzx"):
        with pytest.raises(GeometryError, match=r"there is no component|the tensor of a moment is"):
            Component.named(code)


@pytest.mark.parametrize("angles", [(0.0, 90.0, 0.0), (30.0, 60.0, 90.0), (214.0, 35.0, -71.0)])
def test_slips_on_faults_are_double_couples(angles: tuple[float, float, float]) -> None:
    """M = n d + d n, with the slip d of the rock above the fault and its normal n downwards.

    Aki and Richards (2002), equations 4.88 and 4.89, with x to the north and y to the east.
    """
    f, d, r = np.deg2rad(angles)
    along = np.array([np.cos(f), np.sin(f), 0.0])
    up = np.array([np.sin(f) * np.cos(d), -np.cos(f) * np.cos(d), -np.sin(d)])
    slip = np.cos(r) * along + np.sin(r) * up
    normal = np.array([-np.sin(d) * np.sin(f), np.sin(d) * np.cos(f), -np.cos(d)])
    couple = np.outer(normal, slip) + np.outer(slip, normal)
    tensor = Component.double_couple(*angles).tensor
    expected = [couple[i, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))]
    np.testing.assert_allclose(tensor, expected, atol=1e-14)
    with pytest.raises(GeometryError, match="must be finite"):
        Component.double_couple(np.nan, 0.0, 0.0)
