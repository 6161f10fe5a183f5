"""`fwi rtm`: a reverse-time migrated image from records and a smooth model."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.loader import Key, Loaded
from fwicli.errors import DataError
from fwicli.files import hdf5, writing
from fwicli.propagators.equations import registry
from fwicli.survey import proximity
from fwicli.survey.gathers import Gathers
from fwicli.survey.model import EarthModel
from fwicli.survey.proximity import Near
from fwicli.survey.regridding import Regridding, coarsened
from fwicli.survey.signals.bands import Band
from fwicli.survey.signals.wavelets import Spectrum
from fwicli.survey.traces import Traces
from fwicli.workflows.assembly import executors, survey
from fwicli.workflows.planning import live_traces, near_source, placement, simulation_grids
from fwicli.workflows.planning.checks import band_spectrum
from fwicli.workflows.planning.numerics import Numerics, discretize
from fwicli.workflows.planning.observed import observed
from fwicli.workflows.planning.plan import Plan, make_plan, workers
from fwicli.workflows.planning.problems import Problems
from fwicli.workflows.planning.requirements import Requirements
from fwicli.workflows.planning.simulation_grids import speeds
from fwicli.workflows.quality import one_shot
from fwicli.workflows.run_folder import finished_shots, outputs, results
from fwicli.workflows.run_folder.folder import RunFolder, provenance
from fwicli.workflows.run_folder.log_file import worker_output
from fwicli.workflows.run_folder.manifest import PARTIAL
from fwicli.workflows.run_folder.progress import Progress, Silent
from fwicli.workflows.verbs import Kernels, ProcessMemory, Verb

if TYPE_CHECKING:
    from fwicli.imaging.migration import StackedTask

Array = NDArray[Any]

RESULT = outputs.IMAGE
# Arrays on the grid of the model that an image and its intermediate files hold.
ARRAYS = 6
UNDEFINED = (
    "the image has no correlation with the reference, since one of them is the same everywhere "
    "below the water"
)

log = logging.getLogger("fwicli")


def plan_migration(
    problems: Problems, config: schema.RtmConfig, model: EarthModel | None
) -> Plan | None:
    """Plan a migration; None where there are problems.

    Parameters
    ----------
    problems : Problems
    config : RtmConfig
    model : EarthModel or None
        None where it has problems.

    Returns
    -------
    plan : Plan or None
    """
    data = observed(problems, config, model)
    if data is None or model is None:
        return None
    records, wavelet, reference = data
    band = None if config.imaging.band is None else Band(*config.imaging.band)
    spectrum: Spectrum | None = Spectrum.of(wavelet, records.interval).joint()
    if band is not None:
        key: Key = ("imaging", "band")
        spectrum = band_spectrum(problems, key, wavelet, records.interval, band)
        live_traces.check_recorded(problems, key, records, band)
        wavelet = band.apply(wavelet, records.interval)
    if spectrum is None:
        return None
    numerics = _of_image(problems, config, model, records, spectrum)
    if numerics is None:
        return None
    return Plan(
        "rtm",
        model,
        records.acquisition,
        wavelet,
        records.interval,
        [numerics],
        workers(config.execution, records.acquisition.shots),
        records,
        reference,
    )


def _of_image(
    problems: Problems,
    config: schema.RtmConfig,
    model: EarthModel,
    records: Gathers,
    spectrum: Spectrum,
) -> Numerics | None:
    """Numerics of a migration; None where there are problems."""
    physics, imaging = config.physics, config.imaging
    slowest, fastest = speeds(physics.equation, model)
    limit = simulation_grids.longest(physics, slowest, spectrum, simulation_grids.IMAGE_POINTS)
    spacing_key: Key = ("imaging", "spacing")
    grids = simulation_grids.grids(
        problems, physics, model.grid, limit, spacing_key, imaging.spacing
    )
    if grids is None:
        return None
    coarse, duration = coarsened(model, grids[0]), records.interval * (records.samples - 1)
    placement.within_reach(problems, ("data",), records.acquisition, fastest, duration)
    if survey.kept_points(coarse, imaging.mute).all():
        problems.add(("imaging", "mute"), _all_muted(imaging.mute, model))
    other = ("model", "spacing") if imaging.spacing is None else spacing_key
    required = Requirements(
        grids[1],
        simulation_grids.key(physics, other),
        speeds(physics.equation, coarse),
        slowest,
        spectrum,
        records.acquisition,
        (records.interval, records.samples),
    )
    numerics = discretize(problems, config, required)
    if numerics is None or problems.errors:
        return None
    numerics = simulation_grids.placed(numerics, physics, coarse, records.acquisition)
    # An image by the gradient is that of the compressibility, the first parameter.
    first = next(iter(registry.load(numerics.equation).parameters(model.grid.ndim)))
    parameters = (first,) if imaging.condition == "gradient" else ()
    near = near_source.nearest(
        problems,
        ("imaging", "near_source"),
        near_source.length(imaging.near_source, numerics.point_source, records),
        records,
        None if imaging.band is None else (imaging.band[0], imaging.band[1]),
    )
    return None if problems.errors else replace(numerics, parameters=parameters, near=near)


def _all_muted(mute: str | float, model: EarthModel) -> str:
    """Why nothing is left of an image."""
    what = f"`mute: {mute:g}`" if isinstance(mute, float) else f"`mute: {mute}`"
    return (
        f"{what} leaves out all of the image, down to {model.grid.end[-1]:g} m; set "
        f"`imaging.mute: nothing`, or a smaller depth"
    )


def run(
    loaded: Loaded,
    folder: str | Path,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Migrate every shot, sum and filter the images.

    Parameters
    ----------
    loaded : Loaded
        Config of `fwi rtm`.
    folder : Path
        Folder of the run.
    resume, force : bool
        Continue a run that was stopped, or overwrite it.
    progress : Progress, optional

    Returns
    -------
    summary : dict of str to object
    """
    started = time.monotonic()
    plan = make_plan(loaded)
    run_folder = RunFolder(Path(folder), loaded)
    resumed = run_folder.open(resume, force)
    progress = run_folder.heartbeat.followed(progress or Silent(), plan.workers)
    plan.agree(run_folder)
    smooth, tasks = _tasks(loaded.config.imaging, plan)
    finished = finished_shots.FinishedShots(run_folder.file(PARTIAL), len(tasks))
    execution, output = loaded.config.execution, partial(worker_output, run_folder.file)
    with run_folder.logging(), executors.start(execution, plan.workers, output) as executor:
        plan.announce()
        one_shot.warn(plan, loaded, executor, resumed)
        log.info("migrating %d shots with %d workers", len(tasks), plan.workers)
        if plan.stages[0].near.traces:
            log.info("%s", plan.stages[0].near)
        discretization = plan.stages[0].discretization()
        finished_shots.compile_missing(executor, discretization, *_kernels(loaded.config, 0))
        progress.start("shots", len(tasks))
        sums = finished.add(executor, tasks, progress.update)
        progress.stop()
        named = _images(loaded.config.imaging, plan.stages[0], smooth, (sums[0], sums[1]))
        summary: dict[str, Any] = {"result": str(run_folder.path / RESULT), "shots": len(tasks)}
        results.check({"image": named["image"]}, results.NO_IMAGE)
        if plan.reference is not None:
            named["reflectivity"], correlation = _compare(
                plan, plan.reference, smooth, named["image"]
            )
            if correlation is None:
                log.warning("warning: %s", UNDEFINED)
            else:
                summary["correlation"] = correlation
        _write(run_folder.file(RESULT), smooth, named)
        finished.remove()
        _draw(run_folder, smooth, named)
        summary["seconds"] = round(time.monotonic() - started, 2)
        log.info("%(shots)d shots in %(seconds).3g s, in %(result)s", summary)
        if "correlation" in summary:
            log.info("correlation with the reference: %.3f", summary["correlation"])
        run_folder.step(summary)
    return summary


