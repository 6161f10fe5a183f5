"""Trusted files: those that belong to this user or root, and that nobody else can write.

A file is checked through its descriptor, after it was opened: nobody can exchange it between the
check and the reading. Links are followed only if this user or root made them.
"""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from fwicli.errors import TrustError

OTHERS = stat.S_IWGRP | stat.S_IWOTH
# Largest number of links on the path of a folder.
LINKS = 40
_COPY = (
    "if you trust what is in it, make a copy of the folder that is yours alone "
    "(`cp -rL FOLDER COPY && chmod -R go-w COPY`) and go on there; else choose another with -o"
)
# Opens a folder as the start of relative paths, also one that cannot be listed.
_PLACE = os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)


@dataclass
class Folder:
    """An open folder, as the start of relative paths.

    Attributes
    ----------
    descriptor : int
    path : Path
    objection : str or None
        Why its files are not trusted: who else can write them, or exchange the folder.
    """

    descriptor: int
    path: Path
    objection: str | None

    @classmethod
    def open(cls, path: Path, exposed: bool = False) -> Folder:
        """Open a folder, part by part of its path.

        Parameters
        ----------
        path : Path
        exposed : bool
            Whether others may exchange it for another folder of this user.

        Returns
        -------
        folder : Folder

        Raises
        ------
        TrustError
            If the path contains a link that another user made.
        OSError
            If there is no such folder, or it cannot be reached.
        """
        rest = [*reversed(path.absolute().parts[1:])]
        descriptor, exposure, links = os.open("/", _PLACE), None, 0
        try:
            while rest:
                name = rest.pop()
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                exposure = exposure or _exposure(os.fstat(descriptor), status)
                if stat.S_ISLNK(status.st_mode) and (links := links + 1) <= LINKS:
                    _check_link(status, name, path)
                    target = Path(os.readlink(name, dir_fd=descriptor))
                    if target.is_absolute():
                        descriptor = _instead(descriptor, os.open("/", _PLACE))
                    rest += reversed(target.parts[1:] if target.is_absolute() else target.parts)
                    continue
                descriptor = _instead(
                    descriptor, os.open(name, _PLACE | os.O_NOFOLLOW, dir_fd=descriptor)
                )
            reason = objection(os.fstat(descriptor)) or (None if exposed else exposure)
            return cls(descriptor, path, reason)
        except BaseException:
            os.close(descriptor)
            raise

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def read(self, name: str) -> bytes:
        """Content of a file in the folder.

        Raises
        ------
        TrustError
            If another user could have written it.
        OSError
            If it cannot be read.
        """
        with open_trusted(self.path / name, self.descriptor) as file:
            if self.objection is not None:
                raise TrustError(
                    f"{self.path / name} is not used, because of its folder: {self.objection}"
                )
            return file.read()

    def write(self, name: str, data: bytes) -> None:
        """Write a file under a temporary name and rename it.

        Parameters
        ----------
        name : str
            Of the file in the folder.
        data : bytes
            Its content.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        aside = f".{name}.{os.getpid()}.{os.urandom(4).hex()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            handle = os.open(aside, flags, 0o600, dir_fd=self.descriptor)
            with open(handle, "wb") as file:  # noqa: PTH123  of a descriptor
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.rename(aside, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        except BaseException:
            with suppress(OSError):
                os.unlink(aside, dir_fd=self.descriptor)
            raise


def _instead(old: int, new: int) -> int:
    os.close(old)
    return new


def _check_link(status: os.stat_result, name: str, path: Path) -> None:
    if not _ours(status):
        raise TrustError(
            f"{path} is not used: on the way to it, `{name}` is a link that {owner(status)} made"
        )


def _exposure(above: os.stat_result, entry: os.stat_result) -> str | None:
    """Why others can replace an entry of a folder; None if they cannot."""
    # In a container the owner of the root folder need not be number 0.
    trusted = _ours(above) or above.st_uid == Path("/").stat().st_uid
    if not trusted:
        return f"above it a folder belongs to {owner(above)}"
    if above.st_mode & OTHERS and not (above.st_mode & stat.S_ISVTX and _ours(entry)):
        return f"others can write a folder above it (mode {stat.S_IMODE(above.st_mode):o})"
    return None


def _ours(status: os.stat_result) -> bool:
    return status.st_uid in (os.geteuid(), 0)


def owner(status: os.stat_result) -> str:
    """Name or number of the user whom a file belongs to."""
    with suppress(KeyError):
        return f"the user {pwd.getpwuid(status.st_uid).pw_name}"
    return f"the user with number {status.st_uid}"


def objection(status: os.stat_result) -> str | None:
    """Why a file or folder is not trusted; None if it is."""
    if not _ours(status):
        return f"it belongs to {owner(status)}"
    if status.st_mode & OTHERS:
        return f"others can write it (mode {stat.S_IMODE(status.st_mode):o})"
    return None


def open_trusted(path: Path, folder: int | None = None) -> BinaryIO:
    """Open a file for reading, if nobody but this user or root could have written it.

    Parameters
    ----------
    path : Path
    folder : int, optional
        Descriptor of its folder, if that is open.

    Returns
    -------
    file : BinaryIO

    Raises
    ------
    TrustError
        If it is a link, is no file, or belongs to another user or can be written by others.
    OSError
        If it cannot be read.
    """
    name = path if folder is None else path.name
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        handle = os.open(name, flags, dir_fd=folder)
    except OSError:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            raise TrustError(f"{path} is not used: it is a link, of {owner(status)}") from None
        if not _ours(status):
            raise TrustError(f"{path} is not used: {objection(status)}") from None
        raise
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise TrustError(f"{path} is not used: it is no file")
        if (reason := objection(status)) is not None:
            raise TrustError(f"{path} is not used: {reason}")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def open_run_file(path: Path) -> BinaryIO:
    """Open a file of a run for reading, if nobody but this user or root could have written it.

    Raises
    ------
    TrustError
        If somebody else could have; the message says how to trust it.
    OSError
        If it cannot be read.
    """
    try:
        return open_trusted(path)
    except TrustError as error:
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and _ours(status) and not _keeps_modes(path.parent):
            return path.open("rb")
        raise TrustError(f"{error}; {_COPY}") from None


def check_folder(path: Path) -> None:
    """Make sure that a run in a folder can trust its own files; the folder need not exist.

    Raises
    ------
    TrustError
        If it belongs to another user, if all can write it, or if its path contains a link of
        another user.
    """
    try:
        with Folder.open(path, exposed=True) as folder:
            status = os.fstat(folder.descriptor)
    except TrustError as error:
        raise TrustError(f"{error}; {_COPY}") from None
    except (FileNotFoundError, NotADirectoryError):
        return
    if not _ours(status):
        raise TrustError(f"{path} is not used: it belongs to {owner(status)}; {_COPY}")
    if status.st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH and _keeps_modes(path):
        raise TrustError(
            f"{path} is not used: all users can write it (mode {stat.S_IMODE(status.st_mode):o}); "
            f"{_COPY}"
        )


def replacing(path: Path) -> BinaryIO:
    """Open a new file for writing in place of an existing one; a link is not followed.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    path.unlink(missing_ok=True)
    return _writable(path, os.O_EXCL)


def appending(path: Path) -> BinaryIO:
    """Open a file for writing at its end, new if it does not exist; a link is not followed.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    return _writable(path, os.O_APPEND)


def _writable(path: Path, extra_flags: int) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | extra_flags
    return os.fdopen(os.open(path, flags, 0o644), "ab" if extra_flags & os.O_APPEND else "wb")


def _keeps_modes(folder: Path) -> bool:
    """Whether the file system of a folder records who may write a file."""
    with suppress(OSError), tempfile.NamedTemporaryFile(dir=folder) as file:
        return not os.fstat(file.fileno()).st_mode & OTHERS
    return True
