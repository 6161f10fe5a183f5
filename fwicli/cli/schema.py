"""`fwi schema`."""

from __future__ import annotations

import json

import click


@click.command("schema")
@click.argument("kind", type=click.Choice(["model", "invert", "rtm"]))
def command(kind: str) -> None:
    """Print the JSON schema of the configs of `fwi KIND`, which editors complete and check by.

    \b
    Example:
        fwi schema invert > invert.schema.json

    The first line of a config names it to editors with a YAML language server:

    \b
        # yaml-language-server: $schema=invert.schema.json

    Exit codes: 0 done, 2 wrong command line.
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    from fwicli.config.reference import json_schema

    click.echo(json.dumps(json_schema(kind), indent=2))
