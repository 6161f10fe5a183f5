"""The folder of a run: what it was told, where it ran, what it read, how it went.

    config.yaml         the resolved config: it can be run again as it is
    environment.json    versions, host, revision, compiler and fingerprints of the inputs
    progress.jsonl      one line a step
    log.txt             what was said
    *.h5, *.png         results

A folder with a result is never overwritten unless told so, and is continued only with the config
that it was begun with, or one that extends it. What a killed run has left half written is removed
when the next one begins there.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import metadata
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from fwicli import ownership
from fwicli.config.loader import Loaded
from fwicli.errors import CompilerError, ConfigError
from fwicli.propagators import toolchain

CONFIG, ENVIRONMENT, PROGRESS, LOG = "config.yaml", "environment.json", "progress.jsonl", "log.txt"
# Folders for what is not yet a result.
FOLDERS = ("partial", "journal")
PACKAGES = ("fwicli", "devito", "numpy", "scipy", "h5py", "sympy")

# Settings that change how a run is carried out but not its result.
FREE = ("execution", "output")

# Folders that this process is at work in, and what it holds them with.
_held: dict[Path, int] = {}

# Whether a value of the config may change in a run that is continued: key, old and new value.
Allowed = Callable[[str, Any, Any], bool]

log = logging.getLogger("fwicli")


class _LogFile(logging.FileHandler):
    """A log on a disk that may be full: what does not fit is on the screen all the same."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the base class's name
        """Go on."""


def nothing(_key: str, _old: Any, _new: Any) -> bool:
    """No value may change."""
    return False


