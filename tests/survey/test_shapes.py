"""Rings, arcs, polylines, and receivers by offset."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.errors import GeometryError
from fwicli.survey.shapes import arc, polyline, ring, within_offsets


@pytest.mark.parametrize("centre", [(300.0, 500.0), (300.0, 500.0, 20.0)])
def test_ring(centre: tuple[float, ...]) -> None:
    """As far from the centre and from each other all round; no point twice."""
    points = ring(centre, 200.0, 7)
    around = points - np.array(centre)
    assert np.linalg.norm(around, axis=1) == pytest.approx(200.0, rel=1e-14)
    apart = np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1)
    assert apart == pytest.approx(400 * np.sin(np.pi / 7), rel=1e-13)
    assert around[0, :2] == pytest.approx([200, 0])
    assert around[1, 1] > 0
    assert (around[:, 2:] == 0).all()


def test_arc() -> None:
    """A ring is an arc whose last point is a step before its first; angles may go backwards."""
    assert np.allclose(arc((0, 0), 5.0, (0, 270), 4), ring((0, 0), 5.0, 4), rtol=0, atol=1e-14)
    forth, back = (arc((1, 2, 3), 10.0, angles, 9) for angles in ((180, 0), (0, 180)))
    assert (forth == back[::-1]).all()
    assert forth[4] == pytest.approx([1, 12, 3])
    assert arc((1, 2), 10.0, (90, 180), 1)[0] == pytest.approx([1, 12])


@pytest.mark.parametrize("ndim", [2, 3])
def test_polyline(ndim: int) -> None:
    """Points lie on the pieces, and are a step apart along them."""
    vertices = np.array([[0, 0, 0], [300, 400, 0], [300, 400, 250], [0, 0, 250.0]])[:, :ndim]
    length = 1000.0 if ndim == 2 else 1250.0
    points = polyline(vertices, step=100.0)
    assert len(points) == int(length / 100) + 1
    assert points[3] == pytest.approx([180, 240, 0][:ndim])
    assert points[5] == pytest.approx([300, 400, 0][:ndim])
    by_count = polyline(vertices, count=11)
    assert (by_count[0] == vertices[0]).all()
    assert (by_count[-1] == vertices[-1]).all()
    if ndim == 2:
        assert np.allclose(points, by_count, rtol=0, atol=1e-12)


@pytest.mark.parametrize("end", [0.3, 0.7, 2.1, 5.9])
def test_the_end_of_a_polyline_is_a_point_where_steps_lead_there(end: float) -> None:
    """0.3 / 0.1 is less than 3 in floating point."""
    points = polyline(np.array([[0.0, 0.0], [end, 0.0]]), step=0.1)
    assert len(points) == round(10 * end) + 1
    assert points[-1, 0] == pytest.approx(end, rel=1e-14)


def test_mistakes() -> None:
    with pytest.raises(GeometryError, match="at one place"):
        polyline(np.ones((3, 2)), count=3)
    with pytest.raises(GeometryError, match="a step of 11 m is longer than the polyline, 10 m"):
        polyline(np.array([[0, 0], [6, 8.0]]), step=11.0)


def test_offsets() -> None:
    """Horizontal, on both sides, ends included."""
    receivers = np.stack([np.arange(0, 1001.0, 100), np.full(11, 300.0)], axis=1)
    assert within_offsets(np.array([500, 0.0]), receivers, (100, 300)).tolist() == [
        2,
        3,
        4,
        6,
        7,
        8,
    ]
    assert within_offsets(np.array([500, 0.0]), receivers, (0, 0)).tolist() == [5]
    assert within_offsets(np.array([550, 0.0]), receivers, (0, 10)).tolist() == []


def test_offsets_of_large_coordinates() -> None:
    """As in UTM: 0.1 m steps from 431 200.3 m are rounded."""
    along = 431200.3 + 0.1 * np.arange(11)
    receivers = np.stack([along, np.full(11, 6478300.7), np.zeros(11)], axis=1)
    assert within_offsets(receivers[0], receivers, (0.1, 0.5)).tolist() == [1, 2, 3, 4, 5]
