"""`fwi invert`: the earth from records, band by band.

Each stage takes the present model to its grid, minimises the objective of its band with L-BFGS,
and brings the change back to the grid of the model:

    x  = argmin phi(x; band),        y <- y + P (y(x) - y(R c))

with y the variables, such as vp and rho, c all properties of the model, R the averaging to the
coarse grid and P the interpolation from it. After every step the result and the state of the
optimizer are written, and within a step every evaluation; `--resume` goes on from there, bit for
bit.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from fwicli.config.loader import Loaded
from fwicli.execution import Local
from fwicli.files import hdf5
from fwicli.workflows.inversion.resume import RULE, ResumeRule
from fwicli.workflows.inversion.run import ERROR, RESULT, STATE, InversionRun, draw
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.run_folder.folder import RunFolder
from fwicli.workflows.run_folder.progress import Progress, Silent

log = logging.getLogger("fwicli")


def run(
    loaded: Loaded,
    folder: Path,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Invert the records.

    Parameters
    ----------
    loaded : Loaded
        Config of `fwi invert`.
    folder : Path
        Folder of the run.
    resume, force : bool
        Continue a run that was stopped, or overwrite it.
    progress : Progress, optional

    Returns
    -------
    summary : dict of str to object
    """
    plan = make_plan(loaded)
    resume_rule = ResumeRule.read(folder / STATE) if resume else ResumeRule()
    run_folder = RunFolder(folder, loaded, resume_rule.allows, RULE)
    resumed = run_folder.open(resume, force)
    plan.agree(run_folder)
    inversion = InversionRun(plan, run_folder, progress or Silent())
    with run_folder.logging(), Local(plan.workers) as executor:
        plan.announce()
        for change in run_folder.extended:
            log.info("the run is extended: %s", change)
        run_state = inversion.run(executor, resumed)
        history = hdf5.read_history(folder / RESULT)
        draw(run_folder, plan, run_state.base, inversion.variables.quantities, history)
    summary: dict[str, Any] = {
        "result": str(folder / RESULT),
        "stages": len(inversion.settings.stages),
        "iterates": run_state.iterates,
        "simulations": run_state.simulations,
        "seconds": round(run_state.seconds, 1),
    }
    if "misfit" in history:
        summary["misfit"] = float(history["misfit"][-1])
    summary |= {n: float(c[-1]) for n, c in history.items() if n.startswith(ERROR)}
    return summary
