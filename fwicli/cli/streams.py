"""The standard files of a command: open, able to print any text, and named where they fail."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

STDOUT = "standard output"


class _Result(io.FileIO):
    """Standard output: whoever asked for a result learns that it could not be written."""

    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            raise OSError(error.errno, error.strerror, STDOUT) from error


class _Progress(io.FileIO):
    """Standard error: a command goes on where nobody can read how it does."""

    def write(self, data: object) -> int:
        with suppress(OSError):
            return super().write(data)  # type: ignore[arg-type]
        return memoryview(data).nbytes  # type: ignore[arg-type]


def prepare() -> None:
    """Make the standard files fit for a command.

    One that was started without some of them (`2>&-`) gets others: the next file that is opened
    would else take their number, and get what libraries print.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("r+", encoding="utf-8"))  # noqa: SIM115
    sys.stdout = _stream("stdout", _Result)
    sys.stderr = _stream("stderr", _Progress)


def _stream(name: str, kind: type[io.FileIO]) -> TextIO:
    """A standard stream, for texts that a terminal has no letters for, too.

    Names of files and texts of configs may be such.
    """
    stream: TextIO = getattr(sys, name)
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    # A stream that is not the interpreter's own, as in a test, stays.
    if stream is not getattr(sys, f"__{name}__"):
        stream.reconfigure(errors="backslashreplace")
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(kind(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=True,
    )


def explanation(error: OSError) -> str:
    """Message for a failure of a file."""
    if error.filename != STDOUT:
        return str(error)
    return (
        f"{STDOUT} cannot be written: {error.strerror}; send it to a file or device with room. "
        f"What the command has written to files of its own is complete"
    )


def flush() -> None:
    """Write buffered output; output that nobody reads is dropped silently."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
