"""The process that workers are forked from, with its imports done once for all workers.

It starts with the first worker, and ends with this process in any case: it waits at a socket whose
other end only this process has. Workers end with the server, and with this process. On systems
where forks are not safe, each worker is a new interpreter instead.

    to the server       a number, with a file descriptor: the socket of a new worker
    from the server     that number, the process of the worker, 0
                        that number, the negative error number (errno) of a failed fork, 0
                        0, the process of a worker that has ended, its exit code; negative if
                        a signal has killed it
"""

from __future__ import annotations

import atexit
import errno
import gc
import itertools
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import suppress
from importlib import import_module
from typing import Any

from fwicli.errors import ExecutionError
from fwicli.execution import machine, worker

# Modules that are imported before the first task, once for all workers.
PRELOAD = [
    "fwicli.propagators.propagator",
    "fwicli.inversion.objective",
    "scipy.fft",
    "scipy.sparse",
    "scipy.special",
]

# Longest time that a process may take to end by itself, and after it was killed [s].
PATIENCE = 5.0

# Number of times that the server is started, if it ends before it has forked a worker.
ATTEMPTS = 3

FORKS = sys.platform.startswith("linux")
_ORDER, _REPORT = struct.Struct("=q"), struct.Struct("=qqq")


def interpreter(task: str, descriptor: int, *arguments: Any) -> subprocess.Popen[bytes]:
    """Start an interpreter that calls a function of this package with a file descriptor.

    The signals that end a run are blocked in it until it ignores them.

    Parameters
    ----------
    task : str
        The function, as `module:function`.
    descriptor : int
        File descriptor, its first argument.
    *arguments : Any
        Further arguments, which `repr` must reproduce.

    Returns
    -------
    process : subprocess.Popen
    """
    module, _, function = task.partition(":")
    values = ", ".join(map(repr, (descriptor, *arguments)))
    code = f"import sys; sys.path[:] = {sys.path!r}; from {module} import {function}; "
    code += f"{function}({values})"
    # The interpreter's options, as `multiprocessing` hands them on.
    options = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, worker.FOR_PARENT)
    try:
        return subprocess.Popen(
            [sys.executable, *options, "-c", code],
            stdin=subprocess.DEVNULL,
            pass_fds=[descriptor],
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Server:
    """The server, from the side of this process."""

    def __init__(self) -> None:
        self._control, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = interpreter("fwicli.execution.server:serve", other.fileno(), PRELOAD)
        self._orders = itertools.count(1)
        self._ended: dict[int, int] = {}
        self._owner = os.getpid()

    def fork(self, connection: socket.socket) -> int:
        """Fork a worker at the other end of a connection; returns its process.

        Raises
        ------
        OSError, EOFError
            If the server has ended, or the fork failed.
        """
        order = next(self._orders)
        socket.send_fds(self._control, [_ORDER.pack(order)], [connection.fileno()])
        while True:
            # An interrupt may have left the answer to an earlier order.
            answered, process = self._report()
            if answered == order and process < 0:
                raise OSError(-process, os.strerror(-process))
            if answered == order:
                return process

    def status(self, process: int, seconds: float = PATIENCE) -> int | None:
        """How a worker ended.

        Parameters
        ----------
        process : int
            Process of the worker.
        seconds : float
            Longest time to wait for the report [s].

        Returns
        -------
        status : int or None
            Exit code, or the negative of a signal; None if unknown.
        """
        end = time.monotonic() + seconds
        with suppress(OSError, EOFError):
            while process not in self._ended:
                self._control.settimeout(max(1e-3, end - time.monotonic()))
                self._report()
        self._control.settimeout(None)
        return self._ended.pop(process, None)

    def close(self) -> None:
        """End the server and its workers, and wait for it."""
        self._control.close()
        if self._owner != os.getpid():  # a fork of the process that has started it
            self._process.returncode = 0
            return
        reap(self._process)

    def _report(self) -> tuple[int, int]:
        """Read a report: the order that it answers, or 0, and the process of a worker."""
        data = self._control.recv(_REPORT.size)
        if not data:
            raise EOFError("the process that workers are forked from has ended")
        order, process, status = _REPORT.unpack(data)
        if not order:
            self._ended[process] = status
        return order, process


def reap(process: subprocess.Popen[bytes]) -> int | None:
    """Wait until a process has ended, or kill it after `PATIENCE`; returns its exit code."""
    with suppress(subprocess.TimeoutExpired):
        return process.wait(PATIENCE)
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        return process.wait(PATIENCE)
    return None


class _Here:
    """The server of this process, if there is one."""

    server: Server | None = None


def here() -> Server:
    """The server of this process, which ends with it; started at the first call."""
    if _Here.server is None:
        _Here.server = Server()
        atexit.register(forget)
    return _Here.server


def forget() -> None:
    """End the server of this process; the next worker starts a new one."""
    server, _Here.server = _Here.server, None
    if server is not None:
        atexit.unregister(forget)
        server.close()


class _Forked:
    """A worker that the server has forked."""

    def __init__(self, connection: socket.socket) -> None:
        self._server = here()
        self._process = self._server.fork(connection)

    def kill(self) -> None:
        """End it by force."""
        os.kill(self._process, signal.SIGKILL)

    def status(self) -> int | None:
        """Exit code, or the negative of a signal; None if unknown."""
        return self._server.status(self._process)


class _Spawned:
    """A worker that is an interpreter of its own."""

    def __init__(self, connection: socket.socket) -> None:
        self._process = interpreter("fwicli.execution.worker:start", connection.fileno())

    def kill(self) -> None:
        """End it by force."""
        self._process.kill()

    def status(self) -> int | None:
        """Exit code, or the negative of a signal; None if unknown."""
        return reap(self._process)


def worker_at(connection: socket.socket) -> _Forked | _Spawned:
    """A new worker at an end of a connection.

    Raises
    ------
    ExecutionError
        If no worker can be started.
    """
    reason: Exception | None = None
    for _ in range(ATTEMPTS):
        try:
            return _Forked(connection) if FORKS else _Spawned(connection)
        except EOFError as error:  # the server was lost, and its workers go on
            reason = error
            forget()
        except OSError as error:
            reason = error
            if isinstance(error, BrokenPipeError | ConnectionError):
                forget()
    raise ExecutionError(
        f"no worker process could be started ({type(reason).__name__}: {reason}); lower "
        f"`execution.workers` or raise the limits of this shell (`ulimit -a`)"
    ) from reason


if hasattr(os, "register_at_fork"):
    # The server belongs to the process that has started it.
    os.register_at_fork(after_in_child=forget)


# --- in the process of the server ----------------------------------------------------------------


def serve(descriptor: int, preload: list[str]) -> None:
    """Import modules, and fork workers until the other end of the control socket is closed.

    Parameters
    ----------
    descriptor : int
        Of the control socket.
    preload : list of str
        Names of modules.
    """
    worker.leave_signals()
    machine.return_memory()
    for name in preload:
        # If a module is missing, the task that needs it raises the error.
        with suppress(Exception):
            import_module(name)
    gc.freeze()  # a collection in a worker would otherwise copy the memory that workers share
    control = socket.socket(fileno=descriptor)
    children: set[int] = set()
    with suppress(OSError), _Deaths() as deaths, selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(deaths, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if deaths in ready:
                for process, status in deaths.reap(children):
                    control.send(_REPORT.pack(0, process, status))
            if control in ready:
                message, descriptors, *_ = socket.recv_fds(control, _ORDER.size, 1)
                if not message:
                    break
                process = _fork(descriptors[0], (control, deaths))
                if process > 0:
                    children.add(process)
                control.send(_REPORT.pack(*_ORDER.unpack(message), process, 0))
    for process in children:
        os.kill(process, signal.SIGKILL)
    for process in children:
        os.waitpid(process, 0)
    os._exit(0)


def _fork(descriptor: int, foreign: tuple[Any, ...]) -> int:
    """Fork a worker at a socket; returns its process, or the negative error number.

    The worker closes the server's own files.
    """
    try:
        process = os.fork()
    except OSError as error:
        process = -(error.errno or errno.EAGAIN)
    if process:
        os.close(descriptor)
        return process
    status = 1
    try:
        for file in foreign:
            file.close()
        worker.serve(descriptor)
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


class _Deaths:
    """A file that becomes readable when a child of this process has ended."""

    def __enter__(self) -> _Deaths:
        self._here, self._there = socket.socketpair()
        for end in (self._here, self._there):
            end.setblocking(False)
        signal.set_wakeup_fd(self._there.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Descriptor of the socket that the signal writes to."""
        return self._here.fileno()

    def reap(self, children: set[int]) -> list[tuple[int, int]]:
        """Remove children that have ended from the set; returns them with their exit codes."""
        with suppress(BlockingIOError):
            while self._here.recv(4096):
                pass
        ended = []
        for process in list(children):
            number, status = os.waitpid(process, os.WNOHANG)
            if number:
                children.remove(process)
                ended.append((process, os.waitstatus_to_exitcode(status)))
        return ended

    def close(self) -> None:
        """Stop watching for the signal."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._here.close()
        self._there.close()
