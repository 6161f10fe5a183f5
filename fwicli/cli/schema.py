"""`fwi schema`."""

from __future__ import annotations

import json

import click

from fwicli.cli.options import ConfigKind
from fwicli.cli.verb import EXIT_CODES, VerbCommand


@click.command(
    "schema",
    cls=VerbCommand,
    rank=30,
    short_help="Print the JSON schema of a config, for editors.",
    examples=("schema invert > invert.schema.json",),
    exit_codes={0: EXIT_CODES[0], 2: "wrong command line"},
)
@click.argument("kind", type=ConfigKind())
def command(kind: str) -> None:
    """Print the JSON schema of the configs of `fwi KIND`, which editors complete and check by.

    The first line of a config names it to editors with a YAML language server:

    \b
        # yaml-language-server: $schema=invert.schema.json
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    from fwicli.config.reference import json_schema

    click.echo(json.dumps(json_schema(kind), indent=2))
