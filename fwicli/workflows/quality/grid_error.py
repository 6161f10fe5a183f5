"""Error of records on a coarse grid: one shot on the plan's grid, and on that of the model.

    error = |F_coarse q - F_fine q| / |F_fine q|

over the traces of the shot that are compared, in the band of the stage, and once more over the
tenth of them that is farthest from the source. Traces next to the source are left out: there
records depend on the grid, and inversions compare them without that part.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.loader import Loaded
from fwicli.digits import in_words
from fwicli.errors import FwiError
from fwicli.execution import Local
from fwicli.propagators.equations import properties
from fwicli.survey import points, proximity
from fwicli.survey.regridding import coarsened
from fwicli.survey.signals.bands import Band
from fwicli.workflows.planning.costs import calibrations, durations, grid_errors
from fwicli.workflows.planning.costs.grid_errors import GridError
from fwicli.workflows.planning.numerics import Numerics
from fwicli.workflows.planning.plan import Plan, make_plan
from fwicli.workflows.run_folder import finished_shots

if TYPE_CHECKING:
    from fwicli.propagators.tasks import WindowedTask

Array = NDArray[Any]

# Seconds that the shot on the grid of the model may take, unless it is asked for.
LONGEST = 60.0
# Share of the traces that are the farthest.
FARTHEST = 0.1

log = logging.getLogger("fwicli")


def measure(plan: Plan, loaded: Loaded, however_long: bool = False) -> None:
    """Measure the error of every stage on a coarse grid, and keep it for later plans.

    Parameters
    ----------
    plan : Plan
        Whose speeds were measured.
    loaded : Loaded
        Config of the plan.
    however_long : bool
        Whether the shot on the grid of the model is modelled also where that takes long.
    """
    coarse = [n for n, stage in enumerate(plan.stages) if grid_errors.is_coarse(plan, stage)]
    if not coarse:
        return
    try:
        fine = make_plan(_on_grid_of_model(loaded))
    except FwiError as error:
        log.warning("warning: the error of the coarse grid is not measured: %s", error)
        return
    for number in coarse:
        seconds = _seconds(plan, fine, loaded.config, number)
        if seconds > LONGEST and not however_long:
            log.warning(
                "warning: the error of the coarse grid of stage %d is not measured: a shot on the "
                "grid of the model takes %s; --grid-error measures it",
                number + 1,
                in_words(seconds),
            )
            continue
        log.info("modelling a shot of stage %d on two grids", number + 1)
        measured = _error(plan, fine, number, grid_errors.shot_of(plan, number))
        grid_errors.write(plan, number, measured)


def error_of_shot(plan: Plan, loaded: Loaded, number: int, shot: int) -> float:
    """Error of the records of a shot of a stage on the grid of its plan.

    Parameters
    ----------
    plan : Plan
    loaded : Loaded
        Config of the plan.
    number, shot : int
        Of the stage and of the shot, from 0.

    Returns
    -------
    error : float
    """
    return _error(plan, make_plan(_on_grid_of_model(loaded)), number, shot).error


def _error(plan: Plan, fine: Plan, number: int, shot: int) -> GridError:
    """Error of the records of a shot, from two plans that differ in their grids."""
    rows = _rows(plan, number, shot)
    stages = plan.stages[number], fine.stages[number]
    with Local(min(2, plan.workers)) as executor:
        for stage in stages:
            discretization = stage.discretization()
            finished_shots.compile_missing(executor, discretization, acquisition=plan.acquisition)
        coarse, exact = executor.map([_task(plan, n, number, shot, rows) for n in stages])
    distance = proximity.distances(plan.acquisition, shot)[rows]
    far = distance >= np.quantile(distance, 1 - FARTHEST)
    every = np.ones_like(far)
    return GridError(*(_relative(coarse[some], exact[some]) for some in (every, far)))


def _relative(coarse: Array, exact: Array) -> float:
    """Relative L2 error; 0 of traces on which nothing has arrived."""
    norm = float(np.linalg.norm(exact))
    return float(np.linalg.norm(coarse - exact)) / norm if norm else 0.0


def _task(
    plan: Plan, stage: Numerics, number: int, shot: int, rows: NDArray[np.bool_]
) -> WindowedTask:
    """The task that models a shot as a stage says."""
    from fwicli.propagators.tasks import ModellingTask, WindowedTask  # late: Devito

    wavelet = np.asarray(plan.wavelet)
    wavelet = wavelet if wavelet.ndim == 1 else wavelet[shot % len(wavelet)]
    if plan.inversion is not None:
        band = Band(*plan.inversion.stages[number].band)
        wavelet = band.apply(wavelet, plan.interval)
    earth, geometry = coarsened(plan.model, stage.grid), plan.acquisition
    task = ModellingTask(
        stage.discretization(),
        properties.parameters(stage.equation, earth.properties),
        wavelet[None],
        geometry.source_points(shot),
        points.some(geometry.receiver_points(shot), rows),
    )
    return WindowedTask(task, stage.window(shot))


def _rows(plan: Plan, number: int, shot: int) -> NDArray[np.bool_]:
    """Traces of a shot that are compared and are not next to the source."""
    stage = plan.stages[number]
    length = max(stage.near.length, proximity.CELLS * max(stage.grid.spacing))
    rows = proximity.distances(plan.acquisition, shot) >= length
    if plan.gathers is not None:
        rows &= np.asarray(plan.gathers.live[shot])
    window = stage.window(shot)
    at = window.local_positions(plan.acquisition.receivers_of(shot))
    inside = (at >= np.asarray(window.local.origin)) & (at <= np.asarray(window.local.end))
    rows = np.asarray(rows & inside.all(axis=1))
    return rows if rows.any() else np.ones_like(rows)


def _seconds(plan: Plan, fine: Plan, config: schema.RunConfig, number: int) -> float:
    """Time of a shot on the grid of the model, by the measured speeds [s]."""
    stage = plan.stages[number]
    of = calibrations.key(stage, *plan.verb.kernels(config, number))
    measured = calibrations.nearest(of, stage, plan.at_once)
    if measured is None:
        return 0.0
    return durations.of_shot(fine.stages[number], measured, gradient=False).forward


def _on_grid_of_model(loaded: Loaded) -> Loaded:
    """The config with waves, unknowns and image on the grid of the model."""
    config = loaded.config
    physics = config.physics.model_copy(update={"grid": "model"})
    changes: dict[str, Any] = {"physics": physics}
    if isinstance(config, schema.InvertConfig):
        stages = [s.model_copy(update={"spacing": None}) for s in config.inversion.stages]
        changes["inversion"] = config.inversion.model_copy(update={"stages": stages})
    if isinstance(config, schema.MigrationConfig):
        changes[config.section] = config.migration.model_copy(update={"spacing": None})
    return replace(loaded, config=config.model_copy(update=changes))
