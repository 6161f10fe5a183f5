"""Which receivers a stage of an inversion hears: those that its conditioning does not mute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fwicli.config.inversion import InversionSection
from fwicli.config.loader import Key
from fwicli.inversion.shots import experiments
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.bands import Band
from fwicli.survey.gathers import Gathers
from fwicli.survey.wavelets import Spectrum
from fwicli.workflows.planning.checks import FAINTEST, Checks

# A band with less of the records' largest amplitude than this holds none of it: noise outside of
# the band may be a thousand times as large, and is only said.
VOID = 1e-5
# That the spectrum of the records is taken from, about.
TRACES = 400


def live_acquisition(
    checks: Checks, key: Key, settings: InversionSection, records: Gathers, near: float = 0.0
) -> Acquisition | None:
    """The acquisition with muted receivers at the source; None, and a problem, if all are muted.

    Waves need not reach a receiver that is muted: the window of a shot may leave it out. Those next
    to a source are in its window anyway.

    Parameters
    ----------
    key : Key
        Of the stage.
    near : float
        Distance from the source [m] at which traces count in full.
    """
    number, geometry = int(key[-1]), records.acquisition
    prepare = settings.prepare(number)
    if prepare is None:
        return geometry
    band = Band(*settings.stages[number].band)
    seen = replace(records, data=band.apply(records.data, records.interval))
    own = settings.stages[number].conditioning is not None
    place = (*key, "conditioning") if own else ("inversion", "conditioning")
    traces = checks.get(place, lambda: experiments.compared_traces(seen, prepare, near))
    if traces is None:
        return None
    dropped = int((~traces.any(axis=1)).sum())
    if dropped:
        checks.warn(
            f"stage {number + 1}: the conditioning mutes every trace of {dropped} of "
            f"{geometry.shots} shots, which are left out"
        )
    if traces.all():
        return geometry
    receivers = np.stack([geometry.receivers_of(shot) for shot in range(geometry.shots)])
    at_source = geometry.sources[:, None, :]
    return Acquisition(geometry.sources, np.where(traces[..., None], receivers, at_source))


def check_recorded(checks: Checks, key: Key, records: Gathers, band: Band) -> bool:
    """Whether the records hold something in a band; a doubt is said, a void is a problem.

    Their spectrum is that of some traces of every shot, and no filter is run.
    """
    few = max(1, TRACES // len(records.data))
    every = max(1, records.data.shape[1] // few)
    power = 0.0
    for gather in records.data:
        traces = gather[::every] if gather[::every].any() else gather
        spectrum = Spectrum.of(traces.astype(float), records.interval)
        power = power + (spectrum.amplitude**2).sum(axis=0)
    if not np.any(power):
        return True  # said of all the data
    whole = Spectrum(spectrum.frequencies, np.sqrt(power))
    # Not what the flanks of the filter let through.
    inside = band.response(whole.frequencies, records.interval) > 0.5
    share = float(whole.amplitude[inside].max(initial=0.0) / whole.amplitude.max())
    said = (
        f"the records hold {100 * share:.2g}% of their largest amplitude from {band.low:g} to "
        f"{band.high:g} Hz; it is around {whole.centre:.1f} Hz"
    )
    if share < VOID:
        checks.add(key, f"{said}: choose a band there, or check the data's `dt`")
    elif share < FAINTEST:
        checks.warn(said)
    return share >= VOID
