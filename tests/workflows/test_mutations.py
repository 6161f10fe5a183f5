"""A sample of `benchmarks/mutated_inputs.py files`: a plan of numbers, or an explained mistake."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.errors import FwiError
from fwicli.workflows.planning.plan import make_plan
from tests.conftest import ROOT

SEED = 17


@pytest.fixture(scope="module")
def mutated() -> Iterator[ModuleType]:
    """Mutations of files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        import mutated_files

        yield mutated_files


def test_files_before_they_are_mutated(
    mutated: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them are used, or the mutations would try nothing but the first check."""
    mutated.write_base(tmp_path)
    monkeypatch.chdir(tmp_path)
    for _, setting in mutated.FILES.values():
        settings = (setting,) if setting else ()
        made = make_plan(load(tmp_path / "invert.yaml", "invert", settings))
        assert made.gathers is not None


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("count", [40, pytest.param(400, marks=pytest.mark.slow)])
def test_mutations_are_planned_or_explained(
    mutated: ModuleType, tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path / "base"
    base.mkdir()
    for number, case in enumerate(islice(mutated.cases(SEED + count, base, 0), count)):
        folder = tmp_path / str(number)
        folder.mkdir()
        words = list(case.write(folder))
        settings = words[words.index("--set") + 1 :] if "--set" in words else []
        monkeypatch.chdir(folder)
        try:
            made = make_plan(load(Path("invert.yaml"), "invert", settings))
        except FwiError as error:
            assert error.exit_code in (2, 3), case.name  # noqa: PT017 - it may be planned as well
            continue
        assert made.gathers is not None
        assert np.isfinite(made.gathers.data).all(), case.name
        assert np.isfinite(made.wavelet).all(), case.name
        assert made.wavelet.any(), case.name
