"""Bounds that allow models outside the limits of the equation are told once, with a way out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from fwicli.config.schema import InvertConfig
from fwicli.workflows.assembly.inversion import InversionObjects
from fwicli.workflows.assembly.survey import earth_model
from fwicli.workflows.planning import limit_checks
from fwicli.workflows.planning.problems import Problems

ELASTIC = {"vp": 2200.0, "vs": 1100.0, "rho": 2000.0}
VTI = {"vp": 2200.0, "rho": 2000.0, "epsilon": 0.2, "delta": 0.1}
WIDE = {"vp": [1400.0, 3500.0], "vs": [0.0, 1500.0]}


def warnings(
    variables: dict[str, Any],
    equation: str = "elastic",
    model: dict[str, Any] = ELASTIC,
    **settings: Any,
) -> list[str]:
    """Of the check alone, for a model that is the same everywhere unless it has arrays."""
    shape = {} if any(isinstance(v, dict) for v in model.values()) else {"shape": [7, 5]}
    tree = {
        "model": {**model, **shape, "spacing": 10.0},
        "data": {"file": "shots.h5"},
        "physics": {"equation": equation},
        "inversion": {"stages": [{"band": [0, 8]}], "invert_for": variables, "fixed": "nothing"},
    }
    if equation == "viscoelastic":
        tree["physics"]["reference_frequency"] = 10.0
    tree["inversion"] |= settings
    config = InvertConfig.model_validate(tree)
    problems = Problems(None)  # type: ignore[arg-type]
    limit_checks.check(problems, InversionObjects(config, earth_model(config.model)))
    return problems.warnings


def remedies(text: str) -> list[tuple[str, list[float]]]:
    """Each variable and its bounds that a warning says to type."""
    typed = re.findall(r"`(?:inversion\.invert_for\.)?(\w+): (\[[^`]*\])`", text)
    return [(name, [float(v) for v in YAML(typ="safe").load(ends)]) for name, ends in typed]


CASES: list[tuple[str, dict[str, Any], dict[str, list[float]], tuple[str, ...]]] = [
    ("elastic", ELASTIC, WIDE, ("vp of 1400 m/s with vs of 1500 m/s", "at least 1.1548 vs")),
    ("elastic", ELASTIC, {"vs": [0.0, 2000.0]}, ("vs of 2000 m/s where vp is 2200 m/s",)),
    (
        "elastic",
        ELASTIC,
        {"vp_vs_ratio": [1.0, 4.0]},
        ("vp_vs_ratio of 1 where vp is 2200 m/s, outside",),
    ),
    (
        "elastic",
        ELASTIC,
        {"lame_lambda": [-1e10, 2e10], "lame_mu": [1e8, 1e10]},
        ("lame_lambda of -1e+10 Pa with lame_mu of 1e+10 Pa where rho is 2000 kg/m3",),
    ),
    (
        "elastic",
        ELASTIC,
        {"impedance": [2e6, 8e6], "shear_impedance": [1e5, 4e6]},
        ("impedance of 2e+06 kg/(m2 s) with shear_impedance of 4e+06 kg/(m2 s)",),
    ),
    ("elastic_vti", {**ELASTIC, **VTI}, {"vp": [1000.0, 3500.0]}, ("vp must be at least vs",)),
    ("vti", VTI, {"epsilon": [0.0, 0.4], "delta": [0.0, 0.2]}, ("epsilon of 0 with delta of 0.2",)),
    (
        "viscoelastic",
        {**ELASTIC, "qp": 100.0, "qs": 60.0},
        {"qs": [20.0, 200.0]},
        ("qs of 20 where vp is 2200 m/s, vs is 1100 m/s, qp is 100", "gain energy"),
    ),
]


@pytest.mark.parametrize(("equation", "model", "variables", "words"), CASES)
def test_each_way_out_is_one(
    equation: str, model: dict[str, Any], variables: dict[str, Any], words: tuple[str, ...]
) -> None:
    """One warning has the values; with any bounds that it says to type there is none."""
    (text,) = warnings(variables, equation, model)
    for word in words:
        assert word in text
    typed = remedies(text)
    assert typed
    for way in re.split(", or ", text):
        ranges = dict(remedies(way))
        narrower = variables | ranges
        if "vp_vs_ratio" in ranges:
            narrower.pop("vs", None)
        assert warnings(narrower, equation, model) == [], way
        if ranges.keys() <= variables.keys():  # and no narrower than they have to be
            wider = {
                name: [
                    max(variables[name][0], low - 3e-3 * abs(low)),
                    min(variables[name][1], 1.003 * high),
                ]
                for name, (low, high) in ranges.items()
            }
            assert warnings(variables | wider, equation, model)


def test_advice_names_all_ways() -> None:
    (text,) = warnings(WIDE)
    assert remedies(text) == [
        ("vp", [1733.0, 3500.0]),
        ("vs", [0.0, 1212.0]),
        ("vp_vs_ratio", [1.2, 3.0]),
    ]


def test_a_bound_that_is_excluded_alone_is_kept_clear_of() -> None:
    """Fluids are isotropic; the slowest solid is none that has hardly any rigidity."""
    model = {**ELASTIC, **VTI}
    (text,) = warnings({"vs": [0.0, 1500.0]}, "elastic_vti", model)
    assert "vs of 0 m/s where epsilon is 0.2, delta is 0.1" in text
    assert remedies(text) == [("vs", [110.0, 1500.0])]
    assert warnings({"vs": [110.0, 1500.0]}, "elastic_vti", model) == []


@pytest.mark.parametrize(
    ("equation", "model", "variables"),
    [
        ("elastic", ELASTIC, {"vp": [1800, 3500], "vs": [0, 1500], "rho": [900, 2600]}),
        ("elastic", ELASTIC, {"rho": [900, 2600]}),
        ("elastic", ELASTIC, {"vp": [1400, 3500], "vp_vs_ratio": [1.16, 9], "rho": [900, 2600]}),
        ("elastic", {**ELASTIC, "vs": 0.0}, {"lame_lambda": [1e8, 2e10], "lame_mu": [1e8, 1e10]}),
        # Bounds end where the other, which stays, begins.
        ("vti", VTI, {"epsilon": [0.0, 0.4]}),
        ("acoustic", {"vp": 2000.0}, {"vp": [1400, 3500]}),
        # No model is a fluid everywhere, though each point may be one.
        ("sh", {"vs": 900.0, "rho": 2000.0}, {"vs": [0, 1500]}),
    ],
)
def test_no_word_without_need(
    equation: str, model: dict[str, Any], variables: dict[str, Any]
) -> None:
    assert warnings(variables, equation, model) == []


def test_points_that_may_change_count(tmp_path: Path) -> None:
    """With the values that the model has there; bounds are advised that hold the start."""
    vp, vs = np.full((7, 5), 2200.0), np.full((7, 5), 1100.0)
    vp[:, 0], vp[:, 3], vs[:, 3] = 1500.0, 1800.0, 1300.0
    for name, values in (("vp", vp), ("vs", vs)):
        np.save(tmp_path / f"{name}.npy", values)
    model = {**ELASTIC, **{n: {"file": str(tmp_path / f"{n}.npy")} for n in ("vp", "vs")}}
    (text,) = warnings({"vs": [0.0, 1600.0]}, model=model, fixed=10)
    assert "vs of 1600 m/s where vp is 1800 m/s" in text
    assert remedies(text) == [("vs", [0.0, 1558.0])]
    assert "where vp is 1500 m/s" in warnings({"vs": [0.0, 1600.0]}, model=model)[0]
    assert warnings({"vs": [0.0, 1600.0]}, model=model, fixed=35) == []
    # Where the bounds of one alone cannot hold the start, both are narrower.
    (text,) = warnings({"vp": [1400.0, 3500.0], "vs": [0.0, 1700.0]}, model=model, fixed=10)
    assert [name for name, _ in remedies(text)] == ["vp", "vs", "vp_vs_ratio"]
    both = dict(remedies(text)[:2])
    assert both["vp"][0] > 1400
    assert both["vs"][1] < 1700
    assert warnings(both, model=model, fixed=10) == []
    # Bounds that are models count point by point, and are not narrowed.
    np.save(tmp_path / "high.npy", 1.1 * vs)
    file = {"file": str(tmp_path / "high.npy")}
    assert warnings({"vs": [0.0, file]}, model=model, fixed=10) == []
    np.save(tmp_path / "high.npy", 1.3 * vs)
    (text,) = warnings({"vs": [0.0, file]}, model=model, fixed=10)
    assert "vs of 1690 m/s where vp is 1800 m/s" in text
    assert text.endswith("tighten them")
