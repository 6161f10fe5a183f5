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
from fwicli.files import arrays
from fwicli.files.flat import RawFormat
from fwicli.survey.signals import wavelets
from fwicli.workflows.assembly import plausibility

Array = NDArray[Any]

# Energy of a made wavelet that may lie outside the record. A Ricker wavelet that is cut at 0.57
# periods loses 1 %; its spectrum then ends where it should, to 2 %.
LOST = 0.01
# Largest values [Pa, or Pa m] of the sources of a survey, with room for any unit; beyond them the
# squares that a gradient is made of overflow or vanish in single precision.
LOUDEST, FAINTEST = 1e15, 1e-15


def signature(
    section: schema.RickerSection | schema.OrmsbySection | schema.WaveletFileSection,
    interval: float,
    samples: int,
) -> Array:
    """Source time function of shape (samples,), sampled at `interval` [s] from t = 0.

    Parameters
    ----------
    section : WaveletSection
        Its class chooses the wavelet.
    interval : float
        Sampling interval [s].
    samples : int
        Of the record.

    Returns
    -------
    wavelet : ndarray of shape (samples,)
        In Pa, or Pa m in 3D.

    Raises
    ------
    DataError
        If it is zero, lies outside the record, or cannot be sampled at the interval.
    """
    if isinstance(section, schema.WaveletFileSection):
        return _filed(section, interval, samples)
    return _made(section, interval, samples)


def checked(wavelet: Array, name: str) -> Array:
    """The wavelet, which must be finite, not zero, and of a size that waves can be computed with.

    Parameters
    ----------
    wavelet : ndarray
    name : str
        For the message.

    Returns
    -------
    wavelet : ndarray
        The same.

    Raises
    ------
    DataError
        If it does not.
    """
    if not np.isfinite(wavelet).all():
        first = int(np.flatnonzero(~np.isfinite(wavelet))[0])
        raise DataError(
            f"{name} is {wavelet.flat[first]} at sample {first}; replace values that are no "
            f"numbers (is it of another type, such as float64?)"
        )
    largest = float(np.abs(wavelet).max(initial=0.0))
    if largest == 0:
        raise DataError(f"{name} is zero, so that there are no waves")
    if not FAINTEST <= largest <= LOUDEST:
        raise DataError(
            f"{name} has a largest value of {largest:.3g} Pa (Pa m in 3D), which no source has and "
            f"single precision cannot square; scale it, or check its type (float32, float64) and "
            f"byte order"
        )
    return wavelet


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
    return checked(section.amplitude * unit, name)


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


# --- wavelets from files --------------------------------------------------------------------------


def _filed(section: schema.WaveletFileSection, interval: float, samples: int) -> Array:
    """A wavelet from a file, on the samples of the record."""
    values, own, start = _read(section)
    start += section.delay
    name, end = f"the wavelet in {section.file}", interval * (samples - 1)
    checked(values, name)
    if section.scale == 0:
        raise DataError("its `scale` is 0, so that there are no waves; leave it out for 1")
    step = _sampling(section, values.size, own, interval, samples)
    peak = start + step * int(np.abs(values).argmax())
    if peak > end * (1 + 1e-9):
        raise DataError(
            f"{name} has its peak at {peak:.4g} s, after the end of the record at {end:.4g} s: "
            f"{wavelets.in_seconds(step)}make the record longer, or check its sampling of "
            f"{step:g} s"
        )
    before = values[: max(0, int(np.ceil(-start / step - 1e-9)))]
    share = float((before**2).sum() / (values**2).sum())
    if share > LOST:
        raise DataError(
            f"{name} begins at {start:g} s, and {100 * share:.0f}% of its energy comes before "
            f"t = 0, where records begin; shift it by {-start:g} s"
        )
    return checked(section.scale * _resampled(values, step, start, interval, samples, name), name)


def _sampling(
    section: schema.WaveletFileSection, size: int, own: float | None, interval: float, samples: int
) -> float:
    """Sampling interval of a file [s]: what config or file say, or else that of the record."""
    name = f"the wavelet in {section.file}"
    if section.interval is not None:
        _agree(name, section.interval, own)
        own = section.interval
    if own is not None:
        plausibility.check_interval(own, name)
        return own
    if size > samples:
        raise DataError(
            f"{name} has {size} samples and the record {samples}, and does not say how it is "
            f"sampled: check its `dtype`, or give its own `interval`, {interval:g} if it is that "
            f"of the record"
        )
    return interval


def _resampled(
    values: Array, step: float, start: float, interval: float, samples: int, name: str
) -> Array:
    """Amplitudes on the samples of the record; as they are where they are sampled alike."""
    if start == 0 and abs(step / interval - 1) * values.size < 0.01:
        # A shorter wavelet is zero after its end.
        return np.pad(values[:samples], (0, max(0, samples - values.size)))
    highest = wavelets.Spectrum.of(values, step).highest
    if highest > 0.5 / interval:
        raise DataError(
            f"{name}, sampled every {step:g} s, has waves up to {highest:.4g} Hz, and records "
            f"sampled every {interval:g} s hold none above {0.5 / interval:g} Hz (Nyquist): "
            f"sample the records every {wavelets.sampling_for(highest):g} s or finer, or "
            f"filter the wavelet"
        )
    return wavelets.resampled(values, step, interval, samples, start)


def _agree(name: str, interval: float, other: float | None) -> None:
    """Config and file must state the same sampling interval."""
    if other is not None and abs(other / interval - 1) > 1e-3:
        raise DataError(
            f"{name} is sampled every {other:g} s, as it says itself, and every {interval:g} s by "
            f"`interval`; leave that out, or correct the file"
        )


def _read(section: schema.WaveletFileSection) -> tuple[Array, float | None, float]:
    """Amplitudes of a file, with sampling interval and time of the first, as far as it says."""
    stored = arrays.read(
        section.file,
        section.dataset,
        RawFormat(dtype=section.dtype),
        chosen=section.chosen("dataset", "dtype"),
    )
    values, step = np.squeeze(stored.values.astype(float)), stored.interval
    name = f"the wavelet in {section.file}"
    if values.ndim == 0:
        values = values.reshape(1)
    if values.size == 0:
        raise DataError(f"{name} is empty")
    if values.ndim == 1:
        return values, step, 0.0
    if values.ndim == 2 and (timed := _timed(values)) is not None:
        amplitudes, own, start = timed
        _agree(name, own, step)
        return amplitudes, own, start
    if values.ndim == 2 and (values == values[:1]).all():
        return values[0], step, 0.0
    raise DataError(
        f"{name} has shape {stored.values.shape}: a run takes one wavelet for all shots, as one "
        f"row or column of amplitudes, or two with the times [s] first: save one of them, as by "
        f"`numpy.save('one.npy', wavelets[0])`; an inversion finds those of the shots from it "
        f"(`inversion.source: {{estimate: shot}}`)"
    )


def _timed(table: Array) -> tuple[Array, float, float] | None:
    """Amplitudes, interval and first time of two columns or rows of times and amplitudes."""
    rows = table.T if table.shape[1] == 2 else table
    if rows.shape[0] != 2 or rows.shape[1] < 3:
        return None
    t, amplitudes = rows
    step = (t[-1] - t[0]) / (t.size - 1)
    even = np.abs(t - (t[0] + step * np.arange(t.size)))
    # Times that are printed with a few digits are even to half of the last of them.
    if not (step > 0 and (even <= 0.05 * step).all()):
        return None
    start = 0.0 if abs(t[0]) < 1e-3 * step else float(t[0])
    return amplitudes, float(step), start
