"""`fwi init`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from fwicli.cli import options
from fwicli.cli.verb import EXIT_CODES, VerbCommand
from fwicli.config import templates
from fwicli.disk import atomic

# Kinds of configs that records fill in.
DRAFTED = ("invert", "rtm")


@click.command(
    "init",
    cls=VerbCommand,
    rank=10,
    short_help="Write a commented config to start from.",
    help=(
        "Write a commented config of a KIND to FILE, by default KIND.yaml; - is stdout.\n\n"
        "With --from, the config of an inversion or a migration holds what files of records tell: "
        "their geometry and sampling, the bands of the stages, the extent and the grid of the "
        "model. What they cannot tell is asked, as QUESTION 1, 2, ... in the config."
    ),
    examples=(
        "init model",
        "init invert my_inversion.yaml",
        "init rtm -",
        "init invert --from line.sgy",
        "init invert --from 'line*.sgy' --set data.preset=streamer",
    ),
    exit_codes={
        0: EXIT_CODES[0],
        2: "wrong command line, or there are no such records",
        3: "the records are not read, with the reason",
        4: "the file cannot be written",
    },
)
@click.argument("kind", type=click.Choice(templates.kinds()))
@click.argument(
    "file",
    required=False,
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
)
@click.option(
    "--from",
    "records",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="RECORDS",
    help="Fill in what this file of records tells: SEG-Y, SU or HDF5; may be repeated.",
)
@options.settings
@click.option("--force", is_flag=True, help="Overwrite the file.")
def command(
    kind: str, file: Path | None, records: tuple[Path, ...], settings: tuple[str, ...], force: bool
) -> None:
    """Write the template of a kind, or what records tell.

    Parameters
    ----------
    kind : str
    file : Path, optional
    records : tuple of Path
        Files of records; without any, the template is written.
    settings : tuple of str
        KEY=VALUE of the section `data` of the records.
    force : bool
        Overwrite the file.
    """
    from fwicli.cli.reading import check_folder

    check_folder(file, "FILE")
    file = file or Path(f"{kind}.yaml")
    text = _draft(kind, file, records, settings) if records else _template(kind, settings)
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


def _template(kind: str, settings: tuple[str, ...]) -> str:
    """The template of a kind; it takes no settings."""
    if settings:
        raise click.UsageError("--set says how records are read; name them by --from")
    return templates.text(kind)


def _draft(kind: str, file: Path, records: tuple[Path, ...], settings: tuple[str, ...]) -> str:
    """A config that records fill in; tells what they say, and what they leave open."""
    if kind not in DRAFTED:
        raise click.UsageError(
            f"`fwi {kind}` takes no records; --from is for {' and '.join(DRAFTED)}"
        )
    from fwicli.cli.reading import check_present
    from fwicli.config.records import read_section
    from fwicli.workflows.exchange.drafting.draft import draft

    check_present(records, "--from")
    section, keys = read_section(records, settings)
    drafted = draft(kind, section, keys, Path("-.yaml") if str(file) == "-" else file)
    for note in drafted.notes:
        click.echo(f"note: {note}", err=True)
    for name, fact in drafted.facts.items():
        click.echo(f"{name:20} {fact}", err=True)
    for number, question in enumerate(drafted.questions, 1):
        click.echo(f"QUESTION {number}: {question}", err=True)
    return drafted.text


def _keep(file: Path) -> Path:
    """Copy a file to a name beside it that is free."""
    number = 1
    while os.path.lexists(copy := file.with_name(f"{file.name}.~{number}~")):
        number += 1
    with atomic.replacing(copy) as new:
        new.write_bytes(file.read_bytes())
    return copy
