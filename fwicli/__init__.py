"""Seismic full-waveform inversion and reverse-time migration.

The public names are loaded when they are first used:

    Propagator, Discretization      the operators F, F^T, J and J^T of a wave equation
    Grid, EarthModel, Acquisition, Gathers
    AbsorbingLayer, TimeAxis, time_axis
    Keeping                         how the history of a gradient is kept
    Waves                           several shots, for `fwicli.autograd` and `fwicli.operators`
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "AbsorbingLayer": "fwicli.propagators.absorbing",
    "Acquisition": "fwicli.survey.acquisition",
    "Discretization": "fwicli.propagators.discretization",
    "EarthModel": "fwicli.survey.model",
    "Everywhere": "fwicli.propagators.locations",
    "Gathers": "fwicli.survey.gathers",
    "Grid": "fwicli.survey.grid",
    "Keeping": "fwicli.propagators.history",
    "Propagator": "fwicli.propagators.propagator",
    "TimeAxis": "fwicli.propagators.sampling.stability",
    "Volume": "fwicli.propagators.locations",
    "Waves": "fwicli.waves",
    "time_axis": "fwicli.propagators.sampling.stability",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module `fwicli` has no attribute `{name}`")
