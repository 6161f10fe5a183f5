"""Numerics of one stage of an inversion: they serve every model within the bounds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.inversion import StageSection
from fwicli.config.loader import Key
from fwicli.digits import apart, round_up
from fwicli.propagators.equations import registry
from fwicli.propagators.sampling import stability
from fwicli.survey.bands import Band
from fwicli.survey.gathers import Gathers
from fwicli.survey.model import EarthModel
from fwicli.survey.regridding import coarsened
from fwicli.workflows.assembly import unknowns
from fwicli.workflows.planning import live_traces, near_source, placement, simulation_grids
from fwicli.workflows.planning.checks import ROUNDING, Checks
from fwicli.workflows.planning.numerics import Numerics
from fwicli.workflows.planning.simulation_grids import speeds

Array = NDArray[Any]


def stage(
    checks: Checks,
    key: Key,
    config: schema.InvertConfig,
    section: StageSection,
    model: EarthModel,
    records: Gathers,
    source: Array,
) -> Numerics | None:
    """Numerics of one stage: of the bounds, not of the model, which will change."""
    spectrum = checks.in_band((*key, "band"), source, records.interval, Band(*section.band))
    if spectrum is None:
        return None
    if not live_traces.check_recorded(checks, (*key, "band"), records, Band(*section.band)):
        return None
    equation, physics = config.physics.equation, config.physics
    # The grid serves every model within the bounds, so that it need not change with the model.
    bound = speeds(equation, unknowns.bounded(config, model, model, 0))[0]
    limit = simulation_grids.longest(physics, bound, spectrum)
    spacing: Key = (*key, "spacing")
    grids = simulation_grids.grids(checks, physics, model.grid, limit, spacing, section.spacing)
    if grids is None:
        return None
    near = near_source.nearest(
        checks,
        (*key, "near_source") if section.near_source is not None else ("inversion", "near_source"),
        config.inversion.of(int(key[-1])).near_source,
        near_source.point_source(physics, grids[1]),
        records,
        (section.band[0], section.band[1]),
        fades=config.inversion.of(int(key[-1])).source is not False,
    )
    geometry = live_traces.live_acquisition(checks, key, config.inversion, records, near.length)
    if geometry is None:
        return None
    coarse = coarsened(model, grids[0])
    slow, fast = (unknowns.bounded(config, model, coarse, side) for side in (0, 1))
    slowest, now = speeds(equation, slow)[0], speeds(equation, coarse)
    duration = records.interval * (records.samples - 1)
    placement.within_reach(
        checks, ("data",), records.acquisition, speeds(equation, fast)[1], duration
    )
    numerics = checks.numerics(
        simulation_grids.key(physics, spacing),
        config,
        grids[1],
        (now[0], speeds(equation, fast)[1]),
        records.acquisition,
        spectrum,
        (records.interval, records.samples),
    )
    if numerics is None or checks.problems:
        return None
    if slowest < now[0]:
        _warn_of_slow(checks, key, numerics, slowest)
    numerics = simulation_grids.placed(numerics, physics, fast, geometry)
    changing = unknowns.variables(config, model).properties
    parameters = registry.load(equation).depending(changing, model.grid.ndim)
    second_order = (section.optimizer or config.inversion.optimizer).made().curvature is not None
    return replace(numerics, parameters=parameters, curvature=second_order, near=near)


def _warn_of_slow(checks: Checks, key: Key, numerics: Numerics, slowest: float) -> None:
    """Say so if waves as slow as the lower bound would be sampled too coarsely."""
    points = stability.points_per_wavelength(
        slowest, numerics.highest_frequency, numerics.grid.spacing
    )
    needed = stability.fewest_points(numerics.order)
    if points < needed * (1 - ROUNDING):
        have, need = apart(points, needed, digits=3)
        lowest = round_up(slowest * needed / points)
        checks.warn(
            f"stage {int(key[-1]) + 1}: where the model goes down to the lower bound, {slowest:g} "
            f"m/s, there are {have} points per wavelength, fewer than the {need} that order "
            f"{numerics.order} needs; raise the bound to {lowest:g} m/s or use a smaller spacing"
        )
