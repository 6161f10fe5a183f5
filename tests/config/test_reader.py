"""YAML and --set: what cannot be a config ends in a sentence with its place, soon."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fwicli.config.loader import Loaded, ProblemsError, load
from fwicli.config.reader import LARGEST
from tests.config.test_loader import GOOD, problems, write

MERGED = """\
model: {vp: 2000.0, shape: [31, 21], spacing: 10}
geometry:
  sources: &line {x: {start: 100, stop: 200, step: 50}, z: 20}
  receivers:
    z: 30
    <<: *line
wavelet: {kind: ricker, frequency: 10}
time: {interval: 0.004, duration: 0.4}
"""
# Aliases of aliases: 10**9 values in ten lines.
LAUGHS = "a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 39)
)


def test_merged_keys_have_the_place_of_their_merge(tmp_path: Path) -> None:
    """A mapping's own keys come first, wherever they stand."""
    loaded = load(write(tmp_path / "c.yaml", MERGED))
    receivers = loaded.config.geometry.receivers
    assert (receivers.x.stop, receivers.z) == (200, 30)
    assert loaded.places["geometry", "receivers", "x"].endswith("c.yaml:6:5")
    assert loaded.places["geometry", "receivers", "z"].endswith("c.yaml:5:5")
    text = MERGED.replace("<<: *line", "<<: [*line, {layout: grod, z: 3}]")
    (problem,) = problems(write(tmp_path / "c.yaml", text))
    assert problem.startswith("c.yaml:6:5: geometry.receivers.layout: must be")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAUGHS, "more than 200000 values"),
        (MERGES, "merges mappings without end"),
        ("a: &a [*a]\n", "nested more than 40 levels"),
        ("a: &a\n  <<: *a\n", "merges mappings without end"),
        ("a: " + "[" * 500, "nested too deeply"),
        ("a: " + "{b: " * 60 + "1" + "}" * 60, "nested"),
        ("model: !!python/object/apply:os.system ['false']\n", "the tag `!!python/object"),
        ("model: !mine {vp: 3}\n", "the tag `!mine` is not known here"),
        ("time: {interval: !!binary aGVsbG8=}\n", "the tag `!!binary` is not known here"),
        ("%YAML 1.1\n---\ntime: {interval: 20:00:00}\n", "configs are YAML 1.2"),
        ("model: {vp: 1}\n\ttime: 3\n", "a tab; indent with blanks"),
        ("model: {vp: 1\n", "not valid YAML"),
        ("a: 1\n---\nb: 2\n", "not valid YAML"),
        ("? [a, b]\n: 1\n", "a key must be a name"),
        ("- a\n", "must hold `key: value` pairs"),
        ("text", "must hold `key: value` pairs"),
        ("a: *nowhere\n", "not valid YAML"),
        ("a: 1\nb: <<\n<<: 3\n", "merges a mapping"),
        ("#" * (LARGEST + 1), "a config has at most"),
        ('output: "\\ud800"\n', "half a character"),
        ('output: "a\\0b"\n', "a NUL"),
        ('output: "\\UFFFFFFFF"\n', "not valid YAML"),
        ("output: ~nobody_of_this_name/x\nmodel: {vp: ~nobody_of_this_name/x}\n", "is no path"),
        (f"model: {{shape: [{'9' * 5000}]}}", "cannot be read as int"),
        ("model: {a: 1, b: 2, a: 3}\n", "given twice, first in line 1"),
    ],
)
def test_unreadable_text(tmp_path: Path, text: str, message: str) -> None:
    said = problems(write(tmp_path / "c.yaml", text))
    assert message in "\n".join(said)
    assert not any("is required" in line for line in said) or "not valid" not in message


def test_broken_yaml_is_one_problem(tmp_path: Path) -> None:
    """Nothing is said of what could not be read: no keys that are missing."""
    for broken in ("wavelet: {kind: [", "\tx: 1", "%YAML 1.1\n---\na: 1\n"):
        assert len(problems(write(tmp_path / "c.yaml", broken))) == 1
    write(tmp_path / "w.yaml", "kind: [")
    text = GOOD.replace("{kind: ricker, frequency: 10}", "w.yaml")
    assert len(problems(write(tmp_path / "c.yaml", text))) == 1


