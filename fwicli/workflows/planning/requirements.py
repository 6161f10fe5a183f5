"""Requirements of a propagation: what its grid and its time step have to serve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.loader import Key
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.grid import Grid
from fwicli.survey.signals.wavelets import Spectrum
from fwicli.survey.topography import Topography

Array = NDArray[Any]

# Share of its largest amplitude at which a wavelet begins.
ONSET = 0.05


@dataclass(frozen=True)
class Requirements:
    """Waves, records and positions that a propagation has to serve.

    Parameters
    ----------
    grid : Grid
        Of the propagation.
    spacing_key : Key
        Where its spacing is in the config.
    speeds : tuple of float
        Slowest and fastest velocity that may occur [m/s].
    slowest : float
        Slowest velocity on the grid of the model, which a coarser grid averages [m/s].
    spectrum : Spectrum
        Of the wavelet.
    acquisition : Acquisition
    sampled : tuple of float and int
        Sampling interval [s] and number of samples of the records.
    topography : Topography or None
        Of the model.
    """

    grid: Grid
    spacing_key: Key
    speeds: tuple[float, float]
    slowest: float
    spectrum: Spectrum
    acquisition: Acquisition
    sampled: tuple[float, int]
    topography: Topography | None = None


@dataclass(frozen=True)
class Signal:
    """Wavelet of the sources, and the length of the records.

    Attributes
    ----------
    spectrum : Spectrum
        Of the wavelet, in the band.
    wavelet : ndarray of shape (samples,) or (n_shots, samples)
    interval : float
        Sampling interval [s].
    samples : int
        Of the records.
    """

    spectrum: Spectrum
    wavelet: Array
    interval: float
    samples: int

    @property
    def duration(self) -> float:
        """Time of the records after the begin of the wavelet [s]."""
        size = np.abs(np.atleast_2d(self.wavelet)).max(axis=0)
        onset = int(np.flatnonzero(size >= ONSET * size.max())[0])
        return self.interval * max(1, self.samples - 1 - onset)
