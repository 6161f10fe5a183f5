"""Which receivers a stage of an inversion hears: those that its conditioning does not mute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fwicli.config.inversion import Inversion
from fwicli.config.loader import Key
from fwicli.inversion import experiments
from fwicli.inversion.bands import Band
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.gathers import Gathers
from fwicli.workflows.checks import Checks


def heard(checks: Checks, key: Key, settings: Inversion, records: Gathers) -> Acquisition | None:
    """The acquisition with muted receivers at the source; None, and a problem, if all are muted.

    Waves need not reach a receiver that is muted: the window of a shot may leave it out.

    Parameters
    ----------
    key : Key
        Of the stage.
    """
    number, geometry = int(key[-1]), records.acquisition
    prepare = settings.prepare(number)
    if prepare is None:
        return geometry
    band = Band(*settings.stages[number].band)
    seen = replace(records, data=band.apply(records.data, records.interval))
    own = settings.stages[number].conditioning is not None
    place = (*key, "conditioning") if own else ("inversion", "conditioning")
    traces = checks.get(place, lambda: experiments.heard(seen, prepare))
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
