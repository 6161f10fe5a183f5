"""Numerics of one stage of an inversion: they serve every model within the bounds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from fwicli.config.conditioning import BandPassSection
from fwicli.config.loader import Key
from fwicli.digits import apart, round_up
from fwicli.propagators.equations import registry
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.sampling import stability
from fwicli.survey.gathers import Gathers
from fwicli.survey.grid import Grid
from fwicli.survey.proximity import Nearest
from fwicli.survey.regridding import coarsened
from fwicli.survey.signals.bands import Band
from fwicli.survey.signals.wavelets import Spectrum
from fwicli.workflows.assembly.equation import wave_equation
from fwicli.workflows.assembly.inversion import StageObjects
from fwicli.workflows.planning import (
    grid_accuracy,
    live_traces,
    near_source,
    placement,
    simulation_grids,
)
from fwicli.workflows.planning.checks import ROUNDING, band_spectrum, dotted, part_in
from fwicli.workflows.planning.numerics import Numerics, discretize
from fwicli.workflows.planning.problems import Problems
from fwicli.workflows.planning.requirements import Requirements, Signal
from fwicli.workflows.planning.simulation_grids import speeds

Array = NDArray[Any]


def stage(
    problems: Problems, objects: StageObjects, records: Gathers, wavelet: Array
) -> Numerics | None:
    """Numerics of one stage: of the bounds, not of the model, which will change.

    Parameters
    ----------
    problems : Problems
    objects : StageObjects
        Of the stage.
    records : Gathers
    wavelet : ndarray of shape (samples,) or (n_shots, samples)

    Returns
    -------
    numerics : Numerics or None
        None where there are problems.
    """
    shared, key, band = objects.shared, objects.key, Band(*objects.band)
    model, physics = shared.model, shared.config.physics
    spectrum = band_spectrum(problems, (*key, "band"), wavelet, records.interval, band)
    if spectrum is None or not _check_filters(problems, objects, spectrum, records.interval):
        return None
    if not live_traces.check_recorded(problems, (*key, "band"), records, band):
        return None
    # The grid serves every model within the bounds, so that it need not change with the model.
    bound = speeds(wave_equation(physics), shared.bounded(model, 0))[0]
    limit = simulation_grids.longest(physics, bound, spectrum)
    signal = Signal(spectrum, wavelet, records.interval, records.samples)
    estimate = grid_accuracy.estimate(problems, physics, model, records.acquisition, signal)
    limit = grid_accuracy.coarsest(estimate, limit)
    spacing_key: Key = (*key, "spacing")
    grids = simulation_grids.grids(
        problems, physics, model.grid, limit, spacing_key, objects.section.spacing
    )
    if grids is None:
        return None
    near = _near(problems, objects, grids[1], records)
    geometry = live_traces.live_acquisition(problems, objects, records, near.length)
    if geometry is None:
        return None
    numerics = _of_bounds(problems, objects, grids, spectrum, records)
    if numerics is None:
        return None
    fast = shared.bounded(coarsened(model, grids[0]), 1)
    numerics = simulation_grids.placed(numerics, physics, fast, geometry)
    accuracy = grid_accuracy.judged(estimate, problems, grids, spacing_key)
    changing = shared.variables.properties
    parameters = registry.load(wave_equation(physics)).depending(changing, model.grid.ndim)
    second_order = objects.optimizer.curvature is not None
    numerics = replace(numerics, parameters=parameters, near=near, accuracy=accuracy)
    return replace(numerics, curvature=second_order)


def _check_filters(
    problems: Problems, objects: StageObjects, spectrum: Spectrum, interval: float
) -> bool:
    """Whether the band-pass filters of the conditioning leave some of the wavelet in the band."""
    key = objects.key_of("conditioning")
    for number, section in enumerate(objects.settings.conditioning):
        if not isinstance(section, BandPassSection):
            continue
        low, high = section.band
        if part_in(spectrum, Band(low, high), interval) is None:
            own: Key = (*key, number, "band")
            problems.add(
                own,
                f"a filter from {low:g} to {high:g} Hz leaves nothing of the wavelet, which in "
                f"the band of the stage ends at {spectrum.highest:.3g} Hz: choose a band there, "
                f"such as `{dotted(own)}: [0, {spectrum.highest:.3g}]`",
            )
            return False
    return True


def _of_bounds(
    problems: Problems,
    objects: StageObjects,
    grids: tuple[Grid, Grid],
    spectrum: Spectrum,
    records: Gathers,
) -> Numerics | None:
    """Numerics for all models within the bounds, on grids of unknowns and propagation."""
    shared, physics = objects.shared, objects.physics
    coarse = coarsened(shared.model, grids[0])
    slow, fast = (shared.bounded(coarse, side) for side in (0, 1))
    equation, duration = wave_equation(physics), records.interval * (records.samples - 1)
    slowest, now = speeds(equation, slow)[0], speeds(equation, coarse)
    fastest = speeds(equation, fast)[1]
    placement.within_reach(problems, ("data",), records.acquisition, fastest, duration)
    required = Requirements(
        grids[1],
        simulation_grids.key(physics, (*objects.key, "spacing")),
        (now[0], fastest),
        speeds(equation, shared.model)[0],
        spectrum,
        records.acquisition,
        (records.interval, records.samples),
        shared.model.topography,
    )
    numerics = discretize(problems, shared.config, required)
    if numerics is None or problems.errors:
        return None
    if slowest < now[0]:
        _warn_of_slow(problems, objects.key, numerics, slowest)
    return numerics


def _near(problems: Problems, objects: StageObjects, grid: Grid, records: Gathers) -> Nearest:
    """Traces next to their source that the grid of the propagation cannot explain."""
    settings, waves = objects.settings, near_source.point_source(objects.physics, grid)
    nearest = near_source.nearest(
        problems,
        objects.key_of("near_source"),
        near_source.length(settings.near_source, waves, records),
        records,
        objects.band,
        fades=settings.source is not False,
    )
    return replace(nearest, rigid=near_source.is_rigid(objects.physics))


def _warn_of_slow(problems: Problems, key: Key, numerics: Numerics, slowest: float) -> None:
    """Say so if waves as slow as the lower bound would be sampled too coarsely."""
    points = stability.points_per_wavelength(
        slowest, numerics.highest_frequency, numerics.grid.spacing
    )
    needed = stability.default_points(Stencil(numerics.order, numerics.stencil))
    if points < needed * (1 - ROUNDING):
        have, need = apart(points, needed, digits=3)
        lowest = round_up(slowest * needed / points)
        problems.warn(
            f"stage {int(key[-1]) + 1}: where the model goes down to the lower bound, {slowest:g} "
            f"m/s, there are {have} points per wavelength, fewer than the {need} that order "
            f"{numerics.order} needs; raise the bound to {lowest:g} m/s or use a smaller spacing"
        )
