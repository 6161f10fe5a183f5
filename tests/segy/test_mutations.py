"""Mutated files: a clear error or a correct read, never a crash, a hang or a wrong result."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.segy import mutations


def test_mutated_files(tmp_path: Path) -> None:
    outcomes = mutations.run(tmp_path, range(200))
    assert not {n: o for n, o in outcomes.items() if o not in (mutations.ERROR, mutations.CORRECT)}
    counts = Counter(outcomes.values())
    assert counts[mutations.ERROR] > 60
    assert counts[mutations.CORRECT] > 30


@pytest.mark.slow
def test_a_thousand_mutated_files(tmp_path: Path) -> None:
    """In processes of their own, so that a crash or a hang is seen."""
    outcomes = []
    for first in range(1000, 2000, 50):
        command = [sys.executable, "-m", "tests.segy.mutations"]
        done = subprocess.run(
            [*command, str(tmp_path), str(first), str(first + 50)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        outcomes += [text.split(" ", 1)[1] for text in done.stdout.splitlines()]
    assert len(outcomes) == 1000
    assert not [o for o in outcomes if o not in (mutations.ERROR, mutations.CORRECT)]