def _images(
    imaging: schema.ImagingSection,
    numerics: Numerics,
    smooth: EarthModel,
    sums: tuple[Array, Array],
) -> dict[str, Array]:
    """Filtered image, sum of the images of the shots, and illumination, on the grid of the image.

    The sums of image and illumination are on the grid of the propagation.
    """
    from fwicli.imaging import filters
    from fwicli.imaging.migration import compensate

    unfiltered, illumination = sums
    image = unfiltered
    # Before the image is moved to a finer grid: a Laplacian would show the kinks of that.
    if imaging.illumination > 0:
        image = compensate(image, illumination, imaging.illumination)
    if imaging.laplacian:
        image = filters.laplacian(image, coarsened(smooth, numerics.grid))
    if (regridding := numerics.regridding) is not None:
        illumination = regridding.to_fine(illumination)
        unfiltered, image = (
            _on_the_fine(regridding, values, imaging.condition) for values in (unfiltered, image)
        )
    image = np.where(survey.kept_points(smooth, imaging.mute), 0.0, image)
    return {"image": image, "unfiltered": unfiltered, "illumination": illumination}


def _draw(folder: RunFolder, smooth: EarthModel, named: Mapping[str, Array]) -> None:
    """Pictures of the image, and of the reflectivity of the reference."""
    from fwicli.plotting import pictures  # late: a check needs no Matplotlib

    pictures.image(folder.file("image.png"), named["image"], smooth)
    if "reflectivity" in named:
        pictures.image(
            folder.file("reflectivity.png"),
            named["reflectivity"],
            smooth,
            "Band-limited reflectivity",
        )


