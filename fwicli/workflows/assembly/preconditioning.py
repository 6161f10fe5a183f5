"""From the section `preconditioning` of a config to one symmetric positive operator on a grid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.preconditioning import PreconditioningSection, WavelengthsSection
from fwicli.inversion.preconditioning.preconditioner import Preconditioner
from fwicli.inversion.preconditioning.smoothing import Smoother
from fwicli.inversion.preconditioning.tapers import from_points, from_region, with_depth
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.model import EarthModel

Array = NDArray[Any]


def preconditioner(
    settings: PreconditioningSection,
    model: EarthModel,
    free: NDArray[np.bool_],
    shots: Acquisition,
    highest: float,
    energy: Array | float,
) -> Preconditioner:
    """The preconditioner of a stage.

    Parameters
    ----------
    settings : PreconditioningSection
    model : EarthModel
        At the beginning of the stage, on the grid of its unknowns.
    free : ndarray of bool
        Points that may change.
    shots : Acquisition
    highest : float
        Upper edge of the band [Hz].
    energy : ndarray or float
        Inverse root of the energy of the waves; 1 for none.

    Returns
    -------
    preconditioner : Preconditioner
    """
    grid, mutes = model.grid, settings.mutes
    weight = energy * with_depth(grid, 0.5 * settings.depth)
    weight = weight * from_points(shots.sources, grid, mutes.sources)
    weight = weight * from_points(shots.all_receivers(), grid, mutes.receivers)
    weight = weight * from_region(~free, grid, mutes.fixed)
    if isinstance(settings.smoothing, WavelengthsSection):
        length = settings.smoothing.wavelengths * model.velocity / highest
    else:
        length = np.full(grid.shape, settings.smoothing)
    return Preconditioner(free, weight, Smoother(length, free, grid.spacing))
