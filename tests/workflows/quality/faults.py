"""Faults planted in records, what a check names, and the settings that it advises."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fwicli.config.data import DataSection
from fwicli.config.loader import ProblemsError, load
from fwicli.files import hdf5
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.gathers import Gathers
from fwicli.workflows.assembly.corrections import corrected
from fwicli.workflows.quality import one_shot

Plant = Callable[[Gathers], Gathers]


def later(seconds: float) -> Plant:
    """Records with another time zero, as if they had been switched on too early."""
    section = DataSection.model_validate({"file": "none", "shift": seconds})

    def plant(records: Gathers) -> Gathers:
        moved = corrected(replace(records, wavelet=None), section)
        wavelet = None if records.wavelet is None else records.wavelet[..., : moved.samples]
        return replace(moved, wavelet=wavelet)

    return plant


def reversed_polarity(records: Gathers) -> Gathers:
    return records.mapped(np.negative)


def sampled(factor: float) -> Plant:
    """Records whose file states a longer interval."""
    return lambda records: replace(records, interval=factor * records.interval)


def dead(shot: int) -> Plant:
    """Records with a shot that misfired: zeros, and the noise of the others."""

    def plant(records: Gathers) -> Gathers:
        data = records.data.copy()
        data[shot] = 0
        return replace(records, data=data)

    return plant


def placed(sources: Callable[[Any], Any], receivers: Callable[[Any], Any]) -> Plant:
    """Records with other positions."""

    def plant(records: Gathers) -> Gathers:
        geometry = records.acquisition
        return replace(
            records,
            acquisition=Acquisition(sources(geometry.sources), receivers(geometry.receivers)),
        )

    return plant


def exchanged(positions: np.ndarray) -> np.ndarray:
    """Positions with their first two axes exchanged."""
    order = [1, 0, *range(2, positions.shape[-1])]
    return positions[..., order]


def upwards(positions: np.ndarray) -> np.ndarray:
    """Positions with elevations in place of depths."""
    return positions * np.array([1.0] * (positions.shape[-1] - 1) + [-1.0])


def with_noise(records: Gathers, decibels: float = 10.0) -> Gathers:
    """Records with white noise below them."""
    random = np.random.default_rng(0).standard_normal(records.data.shape)
    size = np.sqrt(np.mean(records.data.astype(float) ** 2)) * 10 ** (-decibels / 20)
    return replace(records, data=(records.data + size * random).astype(np.float32))


@dataclass(frozen=True)
class Verdict:
    """What a check says.

    Attributes
    ----------
    kinds : list of str
        Of the faults; `refused` for a config that cannot be run.
    text : str
    settings : list of str
        That are advised.
    """

    kinds: list[str]
    text: str
    settings: list[str]


def verdict(config: Path, settings: Sequence[str], shots: Sequence[int]) -> Verdict:
    """Check shots of a config."""
    try:
        found = one_shot.check(load(config, settings=settings), shots)
    except ProblemsError as error:
        text = str(error)
        advised = re.findall(r"--set '([^']*)'", text)
        advised += [s.replace(": ", "=", 1) for s in re.findall(r"`(data\.\w*axes: {[^`]*)`", text)]
        return Verdict(["refused"], text, list(dict.fromkeys(advised)))
    faults = found["faults"]
    return Verdict(
        [f["kind"] for f in faults],
        "; ".join(f["text"] for f in faults),
        [s for f in faults for s in f["settings"]],
    )


def write(path: Path, records: Gathers) -> Path:
    """Write records for a check."""
    hdf5.write_gathers(path, records, {})
    return path
