"""Why waves did not stay finite: what is wrong with a model, a source or a time step.

Inputs are checked before a run: values must be finite, and parameters positive that are so for
every rock. The remaining causes are a time step above the stability limit (see `stability`) of the
fastest velocity in the model, which is recovered from the parameters (see `recovery`).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.digits import apart, round_down
from fwicli.errors import DataError, ModelError
from fwicli.propagators.checks import recovery
from fwicli.propagators.equations import registry
from fwicli.propagators.equations.equation import call
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.sampling.stability import stable_step
from fwicli.propagators.symbolic.component_names import split_prefix
from fwicli.survey.grid import Grid

Array = NDArray[Any]


def check_model(equation: str, grid: Grid, model: Mapping[str, Array]) -> None:
    """Make sure that parameters, and changes of them, can be propagated in.

    Parameters
    ----------
    equation : str
        Name of the equation.
    grid : Grid
    model : mapping of str to ndarray
        Parameters of the equation on the model's grid, by name.

    Raises
    ------
    ModelError
        If a value is not finite, or not positive where it must be.
    """
    for name, values in model.items():
        change, bare = split_prefix(name)
        said = f"the change of parameter {bare}" if change else f"parameter {name}"
        least, most = values.min(), values.max()
        positive = name in recovery.positive(equation, values.ndim)
        if not np.isfinite([least, most]).all():
            bad, why = ~np.isfinite(values), "a parameter must be finite"
        elif positive and least <= 0:
            bad, why = np.asarray(values) <= 0, "it must be positive everywhere"
        else:
            continue
        index = np.unravel_index(int(np.argmax(bad)), bad.shape)
        value = float(np.asarray(values)[index])
        raise ModelError(
            f"{said} of {equation} is {value:g} at {position(grid, index)}, and bad "
            f"at {np.count_nonzero(bad)} of {bad.size} points; {why}: correct the model there"
        )


def check_traces(traces: Array, interval: float) -> None:
    """Make sure that traces of shape (n, samples), which are injected, are finite.

    Parameters
    ----------
    traces : ndarray of shape (n, samples)
    interval : float
        Sampling interval [s].

    Raises
    ------
    DataError
        If they are not.
    """
    bad = ~np.isfinite(traces)
    if bad.any():
        trace, sample = np.unravel_index(int(np.argmax(bad)), bad.shape)
        raise DataError(
            f"what is injected at point {trace} is {traces[trace, sample]} at sample {sample} "
            f"({sample * interval:g} s): a source or residual must be finite; correct it there"
        )


def position(grid: Grid, index: tuple[Any, ...]) -> str:
    """Where a grid point is, in metres.

    Parameters
    ----------
    grid : Grid
    index : tuple of int
        Number of the point along every axis.

    Returns
    -------
    str
    """
    place = [o + h * int(i) for o, h, i in zip(grid.origin, grid.spacing, index, strict=True)]
    return f"({', '.join(f'{x:g}' for x in place)}) m"


def cause(
    equation: str,
    grid: Grid,
    stencil: Stencil,
    step: float,
    model: Mapping[str, Array],
    peak_amplitude: float,
) -> str:
    """Likely cause of waves that are no longer finite.

    Parameters
    ----------
    equation : str
        Name of the equation.
    grid : Grid
    stencil : Stencil
        Of the space differences.
    step : float
        Time step [s].
    model : mapping of str to ndarray
        Parameters of the equation on the model's grid, by name.
    peak_amplitude : float
        Largest value that is injected.

    Returns
    -------
    str
    """
    speed = velocity(equation, model)
    if speed is not None:
        index = np.unravel_index(int(np.argmax(speed)), speed.shape)
        limit = stable_step(float(speed[index]), grid.spacing, stencil)
        if step > limit:
            now, most = apart(step, round_down(limit))
            return (
                f"the time step is {now} s, but where the model is fastest, {speed[index]:.5g} "
                f"m/s at {position(grid, index)}, it must be at most {most} s; make "
                f"the time axis for that velocity, or lower it"
            )
    if peak_amplitude > 1e25:
        return (
            f"the source reaches {peak_amplitude:.2g}, which overflows the precision; scale it "
            f"down, or set `precision: float64`"
        )
    return (
        "an instability: model, source and time step are within their limits; smooth the model, "
        "or lower the time step"
    )


def velocity(equation: str, model: Mapping[str, Array]) -> Array | None:
    """Velocity of the fastest wave [m/s] from the parameters; None if it cannot be recovered.

    Parameters
    ----------
    equation : str
        Name of the equation.
    model : mapping of str to ndarray
        Parameters of the equation on the model's grid, by name.

    Returns
    -------
    ndarray or None
    """
    stated = registry.load(equation)
    all_properties = {**stated.defaults, **recovery.properties(equation, model)}
    if not set(inspect.signature(stated.fastest).parameters) <= set(all_properties):
        return None
    return np.asarray(call(stated.fastest, all_properties))
