"""Corrections of records whose file is wrong: sampling, time zero, axes, shots to leave out.

Traces that move to earlier times end earlier, since the samples behind their end are unknown.
Traces that move to later times begin with zeros, and end where they did.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.data import AxesSection, RecordsSection
from fwicli.errors import DataError, GeometryError
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.gathers import Gathers
from fwicli.survey.signals.spans import ROUND, delayed, placed
from fwicli.workflows.assembly import field_records, plausibility
from fwicli.workflows.assembly.components import component

Array = NDArray[Any]


def corrected(records: Gathers, section: RecordsSection) -> Gathers:
    """Records as the section says, where it contradicts their file.

    Parameters
    ----------
    records : Gathers
        As read.
    section : RecordsSection

    Returns
    -------
    records : Gathers

    Raises
    ------
    DataError
        If all shots are left out, one is that does not exist, the interval is too long, or the
        shift as long as the record.
    GeometryError
        If an axis is named twice, or does not exist.
    """
    if section.interval is not None:
        plausibility.check_interval(section.interval, "`data.interval`: the data")
        records = replace(records, interval=section.interval)
    if section.shift:
        records = _shifted(records, section.shift)
    if section.axes is not None or section.receiver_axes is not None:
        records = replace(records, acquisition=_on_axes(records.acquisition, section))
    acquisition = _with_components(records.acquisition, section)
    if acquisition is not records.acquisition:
        records = replace(records, acquisition=acquisition)
    return records.select(_kept(records, section.skip)) if section.skip else records


def _with_components(acquisition: Acquisition, section: RecordsSection) -> Acquisition:
    """The acquisition with the components that the section states."""
    ends = {"recorded": "component", "emitted": "source_component"}
    stated = {end: key for end, key in ends.items() if getattr(section, key) is not None}
    if any(c.reciprocal for c in acquisition.components[0]):
        if stated and not field_records.has_trace_headers(section):
            key = next(iter(stated.values()))
            error = DataError(
                f"sources and receivers have changed places in the file, which names the "
                f"components of both; leave out `data.{key}`"
            )
            error.key = (key,)
            raise error
        return acquisition  # those of trace headers were set before they changed places
    chosen: dict[str, Any] = {end: component(getattr(section, key)) for end, key in stated.items()}
    return replace(acquisition, **chosen) if chosen else acquisition


def _shifted(records: Gathers, shift: float) -> Gathers:
    """The records with their traces moved to later times by `shift` [s]."""
    before, steps = records.samples, shift / records.interval
    samples = before if steps > 0 else before - math.ceil(-steps - ROUND)
    if not abs(steps) < before or samples < 2:
        end = records.interval * (before - 1)
        error = DataError(
            f"a shift of {shift:g} s leaves nothing of records of {end:g} s; `data.shift` is in s"
        )
        error.key = ("shift",)
        raise error
    wavelet = None if records.wavelet is None else records.wavelet[..., :samples]
    spans = records.spans
    if spans is not None:
        spans = np.clip(spans + round(steps), 0, samples)
    move, data = partial(_later, steps=steps, samples=samples), records.data
    data = (
        np.stack([move(g) for g in data])
        if isinstance(data, np.ndarray)
        else data.mapped(move, samples)
    )
    return replace(records, data=data, wavelet=wavelet, spans=spans)


def _later(gather: Array, steps: float, samples: int) -> Array:
    """A gather with its traces moved to later times by a number of samples, not always whole."""
    count, whole = gather.shape[-1], round(steps)
    if abs(steps - whole) < ROUND:
        return placed(gather, whole, count)[..., :samples]
    return delayed(gather, steps)[..., :samples]


def _kept(records: Gathers, skip: list[int]) -> Array:
    """Numbers of the shots that are not left out."""
    count = records.acquisition.shots
    error: DataError | None = None
    if max(skip) >= count:
        error = DataError(
            f"there is no shot {max(skip)} to leave out: the shots are numbered from 0 to "
            f"{count - 1}; correct `data.skip`"
        )
    elif len(set(skip)) == count:
        error = DataError(f"all {count} shots are left out; correct `data.skip`")
    if error is not None:
        error.key = ("skip",)
        raise error
    return np.setdiff1d(np.arange(count), skip)


def _on_axes(acquisition: Acquisition, section: RecordsSection) -> Acquisition:
    """The acquisition with its coordinates along the axes of the model."""
    ndim, receivers = acquisition.ndim, acquisition.receivers
    axes = _axes(section.axes, ndim, "axes")
    own = _axes(section.receiver_axes, ndim, "receiver_axes") if section.receiver_axes else axes
    turned: Any
    if isinstance(receivers, np.ndarray):
        turned = _turned(receivers, own)
    else:
        turned = [_turned(acquisition.receivers_of(n), own) for n in range(acquisition.shots)]
    return replace(acquisition, sources=_turned(acquisition.sources, axes), receivers=turned)


def _turned(positions: Array, axes: tuple[tuple[int, int], ...]) -> Array:
    """Positions of shape (..., ndim), each coordinate taken from a column with a sign."""
    return np.stack([sign * positions[..., column] for column, sign in axes], axis=-1)


def _axes(section: AxesSection | None, ndim: int, key: str) -> tuple[tuple[int, int], ...]:
    """Column and sign for each axis of the model."""
    names = ("x", "z") if ndim == 2 else ("x", "y", "z")
    chosen = [getattr(section, name) if section is not None else name for name in names]
    columns = [axis.removeprefix("-") for axis in chosen]
    if sorted(columns) != sorted(names):
        error = GeometryError(
            f"the axes {', '.join(names)} of the model are given the coordinates "
            f"{', '.join(chosen)} of the file; each of {', '.join(names)} must be there once"
        )
        error.key = (key,)
        raise error
    return tuple(
        (names.index(column), -1 if axis.startswith("-") else 1)
        for column, axis in zip(columns, chosen, strict=True)
    )
