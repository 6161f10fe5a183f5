"""`fwi rtm`: a reverse-time migrated image from records and a smooth model."""

from __future__ import annotations

import logging
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.imaging import GathersSection, ImagingSection
from fwicli.config.loader import Loaded
from fwicli.files import hdf5, writing
from fwicli.imaging.conditions.names import EXCITATION_IMAGE
from fwicli.survey.model import EarthModel
from fwicli.survey.regridding import Regridding, coarsened
from fwicli.workflows.assembly import executors, images, survey
from fwicli.workflows.assembly.equation import wave_equation
from fwicli.workflows.inversion.migration.records import MigrationRecords, smooth_model
from fwicli.workflows.planning import migration
from fwicli.workflows.planning.costs import forecast
from fwicli.workflows.planning.numerics import Numerics
from fwicli.workflows.planning.plan import Plan, make_plan
from fwicli.workflows.quality import one_shot
from fwicli.workflows.run_folder import finished_shots, outputs, parts, results
from fwicli.workflows.run_folder.finished_sums import FinishedSums, block_size
from fwicli.workflows.run_folder.folder import RunFolder, provenance
from fwicli.workflows.run_folder.log_file import worker_output
from fwicli.workflows.run_folder.manifest import PARTIAL
from fwicli.workflows.run_folder.parts import Part, PartFolder
from fwicli.workflows.run_folder.progress import Progress, Silent
from fwicli.workflows.verbs import Kernels, ProcessMemory, Verb

if TYPE_CHECKING:
    from fwicli.propagators.tasks import SummandTask

Array = NDArray[Any]

RESULT, GATHERS = outputs.IMAGE, "gathers.h5"
PICTURES = ("image.png", "reflectivity.png", "image_gathers.png")
# Arrays on the grid of the model that an image and its intermediate files hold.
ARRAYS = 6
UNDEFINED = (
    "the image has no correlation with the reference, since one of them is the same everywhere "
    "below the water"
)

log = logging.getLogger("fwicli")


