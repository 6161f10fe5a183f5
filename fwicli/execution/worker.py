"""A worker: a process that runs one task after the other, and its handle in the parent.

It is at one end of a socket and its parent at the other. It ends when the parent's end is closed,
which the kernel does for a parent that was killed, even in the midst of a task.
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

# What ends a run is for the process that saves its state and ends the workers, not for them, even
# where a terminal or a batch system sends it to all.
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
        Where, in words.
    """

    error: Exception
    trace: str


class _Trace(Exception):  # noqa: N818 - it only shows the trace of another error
    """The trace of an error in a worker, as the cause of that error in the parent."""

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
    """What a worker has to know of this process to unpickle its tasks, as a message.

    Raises
    ------
    RuntimeError
        In a script that starts workers when it is imported, as workers do.
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
    """Be a worker in an interpreter of its own."""
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
    """What the parent runs; it is imported when a task is the first to need it."""

    def __init__(self, data: memoryview) -> None:
        everything = pickle.loads(data)
        names = ("init_main_from_name", "init_main_from_path")
        self._main = {name: everything.pop(name) for name in names if name in everything}
        spawn.prepare(everything)

    def load(self) -> None:
        """Import it, as `multiprocessing` does."""
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
    """Unpickles tasks, those as well that are stated in the script of the parent."""

    def __init__(self, script: _Script, parts: list[memoryview]) -> None:
        super().__init__(io.BytesIO(parts[0]), buffers=parts[1:])
        self._script = script

    def find_class(self, module_name: str, global_name: str) -> Any:
        if module_name == "__main__":
            self._script.load()
        return super().find_class(module_name, global_name)


def _reply(script: _Script, parts: list[memoryview]) -> list[messages.Buffer]:
    """Run a task, and pack what comes of it."""
    try:
        return messages.pack(run(_Tasks(script, parts).load()))
    except Exception as error:
        return _failed(error)


def _failed(error: Exception) -> list[messages.Buffer]:
    """Pack an error; one that does not survive the way is told in words."""
    trace = "".join(traceback.format_exception(error))
    try:
        parts = messages.pack(Failure(error, trace))
        pickle.loads(parts[0], buffers=parts[1:])
    except Exception:
        told = RuntimeError(f"{type(error).__name__}: {error}")
        parts = messages.pack(Failure(told, trace))
    return parts


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()


def _end_with_parent(connection: socket.socket) -> None:
    """End this process in the midst of a task when the parent has gone."""
    poll = select.poll()
    poll.register(connection, getattr(select, "POLLRDHUP", 0))
    poll.poll()
    os._exit(1)
