"""`fwi model`: shot records of a known earth, d = F(m) q."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.loader import Loaded
from fwicli.execution import Local
from fwicli.files import hdf5
from fwicli.plotting import pictures
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.equations import properties
from fwicli.propagators.tasks import ModellingTask, WindowedTask
from fwicli.survey.gathers import Gathers
from fwicli.survey.regridding import coarsened
from fwicli.workflows.planning.plan import Plan, make_plan
from fwicli.workflows.run_folder import finished_shots, outputs, results
from fwicli.workflows.run_folder.folder import RunFolder, provenance
from fwicli.workflows.run_folder.manifest import PARTIAL
from fwicli.workflows.run_folder.progress import Progress, Silent

Array = NDArray[Any]

RESULT = outputs.RECORDS

log = logging.getLogger("fwicli")


def _tasks(made: Plan, discretization: Discretization) -> list[WindowedTask]:
    """A task for each shot, on the grid of the propagation."""
    numerics = made.stages[0]
    earth = coarsened(made.model, numerics.grid)
    parameters = properties.parameters(discretization.equation, earth.properties)
    tasks = []
    for shot in range(made.acquisition.shots):
        task = ModellingTask(
            discretization,
            parameters,
            made.wavelet,
            made.acquisition.source(shot),
            made.acquisition.receivers_of(shot),
        )
        tasks.append(WindowedTask(task, numerics.window(shot)))
    return tasks


def run(
    loaded: Loaded,
    folder: Path,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Model every shot and write the records; returns a summary."""
    progress = progress or Silent()
    started = time.monotonic()
    made = make_plan(loaded)
    run_folder = RunFolder(folder, loaded)
    run_folder.open(resume, force)
    numerics = made.stages[0]
    discretization = numerics.discretization()
    tasks = _tasks(made, discretization)
    finished = finished_shots.FinishedShots(run_folder.file(PARTIAL), len(tasks))
    with run_folder.logging(), Local(made.workers) as executor:
        made.announce()
        log.info("modelling %d shots with %d workers", len(tasks), made.workers)
        finished_shots.compile_missing(executor, discretization)
        progress.start("shots", len(tasks))
        gathers = finished.collect(executor, tasks, progress.update)
        progress.stop()
        data = np.stack(gathers)
        results.check({"records": data}, results.NO_RECORDS)
        if silent := results.silent_shots(data):
            log.warning("warning: %s", silent)
        records = Gathers(
            made.acquisition, made.interval, data, made.wavelet, point_source=numerics.point_source
        )
        hdf5.write_gathers(run_folder.file(RESULT), records, provenance())
        finished.remove()
        pictures.model(run_folder.file("model.png"), made.model, made.acquisition)
        pictures.gathers(run_folder.file("gathers.png"), records)
        pictures.wavelet(run_folder.file("wavelet.png"), made.wavelet, made.interval)
        seconds = time.monotonic() - started
        log.info("%d shots in %.1f s, in %s", len(tasks), seconds, folder / RESULT)
        run_folder.step({"shots": len(tasks), "seconds": round(seconds, 3)})
    return {
        "result": str(folder / RESULT),
        "shots": len(tasks),
        "receivers": made.acquisition.traces,
        "samples": records.samples,
        "largest_pressure": float(np.abs(data).max()),
        "seconds": round(seconds, 2),
    }
