"""What is inverted for is said once, with bounds of each, and mistakes are explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from fwicli.config.inversion import VariableSection
from fwicli.config.loader import ProblemsError, load

CONFIG = """\
model: {vp: 2000.0, rho: 1500.0, shape: [31, 21], spacing: 10}
data: {file: shots.h5}
physics: {equation: variable_density}
inversion:
  stages: [{band: [0, 8]}]
"""


def inverted(tmp_path: Path, *lines: str) -> dict[str, VariableSection]:
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG + "".join(f"  {line}\n" for line in lines), encoding="utf-8")
    found: dict[str, VariableSection] = load(path).config.inversion.inverted()
    return found


def test_simple_form_is_velocity(tmp_path: Path) -> None:
    """With the same meaning as naming it."""
    simple = inverted(tmp_path, "bounds: [1400, 4000]", "parameter: slowness")
    named = inverted(tmp_path, "invert_for: {vp: {bounds: [1400, 4000], parameter: slowness}}")
    assert simple == named


@pytest.mark.parametrize(
    "names",
    [
        ("vp", "vp_vs_ratio", "rho"),
        ("impedance", "shear_impedance", "rho"),
        ("impedance", "shear_impedance", "vp"),
        ("lame_lambda", "lame_mu", "rho"),
        ("lame_lambda", "vs"),
        ("impedance", "rho"),
        ("vs", "impedance"),
    ],
    ids=" ".join,
)
def test_sets_that_determine_velocities_and_density(tmp_path: Path, names: tuple[str, ...]) -> None:
    bounds = ", ".join(f"{name}: [1, 2]" for name in names)
    assert tuple(inverted(tmp_path, f"invert_for: {{{bounds}}}")) == names


def test_shorthand_is_bounds(tmp_path: Path) -> None:
    found = inverted(tmp_path, "invert_for: {vp: [1400, 4000], epsilon: [-0.1, 0.3]}")
    assert found["vp"] == VariableSection(bounds=[1400.0, 4000.0])
    assert found["epsilon"].bounds == [-0.1, 0.3]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("misfit: least_squares", "give `bounds` of vp [m/s], or `invert_for`"),
        ("invert_for: {}", "name what to invert for"),
        ("bounds: {vp: [1, 2]}", "properties by name are `invert_for: {vp: [LOW, HIGH]}`"),
        (
            "invert_for: {vp: [1400, 4000], rho: [1000, 2000], impedance: [1.0e6, 9.0e6]}",
            "impedance = vp rho takes the place of rho, which is a variable, too; leave out one of "
            "the two: `{vp: ..., impedance: ...}` or `{vp: ..., rho: ...}`",
        ),
        (
            "invert_for: {vs: [200, 2000], vp_vs_ratio: [1.2, 5]}",
            "vp_vs_ratio = vp / vs takes the place of vs, which is a variable, too; leave out",
        ),
        (
            "invert_for: {shear_impedance: [1.0e5, 4.0e6], lame_mu: [1.0e8, 2.0e10]}",
            "vs rho and lame_mu = rho vs**2 both take the place of vs; leave out one of the two: "
            "`{lame_mu: ...}` or `{shear_impedance: ...}`",
        ),
        (
            "invert_for: {lame_lambda: [0, 2.0e10], rho: [1000, 2000], impedance: [1.0e6, 9.0e6]}",
            "both take the place of vp; leave out one",
        ),
        (
            "invert_for: {lame_lambda: [0, 2.0e10], impedance: [1.0e6, 9.0e6]}",
            "lame_lambda and impedance take the places of vp and rho, and each of these follows "
            "from the other alone; give rho in place of impedance",
        ),
        (
            "invert_for: {vp_vs_ratio: [1.2, 5], lame_lambda: [0, 2.0e10]}",
            "determine neither vp nor vs where vp is sqrt(2) vs and lame_lambda is 0; give lame_mu "
            "in place of vp_vs_ratio",
        ),
        ("invert_for: {lame_mu: [0, 2.0e10]}", "lame_mu is positive; its bounds begin at 0"),
        (
            "invert_for: {lame_lambda: {bounds: [0, 2.0e10], parameter: log}}",
            "lame_lambda may be negative and has no logarithm",
        ),
        ("invert_for: {rho: [0, 2000]}", "rho is positive; its bounds begin at 0"),
        ("invert_for: {qp: [0, 200]}", "qp is positive; its bounds begin at 0"),
        ("invert_for: {rho: {bounds: [1, 2], parameter: vp}}", "vp is a `parameter` of vp alone"),
        ("invert_for: {delta: {bounds: [0, 1], parameter: log}}", "has no logarithm"),
        ("invert_for: {vp: {bound: [1400, 4000]}}", "unknown key `bound`; did you mean `bounds`?"),
        ("invert_for: {vp: [4000, 1400]}", "the first of the two must be below the second"),
        ("invert_for: {vp: [1400]}", "must have 2 values, not 1"),
        ("invert_for: {vp: 1400}", "must be a section of `key: value` pairs"),
        ("invert_for: [vp, rho]", "as in {vp: [LOW, HIGH], rho: [LOW, HIGH]}; got"),
        ("invert_for: {vp: {bounds: [1, 2], parameter: vpp}}", "did you mean `vp`?"),
    ],
)
def test_mistakes(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        inverted(tmp_path, line)
    assert message in str(caught.value)
    assert "c.yaml:" in str(caught.value)


@pytest.mark.parametrize("simple", ["bounds: [1400, 4000]", "parameter: slowness"])
def test_both_forms_contradict(tmp_path: Path, simple: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        inverted(tmp_path, simple, "invert_for: {rho: [1000, 2000]}")
    name = simple.partition(":")[0]
    assert f"both `{name}` and `invert_for` are given; put the {name} into" in str(caught.value)


@pytest.mark.parametrize(
    ("inverted_for", "message"),
    [
        ("{rho: [1000, 2000]}", "rho cannot follow vp, which is not inverted for; add vp"),
        ("{vp: [1, 2], rho: [1, 2]}", "as rho is inverted for; leave out `follow.rho`, or rho"),
        ("{vp: [1, 2], impedance: [1, 2]}", "rho cannot follow vp, as impedance = vp rho is"),
        ("{vp: [1, 2], lame_mu: [1, 2]}", "rho cannot follow vp, as lame_mu = rho vs**2 is"),
    ],
)
def test_followers_are_no_variables(tmp_path: Path, inverted_for: str, message: str) -> None:
    """Nor parts of variables, and vp is one."""
    with pytest.raises(ProblemsError) as caught:
        inverted(tmp_path, f"invert_for: {inverted_for}", "follow: {rho: {law: gardner}}")
    assert message in str(caught.value)


def test_a_stage_may_say_it_otherwise(tmp_path: Path) -> None:
    """What it names takes the place of what all stages have; the rest stays."""
    path = tmp_path / "c.yaml"
    path.write_text(
        CONFIG.replace(
            "[{band: [0, 8]}]",
            "[{band: [0, 4]}, {band: [0, 8], model_smoothing: 30, optimizer: {memory: 3}}]",
        )
        + "  bounds: [1400, 4000]\n  optimizer: {memory: 7}\n  model_smoothing: 10\n",
        encoding="utf-8",
    )
    settings = load(path).config.inversion
    first, second = settings.of(0), settings.of(1)
    assert first == settings
    assert (second.model_smoothing, second.optimizer.memory) == (30, 3)
    assert second.bounds == settings.bounds
