"""What `fwi init` writes, and every file in configs/, is valid."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from fwicli.config.loader import load
from fwicli.config.schema import KINDS
from tests.conftest import ROOT

CONFIGS = sorted(p for p in (ROOT / "configs").glob("*.yaml") if not p.stem.endswith("earth"))


@pytest.mark.parametrize("kind", KINDS)
def test_template_is_valid(kind: str, tmp_path: Path) -> None:
    template = resources.files("fwicli.config") / "templates" / f"{kind}.yaml"
    path = tmp_path / "c.yaml"
    path.write_text(template.read_text(encoding="utf-8"), encoding="utf-8")
    assert load(path).kind == kind


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_config_is_valid(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARMOUSI", "/data")
    assert load(path).kind in path.stem
