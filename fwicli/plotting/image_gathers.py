"""Pictures of the gathers of an image: lags or angles against depth, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.plotting import lengths
from fwicli.plotting.style import Axes, Figure, save
from fwicli.survey.grid import Grid

Array = NDArray[Any]

DPI = 130
# Positions along x that are drawn where none are named.
PANELS = 6


@dataclass(frozen=True)
class GatherPanels:
    """Gathers of one kind.

    Parameters
    ----------
    values : ndarray of shape (n, n_x, n_z)
    lags : ndarray of shape (n,)
    label : str
        Of the lags, with their unit.
    curvature : ndarray of shape (n_x, n_z) or None
        Residual moveout c of z(0) + c tan(angle)**2 [m], at the best semblance; or the velocity of
        migration over that of the waves.
    energy : ndarray of shape (n_x, n_z) or None
        Weights of the mean curvature of a gather.
    fitted : {"curvature", "velocity_ratio"}
        Which of the two it is.
    """

    values: Array
    lags: Array
    label: str
    curvature: Array | None = None
    energy: Array | None = None
    fitted: str = "curvature"


def gathers(
    path: Path, rows: Sequence[GatherPanels], grid: Grid, at: Sequence[float] | None = None
) -> None:
    """Draw gathers into a file, as `figure` does.

    Parameters
    ----------
    path : Path
        PNG file to write.
    rows : sequence of GatherPanels
    grid : Grid
        In 2D.
    at : sequence of float, optional
        Positions along x [m].
    """
    save(figure(rows, grid, at), path, DPI)


def figure(rows: Sequence[GatherPanels], grid: Grid, at: Sequence[float] | None = None) -> Figure:
    """Gathers at some positions, one kind a row.

    Parameters
    ----------
    rows : sequence of GatherPanels
    grid : Grid
        In 2D.
    at : sequence of float, optional
        Positions along x [m]; by default some from side to side.

    Returns
    -------
    figure : Figure
    """
    x = grid.coordinates(0)
    positions = np.linspace(x[0], x[-1], PANELS + 2)[1:-1] if at is None else np.asarray(at)
    columns = [int(np.abs(x - position).argmin()) for position in positions]
    size = (max(3.2, 1.0 + 1.6 * len(columns)), 4.2 * len(rows))
    picture = Figure(figsize=size, layout="constrained")
    panels = picture.subplots(len(rows), len(columns), squeeze=False, sharey=True)
    for row, axes in zip(rows, panels, strict=True):
        largest = float(np.percentile(np.abs(row.values[:, columns]), 99.5)) or 1.0
        for column, panel in zip(columns, axes, strict=True):
            _panel(panel, row, column, grid, largest)
        axes[0].set_ylabel(lengths.unit_of(grid).label("depth"))
    return picture


def _panel(panel: Axes, row: GatherPanels, column: int, grid: Grid, largest: float) -> None:
    """Draw the gather of one position."""
    unit = lengths.unit_of(grid)
    top, bottom = grid.origin[-1] / unit.size, grid.end[-1] / unit.size
    panel.imshow(
        row.values[:, column].T,
        cmap="gray_r",
        vmin=-largest,
        vmax=largest,
        aspect="auto",
        interpolation="bilinear",
        extent=(row.lags[0], row.lags[-1], bottom, top),
    )
    title = unit.text("x", grid.coordinates(0)[column])
    if row.curvature is not None and row.energy is not None:
        weights = row.energy[column]
        mean = float((weights * row.curvature[column]).sum() / (weights.sum() or 1.0))
        is_ratio = row.fitted == "velocity_ratio"
        title += f"\nV'/V = {mean:.3f}" if is_ratio else f"\nc = {mean:+.1f} m"
    panel.set_title(title, fontsize=8)
    panel.set_xlabel(row.label, fontsize=8)
    panel.tick_params(labelsize=7)
