"""Measured speeds of kernels on machines, in files beside the compiled kernels.

    forward     F(n) = a + b n                  of n time steps
    backward    B(n) = c + d n + b r(n)         with the r steps that a history runs again

A file belongs to one machine and to kernels that differ in nothing but the grid: equation, order,
precision, layer, history, sums, threads. A stage takes the speeds of its own grid; where they were
not measured those of the most similar grid, per point and step.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from fwicli.disk import cache
from fwicli.execution import machine
from fwicli.workflows.planning.numerics import Numerics

# Begin of the names of files.
PREFIX = "calibration-"
# Another one when what a file holds changes its meaning.
FORMAT = 2
# Measurements that a file holds at most; the oldest are dropped.
MOST = 40

# Elapsed time, and time on processors [s].
Times = tuple[float, float]
NONE: Times = (0.0, 0.0)


@dataclass(frozen=True)
class Calibration:
    """Speeds of the kernels of a stage on a grid.

    Attributes
    ----------
    shape : tuple of int
        Points along every axis, with the absorbing layer.
    every : int
        Steps between snapshots.
    traces : int
        Receivers times samples of a shot.
    workers : int
        Workers that ran at once.
    steps : int
        Steps of the longest run that was measured.
    call_forward, call_backward : tuple of float
        a and c, of a call [s].
    step_forward, step_backward : tuple of float
        b and d, of a step [s].
    call_product, step_product : tuple of float
        The same of products with second derivatives, in both directions [s].
    comparison, diagnosis : tuple of float
        Times to compare a record, and to diagnose it [s].
    start : tuple of float
        Times of the first shots of a worker that later ones do not take [s].
    handover : tuple of float
        Times to send a shot to a worker and to add its result [s].
    own, planned : float
        Memory of a shot, measured and planned, in the longest run [bytes]; measured 0 where the
        system does not tell.
    compiled : int
        Kernels that were compiled before.
    compilation : float
        Elapsed time that it took to compile them [s].
    measured : float
        Time of the measurement [s since 1970].
    """

    shape: tuple[int, ...]
    every: int
    traces: int
    workers: int
    steps: int
    call_forward: Times = NONE
    call_backward: Times = NONE
    step_forward: Times = NONE
    step_backward: Times = NONE
    call_product: Times = NONE
    step_product: Times = NONE
    comparison: Times = NONE
    diagnosis: Times = NONE
    start: Times = NONE
    handover: Times = NONE
    own: float = 0.0
    planned: float = 0.0
    compiled: int = 0
    compilation: float = 0.0
    measured: float = 0.0

    @property
    def points(self) -> int:
        """Points of the grid with its layer."""
        return math.prod(self.shape)


def key(numerics: Numerics, sums: tuple[str, ...], curvature: str | None) -> dict[str, Any]:
    """Everything of kernels and machine that a speed depends on, but the grid.

    Parameters
    ----------
    numerics : Numerics
    sums : tuple of str
        Of the adjoint run; empty where waves go forwards alone.
    curvature : str or None
        Kind of second derivative.

    Returns
    -------
    key : dict
    """
    history = {}
    if sums:
        options = numerics.history
        history = {
            "kind": options.kind,
            "bits": options.bits if options.kind == "compressed" else 0,
        }
    return {
        "format": FORMAT,
        "machine": {"processor": machine.processor(), "cores": machine.cores()},
        "equation": numerics.equation,
        "dimensions": numerics.grid.ndim,
        "order": numerics.order,
        "stencil": numerics.stencil,
        "precision": numerics.precision,
        "layer": numerics.layer.cells,
        "free": list(numerics.layer.free),
        "threads": numerics.threads,
        "parameters": None if numerics.parameters is None else list(numerics.parameters),
        "sums": list(sums),
        "curvature": curvature,
        "history": history,
        **({"topography": True} if numerics.topography is not None else {}),
    }


def read(of: Mapping[str, Any]) -> list[Calibration]:
    """All measurements of a key, the oldest first.

    Parameters
    ----------
    of : mapping
        Key of a stage.

    Returns
    -------
    calibrations : list of Calibration
    """
    data = cache.read(_name(of))
    if data is None:
        return []
    content = json.loads(data)
    names = {f.name for f in fields(Calibration)}
    speeds = content["speeds"]
    return [_calibration({n: v for n, v in entry.items() if n in names}) for entry in speeds]


def write(of: Mapping[str, Any], calibration: Calibration) -> None:
    """Keep a measurement in place of earlier ones of the same stage.

    Parameters
    ----------
    of : mapping
        Its key.
    calibration : Calibration
    """
    with cache.alone(_name(of)):
        others = [c for c in read(of) if _stage(c) != _stage(calibration)]
        speeds = [asdict(c) for c in [*others, calibration][-MOST:]]
        cache.write(_name(of), json.dumps({"key": dict(of), "speeds": speeds}).encode())


def nearest(of: Mapping[str, Any], numerics: Numerics, workers: int) -> Calibration | None:
    """The measurement of the most similar grid; None if there is none of the key.

    Parameters
    ----------
    of : mapping
        Key of the stage.
    numerics : Numerics
        Of the stage.
    workers : int
        That run at once.

    Returns
    -------
    calibration : Calibration or None
    """
    points, traces = math.prod(numerics.padded), traces_of(numerics)

    def unlike(measured: Calibration) -> tuple[float, ...]:
        return (
            abs(math.log(measured.points / points)),
            abs(math.log(measured.workers / workers)),
            abs(math.log(measured.every / numerics.history_step)),
            abs(math.log(measured.traces / traces)),
            -measured.measured,
        )

    return min(read(of), key=unlike, default=None)


def traces_of(numerics: Numerics) -> int:
    """Receivers times samples of the shot that has the most.

    Parameters
    ----------
    numerics : Numerics

    Returns
    -------
    traces : int
        At least 1.
    """
    return max(1, numerics.traces.count * numerics.traces.samples)


def _stage(calibration: Calibration) -> tuple[Any, ...]:
    return (calibration.shape, calibration.every, calibration.traces, calibration.workers)


def _name(of: Mapping[str, Any]) -> str:
    text = json.dumps(of, sort_keys=True)
    return f"{PREFIX}{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _calibration(entries: Mapping[str, Any]) -> Calibration:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in entries.items()
    }
    return Calibration(**values)
