"""Arguments and options that the commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

config = click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path))


class ShotRange(click.ParamType):  # type: ignore[type-arg]
    """Shots from the first to the one behind the last, as A:B."""

    name = "shots"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """The form of a part.

        Parameters
        ----------
        param : click.Parameter
        ctx : click.Context or None

        Returns
        -------
        metavar : str
        """
        del param, ctx
        return "A:B"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> range:
        """The numbers of the shots.

        Parameters
        ----------
        value : str
        param : click.Parameter or None
        ctx : click.Context or None

        Returns
        -------
        shots : range
        """
        if isinstance(value, range):
            return value
        first, colon, stop = str(value).partition(":")
        if not (colon and first.isdecimal() and stop.isdecimal() and int(first) < int(stop)):
            self.fail(
                f"{value!r} is no part of a survey; write A:B for shots A to B - 1, numbered from "
                f"0, as in 0:100 for the first hundred",
                param,
                ctx,
            )
        return range(int(first), int(stop))


class ConfigKind(click.ParamType):  # type: ignore[type-arg]
    """A kind of config, which is the name of the command that runs it."""

    name = "kind"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """The kinds, as click shows choices.

        Parameters
        ----------
        param : click.Parameter
        ctx : click.Context or None

        Returns
        -------
        metavar : str
        """
        del param, ctx
        return f"[{'|'.join(self._kinds())}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """One of the kinds.

        Parameters
        ----------
        value : str
        param : click.Parameter or None
        ctx : click.Context or None

        Returns
        -------
        kind : str
        """
        return str(click.Choice(self._kinds()).convert(value, param, ctx))

    def _kinds(self) -> list[str]:
        from fwicli.config.schema import KINDS  # late: help needs click alone

        return list(KINDS)


kind = click.option(
    "--for",
    "kind",
    type=ConfigKind(),
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

start = click.option(
    "--from",
    "start",
    metavar="RUN[@N]",
    help=(
        "Begin from the result of another inversion, from its iterate N, or with RUN@s2 from the "
        "end of its stage 2."
    ),
)


shots = click.option(
    "--shots",
    type=ShotRange(),
    help="Run shots A to B - 1 alone, numbered from 0, as a part in the folder of the run; the "
    "last part, or fwi merge, puts all of them together.",
)

# Of arrays in files that do not describe them.
ARRAY = (
    click.option(
        "--dataset",
        default="",
        metavar="NAME",
        help="Name of the array, or of the traces, in a file that holds several.",
    ),
    click.option(
        "--shape",
        metavar="NX,NZ",
        help="Shape of raw binary numbers, z fastest.",
    ),
    click.option(
        "--dtype",
        type=click.Choice(["float32", "float64"]),
        default="float32",
        show_default=True,
        help="Type of raw binary numbers.",
    ),
    click.option(
        "--byte-order",
        type=click.Choice(["little", "big"]),
        default="little",
        show_default=True,
        help="Order of the bytes of raw binary numbers.",
    ),
)
# Of trace headers, as in the section `data` of a config.
HEADERS = (
    click.option(
        "--preset",
        metavar="NAME",
        help="Trace headers of SEG-Y and SU: standard, streamer, land, obn or su.",
    ),
    click.option(
        "--bytes",
        "headers",
        multiple=True,
        metavar="FIELD=BYTE:TYPE",
        help="A field of trace headers, e.g. receiver_x=81:int32; may be repeated.",
    ),
    click.option(
        "--trace-id",
        "trace_ids",
        multiple=True,
        metavar="CODE=COMPONENT",
        help="Component of traces with this identification code, e.g. 15=vz; may be repeated.",
    ),
    click.option(
        "--group",
        metavar="KEYS",
        help="Header fields that traces of one shot have in common, with commas.",
    ),
    click.option(
        "--dead",
        type=click.Choice(["drop", "zero"]),
        help="Leave out dead traces of SEG-Y and SU (the default), or read them as zeros.",
    ),
)


def reading(command: Command) -> Command:
    """Options that say how files are read that do not say it themselves."""
    for option in reversed((*ARRAY, *HEADERS)):
        command = option(command)
    return command


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
