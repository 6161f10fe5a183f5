"""Parts of a run: some of its shots, in a folder of their own, which `fwi merge` puts together.

    RUN/parts/000000-000100/    shots 0 to 99: config, environment, log and results of a run
    RUN/parts/NAME.json         decisions of the first part for all, such as histories

Several processes, jobs or machines may write different parts at once: each part has its own lock.
A part is complete when it has a mark, which is the last file that is written.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from fwicli.config.loader import Loaded
from fwicli.disk import atomic, ownership
from fwicli.errors import ConfigError
from fwicli.workflows.run_folder import inputs, lock, settings
from fwicli.workflows.run_folder.folder import RunFolder, provenance
from fwicli.workflows.run_folder.manifest import Manifest
from fwicli.workflows.run_folder.outputs import COMPLETE, CONFIG, ENVIRONMENT

PARTS = "parts"
_NAME = re.compile(r"(\d{6,})-(\d{6,})")
_DECISION = re.compile(r"\w+\.json")
# Versions that parts of one run have in common.
VERSIONS = ("fwicli", "revision", "devito")

log = logging.getLogger("fwicli")


@dataclass(frozen=True)
class Part:
    """A part of a run in its folder.

    Attributes
    ----------
    path : Path
    shots : range
    """

    path: Path
    shots: range

    @property
    def is_begun(self) -> bool:
        """Whether it has a config."""
        return (self.path / CONFIG).is_file()

    @property
    def is_complete(self) -> bool:
        """Whether it has all its shots."""
        return (self.path / COMPLETE).is_file()

    @property
    def mark(self) -> dict[str, Any]:
        """Numbers of a complete part, such as that of all shots of the run, `of`."""
        path = self.path / COMPLETE
        with ownership.open_run_file(path) as file, settings.undamaged(path):
            record: dict[str, Any] = json.loads(file.read())
            return record
        return {}  # not reached: errors are raised

    def __str__(self) -> str:
        return label(self.shots)

    def command(self, option: str = "") -> str:
        """Command line that runs the part."""
        return command(self, self.shots, option)


def label(shots: range) -> str:
    """Shots as the option --shots has them."""
    return f"{shots.start}:{shots.stop}"


def folder(run: Path, shots: range) -> Path:
    """Folder of a part of a run.

    Parameters
    ----------
    run : Path
        Folder of the whole run.
    shots : range

    Returns
    -------
    path : Path
    """
    return run / PARTS / f"{shots.start:06d}-{shots.stop:06d}"


def command(like: Part, shots: range, option: str = "") -> str:
    """Command line that runs shots with the config of a part.

    Parameters
    ----------
    like : Part
        Of the same run.
    shots : range
    option : str
        One more, such as --resume.

    Returns
    -------
    command : str
    """
    kind = "rtm" if "imaging" in settings.read(like.path / CONFIG) else "model"
    run = like.path.parent.parent
    line = f"fwi {kind} {like.path / CONFIG} -o {run} --shots {label(shots)} {option}"
    return f"`{line.strip()}`"


def stored(run: Path) -> list[Part]:
    """The parts of a run, by their first shots."""
    within = (run / PARTS).iterdir() if (run / PARTS).is_dir() else ()
    parts = [
        Part(path, range(int(match[1]), int(match[2])))
        for path in within
        if (match := _NAME.fullmatch(path.name)) and path.is_dir() and not path.is_symlink()
    ]
    return sorted(parts, key=lambda part: (part.shots.start, part.shots.stop))


def check_apart(parts: Sequence[Part]) -> None:
    """Make sure that no shot is in two parts.

    Raises
    ------
    ConfigError
        With the names of two parts.
    """
    for one, other in pairwise(parts):
        if other.shots.start < one.shots.stop:
            raise ConfigError(
                f"the parts {one} and {other} of {one.path.parent.parent} have shots in common; "
                f"remove one of their folders, {one.path} or {other.path}, and run the shots that "
                f"are missing then"
            )


@dataclass(frozen=True)
class Origin:
    """The origin that all parts of one run have in common.

    Attributes
    ----------
    config : dict
        Its settings.
    environment : dict
        Versions, fingerprints of inputs, and decisions.
    """

    config: Any
    environment: Mapping[str, Any]

    @classmethod
    def of(cls, part: Part) -> Origin:
        """Of a part that is begun."""
        return cls(
            settings.read(part.path / CONFIG),
            settings.read_environment(part.path / ENVIRONMENT),
        )

    def differences(self, other: Origin) -> list[str]:
        """How another one differs, in words."""
        changed, _ = settings.changes(self.config, other.config)
        here, there = self.environment, other.environment
        for name in VERSIONS:
            if here.get(name) != there.get(name):
                changed.append(f"{name}: {here.get(name)} -> {there.get(name)}")
        for name, mark in here["inputs"].items():
            if not inputs.is_same(there["inputs"].get(name, mark), mark):
                changed.append(f"{name} has changed in between")
        decided = there.get("decided", {})
        for name, value in here.get("decided", {}).items():
            if decided.get(name, value) != value:
                changed.append(f"{name}: {value} -> {decided[name]}")
        return changed


def check_alike(part: Part, shots: range, origin: Origin) -> None:
    """Make sure that shots are of the same run as a part.

    Parameters
    ----------
    part : Part
    shots : range
    origin : Origin
        Of the shots.

    Raises
    ------
    ConfigError
        With the names of both, and how they differ.
    """
    if changed := Origin.of(part).differences(origin):
        raise ConfigError(
            f"shots {label(shots)} would not be of the same run as the part {part} in "
            f"{part.path}: {'; '.join(changed)}; undo this, or remove the folder of the one that "
            f"is wrong and run its shots again with --shots"
        )


def remove(run: Path) -> None:
    """Delete the parts of a run; somebody else's files stay, and their folders."""
    for part in stored(run):
        partial = Manifest(part.path)
        partial.remove()
        with suppress(OSError):
            part.path.rmdir()
    for path in (run / PARTS).glob("*.json"):
        if _DECISION.fullmatch(path.name):
            path.unlink()
    with suppress(OSError):
        (run / PARTS).rmdir()


