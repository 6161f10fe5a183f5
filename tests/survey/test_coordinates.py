"""Coordinates of a map and of the model: round trips, known points, and fitted lines."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.errors import GeometryError
from fwicli.survey.coordinates import Frame, fit

AZIMUTHS = [0.0, 37.5, 90.0, 123.456, 180.0, 270.0, 359.9, -45.0, 725.0]


def line(azimuth: float, along: np.ndarray, across: np.ndarray | float = 0.0) -> np.ndarray:
    """Positions of shape (n, 3) along a line through (431 200, 6 478 300) m, 10 m deep."""
    angle = np.radians(azimuth)
    east = 431200 + along * np.sin(angle) - across * np.cos(angle)
    north = 6478300 + along * np.cos(angle) + across * np.sin(angle)
    return np.stack([east, north, np.full(along.shape, 10.0)], axis=1)


@pytest.mark.parametrize("azimuth", AZIMUTHS)
@pytest.mark.parametrize("ndim", [2, 3])
def test_round_trip(azimuth: float, ndim: int) -> None:
    """Map to model and back, and model to map and back, to round-off of the coordinates."""
    rng = np.random.default_rng(5)
    frame = Frame(
        (4.3e5, 6.5e6),
        (90.0 if azimuth < 100 else 270.0) if ndim == 2 else azimuth,
        312.5,
        (500.0, -20.0),
    )
    positions = 1e4 * rng.standard_normal((50, ndim))
    for first, second in ((frame.to_map, frame.to_model), (frame.to_model, frame.to_map)):
        back = second(first(positions))
        assert np.abs(back - positions).max() < 4 * np.finfo(float).eps * 6.5e6


@pytest.mark.parametrize("azimuth", AZIMUTHS)
def test_a_rotation_keeps_distances_and_depths(azimuth: float) -> None:
    positions = 1e3 * np.random.default_rng(6).standard_normal((20, 3))
    in_model = Frame((100.0, 200.0), azimuth).to_model(positions)
    for points in (positions, in_model):
        points -= points[0].copy()
    lengths = np.linalg.norm(positions, axis=1)
    assert np.abs(np.linalg.norm(in_model, axis=1) - lengths).max() < 1e-13 * lengths.max()
    assert (in_model[:, 2] == positions[:, 2]).all()


def test_without_settings_nothing_changes() -> None:
    positions = np.random.default_rng(7).standard_normal((20, 3))
    assert (Frame().to_model(positions) == positions).all()
    assert (Frame().to_map(positions) == positions).all()


@pytest.mark.parametrize(
    ("azimuth", "x", "y"),
    [(90, 3, 4), (0, 4, -3), (180, -4, 3), (270, -3, -4), (45, 7 / 2**0.5, 1 / 2**0.5)],
)
def test_known_points(azimuth: float, x: float, y: float) -> None:
    """3 m east and 4 m north of the origin, 5 m below an elevation of 0."""
    frame = Frame((1000.0, 2000.0), azimuth, datum=100.0, shift=(10.0, 20.0))
    (position,) = frame.to_model(np.array([[1003.0, 2004.0, 5.0]]))
    assert position == pytest.approx([10 + x, 20 + y, 105.0], rel=1e-13)


@pytest.mark.parametrize("azimuth", [0.0, 12.0, 90.0, 133.3, 180.0, 222.0, 270.0, 300.0])
def test_a_line_is_fitted(azimuth: float) -> None:
    """x is the way along it from the first source to the last; nothing is off it."""
    along = np.array([300.0, 700.0, 1500.0])
    receivers = line(azimuth, np.arange(0, 2001.0, 100))
    frame = fit(line(azimuth, along), receivers, datum=7.0)
    in_model = frame.to_model(receivers)
    assert frame.azimuth == pytest.approx(azimuth % 360, abs=1e-6)
    assert np.abs(in_model[:, 0] - np.arange(0, 2001.0, 100)).max() < 1e-7
    assert np.abs(in_model[:, 1]).max() < 1e-7
    assert (in_model[:, 2] == 17.0).all()
    backwards = fit(line(azimuth, along[::-1]), receivers)
    assert (backwards.azimuth - frame.azimuth) % 360 == pytest.approx(180.0, abs=1e-6)


@pytest.mark.parametrize(
    ("origin", "first"),
    [("beginning", 0.0), ("first_source", 300.0), ((431300.0, 6478250.0), 100.0)],
)
def test_where_x_begins(origin: object, first: float) -> None:
    receivers = line(90, np.arange(0, 2001.0, 100))
    frame = fit(line(90, np.array([300.0, 1500.0])), receivers, origin, shift=(50.0, 0.0))
    assert frame.to_model(receivers)[0, 0] == pytest.approx(50.0 - first, abs=1e-7)


def test_a_crooked_line_is_projected() -> None:
    """The best line has the least sum of squared distances of all lines."""
    along = np.linspace(0, 4000, 81)
    receivers = line(30, along, 60 * np.sin(along / 600))
    sources = receivers[::20]
    frame = fit(sources, receivers)
    points = np.unique(np.concatenate([sources, receivers]), axis=0)

    def squares(azimuth: float, aside: float) -> float:
        turned = Frame(frame.origin, azimuth)
        return float(((turned.to_model(points)[:, 1] - aside) ** 2).sum())

    least = squares(frame.azimuth, 0.0)
    assert least > 0
    for turn, aside in ((0.01, 0), (-0.01, 0), (0, 0.1), (0, -0.1), (0.01, -0.4)):
        assert squares(frame.azimuth + turn, aside) > least


def test_one_source_leaves_the_direction_to_the_receivers() -> None:
    source, receivers = line(90, np.array([500.0])), line(90, np.array([0.0, 400.0, 900.0]))
    assert fit(source, receivers).azimuth == 90
    assert fit(source, receivers[::-1]).azimuth == 270
    assert fit(source, receivers[:1]).azimuth == 90


def test_a_line_without_northings_is_along_the_easting() -> None:
    """Either way, as the sources go."""
    sources = np.array([[900.0, 5.0], [500.0, 5.0]])
    receivers = np.array([[1000.0, 0.0], [400.0, 0.0]])
    frame = fit(sources, receivers)
    assert frame.azimuth == 270
    assert frame.to_model(sources).tolist() == [[100, 5], [500, 5]]
    assert frame.to_map(frame.to_model(sources)).tolist() == sources.tolist()
    assert fit(sources[::-1], receivers).to_model(sources).tolist() == [[500, 5], [100, 5]]


@pytest.mark.parametrize("azimuth", [89.0, 0.0])
def test_no_rotation_without_a_northing(azimuth: float) -> None:
    with pytest.raises(GeometryError, match="no northing"):
        Frame(azimuth=azimuth).to_model(np.zeros((3, 2)))
    assert Frame(azimuth=450.0).to_model(np.ones((3, 2))).shape == (3, 2)


def test_positions_off_any_line_are_refused() -> None:
    square = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0.0]])
    with pytest.raises(GeometryError, match="do not lie along a line"):
        fit(square, square)
    with pytest.raises(GeometryError, match="do not lie along a line"):
        fit(square[:1], square[:1])
