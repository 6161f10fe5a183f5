"""Arguments and options that the commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

config = click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path))
kind = click.option(
    "--for",
    "kind",
    type=click.Choice(["model", "invert", "rtm"]),
    help="Command to plan for; by default what the sections of the config say.",
)
settings = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a value of the config, e.g. --set model.spacing=10; may be repeated.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def running(command: Command) -> Command:
    """Argument and options of a command that runs something."""
    for option in reversed(
        [
            config,
            click.option(
                "-o",
                "--output",
                "folder",
                type=click.Path(file_okay=False, path_type=Path),
                help="Folder of the run; by default `output` of the config, or runs/NAME.",
            ),
            click.option("-n", "--dry-run", is_flag=True, help="Show the plan; run nothing."),
            click.option("--resume", is_flag=True, help="Continue a run that was stopped."),
            click.option("--force", is_flag=True, help="Overwrite a run."),
            settings,
            as_json,
        ]
    ):
        command = option(command)
    return command
