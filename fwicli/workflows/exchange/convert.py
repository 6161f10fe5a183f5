"""`fwi convert`: files of one format written in another, shot by shot or block by block."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fwicli.disk import patterns
from fwicli.errors import ConfigError
from fwicli.files.rsf import gathers as rsf
from fwicli.files.rsf import writer
from fwicli.files.rsf.parts import parts
from fwicli.workflows.exchange import copying, opening
from fwicli.workflows.exchange.opening import SUFFIXES, WORDS, FileLayout
from fwicli.workflows.run_folder.progress import Progress, Silent

# Formats that are recognised by names alone.
STRICT = ("segy", "su", "rsf")


@dataclass(frozen=True)
class Conversion:
    """A file that is to be written in another format.

    Attributes
    ----------
    source : Path
        Of shot records, or of an array; of SEG-Y and SU also a pattern.
    target : Path
        It appears when it is complete.
    form : str
        Format, as in `opening.WORDS`; by default as the name of the target ends.
    force : bool
        Whether a target that exists is replaced.
    """

    source: Path
    target: Path
    form: str = ""
    force: bool = False


def run(
    conversion: Conversion, layout: FileLayout | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Write a file in another format.

    Parameters
    ----------
    conversion : Conversion
    layout : FileLayout, optional
        How the source is read, where it does not say it itself.
    progress : Progress, optional

    Returns
    -------
    summary : dict
        Names, formats and sizes, and `notes`: sentences on contents of the source that are not
        read, or that the target has no place for.

    Raises
    ------
    DataError
        If the source cannot be read, or the target cannot hold it.
    ConfigError
        If the target exists, or is the source.
    """
    source, target = conversion.source, conversion.target
    layout, progress = layout or FileLayout(), progress or Silent()
    form = conversion.form or SUFFIXES.get(target.suffix.lower(), "")
    if form not in WORDS:
        raise ConfigError(
            f"the name {target.name} says no format that is written; end it with one of "
            f"{', '.join(SUFFIXES)}, or name the format with --to"
        )
    if form in STRICT and SUFFIXES.get(target.suffix.lower()) != form:
        ends = ", ".join(end for end, name in SUFFIXES.items() if name == form)
        raise ConfigError(
            f"{target.name} would not be recognised as {WORDS[form]} later; end its name with one "
            f"of {ends}"
        )
    origin = opening.records_format(source, layout)
    written = outputs(target, form)
    _check_source(patterns.files([source]), written)
    _check_free(target, written, conversion.force)
    if origin:
        summary = copying.convert_records(source, target, (origin, form), layout, progress)
    else:
        summary = copying.convert_array(source, target, form, layout, progress)
    files = [path for path in written if path.exists()]
    return {
        "source": str(source),
        "target": str(target),
        "format": WORDS[form],
        "files": [str(path) for path in files],
        "size_mb": sum(path.stat().st_size for path in files) / 1e6,
        **summary,
    }


def outputs(target: Path, form: str) -> list[Path]:
    """Files that a conversion may write.

    Parameters
    ----------
    target : Path
    form : str
        Format.

    Returns
    -------
    files : list of Path
    """
    if form != "rsf":
        return [target]
    headers = [target, *rsf.companions(target)]
    return [path for header in headers for path in (header, writer.data_path(header))]


def _check_source(read: Sequence[Path], written: Sequence[Path]) -> None:
    """Refuse to write what is read, under whatever name or link."""
    sources = [other for path in read for other in (path, *parts(path))]
    for path in written:
        for other in sources:
            with suppress(OSError):
                if path.samefile(other):
                    same = "" if path == other else f" (which is {other})"
                    raise ConfigError(
                        f"{path}{same} is read, and would be replaced; write to another name"
                    )


def _check_free(target: Path, written: Sequence[Path], force: bool) -> None:
    """Refuse to replace files unless told so, and folders always."""
    for path in written:
        if path.is_dir():
            raise ConfigError(f"{path} is a folder; name a file in it, as {path / 'records.h5'}")
        if os.path.lexists(path) and not force:
            raise ConfigError(f"{path} exists; choose another name, or replace it with --force")
    if not target.parent.is_dir():
        raise ConfigError(f"there is no folder {target.parent}; make it first")
