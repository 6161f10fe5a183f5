"""Commands that are typed in the process of the tests, which takes a tenth of the time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fwicli.cli import main

Typed = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """The command in this process, as its entry point runs it; its signals stay those of tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(main, "_set_up", lambda: None)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["fwi", *arguments])
        capsys.readouterr()
        code: Any = 0
        try:
            main.main()
        except SystemExit as end:
            code = end.code
        printed = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, printed.out, printed.err)

    return run
