"""Born modelling and migration of extended images: whole fields of one shot, in memory.

    u = F q at all points,      d = F E*(s, u),        s = E(u, F^T d)

The time axis of the discretization decides the memory: two fields of (samples, *grid). Its interval
may be long, up to half the shortest period; the steps of the propagation stay the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.imaging.extended.extension import Extension
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.locations import FullField
from fwicli.propagators.propagator import Propagator
from fwicli.propagators.tasks import ShotTask

Array = NDArray[Any]


@dataclass(frozen=True)
class ExtendedTask(ShotTask):
    """Records of an extended image of one shot, or the image of records.

    Attributes
    ----------
    extension : Extension
    values : ndarray
        An image of shape extension.shape(grid), or a gather of shape (n_receivers, samples).
    migrates : bool
        Whether the values are a gather.
    """

    extension: Extension
    values: Array
    migrates: bool

    def __call__(self) -> Array:
        """The gather of the image, or the image of the gather."""
        shot = self.propagator, self.parameters
        u = source_field(*shot, self.wavelet, self.source)
        if self.migrates:
            return self.extension.image(u, back_propagated(*shot, self.values, self.receivers))
        sources = self.extension.source(self.values, u).astype(u.dtype)
        return self.propagator.forward(self.parameters, sources, FullField(), self.receivers)


def source_field(
    propagator: Propagator, parameters: Mapping[str, Array], wavelet: Array, source: Any
) -> Array:
    """The field of a source at all points and samples, (samples, *grid).

    Parameters
    ----------
    propagator : Propagator
    parameters : mapping of str to ndarray of shape (*grid,)
    wavelet : ndarray of shape (n_sources, samples)
    source : Locations

    Returns
    -------
    ndarray of shape (samples, *grid)
    """
    return propagator.forward(parameters, wavelet, source, FullField())


def back_propagated(
    propagator: Propagator, parameters: Mapping[str, Array], gather: Array, receivers: Any
) -> Array:
    """The field of records that are propagated backwards, at all points and samples.

    Parameters
    ----------
    propagator : Propagator
    parameters : mapping of str to ndarray of shape (*grid,)
    gather : ndarray of shape (n_receivers, samples)
    receivers : Locations

    Returns
    -------
    ndarray of shape (samples, *grid)
    """
    return propagator.adjoint(parameters, gather, FullField(), receivers)


def sparse_in_time(discretization: Discretization) -> tuple[Discretization, int]:
    """The discretization with the longest sampling interval that its history allows.

    Parameters
    ----------
    discretization : Discretization

    Returns
    -------
    discretization : Discretization
    every : int
        Samples of the one for a sample of the other.
    """
    time = discretization.time
    every = max(1, discretization.history_step // time.substeps)
    samples = (time.samples - 1) // every + 1
    longer = replace(
        time, interval=every * time.interval, samples=samples, substeps=every * time.substeps
    )
    return replace(discretization, time=longer), every


def thinned(traces: Array, every: int) -> Array:
    """Every n-th sample of traces, without the frequencies that it cannot hold.

    Parameters
    ----------
    traces : ndarray of shape (n, samples)
    every : int

    Returns
    -------
    ndarray of shape (n, (samples - 1) // every + 1)
    """
    if every == 1:
        return traces
    length = 2 * traces.shape[-1]
    spectrum = np.fft.rfft(traces, length, axis=-1)
    share = np.fft.rfftfreq(length) * 2 * every  # of the highest frequency that is left
    spectrum *= np.cos(0.5 * np.pi * np.clip((share - 0.8) / 0.2, 0.0, 1.0)) ** 2
    smooth = np.fft.irfft(spectrum, length, axis=-1)[..., : traces.shape[-1]]
    return np.ascontiguousarray(smooth[..., ::every], dtype=traces.dtype)
