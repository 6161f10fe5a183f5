"""Cures follow from the config as it is: changes add to those that are there."""

from __future__ import annotations

from typing import Any

import pytest

from fwicli.config import schema
from fwicli.inversion.quality.faults import Fault
from fwicli.workflows.planning.cures import named

EXCHANGED = {"x": "y", "y": "x"}


def config(**sections: Any) -> schema.RtmConfig:
    data = {"file": "shots.h5", **sections.pop("data", {})}
    model = {"vp": 2000.0, "shape": [11, 11, 11], "spacing": 10.0}
    return schema.RtmConfig.model_validate(
        {"model": model, "data": data, "imaging": {}, **sections}
    )


def cure(kind: str, numbers: dict[str, Any], **sections: Any) -> tuple[str, ...]:
    return named(Fault(kind, "", numbers), config(**sections)).cure.settings


@pytest.mark.parametrize(
    ("skip", "dead", "expected"),
    [([], [2], "[2]"), ([0], [2], "[0, 3]"), ([1, 3], [1, 2], "[1, 2, 3, 4]")],
)
def test_shots_are_left_out_by_their_first_numbers(
    skip: list[int], dead: list[int], expected: str
) -> None:
    assert cure("dead_shot", {"shots": dead}, data={"skip": skip}) == (f"data.skip={expected}",)


def test_shifts_add() -> None:
    assert cure("time_zero", {"late_s": 0.02}, data={"shift": 0.05}) == ("data.shift=0.03",)


@pytest.mark.parametrize(
    ("wavelet", "expected"),
    [
        ({"kind": "ricker", "frequency": 8, "amplitude": 2.0}, "wavelet.amplitude=-2"),
        ({"kind": "file", "file": "w.npy", "scale": -3.0}, "wavelet.scale=3"),
        (None, "wavelet={kind: file, file: shots.h5, scale: -1}"),
    ],
)
def test_polarity_changes_the_sign_of_any_wavelet(
    wavelet: dict[str, Any] | None, expected: str
) -> None:
    assert cure("polarity", {}, wavelet=wavelet) == (expected,)


@pytest.mark.parametrize(
    ("of", "data", "expected"),
    [
        ("both", {}, ("data.axes={x: y, y: x, z: z}",)),
        ("receivers", {}, ("data.receiver_axes={x: y, y: x, z: z}",)),
        (
            "sources",
            {},
            ("data.axes={x: y, y: x, z: z}", "data.receiver_axes={x: x, y: y, z: z}"),
        ),
        ("both", {"axes": EXCHANGED}, ("data.axes={x: x, y: y, z: z}",)),
        ("both", {"axes": {"z": "-z"}}, ("data.axes={x: y, y: x, z: -z}",)),
    ],
)
def test_axes_are_exchanged_beside_other_changes(
    of: str, data: dict[str, Any], expected: tuple[str, ...]
) -> None:
    numbers = {"axes": EXCHANGED, "of": of, "model_axes": ["x", "y", "z"]}
    assert cure("coordinates", numbers, data=data) == expected


def test_band_scales_frequencies() -> None:
    numbers = {"ratio": 2.0, "recorded_hz": 10.0}
    ricker = {"kind": "ricker", "frequency": 4}
    assert cure("wavelet_band", numbers, wavelet=ricker) == ("wavelet.frequency=8",)
    ormsby = {"kind": "ormsby", "corners": [1, 2, 3, 4]}
    assert cure("wavelet_band", numbers, wavelet=ormsby) == ("wavelet.corners=[2, 4, 6, 8]",)
