"""`fwi invert`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from fwicli.cli import options
from fwicli.cli.running import execute


def _workflow() -> Callable[..., dict[str, Any]]:
    from fwicli.workflows.invert import run  # late, so that `fwi -h` stays fast

    return run


@click.command("invert")
@options.running
def command(**arguments: Any) -> None:
    """Invert recorded data for the earth model described by CONFIG."""
    execute("invert", _workflow, **arguments)
