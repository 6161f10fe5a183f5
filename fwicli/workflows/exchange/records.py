"""Report on shot records, read shot by shot."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.survey.acquisition import Acquisition
from fwicli.survey.components import PRESSURE, Component, ordered
from fwicli.survey.gathers import Gathers
from fwicli.survey.signals.wavelets import Spectrum
from fwicli.workflows.exchange import equal
from fwicli.workflows.exchange.positions import PositionStatistics
from fwicli.workflows.exchange.report import Report
from fwicli.workflows.exchange.traces import TraceStatistics
from fwicli.workflows.run_folder.progress import Progress

Array = NDArray[Any]


def report(path: Path, kind: str, records: Gathers, progress: Progress) -> Report:
    """Report on shot records.

    Parameters
    ----------
    path : Path
        Of the file.
    kind : str
        In words.
    records : Gathers
    progress : Progress
        Of the pass over the shots.

    Returns
    -------
    report : Report

    Raises
    ------
    DataError
        If a shot cannot be read.
    """
    statistics = TraceStatistics(records.samples, records.interval)
    shots = records.acquisition.shots
    progress.start(f"reading {path.name}", shots)
    for shot in range(shots):
        statistics.add(records.data[shot])
        progress.update(shot + 1)
    progress.stop()
    duration = (records.samples - 1) * records.interval
    positions = PositionStatistics(records.acquisition, duration)
    contents = positions.contents() | {
        "samples": records.samples,
        "interval_s": records.interval,
        "length_s": duration,
        **statistics.contents(),
        "wavelet": _wavelet(records),
        **_components(records.acquisition),
    }
    modelled = records.point_source is not None
    if records.point_source is not None:
        contents["modelled_with"] = records.point_source.equation
    odd = [
        *records.notes,
        *positions.odd(),
        *(() if modelled else positions.above_zero()),
        *statistics.odd(_kinds(records.acquisition)),
        *equal.odd(statistics, positions, modelled),
    ]
    return Report(path, kind, contents, odd, partial(_draw, records, statistics, positions))


def _kinds(acquisition: Acquisition) -> list[frozenset[Component]]:
    """Components of the receivers of each shot, where they differ; none where they do not."""
    if len(acquisition.components[0]) == 1:
        return []
    return [frozenset(acquisition.rows_by_component(n)) for n in range(acquisition.shots)]


def _components(acquisition: Acquisition) -> dict[str, Any]:
    """Traces and unit of each component, and the components of sources if not pressure."""
    counts: Counter[Component] = Counter()
    for shot in range(acquisition.shots):
        for component, rows in acquisition.rows_by_component(shot).items():
            counts[component] += len(rows)
    recorded = {c.name: {"traces": counts[c], "unit": c.unit} for c in ordered(counts)}
    emitted = ordered(acquisition.components[1])
    if emitted == [PRESSURE]:
        return {"components": recorded}
    return {"components": recorded, "source_component": ", ".join(c.name for c in emitted)}


def _wavelet(records: Gathers) -> str:
    """The wavelet of the file in words."""
    if records.wavelet is None:
        return "none in the file"
    first = np.atleast_2d(records.wavelet)[0]
    if not first.any():
        return "zero throughout"
    spectrum = Spectrum.of(first, records.interval)
    peak = float(spectrum.frequencies[int(np.argmax(spectrum.amplitude))])
    return f"in the file, {peak:.3g} Hz at its peak"


def _draw(
    records: Gathers, statistics: TraceStatistics, positions: PositionStatistics, path: Path
) -> None:
    from fwicli.plotting import surveys  # late: a report without a picture needs none

    shot = records.acquisition.shots // 2
    shown = surveys.SurveyPicture(
        title=f"{records.acquisition.shots} shots, {statistics.traces} traces",
        sources=records.acquisition.sources,
        receivers=records.acquisition.all_receivers(),
        offsets=positions.offsets,
        fold=positions.fold,
        frequencies=statistics.frequencies,
        spectrum=statistics.spectrum,
        gather=records.data[shot],
        shot=shot,
        interval=records.interval,
    )
    surveys.survey(path, shown)
