"""Plan of a migration: records, band, grids and numerics of `fwi rtm` and `fwi lsrtm`."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np

from fwicli.config import schema
from fwicli.config.imaging import ImagingSection
from fwicli.config.loader import Key
from fwicli.imaging.conditions.names import CHANGES, available, sums
from fwicli.propagators.equations import registry
from fwicli.survey.gathers import Gathers
from fwicli.survey.model import EarthModel
from fwicli.survey.regridding import coarsened
from fwicli.survey.signals import line_source
from fwicli.survey.signals.bands import Band
from fwicli.survey.signals.wavelets import Spectrum
from fwicli.workflows.assembly import survey
from fwicli.workflows.assembly.images import needs_fields
from fwicli.workflows.planning import history, live_traces, near_source, placement, simulation_grids
from fwicli.workflows.planning.checks import band_spectrum
from fwicli.workflows.planning.numerics import Numerics, discretize
from fwicli.workflows.planning.observed import observed
from fwicli.workflows.planning.plan import Plan, workers
from fwicli.workflows.planning.problems import Problems
from fwicli.workflows.planning.requirements import Requirements
from fwicli.workflows.planning.simulation_grids import speeds

# Memory of the fields of a shot while they are made and multiplied, in fields of (samples, *grid).
FIELD_COPIES = 6
# Commands by the section of a migration.
COMMANDS = {
    schema.RtmConfig.section: "rtm",
    schema.LsrtmConfig.section: "lsrtm",
}


def plan(
    problems: Problems, config: schema.MigrationConfig, model: EarthModel | None
) -> Plan | None:
    """Plan a migration; None where there are problems.

    Parameters
    ----------
    problems : Problems
    config : MigrationConfig
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
    section = config.migration
    if section.line_source:
        records = records.mapped(
            partial(
                line_source.records,
                velocity=section.line_source.velocity,
                delay=section.line_source.delay,
                interval=records.interval,
            )
        )
    band = None if section.band is None else Band(*section.band)
    spectrum: Spectrum | None = Spectrum.of(wavelet, records.interval).joint()
    if band is not None:
        key: Key = (config.section, "band")
        spectrum = band_spectrum(problems, key, wavelet, records.interval, band)
        live_traces.check_recorded(problems, key, records, band)
        wavelet = band.apply(wavelet, records.interval)
    if spectrum is None:
        return None
    numerics = _of_image(problems, config, model, records, spectrum)
    if numerics is None:
        return None
    return Plan(
        COMMANDS[config.section],
        model,
        records.acquisition,
        wavelet,
        records.interval,
        [numerics],
        workers(config.execution, records.acquisition.shots),
        records,
        reference,
        iterations=config.least_squares.iterations if isinstance(config, schema.LsrtmConfig) else 0,
    )


def _of_image(
    problems: Problems,
    config: schema.MigrationConfig,
    model: EarthModel,
    records: Gathers,
    spectrum: Spectrum,
) -> Numerics | None:
    """Numerics of a migration; None where there are problems."""
    physics, imaging, name = config.physics, config.migration, config.section
    if not _has_image(problems, config, model.grid.ndim):
        return None
    slowest, fastest = speeds(physics.equation, model)
    limit = simulation_grids.longest(physics, slowest, spectrum, simulation_grids.IMAGE_POINTS)
    spacing_key: Key = (name, "spacing")
    grids = simulation_grids.grids(
        problems, physics, model.grid, limit, spacing_key, imaging.spacing
    )
    if grids is None:
        return None
    coarse, duration = coarsened(model, grids[0]), records.interval * (records.samples - 1)
    placement.within_reach(problems, ("data",), records.acquisition, fastest, duration)
    if survey.kept_points(coarse, imaging.mute).all():
        problems.add((name, "mute"), _all_muted(imaging.mute, name, model))
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
    near = near_source.nearest(
        problems,
        (name, "near_source"),
        near_source.length(imaging.near_source, numerics.point_source, records),
        records,
        None if imaging.band is None else (imaging.band[0], imaging.band[1]),
    )
    _check_fields(problems, config, numerics, records.acquisition.shots)
    linear, parameters = isinstance(config, schema.LsrtmConfig), _differentiated(config, model)
    numerics = replace(numerics, parameters=parameters, near=near, curvature=linear)
    return None if problems.errors else numerics


def _has_image(problems: Problems, config: schema.MigrationConfig, ndim: int) -> bool:
    """Whether an equation has the image of a condition; if not, a problem says so."""
    equation, condition = config.physics.equation, getattr(config.migration, "condition", "")
    names = available(equation, ndim)
    if condition in names or condition not in CHANGES:
        return True
    problems.add(
        ("imaging", "condition"),
        f"the equation `{equation}` has no image `{condition}`; choose one of "
        f"{', '.join(names)}, or an equation that has the property",
    )
    return False


def _check_fields(
    problems: Problems, config: schema.MigrationConfig, numerics: Numerics, shots: int
) -> None:
    """Make sure that the two fields of a shot, where they are kept, fit into memory."""
    if not isinstance(config.migration, ImagingSection) or not needs_fields(config.migration):
        return
    every = max(1, numerics.history_step // numerics.time.substeps)
    samples = (numerics.time.samples - 1) // every + 1
    points = math.prod(numerics.window(0).shape)
    size = FIELD_COPIES * samples * points * np.dtype(numerics.precision).itemsize
    count = workers(config.execution, shots)
    available = history.memory(config.execution)
    if count * size > available:
        problems.add(
            (config.section, "gathers"),
            f"gathers of lags and separated fields keep both fields of a shot, {size / 1e9:.3g} GB "
            f"for each of {count} workers, and there are {available / 1e9:.3g} GB; set a larger "
            f"`{config.section}.spacing`, a smaller `physics.aperture`, or fewer "
            f"`execution.workers`",
        )
    else:
        problems.note(
            f"both fields of a shot are kept for its image or gathers: {size / 1e9:.3g} GB a worker"
        )


def _differentiated(config: schema.MigrationConfig, model: EarthModel) -> tuple[str, ...]:
    """Parameters whose gradients an image is made of."""
    imaging, equation, ndim = config.migration, config.physics.equation, model.grid.ndim
    # An image by the gradient is that of the compressibility, the first parameter.
    first = next(iter(registry.load(equation).parameters(ndim)))
    if not isinstance(imaging, ImagingSection) or imaging.condition == "gradient":
        return (first,)
    needed = sums(imaging.condition, equation, ndim)[1] if imaging.condition in CHANGES else ()
    return needed or ((first,) if imaging.illumination_of == "hessian" else ())


def _all_muted(mute: str | float, section: str, model: EarthModel) -> str:
    """Why nothing is left of an image."""
    what = f"`mute: {mute:g}`" if isinstance(mute, float) else f"`mute: {mute}`"
    return (
        f"{what} leaves out all of the image, down to {model.grid.end[-1]:g} m; set "
        f"`{section}.mute: nothing`, or a smaller depth"
    )