class RunFolder:
    """Folder of one run.

    Parameters
    ----------
    allowed : callable, optional
        Whether a value of the config may change in a run that is continued; none by default.
    rule : str
        What may, in words.
    """

    def __init__(
        self, path: Path, loaded: Loaded, allowed: Allowed = nothing, rule: str = ""
    ) -> None:
        self.path = path
        self.loaded = loaded
        self.extended: list[str] = []
        self.continued = False
        self._allowed, self._rule = allowed, rule
        self._settings = json.loads(loaded.config.model_dump_json())

    def open(self, resume: bool, force: bool) -> bool:
        """Make the folder ready; return whether a run is continued.

        Raises
        ------
        ConfigError
            If it holds a run and is neither to be continued nor overwritten, if there is nothing
            to continue, or if the config or an input has changed.
        TrustError
            If another user could have written what would be read.
        """
        ownership.check_folder(self.path)
        exists = (self.path / CONFIG).exists()
        if resume:
            if not exists:
                raise ConfigError(f"there is no run in {self.path} to resume; leave out --resume")
            self._hold()
            for name in (CONFIG, ENVIRONMENT, PROGRESS):
                if os.path.lexists(self.path / name):
                    ownership.recalled(self.path / name).close()
            for name in FOLDERS:
                ownership.check_folder(self.path / name)
            self._check_unchanged()
            self._remove_halves()
            self.continued = True
            return True
        if exists and not force:
            raise ConfigError(
                f"{self.path} already holds a run; continue it with --resume, overwrite it with "
                f"--force, or choose another folder with -o"
            )
        if not exists and self.path.exists() and self._foreign() and not force:
            raise ConfigError(f"{self.path} is not empty; choose another folder with -o")
        self.path.mkdir(parents=True, exist_ok=True)
        self._hold()
        if exists:
            self._clear()
        self._remove_halves()
        environment = {**provenance(), "inputs": self._fingerprints()}
        self._write(ENVIRONMENT, json.dumps(environment, indent=2) + "\n")
        # Last: a folder with a config is one with a run that can be continued.
        self._write(CONFIG, self._yaml())
        return False

    def _hold(self) -> None:
        """Keep other processes from the folder until the run ends, however it does.

        Raises
        ------
        ConfigError
            If another one is at work there.
        """
        place = self.path.resolve()
        if place in _held:
            return
        descriptor = os.open(place, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise ConfigError(
                f"another process is at work in {self.path}; wait until it has ended, or choose "
                f"another folder with -o"
            ) from None
        except OSError:
            log.debug("no lock on %s: this file system has none", self.path)
        _held[place] = descriptor

    def _release(self) -> None:
        """Leave the folder to other processes."""
        if descriptor := _held.pop(self.path.resolve(), None):
            os.close(descriptor)

    def _foreign(self) -> bool:
        """Whether there is something that no beginning of a run has left."""
        return any(p.name not in (ENVIRONMENT, *_halves(self.path)) for p in self.path.iterdir())

    def _remove_halves(self) -> None:
        for name in _halves(self.path):
            (self.path / name).unlink(missing_ok=True)

    def decided(self, name: str, value: Any, before: Any = None) -> Any:
        """What was decided when the run was begun; `value`, if it is only beginning.

        Parameters
        ----------
        name : str
        value : mapping, list, number or text
            A decision that depends on the machine, and that the result depends on.
        before : mapping, list, number or text, optional
            What runs did that were begun before there was anything to decide.
        """
        environment = self._environment()
        known = environment.setdefault("decided", {})
        if name not in known:
            known[name] = before if self.continued and before is not None else value
        elif isinstance(value, list) and len(known[name]) < len(value):
            # A run that is extended: what is new is decided now.
            known[name] += value[len(known[name]) :]
        else:
            return known[name]
        self._write(ENVIRONMENT, json.dumps(environment, indent=2) + "\n")
        return known[name]

    def _environment(self) -> dict[str, Any]:
        path = self.path / ENVIRONMENT
        with _undamaged(path):
            environment = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(environment, dict) or "inputs" not in environment:
                raise ValueError("it names no inputs")
            return environment
        return {}  # not reached: what goes wrong is raised

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Write what is said to the log of the folder as well; afterwards others may work there."""
        handler = _LogFile(self.path / LOG, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        try:
            yield
        finally:
            log.removeHandler(handler)
            handler.close()
            self._release()

    def step(self, record: Mapping[str, Any]) -> None:
        """Add a line to the progress."""
        with ownership.continued(self.path / PROGRESS) as file:
            line = json.dumps({"time": round(time.time(), 3), **record})
            file.write(f"{line}\n".encode())

    def rewind(self, done: Callable[[Mapping[str, Any]], bool]) -> None:
        """Take back steps that the state of a killed run does not know, and half a line."""
        path = self.path / PROGRESS
        if not path.exists():
            return
        text = path.read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if _known(line, done)]
        kept = "".join(f"{line}\n" for line in lines)
        if kept != text:
            self._write(PROGRESS, kept)

    def _clear(self) -> None:
        """Remove what a run leaves, and nothing else."""
        for pattern in ("*.h5", "*.png", CONFIG, ENVIRONMENT, PROGRESS, LOG):
            for path in self.path.glob(pattern):
                path.unlink()
        for folder in FOLDERS:
            shutil.rmtree(self.path / folder, ignore_errors=True)

    def _write(self, name: str, text: str) -> None:
        aside = self.path / f".{name}.new"
        with ownership.replacing(aside) as file:
            file.write(text.encode())
        aside.replace(self.path / name)

    def _yaml(self) -> str:
        from io import StringIO

        text = StringIO()
        writer = YAML()
        writer.dump(_without_none(self._settings), text)
        return f"# resolved by fwi {metadata.version('fwicli')}\n{text.getvalue()}"

    def _check_unchanged(self) -> None:
        with _undamaged(self.path / CONFIG), (self.path / CONFIG).open(encoding="utf-8") as file:
            begun = YAML(typ="safe").load(file)
        now = _without_none(self._settings)
        changed: list[str] = []
        extended: list[str] = []
        for key, old, new in _differences(begun, now):
            if key.split(".")[0] not in FREE:
                allowed = self._allowed(key, old, new)
                (extended if allowed else changed).append(f"{key}: {old!r} -> {new!r}")
        if changed:
            rule = f" ({self._rule})" if self._rule else ""
            raise ConfigError(
                f"the config differs from the one that {self.path} was begun with, so the result "
                f"would not be that of one run: {'; '.join(changed)}; undo this{rule}, or begin "
                f"anew with --force or another -o"
            )
        environment, inputs = self._environment(), self._fingerprints()
        for name, mark in inputs.items():
            if environment["inputs"].get(name, mark) != mark:
                raise ConfigError(
                    f"{name} has changed since the run in {self.path} was begun; put it back, or "
                    f"begin anew with --force or another -o"
                )
        if extended:
            environment["inputs"] |= inputs
            self._write(ENVIRONMENT, json.dumps(environment, indent=2) + "\n")
            self._write(CONFIG, self._yaml())
            self.extended = extended

    def _fingerprints(self) -> dict[str, str]:
        """Size and digest of the ends of every input file."""
        return {str(p): fingerprint(p) for p in sorted(set(_files(self._settings)))}


@contextmanager
def _undamaged(path: Path) -> Iterator[None]:
    """Turn what a library raises for a file that is damaged into a sentence."""
    try:
        yield
    except (ValueError, RecursionError, YAMLError) as error:
        text = " ".join(str(error).split())
        raise ConfigError(
            f"{path} is not what a run has left there ({text}), so that the run cannot be "
            f"continued; begin it anew with --force or another -o"
        ) from error


def fingerprint(path: Path, ends: int = 1 << 20) -> str:
    """Size of a file and digest of its first and last MiB."""
    size = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        digest.update(file.read(ends))
        file.seek(max(0, size - ends))
        digest.update(file.read(ends))
    return f"{size}:{digest.hexdigest()[:16]}"


def provenance() -> dict[str, str]:
    """Who made a result, where and with what."""
    found = {"python": platform.python_version(), "host": socket.gethostname()}
    for package in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    found["command"] = " ".join(sys.argv)
    found["date"] = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    found["platform"] = platform.platform()
    found["compiler"] = _compiler()
    source = Path(__file__).resolve().parents[2]
    if (source / ".git").exists():
        found["revision"] = _first_line(["git", "-C", str(source), "rev-parse", "HEAD"])
    return found


def _compiler() -> str:
    """Version of the compiler that kernels which are not there yet are made by."""
    with suppress(CompilerError):
        return toolchain.version(toolchain.compiler(trial=True).command) or "not found"
    return "not found"


def _first_line(command: list[str]) -> str:
    with suppress(OSError):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return (done.stdout.splitlines() or [""])[0]
    return "not found"


def _halves(folder: Path) -> list[str]:
    """Names of files that were being written aside, and never took their place."""
    return [p.name for p in folder.glob(".*") if p.is_file() and _aside(p.name)]


def _aside(name: str) -> bool:
    return name.endswith(".new") or ".h5." in name


def _known(line: str, done: Callable[[Mapping[str, Any]], bool]) -> bool:
    try:
        return done(json.loads(line))
    except ValueError:
        return False


def _files(value: Any) -> Iterator[Path]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "file" and isinstance(item, str) and Path(item).is_file():
                yield Path(item)
            else:
                yield from _files(item)
    elif isinstance(value, list):
        for item in value:
            yield from _files(item)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return [_without_none(v) for v in value] if isinstance(value, list) else value


def _differences(old: Any, new: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            below = f"{key}.{name}" if key else name
            yield from _differences(old.get(name), new.get(name), below)
    elif isinstance(old, list) and isinstance(new, list):
        for i, (a, b) in enumerate(zip_longest(old, new)):
            yield from _differences(a, b, f"{key}.{i}")
    elif old != new:
        yield key, old, new
