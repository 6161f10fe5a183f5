"""How one propagation is discretised, as the plan decides it: frozen for a run or a stage of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fwicli.config import schema
from fwicli.errors import FwiError
from fwicli.execution import available
from fwicli.propagators import history
from fwicli.propagators.absorbing import AbsorbingLayer, strip_points, walls
from fwicli.propagators.equations import cut_cells, registry
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.history import STORED, Demand, HistoryOptions
from fwicli.propagators.sampling import memory, stability
from fwicli.propagators.sampling.memory import TraceMemory
from fwicli.propagators.sampling.resampling import Resampling
from fwicli.propagators.sampling.stability import TimeAxis
from fwicli.survey.grid import Grid
from fwicli.survey.proximity import Nearest, PointSource
from fwicli.survey.regridding import Regridding
from fwicli.survey.topography import Topography
from fwicli.survey.windows import Window, whole
from fwicli.workflows.assembly import survey
from fwicli.workflows.assembly.equation import stencil, wave_equation
from fwicli.workflows.planning import advice, checks
from fwicli.workflows.planning.grid_accuracy import GridAccuracy
from fwicli.workflows.planning.problems import Problems
from fwicli.workflows.planning.requirements import Requirements

if TYPE_CHECKING:
    from fwicli.propagators.discretization import Discretization


@dataclass(frozen=True)
class Numerics:
    """Grid, time axis, absorbing layer and history of a propagation, with memory and work.

    Attributes
    ----------
    grid : Grid
        Of the propagation.
    history_step : int
        Steps between snapshots of the history.
    highest_frequency : float
        Upper edge of the wavelet's band [Hz].
    points_per_wavelength : float
        Of the slowest wave at that frequency.
    interpolation : {"sinc", "linear"}
        Of sources and receivers.
    parameters : tuple of str or None
        Parameters of which a gradient is wanted; None for all.
    history : HistoryOptions
        How the history is kept.
    reason : str
        Why so, where the plan decided it.
    earth : Grid or None
        Of the model, the unknowns or the image, where that is finer; None where it is the same.
    windows : tuple of Window
        Of the shots, in the grid of the propagation; none where all of it is propagated.
    curvature : bool
        Whether the change of the waves goes with them, as in products with second derivatives.
    reference_frequency : float or None
        At which waves that lose energy have the velocities of the model [Hz].
    stencil : {"taylor", "optimised"}
        Weights of the space differences.
    near : Nearest
        Traces next to their source that the grid cannot explain.
    traces : TraceMemory
        Of the shot that has the most.
    recorded : frozenset of str
        Fields that receivers record; those of pressure need not be there.
    gathers : int
        Images of the gathers of a migration.
    fields : int
        Memory of whole fields of a shot, and products of them [bytes].
    propagations : float
        Of an image, beside one forwards and one back.
    topography : Topography or None
        Surface with air above, on the grid of the propagation.
    accuracy : GridAccuracy or None
        Error of the records on a coarser grid than the model's, as estimated; None without one.
    """

    equation: str
    grid: Grid
    time: TimeAxis
    layer: AbsorbingLayer
    order: int
    precision: str
    history_step: int
    threads: int
    highest_frequency: float
    points_per_wavelength: float
    interpolation: str = "sinc"
    parameters: tuple[str, ...] | None = None
    history: HistoryOptions = STORED
    reason: str = ""
    earth: Grid | None = None
    windows: tuple[Window, ...] = ()
    curvature: bool = False
    reference_frequency: float | None = None
    stencil: str = "taylor"
    near: Nearest = field(default_factory=Nearest)
    traces: TraceMemory = field(default_factory=TraceMemory)
    recorded: frozenset[str] = frozenset()
    gathers: int = 0
    fields: int = 0
    propagations: float = 0.0
    topography: Topography | None = None
    accuracy: GridAccuracy | None = None

    @property
    def point_source(self) -> PointSource:
        """How point sources are modelled."""
        grid, method = self.grid, (self.order, self.interpolation, self.stencil)
        return PointSource(self.equation, grid.spacing, grid.origin, *method)

    @property
    def regridding(self) -> Regridding | None:
        """From the grid of the model to that of the propagation, where they differ."""
        return None if self.earth is None else Regridding(self.earth, self.grid.spacing)

    def window(self, shot: int) -> Window:
        """The part of the grid that a shot propagates in."""
        return self.windows[shot] if self.windows else whole(self.grid)

    @property
    def surface(self) -> Topography | None:
        """The topography of the grid that the first shot propagates in."""
        return self.window(0).surface if self.windows else self.topography

    @property
    def whole(self) -> Numerics:
        """The same where every shot propagates in the whole grid."""
        return replace(self, windows=())

    def fits_whole(self, shots: int) -> bool:
        """Whether shots at once, which propagate forwards in the whole grid, fit the memory."""
        return self.whole.memory(gradient=False) * shots <= available()

    @property
    def padded(self) -> tuple[int, ...]:
        """Shape of the propagated grid, with the absorbing layer."""
        return self.layer.padded(self.window(0).shape)

    @property
    def steps(self) -> int:
        """Propagation steps of a shot."""
        return Resampling(self.time).steps

    def _strips(self) -> tuple[int, ...]:
        """Points of the layer's strips along the last axis, as far as stencils reach beyond it."""
        ends = walls(self.layer.free, self.grid.ndim)[-1]
        return (
            (strip_points(self.layer.cells, self.order),) * ends.count(False)
            if self.layer.cells
            else ()
        )

    def memory(self, gradient: bool) -> int:
        """Memory of one shot [bytes]."""
        return self.working(gradient) + (self.demand().memory(self.history) if gradient else 0)

    def working(self, gradient: bool) -> int:
        """Memory of one shot without its history [bytes]."""
        itemsize, equation = np.dtype(self.precision).itemsize, registry.load(self.equation)
        places = self.padded, self.order, itemsize
        stored = (memory.with_halo(*places), memory.packed(*places, self._strips())), itemsize
        cut = self.topography is not None
        footprint = equation.footprint_below(self.layer.free, self.grid.ndim, cut)
        levels = 2 if self.curvature else 1
        forward, whole = (
            levels * history.working_bytes(footprint, *stored, both, self.recorded)
            for both in (False, gradient)
        )
        steps = self.steps
        if gradient:
            first, last = self.history.segments(self.steps, self.history_step)[0]
            steps = last - first
        resampling = Resampling(self.time, self.precision)
        # The last matrix is made when the first records have come, before anything goes back.
        recorded = levels * self.traces.memory(self.steps, steps, itemsize, gradient=False)
        entering = levels * self.traces.memory(self.steps, steps, itemsize, gradient)
        largest = max(forward + recorded + resampling.making, whole + entering)
        # The model and its changes as they come, and images as they go.
        window = int(np.prod(self.window(0).shape))
        models = (1 + 2 * gradient) * window * itemsize * len(equation.parameters(self.grid.ndim))
        # Gathers as they are made, and in the sum over shots.
        images = gradient * (self.fields + self.gathers * window * (itemsize + 8))
        # In windows, the cells of the shot before are still there.
        cells = cut_cells.memory(self.padded, Stencil(self.order)) if cut else 0
        cells *= 2 if self.windows else 1
        return largest + resampling.memory + models + images + cells

    def demand(self) -> Demand:
        """Sizes that the history of a shot depends on."""
        demand = history.demand(
            registry.load(self.equation),
            self.window(0).shape,
            self.layer,
            self.order,
            (self.steps, self.history_step, self.time.step),
            np.dtype(self.precision).itemsize,
            self.parameters,
        )
        if not self.curvature:
            return demand
        return replace(demand, snapshot=2 * demand.snapshot, state=2 * demand.state)

    def within(self, budget: int) -> Numerics:
        """With the quickest history for which one shot fits a memory [bytes]."""
        room = max(0, budget - self.working(gradient=True))
        options, reason = self.demand().choose(room)
        return replace(self, history=options, reason=reason)

    def work(self) -> float:
        """Grid points times steps of one propagation."""
        return float(np.prod(self.padded)) * self.steps

    def discretization(self) -> Discretization:
        """The discretisation of a propagator."""
        from fwicli.propagators.discretization import (
            Discretization,  # late: a check needs no Devito
        )

        return Discretization(
            equation=self.equation,
            grid=self.window(0).local,
            time=self.time,
            layer=self.layer,
            order=self.order,
            precision=self.precision,
            history_step=self.history_step,
            history=self.history,
            threads=self.threads,
            interpolation=self.interpolation,
            parameters=self.parameters,
            reference_frequency=self.reference_frequency,
            stencil=self.stencil,
            topography=self.surface,
        )

    def summary(self) -> dict[str, Any]:
        """Numbers for a table."""
        earth = {"model_grid": "x".join(map(str, self.earth.shape))} if self.earth else {}
        window = {"window": "x".join(map(str, self.window(0).shape))} if self.windows else {}
        band = registry.load(self.equation).constant_q or ()
        constant = [round(share * (self.reference_frequency or 0.0), 2) for share in band]
        return {
            **earth,
            "grid": "x".join(map(str, self.grid.shape)),
            "spacing_m": [round(h, 3) for h in self.grid.spacing],
            **window,
            "with_layer": "x".join(map(str, self.padded)),
            "time_step_s": self.time.step,
            "substeps": self.time.substeps,
            "steps": self.steps,
            "highest_frequency_hz": round(self.highest_frequency, 2),
            "points_per_wavelength": round(self.points_per_wavelength, 2),
            **(self.accuracy.summary() if self.accuracy else {}),
            **({"constant_q_hz": constant} if constant else {}),
            "history": self.history.kind,
            "history_every": self.history_step,
        }


