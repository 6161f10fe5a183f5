"""Energies to divide an image by: illumination of source and receivers, diagonal of the Hessian.

    source      sum_t u**2
    both        sum_t u**2 sum_r sum_t v_r**2
    hessian     mean of z (A^T A z) over random signs z: the diagonal of A^T A

with the field u of the source, v_r of a receiver, and A the Born modelling of the image. The
receivers send random signals at once: on average the energy of their sum is the sum of theirs. The
random deviation of one draw averages out over shots, and over the length of a smoothing.

References: Plessix and Mulder (2004), Geophys. J. Int. 157, 975-987; Bekas, Kokiopoulou and Saad
(2007), Applied Numerical Mathematics 57, 1214-1229, for the diagonal by probing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.imaging.conditions.condition import Condition
from fwicli.propagators.propagator import Propagator
from fwicli.survey.signals.noise import signals

Array = NDArray[Any]
Locations = tuple[Any, Any]


def of_receivers(
    propagator: Propagator,
    parameters: Mapping[str, Array],
    wavelet: Array,
    locations: Locations,
    kinds: tuple[str, ...],
    seed: int,
) -> Array:
    """Energy of the fields of all receivers of a shot, from one draw of random signals.

    Parameters
    ----------
    propagator : Propagator
    parameters : mapping of str to ndarray of shape (*grid,)
    wavelet : ndarray of shape (n_sources, samples)
        The signals have the spectrum of the first.
    locations : tuple
        Sources and receivers.
    kinds : tuple of str
        Sums of the kernel that the migration uses, with "illumination".
    seed : int

    Returns
    -------
    ndarray of shape (*grid,)
    """
    source, receivers = locations
    sent = signals(wavelet[0], len(receivers), seed)
    result = propagator.images(parameters, np.zeros_like, sent, receivers, source, kinds)
    return np.asarray(result.images["illumination"], dtype=float)


def of_hessian(
    propagator: Propagator,
    parameters: Mapping[str, Array],
    conditions: Sequence[Condition],
    wavelet: Array,
    locations: Locations,
    seed: int,
) -> Array:
    """One draw of the diagonal of A^T A for a shot; values may be negative.

    Parameters
    ----------
    propagator : Propagator
    parameters : mapping of str to ndarray of shape (*grid,)
    conditions : sequence of Condition
        The image is their sum.
    wavelet : ndarray of shape (n_sources, samples)
    locations : tuple
        Sources and receivers.
    seed : int

    Returns
    -------
    ndarray of shape (*grid,)
    """
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], propagator.grid.shape)
    interval, precision = propagator.time.interval, propagator.precision
    emitted = [c.wavelet(wavelet, interval) for c in conditions]
    records: Any = 0.0
    for condition, pulse in zip(conditions, emitted, strict=True):
        changes = {n: v.astype(precision) for n, v in condition.perturbation(signs).items()}
        records = records + propagator.jacobian(parameters, changes, pulse, *locations)
    image: Any = 0.0
    for condition, pulse in zip(conditions, emitted, strict=True):
        gradient = propagator.jacobian_adjoint(parameters, records, pulse, *locations)
        image = image + condition.image(gradient)
    return np.asarray(signs * image)
