"""Report on SEG-Y and SU files: their form, header fields that vary, and their shots."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fwicli.errors import PhysicsError
from fwicli.segy.index import Index, read_index
from fwicli.segy.samples import SampleReader
from fwicli.workflows.assembly import field_records
from fwicli.workflows.exchange import records
from fwicli.workflows.exchange.opening import WORDS, FileLayout
from fwicli.workflows.exchange.report import Report
from fwicli.workflows.exchange.traces import TraceStatistics
from fwicli.workflows.run_folder.progress import Progress

# Traces that are read at once of a file without shots.
BLOCK = 2000


def report(path: Path, kind: str, layout: FileLayout, progress: Progress) -> Report:
    """Report on a file; one whose headers make no survey is described by its fields and samples.

    Parameters
    ----------
    path : Path
    kind : {"segy", "su"}
    layout : FileLayout
        Where header fields are, and how traces form shots.
    progress : Progress

    Returns
    -------
    report : Report

    Raises
    ------
    DataError
        If the file is damaged.
    """
    section = layout.section(path)
    index = read_index(path, field_records.byte_map(section), kind)
    form = _form(index)
    try:
        gathers = field_records.read(section)
    except PhysicsError as error:
        contents, odd = _samples(index, progress)
        fields = {"keys": _fields(index)}
        return Report(path, WORDS[kind], form | contents | fields, [str(error), *odd])
    whole = records.report(path, f"shot records ({WORDS[kind]})", gathers, progress)
    keys = {**whole.contents["keys"], **_fields(index)}
    odd = [*_unused(index), *whole.odd]
    return replace(whole, contents=form | whole.contents | {"keys": keys}, odd=odd)


def _form(index: Index) -> dict[str, Any]:
    """Form of the file as its first headers state it."""
    layout = index.layout
    numbers: dict[str, Any] = {
        "sample_format": layout.form,
        "byte_order": layout.endian,
        "traces": layout.traces,
        "samples": layout.samples,
    }
    if layout.kind == "segy":
        numbers["revision"] = layout.revision
        numbers["interval_of_binary_header_s"] = layout.interval
    return numbers


def _fields(index: Index) -> dict[str, dict[str, Any]]:
    """Ends and number of different values of each header field, as they are stored."""
    keys = {}
    for name, values in index.columns.items():
        byte = index.fields[name].byte
        keys[f"{name} (byte {byte})"] = {
            "from": float(values.min()),
            "to": float(values.max()),
            "different": len(np.unique(values)),
        }
    return keys


def _unused(index: Index) -> list[str]:
    """Header fields that should vary from trace to trace, and do not."""
    still = [n for n in ("field_record", "channel") if len(np.unique(index.stored(n))) == 1]
    if len(still) < 2 or index.layout.traces == 1:
        return []
    return [
        "neither the field record nor the channel varies: traces cannot be told apart by number; "
        "are they at other bytes (`--bytes channel=13:int32`)?"
    ]


def _samples(index: Index, progress: Progress) -> tuple[dict[str, Any], list[str]]:
    """Amplitudes and spectrum of all traces, whichever shots they belong to."""
    layout = index.layout
    statistics = TraceStatistics(layout.samples, layout.interval or 1.0)
    reader = SampleReader([layout])
    progress.start(f"reading {layout.path.name}", layout.traces)
    for first in range(0, layout.traces, BLOCK):
        last = min(first + BLOCK, layout.traces)
        statistics.add(reader.read(np.arange(first, last)))
        progress.update(last)
    progress.stop()
    reader.close()
    contents = statistics.contents()
    if not layout.interval:
        for name in ("peak_frequency_hz", "band_hz"):
            contents.pop(name, None)
    return contents, []
