"""Report on tables of text and SPS files: columns that vary, and positions."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.files.geometry import sps, stations, tables
from fwicli.files.geometry.stations import Reading
from fwicli.workflows.exchange.positions import odd_points
from fwicli.workflows.exchange.report import Report

Array = NDArray[Any]

POINTS = {"S": "sources", "R": "receivers"}


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
    odd += [sentence for sentence in _positions(path) if sentence not in odd]
    contents = {"rows": len(rows), "columns": len(table.names), "keys": keys}
    return Report(path, "table", contents, odd)


def _positions(path: Path) -> list[str]:
    """Oddities of the positions of a table, if it has some."""
    with suppress(DataError):
        points = stations.read(path, "receiver", Reading(depth=0.0), identified=False)
        return list(odd_points(points.positions, "rows"))
    with suppress(DataError):
        points = stations.read(path, "receiver", Reading(), identified=False)
        return list(odd_points(points.positions, "rows"))
    return []


def sps_kinds(path: Path) -> str:
    """Kinds of SPS records in a text file, as "S" or "SRX"; empty without any.

    Parameters
    ----------
    path : Path

    Returns
    -------
    kinds : str
    """
    kinds = ""
    for kind in ("S", "R", "X"):
        with suppress(DataError):
            sps.read_file(path, kind)
            kinds += kind
    return kinds


def sps_report(path: Path, kinds: str) -> Report:
    """Report on an SPS file.

    Parameters
    ----------
    path : Path
    kinds : str
        Kinds of its records.

    Returns
    -------
    report : Report

    Raises
    ------
    DataError
        If its records cannot be read.
    """
    contents: dict[str, Any] = {}
    keys: dict[str, dict[str, Any]] = {}
    odd: list[str] = []
    if "X" in kinds:
        contents["relations"] = len(sps.read_file(path, "X").records)
    for kind in ("S", "R"):
        if kind not in kinds:
            continue
        points = sps.read_points(path, kind)
        name = POINTS[kind]
        contents[name] = len(points.positions)
        odd += [*points.notes, *odd_points(points.positions, name)]
        for axis, values in zip(("x", "y", "z"), points.positions.T, strict=False):
            keys[f"{name[:-1]}_{axis}"] = {
                "from": float(values.min()),
                "to": float(values.max()),
                "different": len(np.unique(values)),
                "unit": "m",
            }
    return Report(path, "SPS", contents | {"keys": keys}, odd)


def _numbers(texts: list[str], decimal_comma: bool) -> Array | None:
    """Values of a column; None if some are no numbers."""
    try:
        return np.array([float(t.replace(",", ".") if decimal_comma else t) for t in texts])
    except ValueError:
        return None
