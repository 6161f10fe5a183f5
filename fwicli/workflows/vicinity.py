"""Which traces are so near to their source that a stage or a migration lets them fade out."""

from __future__ import annotations

import numpy as np

from fwicli.config import schema
from fwicli.config.loader import Key
from fwicli.inversion.bands import Band
from fwicli.inversion.experiments import NEAR
from fwicli.survey import proximity
from fwicli.survey.gathers import Gathers, PointSource
from fwicli.survey.grid import Grid
from fwicli.survey.proximity import Fading
from fwicli.workflows.checks import Checks


def point_source(physics: schema.Physics, grid: Grid) -> PointSource:
    """How point sources are modelled on a grid."""
    return PointSource(
        physics.equation, grid.spacing, grid.origin, physics.order, physics.interpolation
    )


def fading(
    checks: Checks,
    key: Key,
    setting: float | str | None,
    waves: PointSource,
    records: Gathers,
    band: tuple[float, float] | None,
) -> Fading:
    """What fades out; a problem if nothing is left.

    Parameters
    ----------
    key : Key
        Where the setting is said.
    setting : float, str or None
        Distance at which traces count in full [m], "nothing", or "auto".
    band : tuple of float or None
        In which energies are compared [Hz]; all frequencies if there is none.
    """
    if setting == "nothing":
        return Fading()
    full = float(setting) if isinstance(setting, float) else 0.0
    if not isinstance(setting, float):
        full = proximity.length(waves, records.point_source)
    geometry = records.acquisition
    weights = np.stack([proximity.of_shot(geometry, n, full) for n in range(geometry.shots)])
    if not weights.any():
        checks.add(key, NEAR)
    less = weights < 1
    if not less.any():
        return Fading(full)
    near, total = 0.0, 0.0
    for gather, fades in zip(records.data, less, strict=True):
        traces = gather if band is None else Band(*band).apply(gather, records.interval)
        energy = np.sum(traces.astype(np.float64) ** 2, axis=1)
        near, total = near + float(energy[fades].sum()), total + float(energy.sum())
    return Fading(full, int(less.sum()), less.size, near / total if total > 0 else 0.0)
