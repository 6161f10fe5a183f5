"""Files that a run reads: fingerprints of them, and their protection from the run's own outputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from fwicli.config.loader import Loaded
from fwicli.disk import patterns
from fwicli.errors import ConfigError
from fwicli.files.rsf.parts import parts


def fingerprints(settings: Any) -> dict[str, str]:
    """Size and digest of the ends of every input file of a config, by path."""
    return {str(p): fingerprint(p) for p in sorted({path for _, path in _files(settings)})}


def fingerprint(path: Path, ends: int = 1 << 20) -> str:
    """Size of a file and digest of its first and last MiB.

    Parameters
    ----------
    path : Path
    ends : int
        Bytes at each end that the digest covers.

    Returns
    -------
    fingerprint : str
    """
    size = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        digest.update(file.read(ends))
        file.seek(max(0, size - ends))
        digest.update(file.read(ends))
    return f"{size}:{digest.hexdigest()[:16]}"


def protect(loaded: Loaded, touched: Iterable[Path]) -> None:
    """Refuse to remove or replace what a run reads, under whatever name or link.

    Parameters
    ----------
    loaded : Loaded
    touched : iterable of Path
        Files that the run is going to remove or to write.

    Raises
    ------
    ConfigError
        With the key of the config and both names.
    """
    read: dict[tuple[int, int], tuple[str, Path]] = {}
    for key, path in _all(loaded):
        with suppress(OSError, ValueError):
            read.setdefault(_identity(path), (key, path))
    for path in touched:
        with suppress(OSError, ValueError):
            key, source = read.get(_identity(path), ("", path))
            if key:
                same = "" if source == path else f" (which is {source})"
                advice = "choose another folder with -o, or put the input elsewhere"
                if source == loaded.path:
                    advice = (
                        f"copy the config first, as in `cp {source} my.yaml`, and name the copy"
                    )
                raise ConfigError(
                    f"{path}{same} is an input of this run, `{key}`, and the run would remove or "
                    f"replace it; {advice}"
                )


def _identity(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_dev, stat.st_ino


def _all(loaded: Loaded) -> Iterator[tuple[str, Path]]:
    """Every input, the config and the files of its sections among them, with its key."""
    yield "config", loaded.path
    for key, place in loaded.places.items():
        yield str(key[0]) if key else "config", Path(place.rsplit(":", 2)[0])
    yield from _files(json.loads(loaded.config.model_dump_json()))


def _files(value: Any, key: str = "") -> Iterator[tuple[str, Path]]:
    """Files that settings name, with their keys."""
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for name, item in items:
        below = f"{key}.{name}" if key else str(name)
        names = item if isinstance(item, list) else [item]
        if name == "file" and all(isinstance(n, str) for n in names):
            for path in patterns.files(map(Path, names)):
                if path.is_file():
                    yield below, path
                    yield from ((below, part) for part in parts(path))
        else:
            yield from _files(item, below)
