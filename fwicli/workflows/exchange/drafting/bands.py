"""The band of records, and the bands of stages that lead through it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fwicli.digits import round_down
from fwicli.errors import DataError
from fwicli.inversion.quality import spectra
from fwicli.survey.gathers import Gathers

# Shots whose spectra are averaged.
SHOTS = 10
# Share of the largest amplitude where the band of noisy records ends.
EDGE = 0.2
# The last stage ends here or an octave above the first, so that a first inversion takes hours [Hz].
HIGHEST = 15.0
# Of the first band: its upper edge over the lower edge of the records, and at least this [Hz].
FIRST_RATIO, FIRST = 1.6, 3.0


@dataclass(frozen=True)
class SignalBand:
    """Frequencies of records.

    Attributes
    ----------
    low, peak, high : float
        Lower edge, strongest frequency and upper edge [Hz].
    """

    low: float
    peak: float
    high: float

    @classmethod
    def of(cls, records: Gathers) -> SignalBand:
        """The band of records, from shots that are spread evenly.

        Parameters
        ----------
        records : Gathers

        Returns
        -------
        band : SignalBand

        Raises
        ------
        DataError
            If all of these shots are silent.
        """
        shots, samples = records.acquisition.shots, records.samples
        chosen = np.unique(np.linspace(0, shots - 1, min(SHOTS, shots)).astype(int)).tolist()
        power = spectra.power((records.data[n][records.live[n]] for n in chosen), samples)
        if not power.any():
            raise DataError("all traces are silent, so that they have no band; check the file")
        width = max(1, power.size // 100)
        amplitude = np.sqrt(np.convolve(power, np.ones(width) / width, mode="same"))
        frequencies = spectra.frequencies(samples, records.interval)
        loud = frequencies[amplitude >= EDGE * amplitude.max()]
        return cls(float(loud[0]), float(frequencies[np.argmax(amplitude)]), float(loud[-1]))

    def stages(self) -> tuple[float, ...]:
        """Upper edges of the bands of three stages [Hz], or of fewer where they meet."""
        first = max(FIRST, FIRST_RATIO * self.low)
        last = max(first, min(self.high, max(HIGHEST, 2 * first)))
        return tuple(sorted({round_down(float(f), 2) for f in np.geomspace(first, last, 3)}))
