"""Cores and memory of a batch job, where no control group limits them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fwicli.execution import available, cores
from fwicli.execution.machine import ALLOCATED


@pytest.mark.parametrize(("job", "variable"), ALLOCATED.items())
def test_cores_are_those_of_the_job(
    job: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only in a job, and never more than the machine has."""
    for names in ALLOCATED.items():
        for name in names:
            monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)), raising=False)
    free = cores()
    monkeypatch.setenv(variable, "1")
    assert cores() == free
    monkeypatch.setenv(job, "7")
    assert cores() == 1
    for text in ("1000", "many", "0"):
        monkeypatch.setenv(variable, text)
        assert cores() == free


def test_memory_is_that_of_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """SLURM counts it in MiB."""
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "50")
    assert available() > 50 * 2**20
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert available() == 50 * 2**20


PEAKS = """\
import shutil, subprocess, sys
from fwicli.execution import peak_memory
before = peak_memory()
block = bytearray(64 << 20)
del block
print(peak_memory() - before)
before = peak_memory()
held = "block = bytearray(96 << 20); print(flush=True); input()"
below = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {held!r}])"
python = [sys.executable, "-c"]
for program in ([*python, held], [*python, below], [shutil.which("sort")]):
    worker = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if program[0] == sys.executable:
        worker.stdout.readline()
    else:
        worker.stdin.write(b"1\\n" * 8_000_000)
        worker.stdin.flush()
    print(peak_memory() - before)
    worker.communicate(b"\\n")
"""


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="the kernel tells no Pss")
def test_memory_is_that_of_all_workers() -> None:
    """Also of memory that was freed, and of workers of workers; not of other programs."""
    command = [sys.executable, "-c", PEAKS]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    freed, worker, below, other = (int(line) / 2**20 for line in lines)
    assert 60 < freed < 70
    assert 96 < worker < 130
    assert 100 < below < 140
    assert other < 5
