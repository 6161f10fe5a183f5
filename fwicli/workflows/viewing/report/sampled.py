"""Shots of a run modelled anew, in its first and its last model, and compared with the records.

All is done in the band and with the numerics of the stage that the run has reached. Gathers are
dropped as soon as their numbers are taken, but for a few that are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.execution import Local, cores
from fwicli.files import datasets
from fwicli.inversion.quality import spectra
from fwicli.inversion.quality.comparison import ComparedShot
from fwicli.inversion.quality.data_fit import DataFit, FitClasses, ShotFit, joined, shot_fit
from fwicli.plotting.fits import Curve
from fwicli.survey import proximity
from fwicli.survey.model import EarthModel
from fwicli.workflows.planning.plan import Plan
from fwicli.workflows.quality.setting import StageSetting
from fwicli.workflows.run_folder import finished_shots
from fwicli.workflows.run_folder.progress import Progress
from fwicli.workflows.viewing.report.record import RunRecord

Array = NDArray[Any]

# Shots whose records are drawn, at most.
DRAWN = 3
START, LAST, SMOOTH = "start", "last model", "smooth model"


@dataclass
class SampledShots:
    """Fit of some shots in one or two models.

    Attributes
    ----------
    setting : str
        Stage and band, in words.
    band : tuple of float
        [Hz].
    numbers : list of int
        Of the shots.
    fits : dict of str to DataFit
        By the name of the model.
    curves : list of Curve
        Spectra of observed and synthetic records, and of the wavelet.
    drawn : list of dict of str to ComparedShot
        Records of a few shots, each component by itself, by the name of the model.
    estimated : bool
        Whether the source is estimated before the comparison.
    """

    setting: str
    band: tuple[float, float]
    numbers: list[int]
    fits: dict[str, DataFit]
    curves: list[Curve]
    drawn: list[dict[str, ComparedShot]]
    estimated: bool = False


@dataclass
class _Sums:
    """Numbers of the shots that were compared so far."""

    fits: dict[str, list[ShotFit]] = field(default_factory=dict)
    power: dict[str, Array] = field(default_factory=dict)

    def add(self, name: str, fit: ShotFit) -> None:
        self.fits.setdefault(name, []).append(fit)

    def add_power(self, name: str, gather: Array) -> None:
        power = spectra.power([gather], gather.shape[1], noise=False)
        self.power[name] = self.power.get(name, 0.0) + power


def models(record: RunRecord, plan: Plan) -> dict[str, EarthModel]:
    """Models in which shots are modelled, by name: one, or the first and the last.

    Parameters
    ----------
    record : RunRecord
    plan : Plan
        Of the run.

    Returns
    -------
    models : dict of str to EarthModel
    """
    if record.kind in ("rtm", "lsrtm"):
        return {SMOOTH: plan.model}
    if record.result is None or not record.history:
        return {START: plan.model}
    with datasets.reading(record.result) as file:
        names = [n for n in file.groups("result") if n in plan.model.properties]
        properties = {name: file.array(f"result/{name}") for name in names}
    return {START: plan.model, LAST: plan.model.changed(properties)}


def choose(setting: StageSetting, count: int) -> list[int]:
    """Shots that are spread evenly over those with traces to compare.

    Parameters
    ----------
    setting : StageSetting
    count : int
        At most.

    Returns
    -------
    numbers : list of int
    """
    live = [n for n in range(setting.plan.acquisition.shots) if setting.traces(n).any()]
    count = min(count, len(live))
    return [live[len(live) * (2 * n + 1) // (2 * count)] for n in range(count)]


def sample(record: RunRecord, plan: Plan, count: int, progress: Progress) -> SampledShots | None:
    """Model some shots in each of the models, and compare them with their records.

    Parameters
    ----------
    record : RunRecord
    plan : Plan
        Of an inversion or a migration.
    count : int
        Of shots, at most.
    progress : Progress

    Returns
    -------
    sampled : SampledShots or None
        None if no shot has a trace to compare.
    """
    number = int(record.steps[-1]["stage"]) - 1 if record.kind == "invert" and record.steps else 0
    settings = {
        name: StageSetting(replace(plan, model=model), record.loaded.config, number)
        for name, model in models(record, plan).items()
    }
    first = next(iter(settings.values()))
    numbers = choose(first, count)
    if not numbers:
        return None
    distances = [
        proximity.distances(plan.acquisition, shot)[first.traces(shot)] for shot in numbers
    ]
    duration = plan.interval * (plan.stages[number].time.samples - 1)
    highest = min(first.edges[1], plan.stages[number].highest_frequency)
    classes = FitClasses.of(distances, (first.edges[0], highest), duration)
    sums, drawn = _modelled(settings, numbers, classes, progress)
    fits = {name: DataFit(classes, tuple(shots)) for name, shots in sums.fits.items()}
    return SampledShots(
        first.describe(),
        first.edges,
        numbers,
        fits,
        _curves(first, sums.power, numbers[0]),
        drawn,
        first.estimates,
    )


def _modelled(
    settings: Mapping[str, StageSetting],
    numbers: Sequence[int],
    classes: FitClasses,
    progress: Progress,
) -> tuple[_Sums, list[dict[str, ComparedShot]]]:
    """Sums over all shots, and records of a few of them."""
    sums, drawn = _Sums(), []
    shown = {numbers[len(numbers) * (2 * n + 1) // (2 * DRAWN)] for n in range(DRAWN)}
    first = next(iter(settings.values()))
    tasks = [setting.task(shot) for shot in numbers for setting in settings.values()]
    workers = max(1, min(first.plan.workers, cores(), len(tasks)))
    with Local(workers) as executor:
        acquisition = first.plan.acquisition
        finished_shots.compile_missing(executor, first.discretization, acquisition=acquisition)
        progress.start("shots of the report", len(tasks))
        gathers = executor.map(tasks)
        for count, shot in enumerate(numbers):
            compared: dict[str, list[ComparedShot]] = {}
            for name, setting in settings.items():
                compared[name] = setting.compared(shot, next(gathers))
                progress.update(count * len(settings) + len(compared))
            for name, each in compared.items():
                sums.add(name, joined([shot_fit(part, classes) for part in each]))
                for part in each:
                    sums.add_power(name, part.synthetic / _unit(each, part))
            raw = np.asarray(first.records.data[shot])[first.traces(shot)]
            parts = next(iter(compared.values()))
            for part, rows in zip(parts, first.rows(shot).values(), strict=True):
                sums.add_power("observed", part.observed / _unit(parts, part))
                sums.add_power("observed, all frequencies", raw[rows] / _unit(parts, part))
            if shot in shown:
                names = compared.keys()
                turns = zip(*compared.values(), strict=True)
                drawn += [dict(zip(names, turn, strict=True)) for turn in turns]
        progress.stop()
    return sums, drawn


def _unit(parts: Sequence[ComparedShot], part: ComparedShot) -> float:
    """Amplitude with which a component counts like the others; 1 where it is the only one."""
    if len(parts) == 1:
        return 1.0
    return float(np.sqrt(np.mean(part.observed.astype(np.float64) ** 2))) or 1.0


def _curves(setting: StageSetting, power: Mapping[str, Array], shot: int) -> list[Curve]:
    """Spectra of records and of the wavelet."""
    interval, samples = setting.plan.interval, setting.numerics.time.samples
    frequencies = spectra.frequencies(samples, interval)
    order = sorted(power, key=lambda name: (not name.startswith("observed"), -len(name)))
    curves = [Curve(name, frequencies, power[name]) for name in order]
    wavelet = setting.wavelet(shot).reshape(1, -1)
    size = wavelet.shape[1]
    return [
        *curves,
        Curve(
            "wavelet",
            spectra.frequencies(size, interval),
            spectra.power([wavelet], size, noise=False),
        ),
    ]
