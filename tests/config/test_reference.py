"""Every key of a config is described by one sentence, and the schema takes what configs say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ruamel.yaml import YAML

from fwicli.config.reference import NAME, Setting, below, explained, json_schema, settings
from fwicli.config.schema import KINDS
from fwicli.errors import ConfigError
from tests.conftest import ROOT

# Words of a description that a reader takes in at once.
WORDS = 25
KEYS = sorted({setting.key for command in KINDS for setting in settings(command)})


def name(setting: Setting) -> str:
    return f"{'.'.join(setting.key)} ({setting.selector})"


@pytest.mark.parametrize("command", KINDS)
def test_every_key_has_a_description(command: str) -> None:
    """Also those that only one alternative has; the models know no other key."""
    assert [name(s) for s in settings(command) if not s.sentence] == []
    assert {s.key[0] for s in settings(command)} == set(KINDS[command].model_fields)


@pytest.mark.parametrize("command", KINDS)
def test_descriptions_are_one_short_sentence(command: str) -> None:
    for setting in settings(command):
        text = setting.sentence
        assert text[:1].isupper(), name(setting)
        assert text.endswith("."), name(setting)
        assert not re.search(r"[.!?]\s", text), name(setting)
        assert len(text.split()) <= WORDS, name(setting)


def test_every_key_is_explained() -> None:
    """With type and default, for at least one command; items of lists may have their number."""
    for key in KEYS:
        for setting, commands in explained(".".join(key)).items():
            assert setting.key == key
            assert setting.type
            assert setting.default
            assert set(commands) <= set(KINDS)
    assert explained("inversion.stages.1.band") == explained("inversion.stages.band")
    assert explained("inversion.invert_for.vp.bounds") == explained(
        f"inversion.invert_for.{NAME}.bounds"
    )
    assert [s.key[-1] for s in explained("inversion.invert_for.vp")] == ["invert_for"]


@pytest.mark.parametrize(
    ("key", "unit", "default", "allowed"),
    [
        ("inversion.stages.band", "Hz", "required", "2 items, at least 0"),
        ("physics.order", "", "8", "4, 6, 8, 10, 12, 14, 16"),
        ("physics.history", "", "auto", "auto, subsampled"),
        ("imaging.illumination", "", "0.01", "at least 0"),
        ("inversion.misfit", "", "kind: least_squares", "kind: least_squares, huber"),
        ("execution.workers", "", "auto", "at least 1, at most 1000000000; auto"),
        ("inversion.source.lags", "s", "[-0.1, 0.4]", "2 items"),
        ("inversion.stages", "", "required", "at least 1 item"),
        ("inversion.preconditioning", "", "defaults of its keys", ""),
    ],
)
def test_what_is_said(key: str, unit: str, default: str, allowed: str) -> None:
    (setting,) = explained(key)
    assert (setting.unit, setting.default) == (unit, default)
    assert setting.allowed.startswith(allowed)


def test_alternatives_are_all_explained() -> None:
    selectors = {setting.selector for setting in explained("inversion.misfit.damping")}
    assert selectors == {"kind: envelope", "kind: phase", "kind: adaptive"}
    assert {s.selector for s in below(("wavelet",), "model")} == {
        "kind: ricker",
        "kind: ormsby",
        "kind: file",
    }


def test_a_misspelt_key_suggests_the_nearest() -> None:
    """Keys that lack a letter, one in fifteen of all, suggest themselves or others as near."""
    documented = {".".join(key) for key in KEYS}
    misspelt = {".".join((*key[:-1], key[-1][:1] + key[-1][2:])) for key in KEYS} - documented
    assert len(misspelt) > len(KEYS) / 2
    for key in sorted(misspelt)[::15]:
        if "invert_for." in key or ".axes." in key:  # any name stands there
            continue
        with pytest.raises(ConfigError, match="did you mean") as error:
            explained(key)
        assert error.value.exit_code == 2
        assert str(error.value).split("`")[-2] in documented


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("model.spacng", "model.spacing"),
        ("phyics.substeps", "physics.substeps"),
        ("inversion.optimiser.memory", "inversion.optimizer.memory"),
        ("laplacian", "imaging.laplacian"),
    ],
)
def test_nearest(key: str, nearest: str) -> None:
    with pytest.raises(ConfigError, match=f"did you mean `{nearest}`"):
        explained(key)


def unknown_keys(value: Any, node: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Keys of a value that no alternative of a schema has."""
    nodes = [node]
    for inner in nodes:  # grows
        if "$ref" in inner:
            nodes.append(schema["$defs"][inner["$ref"].rpartition("/")[2]])
        nodes.extend(inner.get("anyOf", ()))
    if isinstance(value, dict):
        for key, item in value.items():
            places = [n["properties"][key] for n in nodes if key in n.get("properties", {})]
            places += [n["additionalProperties"] for n in nodes if n.get("additionalProperties")]
            if not places:
                yield key
            yield from unknown_keys(item, {"anyOf": places}, schema)
    if isinstance(value, list):
        items = [n["items"] for n in nodes if "items" in n]
        for item in value:
            yield from unknown_keys(item, {"anyOf": items}, schema)


CONFIGS = [path for kind in KINDS for path in sorted((ROOT / "configs").glob(f"*_{kind}.yaml"))]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_schema_knows_the_keys_of_configs(path: Any) -> None:
    """And not one that is misspelt."""
    schema = json_schema(path.stem.rpartition("_")[2])
    tree = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    assert list(unknown_keys(tree, schema, schema)) == []
    assert list(unknown_keys({**tree, "physcs": {}}, schema, schema)) == ["physcs"]


@pytest.mark.parametrize("command", KINDS)
def test_schema_is_json_for_editors(command: str) -> None:
    """Sentences on one line; of several alternatives more than one may hold."""
    text = json.dumps(json_schema(command))
    assert json.loads(text) == json_schema(command)
    assert "oneOf" not in text
    assert '"discriminator"' not in text
