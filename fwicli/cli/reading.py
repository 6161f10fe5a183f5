"""Options of the command line that say how files are read, for `fwi info` and `fwi convert`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fwicli.workflows.exchange.opening import FileLayout


def file_layout(
    dataset: str,
    shape: str | None,
    dtype: str,
    byte_order: str,
    headers: Sequence[str] = (),
    **options: str | None,
) -> FileLayout:
    """How files are read, from the options of `options.reading`.

    Parameters
    ----------
    dataset : str
    shape : str or None
        Of raw binary numbers, with commas.
    dtype, byte_order : str
    headers : sequence of str
        Fields of trace headers, as in `receiver_x=81:int32`.
    **options
        Other keys of the section `data` on trace headers.

    Returns
    -------
    layout : FileLayout
    """
    from fwicli.files.flat import RawFormat
    from fwicli.workflows.exchange.opening import FileLayout

    counts = None
    if shape is not None:
        words = shape.strip("[]() ").split(",")
        if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
            raise click.BadParameter(
                f"`{shape}` is no shape; write whole numbers with commas, as in 201,101",
                param_hint="--shape",
            )
        counts = [int(word) for word in words]
    group = options.get("group")
    if group is not None and "," in group:
        options["group"] = f"[{group}]"
    settings = [f"{name}={value}" for name, value in options.items() if value is not None]
    for text in headers:
        if "=" not in text:
            raise click.BadParameter(
                f"`{text}` names no field; write its name, byte and type, as in "
                f"receiver_x=81:int32",
                param_hint="--bytes",
            )
        settings.append(f"bytes.{text}")
    return FileLayout(dataset, RawFormat(counts, dtype, byte_order), tuple(settings))
