"""`fwi explain` and `fwi schema`: what they print, and their exit codes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from fwicli.cli import explain, schema
from fwicli.config.reference import explained, json_schema, settings
from fwicli.config.schema import KINDS
from fwicli.errors import ConfigError


def printed(*arguments: str) -> str:
    """What `fwi explain` prints."""
    outcome = CliRunner().invoke(explain.command, arguments, catch_exceptions=False)
    assert outcome.exit_code == 0
    return outcome.output


def test_a_key() -> None:
    text = printed("inversion.stages.band")
    (setting,) = explained("inversion.stages.band")
    assert text.splitlines()[0] == "inversion.stages.band (fwi invert)"
    for words in (setting.sentence, "type     list of numbers", "unit     Hz", "default  required"):
        assert words in text


@pytest.mark.parametrize("command", KINDS)
def test_all_keys(command: str) -> None:
    """Those that stand in a section are listed there, with their sentences."""
    for section in KINDS[command].model_fields:
        text = printed(section)
        for setting in settings(command):
            if setting.key[0] == section and len(setting.key) == 2:
                assert setting.sentence in text or setting.key[-1] == "kind"


def test_keys_of_every_format_come_first() -> None:
    """The file of the records before the keys of trace headers."""
    lines = printed("data").splitlines()
    names = [line.split()[0] for line in lines[lines.index("  keys") + 1 :]]
    assert names[0] == "file"
    assert names.index("coordinates") < names.index("preset")


def test_without_a_key() -> None:
    text = printed()
    for kind, config in KINDS.items():
        assert f"fwi {kind}" in text
        assert all(f"  {section} " in text for section in config.model_fields)


def test_alternatives() -> None:
    text = printed("inversion.misfit")
    assert "keys with kind: huber\n    threshold" in text
    assert "no keys with kind: least_squares" in text


def test_alternatives_that_are_alike_are_described_once() -> None:
    """Whatever chooses them; others say what does."""
    text = printed("geometry.sources.component")
    assert text.count("geometry.sources.component") == 1
    assert text.count("Sources emit") == 1
    every = explained("geometry.sources.layout")
    assert len({replace(s, selector="") for s in every}) > 1
    lines = printed("geometry.sources.layout").splitlines()
    heads = [line for line in lines if line.startswith("geometry.sources.layout")]
    assert len(heads) == len({replace(s, selector="") for s in every})
    assert len(set(heads)) == len(heads)


def test_unknown_key() -> None:
    with pytest.raises(ConfigError, match=r"did you mean `model\.spacing`") as error:
        printed("model.spacng")
    assert error.value.exit_code == 2


@pytest.mark.parametrize("kind", KINDS)
def test_schema(kind: str) -> None:
    outcome = CliRunner().invoke(schema.command, [kind], catch_exceptions=False)
    assert json.loads(outcome.output) == json_schema(kind)


@pytest.mark.parametrize("command", [explain.command, schema.command])
def test_help_has_an_example_and_exit_codes(command: object) -> None:
    outcome = CliRunner().invoke(command, ["--help"])  # type: ignore[arg-type]
    assert "Example" in outcome.output
    assert "Exit codes:\n  0  done\n  2  " in outcome.output
