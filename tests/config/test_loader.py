"""Every mistake is reported at once, with its place and what to type instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from fwicli.config.loader import ProblemsError, kind_of, load
from fwicli.config.schema import KINDS, InvertConfig
from fwicli.errors import ConfigError

GOOD = """\
model: {vp: 2000.0, shape: [31, 21], spacing: 10}
geometry:
  sources: {x: 100, z: 10}
  receivers: {x: {start: 0, stop: 300, step: 20}, z: 10}
wavelet: {kind: ricker, frequency: 10}
time: {interval: 4e-3, duration: 0.5}
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def problems(path: Path, *settings: str, kind: str | None = None) -> list[str]:
    with pytest.raises(ProblemsError) as caught:
        load(path, kind, settings)
    assert caught.value.exit_code == 2
    return [str(p).replace(str(path), "c.yaml") for p in caught.value.problems]


def test_good_config_loads(tmp_path: Path) -> None:
    """Numbers as YAML 1.2 reads them: 4e-3 is a number."""
    loaded = load(write(tmp_path / "c.yaml", GOOD))
    assert loaded.kind == "model"
    assert loaded.config.time.interval == 0.004
    assert loaded.places["wavelet", "frequency"].endswith("c.yaml:5:25")


def test_all_mistakes_in_one_go(tmp_path: Path) -> None:
    """Unknown keys, wrong types, wrong values and missing keys, in the order of the file."""
    text = (
        GOOD.replace("spacing: 10", "spacng: 10")
        .replace("kind: ricker", "kind: rickr")
        .replace("x: 100", "x: 1OO")
        .replace(", duration: 0.5", "")
    )
    found = problems(write(tmp_path / "c.yaml", text + "physics: {order: 7, equation: acustic}\n"))
    assert found == [
        "c.yaml:1:38: model.spacng: unknown key `spacng`; did you mean `spacing`?",
        "c.yaml:3:13: geometry.sources.x: must be a number or a list or a section; got '1OO'",
        "c.yaml:5:1: wavelet: `kind` must be one of: ricker, ormsby, file; got 'rickr'; "
        "did you mean `ricker`?",
        "c.yaml:6:1: time.duration: this key is required",
        "c.yaml:7:11: physics.order: must be 4, 6, 8, 10, 12, 14 or 16; got 7",
        "c.yaml:7:21: physics.equation: must be one of: acoustic, variable_density, "
        "velocity_pressure, vti, tti, elastic, elastic_vti, sh, viscoacoustic, viscoelastic, or "
        "{file: my_waves.py} for one of your own; got 'acustic'; did you mean `acoustic`?",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("spacing: 10", "spacing: -10"), "model.spacing: must be greater than 0; got -10"),
        (("spacing: 10", "spacing: .nan"), "must be"),
        (("step: 20", "step: 20, count: 3"), "give either `step` [m] or `count`"),
        ((", spacing: 10", ""), "a constant vp needs `shape` and `spacing`"),
        (("frequency: 10", "frequency: true"), "must be a number; got True"),
        (("frequency: 10", "frequency: '10'"), "must be a number; got '10'"),
        (
            ("frequency: 10", "frequency: 10 Hz"),
            "must be a number alone, without a unit; got '10 Hz'",
        ),
        (
            ("frequency: 10", "frequency: 1e1Hz"),
            "must be a number alone, without a unit; got '1e1Hz'",
        ),
        (("time: {", "time: 3 #"), "time"),
        (("shape: [31, 21]", "shape: [31.5, 21]"), "must be a whole number; got 31.5"),
        (("shape: [31, 21]", "shape: 31"), "must be a list, as in [1, 2]; got 31"),
        (("spacing: 10", "spacing: [10]"), "must have at least 2 values, not 1; got [10]"),
        (("{kind: ricker, frequency: 10}", "3"), "must be a section with the key `kind`, one of"),
        (
            ("sources: {x: 100, z: 10}", "sources: 3"),
            "must be a section of `key: value` pairs, of x",
        ),
    ],
)
def test_single_mistake(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    (found, *_) = problems(write(tmp_path / "c.yaml", GOOD.replace(*change)))
    assert message in found


def test_broken_yaml_says_where(tmp_path: Path) -> None:
    (found, *_) = problems(write(tmp_path / "c.yaml", GOOD.replace("kind: ricker", "kind: [")))
    assert "not valid YAML" in found
    assert found.startswith("c.yaml:")


def test_repeated_key_is_no_silent_winner(tmp_path: Path) -> None:
    (found,) = problems(write(tmp_path / "c.yaml", GOOD + "time: {interval: 1, duration: 2}\n"))
    assert found == "c.yaml:7:1: time: given twice, first in line 6; leave out one of the two"


def test_section_may_be_a_file(tmp_path: Path) -> None:
    """Relative to the file that names it; places lead into it."""
    (tmp_path / "parts").mkdir()
    write(
        tmp_path / "parts" / "earth.yaml", "vp: {file: vp.npy}\nspacing: 10\nsmooth: {lenth: 3}\n"
    )
    text = GOOD.replace(
        "model: {vp: 2000.0, shape: [31, 21], spacing: 10}", "model: parts/earth.yaml"
    )
    path = write(tmp_path / "c.yaml", text)
    (found,) = problems(path)
    place = str(tmp_path / "parts" / "earth.yaml")
    assert found.startswith(place + ":3:10: model.smooth.lenth")
    assert "did you mean `length`?" in found
    write(tmp_path / "parts" / "earth.yaml", "vp: {file: vp.npy}\nspacing: 10\n")
    assert load(path).config.model.vp.file == tmp_path / "parts" / "vp.npy"


def test_missing_section_file_is_reported(tmp_path: Path) -> None:
    text = GOOD.replace("wavelet: {kind: ricker, frequency: 10}", "wavelet: nowhere.yaml")
    (found, *_) = problems(write(tmp_path / "c.yaml", text))
    assert "wavelet: cannot read" in found
    assert found.startswith("c.yaml:5:1")


def test_environment_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = GOOD.replace("vp: 2000.0", "vp: '${EARTH}/vp.npy'")
    path = write(tmp_path / "c.yaml", text)
    monkeypatch.delenv("EARTH", raising=False)
    (found, *_) = problems(path)
    assert "environment variable EARTH is not set" in found
    assert "--set model.vp=VALUE" in found
    monkeypatch.setenv("EARTH", "/data")
    assert load(path).config.model.vp.file == Path("/data/vp.npy")
    assert load(path, settings=["model.vp=1800.0"]).config.model.vp == 1800.0


def test_set_changes_values(tmp_path: Path) -> None:
    """Of sections, lists and keys that are not in the file; mistakes there are placed there."""
    path = write(tmp_path / "c.yaml", GOOD)
    loaded = load(path, settings=["wavelet.frequency=12", "physics.order=4", "model.shape.0=40"])
    assert loaded.config.wavelet.frequency == 12
    assert loaded.config.physics.order == 4
    assert loaded.config.model.shape == [40, 21]
    (found,) = problems(path, "wavelet.frequncy=12")
    assert found.startswith("--set wavelet.frequncy=12: wavelet.frequncy: unknown key")
    (found,) = problems(path, "model.shape.7=40")
    assert "the list has 2 items" in found
    (found,) = problems(path, "nothing")
    assert "KEY=VALUE" in found


def test_kind_is_what_the_sections_say() -> None:
    kinds = {
        "invert": ({"data": {}, "inversion": {}}, {"data": {}, "inverson": {}}),
        "rtm": ({"data": {}, "imaging": {}}, {"imaging": {}}, {"model": {}, "data": {}}),
        "model": ({}, {"model": {}}, {"geometry": {}, "time": {}}, {"wavelet": {}, "geometr": {}}),
    }
    for kind, trees in kinds.items():
        for tree in trees:
            assert kind_of(tree)[0] == kind, tree
    assert KINDS["invert"] is InvertConfig
    assert issubclass(ProblemsError, ConfigError)


MISTAKEN = {
    "true.npy": (b"\x93NUMPY\x01\x00v\x00", "is an array of NumPy, not a config"),
    "shots.h5": (b"\x89HDF\r\n\x1a\n\x00", "is a file of HDF5, not a config"),
    "a.npz": (b"PK\x03\x04\xff\xfe", "is a zipped file"),
    "empty.yaml": (b"", "is empty; `fwi init model` writes a config"),
    "comment.yaml": (b"# nothing\n", "is empty; `fwi init model` writes a config"),
    "a.py": (b"print(1)\n", "must hold `key: value` pairs; `fwi init model`"),
}


@pytest.mark.parametrize("name", MISTAKEN)
def test_files_that_are_no_configs(name: str, tmp_path: Path) -> None:
    """One problem, with what the file is and what to type instead."""
    content, words = MISTAKEN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ProblemsError) as caught:
        load(tmp_path / name)
    (problem,) = caught.value.problems
    assert words in problem.message
    assert "fwi init" in problem.message
