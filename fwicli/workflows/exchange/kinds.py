"""Which kind of file a path is, and the report on it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fwicli.errors import DataError
from fwicli.files import arrays, blocks, datasets, hdf5, numbers
from fwicli.files.arrays import RAW
from fwicli.files.flat import RawFormat
from fwicli.workflows.exchange import records, results, tables
from fwicli.workflows.exchange.arrays import ArrayStatistics, drawing
from fwicli.workflows.exchange.report import Report
from fwicli.workflows.run_folder.progress import Progress

CONFIGS = (".yaml", ".yml")
TABLES = (".csv", ".tsv", ".txt", ".asc", ".dat")


@dataclass(frozen=True)
class FileLayout:
    """How files are read that do not say it themselves.

    Attributes
    ----------
    dataset : str
        Name of the array, or of the traces, in a file that holds several.
    raw : RawFormat
        Layout of raw binary numbers.
    """

    dataset: str = ""
    raw: RawFormat = RAW


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
    head = arrays.head(path)
    if path.suffix.lower() in CONFIGS:
        text = "checks this config and prints the plan"
        yield Report(path, "config", {"next": f"`fwi check {path}` {text}"})
    elif arrays.is_hdf5(path, head):
        yield _hdf5(path, reading, progress)
    elif head.startswith(arrays.ZIP):
        yield _npz(path, reading)
    elif path.suffix.lower() in TABLES and reading.raw.shape is None:
        yield tables.report(path)
    else:
        yield _array(path, reading)


def _hdf5(path: Path, reading: FileLayout, progress: Progress) -> Report:
    """Report on records if there are positions of sources, else on arrays."""
    traces = reading.dataset or "data"
    with datasets.reading(path) as file:
        names = file.names()
    if "source_x" in names and traces in names:
        gathers = hdf5.read_gathers(path, traces)
        return records.report(path, "shot records (HDF5)", gathers, progress)
    return results.report(path, reading.dataset)


def _npz(path: Path, reading: FileLayout) -> Report:
    try:
        with zipfile.ZipFile(path) as packed:
            members = [i.filename.removesuffix(".npy") for i in packed.infolist()]
    except numbers.FAILURES as error:
        raise DataError(f"{path} is not a readable .npz file ({error})") from error
    chosen = [reading.dataset] if reading.dataset else members
    names = [name for name in chosen if name not in arrays.BESIDE]
    statistics = [ArrayStatistics(blocks.open_array(path, name), name) for name in names]
    contents = {"arrays": {s.name: s.contents() for s in statistics}}
    odd = [sentence for each in statistics for sentence in each.odd()]
    return Report(path, "arrays of NumPy (.npz)", contents, odd, drawing(statistics))


def _array(path: Path, reading: FileLayout) -> Report:
    """Report on a file of one array."""
    kind = {".npy": "array of NumPy (.npy)", ".rsf": "array of Madagascar (RSF)"}
    suffix = path.suffix.lower()
    if suffix not in kind and reading.raw.shape is None:
        raise DataError(
            f"{path} is of no kind that is recognised; for raw binary numbers, give their shape, "
            f"as in `fwi info {path} --shape 201,101 --dtype float32`"
        )
    statistics = ArrayStatistics(
        blocks.open_array(path, reading.dataset, reading.raw), _quantity(path)
    )
    return Report(
        path,
        kind.get(suffix, "raw binary numbers"),
        statistics.contents(),
        list(statistics.odd()),
        drawing([statistics]),
    )


def _quantity(path: Path) -> str:
    """A quantity of the earth that a file is named after, as vp in start_vp.npy."""
    words = path.stem.lower().replace("-", "_").split("_")
    return next((word for word in words if word in ("vp", "vs", "rho")), "")
