"""Plan of a migration: records, band, grids and numerics of `fwi rtm` and `fwi lsrtm`."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np

from fwicli.config import schema
from fwicli.config.conditioning import (
    FirstArrivalsSection,
    MoveoutByFrequencySection,
    MoveoutSection,
)
from fwicli.config.imaging import GathersSection, ImagingSection
from fwicli.config.least_squares import LsrtmSection
from fwicli.config.loader import Key
from fwicli.imaging.conditions.names import (
    CHANGES,
    EXCITATION_IMAGE,
    WITHOUT_BACKSCATTER,
    available,
    sums,
)
from fwicli.propagators.equations import registry
from fwicli.propagators.history import EXCITATION
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.gathers import Gathers
from fwicli.survey.model import EarthModel
from fwicli.survey.proximity import Nearest
from fwicli.survey.regridding import coarsened
from fwicli.survey.signals import line_source
from fwicli.survey.signals.bands import Band
from fwicli.survey.signals.wavelets import Spectrum
from fwicli.workflows.assembly import images, survey
from fwicli.workflows.assembly.equation import wave_equation
from fwicli.workflows.planning import (
    grid_accuracy,
    history,
    live_traces,
    near_source,
    placement,
    simulation_grids,
)
from fwicli.workflows.planning.checks import band_spectrum
from fwicli.workflows.planning.numerics import Numerics, discretize
from fwicli.workflows.planning.observed import observed
from fwicli.workflows.planning.plan import Plan, workers
from fwicli.workflows.planning.problems import Problems
from fwicli.workflows.planning.requirements import Requirements, Signal
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
    signal = Signal(spectrum, wavelet, records.interval, records.samples)
    numerics = _of_image(problems, config, model, records, signal)
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
    signal: Signal,
) -> Numerics | None:
    """Numerics of a migration; None where there are problems."""
    physics, imaging, name = config.physics, config.migration, config.section
    if not _has_image(problems, config, model.grid.ndim):
        return None
    slowest, fastest = speeds(equation := wave_equation(physics), model)
    spectrum = signal.spectrum
    limit = simulation_grids.longest(physics, slowest, spectrum, simulation_grids.IMAGE_POINTS)
    estimate = grid_accuracy.estimate(problems, physics, model, records.acquisition, signal)
    limit = grid_accuracy.coarsest(estimate, limit)
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
        speeds(equation, coarse),
        slowest,
        spectrum,
        records.acquisition,
        (records.interval, records.samples),
    )
    numerics = discretize(problems, config, replace(required, topography=model.topography))
    if numerics is None or problems.errors:
        return None
    numerics = simulation_grids.placed(numerics, physics, coarse, records.acquisition)
    near = _near(problems, config, numerics, records)
    accuracy = grid_accuracy.judged(estimate, problems, grids, spacing_key)
    numerics = replace(numerics, accuracy=accuracy)
    linear, parameters = isinstance(config, schema.LsrtmConfig), _differentiated(config, model)
    numerics = replace(numerics, parameters=parameters, near=near, curvature=linear)
    numerics = _check_image(problems, config, numerics, records.acquisition)
    return None if problems.errors else numerics


def _near(
    problems: Problems, config: schema.MigrationConfig, numerics: Numerics, records: Gathers
) -> Nearest:
    """Traces next to their source that the grid of the propagation cannot explain."""
    imaging = config.migration
    nearest = near_source.nearest(
        problems,
        (config.section, "near_source"),
        near_source.length(imaging.near_source, numerics.point_source, records),
        records,
        None if imaging.band is None else (imaging.band[0], imaging.band[1]),
    )
    return replace(nearest, rigid=near_source.is_rigid(config.physics))


def _has_image(problems: Problems, config: schema.MigrationConfig, ndim: int) -> bool:
    """Whether an equation has the image of a condition; if not, a problem says so."""
    equation, condition = wave_equation(config.physics), getattr(config.migration, "condition", "")
    names = available(equation, ndim)
    if "vp" not in registry.load(equation).properties_in(ndim):
        problems.add(
            ("physics", "equation"),
            f"the equation `{equation}` has no P velocity, in which images are made; invert for "
            f"vs by `fwi invert`, or choose another equation",
        )
        return False
    if condition in names or condition not in CHANGES:
        return True
    problems.add(
        ("imaging", "condition"),
        f"the equation `{equation}` has no image `{condition}`; choose one of "
        f"{', '.join(names)}, or an equation that has the property",
    )
    return False


def _check_image(
    problems: Problems,
    config: schema.MigrationConfig,
    numerics: Numerics,
    acquisition: Acquisition,
) -> Numerics:
    """Check condition, filters and gathers of `fwi rtm`, and the wavelet of `fwi lsrtm`.

    The numerics come with the memory and the work of fields and gathers.
    """
    imaging = config.migration
    if isinstance(imaging, LsrtmSection):
        _warn_of_the_wavelet(problems, imaging)
        history.check_transpose(problems, config.physics, imaging, numerics)
    if not isinstance(imaging, ImagingSection):
        return numerics
    _warn_in_vain(problems, imaging)
    _check_filters(problems, imaging, numerics)
    numerics = replace(numerics, propagations=images.propagations(imaging, acquisition))
    if images.needs_fields(imaging):
        size = _fields(problems, config, numerics, acquisition.shots)
        numerics = replace(numerics, fields=size)
    if imaging.condition == EXCITATION_IMAGE:
        numerics = _without_history(problems, config, imaging, numerics)
    if imaging.gathers is not None:
        _note_gathers(problems, imaging.gathers, numerics, acquisition)
        every = max(1, numerics.history_step // numerics.time.substeps)
        sampling = numerics.grid.spacing[0], every * numerics.time.interval
        count = images.rows(imaging.gathers, *sampling, acquisition.sources)
        numerics = replace(numerics, gathers=count)
    return numerics


def _without_history(
    problems: Problems,
    config: schema.MigrationConfig,
    imaging: ImagingSection,
    numerics: Numerics,
) -> Numerics:
    """Numerics of an image of the excitation amplitude, which keeps that alone of the history."""
    if imaging.illumination_of != "source":  # it has a history of its own
        size = numerics.demand().memory(EXCITATION)
        return replace(numerics, fields=numerics.fields + size)
    if config.physics.history_section().keep != "auto":
        problems.warn(
            f"`physics.history: {config.physics.history_section().keep}` is not for "
            f"`imaging.condition: excitation`, which keeps no history; leave it out"
        )
    return replace(numerics, history=EXCITATION, reason="the image needs no more")


def _note_gathers(
    problems: Problems, section: GathersSection, numerics: Numerics, acquisition: Acquisition
) -> None:
    """Note the propagations of gathers by offset, and warn of traces that no bin has."""
    if section.kind != "surface_offset":
        return
    bins = images.offset_bins(section)
    outside = total = 0
    for shot in range(acquisition.shots):
        at = acquisition.source(shot), acquisition.receivers_of(shot)
        outside += int((~bins.membership(*at).any(axis=0)).sum())
        total += int(acquisition.counts[shot])
    problems.note(
        f"gathers by surface offset, in {bins.count} bins of {bins.largest / bins.count:g} m, take "
        f"{1 + numerics.propagations:.3g} propagations back of each shot"
    )
    if outside == total:
        problems.add(
            ("imaging", "gathers", "largest"),
            f"no trace has an offset up to {bins.largest:g} m; set the largest offset of the "
            f"records [m]",
        )
    elif outside:
        problems.warn(
            f"`imaging.gathers.largest: {bins.largest:g}` leaves {100 * outside / total:.3g} % of "
            f"the traces out of the gathers, whose offset is larger; the image has them"
        )


def _warn_of_the_wavelet(problems: Problems, section: LsrtmSection) -> None:
    """Warn of a wavelet that is fitted to reflections alone, as direct waves are muted."""
    if not section.source or section.source.window is not None:
        return
    windows = (MoveoutSection, MoveoutByFrequencySection, FirstArrivalsSection)
    muting = [w.kind for w in section.conditioning if isinstance(w, windows) and w.removes_earliest]
    if muting:
        problems.warn(
            f"`least_squares.source` fits the wavelet to data after `least_squares.conditioning`, "
            f"whose `{muting[0]}` mutes direct waves: reflections that the smooth model lacks "
            f"distort the wavelet; set `least_squares.source.window`, as [{{kind: offsets, "
            f"farthest: 500}}], to data that the model explains"
        )


def _warn_in_vain(problems: Problems, imaging: ImagingSection) -> None:
    """Warn of a filter that an image does not need, and of an energy that divides nothing."""
    if imaging.condition in WITHOUT_BACKSCATTER and imaging.has_laplacian:
        problems.warn(
            f"`imaging.condition: {imaging.condition}` has no backscatter for "
            f"`imaging.laplacian: true` to remove, which weakens long wavelengths of the image "
            f"once more; leave `imaging.laplacian` out"
        )
    is_ratio = imaging.condition == EXCITATION_IMAGE
    if imaging.illumination_of != "source" and (is_ratio or imaging.illumination == 0):
        cause = f"condition: {imaging.condition}" if is_ratio else "illumination: 0"
        problems.warn(
            f"`imaging.illumination_of: {imaging.illumination_of}` takes more propagations for an "
            f"energy that divides nothing with `imaging.{cause}`; leave "
            f"`imaging.illumination_of` out, or change the other"
        )


def _check_filters(problems: Problems, imaging: ImagingSection, numerics: Numerics) -> None:
    """Make sure that filters leave something of an image, and that its gathers are on the grid."""
    grid, gathers = numerics.grid, imaging.gathers
    if imaging.low_cut is not None and imaging.low_cut < 2 * grid.spacing[-1]:
        problems.add(
            ("imaging", "low_cut"),
            f"{imaging.low_cut:g} m removes every wavelength that the grid of {grid.spacing[-1]:g} "
            f"m has; set some wavelengths of the data [m], or leave it out",
        )
    if gathers is None:
        return
    largest = gathers.largest or 0.0
    key: Key = ("imaging", "gathers")
    first, last = grid.origin[0], grid.end[0]
    limits = {
        "subsurface_offset": ((last - first) / 2, "m", "the width of the model"),
        "time_shift": ((numerics.time.samples - 1) * numerics.time.interval / 2, "s", "the record"),
    }
    limit, unit, what = limits.get(gathers.kind, (math.inf, "m", ""))
    if largest > limit:
        problems.add(
            (*key, "largest"),
            f"{largest:g} {unit} is more than half of {what}, beyond which both fields "
            f"never meet; set at most {limit:g} {unit}, or some wavelengths or periods",
        )
    if gathers.angles is not None and grid.ndim == 3:
        problems.add((*key, "angles"), "angle gathers are for models in 2D; leave `angles` out")
    outside = [x for x in gathers.at or () if not first <= x <= last]
    if outside:
        problems.add(
            (*key, "at"),
            f"{', '.join(f'{x:g}' for x in outside)} m is outside of the model, which is from "
            f"{first:g} to {last:g} m along x; set positions inside",
        )


def _fields(
    problems: Problems, config: schema.MigrationConfig, numerics: Numerics, shots: int
) -> int:
    """Memory of the two fields of a shot [bytes]; a problem where they do not fit."""
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
    return size


def _differentiated(config: schema.MigrationConfig, model: EarthModel) -> tuple[str, ...]:
    """Parameters whose gradients an image is made of."""
    imaging, equation, ndim = config.migration, wave_equation(config.physics), model.grid.ndim
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
