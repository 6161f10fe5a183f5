"""Why a worker has ended, as far as the kernel reports it, and advice."""

from __future__ import annotations

import errno
import signal
import tempfile

# Words of libraries on an allocation that failed, in errors of their own.
ALLOCATION = ("Unable to allocate", "MemoryError")
FEWER = "lower `execution.workers`, or set `physics.history: auto`"


class WorkerLost(Exception):  # noqa: N818 - it is no error of the task
    """The loss of a worker during a task.

    Parameters
    ----------
    reason : str
    advice : str, optional
        How to avoid it.
    for_memory : bool
        Whether memory had run out.
    """

    def __init__(self, reason: str, advice: str = "", for_memory: bool = False) -> None:
        super().__init__(reason)
        self.advice, self.for_memory = advice, for_memory


def explain(status: int | None, killed_for_memory: int) -> WorkerLost:
    """Explain why a worker has ended.

    Parameters
    ----------
    status : int or None
        Its exit code, or the negative of the signal that has killed it; None if unknown.
    killed_for_memory : int
        Number of processes that the kernel has killed for lack of memory meanwhile.

    Returns
    -------
    lost : WorkerLost
        With reason and advice.
    """
    if status is None:
        return WorkerLost("its worker has ended, and so has the process that could tell why")
    if status >= 0:
        return WorkerLost(f"its worker has ended with exit code {status}")
    name = _name(-status)
    if -status == signal.SIGKILL and killed_for_memory > 0:
        return WorkerLost(
            f"its worker was killed by {name}, as the kernel does when memory runs out: it counts "
            f"{killed_for_memory} such kill(s) meanwhile",
            FEWER,
            for_memory=True,
        )
    if -status == signal.SIGKILL:
        return WorkerLost(
            f"its worker was killed by {name}, by someone: the kernel counts no kill for memory"
        )
    return WorkerLost(f"its worker was killed by {name}", _advice(-status))


def in_words(error: Exception) -> str:
    """An error of a task, or the loss of its worker, in words."""
    return str(error) if isinstance(error, WorkerLost) else f"{type(error).__name__}: {error}"


def for_memory(error: Exception) -> bool:
    """Whether a task, or its worker, has ended because memory had run out."""
    if isinstance(error, WorkerLost):
        return error.for_memory
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, RuntimeError):
        return any(text in str(error) for text in ALLOCATION)
    return isinstance(error, MemoryError)


def advice(error: Exception) -> str:
    """Advice on an error, as the end of a sentence; empty without advice."""
    if for_memory(error):
        return f"; {FEWER}"
    if isinstance(error, WorkerLost) and error.advice:
        return f"; {error.advice}"
    return ""


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _advice(number: int) -> str:
    """Advice on a signal that a program receives for its own actions."""
    if _name(number) == "SIGBUS":
        return (
            f"a file that it had in memory could not be read or written: make room in "
            f"{tempfile.gettempdir()}, where temporary files are, or set TMPDIR"
        )
    return ""
