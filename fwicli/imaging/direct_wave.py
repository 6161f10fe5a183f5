"""The direct wave, modelled in a medium like that around the source.

A smooth model explains direct, diving and refracted waves; a medium that is everywhere as it is at
the source, such as water, explains the direct wave alone. Both are linear in the source.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators.tasks import ShotTask

Array = NDArray[Any]


def direct_wave(task: ShotTask) -> Array:
    """Gather of a shot in a medium that is everywhere as it is at the source.

    Parameters
    ----------
    task : ShotTask
        Its parameters may include others than those of the equation.

    Returns
    -------
    gather : ndarray of shape (n_receivers, samples)
        Pressure [Pa].
    """
    grid = task.discretization.grid
    position = (np.asarray(task.source)[0] - np.asarray(grid.origin)) / np.asarray(grid.spacing)
    nearest = np.clip(np.rint(position).astype(int), 0, np.asarray(grid.shape) - 1)
    point = tuple(int(index) for index in nearest)
    uniform = {
        name: np.full_like(task.parameters[name], task.parameters[name][point])
        for name in task.parameters
    }
    return task.propagator.forward(uniform, task.wavelet, task.source, task.receivers)