def discretize(
    problems: Problems, config: schema.RunConfig, required: Requirements
) -> Numerics | None:
    """Discretisation of a propagation, checked for stability and points per wavelength.

    Parameters
    ----------
    problems : Problems
    config : RunConfig
    required : Requirements

    Returns
    -------
    numerics : Numerics or None
        None where there are problems.
    """
    physics, grid = config.physics, required.grid
    slowest, fastest = required.speeds
    if not checks.in_proportion(problems, config, grid, fastest, required.sampled):
        return None
    axis = _time_axis(problems, physics, required)
    if not checks.spectrum_ends(problems, config, required.spectrum):
        return None
    highest = required.spectrum.highest
    points = stability.points_per_wavelength(slowest, highest, grid.spacing)
    if points < checks.points_needed(physics):
        key = required.spacing_key
        key = key if key in problems.loaded.places else key[:-1]
        problems.add(key, advice.too_coarse(config, required, checks.points_needed(physics)))
        return None
    closed = checks.free_surface(problems, physics, grid, points)
    if not closed or axis is None or not checks.reference(problems, physics, required.spectrum):
        return None
    surface, layer = required.topography, _layer(problems, physics, required)
    if surface is not None:
        surface = problems.get(("physics", "topography"), partial(surface.on_grid, grid))
    if layer is None or (required.topography is not None and surface is None):
        return None
    return Numerics(
        equation=wave_equation(physics),
        grid=grid,
        time=axis,
        layer=layer,
        order=physics.order,
        precision=physics.precision,
        history_step=physics.history_section().every or history.subsampling(axis, highest),
        threads=config.execution.threads,
        interpolation=physics.interpolation,
        reference_frequency=physics.reference_frequency,
        stencil=physics.stencil,
        highest_frequency=highest,
        points_per_wavelength=points,
        topography=surface,
    )


def _layer(
    problems: Problems, physics: schema.PhysicsSection, required: Requirements
) -> AbsorbingLayer | None:
    """The absorbing layer of a propagation; None, and a problem, where there is none."""
    fastest, centre = required.speeds[1], required.spectrum.centre
    return problems.get(
        ("physics", "absorbing", "sides"),
        lambda: survey.absorbing(physics, required.grid, required.acquisition, fastest, centre),
    )


def _time_axis(
    problems: Problems, physics: schema.PhysicsSection, required: Requirements
) -> TimeAxis | None:
    """The time axis of a propagation; None, and a problem, where it is not stable."""
    try:
        return stability.time_axis(
            *required.sampled,
            required.speeds[1],
            required.grid.spacing,
            stencil(physics),
            physics.substeps,
            physics.time_correction,
        )
    except FwiError as error:
        problems.add_largest(("physics", "substeps"), error)
        return None
