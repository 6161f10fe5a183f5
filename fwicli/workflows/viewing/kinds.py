"""Which kind of file a path is, and the report on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fwicli.files import arrays
from fwicli.workflows.exchange import opening, records, results, segy, tables
from fwicli.workflows.exchange.arrays import ArrayStatistics, drawing
from fwicli.workflows.exchange.opening import WORDS, FileLayout, quantity
from fwicli.workflows.exchange.report import Report
from fwicli.workflows.run_folder.progress import Progress

CONFIGS = (".yaml", ".yml")
TABLES = (".csv", ".tsv", ".txt", ".asc", ".dat")
SPS = (".sps", ".rps", ".xps", ".s", ".r", ".x", ".s01", ".r01", ".x01", ".txt")


def reports(path: Path, reading: FileLayout, progress: Progress) -> Iterator[Report]:
    """Report on a file; on a folder of a run, and each of its results.

    Parameters
    ----------
    path : Path
    reading : FileLayout
    progress : Progress

    Yields
    ------
    report : Report

    Raises
    ------
    DataError
        If it is of no kind that is read, or damaged.
    """
    if path.is_dir():
        yield results.folder_report(path)
        for file in results.results(path):
            yield from reports(file, reading, progress)
        return
    if path.suffix.lower() in CONFIGS:
        text = "checks this config and prints the plan"
        yield Report(path, "config", {"next": f"`fwi check {path}` {text}"})
        return
    kind, head = opening.records_format(path, reading), arrays.head(path)
    if kind in ("segy", "su"):
        yield segy.report(path, kind, reading, progress)
    elif kind:
        gathers = opening.records(path, reading)
        yield records.report(path, f"shot records ({WORDS[kind]})", gathers, progress)
    elif arrays.is_hdf5(path, head):
        yield results.report(path, reading.dataset)
    elif head.startswith(arrays.ZIP):
        yield _npz(path, reading)
    elif path.suffix.lower() in SPS and (kinds := tables.sps_kinds(path)):
        yield tables.sps_report(path, kinds)
    elif path.suffix.lower() in TABLES and reading.raw.shape is None:
        yield tables.report(path)
    else:
        yield _array(path, reading)


def _npz(path: Path, reading: FileLayout) -> Report:
    chosen = [reading.dataset] if reading.dataset else arrays.members(path)
    names = [name for name in chosen if name not in arrays.BESIDE]
    statistics = [ArrayStatistics(opening.array(path, reading, name), name) for name in names]
    contents = {"arrays": {s.name: s.contents() for s in statistics}}
    odd = [sentence for each in statistics for sentence in each.odd()]
    return Report(path, "arrays of NumPy (.npz)", contents, odd, drawing(statistics))


def _array(path: Path, reading: FileLayout) -> Report:
    """Report on a file of one array."""
    kind = {".npy": "array of NumPy (.npy)", ".rsf": "array of Madagascar (RSF)"}
    kind |= dict.fromkeys((".sgy", ".segy", ".seg"), "array on a grid (SEG-Y)")
    suffix = path.suffix.lower()
    statistics = ArrayStatistics(opening.array(path, reading), quantity(path))
    return Report(
        path,
        kind.get(suffix, "raw binary numbers"),
        statistics.contents(),
        list(statistics.odd()),
        drawing([statistics]),
    )
