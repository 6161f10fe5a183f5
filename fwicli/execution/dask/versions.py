"""Versions of this package and of those whose arithmetic it uses, on client and workers.

Shots on workers of another version would have other bits, or another meaning. The version of this
package is that of its sources, so that a copy which somebody has edited counts as another one.
"""

from __future__ import annotations

import functools
import hashlib
import platform
from importlib import metadata
from pathlib import Path

from fwicli.errors import ExecutionError

# Names of packages, and their versions.
Versions = tuple[tuple[str, str], ...]

PACKAGE = Path(__file__).parents[2]
OTHERS = ("devito", "distributed", "numpy", "scipy")
MISSING = "none"


@functools.cache
def here() -> Versions:
    """Versions of this process."""
    python = ".".join(platform.python_version_tuple()[:2])
    return (
        ("fwicli", f"{_version('fwicli')} with sources {_sources()}"),
        ("Python", python),
        *((name, _version(name)) for name in OTHERS),
    )


def agree(client: Versions, place: str) -> None:
    """Check that this process has the versions of a client.

    Parameters
    ----------
    client : Versions
    place : str
        This process, in words.

    Raises
    ------
    ExecutionError
        With the versions that differ.
    """
    if client != here():
        refuse(client, here(), place)


def refuse(client: Versions, other: Versions, place: str) -> None:
    """Refuse a process whose versions differ from those of a client.

    Parameters
    ----------
    client, other : Versions
    place : str
        The process, in words.

    Raises
    ------
    ExecutionError
        With the versions that differ, if there are any.
    """
    theirs = dict(other)
    differing = [
        f"{name} {theirs.get(name, MISSING)} in place of {version}"
        for name, version in client
        if theirs.get(name, MISSING) != version
    ]
    if differing:
        raise ExecutionError(
            f"{place} has {', '.join(differing)}: its shots would not have the bits of this run; "
            f"start it in the environment of this command, or install the same versions there"
        )


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return MISSING


def _sources() -> str:
    """Digest of the sources of this package."""
    whole = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        whole.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()[:12]
