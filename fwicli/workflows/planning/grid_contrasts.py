"""Error of the records on a coarse grid in the layers below some places of a shot.

The columns of the model below the source, below the farthest receiver, and below places between
them each count as an earth of horizontal layers. There, waves of the shot are computed on the
grid of the model and on the coarse one, with its averages of the column, its differences, its
absorbing layer and its time step (see `layered_errors`). So dispersion, the averages at contrasts
and what a grid does to sources near its top are all in the error. It is the root of the mean
square of those of the places, of all traces or of the farthest tenth, whichever is larger.

Of waves that contrasts along the layers make, and of dips, there is nothing in a column. Loss and
tilted axes are left out, and waves are pressures whatever is recorded. Solids have no coarser grid
than that of the model.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators.equations import interfaces
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.sampling.layered_errors import LayeredRecords, Receivers, Waves
from fwicli.propagators.sampling.layered_waves import Column, Sampling
from fwicli.propagators.sampling.phase_errors import Dispersion
from fwicli.survey import proximity
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.properties import WITHOUT_MEANS
from fwicli.survey.regridding import Regridding
from fwicli.workflows.assembly import survey
from fwicli.workflows.planning.grid_dispersion import GridDispersion

Array = NDArray[Any]

# Columns of the model below a shot; receivers that stand for all, and for the farthest tenth.
PLACES, RECEIVERS, FAR = 5, 24, 8
FARTHEST = 0.1
# Points per wavelength of the cells that are counted from the source to the nearest receiver.
POINTS = 3.0


class GridContrasts:
    """Errors of the records of a shot in the layers of the model, by the spacing of the grid.

    Parameters
    ----------
    dispersion : GridDispersion
        With model, survey and signal.
    shot : int
        Number of the shot.
    """

    def __init__(self, dispersion: GridDispersion, shot: int) -> None:
        self.of, self.shot = dispersion, shot
        self.model, self.equation = dispersion.model, dispersion.equation
        geometry = dispersion.acquisition
        self.source = np.ravel(geometry.source(shot)).astype(float)
        self.receivers = geometry.receivers_of(shot)
        self.distance = np.linalg.norm(self.receivers - self.source, axis=1)
        self._exact: dict[int, tuple[LayeredRecords, Array]] = {}
        self._errors: dict[Any, float] = {}

    @staticmethod
    def has(dispersion: GridDispersion) -> bool:
        """Whether layers are computed for an equation: that of a fluid without a tilted axis.

        Parameters
        ----------
        dispersion : GridDispersion

        Returns
        -------
        has : bool
        """
        equation = dispersion.equation
        names = equation.properties_in(dispersion.model.grid.ndim)
        solid = not set(WITHOUT_MEANS).isdisjoint(names)
        return equation.leading == "vp" and not solid and equation.differences != "centred"

    def error(self, spacing: float, differences: Dispersion | None = None) -> float:
        """Error of the records on a coarse grid.

        Parameters
        ----------
        spacing : float
            [m]
        differences : Dispersion, optional
            Others than those of the config.

        Returns
        -------
        error : float
        """
        stencil = (differences or self.of.differences).stencil
        key = spacing, stencil
        if key not in self._errors:
            errors = [self._of_column(n, spacing, stencil) for n in range(len(self.columns))]
            squares = np.average(np.square(errors), axis=0, weights=self.counts)
            self._errors[key] = float(np.sqrt(squares.max()))
        return self._errors[key]

    @cached_property
    def columns(self) -> list[EarthModel]:
        """Models of the distinct columns, two points wide."""
        return [column for column, _ in self._distinct]

    @cached_property
    def counts(self) -> list[int]:
        """Numbers of places that have each of the columns."""
        return [count for _, count in self._distinct]

    @cached_property
    def _distinct(self) -> list[tuple[EarthModel, int]]:
        """Distinct columns, and the number of places that have each."""
        grid = self.model.grid
        farthest = self.receivers[int(self.distance.argmax())]
        shares = np.linspace(0, 1, PLACES)[:, None]
        at = grid.nearest(self.source + shares * (farthest - self.source))[:-1]
        columns: dict[bytes, tuple[EarthModel, int]] = {}
        narrow = Grid(
            (2, grid.shape[-1]),
            (max(grid.spacing[:-1]), grid.spacing[-1]),
            (0.0, grid.origin[-1]),
        )
        for n in range(PLACES):
            place = tuple(int(index[n]) for index in at)
            values = {name: np.array(v[place]) for name, v in self.model.properties.items()}
            key = b"".join(v.tobytes() for v in values.values())
            earth = EarthModel.of(narrow, {k: np.stack([v, v]) for k, v in values.items()})
            columns[key] = earth, columns.get(key, (earth, 0))[1] + 1
        return list(columns.values())

    def _of_column(self, number: int, spacing: float, stencil: Stencil) -> tuple[float, float]:
        """Errors of all traces and of the farthest below one place."""
        model, earth = self.model.grid.spacing, self.columns[number]
        if number not in self._exact:
            records = self._records(earth)
            exact = self._column(earth, max(model[:-1]), self.of.differences.stencil)
            self._exact[number] = records, records.waves(exact)
        records, waves = self._exact[number]
        steps = earth.grid.spacing[0], max(spacing, model[-1])
        coarse = Regridding(earth.grid, steps).model_to_coarse(earth)
        return records.errors(records.waves(self._column(coarse, spacing, stencil)), waves)

    def _records(self, earth: EarthModel) -> LayeredRecords:
        """Records of the shot over a column, without those next to the source."""
        ordered = np.argsort(self.distance, kind="stable")
        cells = self.of.speeds[0] / self.of.signal.spectrum.highest / POINTS
        beyond = ordered[self.distance[ordered] >= proximity.CELLS * cells]
        ordered = beyond if beyond.size else ordered
        far = ordered[int((1 - FARTHEST) * ordered.size) :]
        rows = [_some(ordered, RECEIVERS), _some(far, FAR)]
        chosen = np.concatenate(rows)
        offset = np.linalg.norm((self.receivers - self.source)[chosen, :-1], axis=1)
        top = self.model.grid.origin[-1]
        is_far = np.arange(chosen.size) >= rows[0].size
        receivers = Receivers(offset, self.receivers[chosen, -1] - top, is_far)
        slowest, fastest = self.equation.speeds(earth.properties, self.model.grid.ndim)
        waves = Waves(self.of.signal.spectrum, self.of.signal.duration, slowest, fastest)
        depth = float(self.source[-1]) - top
        return LayeredRecords(waves, depth, receivers, self.model.grid.ndim)

    def _column(self, earth: EarthModel, spacing: float, stencil: Stencil) -> Column:
        """The wave equation over a column, with the steps of a grid [m]."""
        physics, fastest = self.of.physics, self.of.speeds[1]
        column = {name: values[0] for name, values in earth.properties.items()}
        complete = self.equation.complete(column, self.model.grid.ndim)
        depths = earth.grid.shape[-1]
        properties = {name: np.broadcast_to(v, depths) for name, v in complete.items()}
        if self.equation.mean_density:
            properties = interfaces.sharpened(properties)
        sampling = Sampling(
            (spacing, earth.grid.spacing[-1]),
            stencil,
            self.equation.differences,
            self.of.step(spacing, Dispersion(self.model.grid.ndim, stencil)),
            physics.time_correction,
            survey.absorbing(
                physics,
                _extent(self.model.grid, spacing),
                self.of.acquisition,
                fastest,
                self.of.signal.spectrum.centre,
            ),
            physics.interpolation,
        )
        return Column(_parameters(properties, self.equation.mean_density), sampling)


def _parameters(properties: dict[str, Array], of_density: bool) -> dict[str, Array]:
    """Parameters of the equation over a column (see `layered_waves`)."""
    values = {name: np.asarray(v, dtype=float) for name, v in properties.items()}
    density = values["rho"] / 1000 if of_density else 1.0
    parameters = {"k": 1 / (density * values["vp"] ** 2)}
    if of_density:
        parameters["b"] = 1 / np.asarray(density)
    if "epsilon" in values:
        parameters["e"] = 1 + 2 * values["epsilon"]
    if "delta" in values:
        parameters["s"] = np.sqrt(1 + 2 * values["delta"])
    return parameters


def _extent(grid: Grid, spacing: float) -> Grid:
    """A grid of a spacing [m] over about the extent of another, or that itself."""
    if spacing <= max(grid.spacing):
        return grid
    lengths = np.array(grid.end) - np.array(grid.origin)
    shape = tuple(int(n) + 1 for n in np.maximum(1, np.ceil(lengths / spacing - 1e-6)))
    return Grid(shape, (spacing,) * grid.ndim, grid.origin)


def _some(rows: Array, most: int) -> Array:
    """Some of the rows, evenly."""
    places = np.linspace(0, rows.size - 1, min(most, rows.size)).round()
    return np.asarray(rows[np.unique(places.astype(int))])
