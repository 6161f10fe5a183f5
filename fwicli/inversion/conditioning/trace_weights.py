"""Weights of whole traces: by offset, by amplitude, from an array; and detection of dead traces.

    w(r) = (offset(r) / scale)**power        far traces count more for power > 0
    w(r) = rms(r)**(-power)                  power 1: all traces count the same
    w(r) = 0                                 where a trace is dead, or far too loud

with rms the root mean square of the observed trace, relative to the mean of the gather. A dead
trace differs from its neighbours: over a spread, amplitudes of waves vary by orders of magnitude,
but little from one receiver to the next.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.inversion.conditioning.operators import Record, Weights

Array = NDArray[Any]

# Neighbours on both sides whose median amplitude a trace is compared with.
NEIGHBOURS = 5


def amplitude(observed: Array) -> Array:
    """Root mean square of every trace, shape (n_receivers,)."""
    return np.asarray(np.sqrt(np.mean(observed.astype(np.float64) ** 2, axis=1)))


def neighbour_median(values: Array, reach: int) -> Array:
    """Median of each value and its neighbours; of an even number of them the larger one.

    Parameters
    ----------
    values : ndarray of shape (n_receivers,)
        One value a trace, in the order of the receivers; NaN where a trace has no value.
    reach : int
        Number of neighbours on either side.

    Returns
    -------
    medians : ndarray of shape (n_receivers,)
        NaN where neither the trace nor a neighbour has a value.
    """
    around = np.pad(values.astype(np.float64), reach, constant_values=np.nan)
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(around, 2 * reach + 1), axis=1)
    # NaN is sorted behind all numbers.
    middle = np.isfinite(windows).sum(axis=1) // 2
    return np.asarray(windows[np.arange(len(values)), middle])


def dead(observed: Array, below: float, above: float) -> NDArray[np.bool_]:
    """Find traces whose amplitude is far from that of their neighbours.

    Parameters
    ----------
    observed : ndarray of shape (n_receivers, samples)
        Traces in the order of the receivers.
    below, above : float
        Amplitudes relative to the median of the neighbours, under and over which a trace is dead.

    Returns
    -------
    dead : ndarray of bool, of shape (n_receivers,)
    """
    size = amplitude(observed)
    medians = neighbour_median(np.where(size > 0, size, np.nan), NEIGHBOURS)
    # A gather without any signal is dead as a whole, and has no neighbours to compare with.
    return np.asarray((size == 0) | (size < below * medians) | (size > above * medians))


def by_offset(record: Record, scale: float, power: float) -> Weights:
    """Weights (offset / scale)**power, with offsets of at least a hundredth of the scale.

    Parameters
    ----------
    record : Record
        Traces of a shot.
    scale : float
        Offset of weight 1 [m].
    power : float
        Positive if far traces count more.

    Returns
    -------
    weights : Weights
        Of shape (n_receivers, 1).
    """
    relative = np.maximum(record.offsets / scale, 0.01)
    return Weights((relative**power)[:, None])


def by_amplitude(record: Record, power: float) -> Weights:
    """Weights rms**(-power) of the observed traces; 0 for traces of zeros.

    Parameters
    ----------
    record : Record
        Traces of a shot.
    power : float
        1 lets all traces count the same.

    Returns
    -------
    weights : Weights
        Of shape (n_receivers, 1).
    """
    size = amplitude(record.observed)
    mean = float(size[size > 0].mean()) if size.any() else 1.0  # of the traces that are not silent
    weights = np.zeros(size.shape)
    weights[size > 0] = (size[size > 0] / mean) ** -power
    return Weights(weights[:, None])


def from_array(record: Record, weights: Array) -> Weights:
    """Weights from an array of the user's.

    Parameters
    ----------
    record : Record
        Traces of a shot.
    weights : ndarray of shape (n_receivers,) or (n_shots, n_receivers)
        Weights of all shots, or of each. The rows of shots with fewer receivers than others end in
        NaN.

    Returns
    -------
    weights : Weights
        Of shape (n_receivers, 1).

    Raises
    ------
    DataError
        If there is not one weight for every trace, or one is negative or not finite.
    """
    if weights.ndim == 2 and record.shot >= len(weights):
        raise DataError(f"weights of {len(weights)} shots do not reach shot {record.shot}")
    part = record.traces
    count = len(record.offsets) if part is None else record.count
    shot_weights = weights[record.shot] if weights.ndim == 2 else weights
    if weights.ndim == 2 and np.isnan(shot_weights[count:]).all():
        shot_weights = shot_weights[:count]
    if shot_weights.shape != (count,):
        raise DataError(
            f"weights of shape {weights.shape} do not fit {count} receivers, those of shot "
            f"{record.shot}; they must be (receivers,) or (shots, receivers), with NaN behind the "
            f"last receiver of a shot that has fewer than others"
        )
    if not np.isfinite(shot_weights).all() or (shot_weights < 0).any():
        raise DataError("weights of traces must be finite numbers, not negative")
    if part is not None:
        shot_weights = shot_weights[part]
    return Weights(shot_weights.astype(np.float64)[:, None])
