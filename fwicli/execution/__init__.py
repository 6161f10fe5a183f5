"""Shots over the cores of one machine: independent tasks, results in order.

A task is a pure, picklable function without arguments; `propagators.tasks.ShotTask` is the base of
those that propagate waves. Results are returned in the order of the tasks. Sums over shots are
taken in a tree whose shape depends on the number of shots alone (see `tree`).
A worker that dies takes no result with it: its task is run again by a new one. A task that has
failed `ATTEMPTS` times fails the run; a partial result is never returned.

Resources that workers share have no name, neither in the file system nor among semaphores: if any
part of a run is killed, the kernel frees them. No thread runs beside the caller's.
"""

from fwicli.execution.executor import Done, Executor, InProcess, Task, total, totals
from fwicli.execution.machine import available, cores, peak_memory, return_memory
from fwicli.execution.processes import ATTEMPTS, Local, Processes
from fwicli.execution.tree import Summand

__all__ = [
    "ATTEMPTS",
    "Done",
    "Executor",
    "InProcess",
    "Local",
    "Processes",
    "Summand",
    "Task",
    "available",
    "cores",
    "peak_memory",
    "return_memory",
    "total",
    "totals",
]
