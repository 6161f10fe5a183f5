"""The topography beside records, models and images in HDF5.

topography                depths of the surface at every column of the model, of shape (x,) or
(x, y) [m]; attributes `spacing` and `origin` of the columns [m]
"""

from __future__ import annotations

from pathlib import Path

import h5py

from fwicli.files import datasets
from fwicli.survey.grid import Grid
from fwicli.survey.topography import Topography

SURFACE = "topography"


def write_surface(parent: h5py.Group, topography: Topography | None) -> None:
    """Write the depths of a topography, with the grid of its columns as attributes.

    Parameters
    ----------
    parent : h5py.Group
        Group that is to hold the depths.
    topography : Topography or None
        Nothing is written for None.
    """
    if topography is None:
        return
    grid, dataset = topography.grid, parent.create_dataset(SURFACE, data=topography.columns)
    dataset.attrs["unit"] = "m"
    dataset.attrs["spacing"] = grid.spacing[:-1]
    dataset.attrs["origin"] = grid.origin[:-1]
    dataset.attrs["axes"] = ", ".join(grid.axes[:-1])


def read_surface(path: str | Path, grid: Grid) -> Topography | None:
    """The topography beside models or images of a file.

    Parameters
    ----------
    path : Path
    grid : Grid
        Of the models.

    Returns
    -------
    topography : Topography or None
        None without one.
    """
    with datasets.reading(path) as file:
        return Topography.on(grid, file.array(SURFACE)) if file.has(SURFACE) else None
