"""Points at depths below the surface that a topography is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.data import RecordsSection
from fwicli.config.problems import Key
from fwicli.errors import GeometryError
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.topography import Topography

Array = NDArray[Any]

SURFACE = "depth_below_surface"


def placed(
    topography: Topography | None,
    positions: Array,
    depths: float | Array | None,
    key: Key = (SURFACE,),
) -> Array:
    """Positions at depths below a topography.

    Parameters
    ----------
    topography : Topography or None
    positions : ndarray of shape (..., ndim)
        In the axes of the model, some of them perhaps nowhere (NaN) [m].
    depths : float, ndarray of shape (...,), or None
        Below the surface [m]; None for positions that stay as they are.
    key : Key
        Setting of the depths, below the section of the positions.

    Returns
    -------
    positions : ndarray of shape (..., ndim)
        [m].

    Raises
    ------
    GeometryError
        If there is no topography.
    """
    if depths is None:
        return positions
    if topography is None:
        error = GeometryError(
            f"`{key[-1]}` counts from the topography, and the config has none; set "
            f"`physics.topography`, or give depths in the model"
        )
        error.key = key
        raise error
    flat = positions.reshape(-1, positions.shape[-1]).astype(np.float64)
    there = np.isfinite(flat[:, :-1]).all(axis=1)
    below = np.broadcast_to(depths, positions.shape[:-1]).reshape(-1)
    flat[there, -1] = topography.at(flat[there, :-1]) + below[there]
    return flat.reshape(positions.shape)


def of_records(
    section: RecordsSection, acquisition: Acquisition, topography: Topography | None
) -> Acquisition:
    """Sources and receivers of records, at depths that the section states.

    Parameters
    ----------
    section : RecordsSection
    acquisition : Acquisition
        In the axes of the model.
    topography : Topography or None

    Returns
    -------
    acquisition : Acquisition

    Raises
    ------
    GeometryError
        If there is no topography.
    """
    names = f"source_{SURFACE}", f"receiver_{SURFACE}"
    first, second = section.source_depth_below_surface, section.receiver_depth_below_surface
    if first is None and second is None:
        return acquisition
    sources = placed(topography, acquisition.sources, first, (names[0],))
    receivers: Any = acquisition.receivers
    if isinstance(receivers, np.ndarray):
        receivers = placed(topography, receivers, second, (names[1],))
    else:
        receivers = [placed(topography, each, second, (names[1],)) for each in receivers]
    return replace(acquisition, sources=sources, receivers=receivers)
