"""Receivers of a stage of an inversion that its conditioning does not mute."""

from __future__ import annotations

from functools import partial

import numpy as np

from fwicli.config.loader import Key
from fwicli.inversion.shots import experiments
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.gathers import Gathers
from fwicli.survey.signals.bands import Band
from fwicli.survey.signals.wavelets import Spectrum
from fwicli.workflows.assembly.inversion import StageObjects
from fwicli.workflows.planning.checks import FAINTEST
from fwicli.workflows.planning.problems import Problems

# A band with less of the records' largest amplitude than this holds none of it: noise outside of
# the band may be a thousand times as large, and is only said.
VOID = 1e-5
# That the spectrum of the records is taken from, about.
TRACES = 400


def live_acquisition(
    problems: Problems, stage: StageObjects, records: Gathers, near: float = 0.0
) -> Acquisition | None:
    """The acquisition with muted receivers at the source; None, and a problem, if all are muted.

    Waves need not reach a receiver that is muted: the window of a shot may leave it out. Those next
    to a source are in its window anyway.

    Parameters
    ----------
    problems : Problems
    stage : StageObjects
        Its conditioning mutes receivers.
    records : Gathers
    near : float
        Distance from the source [m] at which traces count in full.

    Returns
    -------
    acquisition : Acquisition or None
    """
    prepare, geometry = stage.prepare, records.acquisition
    if prepare is None:
        return geometry
    filtered = records.mapped(partial(Band(*stage.band).apply, interval=records.interval))
    traces = problems.get(
        stage.key_of("conditioning"), lambda: experiments.compared_traces(filtered, prepare, near)
    )
    if traces is None:
        return None
    dropped = sum(not row.any() for row in traces)
    if dropped:
        problems.warn(
            f"stage {stage.number + 1}: the conditioning mutes every trace of {dropped} of "
            f"{geometry.shots} shots, which are left out"
        )
    if traces.all():
        return geometry
    return geometry.at_sources(~row for row in traces)


def check_recorded(problems: Problems, key: Key, records: Gathers, band: Band) -> bool:
    """Whether the records hold something in a band; little is a warning, nothing is a problem.

    Their spectrum is that of some traces of every shot, and no filter is run.

    Parameters
    ----------
    problems : Problems
    key : Key
        Where the band is in the config.
    records : Gathers
    band : Band
        [Hz]

    Returns
    -------
    recorded : bool
        False where there is a problem.
    """
    few = max(1, TRACES // len(records.data))
    power = 0.0
    for gather in records.data:
        every = max(1, len(gather) // few)
        traces = gather[::every] if gather[::every].any() else gather
        spectrum = Spectrum.of(traces.astype(float), records.interval)
        power = power + (spectrum.amplitude**2).sum(axis=0)
    if not np.any(power):
        return True  # said of all the data
    whole = Spectrum(spectrum.frequencies, np.sqrt(power))
    # Not what the flanks of the filter let through.
    inside = band.response(whole.frequencies, records.interval) > 0.5
    share = float(whole.amplitude[inside].max(initial=0.0) / whole.amplitude.max())
    text = (
        f"the records hold {100 * share:.2g}% of their largest amplitude from {band.low:g} to "
        f"{band.high:g} Hz; it is around {whole.centre:.1f} Hz"
    )
    if share < VOID:
        problems.add(key, f"{text}: choose a band there, or check the data's `dt`")
    elif share < FAINTEST:
        problems.warn(text)
    return share >= VOID
