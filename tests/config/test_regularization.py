"""Sections that say what a model should be like, and mistakes in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fwicli.config.inversion import InversionSection
from fwicli.config.loader import ProblemsError, load

CONFIG = """\
model: {vp: 2000.0, rho: 1500.0, shape: [31, 21], spacing: 10}
data: {file: shots.h5}
physics: {equation: variable_density}
inversion:
  bounds: [1400, 4000]
"""
STAGES = "stages: [{band: [0, 8]}]"
OWN = "stages: [{band: [0, 8]}, {band: [0, 9], regularization: [], taper: 40}]"


def read(tmp_path: Path, *lines: str) -> InversionSection:
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG + "".join(f"  {line}\n" for line in lines), encoding="utf-8")
    found: InversionSection = load(path).config.inversion
    return found


def test_all_kinds(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        OWN,
        "fixed: [water, {below: 150}, {file: mask.npy}]",
        "taper: 20",
        "regularization:",
        "  - {kind: tikhonov, weight: 0.001, order: 2, axes: {x: 4}, of: change}",
        "  - {kind: directional, weight: 0.1, dip: {file: dip.npy}}",
        "  - {kind: total_variation, weight: 0.1, smoothing: 0.01, property: vp}",
        "  - {kind: reference, weight: 0.1, model: 2500}",
    )
    assert [p.kind for p in found.regularization] == [
        "tikhonov",
        "directional",
        "total_variation",
        "reference",
    ]
    first, second = found.of(0), found.of(1)
    assert (len(first.regularization), first.taper) == (4, 20)
    assert (second.regularization, second.taper) == ([], 40)
    assert isinstance(found.fixed, list)
    assert found.fixed[1].depths() == (150, float("inf"))
    assert found.fixed[2].file == tmp_path / "mask.npy"


def test_what_a_run_writes_can_be_read(tmp_path: Path) -> None:
    """With everything that has rules of what may stand beside what."""
    found = read(
        tmp_path,
        OWN,
        "fixed: [{above: 10}, {between: [20, 30]}]",
        "regularization: [{kind: reference, weight: 0.1}]",
        "preconditioning: {illumination: {receivers: true}, smoothing: {wavelengths: 0.3}}",
    )
    assert InversionSection.model_validate(found.model_dump(mode="json")) == found
    one = "stages: [{band: [0, 8], constraints: [{kind: smoothness, relative: 2}]}]"
    found = read(tmp_path, one, "constraints: [{kind: slopes, low: 0, property: vp}]")
    assert InversionSection.model_validate(found.model_dump(mode="json")) == found


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("regularization: [{kind: tikonov, weight: 1}]", "got 'tikonov'; did you mean `tikhonov`?"),
        ("regularization: [{kind: tikhonov}]", "weight: this key is required"),
        ("regularization: [{kind: tikhonov, weight: 1, axis: x}]", "did you mean `axes`?"),
        ("regularization: [{kind: tikhonov, weight: 0}]", "must be greater than 0"),
        ("regularization: {kind: tikhonov, weight: 1}", "must be a list"),
        ("regularization: [{kind: reference, weight: 1, property: rho}]", "not inverted for"),
        ("constraints: [{kind: total_variation}]", "give either `limit`"),
        ("constraints: [{kind: smoothness, limit: 1, relative: 1}]", "give either `limit`"),
        ("constraints: [{kind: slopes, axis: z}]", "give `low`, `high` or both"),
        ("constraints: [{kind: slopes, low: 1, high: 0}]", "`low`, 1, must be below `high`, 0"),
        ("constraints: [{kind: slopes, low: 0}]\n  parameter: slowness", "leave out its `param"),
        ("constraints: [{kind: slopes, low: 0}]\n  taper: 50", "use `preconditioning.mutes`"),
        (
            "constraints: [{kind: slopes, low: 0}]\n  optimizer: {method: newton}",
            "set `optimizer: {method: spectral_gradient}`",
        ),
        ("fixed: rock", "water, nothing, a depth [m], or layers"),
        ("fixed: {above: 100, below: 200}", "give one of `above`, `below`, `between`"),
        ("fixed: {between: [200, 100]}", "the first of the two depths must be above"),
        ("preconditioning: {smoothing: {wavelength: 1}}", "did you mean `wavelengths`?"),
        ("preconditioning: {mutes: {source: 10}}", "did you mean `sources`?"),
        (
            "preconditioning: {illumination: {receivers: true, exponent: 2}}",
            "leave out `exponent`",
        ),
    ],
)
def test_mistakes(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        read(tmp_path, STAGES, line)
    assert message in str(caught.value)
    assert "c.yaml:" in str(caught.value)


def test_stage_s_own_is_checked_too(tmp_path: Path) -> None:
    stage = "stages: [{band: [0, 8], constraints: [{kind: slopes, low: 0, property: rho}]}]"
    with pytest.raises(ProblemsError, match="slopes concerns rho, which is not inverted for"):
        read(tmp_path, stage)
