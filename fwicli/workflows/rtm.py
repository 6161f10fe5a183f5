"""`fwi rtm`: a reverse-time migrated image from records and a smooth model."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.loader import Loaded
from fwicli.errors import DataError
from fwicli.execution import Local
from fwicli.files import hdf5, writing
from fwicli.imaging import filters, reflectivity
from fwicli.imaging.migration import MigrationTask, StackedTask, compensate
from fwicli.plotting import pictures
from fwicli.propagators.equations import properties
from fwicli.propagators.tasks import WindowedTask
from fwicli.survey import proximity
from fwicli.survey.bands import Band
from fwicli.survey.model import EarthModel
from fwicli.survey.proximity import Near
from fwicli.survey.regridding import Regridding, coarsened
from fwicli.workflows.assembly import survey
from fwicli.workflows.planning.plan import Plan, make_plan
from fwicli.workflows.run_folder import finished_shots, outputs, results
from fwicli.workflows.run_folder.folder import RunFolder, provenance
from fwicli.workflows.run_folder.manifest import PARTIAL
from fwicli.workflows.run_folder.progress import Progress, Silent

Array = NDArray[Any]

RESULT = outputs.IMAGE
UNDEFINED = (
    "the image has no correlation with the reference, since one of them is the same everywhere "
    "below the water"
)

log = logging.getLogger("fwicli")


def run(
    loaded: Loaded,
    folder: Path,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Migrate every shot, sum and filter the images; returns a summary."""
    progress = progress or Silent()
    started = time.monotonic()
    made = make_plan(loaded)
    imaging: schema.ImagingSection = loaded.config.imaging
    run_folder = RunFolder(folder, loaded)
    run_folder.open(resume, force)
    made.agree(run_folder)
    smooth, tasks = _tasks(loaded, made)
    finished = finished_shots.FinishedShots(run_folder.file(PARTIAL), len(tasks))
    with run_folder.logging(), Local(made.workers) as executor:
        made.announce()
        log.info("migrating %d shots with %d workers", len(tasks), made.workers)
        if made.stages[0].near.traces:
            log.info("%s", made.stages[0].near)
        kinds = (imaging.condition, "illumination")
        finished_shots.compile_missing(executor, made.stages[0].discretization(), kinds)
        progress.start("shots", len(tasks))
        raw, illumination = finished.add(executor, tasks, progress.update)
        progress.stop()
        image = raw
        # Before the image is moved to a finer grid: a Laplacian would show the kinks of that.
        if imaging.illumination > 0:
            image = compensate(image, illumination, imaging.illumination)
        if imaging.laplacian:
            image = filters.laplacian(image, coarsened(smooth, made.stages[0].grid))
        if (regridding := made.stages[0].regridding) is not None:
            illumination = regridding.to_fine(illumination)
            raw, image = (
                _on_the_fine(regridding, values, imaging.condition) for values in (raw, image)
            )
        image = np.where(survey.kept(smooth, imaging.mute), 0.0, image)
        summary: dict[str, Any] = {"result": str(folder / RESULT), "shots": len(tasks)}
        results.check({"image": image}, results.NO_IMAGE)
        expected = None
        if made.reference is not None:
            expected, correlation = _compare(made, made.reference, smooth, image)
            if correlation is None:
                log.warning("warning: %s", UNDEFINED)
            else:
                summary["correlation"] = correlation
        _write(run_folder.file(RESULT), smooth, raw, image, illumination, expected)
        finished.remove()
        pictures.image(run_folder.file("image.png"), image, smooth)
        if expected is not None:
            pictures.image(
                run_folder.file("reflectivity.png"), expected, smooth, "Band-limited reflectivity"
            )
        summary["seconds"] = round(time.monotonic() - started, 2)
        log.info("%d shots in %.1f s, in %s", len(tasks), summary["seconds"], folder / RESULT)
        if "correlation" in summary:
            log.info("correlation with the reference: %.3f", summary["correlation"])
        run_folder.step(summary)
    return summary


def _tasks(loaded: Loaded, made: Plan) -> tuple[EarthModel, list[StackedTask]]:
    """The smooth model on the grid of the image, and a task for each shot."""
    imaging: schema.ImagingSection = loaded.config.imaging
    records = made.gathers
    if records is None:
        raise DataError("there are no records to migrate")
    numerics = made.stages[0]
    smooth = coarsened(made.model, numerics.earth or numerics.grid)
    data = records.data
    if imaging.band is not None:
        data = Band(*imaging.band).apply(data, records.interval)
    discretization, near = numerics.discretization(), numerics.near.length
    earth = coarsened(smooth, numerics.grid)
    parameters = properties.parameters(discretization.equation, earth.properties)
    tasks = []
    # A shot without live traces has no image; its illumination would dim that of the others.
    for shot in np.flatnonzero(records.live.any(axis=1)).tolist():
        task = MigrationTask(
            discretization,
            parameters,
            made.wavelet,
            made.acquisition.source(shot),
            made.acquisition.receivers_of(shot)[records.live[shot]],
            data[shot][records.live[shot]],
            imaging.condition,
            imaging.subtract_modelled,
            None if near <= 0 else _near(made, shot, near),
        )
        tasks.append(StackedTask(WindowedTask(task, numerics.window(shot))))
    return smooth, tasks


def _near(made: Plan, shot: int, length: float) -> Near:
    """What is migrated of traces nearer to their source than a distance [m]."""
    distance = proximity.distances(made.acquisition, shot)
    return proximity.without(distance, length, made.wavelet, made.interval)


def _on_the_fine(regridding: Regridding, image: Array, condition: str) -> Array:
    """An image from the grid of the propagation on its own."""
    if condition == "gradient":
        # Also there it is the exact transpose of Born modelling.
        return regridding.to_coarse_transpose(image)
    # What enters at the receivers is spread over a cell, and so is the image.
    share = regridding.fine.cell_volume / regridding.coarse.cell_volume
    return share * regridding.to_fine(image)


def _compare(
    made: Plan, true: EarthModel, smooth: EarthModel, image: Array
) -> tuple[Array, float | None]:
    """Reflectivity of the reference, and its correlation with the image below the water."""
    true = coarsened(true, smooth.grid)
    expected = reflectivity.band_limited(true, smooth, made.wavelet, made.interval)
    return expected, reflectivity.correlation(image, expected, ~true.water())


@writing.deferring_signals()
def _write(
    path: Path,
    smooth: EarthModel,
    raw: Array,
    image: Array,
    illumination: Array,
    expected: Array | None,
) -> None:
    with writing.replacing(path) as file:
        named = {"image": image, "unfiltered": raw, "illumination": illumination}
        if expected is not None:
            named["reflectivity"] = expected
        for name, values in named.items():
            hdf5.write_on_grid(file, name, values.astype(np.float32), smooth.grid, "")
        hdf5.write_on_grid(file, "vp", smooth.vp.astype(np.float32), smooth.grid, "m/s")
        file.attrs.update(provenance())
