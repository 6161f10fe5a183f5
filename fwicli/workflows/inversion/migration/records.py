"""Shots of a migration: records in the band, conditioning, and the smooth model of the waves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.inversion import SourceChoice
from fwicli.config.migration import MigrationSection
from fwicli.errors import DataError
from fwicli.inversion.conditioning.operators import Chain, Record
from fwicli.inversion.shots.experiments import Preparation
from fwicli.propagators.equations import properties
from fwicli.survey import proximity
from fwicli.survey.gathers import Gathers
from fwicli.survey.model import EarthModel
from fwicli.survey.proximity import Near
from fwicli.survey.regridding import coarsened
from fwicli.survey.signals.bands import Band
from fwicli.survey.traces import Traces
from fwicli.workflows.assembly.arrays import TraceArrays
from fwicli.workflows.assembly.conditioning import Preparer
from fwicli.workflows.planning.plan import Plan

Array = NDArray[Any]

SILENT = "the conditioning mutes every trace of every shot; widen its offsets [m] and times [s]"


class MigrationRecords:
    """Records of a migration, shot by shot.

    Parameters
    ----------
    plan : Plan
    section : MigrationSection
        Of the config.
    source : SourceSection or False
        How the wavelet is estimated; False where it is known.

    Raises
    ------
    DataError
        If there are no records, or the conditioning mutes all of them.
    """

    def __init__(self, plan: Plan, section: MigrationSection, source: SourceChoice = False) -> None:
        if plan.gathers is None:
            raise DataError("there are no records to migrate")
        records = plan.gathers
        if section.band is not None:
            records = records.mapped(partial(Band(*section.band).apply, interval=records.interval))
        self.records: Gathers = replace(records, wavelet=plan.wavelet)
        self.plan = plan
        self.smooth = smooth_model(plan)
        highest = np.inf if section.band is None else section.band[1]
        self._prepare = Preparer(section.conditioning, source or None, highest, TraceArrays())
        self._prepared: dict[int, tuple[NDArray[np.bool_], Preparation]] = {}
        self.shots = [shot for shot in live_shots(self.records) if self.rows(shot).any()]
        if not self.shots:
            raise DataError(SILENT)

    @property
    def parameters(self) -> Mapping[str, Array]:
        """Parameters of the equation in the smooth model, on the grid of the propagation."""
        numerics = self.plan.stages[0]
        earth = coarsened(self.smooth, numerics.grid)
        return properties.parameters(numerics.equation, earth.properties)

    def rows(self, shot: int) -> NDArray[np.bool_]:
        """Traces of a shot that are migrated, of shape (n_receivers,)."""
        return self._of_shot(shot)[0]

    def preparation(self, shot: int) -> Preparation:
        """Conditioning and source estimation of the migrated traces of a shot."""
        rows, prepared = self._of_shot(shot)
        fit = None if prepared.source is None else prepared.source.select(rows)
        return Preparation(prepared.conditioning.select(rows), fit)

    def observed(self, shot: int) -> Array | Traces:
        """The migrated traces of a shot; those in a file are read by the worker."""
        if self.records.stored:
            return Traces.of(self.records.data).select([shot]).rows([self.rows(shot)])
        return np.asarray(self.records.data[shot][self.rows(shot)])

    def near(self, shot: int) -> Near | None:
        """The part of traces near to their source that is migrated; None for all of them."""
        nearest = self.plan.stages[0].near
        length = nearest.length
        if length <= 0:
            return None
        distance = proximity.distances(self.records.acquisition, shot)[self.rows(shot)]
        if self._prepare.source is not None:
            return proximity.fading(distance, length)
        wavelet = self.records.wavelet_of(shot)
        interval = self.records.interval
        return proximity.without(distance, length, wavelet, interval, rigid=nearest.rigid)

    def span(self, shot: int) -> slice | None:
        """Samples that are recorded; None for all."""
        return None if self.records.spans is None else self.records.span(shot)

    def places(self, shot: int) -> tuple[Array, Array]:
        """Positions of the source and of the receivers of the migrated traces [m]."""
        acquisition = self.plan.acquisition
        return acquisition.source(shot), acquisition.receivers_of(shot)[self.rows(shot)]

    def _of_shot(self, shot: int) -> tuple[NDArray[np.bool_], Preparation]:
        if shot not in self._prepared:
            live = np.asarray(self.records.live[shot])
            prepared = Preparation(Chain())
            if self._prepare.conditioning or self._prepare.source is not None:
                prepared, live = self._conditioned(shot, live)
            self._prepared[shot] = live, prepared
        return self._prepared[shot]

    def _conditioned(
        self, shot: int, live: NDArray[np.bool_]
    ) -> tuple[Preparation, NDArray[np.bool_]]:
        acquisition, records = self.plan.acquisition, self.records
        observed = np.asarray(records.data[shot])
        positions = acquisition.source(shot), acquisition.receivers_of(shot)
        prepared = self._prepare(Record.of(shot, *positions, records.interval, observed))
        length = self.plan.stages[0].near.length
        if length > 0:
            distance = proximity.distances(acquisition, shot)
            prepared = prepared.with_source_weights(proximity.weights(distance, length))
        prepared = prepared.within(self.span(shot), observed.shape[1])
        return prepared, live & prepared.compared_traces((observed.shape[0], observed.shape[1]))


def live_shots(records: Gathers) -> list[int]:
    """Shots with live traces.

    A shot without them has no image; its illumination would dim that of the others.

    Parameters
    ----------
    records : Gathers

    Returns
    -------
    shots : list of int
    """
    return [shot for shot, row in enumerate(records.live) if row.any()]


def smooth_model(plan: Plan) -> EarthModel:
    """The smooth model on the grid of the image."""
    return coarsened(plan.model, plan.stages[0].earth or plan.stages[0].grid)
