"""Real processes that are stopped in every way: the result is that of a run that was not."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py

from fwicli.config.loader import load
from fwicli.workflows import invert
from tests import pictures
from tests.workflows.test_invert import result


def begin(survey: Path, folder: Path, limit: str = "") -> subprocess.Popen[str]:
    """An inversion in a session of its own; `limit` is that of the shell for the size of files."""
    arguments = ["invert", str(survey / "invert.yaml"), "-o", str(folder)]
    command = f"{limit} exec {shlex.join([*pictures.COMMAND, *arguments])}"
    return subprocess.Popen(
        ["bash", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def in_flight(folder: Path) -> Callable[[], bool]:
    """Whether an iteration is on its way, with an evaluation of it on disk."""
    return lambda: any((folder / "journal").glob("[!.]*.npz"))


def left(process: subprocess.Popen[str]) -> list[str]:
    """Processes of its session that are still there."""
    found = subprocess.run(["pgrep", "-s", str(process.pid)], capture_output=True, text=True)
    return found.stdout.split()


def check_same(survey: Path, folder: Path) -> None:
    """Continue to the end: the bits, and the progress, of a run that was never stopped."""
    invert.run(load(survey / "invert.yaml"), folder, resume=True)
    assert (result(folder) == result(survey / "whole")).all()
    lines = (folder / "progress.jsonl").read_text().splitlines()
    steps = [(s["stage"], s["iteration"], s["misfit"]) for s in map(json.loads, lines)]
    whole = (survey / "whole" / "progress.jsonl").read_text().splitlines()
    assert steps == [(s["stage"], s["iteration"], s["misfit"]) for s in map(json.loads, whole)]
    assert not [p.name for p in folder.iterdir() if p.name.startswith(".")]
    assert not (folder / "journal").exists()


def test_killed_in_the_middle_of_an_iteration(
    survey: Path, inverted: dict[str, Any], tmp_path: Path
) -> None:
    """With SIGKILL: its workers end with it, and what is half written is no harm."""
    folder = tmp_path / "run"
    process = begin(survey, folder)
    until(in_flight(folder))
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    until(lambda: not left(process), 20)
    # As if it had been writing when it died.
    (folder / ".inversion.h5.new").write_bytes(b"half")
    (folder / ".environment.json.new").write_text("{")
    with (folder / "progress.jsonl").open("a") as file:
        file.write('{"time": 1.0, "stage": 2, "iteration": 3, "misfit": 0.1}\n{"time": 17')
    check_same(survey, folder)


def test_told_that_its_time_ends(survey: Path, inverted: dict[str, Any], tmp_path: Path) -> None:
    """By the signal of a batch system to all processes of a job."""
    folder = tmp_path / "run"
    process = begin(survey, folder)
    until(in_flight(folder))
    os.killpg(process.pid, signal.SIGUSR1)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGUSR1, said
    assert "that its time ends" in said
    assert "To continue:" in said
    assert "failed" not in said
    assert "Traceback" not in said
    until(lambda: not left(process), 20)
    check_same(survey, folder)


def test_full_disk_keeps_what_was_finished(
    survey: Path, inverted: dict[str, Any], tmp_path: Path
) -> None:
    """Files that may not grow beyond 150 KiB: exit code 4, whole files, and a way to go on."""
    folder = tmp_path / "run"
    process = begin(survey, folder, limit="ulimit -f 150;")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 4, said
    assert "File too large" in said
    assert "To continue:" in said
    assert "Traceback" not in said
    with h5py.File(folder / "inversion.h5") as file:
        assert 1 <= len(file["iterates"]) < 6
    check_same(survey, folder)
