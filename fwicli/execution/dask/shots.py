"""Tasks as workers of Dask run them: one shot, or a sum of shots.

A worker reports each shot that it begins, finishes or fails as an event, which Dask passes on to
the client. An error in the input of a shot is no failure of a worker: it is returned as a
`Refusal`, which sums pass on, so that Dask does not repeat the shot.
"""

from __future__ import annotations

import copy
import re
import socket
import traceback
from dataclasses import dataclass
from typing import Any

from fwicli.errors import FwiError
from fwicli.execution import losses, tree
from fwicli.execution.dask import shortage, versions
from fwicli.execution.executor import run
from fwicli.execution.relief import Relief

# The number of a task in the text of its key.
LEAF = re.compile(r"shot-[0-9a-f-]+'?, (\d+)")
# Kinds of events.
BEGAN, DONE, FAILED, EXHAUSTED, REFUSED = "began", "done", "failed", "exhausted", "refused"


@dataclass(frozen=True)
class Sender:
    """The call that has sent a shot, and the client behind it.

    Attributes
    ----------
    topic : str
        Name of the events of the client.
    call : str
        Name of the call.
    versions : tuple of (str, str)
        Names and versions of the client's packages.
    level : int
        Number of times that a task is made smaller (see `execution.relief`).
    places : tuple
        Shots at once of nodes that are limited (see `shortage`).
    reports : bool
        Whether workers report the shot; a second run of one is the client's own business.
    """

    topic: str
    call: str
    versions: versions.Versions
    level: int = 0
    places: shortage.Places = ()
    reports: bool = True


@dataclass(frozen=True)
class Refusal:
    """A shot whose input is impossible, in place of its result.

    Attributes
    ----------
    error : FwiError
    trace : str
        Its traceback, formatted.
    """

    error: FwiError
    trace: str

    def raised(self) -> FwiError:
        """The error, with its traceback on the worker as its cause."""
        self.error.__cause__ = Trace(self.trace)
        return self.error


class Trace(Exception):  # noqa: N818 - it only shows the trace of another error
    """The traceback of an error on a worker, as the cause of that error in the client."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


class ShotFailed(Exception):  # noqa: N818 - it carries another error
    """A task that has raised an error on a worker.

    Parameters
    ----------
    number : int or None
        Of the task; None for a sum.
    reason : str
        The error in words, with the worker.
    advice : str
        How to avoid it, as the end of a sentence.
    trace : str
        Its traceback, formatted.
    """

    def __init__(self, number: int | None, reason: str, advice: str, trace: str) -> None:
        super().__init__(number, reason, advice, trace)
        self.number, self.reason, self.advice, self.trace = number, reason, advice, trace


def run_shot(sender: Sender, number: int, task: bytes, common: Any = None) -> Any:
    """Run the task of a shot.

    Parameters
    ----------
    sender : Sender
    number : int
        Of the task.
    task : bytes
        It, pickled, or a function of the object that it has in common with others.
    common : object, optional
        That object.

    Returns
    -------
    result : object
        That of the task, or a `Refusal`.

    Raises
    ------
    ShotFailed
        If the task fails for a reason that another attempt might not meet.
    """
    with shortage.place(sender.topic, sender.places):
        return _run(sender, number, task, common)


def _run(sender: Sender, number: int, task: bytes, common: Any) -> Any:
    """Run the task of a shot, and report it."""
    _report(sender, BEGAN, number)
    try:
        versions.agree(sender.versions, f"the worker {_here()}")
        result = _relief(sender).result(
            number, unpickled(task), lambda f: run(f if common is None else lambda: f(common))
        )
    except FwiError as error:
        refusal = Refusal(error, _trace(error))
        _report(sender, REFUSED, number, _refused(refusal))
        return refusal
    except Exception as error:
        failure = _failure(number, error)
        kind = EXHAUSTED if losses.for_memory(error) else FAILED
        _report(sender, kind, number, failure.reason)
        raise failure from None
    _report(sender, DONE, number)
    return result


class _Latest:
    """How much smaller the tasks of the last client have to be on this worker."""

    topic = ""
    relief = Relief()


def _relief(sender: Sender) -> Relief:
    """The relief of the tasks of a client on this worker."""
    if _Latest.topic != sender.topic:
        _Latest.topic, _Latest.relief = sender.topic, Relief()
    _Latest.relief.level = max(_Latest.relief.level, sender.level)
    return _Latest.relief


def add(results: list[Any]) -> Any:
    """Sum of the results of consecutive shots, or of sums of them.

    Parameters
    ----------
    results : list of Summand or Refusal
        They remain as they are, as Dask may sum them again.

    Returns
    -------
    total : Summand or Refusal

    Raises
    ------
    ShotFailed
        If they cannot be summed here, as when memory is full.
    """
    refusal = next((r for r in results if isinstance(r, Refusal)), None)
    if refusal is not None:
        return refusal
    try:
        # Sums take the memory of their first terms, which have even numbers.
        return tree.total(r if n % 2 else copy.deepcopy(r) for n, r in enumerate(results))
    except Exception as error:
        raise _failure(None, error) from None


def pickled(whole: Any) -> bytes:
    """An object as bytes, also if it is defined in the script that runs.

    Parameters
    ----------
    whole : object

    Returns
    -------
    data : bytes
    """
    from distributed.protocol import pickle  # late: it is an optional extra

    data: bytes = pickle.dumps(whole)
    return data


def unpickled(data: bytes) -> Any:
    """The object that `pickled` has turned into bytes.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    whole : object
    """
    from distributed.protocol import pickle  # late: it is an optional extra

    return pickle.loads(data)


def _failure(number: int | None, error: Exception) -> ShotFailed:
    reason = f"{losses.in_words(error)} on {_here()}"
    return ShotFailed(number, reason, losses.advice(error), _trace(error))


def _trace(error: Exception) -> str:
    return "".join(traceback.format_exception(error))


def _here() -> str:
    """The worker of this process, in words."""
    from distributed import get_worker  # late: it is an optional extra

    return f"{get_worker().address} of {socket.gethostname()}"


def _refused(refusal: Refusal) -> bytes:
    """A refusal for an event; one that cannot be pickled has its text."""
    try:
        data = pickled(refusal)
        unpickled(data)
    except Exception:
        data = pickled(Refusal(FwiError(str(refusal.error)), refusal.trace))
    return data


def _report(sender: Sender, kind: str, number: int, content: str | bytes = b"") -> None:
    """Send an event to the client."""
    from distributed import get_worker  # late: it is an optional extra

    if not sender.reports:
        return
    server = get_worker()
    event = {"call": sender.call, "kind": kind, "number": number, "content": content}
    server.log_event(sender.topic, {**event, "worker": server.address})