def _tasks(imaging: schema.ImagingSection, plan: Plan) -> tuple[EarthModel, list[StackedTask]]:
    """The smooth model on the grid of the image, and a task for each shot."""
    from fwicli.imaging.migration import MigrationTask, StackedTask  # late: Devito
    from fwicli.propagators.equations import properties
    from fwicli.propagators.tasks import WindowedTask

    records = plan.gathers
    if records is None:
        raise DataError("there are no records to migrate")
    numerics = plan.stages[0]
    smooth = coarsened(plan.model, numerics.earth or numerics.grid)
    if imaging.band is not None:
        band = partial(Band(*imaging.band).apply, interval=records.interval)
        records = records.mapped(band)
    records = replace(records, wavelet=plan.wavelet)
    discretization, near = numerics.discretization(), numerics.near.length
    earth = coarsened(smooth, numerics.grid)
    parameters = properties.parameters(discretization.equation, earth.properties)
    tasks = []
    # A shot without live traces has no image; its illumination would dim that of the others.
    for shot in [n for n, row in enumerate(records.live) if row.any()]:
        task = MigrationTask(
            discretization,
            parameters,
            records.wavelet_of(shot),
            plan.acquisition.source(shot),
            plan.acquisition.receivers_of(shot)[records.live[shot]],
            _observed(records, shot),
            imaging.condition,
            imaging.subtract_modelled,
            None if near <= 0 else _near(records, shot, near),
            None if records.spans is None else records.span(shot),
        )
        tasks.append(StackedTask(WindowedTask(task, numerics.window(shot))))
    return smooth, tasks


def _observed(records: Gathers, shot: int) -> Array | Traces:
    """The live traces of a shot; those in a file are read by the worker."""
    if records.stored:
        return Traces.of(records.data).select([shot]).rows([records.live[shot]])
    return np.asarray(records.data[shot][records.live[shot]])


def _near(records: Gathers, shot: int, length: float) -> Near:
    """The part of traces near to their source that is migrated."""
    distance = proximity.distances(records.acquisition, shot)[records.live[shot]]
    return proximity.without(distance, length, records.wavelet_of(shot), records.interval)


def _on_the_fine(regridding: Regridding, image: Array, condition: str) -> Array:
    """An image from the grid of the propagation on its own."""
    if condition == "gradient":
        # Also there it is the exact transpose of Born modelling.
        return regridding.to_coarse_transpose(image)
    # A record is injected as a density over a cell, so that the image is a density, too.
    share = regridding.fine.cell_volume / regridding.coarse.cell_volume
    return share * regridding.to_fine(image)


def _compare(
    plan: Plan, true: EarthModel, smooth: EarthModel, image: Array
) -> tuple[Array, float | None]:
    """Reflectivity of the reference, and its correlation with the image below the water."""
    from fwicli.imaging import reflectivity

    true = coarsened(true, smooth.grid)
    expected = reflectivity.band_limited(true, smooth, plan.wavelet, plan.interval)
    return expected, reflectivity.correlation(image, expected, ~true.water())


@writing.deferring_signals()
def _write(path: Path, smooth: EarthModel, named: Mapping[str, Array]) -> None:
    with writing.replacing(path) as file:
        for name, values in named.items():
            hdf5.write_on_grid(file, name, values.astype(np.float32), smooth.grid, "")
        hdf5.write_on_grid(file, "vp", smooth.vp.astype(np.float32), smooth.grid, "m/s")
        file.attrs.update(provenance())


def _kernels(config: schema.RtmConfig, _number: int) -> Kernels:
    """Kernels of the imaging condition and of the illumination."""
    return (config.imaging.condition, "illumination"), None


VERB = Verb(
    plan=plan_migration,
    run=run,
    outputs=lambda _: (RESULT, PARTIAL, "image.png", "reflectivity.png"),
    output_bytes=lambda plan: 2 * 4.0 * float(np.prod(plan.model.grid.shape)) * ARRAYS,
    kernels=_kernels,
    memory=ProcessMemory(command=150e6, alone=163e6, worker=32e6, records=2, arrays=8),
)
