"""A sample of `benchmarks/mutated_inputs.py configs`: a plan, or a mistake that is explained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest

from fwicli.config.loader import load
from fwicli.config.schema import KINDS
from fwicli.errors import FwiError
from fwicli.workflows.planning.plan import make_plan
from tests.conftest import ROOT

SEED = 17


@pytest.fixture(scope="module")
def mutated() -> Iterator[ModuleType]:
    """Mutations of configs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        import mutated_configs

        yield mutated_configs


@pytest.fixture(scope="module")
def base(mutated: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the files that the configs name."""
    folder = tmp_path_factory.mktemp("mutated")
    mutated.write_base(folder)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_configs_before_they_are_mutated(mutated: ModuleType, base: Path, kind: str) -> None:
    """They pass, or the mutations would try nothing but the first check."""
    text = mutated.TEXTS[kind]
    path = base / f"{kind}.yaml"
    path.write_text(text, encoding="utf-8")
    assert make_plan(load(path, kind)).kind == kind


@pytest.mark.parametrize("numbers", [range(n, n + 30) for n in range(0, 120, 30)])
def test_mutations_are_planned_or_explained(
    mutated: ModuleType, base: Path, numbers: range, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(base)
    path = base / "c.yaml"
    for number in numbers:
        words, kind, content, settings = mutated.changed(number, SEED)
        path.write_bytes(content)
        with suppress(FwiError):
            summary = make_plan(load(path, kind if number % 3 else None, settings)).summary()
            assert json.dumps(summary), words
