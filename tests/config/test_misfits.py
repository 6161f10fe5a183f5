"""Every misfit and every setting is reached from the config, for all stages or for one."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from fwicli.config.loader import ProblemsError, load
from fwicli.config.misfits import NAMES, OWN, MisfitSection
from fwicli.inversion.misfits.adaptive import Adaptive
from fwicli.inversion.misfits.graph_space import GraphSpace
from fwicli.inversion.misfits.registry import MISFITS
from fwicli.inversion.misfits.residuals import Huber, LeastSquares
from fwicli.inversion.misfits.user import UserMisfit
from fwicli.workflows.assembly.misfit import build

CONFIG = """\
model: {vp: 2000.0, shape: [31, 21], spacing: 10}
data: {file: shots.h5}
inversion:
  bounds: [1400, 4000]
"""

# Of every setting a value that is not the default.
SETTINGS: dict[str, dict[str, Any]] = {
    "least_squares": {},
    "huber": {"threshold": 0.3},
    "student_t": {"degrees": 2.0, "width": 0.4},
    "correlation": {"over": "gather", "silent": 0.01},
    "trace_normalized": {"norm": "peak", "weighting": "observed", "silent": 0.01},
    "envelope": {"exponent": 2.0, "damping": 0.02},
    "phase": {"damping": 0.2, "silent": 0.01},
    "adaptive": {"damping": 0.001, "max_lag": 0.5, "silent": 0.01},
    "wasserstein": {"sharpness": 2.0, "silent": 0.01},
    "graph_space": {"shift": 0.1, "step": 0.02},
    "travel_time": {"max_shift": 0.3, "silent": 0.01},
}


def stages(tmp_path: Path, *lines: str) -> list[Any]:
    """The misfit of each stage."""
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG + "".join(f"  {line}\n" for line in lines), encoding="utf-8")
    inversion = load(path).config.inversion
    return [build(inversion.of(n).misfit) for n in range(len(inversion.stages))]


@pytest.mark.parametrize("name", MISFITS)
def test_names_and_settings(tmp_path: Path, name: str) -> None:
    """A name alone takes the defaults of the class; each setting reaches its field."""
    (plain,) = stages(tmp_path, f"misfit: {name}", "stages: [{band: [0, 8]}]")
    assert plain == MISFITS[name]()
    made = MISFITS[name](**SETTINGS[name])
    assert {f.name for f in fields(made)} == set(SETTINGS[name])  # type: ignore[arg-type]
    given = ", ".join(f"{k}: {v}" for k, v in {"kind": name, **SETTINGS[name]}.items())
    (found,) = stages(tmp_path, f"misfit: {{{given}}}", "stages: [{band: [0, 8]}]")
    assert found == made != plain or not SETTINGS[name]


def test_stages_may_differ(tmp_path: Path) -> None:
    """What a stage says takes the place of what is said for all; least squares is the default."""
    said = "stages: [{band: [0, 4], misfit: adaptive}, {band: [0, 8]}, {band: [0, 9], misfit: {"
    found = stages(tmp_path, said + "kind: graph_space, shift: 0.2}}]", "misfit: huber")
    assert found == [Adaptive(), Huber(), GraphSpace(0.2)]
    assert stages(tmp_path, "stages: [{band: [0, 4]}]") == [LeastSquares()]


def test_own(tmp_path: Path) -> None:
    """Its file is beside the config."""
    (tmp_path / "my.py").write_text("def f(s, d, dt): return 0.0, 0 * s\n", encoding="utf-8")
    (found,) = stages(tmp_path, "misfit: {file: my.py, name: f}", "stages: [{band: [0, 4]}]")
    assert found == UserMisfit(str(tmp_path / "my.py"), "f")
    (found,) = stages(
        tmp_path, "misfit: {file: my.py, name: f, derivative: torch}", "stages: [{band: [0, 4]}]"
    )
    assert found == UserMisfit(str(tmp_path / "my.py"), "f", "torch")


@pytest.mark.parametrize(
    ("misfit", "message"),
    [
        ("hubr", "must be one of: least_squares, huber,"),
        ("hubr", "did you mean `huber`?"),
        ("{kind: hubr}", "did you mean `huber`?"),
        ("{kind: huber, threshhold: 1.0}", "unknown key `threshhold`; did you mean `threshold`?"),
        ("{kind: huber, threshold: 0.0}", "must be greater than 0"),
        ("{kind: correlation, over: shot}", "must be 'trace' or 'gather'"),
        ("{threshold: 1.0}", "needs the key `kind`"),
        ("own", "misfit: {file: my.py, name: my_function}"),
        ("{file: my.py}", "misfit.name: this key is required"),
        ("{file: my.txt, name: f}", "must be a Python file, as in my.py"),
        ("{file: my.py, name: f, derivative: jax}", "must be 'own' or 'torch'"),
        ("3", "must be"),
    ],
)
@pytest.mark.parametrize("place", ["inversion", "stage"])
def test_mistakes(tmp_path: Path, misfit: str, message: str, place: str) -> None:
    """Each with what to type instead, and its place."""
    if place == "inversion":
        lines = ["stages: [{band: [0, 8]}]", f"misfit: {misfit}"]
    else:
        lines = [f"stages: [{{band: [0, 8], misfit: {misfit}}}]"]
    with pytest.raises(ProblemsError) as caught:
        stages(tmp_path, *lines)
    assert message in str(caught.value)
    assert "c.yaml:" in str(caught.value)


def test_names_are_complete() -> None:
    """The schema knows the misfits of the table, and no others."""
    assert set(NAMES) == set(SETTINGS) == set(MISFITS)
    assert OWN not in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_sections_know_second_derivatives(name: str) -> None:
    """Which methods of second order need; the schema refuses them for other misfits."""
    section = TypeAdapter(MisfitSection).validate_python(name)
    assert section.has_curvature == hasattr(build(section), "curvature")
