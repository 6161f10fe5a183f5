"""Memory of all processes of a run, as a batch system counts it: every page once.

    total = process of the command + workers (worker + shot) + process that workers are forked from

The memory of imports depends on the versions of the libraries. It was measured on a model of
31 x 21 points; a control group counts the same. With one worker the shots run in the process of the
command, and its imports are those of both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from fwicli.survey.grid import Grid

# Imports [bytes]: of the command; of the command that runs the shots, too; of the process that
# workers are forked from; and what a worker has for itself, kernels included. Workers of an
# inversion compare traces, and import `scipy.signal` for that.
COMMAND = {"model": 140e6, "invert": 190e6, "rtm": 150e6}
ALONE = {"model": 160e6, "invert": 211e6, "rtm": 163e6}
SERVER = 95e6
WORKER = {"model": 28e6, "invert": 70e6, "rtm": 32e6}
# Records at once: shots, all together, and as they are written and drawn; or as they were read and
# in the band of a stage.
RECORDS = {"model": 4, "invert": 2, "rtm": 2}
# Arrays of double precision on the grid of the model: pairs of L-BFGS, models and gradients; sums.
ARRAYS = {"model": 2, "invert": 30, "rtm": 8}


@dataclass(frozen=True)
class Total:
    """Memory of a run.

    Parameters
    ----------
    kind : {"model", "invert", "rtm"}
    workers : int
    shot : float
        Memory of one shot [bytes].
    records : float
        Memory of all records [bytes].
    grid : Grid
        Of the model.
    """

    kind: str
    workers: int
    shot: float
    records: float
    grid: Grid

    @property
    def fixed(self) -> float:
        """Memory without that of the shots [bytes]."""
        data = RECORDS[self.kind] * self.records
        arrays = ARRAYS[self.kind] * 8.0 * math.prod(self.grid.shape)
        if self.workers == 1:
            return ALONE[self.kind] + data + arrays
        processes = COMMAND[self.kind] + SERVER + self.workers * WORKER[self.kind]
        return processes + data + arrays

    @property
    def nbytes(self) -> float:
        """All of it [bytes]."""
        return self.fixed + self.workers * self.shot
