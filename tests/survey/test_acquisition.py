"""Geometry and gathers that fit together, or say why not."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli import Acquisition, Gathers, Grid
from fwicli.errors import DataError, GeometryError
from fwicli.survey.acquisition import towed


def test_receivers_of_each_shot() -> None:
    """Fixed receivers are the same for all shots; towed ones follow the source."""
    sources = np.array([[0.0, 10.0], [100.0, 10.0]])
    fixed = Acquisition(sources, np.array([[5.0, 0.0], [6.0, 0.0], [7.0, 0.0]]))
    assert (fixed.shots, fixed.counts.tolist(), fixed.ndim) == (2, [3, 3], 2)
    np.testing.assert_array_equal(fixed.receivers_of(0), fixed.receivers_of(1))
    streamer = Acquisition(sources, towed(sources, np.array([[50.0, 0.0], [60.0, 0.0]])))
    np.testing.assert_array_equal(streamer.receivers_of(1), [[150.0, 10.0], [160.0, 10.0]])
    np.testing.assert_array_equal(streamer.select(np.array([1])).source(0), [[100.0, 10.0]])


def test_geometry_that_does_not_fit_is_refused() -> None:
    with pytest.raises(GeometryError, match="do not fit 2 sources"):
        Acquisition(np.zeros((2, 2)), np.zeros((3, 5, 2)))


def test_data_must_fit_the_geometry() -> None:
    acquisition = Acquisition(np.zeros((2, 2)), np.zeros((3, 2)))
    with pytest.raises(DataError, match="2 shots with 3 receivers"):
        Gathers(acquisition, 0.004, np.zeros((2, 4, 10)))
    with pytest.raises(DataError, match="wavelet has 9 samples"):
        Gathers(acquisition, 0.004, np.zeros((2, 3, 10)), np.zeros(9))


@pytest.mark.parametrize("shape", [(3, 2), (2, 3, 2)], ids=["fixed", "of each shot"])
def test_silent_traces_are_counted(shape: tuple[int, ...]) -> None:
    """Traces of zeros or NaN are reported; their receivers may have no position."""
    data = np.ones((2, 3, 10))
    data[1, 2, 5] = np.nan
    data[0, 0] = 0
    receivers = np.ones(shape)
    acquisition = Acquisition(np.full((2, 2), 7.0), receivers)
    records = Gathers(acquisition, 0.004, data).with_silence()
    assert records.live.tolist() == [[False, True, True], [True, True, False]]
    assert np.isfinite(records.data).all()
    assert "2 of 6 traces are silent" in str(records.silence)
    assert "shot 1, receiver 2" in str(records.silence)
    assert Gathers(acquisition, 0.004, data).with_silence(compared=True).live.sum() == 5
    if len(shape) == 3:
        receivers[1, 2] = np.nan
        placed = Gathers(acquisition, 0.004, data).with_silence().acquisition
        assert placed.receivers_of(1)[2].tolist() == [7.0, 7.0]
    receivers[..., 1, 0] = np.nan
    with pytest.raises(GeometryError, match=r"receiver 1 of shot 0 is at \(nan, 1\) m"):
        Gathers(acquisition, 0.004, data).with_silence()
    with pytest.raises(DataError, match="all traces hold values that are no numbers"):
        Gathers(acquisition, 0.004, np.full_like(data, np.inf)).with_silence()


@pytest.mark.parametrize("value", [1e300, -1e20, 1e-300])
def test_amplitudes_of_no_record(value: float) -> None:
    """But traces without numbers do not count, nor do records of zeros here."""
    data = np.zeros((2, 3, 10))
    data[1, 2, 5] = value
    acquisition = Acquisition(np.zeros((2, 2)), np.zeros((3, 2)))
    with pytest.raises(DataError, match="of shot 1, receiver 2, is"):
        Gathers(acquisition, 0.004, data).with_silence()
    data[0, 0] = np.nan
    data[1, 2, 5] = 1.0
    Gathers(acquisition, 0.004, data).with_silence()
    Gathers(acquisition, 0.004, np.zeros_like(data)).with_silence()


def test_somebody_must_send_and_hear() -> None:
    with pytest.raises(GeometryError, match="there are no sources"):
        Acquisition(np.zeros((0, 2)), np.zeros((3, 2)))
    with pytest.raises(GeometryError, match="there are no receivers"):
        Acquisition(np.zeros((2, 2)), np.zeros((2, 0, 2)))


def test_points_on_the_edge_are_inside() -> None:
    grid = Grid((11, 6), (10.0, 10.0), (0.0, 5.0))
    points = np.array([[0.0, 5.0], [100.0, 55.0], [100.1, 20.0], [50.0, 4.0]])
    assert grid.outside(points).tolist() == [False, False, True, True]
