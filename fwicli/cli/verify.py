"""`fwi verify`."""

from __future__ import annotations

from pathlib import Path

import click

from fwicli.cli import display, options
from fwicli.cli.verb import EXIT_CODES, VerbCommand


@click.command(
    "verify",
    cls=VerbCommand,
    rank=50,
    short_help="Test that the operators are exact on the model of a config.",
    help=(
        "Test that the operators are exact on the model and geometry of CONFIG.\n\n"
        "Dot tests of F and J, Taylor tests, and the same for the Hessian, in double precision."
    ),
    examples=("verify model.yaml", "verify invert.yaml --set physics.order=4"),
    exit_codes=EXIT_CODES | {1: "a test failed, or an error in the program with its traceback"},
)
@options.config
@options.kind
@options.settings
@options.as_json
def command(config: Path, kind: str | None, settings: tuple[str, ...], as_json: bool) -> None:
    """Run the tests and print their verdicts.

    Parameters
    ----------
    config : Path
    kind : str, optional
        Command that the config is for; by default that of its sections.
    settings : tuple of str
        `a.b=c` of the command line.
    as_json : bool
    """
    from fwicli.config.loader import load
    from fwicli.workflows.quality.verification import run

    verdicts = []
    for verdict in run(load(config, kind, settings)):
        verdicts.append(verdict)
        if not as_json:
            said = "good" if verdict.good else "FAILED"
            number = f"{verdict.value:.1e} (at most {verdict.bar:g})"
            click.echo(f"{said:<7} {verdict.name:<46} {number}")
    failed = [v.name for v in verdicts if not v.good]
    if as_json:
        display.summary({v.name: {"value": v.value, "good": v.good} for v in verdicts}, as_json)
    if failed:
        raise click.exceptions.Exit(1)
