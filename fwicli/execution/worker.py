"""A worker: a process that runs one task after the other.

A socket connects it to its parent. It ends when the parent's end is closed, also during a task; the
kernel closes it if the parent is killed.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import pickle
import select
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import spawn
from typing import Any

from fwicli.execution import messages
from fwicli.execution.executor import run

# Signals that end a run. Workers ignore them, also if a terminal or a batch system sends them to
# all processes: the parent saves the state and ends the workers.
FOR_PARENT = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
    if hasattr(signal, name)
)


@dataclass(frozen=True)
class Failure:
    """A task that has raised an error.

    Attributes
    ----------
    error : Exception
    trace : str
        Its traceback, formatted.
    """

    error: Exception
    trace: str


class _Trace(Exception):  # noqa: N818 - it only shows the trace of another error
    """The traceback of an error in a worker, as the cause of that error in the parent."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def outcome(parts: list[memoryview]) -> tuple[Any, Exception | None]:
    """Result of a task and its error, one of which is None, from the reply of a worker."""
    reply = pickle.loads(parts[0], buffers=parts[1:])
    if not isinstance(reply, Failure):
        return reply, None
    reply.error.__cause__ = _Trace(reply.trace)
    return None, reply.error


def preparation() -> list[messages.Buffer]:
    """Message with the state of this process that a worker needs to unpickle its tasks.

    Raises
    ------
    RuntimeError
        In a script that starts workers when it is imported, as workers import it.
    """
    data = spawn.get_preparation_data("worker")
    data.pop("authkey", None)  # there is no `multiprocessing` between the two
    return messages.pack(data)


# --- in the process of the worker ----------------------------------------------------------------


def leave_signals() -> None:
    """Ignore the signals that are for the parent."""
    for number in FOR_PARENT:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FOR_PARENT)


def start(descriptor: int) -> None:
    """Run as a worker in an interpreter of its own."""
    leave_signals()
    serve(descriptor)
    os._exit(0)


def serve(descriptor: int) -> None:
    """Run tasks until the parent closes its end of the socket."""
    connection = socket.socket(fileno=descriptor)
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()
    with suppress(EOFError, OSError):
        script = _Script(*messages.receive(connection))
        while True:
            reply = _reply(script, messages.receive(connection))
            messages.send(connection, reply)
            _flush()
    _flush()


class _Script:
    """The script of the parent, imported when a task first needs it."""

    def __init__(self, data: memoryview) -> None:
        everything = pickle.loads(data)
        names = ("init_main_from_name", "init_main_from_path")
        self._main = {name: everything.pop(name) for name in names if name in everything}
        spawn.prepare(everything)

    def load(self) -> None:
        """Import it like `multiprocessing`."""
        main, self._main = self._main, {}
        current = multiprocessing.current_process()
        current._inheriting = True  # type: ignore[attr-defined]
        try:
            spawn.prepare(main)
        except BaseException:
            self._main = main
            raise
        finally:
            del current._inheriting  # type: ignore[attr-defined]


class _Tasks(pickle.Unpickler):
    """Unpickles tasks, including those defined in the script of the parent."""

    def __init__(self, script: _Script, parts: list[memoryview]) -> None:
        super().__init__(io.BytesIO(parts[0]), buffers=parts[1:])
        self._script = script

    def find_class(self, module_name: str, global_name: str) -> Any:
        if module_name == "__main__":
            self._script.load()
        return super().find_class(module_name, global_name)


def _reply(script: _Script, parts: list[memoryview]) -> list[messages.Buffer]:
    """Run a task, and pack its result or error."""
    try:
        return messages.pack(run(_Tasks(script, parts).load()))
    except Exception as error:
        return _failed(error)


def _failed(error: Exception) -> list[messages.Buffer]:
    """Pack an error; one that cannot be unpickled becomes a RuntimeError with its text."""
    trace = "".join(traceback.format_exception(error))
    try:
        parts = messages.pack(Failure(error, trace))
        pickle.loads(parts[0], buffers=parts[1:])
    except Exception:
        described = RuntimeError(f"{type(error).__name__}: {error}")
        parts = messages.pack(Failure(described, trace))
    return parts


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()


def _end_with_parent(connection: socket.socket) -> None:
    """End this process, also during a task, when the parent has ended."""
    poll = select.poll()
    poll.register(connection, getattr(select, "POLLRDHUP", 0))
    poll.poll()
    os._exit(1)
