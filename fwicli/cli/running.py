"""The course of a command that runs something: load, plan, run, show."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fwicli.cli import display, options
from fwicli.cli.verb import VerbCommand
from fwicli.errors import ExecutionError

if TYPE_CHECKING:
    from fwicli.config.loader import Loaded


@dataclass(frozen=True)
class RunOptions:
    """Argument and options of a command that runs something, under their names there."""

    config: Path
    folder: Path | None
    dry_run: bool
    resume: bool
    force: bool
    settings: tuple[str, ...]
    as_json: bool
    shots: range | None = None
    start: str | None = None

    @property
    def part(self) -> list[str]:
        """The option --shots, if it was given."""
        shots = self.shots
        return [] if shots is None else ["--shots", f"{shots.start}:{shots.stop}"]


def run_command(
    kind: str, in_parts: bool = False, branches: bool = False, **settings: Any
) -> click.Command:
    """A command that runs the configs of a kind.

    Parameters
    ----------
    kind : str
        Name of the command, and of a module of `fwicli.workflows` with a `VERB`.
    in_parts : bool
        Whether it runs parts of a survey.
    branches : bool
        Whether a run may begin from an iterate of another one.
    **settings
        Of `VerbCommand`: rank, short_help, help, examples.

    Returns
    -------
    command : click.Command
    """

    @click.command(kind, cls=VerbCommand, **settings)
    @options.running
    def command(**chosen: Any) -> None:
        execute(kind, RunOptions(**chosen))

    command = options.shots(command) if in_parts else command
    return options.start(command) if branches else command


def execute(kind: str, chosen: RunOptions) -> None:
    """Run a config, or show its plan.

    Parameters
    ----------
    kind : str
        Of the config.
    chosen : RunOptions
    """
    from fwicli.config.loader import load
    from fwicli.execution import return_memory

    if chosen.resume and chosen.force:
        raise click.UsageError("--resume continues a run and --force overwrites it; choose one")
    loaded = load(chosen.config, kind, chosen.settings)
    folder = chosen.folder or loaded.config.output or Path("runs") / chosen.config.stem
    if chosen.start is not None:
        from fwicli.workflows.inversion import branches  # late: it reads files

        loaded = branches.begin(loaded, folder, chosen.start, chosen.resume)
    if chosen.dry_run:
        _show_plan(loaded, folder, chosen)
        return
    return_memory()
    progress = display.progress()
    place = _place(folder, chosen)
    before = _begun(place)
    try:
        with display.interrupts():
            summary = _run(kind, loaded, folder, chosen, progress)
    except (KeyboardInterrupt, OSError, ExecutionError):
        progress.stop()
        if _begun(place) and (chosen.resume or _begun(place) != before):
            _how_to_continue(kind, folder, chosen)
        raise
    finally:
        progress.stop()
    display.summary(summary, chosen.as_json)


def _run(
    kind: str,
    loaded: Loaded,
    folder: Path,
    chosen: RunOptions,
    progress: display.Bar | display.Lines,
) -> dict[str, Any]:
    """Run a config, or a part of it; in a step of SLURM, one of its tasks does."""
    # Late: an interrupt may come before.
    from fwicli.workflows.assembly import executors
    from fwicli.workflows.run_folder import merging
    from fwicli.workflows.verbs import find

    options = {"resume": chosen.resume, "force": chosen.force, "progress": progress}
    with executors.joined(loaded.config.execution):
        if chosen.shots is not None:
            return merging.run_part(loaded, folder, chosen.shots, options)
        return find(kind).run(loaded, folder, **options)


def _place(folder: Path, chosen: RunOptions) -> Path:
    """Folder of the run, or of the part."""
    if chosen.shots is None:
        return folder
    from fwicli.workflows.run_folder import parts

    return parts.folder(folder, chosen.shots)


def _show_plan(loaded: Loaded, folder: Path, chosen: RunOptions) -> None:
    """Print the plan of a run, and what --force would remove."""
    from fwicli.cli.check import show
    from fwicli.workflows.planning.environment import examined
    from fwicli.workflows.run_folder.folder import RunFolder

    show(examined(loaded, folder), chosen.as_json)
    if chosen.force:
        _what_is_removed(RunFolder(folder, loaded).preview(chosen.resume, chosen.force), folder)


def _begun(folder: Path) -> int:
    """When the run in a folder was begun [ns]; 0 without a run."""
    with suppress(OSError):
        return (folder / "config.yaml").stat().st_mtime_ns
    return 0


def _what_is_removed(names: Sequence[str], folder: Path) -> None:
    listed = ", ".join(names) or "nothing"
    click.echo(f"--force would remove from {folder}: {listed}", err=True)


def _how_to_continue(kind: str, folder: Path, chosen: RunOptions) -> None:
    options = [option for s in chosen.settings for option in ("--set", s)]
    again = ["fwi", kind, str(chosen.config), "-o", str(folder), *chosen.part, *options, "--resume"]
    with suppress(OSError):  # as when the terminal is gone
        click.echo(
            f"stopped; what was finished is kept in {folder}. To continue:\n  {shlex.join(again)}",
            err=True,
        )
