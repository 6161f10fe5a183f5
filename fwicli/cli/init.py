"""`fwi init`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from fwicli.cli.verb import EXIT_CODES, VerbCommand
from fwicli.config import templates
from fwicli.disk import atomic


@click.command(
    "init",
    cls=VerbCommand,
    rank=10,
    short_help="Write a commented config to start from.",
    help="Write a commented config of a KIND to FILE, by default KIND.yaml; - is stdout.",
    examples=("init model", "init invert my_inversion.yaml", "init rtm -"),
    exit_codes={0: EXIT_CODES[0], 2: "wrong command line", 4: "the file cannot be written"},
)
@click.argument("kind", type=click.Choice(templates.kinds()))
@click.argument(
    "file",
    required=False,
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
)
@click.option("--force", is_flag=True, help="Overwrite the file.")
def command(kind: str, file: Path | None, force: bool) -> None:
    """Write the template of a kind.

    Parameters
    ----------
    kind : str
    file : Path, optional
    force : bool
        Overwrite the file.
    """
    text = templates.text(kind)
    file = file or Path(f"{kind}.yaml")
    if str(file) == "-":
        click.echo(text, nl=False)
        return
    if os.path.lexists(file) and not force:
        raise click.UsageError(f"{file} exists; choose another name, or overwrite it with --force")
    if file.is_file() and file.read_bytes() != text.encode():
        click.echo(f"what {file} was is kept in {_keep(file)}", err=True)
    with atomic.replacing(file) as new:
        new.write_text(text, encoding="utf-8")
    click.echo(f"wrote {file}; next: fwi check {file}")


def _keep(file: Path) -> Path:
    """Copy a file to a name beside it that is free."""
    number = 1
    while os.path.lexists(copy := file.with_name(f"{file.name}.~{number}~")):
        number += 1
    with atomic.replacing(copy) as new:
        new.write_bytes(file.read_bytes())
    return copy
