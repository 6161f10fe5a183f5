"""What ends a command: sentences and exit codes for mistakes and machines, tracebacks for bugs."""

from __future__ import annotations

from typing import Any

import click
import pytest

from fwicli.cli import main
from fwicli.errors import ConfigError, ExecutionError, ModelError, SizeError


def code_of(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    """Exit code of a command that fails so."""

    def fail(**_: Any) -> None:
        raise error

    monkeypatch.setattr(main.cli, "main", fail)
    monkeypatch.setattr(main.signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (click.UsageError("which?"), 2, "which?"),
        (ConfigError("no such key é \udcff"), 2, "fwi: no such key"),
        (ModelError("too fast"), 3, "fwi: too fast"),
        (SizeError("too large"), 3, "fwi: too large"),
        (ExecutionError("a worker died"), 4, "fwi: a worker died"),
        (OSError(28, "No space left on device"), 4, "No space left on device"),
        (MemoryError("Unable to allocate 8 GB"), 4, "does not suffice (Unable to allocate 8 GB)"),
        (MemoryError(), 4, "does not suffice"),
    ],
)
def test_sentences(
    error: Exception,
    code: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert code_of(error, monkeypatch) == code
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "error",
    [KeyError("vp"), TypeError("no"), ValueError("no"), ZeroDivisionError(), RecursionError()],
)
def test_bugs_keep_their_traceback(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not translated: Python prints it, with exit code 1."""
    with pytest.raises(type(error)):
        code_of(error, monkeypatch)
