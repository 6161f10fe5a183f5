"""The course of a command that runs something: load, plan, run, show."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from fwicli.cli import display
from fwicli.errors import ExecutionError


def execute(
    kind: str,
    workflow: Callable[[], Callable[..., dict[str, Any]]],
    config: Path,
    folder: Path | None,
    dry_run: bool,
    resume: bool,
    force: bool,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run a workflow on a config.

    Parameters
    ----------
    workflow : callable
        Imports and returns the workflow; called only when it is needed.
    """
    from fwicli.config.loader import load
    from fwicli.execution import return_memory

    if resume and force:
        raise click.UsageError("--resume continues a run and --force overwrites it; choose one")
    loaded = load(config, kind, settings)
    folder = folder or loaded.config.output or Path("runs") / config.stem
    if dry_run:
        from fwicli.cli.check import show
        from fwicli.workflows.planning.environment import examined
        from fwicli.workflows.run_folder.folder import RunFolder

        show(examined(loaded, folder), as_json)
        if force:
            _what_is_removed(RunFolder(folder, loaded).preview(resume, force), folder)
        return
    return_memory()
    shown = display.progress()
    before = _begun(folder)
    try:
        with display.interrupts():
            result = workflow()(loaded, folder, resume=resume, force=force, progress=shown)
    except (KeyboardInterrupt, OSError, ExecutionError):
        shown.stop()
        if _begun(folder) and (resume or _begun(folder) != before):
            _how_to_continue(kind, config, folder, settings)
        raise
    finally:
        shown.stop()
    display.summary(result, as_json)


def _begun(folder: Path) -> int:
    """When the run in a folder was begun [ns]; 0 if there is none."""
    with suppress(OSError):
        return (folder / "config.yaml").stat().st_mtime_ns
    return 0


def _what_is_removed(names: Sequence[str], folder: Path) -> None:
    listed = ", ".join(names) or "nothing"
    click.echo(f"--force would remove from {folder}: {listed}", err=True)


def _how_to_continue(kind: str, config: Path, folder: Path, settings: tuple[str, ...]) -> None:
    options = [option for s in settings for option in ("--set", s)]
    again = ["fwi", kind, str(config), "-o", str(folder), *options, "--resume"]
    with suppress(OSError):  # as when the terminal is gone
        click.echo(
            f"stopped; what was finished is kept in {folder}. To continue:\n  {shlex.join(again)}",
            err=True,
        )
