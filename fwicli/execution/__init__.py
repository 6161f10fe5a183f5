"""Shots over the cores of one machine: independent tasks, results in order.

A task is a pure, picklable function without arguments; `propagators.tasks.ShotTask` is the base of
those that propagate waves. Results are returned in the order of the tasks, so that a sum over shots
does not depend on the number of workers.
A worker that dies takes no result with it: its task is run again by a new one. A task that has
failed `ATTEMPTS` times fails the run; a partial result is never returned.

Resources that workers share have no name, neither in the file system nor among semaphores: if any
part of a run is killed, the kernel frees them. No thread runs beside the caller's.
"""

from fwicli.execution.executor import Done, Executor, InProcess, Task
from fwicli.execution.machine import available, cores, return_memory
from fwicli.execution.processes import ATTEMPTS, Local, Processes

__all__ = [
    "ATTEMPTS",
    "Done",
    "Executor",
    "InProcess",
    "Local",
    "Processes",
    "Task",
    "available",
    "cores",
    "return_memory",
]
