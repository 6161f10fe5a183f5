"""The course of an inversion: misfit, model error, and time of its iterations, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.plotting.encoding import vector
from fwicli.plotting.style import Axes, Figure

Array = NDArray[Any]

# Iterations up to which each has a mark.
MARKED = 120


def course(steps: Mapping[str, Array], panels: Sequence[tuple[str, str, bool]]) -> bytes:
    """Numbers of the steps of all stages against the number of the step.

    Parameters
    ----------
    steps : mapping of str to ndarray of shape (n_steps,)
        Columns by name; `stage` is one of them. NaN where a step lacks the number.
    panels : sequence of tuple
        Column, label, and whether its scale is logarithmic, of each panel.

    Returns
    -------
    picture : bytes
        SVG.
    """
    count = len(panels)
    across = min(3, count)
    width = 9.8 if across < 3 else 11.4
    figure = Figure(figsize=(width, 3.2 * -(-count // across)), layout="constrained")
    grid = figure.subplots(-(-count // across), across, squeeze=False)
    for axes, (column, label, logarithmic) in zip(grid.flat, panels, strict=False):
        _panel(axes, steps["stage"], steps[column])
        axes.set(xlabel="step of the run", ylabel=label)
        if logarithmic and np.nanmin(steps[column]) > 0:
            axes.set_yscale("log")
    for axes in list(grid.flat)[count:]:
        axes.set_visible(False)
    return vector(figure)


def _panel(axes: Axes, stage: Array, values: Array) -> None:
    """One curve a stage."""
    numbers = np.arange(len(values))
    style = "o-" if len(values) <= MARKED else "-"
    for order, number in enumerate(np.unique(stage)):
        here = stage == number
        label = f"stage {number:g}"
        axes.plot(
            numbers[here], values[here], style, ms=2.5, lw=1.2, color=f"C{order % 10}", label=label
        )
    axes.grid(alpha=0.3, which="both")
    axes.legend(fontsize=8)
