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

# Size of a block within a file [bytes], and most blocks that a fingerprint covers.
BLOCK, BLOCKS = 1 << 16, 1024


def fingerprints(settings: Any) -> dict[str, str]:
    """Fingerprint of every input file of a config, by path."""
    return {str(p): fingerprint(p) for p in sorted({path for _, path in _files(settings)})}


def fingerprint(path: Path, ends: int = 1 << 20) -> str:
    """Size of a file, digest of its first and last MiB, and digest of blocks between them.

    Parameters
    ----------
    path : Path
    ends : int
        Bytes at each end that the digest covers.

    Returns
    -------
    fingerprint : str
        With colons between the parts; a file of no more than both ends has no third one.
    """
    size = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        digest.update(file.read(ends))
        file.seek(max(0, size - ends))
        digest.update(file.read(ends))
        mark = f"{size}:{digest.hexdigest()[:16]}"
        if size <= 2 * ends:
            return mark
        # Blocks that follow each other, or at equal distances in a large file.
        between = hashlib.sha256()
        for place in range(ends, size - ends, max(BLOCK, (size - 2 * ends) // BLOCKS)):
            file.seek(place)
            between.update(file.read(min(BLOCK, size - ends - place)))
    return f"{mark}:{between.hexdigest()[:16]}"


def is_same(one: str, other: str) -> bool:
    """Whether two fingerprints are of one content; those of old versions lack the third part.

    Parameters
    ----------
    one, other : str

    Returns
    -------
    same : bool
    """
    return all(a == b for a, b in zip(one.split(":"), other.split(":"), strict=False))


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
    for name, path in _files(json.loads(loaded.config.model_dump_json())):
        # The model of a branch is in memory; the run itself writes its file.
        if loaded.start is None or not name.startswith("model."):
            yield name, path


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
