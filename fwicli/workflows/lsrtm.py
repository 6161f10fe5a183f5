"""`fwi lsrtm`: the image whose linearised records fit the data best.

    argmin  1/2 sum_shots |W (f * (F q + J dm) - d)|**2 + R(dm)

in a smooth model, with the weights W of the data and, where the wavelet is unknown, a filter f of
it (see `imaging.least_squares`). After every step the state of the solver is written; `--resume`
goes on from there, bit for bit.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from fwicli.config import schema
from fwicli.config.loader import Loaded
from fwicli.execution import Executor
from fwicli.workflows.inversion.iterative import Destination, IterativeRun
from fwicli.workflows.planning import migration
from fwicli.workflows.planning.plan import Plan
from fwicli.workflows.quality import one_shot
from fwicli.workflows.run_folder import outputs
from fwicli.workflows.run_folder.folder import RunFolder
from fwicli.workflows.run_folder.progress import Progress
from fwicli.workflows.verbs import Kernels, ProcessMemory, Verb

RESULT, STATE = outputs.IMAGE, outputs.STATE
# Arrays on the grid of the image that the state and the result hold.
ARRAYS = 10
ITERATIONS = "least_squares.iterations"
RULE = "what may change are the iterations, to more of them"

log = logging.getLogger("fwicli")


def run(
    loaded: Loaded,
    folder: str | Path,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Fit an image to the records.

    Parameters
    ----------
    loaded : Loaded
        Config of `fwi lsrtm`.
    folder : Path
        Folder of the run.
    resume, force : bool
        Continue a run that was stopped, or overwrite it.
    progress : Progress, optional

    Returns
    -------
    summary : dict of str to object
    """
    course = IterativeRun(_folder, _migrate)
    return course.run(loaded, Destination(Path(folder), resume, force), progress)


def _folder(loaded: Loaded, folder: Path, _resume: bool) -> RunFolder:
    """The folder of a run, which may be continued with more iterations."""
    return RunFolder(folder, loaded, _more_iterations, RULE)


def _more_iterations(key: str, old: Any, new: Any) -> bool:
    """Whether a value of the config may change in a run that is continued."""
    both = isinstance(old, int) and isinstance(new, int)
    return key == ITERATIONS and both and new >= old


def _migrate(
    plan: Plan, loaded: Loaded, run_folder: RunFolder, executor: Executor, progress: Progress
) -> dict[str, Any]:
    """Take the steps of the solver, and write the image."""
    from fwicli.workflows.inversion.migration.run import MigrationRun  # late: Devito

    progress = run_folder.heartbeat.followed(progress, plan.workers)
    plan.announce()
    one_shot.warn(plan, loaded, executor, run_folder.continued)
    if plan.stages[0].near.traces:
        log.info("%s", plan.stages[0].near)
    for change in run_folder.extended:
        log.info("the run is extended: %s", change)
    settings = loaded.config.least_squares
    return MigrationRun(plan, settings, run_folder, executor, progress).run(run_folder.continued)


def _outputs(_config: schema.LsrtmConfig) -> tuple[str, ...]:
    """Names of files that a run may write."""
    drawn = ("image.png", "reflectivity.png", "convergence.png", "residual.png", "wavelets.png")
    return (RESULT, STATE, *drawn)


def _kernels(_config: schema.LsrtmConfig, _number: int) -> Kernels:
    """Kernels of the second derivative of Gauss and Newton."""
    return ("gradient", "illumination"), "gauss_newton"


VERB = Verb(
    plan=migration.plan,
    run=run,
    outputs=_outputs,
    output_bytes=lambda plan: 2 * 8.0 * float(np.prod(plan.model.grid.shape)) * ARRAYS,
    kernels=_kernels,
    memory=ProcessMemory(command=182e6, alone=160e6, worker=13e6, records=3, arrays=16),
)
