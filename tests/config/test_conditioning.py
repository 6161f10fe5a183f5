"""Conditioning and source estimation are said once or by stage, and mistakes are explained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fwicli.config.inversion import InversionSection
from fwicli.config.loader import ProblemsError, load
from fwicli.errors import DataError
from fwicli.inversion.conditioning.operators import Record
from fwicli.workflows.assembly.arrays import TraceArrays
from fwicli.workflows.assembly.conditioning import Preparer, build_preparer

CONFIG = """\
model: {vp: 2000.0, shape: [31, 21], spacing: 10}
data: {file: shots.h5}
inversion:
  bounds: [1400, 4000]
"""
STAGES = "stages: [{band: [0, 8]}, {band: [0, 16]}]"
RECORD = Record(0, np.array([50.0, 500.0]), 0.004, np.ones((2, 251)))


def inversion(tmp_path: Path, *lines: str, stages: str = STAGES) -> InversionSection:
    path = tmp_path / "c.yaml"
    text = CONFIG + "".join(f"  {line}\n" for line in (stages, *lines))
    path.write_text(text, encoding="utf-8")
    found: InversionSection = load(path).config.inversion
    return found


def preparer(settings: InversionSection, stage: int) -> Preparer | None:
    return build_preparer(settings, stage, TraceArrays())


def compared_traces(settings: InversionSection, stage: int) -> list[bool]:
    prepare = preparer(settings, stage)
    assert prepare is not None
    return prepare(RECORD).compared_traces((2, 251)).tolist()


def test_nothing_is_done_by_default(tmp_path: Path) -> None:
    assert preparer(inversion(tmp_path), 0) is None
    assert preparer(inversion(tmp_path, "source: false"), 1) is None


def test_a_stage_has_its_own(tmp_path: Path) -> None:
    """In place of what is said for all."""
    settings = inversion(
        tmp_path,
        "conditioning: [{kind: offsets, farthest: 200}]",
        "source: true",
        stages="stages: [{band: [0, 8], source: {estimate: common, window: [{kind: offsets, "
        "nearest: 100}]}}, {band: [0, 8], source: false, conditioning: [{kind: offsets, "
        "nearest: 100}]}, {band: [0, 8], source: false, conditioning: []}]",
    )
    assert compared_traces(settings, 0) == [True, True]
    assert compared_traces(settings, 1) == [False, True]
    assert preparer(settings, 2) is None
    first = preparer(settings, 0)
    assert first is not None
    fit = first(RECORD).source
    assert fit is not None
    assert fit.common
    np.testing.assert_array_equal(fit.weights.any(axis=1), [False, True])


def test_order_of_operators_is_that_of_the_list(tmp_path: Path) -> None:
    lines = ("{kind: band_pass, band: [2, 9]}", "{kind: times, before: 0.5, taper: 0.1}")
    gather = np.random.default_rng(0).standard_normal((2, 251))
    found = []
    for order in (lines, lines[::-1]):
        prepare = preparer(inversion(tmp_path, f"conditioning: [{', '.join(order)}]"), 0)
        assert prepare is not None
        found.append(prepare(RECORD).conditioning.apply(gather))
    assert not found[0][:, 126:].any()
    assert found[1][:, 126:].any()


def test_weights_from_a_file(tmp_path: Path) -> None:
    """Whose path is that beside the config."""
    np.save(tmp_path / "w.npy", np.array([0.0, 2.0]))
    line = "conditioning: [{kind: given_weights, file: w.npy}]"
    settings = inversion(tmp_path, line)
    prepare = preparer(settings, 0)
    assert prepare is not None
    np.testing.assert_array_equal(prepare(RECORD).conditioning.weights((2, 251))[:, 0], [0, 2])
    (tmp_path / "w.npy").unlink()
    # Weights are read once, by whoever asks first.
    np.testing.assert_array_equal(prepare(RECORD).conditioning.weights((2, 251))[:, 0], [0, 2])
    again = preparer(settings, 0)
    assert again is not None
    with pytest.raises(DataError, match=r"there is no file .*w\.npy"):
        again(RECORD)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("conditioning: [{kind: offset}]", "did you mean `offsets`?"),
        ("conditioning: [{farthest: 300}]", "needs the key `kind`"),
        ("conditioning: {kind: offsets}", "must be a list"),
        ("conditioning: [{kind: offsets}]", "give `nearest` or `farthest` [m], or both"),
        ("conditioning: [{kind: times, taper: 1}]", "give `after` or `before` [s], or both"),
        (
            "conditioning: [{kind: times, after: 2, before: 1}]",
            "`after: 2` must be below `before: 1` [s]; exchange them, and add `mute: true`",
        ),
        ("conditioning: [{kind: moveout, after: 0.1}]", "this key is required"),
        ("conditioning: [{kind: moveout, velocity: 0, after: 0}]", "must be greater than 0"),
        (
            "conditioning: [{kind: moveout_by_frequency, after: 0, velocities: [[8, 1], [4, 2]]}]",
            "must rise from pair to pair, not 8, 4 Hz; sort the pairs",
        ),
        (
            "conditioning: [{kind: moveout_by_frequency, after: 0, velocities: [[8], [9, 1]]}]",
            "must have 2 values, not 1",
        ),
        ("conditioning: [{kind: times, befor: 1}]", "did you mean `before`?"),
        ("conditioning: [{kind: band_pass, band: [9, 3]}]", "the first of the two must be below"),
        ("conditioning: [{kind: dead_traces, above: 0.5}]", "must be greater than 1"),
        ("source: common", "must be a section or true or false"),
        ("source: {estimate: commen}", "did you mean `common`?"),
        ("source: {lags: [0.1, 0.5]}", "lags go from one that is not positive"),
        ("source: {damping: 0}", "must be greater than 0"),
        ("source: {window: [{kind: band_pass, band: [1, 5]}]}", "kind` must be one of"),
    ],
)
def test_mistakes(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        inversion(tmp_path, line)
    assert message in str(caught.value)
    assert "c.yaml:" in str(caught.value)
