"""Derivatives of smooth functions along a direction, by differences of fourth order.

    f'(x) v = [8 (f(x + h v) - f(x - h v)) - (f(x + 2 h v) - f(x - 2 h v))] / 12 h

What lies between the unknowns of an inversion and the parameters of a wave equation are closed
formulas, averages and filters: it costs nothing beside waves, and it is smooth. With h v at most
1e-3 of the size of x the error of the differences is 1e-12 of the derivative, and so is round-off,
which is far below that of the waves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Named = Mapping[str, Array]

# Largest change relative to the size of x.
RELATIVE = 1e-3
WEIGHTS = {1: 2 / 3, 2: -1 / 12}


def along(f: Callable[[Array], Named], x: Array, v: Array, size: Array) -> dict[str, Array]:
    """Derivatives of named arrays along v.

    Parameters
    ----------
    f : callable
        Arrays by name, at a vector.
    x, v : ndarray of shape (n_blocks, ...)
    size : ndarray of shape (n_blocks, 1, ...)
        Size of x in each block, to which its changes are compared.
    """
    largest = float(np.abs(v / size).max())
    if largest == 0:
        return {name: np.zeros(values.shape) for name, values in f(x).items()}
    h = RELATIVE / largest
    total: dict[str, Array] = {}
    for distance, weight in WEIGHTS.items():
        up, down = (f(x + side * distance * h * v) for side in (1, -1))
        for name, values in up.items():
            part = weight / h * (values.astype(np.float64) - down[name])
            total[name] = total[name] + part if name in total else part
    return total
