"""A key that is misspelt is one mistake, and its message names the key that is meant."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fwicli.config.loader import ProblemsError, load
from fwicli.config.schema import KINDS
from tests.conftest import ROOT

Keys = tuple[str | int, ...]


@pytest.fixture(scope="module")
def trees() -> dict[str, Any]:
    """Configs with most of their keys, by command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        import mutated_configs as mutated
    from ruamel.yaml import YAML

    texts = mutated.TEXTS.items()
    return {kind: YAML(typ="safe", pure=True).load(text) for kind, text in texts}


def keys(value: Any, above: Keys = ()) -> Iterator[Keys]:
    """Keys of all sections of a tree."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield (*above, name)
            yield from keys(item, (*above, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from keys(item, (*above, number))


def renamed(tree: Any, key: Keys, name: str) -> Any:
    """A tree with another name in place of a key."""
    copy = json.loads(json.dumps(tree))
    section = copy
    for step in key[:-1]:
        section = section[step]
    section[name] = section.pop(key[-1])
    return copy


@pytest.mark.parametrize("kind", KINDS)
def test_every_key(trees: dict[str, Any], kind: str, tmp_path: Path) -> None:
    """With a letter too few, too many, and two exchanged: 3 variants of each key."""
    path, tried = tmp_path / "c.yaml", 0
    for key in keys(trees[kind]):
        name = str(key[-1])
        if len(name) < 4 or "axes" in key:
            continue
        wrong = (name[:-2] + name[-1], name[:2] + "x" + name[2:], name[1] + name[0] + name[2:])
        for misspelt in wrong:
            path.write_text(json.dumps(renamed(trees[kind], key, misspelt)), encoding="utf-8")
            with pytest.raises(ProblemsError) as caught:
                load(path, kind)
            (one,) = caught.value.problems
            where = f"{kind}: {'.'.join(map(str, key))} as {misspelt}: {one}"
            assert f"`{name}`" in one.message, where
            tried += 1
    assert tried > 60


MOVED = {
    "to the top": ("model", ("wavelet", "frequency"), (), "into the section `wavelet`"),
    "into another section": (
        *("model", ("time", "interval"), ("geometry",)),
        "into the section `time`",
    ),
    "a section into another": ("model", ("geometry",), ("model",), "to the top of the config"),
    "one level down": (
        *("model", ("geometry", "receivers"), ("geometry", "sources")),
        "into the section `geometry`",
    ),
    "of an inversion": ("invert", ("inversion", "stages"), (), "into the section `inversion`"),
    "of a stage": (
        *("invert", ("inversion", "stages", 0, "band"), ("inversion",)),
        "into the section `inversion.stages.0`",
    ),
    "of data": ("rtm", ("data", "file"), ("model",), "into the section `data`"),
}


@pytest.mark.parametrize("case", MOVED)
def test_a_key_at_the_wrong_level(trees: dict[str, Any], case: str, tmp_path: Path) -> None:
    """A required key in another section is one mistake, and its message names its section."""
    kind, key, section, message = MOVED[case]
    tree = json.loads(json.dumps(trees[kind]))
    above, below = tree, tree
    for step in key[:-1]:
        above = above[step]
    for step in section:
        below = below[step]
    below[key[-1]] = above.pop(key[-1])
    path = tmp_path / "c.yaml"
    path.write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(ProblemsError) as caught:
        load(path, kind)
    (problem,) = caught.value.problems
    assert problem.key == (*section, key[-1])
    assert problem.message == f"unknown key `{key[-1]}` here; move it {message}"


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ("spacing=10", "model.spacing"),
        ("physics.spacing=10", "model.spacing"),
        ("geometry.keep=water", "model.smooth.keep"),
    ],
)
def test_a_key_of_another_section(
    trees: dict[str, Any], tmp_path: Path, setting: str, key: str
) -> None:
    """The message names the key that `fwi explain` suggests."""
    (tmp_path / "c.yaml").write_text(json.dumps(trees["model"]), encoding="utf-8")
    with pytest.raises(ProblemsError) as caught:
        load(tmp_path / "c.yaml", "model", [setting])
    (problem,) = caught.value.problems
    assert f"did you mean `{key}`?" in problem.message


@pytest.mark.parametrize(
    ("kind", "setting", "message"),
    [
        (
            "lsrtm",
            "least_squares.solver={kind: fista, batch: 2}",
            "`batch` is not for `kind: fista`; leave it out, or set `kind: bregman`",
        ),
        (
            "lsrtm",
            "least_squares.solver={kind: conjugate_gradients, batch: 2}",
            "`batch` is not for `kind: conjugate_gradients`; leave it out, or set `kind: bregman`",
        ),
        (
            "invert",
            "inversion.misfit={kind: huber, damping: 0.1}",
            "`damping` is not for `kind: huber`; leave it out, or set `kind: envelope`, "
            "`kind: phase` or `kind: adaptive`",
        ),
    ],
)
def test_a_key_of_another_choice(
    trees: dict[str, Any], tmp_path: Path, kind: str, setting: str, message: str
) -> None:
    """The message names the choices of the section that have the key."""
    (tmp_path / "c.yaml").write_text(json.dumps(trees[kind]), encoding="utf-8")
    with pytest.raises(ProblemsError) as caught:
        load(tmp_path / "c.yaml", kind, [setting])
    (problem,) = caught.value.problems
    assert problem.message == message