@pytest.mark.parametrize("mark", ["\ufeff", ""], ids=["BOM", "plain"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_text_of_other_systems(tmp_path: Path, mark: str, end: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes((mark + GOOD.replace("\n", end)).encode("utf-8"))
    assert load(path).places["time",].endswith("c.yaml:6:1")


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", 1e-3), ("4E-3", 4e-3), ("+.5", 0.5), ("0.004", 4e-3), ("1_000", 1000), ("0010", 10)],
)
def test_numbers_of_yaml_1_2(tmp_path: Path, text: str, value: float) -> None:
    path = write(tmp_path / "c.yaml", GOOD)
    assert load(path, settings=[f"wavelet.amplitude={text}"]).config.wavelet.amplitude == value
    (said,) = problems(path, "time.duration=20:00:00")
    assert said.endswith("must be a number; got '20:00:00'")


def test_not_a_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(ProblemsError, match="not a file of YAML"):
            load(place)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ProblemsError, match="symbolic links"):
        load(tmp_path / "loop")
    (tmp_path / "latin.yaml").write_bytes(b"model: 1\noutput: \xe9\n")
    with pytest.raises(ProblemsError, match=r"line 2 has the byte 0xe9; save it as UTF-8"):
        load(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("model.vp=~nobody_of_this_name/x", "is no path"),
        ('model.vp="a\\0b"', "a NUL"),
        ("model.vp=\udcff", "is no text in UTF-8"),
        ("\udcff=3", "is no text in UTF-8"),
        ("model.vp=" + "[" * 500, "nested too deeply"),
        ("a" + ".b" * 500 + "=1", "write it as KEY=VALUE"),
        ("a.b.c=1", "unknown key `a`"),
        ("model.shape." + "9" * 5000 + "=1", "items are numbered from 0"),
        ("model.shape.²=1", "items are numbered from 0"),
        ("model.shape.-1=1", "items are numbered from 0"),
        ("model.shape.5=1", "the list has 2 items"),
        ("model..vp=1", "write it as KEY=VALUE"),
        ("=1", "write it as KEY=VALUE"),
        (".=1", "write it as KEY=VALUE"),
        ("model.vp=", "got nothing"),
        ("model.vp=[1", "not valid YAML"),
        ("model.vp=!!python/name:os.system", "the tag"),
        ("model.vp=*x", "not valid YAML"),
        ("model.0=1", "unknown key `0`"),
        ("wavelet=w.npy", "for a file of data write `wavelet: {kind: file, file: w.npy}`"),
        ("model=vp.npy", "for a file of data write `model: {vp: {file: vp.npy}, spacing: 10}`"),
        ("physics=acoustic", "`physics` is a section of `key: value` pairs, or the path"),
        ("wavelet={kind: file, file: w.npy, ddt: 0.004}", "unknown key `ddt`"),
        ("wavelet={kind: file, files: w.npy}", "unknown key `files`; did you mean `file`?"),
        ("time={interval: 0.004, duraton: 1}", "unknown key `duraton`; did you mean `duration`?"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, setting: str, message: str) -> None:
    """One problem each, with the place on the command line."""
    (said,) = problems(write(tmp_path / "c.yaml", GOOD), setting)
    assert message in said
    assert said.startswith("--set ")
    assert len(said) < 400


def test_setting_of_a_section_with_files_of_its_own(tmp_path: Path) -> None:
    """Values in lists and sections are read as those of a file, relative to where one is."""

    def load_with(setting: str) -> Loaded:
        return load(write(tmp_path / "c.yaml", GOOD), settings=[setting])

    loaded = load_with("wavelet={kind: file, file: w.npy}")
    assert loaded.config.wavelet.file == Path.cwd() / "w.npy"
    assert loaded.places["wavelet", "file"].startswith("--set wavelet=")
    assert load_with("model.vp={<<: {file: v.npy}}").config.model.vp.file == Path.cwd() / "v.npy"


def test_config_of_another_command(tmp_path: Path) -> None:
    path = write(tmp_path / "c.yaml", GOOD)
    (said,) = problems(path, kind="invert")
    assert "no config of `fwi invert`, but one of `fwi model`" in said
    write(path, "model: {vp: v.npy, spacing: 10}\ndata: {file: d.h5}\n")
    assert load(path).kind == "rtm"
    with pytest.raises(ProblemsError, match="taken for one of `fwi rtm`"):
        load(path, settings=["physic.order=4"])
