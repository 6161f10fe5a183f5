"""Lines: coefficients along one axis, of the absorbing layer and of the surface of a solid."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators.absorbing import walls
from fwicli.propagators.equations import registry, surface

if TYPE_CHECKING:
    from fwicli.propagators.discretization import Discretization

# By which the frequency shift of the layer is larger below the surface of a solid: of waves that go
# backwards there (see `absorbing`), which grow in a layer that hardly shifts.
SHIFT = 3.0
# By which the friction beside a topography is that beside a plane surface: cells of which little is
# rock guide slow waves. In 20 000 steps waves grew with 2, and with 3 none did; with 5 the layer
# returns 0.6 % of the records' energy norm from 20 cells, and 1.7 % from 12.
FRICTION = 5.0


def line(name: str, axis: int, n: int, discretization: Discretization) -> NDArray[Any]:
    """Values of a coefficient at the points of an axis.

    Parameters
    ----------
    name : str
        Of the coefficient, without the number of the axis.
    axis : int
        0 for x.
    n : int
        Points of the axis, with the layer.
    discretization : Discretization

    Returns
    -------
    ndarray of shape (n,)
    """
    grid, layer, step = discretization.grid, discretization.layer, discretization.time.step
    spacing, free = grid.spacing[axis], walls(layer.free, grid.ndim)[axis]
    if name.startswith("closure_"):
        return np.asarray(surface.line(name, discretization.order, spacing, n))
    shifting = layer
    if registry.load(discretization.equation).has_surface(layer.free):
        shifting = replace(layer, frequency=SHIFT * layer.frequency)
    b, c = shifting.coefficients(n, spacing, step, 0.0, free)
    b_half, c_half = shifting.coefficients(n, spacing, step, 0.5, free)
    cut = discretization.topography is not None
    drag, calm = layer.drag(n, axis, grid.spacing, step, free)
    lines = {
        "b": b,
        "c": c,
        "bh": b_half,
        "ch": c_half,
        "friction": layer.friction(n, spacing, free) * (FRICTION if cut else 1.0),
        "firm": layer.firmness(n, free),
        "drag": drag,
        "calm": calm,
        "below": np.arange(n) > 0,
    }
    return np.asarray(lines[name])
