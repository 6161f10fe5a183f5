"""Records are corrected as their section says, and wrong corrections are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.config.data import DataSection
from fwicli.config.schema import WaveletFileSection
from fwicli.errors import DataError, FwiError, GeometryError
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.gathers import Gathers
from fwicli.workflows.assembly.corrections import corrected
from fwicli.workflows.assembly.wavelets import signature

RANDOM = np.random.default_rng(0)


def records(ndim: int = 2, per_shot: bool = False) -> Gathers:
    receivers = RANDOM.random((3, 4, ndim) if per_shot else (4, ndim))
    return Gathers(
        Acquisition(RANDOM.random((3, ndim)), receivers), 0.004, RANDOM.random((3, 4, 20))
    )


def section(**keys: Any) -> DataSection:
    return DataSection.model_validate({"file": "shots.h5", **keys})


def test_nothing_is_corrected_by_default() -> None:
    original = records()
    assert corrected(original, section()) is original


def test_interval_replaces_that_of_the_file() -> None:
    assert corrected(records(), section(interval=0.002)).interval == 0.002


def test_traces_are_moved_in_time() -> None:
    """By whole samples exactly, and by parts of them as a wave moves."""
    original = records()
    earlier = corrected(original, section(shift=-0.012)).data
    np.testing.assert_array_equal(earlier, original.data[..., 3:])
    later = corrected(original, section(shift=0.012)).data
    np.testing.assert_array_equal(later[..., 3:], original.data[..., :-3])
    assert not later[..., :3].any()
    t = 0.004 * np.arange(100)
    pulse = np.exp(-(((t - 0.2) / 0.02) ** 2))
    one = Gathers(Acquisition(np.zeros((1, 2)), np.zeros((1, 2))), 0.004, pulse[None, None])
    expected = np.exp(-(((t - 0.2101) / 0.02) ** 2))
    moved = corrected(one, section(shift=0.0101)).data[0, 0]
    np.testing.assert_allclose(moved, expected, atol=1e-6)


@pytest.mark.parametrize("per_shot", [False, True])
def test_axes_are_exchanged_and_turned(per_shot: bool) -> None:
    """Of both, or of receivers alone."""
    original = records(3, per_shot)
    both = corrected(original, section(axes={"x": "y", "y": "x", "z": "-z"})).acquisition
    factor = np.array([1, 1, -1])
    before = original.acquisition
    np.testing.assert_array_equal(both.sources, factor * before.sources[:, [1, 0, 2]])
    np.testing.assert_array_equal(both.receivers, factor * before.receivers[..., [1, 0, 2]])
    alone = corrected(original, section(receiver_axes={"z": "-z"})).acquisition
    np.testing.assert_array_equal(alone.sources, before.sources)
    np.testing.assert_array_equal(alone.receivers, factor * before.receivers)


def test_shots_are_left_out() -> None:
    original = records(per_shot=True)
    rest = corrected(original, section(skip=[1]))
    np.testing.assert_array_equal(rest.data, original.data[[0, 2]])
    np.testing.assert_array_equal(
        rest.acquisition.receivers_of(1), original.acquisition.receivers[2]
    )


@pytest.mark.parametrize(
    ("keys", "error", "text"),
    [
        ({"skip": [3]}, DataError, "no shot 3"),
        ({"skip": [0, 1, 2]}, DataError, "all 3 shots"),
        ({"axes": {"x": "z"}}, GeometryError, "z, z of the file"),
        ({"axes": {"x": "y", "y": "x"}}, GeometryError, "axes x, z of the model"),
        ({"shift": -0.08}, DataError, "leaves nothing of records of 0.076 s"),
        ({"interval": 50.0}, DataError, "too far apart"),
    ],
)
def test_what_cannot_be_is_refused(keys: dict[str, Any], error: type[FwiError], text: str) -> None:
    with pytest.raises(error, match=text):
        corrected(records(), section(**keys))


def test_wavelet_of_a_file_is_delayed(tmp_path: Path) -> None:
    """By whole samples it is the same; before t = 0 it is refused."""
    wavelet = np.zeros(60)
    wavelet[10:21] = np.hanning(11)
    np.save(tmp_path / "w.npy", wavelet)
    settings = {"kind": "file", "file": tmp_path / "w.npy"}
    later = signature(WaveletFileSection.model_validate(settings | {"delay": 0.04}), 0.004, 100)
    np.testing.assert_allclose(later[10:70], wavelet, atol=1e-3)
    assert later.argmax() == wavelet.argmax() + 10
    with pytest.raises(DataError, match="comes before"):
        signature(WaveletFileSection.model_validate(settings | {"delay": -0.06}), 0.004, 100)
