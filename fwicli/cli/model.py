"""`fwi model`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from fwicli.cli import options
from fwicli.cli.running import execute


def _workflow() -> Callable[..., dict[str, Any]]:
    from fwicli.workflows.model import run  # late, so that `fwi -h` stays fast

    return run


@click.command("model")
@options.running
def command(**arguments: Any) -> None:
    """Model shot records of the earth that CONFIG describes."""
    execute("model", _workflow, **arguments)
