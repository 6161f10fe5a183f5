"""`fwi model`: shot records of a known earth, d = F(m) q."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.loader import Loaded
from fwicli.files import hdf5
from fwicli.files.record_files import UnwrittenTraces
from fwicli.propagators.equations import registry
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.components import PRESSURE
from fwicli.survey.gathers import Gathers
from fwicli.survey.model import EarthModel
from fwicli.survey.regridding import coarsened
from fwicli.survey.signals.wavelets import Spectrum
from fwicli.workflows.assembly import executors, plausibility, sizes
from fwicli.workflows.assembly import geometry as positions
from fwicli.workflows.assembly.equation import wave_equation
from fwicli.workflows.assembly.wavelet_files import Shots
from fwicli.workflows.assembly.wavelets import signature
from fwicli.workflows.planning import grid_accuracy, placement, simulation_grids, source_waves
from fwicli.workflows.planning.costs import forecast
from fwicli.workflows.planning.numerics import Numerics, discretize
from fwicli.workflows.planning.plan import Plan, make_plan, workers
from fwicli.workflows.planning.problems import Problems
from fwicli.workflows.planning.requirements import Requirements, Signal
from fwicli.workflows.planning.simulation_grids import speeds
from fwicli.workflows.run_folder import finished_shots, outputs, parts
from fwicli.workflows.run_folder.finished_records import FinishedRecords
from fwicli.workflows.run_folder.folder import RunFolder, provenance
from fwicli.workflows.run_folder.log_file import worker_output
from fwicli.workflows.run_folder.manifest import PARTIAL
from fwicli.workflows.run_folder.parts import Part, PartFolder
from fwicli.workflows.run_folder.progress import Progress, Silent
from fwicli.workflows.verbs import ProcessMemory, Verb

if TYPE_CHECKING:
    from fwicli.propagators.discretization import Discretization
    from fwicli.propagators.tasks import WindowedTask

Array = NDArray[Any]

RESULT = outputs.RECORDS

log = logging.getLogger("fwicli")


def plan_modelling(
    problems: Problems, config: schema.ModelConfig, model: EarthModel | None
) -> Plan | None:
    """Plan the modelling of a config; None where there are problems.

    Parameters
    ----------
    problems : Problems
    config : ModelConfig
    model : EarthModel or None
        None where it has problems.

    Returns
    -------
    plan : Plan or None
    """
    sampled = problems.get(("time",), lambda: plausibility.record(config.time))
    layout = None
    if model is not None:
        ndim = model.grid.ndim
        layout = problems.get(
            ("geometry",), partial(positions.layout, config.geometry, ndim, model.topography)
        )
    wavelet = _wavelet(problems, config, sampled, layout)
    if model is None or layout is None:
        return None
    physics, ndim, geometry = config.physics, model.grid.ndim, layout.acquisition
    problems.note(*layout.notes)
    equation = wave_equation(physics)
    check = registry.load(equation).check_components
    problems.get(("geometry",), partial(check, geometry))
    placement.in_rock(problems, ("geometry",), model, geometry, layout.on_map)
    placement.sounding(problems, ("geometry",), physics, model, geometry)
    source_waves.moments_in_rock(problems, ("geometry",), physics, model, geometry)
    source_waves.without_slow_shear(problems, physics, model, geometry)
    if sampled is None or wavelet is None:
        return None
    interval, count = sampled
    # Records are written as shots come: that of one shot must fit.
    largest = geometry.counts.max(keepdims=True)
    problems.get(("geometry",), lambda: sizes.records(largest, count, ndim))
    signal = Signal(Spectrum.of(wavelet, interval).joint(), wavelet, interval, count)
    numerics = _numerics(problems, config, model, geometry, signal)
    if numerics is None or problems.errors:
        return None
    count_workers = workers(config.execution, geometry.shots)
    return Plan(problems.loaded.kind, model, geometry, wavelet, interval, [numerics], count_workers)


def _numerics(
    problems: Problems,
    config: schema.ModelConfig,
    model: EarthModel,
    geometry: Acquisition,
    signal: Signal,
) -> Numerics | None:
    """Grid, time axis and windows of the waves; None where there are problems."""
    physics, sampled = config.physics, (signal.interval, signal.samples)
    slowest, fastest = speeds(wave_equation(physics), model)
    duration = signal.interval * (signal.samples - 1)
    placement.within_reach(problems, ("geometry",), geometry, fastest, duration)
    estimate = grid_accuracy.estimate(problems, physics, model, geometry, signal)
    limit = simulation_grids.longest(physics, slowest, signal.spectrum)
    limit = grid_accuracy.coarsest(estimate, limit)
    grids = simulation_grids.grids(problems, physics, model.grid, limit)
    if grids is None:
        return None
    key = simulation_grids.key(physics, ("model", "spacing"))
    required = Requirements(
        grids[1], key, (slowest, fastest), slowest, signal.spectrum, geometry, sampled
    )
    required = replace(required, topography=model.topography)
    numerics = discretize(problems, config, required)
    if numerics is None or problems.errors:
        return None
    numerics = simulation_grids.placed(numerics, physics, model, geometry)
    return replace(numerics, accuracy=grid_accuracy.judged(estimate, problems, grids, key))


def _wavelet(
    problems: Problems,
    config: schema.ModelConfig,
    sampled: tuple[float, int] | None,
    layout: positions.SurveyLayout | None,
) -> Array | None:
    """The wavelet of all shots or of each; None where there are problems."""
    if sampled is None:
        return None
    count = None if layout is None else layout.acquisition.shots
    shots = Shots(count, getattr(config.geometry, "records", None))
    return problems.get(("wavelet",), lambda: signature(config.wavelet, *sampled, shots))


def modelling_tasks(plan: Plan, discretization: Discretization) -> list[WindowedTask]:
    """A task for each shot, on the grid of the propagation.

    Parameters
    ----------
    plan : Plan
    discretization : Discretization
        That of the plan.

    Returns
    -------
    tasks : list of WindowedTask
        Each gives a gather of shape (n_receivers, samples).
    """
    from fwicli.propagators.equations import properties
    from fwicli.propagators.tasks import ModellingTask, WindowedTask

    numerics = plan.stages[0]
    earth = coarsened(plan.model, numerics.grid)
    parameters = properties.parameters(discretization.equation, earth.properties)
    tasks = []
    for shot in range(plan.acquisition.shots):
        task = ModellingTask(
            discretization,
            parameters,
            plan.wavelet if plan.wavelet.ndim == 1 else plan.wavelet[shot],
            plan.acquisition.source_points(shot),
            plan.acquisition.receiver_points(shot),
        )
        tasks.append(WindowedTask(task, numerics.window(shot)))
    return tasks


def run(
    loaded: Loaded,
    folder: str | Path,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
    shots: range | None = None,
) -> dict[str, Any]:
    """Model every shot and write the records.

    Parameters
    ----------
    loaded : Loaded
        Config of `fwi model`.
    folder : Path
        Folder of the run.
    resume, force : bool
        Continue a run that was stopped, or overwrite it.
    progress : Progress, optional
    shots : range, optional
        Shots of a part of the run (see `run_folder.parts`); by default all.

    Returns
    -------
    summary : dict of str to object
    """
    started = time.monotonic()
    plan = make_plan(loaded)
    part = range(plan.acquisition.shots) if shots is None else shots
    parts.check_shots(part, plan.acquisition.shots)
    run_folder = parts.run_folder(Path(folder), loaded, shots)
    run_folder.open(resume, force)
    forecast.note(plan, loaded, run_folder)
    progress = run_folder.heartbeat.followed(progress or Silent(), plan.workers)
    discretization = plan.stages[0].discretization()
    tasks = modelling_tasks(plan, discretization)[part.start : part.stop]
    output = partial(worker_output, run_folder.file)
    with run_folder.logging(), _records(run_folder) as finished:
        plan.announce()
        # The workers end before pictures are drawn, which takes much memory.
        with executors.start(loaded.config.execution, plan.workers, output) as executor:
            log.info("modelling %d shots, %d at a time", len(tasks), plan.workers)
            finished_shots.compile_missing(executor, discretization, acquisition=plan.acquisition)
            finished.open(_announced(plan, part), provenance, plan.model.topography)
            progress.start("shots", len(tasks))
            finished.collect(executor, tasks, progress.update)
            progress.stop()
        if isinstance(run_folder, PartFolder):
            finished.publish()
            record = {"of": plan.acquisition.shots, "shots": len(part)}
            return run_folder.complete({**record, **_seconds(started)}, RESULT)
        return _conclude(run_folder, plan, finished, started)


def merge(
    loaded: Loaded, run_folder: RunFolder, pieces: Sequence[Part], progress: Progress
) -> dict[str, Any]:
    """Put the records of all parts into one file.

    Parameters
    ----------
    loaded : Loaded
        Config of the parts.
    run_folder : RunFolder
        It is open.
    pieces : sequence of Part
        They are complete, and have all shots.
    progress : Progress

    Returns
    -------
    summary : dict of str to object

    Raises
    ------
    DataError
        If the records of a part are not those that it has written.
    """
    started = time.monotonic()
    plan = make_plan(loaded)
    forecast.note(plan, loaded, run_folder)
    progress = run_folder.heartbeat.followed(progress, workers=1)
    with run_folder.logging(), _records(run_folder) as finished:
        every = _announced(plan, range(plan.acquisition.shots))
        finished.open(every, provenance, plan.model.topography)
        progress.start("merged shots", plan.acquisition.shots)
        for piece in pieces:
            finished.copy(piece.path / RESULT, piece.path / PARTIAL, piece.shots, progress.update)
        progress.stop()
        return _conclude(run_folder, plan, finished, started)


@contextmanager
def _records(run_folder: RunFolder) -> Iterator[FinishedRecords]:
    """Records of a run, in a file beside that of the result."""
    paths = [run_folder.file(name) for name in (PARTIAL, outputs.UNFINISHED, RESULT)]
    finished = FinishedRecords(*paths)
    try:
        yield finished
    finally:
        finished.close()


def _announced(plan: Plan, part: range) -> Gathers:
    """The records of some shots of a plan, without their samples."""
    numerics, geometry = plan.stages[0], plan.acquisition
    kind = np.dtype(numerics.discretization().precision)
    traces = UnwrittenTraces(geometry.counts, numerics.time.samples, kind)
    records = Gathers(
        geometry, plan.interval, traces, plan.wavelet, point_source=numerics.point_source
    )
    return records.select(slice(part.start, part.stop))


def _conclude(
    run_folder: RunFolder, plan: Plan, finished: FinishedRecords, started: float
) -> dict[str, Any]:
    """Check the records as a whole, give them their name, draw some, and sum up."""
    if silent := finished.check():
        log.warning("warning: %s", silent)
    finished.publish()
    finished.remove()
    _draw(run_folder, plan)
    shots, seconds = plan.acquisition.shots, _seconds(started)
    log.info("%d shots in %.3g s, in %s", shots, seconds["seconds"], finished.result)
    run_folder.step({"shots": shots, **seconds})
    return {
        "result": str(finished.result),
        "shots": shots,
        "receivers": plan.receivers,
        "samples": plan.stages[0].time.samples,
        **_largest(plan.acquisition, finished.largest),
        **seconds,
    }


def _largest(acquisition: Acquisition, value: float | None) -> dict[str, Any]:
    """The largest value of all records: a pressure where pressures are recorded."""
    recorded, _ = acquisition.components
    return {"largest_pressure" if PRESSURE in recorded else "largest_motion": value}


def _seconds(started: float) -> dict[str, float]:
    return {"seconds": round(time.monotonic() - started, 2)}


def _draw(folder: RunFolder, plan: Plan) -> None:
    from fwicli.plotting import pictures  # late: a check needs no Matplotlib

    records = hdf5.read_gathers(folder.path / RESULT, stored=True)
    pictures.properties(folder.file("model.png"), plan.model, plan.acquisition)
    pictures.gathers(folder.file("gathers.png"), records)
    unit = plan.acquisition.emitted_by(0).source_unit(plan.model.grid.ndim)
    pictures.wavelet(folder.file("wavelet.png"), plan.wavelet, plan.interval, unit)


VERB = Verb(
    plan=plan_modelling,
    run=run,
    outputs=lambda _: (
        RESULT,
        outputs.UNFINISHED,
        PARTIAL,
        "model.png",
        "gathers.png",
        "wavelet.png",
    ),
    output_bytes=lambda plan: (
        4.0 * float(plan.acquisition.counts.sum()) * plan.stages[0].time.samples
    ),
    merge=merge,
    keeps_history=False,
    memory=ProcessMemory(command=96e6, alone=126e6, worker=12e6, records=4, arrays=2),
)
