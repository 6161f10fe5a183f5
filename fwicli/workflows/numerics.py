"""How one propagation is discretised, as the plan decides it: frozen for a run or a stage of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fwicli.propagators import history
from fwicli.propagators.absorbing import AbsorbingLayer
from fwicli.propagators.equations import registry
from fwicli.propagators.history import STORED, Demand, Keeping
from fwicli.propagators.resampling import Resampling
from fwicli.propagators.sampling import TimeAxis
from fwicli.survey.grid import Grid

if TYPE_CHECKING:
    from fwicli.propagators.discretization import Discretization


@dataclass(frozen=True)
class Numerics:
    """Grid, time axis, absorbing layer and history of a propagation, and what they come to.

    Attributes
    ----------
    every : int
        Steps between snapshots of the history.
    highest_frequency : float
        Upper edge of the wavelet's band [Hz].
    points_per_wavelength : float
        Of the slowest wave at that frequency.
    interpolation : {"sinc", "linear"}
        Of sources and receivers.
    parameters : tuple of str or None
        Parameters of which a gradient is wanted; None for all.
    keeping : Keeping
        How the history is kept.
    reason : str
        Why so, where the plan decided it.
    """

    equation: str
    grid: Grid
    axis: TimeAxis
    layer: AbsorbingLayer
    order: int
    precision: str
    every: int
    threads: int
    highest_frequency: float
    points_per_wavelength: float
    interpolation: str = "sinc"
    parameters: tuple[str, ...] | None = None
    keeping: Keeping = STORED
    reason: str = ""

    @property
    def padded(self) -> tuple[int, ...]:
        """Shape of the grid with the absorbing layer."""
        return self.layer.padded(self.grid.shape)

    @property
    def steps(self) -> int:
        """Propagation steps of a shot."""
        return Resampling(self.axis).steps

    def memory(self, gradient: bool) -> int:
        """Memory of one shot [bytes]."""
        return self.working(gradient) + (self.demand().held(self.keeping) if gradient else 0)

    def working(self, gradient: bool) -> int:
        """Memory of one shot without its history [bytes]."""
        arrays = history.working_bytes(
            registry.load(self.equation),
            self.grid.ndim,
            int(np.prod(self.padded)),
            np.dtype(self.precision).itemsize,
            gradient,
        )
        return arrays + Resampling(self.axis, self.precision).memory

    def demand(self) -> Demand:
        """What the history of a shot has to hold."""
        return history.demand(
            registry.load(self.equation),
            self.grid.shape,
            self.layer,
            self.order,
            (self.steps, self.every, self.axis.step),
            np.dtype(self.precision).itemsize,
            self.parameters,
        )

    def within(self, memory: int) -> Numerics:
        """With the quickest history for which one shot fits a memory [bytes]."""
        room = max(0, memory - self.working(gradient=True))
        keeping, reason = self.demand().choose(room)
        return replace(self, keeping=keeping, reason=reason)

    def work(self) -> float:
        """Grid points times steps of one propagation."""
        return float(np.prod(self.padded)) * self.steps

    def discretization(self) -> Discretization:
        """What a propagator is made of."""
        from fwicli.propagators.discretization import (
            Discretization,  # late: a check needs no Devito
        )

        return Discretization(
            equation=self.equation,
            grid=self.grid,
            axis=self.axis,
            layer=self.layer,
            order=self.order,
            precision=self.precision,
            every=self.every,
            keeping=self.keeping,
            threads=self.threads,
            interpolation=self.interpolation,
            parameters=self.parameters,
        )

    def summary(self) -> dict[str, Any]:
        """Numbers for a table."""
        return {
            "grid": "x".join(map(str, self.grid.shape)),
            "spacing_m": list(self.grid.spacing),
            "with_layer": "x".join(map(str, self.padded)),
            "time_step_s": self.axis.step,
            "substeps": self.axis.substeps,
            "steps": self.steps,
            "highest_frequency_hz": round(self.highest_frequency, 2),
            "points_per_wavelength": round(self.points_per_wavelength, 2),
            "history": self.keeping.kind,
            "history_every": self.every,
        }
