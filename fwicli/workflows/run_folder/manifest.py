"""The list of the files that runs have written into a folder: these may be removed, no others.

A name is on the list before its file is there, so that what a killed run leaves is on it, too. A
name that was taken before it came onto the list belongs to somebody else: it is refused. Folders
within, as of evaluations, have lists of their own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from fwicli.disk import atomic, ownership
from fwicli.errors import ConfigError

MANIFEST = "manifest.txt"
# Folders within, of finished parts of a run: shots, and evaluations of an iteration.
FOLDERS = PARTIAL, JOURNAL = "partial", "journal"
HEADER = "# files of fwi in this folder; --force removes them, and no others"


class Manifest:
    """Names of the files and folders in a folder that are the program's own.

    Parameters
    ----------
    folder : Path
        It need not be there yet.

    Raises
    ------
    TrustError
        If somebody else could have written the list.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, None] = {}
        self.present = False
        path = folder / MANIFEST
        if path.is_file() and not path.is_symlink():
            with ownership.open_run_file(path) as file:
                lines = file.read().decode("utf-8", errors="replace").splitlines()
            self.present = lines[:1] == [HEADER]
            if self.present:
                self.names = dict.fromkeys(n for n in lines[1:] if _plain(n))

    def owns(self, name: str) -> bool:
        """Whether a file is the program's own, by its name in the folder."""
        return name in self.names

    def claim(self, name: str) -> Path:
        """Path of a file or folder that is going to be written; its name is on the list.

        Raises
        ------
        ConfigError
            If somebody else's file, folder or link bears the name.
        """
        path = self.folder / name
        if not self.owns(name) and os.path.lexists(path):
            raise ConfigError(
                f"{path} is in the way: no run has written it, so that none replaces it; move "
                f"it, or choose another folder with -o"
            )
        beside = atomic.name(path)
        new = [n for n in (name, beside.name) if not self.owns(n)]
        if beside.name in new and os.path.lexists(beside):
            new.remove(beside.name)
        self._append(new)
        return path

    def adopt(self, names: Iterable[str]) -> None:
        """Put files onto the list that a version without lists has written."""
        self.names |= dict.fromkeys(names)
        self._write()

    def disown(self, names: Iterable[str]) -> None:
        """Take names off the list; their files stay."""
        for name in names:
            self.names.pop(name, None)

    def settle(self) -> None:
        """At the end of a run: remove files written aside, and list the others."""
        beside = [atomic.name(Path(n)).name for n in self.names]
        self.disown([n for n in self.names if not os.path.lexists(self.folder / n)])
        self.remove(n for n in beside if self.owns(n))

    def there(self, names: Iterable[str]) -> Iterator[Path]:
        """Files and links of these names that are there, and those listed in folders within."""
        for name in names:
            path = self.folder / name
            if name in FOLDERS and path.is_dir() and not path.is_symlink():
                within = Manifest(path)
                yield from within.there(within.names)
            elif os.path.lexists(path):
                yield path

    def remove(self, names: Iterable[str] | None = None) -> None:
        """Remove files and links on the list, by default all; and folders that are then empty."""
        names = [n for n in (self.names if names is None else names) if self.owns(n)]
        for name in names:
            path = self.folder / name
            if path.is_dir() and not path.is_symlink():
                if name in FOLDERS:
                    Manifest(path).remove()
                    with suppress(OSError):  # as where somebody else's files are in it
                        path.rmdir()
            else:
                path.unlink(missing_ok=True)
        for name in names:
            del self.names[name]
        self._write()

    def _append(self, names: list[str]) -> None:
        if not names:
            return
        self.names |= dict.fromkeys(names)
        if not self.present:
            self._write()
            return
        with (self.folder / MANIFEST).open("a", encoding="utf-8") as file:
            file.write("".join(f"{name}\n" for name in names))

    def _write(self) -> None:
        """Write the list anew; an empty one is no file."""
        path = self.folder / MANIFEST
        _remove_half(atomic.name(path))
        if not self.present and os.path.lexists(path):
            raise ConfigError(
                f"{path} is in the way: it is no list of files of fwi; move it, or choose another "
                f"folder with -o"
            )
        if self.names:
            with atomic.replacing(path) as new:
                new.write_text("\n".join([HEADER, *self.names, ""]), encoding="utf-8")
        elif self.present:
            path.unlink(missing_ok=True)
        self.present = bool(self.names)


def _remove_half(path: Path) -> None:
    """Remove a list that was being written when a run was killed."""
    if path.is_file() and not path.is_symlink():
        with path.open("rb") as file:
            own = file.read(len(HEADER)) == HEADER.encode()
        if own:
            path.unlink(missing_ok=True)


def _plain(name: str) -> bool:
    """Whether a line of a list is a name in its folder, and no path that leads elsewhere."""
    return bool(name) and Path(name).name == name and name not in ("..", MANIFEST)
