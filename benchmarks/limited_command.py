"""Part of `mutated_inputs.py`: a command in a forked child, with limits of time and memory.

The parent has imported everything once, so that a case takes what its command takes. A child that
is over a limit is killed with its group. Its memory is the sum of resident pages over the child and
its children, sampled; what the parent shares with it counts, as it does for a user.
"""

from __future__ import annotations

import os
import resource
import runpy
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")
# What a command loads late.
LATE = ("check", "invert", "model", "rtm")
LATE_MODULES = (
    *("workflows.planning.plan", "workflows.invert", "workflows.model", "workflows.rtm"),
    *("workflows.inversion.run", "propagators.tasks", "imaging.migration", "plotting.pictures"),
)
# Parts of SciPy that are loaded at use.
SCIENCE = ("fft", "linalg", "ndimage", "optimize", "signal", "sparse", "special")


@dataclass(frozen=True)
class Case:
    """One command on inputs of its own.

    Attributes
    ----------
    name : str
        Says what was changed.
    write : callable
        Writes the inputs into a new folder and returns the arguments of `fwi`.
    follow : sequence of str
        Arguments of a command to run after one that ended well, if any.
    judge : callable, optional
        What is wrong with the results in the folder; nothing if it is empty.
    """

    name: str
    write: Callable[[Path], Sequence[str]]
    follow: Sequence[str] = ()
    judge: Callable[[Path], str] | None = None


@dataclass(frozen=True)
class Limits:
    """Seconds and bytes that a command may take; a run may have kernels to compile.

    What counts is a command's own time, as machines have other work; `waiting` times as many
    seconds of the clock are too many in any case.
    """

    seconds: float = 20.0
    waiting: float = 10.0
    run_seconds: float = 200.0
    memory: int = 10**9


@dataclass
class Outcome:
    """How a case ended; `fault` is empty if it was a result or an explained mistake."""

    name: str
    arguments: Sequence[str]
    code: int = 0
    seconds: float = 0.0
    memory: int = 0
    text: str = ""
    fault: str = ""


@dataclass
class _Running:
    case: Case
    outcome: Outcome
    folder: Path
    pid: int
    runs: bool = False
    started: float = field(default_factory=time.monotonic)


def warm() -> None:
    """Import what the commands load, once for all children."""
    for verb in LATE:
        import_module(f"fwicli.cli.{verb}")
    for module in LATE_MODULES:
        import_module(f"fwicli.{module}")
    for part in SCIENCE:
        import_module(f"scipy.{part}")


def run(cases: Iterable[Case], folder: Path, jobs: int, limits: Limits) -> Iterator[Outcome]:
    """Run cases, some at once, each in a folder of its own below `folder`."""
    waiting, running = iter(enumerate(cases)), list[_Running]()
    exhausted = False
    while running or not exhausted:
        while len(running) < jobs and not exhausted:
            number, case = next(waiting, (-1, None))
            if case is None:
                exhausted = True
                break
            place = folder / f"{number:05d}"
            place.mkdir(parents=True)
            running.append(_begun(case, place, case.write(place)))
        time.sleep(0.005)
        for one in list(running):
            if not _ended(one, limits):
                continue
            running.remove(one)
            if one.outcome.code == 0 and not one.outcome.fault and one.case.follow:
                following = Case(f"{one.case.name}, run", one.case.write, (), one.case.judge)
                begun = _begun(following, one.folder, one.case.follow)
                running.append(replace(begun, runs=True))
            elif not one.outcome.fault and one.outcome.code == 0 and one.case.judge is not None:
                one.outcome.fault = one.case.judge(one.folder)
            yield one.outcome


def _begun(case: Case, folder: Path, arguments: Sequence[str]) -> _Running:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _child(folder, arguments)
    with suppress(OSError):  # the child may have done so, or be gone
        os.setpgid(pid, pid)
    return _Running(case, Outcome(case.name, arguments), folder, pid)


def _child(folder: Path, arguments: Sequence[str]) -> None:
    """Be the command; never returns."""
    code = 1
    try:
        with suppress(OSError):
            os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # A harder limit than the sampled one: pages that are touched between two samples.
        resource.setrlimit(resource.RLIMIT_DATA, (4 * 10**9, 4 * 10**9))
        os.chdir(folder)
        output = os.open("output", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.argv = ["fwi", *arguments]
        runpy.run_module("fwicli", run_name="__main__")
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _ended(one: _Running, limits: Limits) -> bool:
    """Whether a command has ended, or was ended for what it took."""
    outcome = one.outcome
    elapsed = time.monotonic() - one.started
    outcome.seconds = max(_busy(one.pid), elapsed / limits.waiting)
    outcome.memory = max(outcome.memory, _resident(one.pid))
    seconds = limits.run_seconds if one.runs else limits.seconds
    if outcome.seconds > seconds:
        outcome.fault = f"still running after {seconds:g} s"
    elif outcome.memory > limits.memory:
        outcome.fault = f"takes more than {limits.memory / 1e6:.0f} MB"
    if outcome.fault:
        with suppress(ProcessLookupError):
            os.killpg(one.pid, signal.SIGKILL)
        os.waitpid(one.pid, 0)
    else:
        pid, status = os.waitpid(one.pid, os.WNOHANG)
        if pid == 0:
            return False
        outcome.code = os.waitstatus_to_exitcode(status)
        if outcome.code not in (0, 2, 3):
            outcome.fault = f"exit code {outcome.code}"
    with suppress(OSError):
        outcome.text = (one.folder / "output").read_text(errors="replace")
    return True


def _busy(pid: int) -> float:
    """Time that a process and its children took of the cores [s]."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0.0
    return sum(map(int, fields[11:15])) / TICK + sum(_busy(int(child)) for child in children)


def _resident(pid: int) -> int:
    """Resident memory of a process and its children [bytes]."""
    try:
        own = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0
    return own + sum(_resident(int(child)) for child in children)
