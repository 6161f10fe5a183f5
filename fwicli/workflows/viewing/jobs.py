"""States of batch jobs, by the commands of their scheduler, where a machine has them."""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import suppress

PENDING, ACTIVE, GONE = "pending", "running", "gone"
# Seconds that a scheduler has for its answer.
PATIENCE = 5.0
# Commands that list a job, by scheduler; its number is appended.
COMMANDS = {
    "slurm": ("squeue", "--noheader", "--format=%T", "--states=all", "--jobs"),
    "pbs": ("qstat", "-x", "-f"),
    "lsf": ("bjobs", "-noheader", "-o", "stat"),
    "sge": ("qstat", "-u", "*", "-s", "prs"),
}
# Words of schedulers for the states of a job; all others are of jobs that have ended.
PENDINGS = {"PENDING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT", "CONFIGURING", "SUSPENDED"}
PENDINGS |= {"Q", "H", "W", "T", "S", "PEND", "PSUSP", "USUSP", "SSUSP", "qw", "hqw", "Rq"}
ACTIVES = {"RUNNING", "COMPLETING", "STOPPED", "SIGNALING", "STAGE_OUT", "R", "E", "RUN"}
ACTIVES |= {"r", "t", "Rr", "dr"}


def state(scheduler: str, number: str) -> str:
    """State of a job.

    Parameters
    ----------
    scheduler : str
        One of `COMMANDS`.
    number : str
        Of the job.

    Returns
    -------
    state : str
        `PENDING`, `ACTIVE`, `GONE`, or empty where the scheduler does not answer.
    """
    command = COMMANDS.get(scheduler)
    if command is None or shutil.which(command[0]) is None or not re.match(r"\d", number):
        return ""
    line = [*command] if scheduler == "sge" else [*command, number]
    with suppress(OSError, subprocess.SubprocessError):
        answer = subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE, check=False)
        return _meaning(scheduler, number, answer)
    return ""


def _meaning(scheduler: str, number: str, answer: subprocess.CompletedProcess[str]) -> str:
    """State that an answer tells."""
    words = answer.stdout.split()
    if scheduler == "pbs":
        words = re.findall(r"job_state = (\w+)", answer.stdout)
    elif scheduler == "sge":
        rows = [row.split() for row in answer.stdout.splitlines()]
        words = [row[4] for row in rows if len(row) > 4 and row[0] == number.split(".")[0]]
    if set(words) & ACTIVES:
        return ACTIVE
    if set(words) & PENDINGS:
        return PENDING
    refused = re.search(r"unknown job|invalid job|not found|does not exist", answer.stderr, re.I)
    return GONE if words or refused or (scheduler == "sge" and not answer.returncode) else ""
