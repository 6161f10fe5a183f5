"""Plan of a migration: records, band, grids and numerics of `fwi rtm`."""

from __future__ import annotations

from dataclasses import replace

from fwicli.config import schema
from fwicli.config.loader import Key
from fwicli.imaging.conditions.names import CHANGES, available, sums
from fwicli.propagators.equations import registry
from fwicli.survey.gathers import Gathers
from fwicli.survey.model import EarthModel
from fwicli.survey.regridding import coarsened
from fwicli.survey.signals.bands import Band
from fwicli.survey.signals.wavelets import Spectrum
from fwicli.workflows.assembly import survey
from fwicli.workflows.planning import live_traces, near_source, placement, simulation_grids
from fwicli.workflows.planning.checks import band_spectrum
from fwicli.workflows.planning.numerics import Numerics, discretize
from fwicli.workflows.planning.observed import observed
from fwicli.workflows.planning.plan import Plan, workers
from fwicli.workflows.planning.problems import Problems
from fwicli.workflows.planning.requirements import Requirements
from fwicli.workflows.planning.simulation_grids import speeds


def plan(problems: Problems, config: schema.RtmConfig, model: EarthModel | None) -> Plan | None:
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
    if not _has_image(problems, physics.equation, imaging.condition, model.grid.ndim):
        return None
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
    parameters = _differentiated(imaging, numerics.equation, model.grid.ndim)
    near = near_source.nearest(
        problems,
        ("imaging", "near_source"),
        near_source.length(imaging.near_source, numerics.point_source, records),
        records,
        None if imaging.band is None else (imaging.band[0], imaging.band[1]),
    )
    return None if problems.errors else replace(numerics, parameters=parameters, near=near)


def _has_image(problems: Problems, equation: str, condition: str, ndim: int) -> bool:
    """Whether an equation has the image of a condition; if not, a problem says so."""
    names = available(equation, ndim)
    if condition in names or condition not in CHANGES:
        return True
    problems.add(
        ("imaging", "condition"),
        f"the equation `{equation}` has no image `{condition}`; choose one of "
        f"{', '.join(names)}, or an equation that has the property",
    )
    return False


def _differentiated(imaging: schema.ImagingSection, equation: str, ndim: int) -> tuple[str, ...]:
    """Parameters whose gradients an image is made of."""
    # An image by the gradient is that of the compressibility, the first parameter.
    first = next(iter(registry.load(equation).parameters(ndim)))
    if imaging.condition == "gradient":
        return (first,)
    needed = sums(imaging.condition, equation, ndim)[1] if imaging.condition in CHANGES else ()
    return needed or ((first,) if imaging.illumination_of == "hessian" else ())


def _all_muted(mute: str | float, model: EarthModel) -> str:
    """Why nothing is left of an image."""
    what = f"`mute: {mute:g}`" if isinstance(mute, float) else f"`mute: {mute}`"
    return (
        f"{what} leaves out all of the image, down to {model.grid.end[-1]:g} m; set "
        f"`imaging.mute: nothing`, or a smaller depth"
    )
