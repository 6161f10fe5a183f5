"""Options of the command line that say how files are read, for `fwi info` and `fwi convert`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fwicli.workflows.exchange.kinds import FileLayout


def chosen(dataset: str, shape: str | None, dtype: str, byte_order: str) -> FileLayout:
    """How files are read, from the options of `options.reading`.

    Parameters
    ----------
    dataset : str
    shape : str or None
        Numbers with commas.
    dtype, byte_order : str

    Returns
    -------
    reading : FileLayout
    """
    from fwicli.files.flat import RawFormat
    from fwicli.workflows.exchange.kinds import FileLayout

    counts = None
    if shape is not None:
        words = shape.strip("[]() ").split(",")
        if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
            raise click.BadParameter(
                f"`{shape}` is no shape; write whole numbers with commas, as in 201,101",
                param_hint="--shape",
            )
        counts = [int(word) for word in words]
    return FileLayout(dataset, RawFormat(counts, dtype, byte_order))