def discard(run: Path) -> None:
    """Delete the parts of a run that is begun anew.

    Raises
    ------
    BusyError
        If a process is at work on one of them.
    """
    for part in stored(run):
        lock.hold(part.path)
        lock.release(part.path)
    remove(run)


class PartFolder(RunFolder):
    """Folder of some of the shots of a run.

    Parameters
    ----------
    run : Path
        Folder of the whole run.
    loaded : Loaded
        Config of the whole run.
    shots : range
    """

    def __init__(self, run: Path, loaded: Loaded, shots: range) -> None:
        super().__init__(folder(run, shots), loaded)
        self.part = Part(self.path, shots)

    def open(self, resume: bool, force: bool) -> bool:
        """Make the folder of the part ready; return whether it is continued.

        Parameters
        ----------
        resume, force : bool
            Continue a part that was stopped, or overwrite it.

        Returns
        -------
        continued : bool

        Raises
        ------
        ConfigError
            As for a whole run; and if the run is there as a whole, or if other parts have some of
            the shots, or are of another run.
        """
        run = self.path.parent.parent
        ownership.check_folder(run)
        if (run / CONFIG).exists() and not (run / PARTS).exists():
            raise ConfigError(
                f"{run} holds a run of all shots; choose another folder with -o, or remove it"
            )
        others = [part for part in stored(run) if part.path != self.path]
        check_apart(sorted([*others, self.part], key=lambda part: part.shots.start))
        if begun := [part for part in others if part.is_begun]:
            for part in begun:
                check_alike(part, self.part.shots, self._origin())
        elif force:
            for path in (run / PARTS).glob("*.json"):
                path.unlink()
        return super().open(resume, force)

    def _origin(self) -> Origin:
        environment = {**provenance(), "inputs": inputs.fingerprints(self._settings)}
        return Origin(settings.without_none(self._settings), environment)

    def decided(self, name: str, value: Any, before: Any = None) -> Any:
        """A decision that all parts have in common; that of the first part which makes it.

        Parameters
        ----------
        name : str
        value : mapping, list, number or text
            Decision of this machine, if no part has decided.
        before : mapping, list, number or text, optional
            Decision of runs that were begun by versions without it.

        Returns
        -------
        value : object
        """
        path = self.path.parent / f"{name}.json"
        if not path.exists():
            aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            aside.write_text(json.dumps(value), encoding="utf-8")
            with suppress(FileExistsError):  # another part was first
                os.link(aside, path)
            aside.unlink()
        with ownership.open_run_file(path) as file, settings.undamaged(path):
            value = json.loads(file.read())
        return super().decided(name, value, before)

    def complete(self, record: Mapping[str, Any], result: str) -> dict[str, Any]:
        """Mark the part as complete.

        Parameters
        ----------
        record : mapping
            Numbers for `Part.mark`.
        result : str
            Name of the result of the part.

        Returns
        -------
        summary : dict of str to object
        """
        shots = self.part.shots
        self.step(record)
        log.info("part %s is complete, in %s", self.part, self.path)
        text = json.dumps({"part": [shots.start, shots.stop], **record})
        with atomic.replacing(self.file(COMPLETE)) as new:
            new.write_text(f"{text}\n", encoding="utf-8")
        return {"part": str(self.part), "result": str(self.path / result), **record}


def run_folder(run: Path, loaded: Loaded, shots: range | None) -> RunFolder:
    """The folder of a run, or of a part of it.

    Parameters
    ----------
    run : Path
        Folder of the whole run.
    loaded : Loaded
    shots : range or None
        Of the part.

    Returns
    -------
    folder : RunFolder

    Raises
    ------
    ConfigError
        If a run of all shots is to begin where there are parts.
    """
    if shots is not None:
        return PartFolder(run, loaded, shots)
    if parts := stored(run):
        raise ConfigError(
            f"{run} holds the parts {', '.join(map(str, parts))} of a run; run the others with "
            f"--shots and put them together with `fwi merge {run}`, or choose another folder with "
            f"-o"
        )
    return RunFolder(run, loaded)


def check_shots(shots: range, count: int) -> None:
    """Make sure that a survey has the shots of a part.

    Parameters
    ----------
    shots : range
    count : int
        Number of shots of the survey.

    Raises
    ------
    ConfigError
    """
    if not shots or shots.stop > count:
        raise ConfigError(
            f"--shots {label(shots)} is no part of {count} shots, which are numbered from 0 to "
            f"{count - 1}; the first is part of it and the last is not, as in "
            f"--shots 0:{max(1, count // 2)}"
        )
