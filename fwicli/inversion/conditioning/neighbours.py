"""What the neighbours of a trace have: a value to hold its own against."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def median(values: Array, reach: int) -> Array:
    """Median of each value and its neighbours; of an even number of them the larger one.

    Parameters
    ----------
    values : ndarray of shape (n_receivers,)
        Of neighbouring receivers beside each other; NaN for none.
    reach : int
        Neighbours on either side.

    Returns
    -------
    medians : ndarray of shape (n_receivers,)
        NaN where no neighbour has a value.
    """
    around = np.pad(values.astype(np.float64), reach, constant_values=np.nan)
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(around, 2 * reach + 1), axis=1)
    # Values that are none are sorted behind all others.
    middle = np.isfinite(windows).sum(axis=1) // 2
    return np.asarray(windows[np.arange(len(values)), middle])
