"""`fwi merge`: the result of a run from its parts, as if it had been one run."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from fwicli.config.loader import Loaded, load
from fwicli.errors import ConfigError
from fwicli.workflows.run_folder import advance, lock, parts
from fwicli.workflows.run_folder.folder import RunFolder
from fwicli.workflows.run_folder.outputs import CONFIG
from fwicli.workflows.run_folder.parts import PARTS, Origin, Part
from fwicli.workflows.run_folder.progress import Progress, Silent
from fwicli.workflows.verbs import find

# A part that has its last shot ends within this time [s].
PATIENCE = 30.0

log = logging.getLogger("fwicli")


def run(folder: str | Path, progress: Progress | None = None) -> dict[str, Any]:
    """Put the parts of a run together, and remove them.

    Parameters
    ----------
    folder : Path
        Folder of the run.
    progress : Progress, optional

    Returns
    -------
    summary : dict of str to object

    Raises
    ------
    ConfigError
        If parts are missing, incomplete, overlap, or are not of one run; with the names of the
        parts and what to run.
    """
    folder = Path(folder)
    pieces = parts.stored(folder)
    if not pieces:
        if (folder / CONFIG).is_file():
            return {"run": str(folder), "parts": 0}
        raise ConfigError(
            f"there are no parts of a run in {folder}; write some, as with `fwi model CONFIG -o "
            f"{folder} --shots 0:10`"
        )
    check(folder, pieces)
    return _merge(folder, pieces, progress or Silent())


def run_part(loaded: Loaded, folder: Path, shots: range, options: dict[str, Any]) -> dict[str, Any]:
    """Run some of the shots of a run; the last part puts all of them together.

    Parameters
    ----------
    loaded : Loaded
    folder : Path
        Folder of the whole run.
    shots : range
    options : dict
        Of the verb's `run`: resume, force, progress.

    Returns
    -------
    summary : dict of str to object
        Of the whole run, if this part was the last; else of the part.

    Raises
    ------
    ConfigError
        If the verb has no parts, the part does not fit the others, or the run was begun as a whole.
    """
    if options.get("resume") and (folder / CONFIG).is_file():
        if is_complete(folder):
            _clean(folder)
            return {"run": str(folder), "parts": 0}
        if not (folder / PARTS).is_dir():
            raise ConfigError(
                f"the run in {folder} was begun with all shots; continue it without --shots"
            )
    summary = find(loaded.kind).run(loaded, folder, shots=shots, **options)
    pieces = parts.stored(folder)
    try:
        check(folder, pieces)
    except ConfigError:
        log.info("not all parts are complete yet; `fwi merge %s` says what is missing", folder)
        return summary
    try:
        return _merge(folder, pieces, options.get("progress") or Silent())
    except lock.BusyError:
        log.info("another process merges the parts of %s", folder)
        return summary


def is_complete(folder: Path) -> bool:
    """Whether the run in a folder has all of its results: its last step is their record.

    Parameters
    ----------
    folder : Path
        Folder of the whole run.

    Returns
    -------
    complete : bool
    """
    return (folder / CONFIG).is_file() and advance.measure(folder).steps > 0


def _clean(folder: Path) -> None:
    """Remove parts of a complete run, which a process has left that was killed."""
    if (folder / PARTS).is_dir():
        with suppress(lock.BusyError):  # another process is about to remove them
            lock.hold(folder)
            try:
                parts.remove(folder)
            finally:
                lock.release(folder)


def check(folder: Path, pieces: Sequence[Part]) -> None:
    """Make sure that parts are complete, apart, of one run, and have all of its shots.

    Parameters
    ----------
    folder : Path
        Folder of the run.
    pieces : sequence of Part
        By their first shots.

    Raises
    ------
    ConfigError
        With the names of parts and what to run.
    """
    parts.check_apart(pieces)
    for piece in pieces:
        if not piece.is_begun:
            raise ConfigError(f"{piece.path} has no config; remove it, and run its shots again")
    for piece in pieces[1:]:
        parts.check_alike(pieces[0], piece.shots, Origin.of(piece))
    unfinished = [piece.command("--resume") for piece in pieces if not piece.is_complete]
    unfinished += [parts.command(pieces[0], gap) for gap in gaps(pieces)]
    if unfinished:
        raise ConfigError(
            f"{folder} does not have all shots yet; wait for the runs that are at work on them, "
            f"or run {' and '.join(unfinished)}"
        )


def gaps(pieces: Sequence[Part]) -> list[range]:
    """Shots of the run that are in no part, as far as parts know how many there are.

    Parameters
    ----------
    pieces : sequence of Part
        By their first shots.

    Returns
    -------
    gaps : list of range
    """
    counts = [int(piece.mark["of"]) for piece in pieces if piece.is_complete]
    missing, first = [], 0
    for piece in pieces:
        if first < piece.shots.start:
            missing.append(range(first, piece.shots.start))
        first = piece.shots.stop
    if counts and first < counts[0]:
        missing.append(range(first, counts[0]))
    return missing


def _merge(folder: Path, pieces: Sequence[Part], progress: Progress) -> dict[str, Any]:
    """Put parts together that are complete, and remove them."""
    lock.hold(folder)
    try:
        if not parts.stored(folder):  # another process has put them together meanwhile
            return {"run": str(folder), "parts": 0}
        loaded = load(pieces[0].path / CONFIG)
        verb = find(loaded.kind)
        if verb.merge is None:
            raise ConfigError(f"{folder} holds parts of `fwi {loaded.kind}`, which has none")
        for piece in pieces:
            _wait_for(piece)
        run_folder = RunFolder(folder, loaded, beside=(PARTS,))
        run_folder.open(resume=(folder / CONFIG).is_file(), force=False)
        log.info("merging the parts %s", ", ".join(map(str, pieces)))
        summary = verb.merge(loaded, run_folder, pieces, progress)
        parts.remove(folder)
        return {**summary, "parts": len(pieces)}
    finally:
        lock.release(folder)


def _wait_for(piece: Part) -> None:
    """Wait until the process of a complete part has ended its last lines."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            lock.hold(piece.path)
        except lock.BusyError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
        else:
            lock.release(piece.path)
            return
