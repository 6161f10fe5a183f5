"""Which traces are so near to their source that the grid of a run cannot explain them."""

from __future__ import annotations

import numpy as np

from fwicli.config import schema
from fwicli.config.loader import Key
from fwicli.inversion.shots.experiments import NEAR
from fwicli.propagators.equations import registry
from fwicli.survey import proximity
from fwicli.survey.components import Component
from fwicli.survey.gathers import Gathers
from fwicli.survey.grid import Grid
from fwicli.survey.proximity import Nearest, PointSource
from fwicli.survey.ragged import by_trace
from fwicli.survey.signals.bands import Band
from fwicli.workflows.assembly.equation import wave_equation
from fwicli.workflows.planning.problems import Problems


def point_source(physics: schema.PhysicsSection, grid: Grid) -> PointSource:
    """How point sources are modelled on a grid.

    Parameters
    ----------
    physics : PhysicsSection
    grid : Grid
        Of the propagation.

    Returns
    -------
    source : PointSource
    """
    return PointSource(
        wave_equation(physics),
        grid.spacing,
        grid.origin,
        physics.order,
        physics.interpolation,
        physics.stencil,
    )


def is_rigid(physics: schema.PhysicsSection) -> bool:
    """Whether waves are those of solids."""
    return "vs" in registry.load(wave_equation(physics)).properties


def length(setting: float | str | None, waves: PointSource, records: Gathers) -> float | None:
    """Distance from the source within which records depend on the grid [m]; None for none.

    Parameters
    ----------
    setting : float, str or None
        The distance [m], "nothing", or "auto", the default.
    waves : PointSource
        How point sources are modelled.
    records : Gathers

    Returns
    -------
    length : float or None
    """
    if setting == "nothing":
        return None
    if isinstance(setting, float):
        return setting
    return proximity.length(waves, records.point_source)


def nearest(
    problems: Problems,
    key: Key,
    full: float | None,
    records: Gathers,
    band: tuple[float, float] | None,
    fades: bool = False,
) -> Nearest:
    """Traces that the grid cannot explain; a problem if no others are left.

    Parameters
    ----------
    problems : Problems
    key : Key
        Where the distance is in the config.
    full : float or None
        Distance within which records depend on the grid [m].
    records : Gathers
    band : tuple of float or None
        In which energies are compared [Hz]; all frequencies for None.
    fades : bool
        Whether traces fade out, because the source is estimated.

    Returns
    -------
    nearest : Nearest
    """
    if full is None:
        return Nearest()
    geometry = records.acquisition
    distances = [proximity.distances(geometry, n) for n in range(geometry.shots)]
    if fades and not any(proximity.weights(row, full).any() for row in distances):
        problems.add(key, NEAR)
    # Silent traces are compared with nothing, wherever their positions are.
    within = by_trace([row < full * (1 - 1e-6) for row in distances]) & records.live
    if not within.any():
        return Nearest(full, fades=fades)
    near: dict[Component, float] = {}
    total: dict[Component, float] = {}
    for shot, (gather, rows) in enumerate(zip(records.data, within, strict=True)):
        traces = gather if band is None else Band(*band).apply(gather, records.interval)
        energy = np.sum(traces.astype(np.float64) ** 2, axis=1)
        for component, numbers in geometry.rows_by_component(shot).items():
            own = energy[numbers]
            near[component] = near.get(component, 0.0) + float(own[rows[numbers]].sum())
            total[component] = total.get(component, 0.0) + float(own.sum())
    # Components have units of their own: the mean of their shares.
    shares = [near[c] / total[c] for c in near if total[c] > 0]
    share = float(np.mean(shares)) if shares else 0.0
    return Nearest(full, int(within.sum()), int(records.live.sum()), share, fades)
