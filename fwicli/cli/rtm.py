"""`fwi rtm`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from fwicli.cli import options
from fwicli.cli.running import execute


def _workflow() -> Callable[..., dict[str, Any]]:
    from fwicli.workflows.rtm import run  # late, so that `fwi -h` stays fast

    return run


@click.command("rtm")
@options.running
def command(**arguments: Any) -> None:
    """Image recorded data in the smooth model described by CONFIG."""
    execute("rtm", _workflow, **arguments)
