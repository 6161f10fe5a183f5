"""Report on tables of text: columns, and which of them vary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.files.geometry import tables
from fwicli.workflows.exchange.report import Report

Array = NDArray[Any]


def report(path: Path) -> Report:
    """Report on a table.

    Parameters
    ----------
    path : Path

    Returns
    -------
    report : Report

    Raises
    ------
    DataError
        If it is no table.
    """
    table = tables.read(path)
    odd, keys = list(table.notes), {}
    for number, name in enumerate(table.names):
        texts = [row[number] for row in table.rows]
        values = _numbers(texts, table.decimal_comma)
        if values is None:
            keys[name] = {"different": len(set(texts)), "first": texts[0]}
            continue
        keys[name] = {
            "from": float(values.min()),
            "to": float(values.max()),
            "different": len(np.unique(values)),
        }
    rows = [tuple(row) for row in table.rows]
    if len(set(rows)) < len(rows):
        odd.append(f"{len(rows) - len(set(rows))} of {len(rows)} lines repeat an earlier one")
    contents = {"rows": len(rows), "columns": len(table.names), "keys": keys}
    return Report(path, "table", contents, odd)


def _numbers(texts: list[str], decimal_comma: bool) -> Array | None:
    """Values of a column; None if some are no numbers."""
    try:
        return np.array([float(t.replace(",", ".") if decimal_comma else t) for t in texts])
    except ValueError:
        return None
