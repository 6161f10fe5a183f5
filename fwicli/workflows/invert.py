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

import numpy as np

from fwicli.config import schema
from fwicli.config.arrays import ArrayFileSection
from fwicli.config.loader import Loaded
from fwicli.execution import Executor
from fwicli.files import hdf5
from fwicli.propagators.kernels.imaging_conditions import INVERSION
from fwicli.survey.model import EarthModel
from fwicli.survey.properties import COMBINATIONS
from fwicli.workflows.assembly import optimizer
from fwicli.workflows.assembly.inversion import InversionObjects
from fwicli.workflows.inversion import branches
from fwicli.workflows.inversion.iterative import Destination, IterativeRun
from fwicli.workflows.inversion.resume import RULE, ResumeRule
from fwicli.workflows.planning import inversion_checks, stage_numerics
from fwicli.workflows.planning.observed import observed
from fwicli.workflows.planning.plan import Plan, workers
from fwicli.workflows.planning.problems import Problems
from fwicli.workflows.quality import one_shot
from fwicli.workflows.run_folder import outputs
from fwicli.workflows.run_folder.folder import RunFolder
from fwicli.workflows.run_folder.manifest import JOURNAL
from fwicli.workflows.run_folder.names import START
from fwicli.workflows.run_folder.progress import Progress
from fwicli.workflows.verbs import Kernels, ProcessMemory, Verb

RESULT, STATE = outputs.INVERSION, outputs.STATE
# Models, gradients and pairs of an optimizer that the state of an inversion holds at most.
ARRAYS = 20

log = logging.getLogger("fwicli")


def plan_inversion(
    problems: Problems, config: schema.InvertConfig, model: EarthModel | None
) -> Plan | None:
    """Plan an inversion; None where there are problems.

    Parameters
    ----------
    problems : Problems
    config : InvertConfig
    model : EarthModel or None
        None where it has problems.

    Returns
    -------
    plan : Plan or None
    """
    inversion = None if model is None else InversionObjects(config, model)
    data = observed(problems, config, model, inversion)
    if data is None or model is None or inversion is None:
        return None
    records, wavelet, reference = data
    readable = inversion_checks.variables(problems, inversion)
    inversion_checks.misfits(problems, inversion, records)
    inversion_checks.component_weights(problems, inversion, records)
    if words := inversion_checks.components_in_words(inversion, records):
        problems.note(words)
    inversion_checks.shots(problems, inversion, records)
    inversion_checks.bands(problems, inversion)
    if not readable:
        return None
    stages = [
        stage_numerics.stage(problems, objects, records, wavelet) for objects in inversion.stages
    ]
    possible = [s for s in stages if s is not None]
    if len(possible) < len(stages):
        return None
    return Plan(
        "invert",
        model,
        records.acquisition,
        wavelet,
        records.interval,
        possible,
        workers(config.execution, records.acquisition.shots),
        records,
        reference,
        inversion,
    )


def run(
    loaded: Loaded,
    folder: str | Path,
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
    course = IterativeRun(_folder, _invert, branches.continued)
    return course.run(loaded, Destination(Path(folder), resume, force), progress)


def _folder(loaded: Loaded, folder: Path, resume: bool) -> RunFolder:
    """The folder of a run, which may be extended, and be a branch of another."""
    resume_rule = ResumeRule.read(folder / STATE) if resume else ResumeRule()
    run_folder = RunFolder(folder, loaded, branches.movable(resume_rule.allows), RULE)
    run_folder.beginning = lambda: branches.beginning(loaded, run_folder.file(START))
    return run_folder


def _invert(
    plan: Plan, loaded: Loaded, run_folder: RunFolder, executor: Executor, progress: Progress
) -> dict[str, Any]:
    """Run the stages, draw the results, and summarise them."""
    from fwicli.workflows.inversion.run import ERROR, InversionRun, draw  # late: Devito

    progress = run_folder.heartbeat.followed(progress, plan.workers)
    branch = branches.of_folder(run_folder.path)
    inversion = InversionRun(plan, run_folder, progress, branches.attributes(branch))
    plan.announce()
    if branch is not None and not run_folder.continued:
        branches.tell(branch, run_folder.path)
    one_shot.warn(plan, loaded, executor, run_folder.continued)
    for change in run_folder.extended:
        log.info("the run is extended: %s", change)
    run_state = inversion.run(executor, run_folder.continued)
    history = hdf5.read_history(run_folder.path / RESULT)
    draw(run_folder, plan, run_state.base, inversion.variables.quantities, history)
    summary: dict[str, Any] = {
        "result": str(run_folder.path / RESULT),
        "stages": len(inversion.settings.stages),
        "iterates": run_state.iterates,
        "simulations": run_state.simulations,
        "seconds": round(run_state.seconds, 1),
    }
    if "misfit" in history:
        summary["misfit"] = float(history["misfit"][-1])
    summary |= {n: float(c[-1]) for n, c in history.items() if n.startswith(ERROR)}
    return summary


def _outputs(config: schema.InvertConfig) -> tuple[str, ...]:
    """Names of files and folders that an inversion may write."""
    inverted = tuple(config.inversion.inverted())
    places = (COMBINATIONS[n].place_among(inverted) for n in inverted if n in COMBINATIONS)
    quantities = dict.fromkeys((*inverted, *places, *config.inversion.follow.names))
    pictures = [outputs.section(title, name) for name in quantities for title in outputs.SECTIONS]
    stages = [outputs.diagnosis(n) for n in range(1, len(config.inversion.stages) + 1)]
    files = (RESULT, STATE, JOURNAL, "convergence.png", "wavelets.png")
    vp = config.model.vp
    own = (START,) if isinstance(vp, ArrayFileSection) and vp.file.name == START else ()
    return (*files, *stages, *pictures, *own)


def _kernels(config: schema.InvertConfig, number: int) -> Kernels:
    """Kernels of the gradient and of the second derivative of a stage."""
    return INVERSION, optimizer.build(config.inversion.of(number).optimizer).curvature


VERB = Verb(
    plan=plan_inversion,
    run=run,
    outputs=_outputs,
    output_bytes=lambda plan: 2 * 4.0 * float(np.prod(plan.model.grid.shape)) * ARRAYS,
    kernels=_kernels,
    memory=ProcessMemory(command=185e6, alone=172e6, worker=53e6, records=2, arrays=30),
)
