"""Fit of synthetic to observed records by shot, offset and frequency.

With s the synthetic and d the observed trace of a receiver, S and D their Fourier transforms, and
sums over the frequencies f of a band,

    misfit        ||s - d|| / ||d||, over the traces of a class of offsets
    z             sum_f S conj(D) / (||S|| ||D||), of one trace
    correlation   mean of Re z over the traces of a class
    phase         arg of the mean of z [rad]
    coherence     |mean of z|, from 0 to 1

By Parseval's theorem Re z is the correlation coefficient at lag zero of the two traces in the band.
Every trace counts alike. If the observed trace is later by tau, D = S exp(-2 pi i f tau), and the
phase residual is 2 pi f tau. It wraps at half a cycle: a jump from pi to -pi between neighbouring
classes of offsets shows where cycles are skipped.

References: Shah et al. (2012), Quality assured full-waveform inversion: ensuring starting model
adequacy, SEG Technical Program Expanded Abstracts; Warner et al. (2013), Geophysics 78, R59-R80.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.quality.comparison import ComparedShot

Array = NDArray[Any]

# Classes of offsets and bands of frequencies, at most.
OFFSETS, BANDS = 16, 20
# Coherence below which the traces of a class have no phase in common.
COHERENT = 0.3


@dataclass(frozen=True)
class FitClasses:
    """Classes of offsets and bands of frequencies.

    Parameters
    ----------
    offsets : ndarray of shape (n_offsets + 1,)
        Edges [m], ascending.
    bands : ndarray of shape (n_bands + 1,)
        Edges [Hz], ascending.
    """

    offsets: Array
    bands: Array

    @classmethod
    def of(
        cls, distances: Sequence[Array], band: tuple[float, float], duration: float
    ) -> FitClasses:
        """Classes of equal width over all distances, and over a band.

        Parameters
        ----------
        distances : sequence of ndarray of shape (n_receivers,)
            From the source [m], of each shot.
        band : tuple of float
            Lowest and highest frequency [Hz].
        duration : float
            Of a record [s]; a band is no narrower than 1 / duration.

        Returns
        -------
        classes : FitClasses
        """
        every = np.concatenate([np.zeros(0), *distances])
        low, high = (float(every.min()), float(every.max())) if every.size else (0.0, 1.0)
        count = OFFSETS if high > low else 1
        bands = int(np.clip((band[1] - band[0]) * duration, 1, BANDS))
        return cls(np.linspace(low, max(high, low + 1.0), count + 1), np.linspace(*band, bands + 1))

    def offset_class(self, distance: Array) -> NDArray[np.int64]:
        """Number of the class of each distance [m]; the last edge belongs to the last class."""
        number = np.searchsorted(self.offsets, distance, side="right") - 1
        return np.clip(number, 0, len(self.offsets) - 2)

    def of_band(self, frequencies: Array) -> list[slice]:
        """Samples of ascending frequencies in each band; a band has no frequency of the next."""
        edges = np.searchsorted(frequencies, self.bands, side="left")
        edges[-1] = np.searchsorted(frequencies, self.bands[-1], side="right")
        return [slice(int(a), int(b)) for a, b in pairwise(edges)]


@dataclass(frozen=True)
class ShotFit:
    """Fit of the records of a shot, as sums over its traces in each class.

    Attributes
    ----------
    shot : int
        Number in the survey.
    residual, observed : ndarray of shape (n_offsets,)
        Squared norms of s - d and of d, of pressure [Pa2].
    products : ndarray of shape (n_bands, n_offsets), complex
        Sums of z.
    counts : ndarray of shape (n_bands, n_offsets)
        Traces in these sums: those with energy in the band.
    """

    shot: int
    residual: Array
    observed: Array
    products: Array
    counts: Array

    @property
    def misfit(self) -> float:
        """||s - d|| / ||d|| of all traces; NaN without energy."""
        return float(_ratio(self.residual.sum(), self.observed.sum()))


def shot_fit(compared: ComparedShot, classes: FitClasses) -> ShotFit:
    """Fit of the records of a shot.

    Parameters
    ----------
    compared : ComparedShot
    classes : FitClasses

    Returns
    -------
    fit : ShotFit
    """
    count, bands = len(classes.offsets) - 1, len(classes.bands) - 1
    number = classes.offset_class(compared.distance)
    synthetic, observed = (
        np.asarray(gather, dtype=np.float64) for gather in (compared.synthetic, compared.observed)
    )
    energies = [(g**2).sum(axis=1) for g in (synthetic - observed, observed)]
    residual, recorded = (np.bincount(number, e, minlength=count) for e in energies)
    spectra = np.fft.rfft(synthetic), np.fft.rfft(observed)
    frequencies = np.fft.rfftfreq(observed.shape[1], compared.interval)
    products = np.zeros((bands, count), dtype=complex)
    counts = np.zeros((bands, count), dtype=int)
    for row, samples in enumerate(classes.of_band(frequencies)):
        s, d = (values[:, samples] for values in spectra)
        norms = np.linalg.norm(s, axis=1) * np.linalg.norm(d, axis=1)
        there = norms > 0
        z = (s * d.conj()).sum(axis=1)[there] / norms[there]
        np.add.at(products[row], number[there], z)
        counts[row] = np.bincount(number[there], minlength=count)
    return ShotFit(compared.shot, residual, recorded, products, counts)


def joined(fits: Sequence[ShotFit]) -> ShotFit:
    """Fit of all components of a shot: each counts as much as the first, whatever its unit.

    Parameters
    ----------
    fits : sequence of ShotFit
        Of the components of one shot, in the same classes.

    Returns
    -------
    fit : ShotFit
        Energies in the unit of the first component with energy.
    """
    if len(fits) == 1:
        return fits[0]
    energies = [float(fit.observed.sum()) for fit in fits]
    unit = next((energy for energy in energies if energy > 0), 1.0)
    shares = [unit / energy if energy > 0 else 0.0 for energy in energies]
    pairs = list(zip(shares, fits, strict=True))
    return ShotFit(
        fits[0].shot,
        np.sum([share * fit.residual for share, fit in pairs], axis=0),
        np.sum([share * fit.observed for share, fit in pairs], axis=0),
        np.sum([fit.products for fit in fits], axis=0),
        np.sum([fit.counts for fit in fits], axis=0),
    )


@dataclass(frozen=True)
class DataFit:
    """Fit of the records of several shots, in the same classes.

    Parameters
    ----------
    classes : FitClasses
    shots : tuple of ShotFit
    """

    classes: FitClasses
    shots: tuple[ShotFit, ...]

    @property
    def misfit(self) -> float:
        """||s - d|| / ||d|| of all traces; NaN without energy."""
        return float(
            _ratio(
                sum(s.residual.sum() for s in self.shots), sum(s.observed.sum() for s in self.shots)
            )
        )

    @property
    def by_shot_and_offset(self) -> Array:
        """Misfit of shape (n_shots, n_offsets); NaN where there is no trace."""
        return np.stack([_ratio(s.residual, s.observed) for s in self.shots])

    @property
    def by_offset(self) -> Array:
        """Misfit of shape (n_offsets,); NaN where there is no trace."""
        return _ratio(
            np.sum([s.residual for s in self.shots], axis=0),
            np.sum([s.observed for s in self.shots], axis=0),
        )

    @cached_property
    def _mean(self) -> Array:
        """Mean of z, of shape (n_bands, n_offsets); NaN where there is no trace."""
        products = np.sum([s.products for s in self.shots], axis=0)
        counts = np.sum([s.counts for s in self.shots], axis=0)
        mean = np.full(products.shape, np.nan + 0j)
        np.divide(products, counts, out=mean, where=counts > 0)
        return mean

    @property
    def correlation(self) -> Array:
        """Correlation at lag zero, of shape (n_bands, n_offsets), from -1 to 1."""
        return np.asarray(self._mean.real)

    @property
    def phase(self) -> Array:
        """Phase residual of shape (n_bands, n_offsets) [rad], positive for late observed waves."""
        return np.where(np.isnan(self._mean.real), np.nan, np.angle(self._mean))

    @property
    def common_phase(self) -> Array:
        """Phase residual where traces have one in common; NaN below the coherence `COHERENT`."""
        return np.where(np.nan_to_num(self.coherence) < COHERENT, np.nan, self.phase)

    @property
    def coherence(self) -> Array:
        """Size of the mean of z, of shape (n_bands, n_offsets), from 0 to 1."""
        return np.abs(self._mean)


def _ratio(residual: Any, observed: Any) -> Array:
    """Ratio of two norms from their squares; NaN where there is no energy."""
    residual, observed = np.asarray(residual, dtype=float), np.asarray(observed, dtype=float)
    ratio = np.full(residual.shape, np.nan)
    np.divide(residual, observed, out=ratio, where=observed > 0)
    return np.sqrt(ratio)
