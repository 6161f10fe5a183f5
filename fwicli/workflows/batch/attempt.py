"""One attempt of a batch job: check the node, run, and go on in another job if time runs out.

The run is a child process with `--resume`: it begins a run that has not begun. Signals of the batch
system are handed to it; it saves and ends. Then the job is requeued, as long as every third attempt
at least adds to the work on disk.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType

from fwicli.errors import ConfigError, ExecutionError
from fwicli.execution.schedulers import scheduler as schedulers
from fwicli.execution.schedulers.registry import SCHEDULERS
from fwicli.execution.worker import FOR_PARENT
from fwicli.workflows.batch import array, node
from fwicli.workflows.run_folder import advance, job_record
from fwicli.workflows.run_folder.job_record import Attempt, JobRecord

# Attempts in a row that add nothing to the work on disk, before the job gives up.
IN_VAIN = 3
# Time at the end of the walltime for requeueing [s].
RESERVE = 20
# Exit code of a run that `--resume` can continue.
CONTINUABLE = ExecutionError.exit_code
# Signals that say that time runs out; others end the job.
OF_TIME = {n for n in ("SIGUSR1", "SIGUSR2", "SIGXCPU") if hasattr(signal, n)}

log = logging.getLogger("fwicli")


class _Child:
    """A run as a process, and the signals that were handed to it.

    Parameters
    ----------
    grace : int
        Time that it has for saving, after a signal [s].
    """

    def __init__(self, grace: int) -> None:
        self.grace = grace
        self.received: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, command: list[str], limit: int | None) -> int:
        """Run; exit code as shells have it. Nothing runs if a signal has come before.

        Parameters
        ----------
        command : list of str
            Arguments of fwi.
        limit : int or None
            Time after which the run is told to save [s].

        Returns
        -------
        exit_code : int
        """
        if self.received:
            return 128 + int(getattr(signal, self.received[0]))
        self._process = subprocess.Popen([sys.executable, "-m", "fwicli", *command])
        if self.received:  # between the two lines above
            self._send(getattr(signal, self.received[0]))
        elif limit is not None:
            signal.alarm(limit)
        status = self._process.wait()
        signal.alarm(0)
        return int(status) if status >= 0 else 128 - int(status)

    def hand_on(self, number: int, _frame: FrameType | None = None) -> None:
        """Hand a signal to the run; it is ended by force if it does not end by itself."""
        name = signal.Signals(number).name
        if name not in self.received:
            self.received.append(name)
            self._send(number)
            signal.alarm(self.grace)

    def on_alarm(self, _number: int, _frame: FrameType | None) -> None:
        """Tell the run that time runs out; the second time, end it."""
        if self.received:
            log.warning("the run has not ended within %d s, and is killed", self.grace)
            self._send(signal.SIGKILL)
        else:
            self.hand_on(signal.SIGUSR1)

    def end(self, exit_code: int) -> str:
        """Why the run has ended."""
        names = {*self.received, _signal(exit_code)}
        if exit_code == 0:
            return "done"
        if names & OF_TIME:
            return "time"
        return "terminated" if names & {"SIGTERM", "SIGINT", "SIGHUP"} else "failed"

    def _send(self, number: int) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


def run(folder: Path, member: int = 0) -> int:
    """Run the next attempt of the job of a run.

    Parameters
    ----------
    folder : Path
        Of the run, to which `fwi submit` has written the job.
    member : int
        Number in an array, from 1; 0 for a job that is no array.

    Returns
    -------
    exit_code : int
        That of the run.

    Raises
    ------
    ConfigError
        If there is no job.
    ExecutionError
        If the node does not do, if the job makes no progress, or if it cannot be requeued.
    """
    path = folder / job_record.name(member)
    if not path.is_file():
        raise ConfigError(f"{path} is not there: no job was submitted for {folder}; see fwi submit")
    record = job_record.read(path)
    place = array.place(record, folder)
    scheduler = SCHEDULERS[record.scheduler]
    child = _Child(max(record.notice - RESERVE, 5))
    with _signals_to(child):
        job = schedulers.own_job(scheduler) or record.job
        record = record.begun(job, socket.gethostname(), advance.measure(place))
        _write(record, path)
        _check_node(record, folder, path)
        config, options = folder / job_record.CONFIG, array.options(record, folder)
        command = [record.kind, str(config), "-o", str(folder), *options]
        log.info("attempt %d: fwi %s", len(record.attempts), " ".join(command))
        limit = None if scheduler.warns else max(record.walltime - record.notice, 1)
        exit_code = child.run(command, limit)
        record = record.ended(exit_code, child.end(exit_code), advance.measure(place))
        if _is_continuable(record.attempts[-1]):
            _go_on(record, path)
        else:
            _write(_state(record), path)
    return exit_code


def _write(record: JobRecord, path: Path) -> None:
    """Write a record, and how the array stands that it belongs to."""
    record.write(path)
    if path.name != job_record.RECORD:
        array.update(path.parent, record.members)


def _is_continuable(last: Attempt) -> bool:
    """Whether the run can go on by itself: time ran out, a worker or disk failed, or a crash."""
    code = last.exit_code or 0
    return last.end == "time" or (last.end == "failed" and (code == CONTINUABLE or code > 128))


def _check_node(record: JobRecord, folder: Path, path: Path) -> None:
    """End the job at once where the run cannot succeed on this node."""
    problems = [f for f in node.findings(record, folder) if f.problem]
    for finding in problems:
        log.warning("%s: %s", finding.name, finding.problem)
    fatal = [finding.problem for finding in problems if finding.fatal]
    if fatal:
        message = f"node {socket.gethostname()} does not do: {'; '.join(fatal)}"
        ended = record.ended(CONTINUABLE, "failed", record.attempts[-1].before)
        _write(replace(ended, state=job_record.FAILED, message=message), path)
        raise ExecutionError(message)


@contextmanager
def _signals_to(child: _Child) -> Iterator[None]:
    """Let a run have the signals that end runs, and not this process."""
    before = {number: signal.getsignal(number) for number in (*FOR_PARENT, signal.SIGALRM)}
    for number in FOR_PARENT:
        signal.signal(number, child.hand_on)
    signal.signal(signal.SIGALRM, child.on_alarm)
    try:
        yield
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _signal(exit_code: int) -> str:
    """Name of the signal that an exit code stands for."""
    with suppress(ValueError):
        return signal.Signals(exit_code - 128).name
    return ""


def _state(record: JobRecord) -> JobRecord:
    """The record of a job that does not go on by itself."""
    last = record.attempts[-1]
    if last.end == "done":
        return replace(record, state=job_record.DONE)
    if last.end == "terminated":
        message = (
            "ended by a signal, as by a cancellation; if the batch system requeues the job, it "
            "goes on, else submit the run again with --resume"
        )
        return replace(record, state=job_record.STOPPED, message=message)
    message = f"the run failed with exit code {last.exit_code}; see the log of job {last.job}"
    return replace(record, state=job_record.FAILED, message=message)


def _go_on(record: JobRecord, path: Path) -> None:
    """Let the job be run once more, unless it makes no progress."""
    if record.in_vain >= IN_VAIN:
        message = (
            f"{IN_VAIN} attempts in a row have added nothing to the run, which stands at step "
            f"{record.attempts[-1].before.steps}: not one evaluation, or block of shots, fits into "
            f"the walltime of {record.walltime} s, of which {record.notice} s are for saving; give "
            f"the site `{record.site}` a longer `walltime` or more `cores`, and submit the run "
            f"again with --resume"
        )
        _write(replace(record, state=job_record.STALLED, message=message), path)
        raise ExecutionError(message)
    # Before the request: SLURM ends the job that requeues itself.
    record = replace(record, state=job_record.REQUEUED)
    _write(record, path)
    job = record.attempts[-1].job
    log.info("the job is requeued")
    try:
        following = SCHEDULERS[record.scheduler].again(job, _script(path))
    except ExecutionError as error:
        message = f"{error}; submit the run again with --resume"
        _write(replace(record, state=job_record.STOPPED, message=message), path)
        raise ExecutionError(message) from error
    if following != job:
        _write(replace(record, job=following), path)


def _script(path: Path) -> Path:
    """The script to submit again: that of the job, or of this member of an array alone."""
    member = re.fullmatch(r"job_(\d+)\.json", path.name)
    if member is None:
        return path.parent / job_record.SCRIPT
    return array.script_of_member(path.parent, int(member[1]))


def member_of_array() -> int:
    """Number of this job in its array, from 1; 0 outside of an array."""
    for scheduler in SCHEDULERS.values():
        text = os.environ.get(scheduler.index_variable, "")
        if text.isdecimal() and schedulers.own_job(scheduler):
            return int(text)
    return 0
