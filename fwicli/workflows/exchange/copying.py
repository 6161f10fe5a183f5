"""Records and arrays copied from one format to another, with a word on everything that is lost."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import ConfigError, DataError
from fwicli.files import arrays, block_writers, datasets, hdf5
from fwicli.files.blocks import BlockedArray
from fwicli.files.rsf import gathers as rsf
from fwicli.segy import grids
from fwicli.segy import records as segy
from fwicli.survey.gathers import Gathers
from fwicli.survey.grid import Grid
from fwicli.survey.traces import Traces, TracesView
from fwicli.workflows.exchange import opening
from fwicli.workflows.exchange.opening import WORDS, FileLayout, quantity
from fwicli.workflows.run_folder.progress import Progress

Array = NDArray[Any]

SEGY = ("segy", "su")
HEADERS = (
    "the text header, and fields of trace headers beside positions, times and the order of traces, "
    "are not written"
)
RUN = "attributes of the file on the run that wrote it (command, date, versions) are not written"
MODELLED = "{form} has no place for how records were modelled (equation, grid, order)"


class WatchedTraces(TracesView):
    """Traces that tell how many shots were read.

    Parameters
    ----------
    traces : Traces
    progress : Progress
    """

    stored = True

    def __init__(self, traces: Traces, progress: Progress) -> None:
        self.traces, self.progress = traces, progress

    def __getitem__(self, shot: int) -> Array:
        gather = self.traces[shot]
        self.progress.update(shot + 1)
        return gather


def convert_records(
    source: Path,
    target: Path,
    forms: tuple[str, str],
    layout: FileLayout,
    progress: Progress,
) -> dict[str, Any]:
    """Write shot records in another format, one shot in memory at a time.

    Parameters
    ----------
    source, target : Path
    forms : tuple of str
        Format of the source and of the target.
    layout : FileLayout
    progress : Progress

    Returns
    -------
    summary : dict

    Raises
    ------
    DataError
        If the source cannot be read, or the target cannot hold it.
    ConfigError
        If records are not written in that format.
    """
    form = forms[1]
    writes: dict[str, Callable[[Path, Gathers], Any]] = {
        "hdf5": lambda path, gathers: hdf5.write_gathers(path, gathers, _provenance(source)),
        "rsf": rsf.write_gathers,
        "segy": segy.write_gathers,
        "su": lambda path, gathers: segy.write_gathers(path, gathers, segy.Writing(kind="su")),
    }
    _check_form(form, writes, f"{source} holds shot records, which are")
    records = opening.records(source, layout)
    progress.start(f"writing {target.name}", records.acquisition.shots)
    try:
        with Traces.of(records.data).opened() as opened:
            traces = WatchedTraces(opened, progress)
            notes = writes[form](target, replace(records, data=traces))
    finally:
        progress.stop()
    missing = [*records.notes, *_missing(records, forms)]
    missing += [note for note in notes or () if isinstance(note, str)]
    return {
        "shots": len(traces),
        "traces": int(traces.counts.sum()),
        "samples": traces.samples,
        "interval_s": records.interval,
        "notes": list(dict.fromkeys(missing)),
    }


def _check_form(form: str, writes: Collection[str], content: str) -> None:
    """Refuse a format that the content of a file is not written in."""
    if form not in writes:
        raise ConfigError(
            f"{content} not written as {WORDS[form]}; choose one of "
            f"{', '.join(WORDS[name] for name in writes)}"
        )


def _missing(records: Gathers, forms: tuple[str, str]) -> Iterator[str]:
    """Contents of the source that the format of the target has no place for."""
    origin, form = forms
    if origin in SEGY:
        yield HEADERS
    if origin == "hdf5":
        yield RUN
    if form in SEGY and records.point_source is not None:
        yield MODELLED.format(form=WORDS[form])


def _provenance(source: Path) -> dict[str, str]:
    return {
        "fwicli": metadata.version("fwicli"),
        "command": " ".join(sys.argv),
        "converted_from": str(source),
    }


# --- arrays ---------------------------------------------------------------------------------------


def convert_array(
    source: Path, target: Path, form: str, layout: FileLayout, progress: Progress
) -> dict[str, Any]:
    """Write an array, as a model or an image, in another format, block by block.

    Parameters
    ----------
    source, target : Path
    form : str
        Format of the target.
    layout : FileLayout
    progress : Progress

    Returns
    -------
    summary : dict

    Raises
    ------
    DataError
        If the source cannot be read, or the target cannot hold it.
    ConfigError
        If arrays are not written in that format, or the source holds several.
    """
    writes = {
        "hdf5": block_writers.to_hdf5,
        "rsf": block_writers.to_rsf,
        "npy": block_writers.to_npy,
        "segy": _to_segy,
    }
    _check_form(form, writes, f"{source} holds an array, which is")
    name = layout.dataset or _only(source)
    array = opening.array(source, layout, name)
    if array.dtype.kind == "b" or not array.shape:
        raise DataError(f"{array.name} is no array of real numbers; name one with --dataset")
    progress.start(f"writing {target.name}", array.shape[0])
    try:
        writes[form](
            target, array, name.rpartition("/")[2] or quantity(source) or "values", progress.update
        )
    finally:
        progress.stop()
    missing = []
    if form == "npy":
        missing = [f"`{n}` is not written: .npy has no place for it" for n in sorted(array.beside)]
    elif "spacing" not in array.beside and len(array.shape) > 1:
        missing = [f"{source} does not state the spacing, and so {target} does not"]
    return {"shape": list(array.shape), "type": str(array.dtype), "notes": missing}


def _to_segy(path: Path, array: BlockedArray, name: str, update: Callable[[int], None]) -> None:
    """Write an array on a grid as SEG-Y, which takes it as a whole."""
    ndim = len(array.shape)
    spacing, origin = (block_writers.each(array, key, ndim) for key in ("spacing", "origin"))
    stated = [h for h in spacing if h is not None]
    if ndim not in (2, 3) or len(stated) < ndim:
        raise DataError(
            f"{array.name} has shape {array.shape} and does not state the spacing of a grid, which "
            f"SEG-Y needs; convert it to HDF5, and set its attribute `spacing` [m]"
        )
    grid = Grid(array.shape, tuple(stated), tuple(o or 0.0 for o in origin))
    values = np.concatenate([block for _, block in array])
    unit = array.beside.get("unit")
    grids.write(path, values, grid, name or "values", unit if isinstance(unit, str) else "")
    update(array.shape[0])


def _only(source: Path) -> str:
    """Name of the only array of a file that may hold several; empty for other files."""
    names = []
    head = arrays.head(source)
    if arrays.is_hdf5(source, head):
        with datasets.reading(source) as file:
            names = file.names()
    elif head.startswith(arrays.ZIP):
        names = [name for name in arrays.members(source) if name not in arrays.BESIDE]
    if len(names) > 1:
        raise ConfigError(
            f"{source} holds several arrays ({', '.join(names[:12])}); name one with --dataset"
        )
    return names[0] if names else ""
