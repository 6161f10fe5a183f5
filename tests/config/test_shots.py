"""Sections of shots make the objects they describe, and mistakes are explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from fwicli.config.loader import ProblemsError, load
from fwicli.config.shots import ShotsSection
from fwicli.inversion.shots.batches import Batches
from fwicli.inversion.shots.encoding import Encoding
from fwicli.workflows.assembly.shots import build_batches, build_encoding

CONFIG = """\
model: {vp: 2000.0, shape: [31, 21], spacing: 10}
data: {file: shots.h5}
inversion:
  bounds: [1500, 3000]
  stages: [{band: [0, 8]}, {band: [0, 16], shots: {encode: {}}}]
"""


def shots(tmp_path: Path, text: str, stage: int = 0) -> ShotsSection:
    path = tmp_path / "c.yaml"
    path.write_text(f"{CONFIG}  shots: {text}\n", encoding="utf-8")
    found: ShotsSection = load(path).config.inversion.of(stage).shots
    return found


def test_all_shots_by_default(tmp_path: Path) -> None:
    found = shots(tmp_path, "{}")
    assert build_batches(found) is build_encoding(found) is None


def test_sections_make_rules(tmp_path: Path) -> None:
    found = shots(tmp_path, "{batch: 4, order: random, seed: 7}")
    assert build_batches(found) == Batches(4, "random", 7)
    found = shots(tmp_path, "{encode: {sources: 5, realisations: 2, delay: 0.3, polarity: true}}")
    assert build_encoding(found) == Encoding(5, 2, True, 0.3, 0)


def test_a_stage_has_its_own(tmp_path: Path) -> None:
    assert build_encoding(shots(tmp_path, "{batch: 4}", stage=0)) is None
    found = shots(tmp_path, "{batch: 4}", stage=1)
    assert build_encoding(found) == Encoding()
    assert build_batches(found) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{order: random}", "give their size as `batch`"),
        ("{batch: 4, order: sorted}", r"must be one of: shuffled, random, interleaved"),
        ("{batch: 0}", "must be 1 or more"),
        ("{encode: {polarity: false}}", "cross-talk never averages out"),
        ("{encode: {sources: 1}}", "must be 2 or more"),
        ("{encode: {source: 3}}", "did you mean `sources`"),
        ("{encode: true}", "shots.encode: must be a section of settings, or false; got True"),
    ],
)
def test_mistakes_are_explained(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ProblemsError, match=message):
        shots(tmp_path, text)
