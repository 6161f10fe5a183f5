"""Error of records on a grid against those on another, over a column of horizontal layers.

The record at the horizontal distance x from the source is the integral over the horizontal
wavenumbers k of the waves P(w, k) of a column (see `layered_waves`),

    p(w, x) = 1 / pi int P cos(k x) dk  in 2D,        1 / (2 pi) int P J0(k x) k dk  in 3D,

and the error that of the difference of two columns, over some receivers and frequencies,

    error**2 = sum |W(w) (p - p')(w, x)|**2 / sum |W(w) p'(w, x)|**2

with the spectrum W of the wavelet. The step of k repeats the source at a distance from where waves
do not come back before they are damped. Beyond the slowest wave the integrand fades, over a width
that depends on the highest frequency. A source on a grid has a constant in k of its own, which is
there at x = 0 alone; that of the difference is left out.

In a uniform medium records differ from theory by 1 % at some wavelengths, and by 10 % half a
wavelength from the source, and where waves arrive with the end of the record. Both records that
are compared have that in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.propagators.sampling import phase_errors
from fwicli.propagators.sampling.layered_waves import Column, Pairs
from fwicli.survey.signals.wavelets import Spectrum

Array = NDArray[Any]

# Frequencies of the band, and a T of the damping exp(-a t) over the time T of a record.
FREQUENCIES, DAMPING = 14, 2.5
# How far the fastest wave would run to the repeated source, over its way within the record.
REPEATED = 0.8
# Width over which the integrand fades, over the largest wavenumber of the slowest wave.
FADING = 0.5


@dataclass(frozen=True)
class Receivers:
    """Receivers of a source.

    Attributes
    ----------
    offset : ndarray of shape (n,)
        Horizontal distances from the source [m].
    depth : ndarray of shape (n,)
        Below the first point of the model [m].
    far : ndarray of bool, shape (n,)
        Whether they stand for those that are farthest away; the others stand for all.
    """

    offset: Array
    depth: Array
    far: Array


@dataclass(frozen=True)
class Waves:
    """Waves of a source, and the speeds of a column.

    Attributes
    ----------
    spectrum : Spectrum
        Of the wavelet.
    duration : float
        Of the record [s].
    slowest, fastest : float
        [m/s]
    """

    spectrum: Spectrum
    duration: float
    slowest: float
    fastest: float


class LayeredRecords:
    """Records of a source over columns that have the same layers on different grids.

    Parameters
    ----------
    waves : Waves
    source : float
        Depth of the source below the first point of the model [m].
    receivers : Receivers
    ndim : int
        Number of space dimensions.
    """

    def __init__(self, waves: Waves, source: float, receivers: Receivers, ndim: int) -> None:
        self.source, self.receivers = source, receivers
        # The factor 1 / f of line sources in `band` is in the waves of the columns here.
        frequencies, self.shares = phase_errors.band(waves.spectrum, 3, FREQUENCIES)
        around = waves.fastest * waves.duration * REPEATED
        step = 2 * np.pi / (2 * float(receivers.offset.max()) + around)
        slowest = 2 * np.pi * frequencies / waves.slowest
        width = FADING * slowest[-1]
        counts = np.maximum(2, ((slowest + width) / step).astype(int))
        number = np.repeat(np.arange(FREQUENCIES), counts)
        self.begins = np.cumsum(counts) - counts
        self.ends = np.repeat(self.begins + counts - 1, counts)
        wavenumber = step * (np.arange(number.size) - self.begins[number] + 0.5)
        angular = 2 * np.pi * frequencies - 1j * DAMPING / waves.duration
        self.pairs = Pairs(angular, number, wavenumber)
        phase = receivers.offset[:, None] * wavenumber
        kernel = (
            np.cos(phase) / np.pi
            if ndim == 2
            else scipy.special.j0(phase) * wavenumber / (2 * np.pi)
        )
        beyond = np.clip((wavenumber - slowest[number]) / width, 0, 1)
        self.kernel = step * kernel * (0.5 + 0.5 * np.cos(np.pi * beyond))

    def waves(self, column: Column) -> Array:
        """Waves of a column at the depths of the receivers, by frequency and wavenumber.

        Parameters
        ----------
        column : Column

        Returns
        -------
        waves : ndarray of complex, shape (n_receivers, n_pairs)
        """
        depths, which = np.unique(self.receivers.depth, return_inverse=True)
        return column.pressures(self.pairs, self.source, depths)[which.ravel()]

    def records(self, waves: Array) -> Array:
        """Records of waves.

        Parameters
        ----------
        waves : ndarray of complex, shape (n_receivers, n_pairs)

        Returns
        -------
        records : ndarray of complex, shape (n_receivers, n_frequencies)
        """
        return np.asarray(np.add.reduceat(self.kernel * waves, self.begins, axis=1))

    def errors(self, waves: Array, exact: Array) -> tuple[float, float]:
        """Relative L2 errors of records.

        Parameters
        ----------
        waves, exact : ndarray of complex, shape (n_receivers, n_pairs)
            Waves of two columns, of which the second counts as exact.

        Returns
        -------
        all, far : float
            Of all receivers, and of those that are farthest away.
        """
        difference = waves - exact
        records = self.records(difference - difference[:, self.ends])
        energy, whole = (np.abs(r) ** 2 @ self.shares for r in (records, self.records(exact)))
        far = self.receivers.far
        every, farthest = (float(np.sqrt(energy[s].sum() / whole[s].sum())) for s in (~far, far))
        return every, farthest
