"""Standard output and standard error that cannot be written: said once, or of no account."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CONFIG = """\
model: {vp: 2000, shape: [41, 41], spacing: 10}
geometry: {sources: {x: [100, 300], z: 20}, receivers: {x: [200], z: 20}}
wavelet: {kind: ricker, frequency: 8}
time: {interval: 0.004, duration: 0.3}
"""
COMMANDS = [
    "--help",
    "--version",
    "model --help",
    "init rtm -",
    "init model new.yaml",
    "check model.yaml --json",
]
# What becomes of a command, by what its output goes to.
OUTPUTS = {"full": 4, "closed": 0, "pipe": 0}

full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")


@contextmanager
def output(kind: str) -> Iterator[int]:
    """A file to write to."""
    if kind == "full":
        descriptor = os.open("/dev/full", os.O_WRONLY)
    elif kind == "pipe":
        reader, descriptor = os.pipe()
        os.close(reader)
    else:
        descriptor = os.open(os.devnull, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def fwi(command: str, folder: Path, stream: str, kind: str) -> subprocess.CompletedProcess[str]:
    """The command, with one of its streams cut off."""
    (folder / "model.yaml").write_text(CONFIG, encoding="utf-8")
    program = "import runpy; runpy.run_module('fwicli', run_name='__main__')"
    if kind == "closed":
        # As a shell does for `>&-`, before the interpreter starts.
        number = 1 if stream == "stdout" else 2
        program = (
            f"import os, sys; os.close({number}); "
            f"os.execv(sys.executable, [sys.executable, '-m', 'fwicli', *sys.argv[1:]])"
        )
    with output(kind) as descriptor:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: descriptor}
        return subprocess.run(
            [sys.executable, "-c", program, *command.split()],
            cwd=folder,
            text=True,
            check=False,
            **streams,  # type: ignore[call-overload]
        )


@full
@pytest.mark.parametrize("kind", OUTPUTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_standard_output(command: str, kind: str, tmp_path: Path) -> None:
    """A disk without room is named, with the exit code of one; nobody who reads is no mistake."""
    done = fwi(command, tmp_path, "stdout", kind)
    assert done.returncode == OUTPUTS[kind], done.stderr
    if kind == "full":
        assert "fwi: standard output cannot be written: No space left" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    else:
        assert not done.stderr


@full
@pytest.mark.parametrize("kind", OUTPUTS)
def test_standard_error(kind: str, tmp_path: Path) -> None:
    """Notes that nobody can read change neither the result nor the exit code."""
    done = fwi("check model.yaml --set model.vp=[1]", tmp_path, "stderr", kind)
    assert done.returncode == 2
    done = fwi("check model.yaml --set model.rho=2000.0", tmp_path, "stderr", kind)
    assert done.returncode == 0
    assert "shots" in done.stdout
