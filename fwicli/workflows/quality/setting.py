"""Numerics, band and wavelet of a stage of a plan, with which a shot is modelled and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import ConfigError, DataError
from fwicli.inversion.comparison import Comparison
from fwicli.inversion.conditioning.operators import Record
from fwicli.inversion.quality import moveout
from fwicli.inversion.quality.comparison import ComparedShot
from fwicli.inversion.source_estimation import SourceFit
from fwicli.propagators.equations import properties
from fwicli.survey import components, points, proximity
from fwicli.survey.components import Component
from fwicli.survey.gathers import Gathers
from fwicli.survey.points import Points
from fwicli.survey.regridding import coarsened
from fwicli.survey.signals.bands import Band
from fwicli.survey.signals.wavelets import Spectrum
from fwicli.workflows.assembly.conditioning import Preparer
from fwicli.workflows.planning.numerics import Numerics
from fwicli.workflows.planning.plan import Plan

if TYPE_CHECKING:
    from fwicli.propagators.discretization import Discretization
    from fwicli.propagators.tasks import WindowedTask

Array = NDArray[Any]


@dataclass(frozen=True)
class StageSetting:
    """A stage of a plan, in which shots are modelled in the starting model.

    Parameters
    ----------
    plan : Plan
        Of an inversion or a migration.
    config : InvertConfig or MigrationConfig
    number : int
        Of the stage, from 0.

    Raises
    ------
    ConfigError
        If there are no records, or no such stage.
    """

    plan: Plan
    config: Any
    number: int = 0

    def __post_init__(self) -> None:
        if self.plan.gathers is None:
            raise ConfigError(
                f"there are no records to compare a modelled shot with in a config of `fwi "
                f"{self.plan.kind}`; give one of `fwi invert` or `fwi rtm`"
            )
        if not 0 <= self.number < len(self.plan.stages):
            raise ConfigError(
                f"there is no stage {self.number + 1}; the config has {len(self.plan.stages)}"
            )

    @property
    def records(self) -> Gathers:
        """The records of the plan."""
        if self.plan.gathers is None:
            raise DataError("there are no records")
        return self.plan.gathers

    @property
    def numerics(self) -> Numerics:
        """How waves of the stage are propagated."""
        return self.plan.stages[self.number]

    @cached_property
    def edges(self) -> tuple[float, float]:
        """Band of the stage [Hz]; that of the wavelet for an image of all frequencies."""
        if self.plan.inversion is not None:
            return self.plan.inversion.stages[self.number].band
        band = self.config.migration.band
        # Noise above the wavelet's band would hide first arrivals.
        return (0.0, self.numerics.highest_frequency) if band is None else (band[0], band[1])

    @cached_property
    def frequency(self) -> float:
        """Centre of the wavelet's band [Hz]."""
        return Spectrum.of(self.wavelet(0), self.plan.interval).centre

    def wavelet(self, shot: int) -> Array:
        """Wavelet of a shot in the band, of shape (samples,)."""
        return self.filtered(self.records.wavelet_of(shot))

    def filtered(self, traces: Array) -> Array:
        """Traces in the band."""
        return Band(*self.edges).apply(traces, self.plan.interval)

    def describe(self) -> str:
        """The stage and its band, in words."""
        band = f"{self.edges[0]:g} to {self.edges[1]:.4g} Hz"
        if self.plan.inversion is None:
            return band
        return f"stage {self.number + 1} of {len(self.plan.stages)}, {band}"

    # --- one shot --------------------------------------------------------------------------------

    @cached_property
    def _parameters(self) -> dict[str, Array]:
        earth = coarsened(self.plan.model, self.numerics.grid)
        return dict(properties.parameters(self.numerics.equation, earth.properties))

    @property
    def discretization(self) -> Discretization:
        """Of the propagation in the window of a shot."""
        return self.numerics.discretization()

    def task(
        self,
        shot: int,
        positions: tuple[Array | Points, Array | Points] | None = None,
        traces: NDArray[np.bool_] | None = None,
    ) -> WindowedTask:
        """The task that models the gather of a shot.

        Parameters
        ----------
        shot : int
        positions : tuple of ndarray, optional
            Other positions of source, shape (1, ndim), and receivers than those of the survey [m].
        traces : ndarray of bool, of shape (n_receivers,), optional
            Which of them are modelled; by default those that are compared.

        Returns
        -------
        task : WindowedTask
        """
        from fwicli.propagators.tasks import ModellingTask, WindowedTask  # late: Devito

        geometry, numerics = self.plan.acquisition, self.numerics
        at = geometry.source_points(shot), geometry.receiver_points(shot)
        source, receivers = positions or at
        window = numerics.window(shot)
        task = ModellingTask(
            self.discretization,
            self._parameters,
            self.wavelet(shot).reshape(1, -1),
            source,
            points.some(receivers, self.traces(shot) if traces is None else traces),
        )
        return WindowedTask(task, window)

    def traces(self, shot: int) -> NDArray[np.bool_]:
        """Traces of a shot that are compared: not silent, in its window, not next to the source.

        The window of a shot may leave out receivers that the conditioning mutes.
        """
        distance = proximity.distances(self.plan.acquisition, shot)
        window = self.numerics.window(shot)
        at = window.local_positions(self.plan.acquisition.receivers_of(shot))
        inside = (at >= np.asarray(window.local.origin)) & (at <= np.asarray(window.local.end))
        near = distance < self.numerics.near.length
        return np.asarray(self.records.live[shot] & inside.all(axis=1) & ~near)

    def compared(self, shot: int, synthetic: Array) -> list[ComparedShot]:
        """Observed and synthetic traces of a shot; where the source is estimated, after that.

        Parameters
        ----------
        shot : int
        synthetic : ndarray of shape (n_receivers, samples)
            Of the traces that are compared.

        Returns
        -------
        compared : list of ComparedShot
            One for each component, pressure first.
        """
        traces = self.traces(shot)
        observed = self.filtered(np.asarray(self.records.data[shot])[traces])
        fit = self._source(shot)
        if fit is not None:
            fit = fit.select(traces)
            synthetic = fit.fit(synthetic, observed, self.plan.interval).synthetic
        distance = proximity.distances(self.plan.acquisition, shot)[traces]
        begin = moveout.onset(self.wavelet(shot), self.plan.interval, self.frequency)
        return [
            ComparedShot(
                shot,
                distance[rows],
                observed[rows],
                synthetic[rows],
                self.plan.interval,
                self.frequency,
                component,
                begin,
            )
            for component, rows in self.rows(shot).items()
        ]

    def rows(self, shot: int) -> dict[Component, NDArray[np.int64]]:
        """Numbers among the compared traces of a shot by component, pressure first."""
        recorded = np.array(self.plan.acquisition.recorded_by(shot), dtype=object)
        rows = components.rows(tuple(recorded[self.traces(shot)]))
        return {component: rows[component] for component in components.ordered(rows)}

    @property
    def _prepare(self) -> Preparer | None:
        """Conditioning and source estimation of the stage; None where there is neither."""
        inversion = self.plan.inversion
        return None if inversion is None else inversion.stages[self.number].prepare

    @property
    def estimates(self) -> bool:
        """Whether the source is estimated before shots are compared."""
        return self._prepare is not None and self._prepare.source is not None

    def compares_amplitudes(self, observed: Array) -> bool:
        """Whether what is done with the records depends on the ratio of amplitudes.

        Parameters
        ----------
        observed : ndarray of shape (n_receivers, samples)
            Of a shot.

        Returns
        -------
        bool
            False for `fwi rtm`, for an estimated source, and for misfits that are normalised.
        """
        inversion = self.plan.inversion
        if inversion is None:
            return self.plan.kind == "lsrtm"
        if self.estimates:
            return False
        misfit = inversion.stages[self.number].misfit
        return Comparison(observed, self.plan.interval, misfit).depends_on_amplitude

    def _source(self, shot: int) -> SourceFit | None:
        """How the source of a shot is estimated; None where it is known."""
        prepare = self._prepare
        if prepare is None or prepare.source is None:
            return None
        geometry = self.plan.acquisition
        observed = self.filtered(np.asarray(self.records.data[shot]))
        positions = geometry.source_points(shot), geometry.receiver_points(shot)
        fit = prepare(Record.of(shot, *positions, self.plan.interval, observed)).source
        return None if fit is None or not fit.weights.any() else fit

    def choose(self, shots: Sequence[int]) -> list[int]:
        """Numbers of shots that exist.

        Raises
        ------
        ConfigError
            If one does not.
        """
        count = self.plan.acquisition.shots
        for shot in shots:
            if not 0 <= shot < count:
                raise ConfigError(
                    f"there is no shot {shot}; the shots of the config are numbered from 0 to "
                    f"{count - 1}"
                )
        return list(dict.fromkeys(shots))
