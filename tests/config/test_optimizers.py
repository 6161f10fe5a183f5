"""The optimizer of a config: by its name, with settings of its own, and mistakes explained."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from fwicli.config.loader import ProblemsError, load
from fwicli.config.optimizers import LbfgsSection, OptimizerSection
from fwicli.config.values import kinds
from fwicli.inversion.optimizers import (
    conjugate_gradient,
    lbfgs,
    newton,
    spectral_gradient,
    stochastic,
)
from fwicli.inversion.optimizers.optimizer import Optimizer
from fwicli.workflows.assembly.optimizer import build

CONFIG = """\
model: {vp: 2000.0, shape: [31, 21], spacing: 10}
data: {file: shots.h5}
inversion:
  bounds: [1400, 4000]
  stages: [{band: [0, 8]}, {band: [0, 12], optimizer: {method: newton}}]
"""


def made(tmp_path: Path, optimizer: str, stage: int = 0) -> Optimizer:
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG + f"  optimizer: {optimizer}\n", encoding="utf-8")
    return build(load(path).config.inversion.of(stage).optimizer)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", lbfgs.Lbfgs(10, 8, damped=False)),
        ("{memory: 5, damped: true}", lbfgs.Lbfgs(5, 8, damped=True)),
        ("{method: lbfgs, evaluations: 4}", lbfgs.Lbfgs(10, 4, damped=False)),
        (
            "{method: conjugate_gradient, formula: hybrid, evaluations: 6}",
            conjugate_gradient.ConjugateGradient("hybrid", 6),
        ),
        ("{method: spectral_gradient, window: 5}", spectral_gradient.SpectralGradient(5, 8)),
        ("{method: gauss_newton, inner: 6}", newton.Newton("gauss_newton", 6, 8)),
        ("{method: newton, evaluations: 3, memory: 4}", newton.Newton("full", 10, 3, 4)),
        ("{method: momentum, momentum: 0.5, decay: 0.1}", stochastic.Momentum(0.5, 0.1)),
        (
            "{method: adam, first_memory: 0.8, second_memory: 0.9, floor: 0.1, decay: 1}",
            stochastic.Adam(0.8, 0.9, 0.1, 1.0),
        ),
    ],
)
def test_every_setting_arrives(tmp_path: Path, text: str, expected: Optimizer) -> None:
    assert made(tmp_path, text) == expected


def test_a_stage_has_its_own(tmp_path: Path) -> None:
    assert isinstance(made(tmp_path, "{memory: 5}", 1), newton.Newton)


def test_default_is_lbfgs() -> None:
    assert LbfgsSection().method == "lbfgs"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{method: lbgfs}", "did you mean `lbfgs`?"),
        ("{method: adam, memory: 5}", "`memory` is not for `method: adam`; leave it out, or set"),
        ("{memry: 5}", "unknown key `memry`; did you mean `memory`?"),
        ("{method: newton, evaluations: 1}", "must be 2 or more"),
        ("{method: momentum, momentum: 1}", "must be less than 1"),
        ("{method: conjugate_gradient, formula: fletcher}", "must be 'polak_ribiere' or 'hybrid'"),
        ("{method: gauss_newton, inner: 0}", "must be 1 or more"),
        ("{damped: 1}", "must be true or false"),
        ("newton", "must be a section, as in {method: newton}"),
    ],
)
def test_mistakes_are_explained(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        made(tmp_path, text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("misfit: wasserstein", "stage 2: `optimizer: {method: newton}` needs the second"),
        ("source: {estimate: common}", "stage 2: `optimizer: {method: newton}` needs a source of"),
    ],
)
def test_second_derivatives_have_to_be_known(tmp_path: Path, line: str, message: str) -> None:
    """Where a stage needs them; a method that does not takes anything."""
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG + f"  {line}\n", encoding="utf-8")
    with pytest.raises(ProblemsError) as caught:
        load(path)
    assert message in str(caught.value)
    path.write_text(CONFIG.replace("method: newton", "memory: 3") + f"  {line}\n", encoding="utf-8")
    load(path)


@pytest.mark.parametrize("method", kinds(OptimizerSection, "method"))
def test_sections_know_their_methods(method: str) -> None:
    """What constraints and second derivatives they take; the schema refuses the others."""
    section = TypeAdapter(OptimizerSection).validate_python({"method": method})
    optimizer = build(section)
    assert section.keeps_constraints == optimizer.sets
    assert section.second_order == (optimizer.curvature is not None)
