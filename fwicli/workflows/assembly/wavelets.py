"""The wavelet of a run: from its section of the config, or the data file, to the record's samples.

Whatever its source, a wavelet is used as its author meant it or refused with the reason: it must
begin and peak within the record, be sampled finely enough, and have the size of a pressure. One
from a file brings its own sampling where the file, a column of times or the config states it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.errors import DataError
from fwicli.survey.signals import wavelets
from fwicli.workflows.assembly import plausibility, wavelet_files
from fwicli.workflows.assembly.wavelet_files import ANY, Shots

Array = NDArray[Any]

# Energy of a made wavelet that may lie outside the record. A Ricker wavelet that is cut at 0.57
# periods loses 1 %; its spectrum then ends where it should, to 2 %.
LOST = 0.01


def signature(
    section: schema.RickerSection | schema.OrmsbySection | schema.WaveletFileSection,
    interval: float,
    samples: int,
    shots: Shots = ANY,
) -> Array:
    """Source time functions, sampled at `interval` [s] from t = 0.

    Parameters
    ----------
    section : WaveletSection
        Its class chooses the wavelet.
    interval : float
        Sampling interval [s].
    samples : int
        Of the record.
    shots : Shots, optional
        Shots that the wavelets of a file are for; by default as many as there are wavelets.

    Returns
    -------
    wavelet : ndarray of shape (samples,) or (n_shots, samples)
        One for all shots, or one for each, in Pa, or Pa m in 3D.

    Raises
    ------
    DataError
        If it is zero, lies outside the record, or cannot be sampled at the interval.
    """
    if isinstance(section, schema.WaveletFileSection):
        return wavelet_files.read(section, interval, samples, shots)
    return _made(section, interval, samples)


# --- made wavelets --------------------------------------------------------------------------------


def _made(
    section: schema.RickerSection | schema.OrmsbySection, interval: float, samples: int
) -> Array:
    """A Ricker or Ormsby wavelet that lies within the record."""
    end = interval * (samples - 1)
    if section.amplitude == 0:
        raise DataError("its amplitude is 0, so that there are no waves; leave it out for 1")
    if isinstance(section, schema.RickerSection):
        frequencies, half = [section.frequency], 1.5 / section.frequency
        delay = half if section.delay is None else section.delay
        name = f"a Ricker wavelet of {section.frequency:g} Hz"
    else:
        frequencies, half = section.corners, 2 / section.corners[1]
        half = delay = half if section.delay is None else section.delay
        name = f"an Ormsby wavelet of {', '.join(f'{f:g}' for f in section.corners)} Hz"
    if delay > end:
        hertz = [1000 * f for f in frequencies]
        sampled = wavelets.RICKER_EDGE * hertz[-1] * interval <= 0.5
        hint = _earlier(delay, half, end, hertz if sampled else [], section.delay is None)
        raise DataError(
            f"{name} has its peak at {delay:.4g} s, after the end of the record at {end:.4g} s: "
            f"{hint}"
        )
    t = wavelets.times(interval, samples)
    around = np.linspace(-half, half, 2001)
    if isinstance(section, schema.RickerSection):
        unit = wavelets.ricker(t, section.frequency, section.delay)
        whole = wavelets.ricker(around, section.frequency, 0.0)
    else:
        unit = wavelets.ormsby(t, section.corners, section.delay)
        whole = wavelets.ormsby(around + delay, section.corners, delay)
    _whole(name, whole, around + delay, end, delay, half)
    return plausibility.check_wavelet(section.amplitude * unit, name)


def _earlier(delay: float, half: float, end: float, hertz: Sequence[float], usual: bool) -> str:
    """Advice where the delay of a wavelet is beyond the end of the record [s].

    `hertz` are its frequencies if they were in kHz [Hz], none where the record cannot hold them.
    """
    if usual:
        # The usual delay is so long because the frequency is so low.
        longer = f"make the record longer than {2 * half:.3g} s, or raise the frequency"
        if not hertz or 1000 * end < half:
            return longer
        written = ", ".join(f"{f:g}" for f in hertz)
        written = written if len(hertz) == 1 else f"[{written}]"
        return f"is the frequency in kHz? Then write {written}; else {longer}"
    longer = f"make the record longer than {delay + half:.3g} s, or the delay shorter"
    if delay / 1000 > end:
        return longer
    return f"is the delay in ms? Then write {delay / 1000:g}; else {longer}"


def _whole(name: str, wavelet: Array, t: Array, end: float, delay: float, half: float) -> None:
    """No more than `LOST` of the energy of a wavelet may lie outside the record."""
    energy = wavelet**2
    for part, side in ((t < 0, "begins"), (t > end, "ends")):
        share = float(energy[part].sum() / energy.sum())
        if share <= LOST:
            continue
        remedy = f"leave `delay` out, or make it {half:.4g} s"
        if side == "ends":
            remedy = f"make the record {np.ceil(1000 * (delay + half)) / 1000:g} s long or longer"
        raise DataError(
            f"{name} with its peak at {delay:.4g} s is cut where the record {side}, at "
            f"{0.0 if side == 'begins' else end:g} s: {100 * share:.0f}% of its energy is missing "
            f"and its spectrum has no end; {remedy}"
        )
