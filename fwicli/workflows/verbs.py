"""Verbs: plan, outputs, memory and kernels of each command that runs something.

A verb is a module of `fwicli.workflows` with a `VERB`. Plans, run folders and the command line find
it by the kind of a config, which is the name of the module. Such a module imports Devito and
Matplotlib only in functions that run something, so that a check stays quick.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

# Names of the sums that gradient kernels accumulate, and the kind of second derivative.
Kernels = tuple[tuple[str, ...], str | None]


@dataclass(frozen=True)
class ProcessMemory:
    """Memory of the processes of a run beside that of its shots.

    Parameters
    ----------
    command, alone, worker : float
        Of the process of the command with workers, without workers, and of a worker [bytes].
    records : int
        Copies of all records at once.
    arrays : int
        Arrays of double precision on the grid of the model.
    """

    command: float = 190e6
    alone: float = 211e6
    worker: float = 70e6
    records: int = 4
    arrays: int = 30


def _no_kernels(_config: Any, _number: int) -> Kernels:
    return (), None


@dataclass(frozen=True)
class Verb:
    """Planning, running and results of the configs of one kind.

    Parameters
    ----------
    plan : callable
        From (problems, config, model) to a `Plan`; None where there are problems.
    run : callable
        From (loaded, folder, resume, force, progress) to a summary.
    outputs : callable
        From a config to the names of files and folders that a run may write.
    output_bytes : callable
        From a plan to the approximate bytes of results and intermediate files.
    kernels : callable
        From a config and the number of a stage to the kernels of its gradients.
    merge : callable, optional
        From (loaded, run folder, parts, progress) to the summary of a run that was cut into parts;
        its `run` takes the shots of a part.
    keeps_history : bool
        Whether shots keep the forward field, as for gradients and images.
    memory : ProcessMemory
    """

    plan: Callable[[Any, Any, Any], Any]
    run: Callable[..., dict[str, Any]]
    outputs: Callable[[Any], tuple[str, ...]]
    output_bytes: Callable[[Any], float]
    kernels: Callable[[Any, int], Kernels] = _no_kernels
    merge: Callable[..., dict[str, Any]] | None = None
    keeps_history: bool = True
    memory: ProcessMemory = field(default_factory=ProcessMemory)


def find(kind: str) -> Verb:
    """The verb that runs a kind of config."""
    verb: Verb = import_module(f"fwicli.workflows.{kind}").VERB
    return verb
