"""Memory of all processes of a run, as a batch system counts it: every page once.

    total = process of the command + workers (worker + shot) + process that workers are forked from

The memory of imports depends on the versions of the libraries. It was measured on models of 31 x 21
to 401 x 121 points; a control group counts the same. With one worker the shots run in the process
of the command, and its imports are those of both; jobs that share a run have a worker in any case.
Pages of libraries count less while other programs have them in memory, too: some 20 MB less beside
other programs of Python. The numbers lie between.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from fwicli.survey.grid import Grid
from fwicli.workflows.verbs import ProcessMemory

# Process that workers are forked from [bytes].
SERVER = 27e6


@dataclass(frozen=True)
class Total:
    """Memory of a run.

    Parameters
    ----------
    processes : ProcessMemory
        Of the verb.
    workers : int
    shot : float
        Memory of one shot [bytes].
    records : float
        Memory of all records [bytes].
    grid : Grid
        Of the model.
    shares : bool
        Whether the process shares the run with others, through files.
    """

    processes: ProcessMemory
    workers: int
    shot: float
    records: float
    grid: Grid
    shares: bool = False

    @property
    def fixed(self) -> float:
        """Memory without that of the shots [bytes]."""
        data = self.processes.records * self.records
        arrays = self.processes.arrays * 8.0 * math.prod(self.grid.shape)
        if self.workers == 1 and not self.shares:
            return self.processes.alone + data + arrays
        processes = self.processes.command + SERVER + self.workers * self.processes.worker
        return processes + data + arrays

    @property
    def nbytes(self) -> float:
        """All of it [bytes]."""
        return self.fixed + self.workers * self.shot
