"""What `fwi init` writes, and every file in configs/, is valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from fwicli.config import templates
from fwicli.config.loader import load
from tests.conftest import ROOT

CONFIGS = sorted(p for p in (ROOT / "configs").glob("*.yaml") if not p.stem.endswith("earth"))


def test_commands_that_have_templates() -> None:
    assert {"invert", "model", "rtm"} <= set(templates.kinds())


@pytest.mark.parametrize("kind", templates.kinds())
def test_template_is_valid(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(templates.text(kind), encoding="utf-8")
    assert load(path).kind == kind


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_config_is_valid(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARMOUSI", "/data")
    assert load(path).kind in path.stem
