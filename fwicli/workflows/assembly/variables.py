"""From `invert_for`, `bounds` and `fixed` of an inversion to variables and points that stay."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.arrays import ArrayFileSection
from fwicli.config.inversion import VariableSection
from fwicli.config.laws import FollowSection
from fwicli.config.regions import LayerSection, Regions
from fwicli.digits import apart
from fwicli.errors import ModelError
from fwicli.inversion.unknowns.parameterization import (
    LOG,
    PARAMETERIZATIONS,
    Parameterization,
    linear,
    logarithm,
)
from fwicli.inversion.unknowns.variables import Variable, Variables
from fwicli.propagators.equations import registry
from fwicli.survey.grid import Grid
from fwicli.survey.laws import Gardner, Law, Mudrock
from fwicli.survey.model import EarthModel
from fwicli.survey.properties import COMBINATIONS, POSITIVE
from fwicli.workflows.assembly import survey
from fwicli.workflows.assembly.arrays import ModelArrays

Array = NDArray[Any]
Mask = NDArray[np.bool_]
Bounds = tuple[float | Array, float | Array]

# First change of a variable other than vp, relative to the width of its bounds.
FIRST_CHANGE = 0.02


def build_variables(
    sections: Mapping[str, VariableSection],
    bounds: Mapping[str, Bounds],
    equation: str,
    first_change: float,
    laws: Mapping[str, Law] | None = None,
) -> Variables:
    """Variables of an inversion: properties in the order of the equation, then combinations.

    Parameters
    ----------
    sections : mapping of str to VariableSection
        By the name of the property, or of the combination.
    bounds : mapping of str to Bounds
        Of every property among the sections, in SI units.
    equation : str
        Name of the wave equation.
    first_change : float
        Of vp, unless its section says another [m/s].
    laws : mapping of str to Law, optional
        By which properties follow vp, by their names.

    Returns
    -------
    variables : Variables
        With bounds on the grid of the model.
    """
    width, blocks = 1.0, []
    if "vp" in sections:
        velocity = PARAMETERIZATIONS[sections["vp"].parameter or "vp"]
        low, high = velocity.bounds(*outermost(bounds["vp"]))
        width = high - low
    for name in (*registry.load(equation).properties, *COMBINATIONS):
        if name not in sections:
            continue
        section = sections[name]
        if name == "vp":
            change = section.first_change or first_change
            blocks.append(Variable(name, *bounds[name], change, velocity))
        else:
            low, high = outermost(bounds[name])
            change = section.first_change or FIRST_CHANGE * (high - low)
            unit = _parameterization(section, low, high, width)
            blocks.append(Variable(name, *bounds[name], change, unit))
    return Variables(tuple(blocks), laws=laws or {})


def build_laws(section: FollowSection) -> dict[str, Law]:
    """Laws by which properties follow vp, by name of the property.

    Parameters
    ----------
    section : FollowSection

    Returns
    -------
    laws : dict of str to Law
    """
    laws: dict[str, Law] = {}
    if section.vs is not None:
        laws["vs"] = Mudrock(section.vs.intercept, section.vs.slope, section.vs.least)
    if section.rho is not None:
        laws["rho"] = Gardner(section.rho.exponent)
    return laws


def _parameterization(
    section: VariableSection, low: float, high: float, width: float
) -> Parameterization:
    """Of a property other than vp: its bounds are `width` apart in x."""
    if section.parameter == LOG:
        return logarithm(low, width / np.log(high / low))
    return linear((high - low) / width)


def check_bounds(name: str, bounds: Bounds, grid: Grid) -> None:
    """Bounds of a variable must not cross, and be positive where the property is.

    Parameters
    ----------
    name : str
        Of the property.
    bounds : Bounds
        Each a number or an array on the grid of the model, in SI units.
    grid : Grid

    Raises
    ------
    ModelError
        If a lower bound is above an upper one, or not positive where it has to be.
    """
    low, high = bounds
    if np.any(low > high):
        crossed = np.argwhere(np.broadcast_to(np.asarray(low > high), grid.shape))
        place = tuple(int(i) for i in crossed[0])
        lowest, highest = (float(np.broadcast_to(end, grid.shape)[place]) for end in bounds)
        lower, upper = apart(lowest, highest)
        raise ModelError(
            f"the lower bound of {name}, {lower}, is above the upper one, {upper}, at "
            f"{grid.describe(place)} and {len(crossed)} points in all; exchange them, or "
            f"check the units"
        )
    if name in POSITIVE and np.min(low) <= 0:
        raise ModelError(f"{name} is positive; its bounds begin at {np.min(low):g}")


def outermost(bounds: Bounds) -> tuple[float, float]:
    """The lowest lower bound and the highest upper one."""
    return float(np.min(bounds[0])), float(np.max(bounds[1]))


@singledispatch
def build_region(section: Any, model: EarthModel, arrays: ModelArrays) -> Mask:
    """Points of a model that a region of the config covers.

    Parameters
    ----------
    section : str, float, LayerSection or ArrayFileSection
        Its class chooses the rule.
    model : EarthModel
        Starting model of the run.
    arrays : ModelArrays
        Masks in files.

    Returns
    -------
    region : ndarray of bool, shape grid.shape

    Raises
    ------
    TypeError
        If no function is registered for the class of the section.
    """
    raise TypeError(f"no region is built from {type(section).__name__}")


@build_region.register(str)
@build_region.register(float)
def _named(section: str | float, model: EarthModel, arrays: ModelArrays) -> Mask:
    return survey.kept_points(model, section)


@build_region.register
def _layer(section: LayerSection, model: EarthModel, arrays: ModelArrays) -> Mask:
    first, last = section.depths()
    z = model.grid.coordinates(model.grid.ndim - 1)
    return np.broadcast_to((z >= first) & (z < last), model.grid.shape)


@build_region.register
def _mask(section: ArrayFileSection, model: EarthModel, arrays: ModelArrays) -> Mask:
    return np.asarray(arrays.on_grid(section) != 0)


def build_fixed(sections: Regions, model: EarthModel, arrays: ModelArrays) -> Mask:
    """Points that stay as in the starting model: regions, and the air above a topography.

    Parameters
    ----------
    sections : a region, or a list of them
        From `inversion.fixed`.
    model : EarthModel
        Starting model of the run.
    arrays : ModelArrays
        Masks in files.

    Returns
    -------
    fixed : ndarray of bool, shape grid.shape

    Raises
    ------
    ModelError, DataError
        If a mask cannot be read, or has another shape.
    """
    fixed = model.air.copy()
    for section in sections if isinstance(sections, list) else [sections]:
        fixed |= build_region(section, model, arrays)
    return fixed
