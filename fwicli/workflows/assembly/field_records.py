"""Records of a section `data` in files of any format: HDF5, SEG-Y, SU or RSF."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fwicli.config.data import RecordsSection
from fwicli.config.segy import HeaderField, HeaderFieldSection
from fwicli.disk import patterns
from fwicli.errors import DataError
from fwicli.files import arrays, hdf5
from fwicli.files.rsf import header as rsf_header
from fwicli.files.rsf import records as rsf
from fwicli.segy import fields, layout
from fwicli.segy import gathers as segy
from fwicli.segy.fields import STANDARD, Field, Fields
from fwicli.segy.selection import Grouping
from fwicli.survey.components import PRESSURE
from fwicli.survey.gathers import Gathers
from fwicli.workflows.assembly.components import component

# Keys that stand for trace headers, or for datasets.
OF_HEADERS = ("preset", "bytes", "group", "dead", "trace_ids", "reversed")
OF_DATASETS = ("traces",)


def read(section: RecordsSection, wavelet: bool = True, stored: bool = False) -> Gathers:
    """Records as they are in their files.

    Parameters
    ----------
    section : RecordsSection
    wavelet : bool
        Whether the wavelet that an HDF5 file holds is read as well.
    stored : bool
        Whether traces of an HDF5 file are read shot by shot, however few they are.

    Returns
    -------
    records : Gathers

    Raises
    ------
    DataError
        If there is no such file, it is not read, or a key does not apply to its format.
    """
    paths = files(section)
    kind = section.format or _format(paths[0])
    _check_keys(section, kind)
    if kind == "hdf5":
        if len(paths) > 1:
            raise _at("file", f"{len(paths)} files of HDF5; name one, or files of SEG-Y or SU")
        return hdf5.read_gathers(paths[0], section.traces, section.selection(), wavelet, stored)
    if kind == "rsf":
        if len(paths) > 1:
            raise _at("file", f"{len(paths)} files of RSF; name one, or files of SEG-Y or SU")
        return _selected(rsf.read_gathers(paths[0], wavelet), section)
    on_map, groups = section.coordinates is not None, grouping(section)
    emitted = PRESSURE if section.source_component is None else component(section.source_component)
    if groups.source == "receiver" and emitted != PRESSURE:
        raise _at(
            "source_component",
            f"sources emit {emitted.name}, and reciprocity (`data.group: receiver`) exchanges "
            f"sources of pressure alone; set `data.group: shot`",
        )
    records = segy.read_gathers(paths, byte_map(section), groups, kind, on_map)
    return _selected(records, section)


def files(section: RecordsSection) -> list[Path]:
    """Files of a section, those of patterns in the order of their names.

    Parameters
    ----------
    section : RecordsSection

    Returns
    -------
    files : list of Path

    Raises
    ------
    DataError
        If a pattern matches none.
    """
    named = section.file if isinstance(section.file, list) else [section.file]
    paths = []
    for name in named:
        matching = patterns.files([name])
        if not matching:
            raise _at("file", f"no file matches {name}; correct the pattern")
        paths += matching
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise _at("file", f"{twice} is named twice; name each file once")
    return paths


def has_trace_headers(section: RecordsSection) -> bool:
    """Whether the records of a section are read as SEG-Y or SU."""
    return (section.format or _format(files(section)[0])) in ("segy", "su")


def byte_map(section: RecordsSection) -> Fields:
    """Fields of trace headers as a section names them.

    Parameters
    ----------
    section : RecordsSection

    Returns
    -------
    fields : dict of str to Field

    Raises
    ------
    DataError
        If a field does not fit a trace header.
    """
    is_su = (section.format or _format(files(section)[0])) == "su"
    changes = dict(fields.PRESETS["su"].fields) if is_su else {}
    for name in STANDARD:
        written: HeaderField | None = getattr(section.bytes, name)
        if written is None:
            continue
        try:
            changes[name] = _field(name, written)
        except DataError as error:
            error.key = ("bytes", name)
            raise
    return fields.byte_map(section.preset, changes)


def grouping(section: RecordsSection) -> Grouping:
    """How traces form shots, as a section says.

    Parameters
    ----------
    section : RecordsSection

    Returns
    -------
    grouping : Grouping
    """
    group = section.group
    keys = fields.PRESETS[section.preset].group if group is None else group
    return Grouping(
        (keys,) if isinstance(keys, str) else tuple(keys),
        section.dead,
        tuple(section.reversed or ()),
        section.interval,
        {
            n: None if key == "none" else component(key)
            for n, key in (section.trace_ids or {}).items()
        },
        None if section.component is None else component(section.component),
    )


def _field(name: str, written: str | int | HeaderFieldSection) -> Field:
    if not isinstance(written, HeaderFieldSection):
        return fields.field(name, str(written))
    kind = written.type or STANDARD[name].kind
    return Field(written.bytes or 0, kind, written.sign, written.value or 0.0)


def _format(path: Path) -> str:
    """Format of a file by its name and, where it is named as SEG-Y, its first bytes."""
    if path.suffix.lower() == rsf_header.SUFFIX:
        return "rsf"
    if not layout.is_segy(path):
        return "hdf5"
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError:
        head = b""  # said where it is opened
    return "hdf5" if arrays.is_hdf5(path, head) else layout.SUFFIXES[path.suffix.lower()]


def _check_keys(section: RecordsSection, kind: str) -> None:
    """Refuse keys that a format does not have."""
    others = {"hdf5": OF_HEADERS, "rsf": (*OF_HEADERS, *OF_DATASETS)}.get(kind, OF_DATASETS)
    for name in section.chosen(*others):
        formats = "SEG-Y and SU" if name in OF_HEADERS else "HDF5"
        raise _at(name, f"`{name}` applies to {formats} files, and this one is read as {kind}")


def _selected(records: Gathers, section: RecordsSection) -> Gathers:
    """The shots that a section selects."""
    count = records.acquisition.shots
    numbers = np.arange(count)[section.selection()]
    if not numbers.size:
        raise _at(
            "shots",
            f"the files have {count} shots, numbered from 0 to {count - 1}, and `{section.shots}` "
            f"selects none; set `data.shots` to some of them, as in `0:{count}`",
        )
    return records if numbers.size == count else records.select(numbers)


def _at(key: str, message: str) -> DataError:
    """An error at a key of the section."""
    error = DataError(message)
    error.key = (key,)
    return error
