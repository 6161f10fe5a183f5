"""Measured errors of coarse grids, in files beside the compiled kernels.

An error belongs to a stage of a plan in its model: its grid and band, its sources and receivers.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np

from fwicli.disk import cache
from fwicli.propagators.history import STORED
from fwicli.workflows.planning.numerics import Numerics
from fwicli.workflows.planning.plan import Plan

# Begin of the names of files.
PREFIX = "grid-error-"
# Values of a property that stand for all of them in the name of a file, about.
VALUES = 100_000


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


def read(plan: Plan, number: int) -> float | None:
    """The error of a stage; None if it was not measured, 0 on the grid of the model.

    Parameters
    ----------
    plan : Plan
    number : int
        Of the stage, from 0.

    Returns
    -------
    error : float or None
        Relative to the records on the grid of the model.
    """
    if not is_coarse(plan, plan.stages[number]):
        return 0.0
    data = cache.read(_name(plan, number))
    return None if data is None else float(json.loads(data)["error"])


def write(plan: Plan, number: int, error: float) -> None:
    """Keep the error of a stage.

    Parameters
    ----------
    plan : Plan
    number : int
        Of the stage, from 0.
    error : float
        Relative to the records on the grid of the model.
    """
    cache.write(_name(plan, number), json.dumps({"error": error}).encode())


def _name(plan: Plan, number: int) -> str:
    """Name of the file of a stage."""
    stage = replace(plan.stages[number], history=STORED, reason="", windows=())
    band = None if plan.inversion is None else plan.inversion.stages[number].band
    digest = hashlib.sha256(f"{stage}{plan.model.grid}{band}".encode())
    for values in plan.model.properties.values():
        digest.update(values.flat[:: max(1, values.size // VALUES)].tobytes())
    geometry = plan.acquisition
    for values in (plan.wavelet, geometry.sources, geometry.receivers_of(geometry.shots // 2)):
        digest.update(np.ascontiguousarray(values).tobytes())
    return f"{PREFIX}{digest.hexdigest()[:32]}"