def run(
    loaded: Loaded,
    folder: str | Path,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
    shots: range | None = None,
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
    shots : range, optional
        Shots of a part of the run (see `run_folder.parts`); by default all.

    Returns
    -------
    summary : dict of str to object
    """
    started = time.monotonic()
    plan = make_plan(loaded)
    count = plan.acquisition.shots
    parts.check_shots(shots or range(count), count)
    run_folder = parts.run_folder(Path(folder), loaded, shots)
    resumed = run_folder.open(resume, force)
    progress = run_folder.heartbeat.followed(progress or Silent(), plan.workers)
    plan.agree(run_folder)
    forecast.note(plan, loaded, run_folder)
    migrated = MigrationRecords(plan, loaded.config.imaging)
    tasks = _tasks(loaded.config.imaging, plan, migrated)
    part = range(len(tasks)) if shots is None else _within(migrated.shots, shots)
    finished = FinishedSums(run_folder.file(PARTIAL), len(tasks), plan.stages[0].grid)
    execution, output = loaded.config.execution, partial(worker_output, run_folder.file)
    with run_folder.logging(), executors.start(execution, plan.workers, output) as executor:
        plan.announce()
        # One part says for all how well records and model go together.
        one_shot.warn(plan, loaded, executor, resumed or (shots is not None and shots.start > 0))
        log.info("migrating %d shots, %d at a time", len(part), plan.workers)
        if plan.stages[0].near.traces:
            log.info("%s", plan.stages[0].near)
        discretization = plan.stages[0].discretization()
        finished_shots.compile_missing(executor, discretization, *_kernels(loaded.config, 0))
        progress.start("shots", len(part))
        size = block_size(len(part), plan.workers)
        finished.add(executor, tasks, part, size, progress.update)
        progress.stop()
        if isinstance(run_folder, PartFolder):
            record = {"of": count, "shots": len(part), **_seconds(started)}
            return run_folder.complete(record, PARTIAL)
        return _conclude(loaded, run_folder, plan, finished, started)


def merge(
    loaded: Loaded, run_folder: RunFolder, pieces: Sequence[Part], progress: Progress
) -> dict[str, Any]:
    """Add the sums of all parts, and filter the image.

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
        If the sums of a part are damaged.
    """
    started = time.monotonic()
    plan = make_plan(loaded)
    forecast.note(plan, loaded, run_folder)
    grid = plan.stages[0].grid
    count = len(MigrationRecords(plan, loaded.config.imaging).shots)
    progress = run_folder.heartbeat.followed(progress, workers=1)
    with run_folder.logging():
        finished = FinishedSums(run_folder.file(PARTIAL), count, grid)
        progress.start("merged parts", len(pieces))
        for number, piece in enumerate(pieces, start=1):
            finished.merge(FinishedSums(piece.path / PARTIAL, count, grid))
            progress.update(number)
        progress.stop()
        return _conclude(loaded, run_folder, plan, finished, started)


def _within(migrated: Sequence[int], shots: range) -> range:
    """Tasks of the shots of a part."""
    return range(bisect_left(migrated, shots.start), bisect_left(migrated, shots.stop))


def _conclude(
    loaded: Loaded, run_folder: RunFolder, plan: Plan, finished: FinishedSums, started: float
) -> dict[str, Any]:
    """Filter, check, compare, write and draw the image, and sum up."""
    result, shots = run_folder.path / RESULT, finished.count
    smooth = smooth_model(plan)
    sums = finished.total()
    # Before they are divided and filtered, which has no value for them.
    results.check(sums, results.NO_IMAGE, may_be_zero=True)
    named = _images(loaded.config.imaging, plan.stages[0], smooth, sums)
    summary: dict[str, Any] = {"result": str(result), "shots": shots}
    results.check({"image": named["image"]}, results.NO_IMAGE)
    if plan.reference is not None:
        named["reflectivity"], correlation = _compare(plan, plan.reference, smooth, named["image"])
        if correlation is None:
            log.warning("warning: %s", UNDEFINED)
        else:
            summary["correlation"] = correlation
    _write(run_folder.file(RESULT), smooth, named)
    if loaded.config.imaging.gathers is not None:
        velocity = coarsened(smooth, plan.stages[0].grid).vp
        _gathers(loaded.config.imaging.gathers, run_folder, plan, sums, velocity)
    finished.remove()
    _draw(run_folder, smooth, named, loaded.config.imaging.gain)
    summary |= _seconds(started)
    log.info("%d shots in %.3g s, in %s", shots, summary["seconds"], result)
    if "correlation" in summary:
        log.info("correlation with the reference: %.3f", summary["correlation"])
    run_folder.step(summary)
    return summary


def _seconds(started: float) -> dict[str, float]:
    return {"seconds": round(time.monotonic() - started, 2)}


def _images(
    imaging: ImagingSection,
    numerics: Numerics,
    smooth: EarthModel,
    sums: Mapping[str, Array],
) -> dict[str, Array]:
    """Filtered image, sum of the images of the shots, and illumination, on the grid of the image.

    The sums of image and illumination are on the grid of the propagation.
    """
    from fwicli.imaging import filters
    from fwicli.imaging.migration import compensate

    image = unfiltered = sums["image"]
    illumination = _energy(imaging, numerics, sums["illumination"])
    # Before the image is moved to a finer grid: a Laplacian would show the kinks of that.
    if imaging.illumination > 0 and imaging.condition != EXCITATION_IMAGE:
        image = compensate(image, illumination, imaging.illumination)
    if imaging.has_laplacian:
        image = filters.laplacian(image, coarsened(smooth, numerics.grid))
    if imaging.low_cut is not None:
        image = filters.low_cut(image, numerics.grid, imaging.low_cut)
    if imaging.max_dip is not None:
        image = filters.dips(image, numerics.grid, imaging.max_dip)
    if (regridding := numerics.regridding) is not None:
        illumination = regridding.to_fine(illumination)
        unfiltered, image = (
            _on_the_fine(regridding, values, imaging.condition) for values in (unfiltered, image)
        )
    muted = survey.kept_points(smooth, imaging.mute)
    image = image * filters.mute_weights(muted, smooth.grid, imaging.mute_taper)
    return {"image": image, "unfiltered": unfiltered, "illumination": illumination}


def _gathers(
    section: GathersSection,
    folder: RunFolder,
    plan: Plan,
    sums: Mapping[str, Array],
    velocity: Array,
) -> None:
    """Write and draw the gathers of the image."""
    from fwicli.imaging.extended.migration import gathers_of

    discretization, sources = plan.stages[0].discretization(), plan.acquisition.sources
    grid = discretization.grid
    values = gathers_of(sums, plan.stages[0].gathers)
    if values is None:
        return
    gathers = images.gathers(section, discretization, sources, values, velocity)
    with writing.deferring_signals(), writing.replacing(folder.file(GATHERS)) as file:
        arrays = {"gathers": gathers.values}
        file["lags"] = gathers.lags
        file.attrs.update({"kind": gathers.kind, "unit_of_lags": gathers.unit, **provenance()})
        if gathers.angles.size:
            file["angles"] = gathers.angles
            arrays["angle_gathers"] = gathers.by_angle
        if gathers.moveout is not None:
            arrays |= {gathers.curvature: gathers.moveout.curvature}
            arrays |= {"semblance": gathers.moveout.semblance}
        for name, array in arrays.items():
            unit = "m" if name == "curvature" else ""
            hdf5.write_on_grid(file, name, array.astype(np.float32), grid, unit)
    if grid.ndim == 2:
        images.draw(folder.file("image_gathers.png"), gathers, grid, section.at)


def _energy(imaging: ImagingSection, numerics: Numerics, energy: Array) -> Array:
    """The energy that divides the image, smoothed; what probing leaves below zero is zero."""
    from scipy import ndimage

    if imaging.illumination_smoothing > 0:
        width = [imaging.illumination_smoothing / h for h in numerics.grid.spacing]
        if numerics.topography is not None:
            energy = numerics.topography.fill(energy)  # else the air would lower it beside
        energy = ndimage.gaussian_filter(energy, width, mode="nearest")
    return np.maximum(energy, 0.0)


def _draw(
    folder: RunFolder, smooth: EarthModel, named: Mapping[str, Array], gain: float | None
) -> None:
    """Pictures of the image, and of the reflectivity of the reference."""
    from fwicli.imaging import filters
    from fwicli.plotting import pictures  # late: a check needs no Matplotlib

    titles = {"image": "Reverse-time migration", "reflectivity": "Band-limited reflectivity"}
    for name in titles.keys() & named.keys():
        values, title = named[name], titles[name]
        if gain is not None:
            values = filters.balanced(values, smooth.grid, gain)
            title += f" (gain for display: amplitudes balanced over {gain:g} m)"
        pictures.image(folder.file(f"{name}.png"), values, smooth, title)


def _tasks(imaging: ImagingSection, plan: Plan, migrated: MigrationRecords) -> list[SummandTask]:
    """A task for each shot with live traces, whose result is a `Stack`."""
    from fwicli.imaging.extended.migration import ExtendedMigrationTask  # late: Devito
    from fwicli.propagators.tasks import SummandTask, WindowedTask

    numerics = plan.stages[0]
    discretization = numerics.discretization()
    earth = coarsened(migrated.smooth, numerics.grid)
    parameters = images.parameters(imaging, migrated.parameters, earth)
    tasks = []
    for shot in migrated.shots:
        places = plan.acquisition.sources, migrated.places(shot)[1]
        task = ExtendedMigrationTask(
            discretization,
            parameters,
            migrated.records.wavelet_of(shot),
            *migrated.places(shot),
            migrated.observed(shot),
            near=migrated.near(shot),
            span=migrated.span(shot),
            conditioning=migrated.preparation(shot).conditioning,
            **images.options(imaging, discretization, shot, *places),
        )
        tasks.append(SummandTask(WindowedTask(task, numerics.window(shot))))
    return tasks


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
    return expected, reflectivity.correlation(image, expected, ~true.covered())


@writing.deferring_signals()
def _write(path: Path, smooth: EarthModel, named: Mapping[str, Array]) -> None:
    with writing.replacing(path) as file:
        for name, values in named.items():
            hdf5.write_on_grid(file, name, values.astype(np.float32), smooth.grid, "")
        hdf5.write_on_grid(file, "vp", smooth.vp.astype(np.float32), smooth.grid, "m/s")
        hdf5.write_surface(file, smooth.topography)
        file.attrs.update(provenance())


def _kernels(config: schema.RtmConfig, _number: int) -> Kernels:
    """Kernels of the imaging condition and of the illumination."""
    return images.kernel_sums(config.imaging, wave_equation(config.physics)), None


def _output_bytes(plan: Plan) -> float:
    """Images and gathers with their intermediate sums, of which there are two at a time [bytes]."""
    points, numerics = float(np.prod(plan.model.grid.shape)), plan.stages[0]
    gathers = numerics.gathers * float(np.prod(numerics.grid.shape))
    return 2 * 4.0 * points * ARRAYS + (4 + 2 * 8) * gathers


VERB = Verb(
    plan=migration.plan,
    run=run,
    outputs=lambda _: (RESULT, GATHERS, PARTIAL, *PICTURES),
    output_bytes=_output_bytes,
    kernels=_kernels,
    merge=merge,
    memory=ProcessMemory(command=180e6, alone=155e6, worker=13e6, records=2, arrays=8),
)
