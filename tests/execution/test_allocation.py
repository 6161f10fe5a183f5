"""Cores and memory of a batch job, where no control group limits them."""

from __future__ import annotations

import os

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
