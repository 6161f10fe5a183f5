"""Executors of configs, and what they need."""

from __future__ import annotations

import pytest

from fwicli.config.execution import ExecutionSection
from fwicli.errors import ConfigError
from fwicli.execution import InProcess, Processes
from fwicli.execution.dask import installation
from fwicli.workflows.assembly import executors


def section(**settings: object) -> ExecutionSection:
    return ExecutionSection.model_validate(settings)


def test_processes_are_the_default() -> None:
    with executors.start(section(), 1) as executor:
        assert isinstance(executor, InProcess)
    with executors.start(section(), 3) as executor:
        assert isinstance(executor, Processes)
        assert executor.workers == 3


@pytest.mark.parametrize(
    ("missing", "settings", "named"),
    [
        ("distributed", {}, "distributed"),
        ("distributed", {"cluster": "slurm"}, "distributed"),
        ("dask_jobqueue", {"cluster": "slurm"}, "dask-jobqueue"),
    ],
)
def test_dask_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, missing: str, settings: dict[str, object], named: str
) -> None:
    """With what to type."""
    monkeypatch.setattr(installation, "find_spec", lambda name: None if name == missing else name)
    with pytest.raises(ConfigError) as caught:
        executors.check(section(engine="dask", **settings))
    assert f"needs {named}, " in str(caught.value)
    assert "pip install 'fwicli[cluster]'" in str(caught.value)
