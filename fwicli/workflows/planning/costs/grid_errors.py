"""Measured errors of coarse grids, in files beside the compiled kernels.

An error belongs to a stage of a plan in its model: its grid and band, its sources and receivers.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace

import numpy as np

from fwicli.digits import apart, round_down
from fwicli.disk import cache
from fwicli.propagators.history import STORED
from fwicli.survey.regridding import WORTHWHILE
from fwicli.workflows.planning.numerics import Numerics
from fwicli.workflows.planning.plan import Plan

# Begin of the names of files.
PREFIX = "grid-errors-"
# Values of a property that stand for all of them in the name of a file, about.
VALUES = 100_000
# Share of the largest amplitude of a wavelet below which samples are zeros in that name.
FAINTEST = 1e-30


@dataclass(frozen=True)
class GridError:
    """Error of the records of a shot, relative to those on the grid of the model.

    Attributes
    ----------
    error : float
        Of all traces that are compared.
    far : float
        Of the tenth of them that is farthest from the source.
    """

    error: float
    far: float


def is_coarse(plan: Plan, stage: Numerics) -> bool:
    """Whether the waves of a stage have a coarser grid than the model.

    Parameters
    ----------
    plan : Plan
    stage : Numerics

    Returns
    -------
    is_coarse : bool
    """
    return stage.grid.spacing != plan.model.grid.spacing


def shot_of(plan: Plan, number: int) -> int:
    """The shot whose error is measured: of the longest path where an error is allowed.

    Parameters
    ----------
    plan : Plan
    number : int
        Of the stage, from 0.

    Returns
    -------
    shot : int
        The middle one where no error is allowed.
    """
    accuracy = plan.stages[number].accuracy
    if accuracy is None or accuracy.asked_for is None:
        return plan.acquisition.shots // 2
    return accuracy.shot


def read(plan: Plan, number: int) -> GridError | None:
    """The error of a stage; None if it was not measured, 0 on the grid of the model.

    Parameters
    ----------
    plan : Plan
    number : int
        Of the stage, from 0.

    Returns
    -------
    measured : GridError or None
    """
    if not is_coarse(plan, plan.stages[number]):
        return GridError(0.0, 0.0)
    data = cache.read(_name(plan, number))
    return None if data is None else GridError(**json.loads(data))


def write(plan: Plan, number: int, measured: GridError) -> None:
    """Keep the error of a stage.

    Parameters
    ----------
    plan : Plan
    number : int
        Of the stage, from 0.
    measured : GridError
    """
    cache.write(_name(plan, number), json.dumps(asdict(measured)).encode())


def warnings(plan: Plan) -> list[str]:
    """Errors that are larger than the config allows, with the settings that cure them.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    warnings : list of str
    """
    texts = []
    for number, stage in enumerate(plan.stages):
        measured, accuracy = read(plan, number), stage.accuracy
        if measured is None or accuracy is None or accuracy.asked_for is None:
            continue
        largest = max(measured.error, measured.far)
        if largest <= accuracy.asked_for:
            continue
        have, limit = apart(100 * largest, 100 * accuracy.asked_for, digits=3)
        of = "all traces" if measured.error >= measured.far else "the farthest tenth of its traces"
        texts.append(
            f"stage {number + 1}: shot {accuracy.shot} has an error of {have} % in {of} on a "
            f"spacing of {max(stage.grid.spacing):.4g} m, and `physics.grid.error` allows {limit} "
            f"%: use {_remedy(plan, number, largest)}"
        )
    return texts


def _remedy(plan: Plan, number: int, error: float) -> str:
    """Settings with which the error of a stage would be small enough."""
    stage, model = plan.stages[number], max(plan.model.grid.spacing)
    accuracy = stage.accuracy
    spacing, estimated = (0.0, 0.0) if accuracy is None else accuracy.spacing_for(error)
    if stage.earth is None and accuracy is not None:  # on the grid of unknowns or image
        sections = {"rtm": "imaging", "lsrtm": "least_squares"}
        section = sections.get(plan.kind, f"inversion.stages.{number}")
        if plan.kind != "model":
            return f"`{section}.spacing: {max(round_down(spacing), model):g}` or less"
    if spacing < WORTHWHILE * model:
        return "`physics.grid: model`"
    return (
        f"`physics.grid: {{error: {round_down(estimated, 2):g}}}`, which leaves room for what "
        f"the estimate misses, or `physics.grid: {round_down(spacing):g}`"
    )


def _name(plan: Plan, number: int) -> str:
    """Name of the file of a stage."""
    shot = shot_of(plan, number)
    stage = replace(plan.stages[number], history=STORED, reason="", windows=(), accuracy=None)
    band = None if plan.inversion is None else plan.inversion.stages[number].band
    digest = hashlib.sha256(f"{stage}{plan.model.grid}{band}{shot}".encode())
    for values in plan.model.properties.values():
        digest.update(values.flat[:: max(1, values.size // VALUES)].tobytes())
    geometry, wavelet = plan.acquisition, np.asarray(plan.wavelet)
    # Compiled kernels make the processor flush subnormal numbers, with which wavelets end.
    wavelet = np.where(np.abs(wavelet) < FAINTEST * np.abs(wavelet).max(), 0.0, wavelet)
    for values in (wavelet, geometry.sources, geometry.receivers_of(shot)):
        digest.update(np.ascontiguousarray(values).tobytes())
    return f"{PREFIX}{digest.hexdigest()[:32]}"
