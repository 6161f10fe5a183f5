"""Wavelets in files, on the samples of the record: one for all shots, or one for each.

Tables of text have a column for each shot, and other arrays a row. The first may hold times. SEG-Y
has a trace for each shot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.data import RecordsSection
from fwicli.errors import DataError
from fwicli.files import arrays
from fwicli.files.flat import RawFormat
from fwicli.segy import wavelets as segy
from fwicli.survey.signals import wavelets
from fwicli.workflows.assembly import plausibility

Array = NDArray[Any]

# Energy of a wavelet that may come before t = 0.
LOST = 0.01
SEGY = (".sgy", ".segy", ".su")


@dataclass(frozen=True)
class Shots:
    """The shots that wavelets are for.

    Attributes
    ----------
    count : int or None
        Shots that are used; None for as many as there are wavelets.
    section : RecordsSection or None
        Selection of these shots from those of their file; None if they come from no file.
    """

    count: int | None
    section: RecordsSection | None = None

    def chosen(self, wavelets: int) -> NDArray[np.int64] | None:
        """Numbers of the wavelets of the shots, of one for each shot of the file; else None."""
        numbers = np.arange(wavelets)
        if self.section is not None:
            numbers = numbers[self.section.selection()]
            numbers = np.delete(numbers, [n for n in self.section.skip if n < len(numbers)])
        return numbers if self.count in (None, len(numbers)) else None


# As many shots as there are wavelets.
ANY = Shots(None)


@dataclass(frozen=True)
class _Signatures:
    """Wavelets as they are in a file, of shape (n, samples); `shape` is that of their array.

    `start` is the time of the first sample, one for all or one each [s].
    """

    values: Array
    interval: float | None
    start: Any = 0.0
    shape: tuple[int, ...] = ()


def read(section: schema.WaveletFileSection, interval: float, samples: int, shots: Shots) -> Array:
    """Wavelets of a file on the samples of the record.

    Parameters
    ----------
    section : WaveletFileSection
    interval : float
        Sampling interval of the record [s].
    samples : int
        Of the record.
    shots : Shots

    Returns
    -------
    wavelet : ndarray of shape (samples,) or (n_shots, samples)
        In Pa, or Pa m in 3D.

    Raises
    ------
    DataError
        If there is neither one for all shots nor one for each, or one is zero, lies outside the
        record, or cannot be sampled at the interval.
    """
    if section.scale == 0:
        raise DataError("its `scale` is 0, so that there are no waves; leave it out for 1")
    stored = _of_shots(_read(section), shots, section)
    step = _sampling(section, stored, interval, samples)
    starts = np.broadcast_to(stored.start, len(stored.values)) + section.delay
    target, wavelet = wavelets.times(interval, samples), []
    for shot, (values, start) in enumerate(zip(stored.values, starts, strict=True)):
        of = f" of shot {shot}" if len(stored.values) > 1 else ""
        name = f"the wavelet{of} in {section.file}"
        own = _checked(values, step, float(start), float(target[-1]), name)
        resampled = section.scale * _resampled(own, step, float(start), interval, samples, name)
        wavelet.append(plausibility.check_wavelet(resampled, name))
    return wavelet[0] if len(wavelet) == 1 else np.stack(wavelet)


def _of_shots(stored: _Signatures, shots: Shots, section: schema.WaveletFileSection) -> _Signatures:
    """The wavelet of all shots, as it is, or those of the shots that are used."""
    count = len(stored.values)
    if count == 1:
        return stored
    numbers = shots.chosen(count)
    if numbers is None:
        of_file = " of the data file" if shots.section is not None else ""
        shape = stored.shape or stored.values.shape
        raise DataError(
            f"the wavelet in {section.file} has shape {shape}, {count} wavelets, and the run "
            f"{shots.count} shots: give one wavelet for all shots, or one for each{of_file}: a "
            f"column each in a text file, a row each in .npy or HDF5, a trace each in SEG-Y; an "
            f"inversion finds those of the shots from one (`inversion.source: {{estimate: shot}}`)"
        )
    start = stored.start if np.ndim(stored.start) == 0 else stored.start[numbers]
    return replace(stored, values=stored.values[numbers], start=start)


def _checked(values: Array, step: float, start: float, end: float, name: str) -> Array:
    """A wavelet whose peak and energy lie within the record, which ends at `end` [s]."""
    plausibility.check_wavelet(values, name)
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
    return values


def _sampling(
    section: schema.WaveletFileSection, stored: _Signatures, interval: float, samples: int
) -> float:
    """Sampling interval of a file [s]: what config or file say, or else that of the record."""
    name, own = f"the wavelet in {section.file}", stored.interval
    if section.interval is not None:
        _agree(name, section.interval, own)
        own = section.interval
    if own is not None:
        plausibility.check_interval(own, name)
        return own
    size = stored.values.shape[-1]
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


def _read(section: schema.WaveletFileSection) -> _Signatures:
    """Wavelets of a file, with sampling interval and time of the first, as far as it says."""
    name = f"the wavelet in {section.file}"
    if section.file.suffix.lower() in SEGY:
        for key in section.chosen("dataset", "dtype"):
            raise DataError(f"{name} is in SEG-Y, which has no `{key}`; leave that out")
        return _Signatures(*segy.read(section.file, section.interval))
    stored = arrays.read(
        section.file,
        section.dataset,
        RawFormat(dtype=section.dtype),
        chosen=section.chosen("dataset", "dtype"),
    )
    values, step = np.squeeze(stored.values.astype(float)), stored.interval
    if values.size == 0:
        raise DataError(f"{name} is empty")
    if values.ndim < 2:
        return _Signatures(values.reshape(1, -1), step, shape=stored.values.shape)
    if values.ndim > 2:
        raise DataError(
            f"{name} has shape {stored.values.shape}: give one wavelet for all shots, or one for "
            f"each, in a row or column each"
        )
    if (values == values[:1]).all():
        return _Signatures(values[:1], step, shape=values.shape)
    # A pair of times and amplitudes may lie in rows or columns of any file.
    columns = values.shape[1] == 2 or (stored.is_table and values.shape[0] != 2)
    rows = values.T if columns else values
    if (timed := _times(rows[0])) is None:
        return _Signatures(values.T if stored.is_table else values, step, shape=values.shape)
    own, start = timed
    _agree(name, own, step)
    return _Signatures(rows[1:], own, start, values.shape)


def _times(values: Array) -> tuple[float, float] | None:
    """Interval and first of some values, if they increase as evenly as times do."""
    if values.size < 3:
        return None
    step = (values[-1] - values[0]) / (values.size - 1)
    even = np.abs(values - (values[0] + step * np.arange(values.size)))
    # Times that are printed with a few digits are even to half of the last of them.
    if not (step > 0 and (even <= 0.05 * step).all()):
        return None
    return float(step), 0.0 if abs(values[0]) < 1e-3 * step else float(values[0])
