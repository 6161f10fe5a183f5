"""What an inversion changes: variables with their bounds, and where they may."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.inversion import InversionSection, VariableSection
from fwicli.config.regions import LayerSection
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
from fwicli.survey.model import IMPEDANCE, POSITIVE, EarthModel
from fwicli.workflows.assembly import survey

Array = NDArray[Any]
Mask = NDArray[np.bool_]
Ends = tuple[float | Array, float | Array]

# First change of a variable other than vp, relative to the width of its bounds.
FIRST_CHANGE = 0.02


def variables(
    config: schema.InvertConfig, model: EarthModel, settings: InversionSection | None = None
) -> Variables:
    """What is inverted for, in the order of the equation's properties, whatever the config's.

    Parameters
    ----------
    settings : Inversion, optional
        As they are for one stage.
    """
    settings = settings or config.inversion
    inverted = settings.inverted()
    width, blocks = 1.0, []
    if "vp" in inverted:
        velocity = PARAMETERIZATIONS[inverted["vp"].parameter or "vp"]
        low, high = velocity.bounds(*outermost(bounds(config, model, "vp")))
        width = high - low
    for name in (*registry.load(config.physics.equation).properties, IMPEDANCE):
        if name not in inverted:
            continue
        ends = bounds(config, model, name)
        change = inverted[name].first_change
        if name == "vp":
            change = change or settings.optimizer.first_change
            blocks.append(Variable(name, *ends, change, velocity))
        else:
            low, high = outermost(ends)
            change = change or FIRST_CHANGE * (high - low)
            blocks.append(Variable(name, *ends, change, _other(inverted[name], low, high, width)))
    return Variables(tuple(blocks))


def _other(inverted: VariableSection, low: float, high: float, width: float) -> Parameterization:
    """Of a property other than vp: its bounds are `width` apart in x."""
    if inverted.parameter == LOG:
        return logarithm(low, width / np.log(high / low))
    return linear((high - low) / width)


def bounds(config: schema.InvertConfig, model: EarthModel, name: str) -> Ends:
    """Bounds of a variable, each a number or an array on the model's grid.

    Raises
    ------
    ModelError
        If a lower bound is above an upper one, or not positive where it has to be.
    """
    low, high = (
        end if isinstance(end, float) else survey.on_grid(config.model, model.grid, end)
        for end in config.inversion.inverted()[name].bounds
    )
    crossed = np.argwhere(np.broadcast_to(np.asarray(low > high), model.grid.shape))
    if crossed.size:
        place = tuple(int(i) for i in crossed[0])
        lowest, highest = (
            float(np.broadcast_to(end, model.grid.shape)[place]) for end in (low, high)
        )
        lower, upper = apart(lowest, highest)
        raise ModelError(
            f"the lower bound of {name}, {lower}, is above the upper one, {upper}, at "
            f"{model.grid.describe(place)} and {len(crossed)} points in all; exchange them, or "
            f"check the units"
        )
    if name in POSITIVE and np.min(low) <= 0:
        raise ModelError(f"{name} is positive; its bounds begin at {np.min(low):g}")
    return low, high


def outermost(ends: Ends) -> tuple[float, float]:
    """The lowest lower bound and the highest upper one."""
    return float(np.min(ends[0])), float(np.max(ends[1]))


def bounded(
    config: schema.InvertConfig, model: EarthModel, moved_to: EarthModel, side: int
) -> EarthModel:
    """A model with what is inverted for at its lower or upper bound, or beyond as it is.

    Bounds that are models count with the lowest or highest value that they have anywhere: they
    are on the grid of `model`, and `moved_to` need not be.
    """
    further = (np.minimum, np.maximum)[side]
    properties = moved_to.properties
    return moved_to.changed(
        {
            name: further(properties[name], outermost(bounds(config, model, name))[side])
            for name in config.inversion.inverted()
            if name in properties
        }
    )


def fixed(config: schema.InvertConfig, model: EarthModel) -> Mask:
    """Points that stay as in the starting model."""
    regions = config.inversion.fixed
    found = np.zeros(model.grid.shape, dtype=bool)
    for region in regions if isinstance(regions, list) else [regions]:
        if isinstance(region, LayerSection):
            first, last = region.depths()
            z = model.grid.coordinates(model.grid.ndim - 1)
            found |= (z >= first) & (z < last)
        elif isinstance(region, str | float):
            found |= survey.kept(model, region)
        else:
            found |= survey.on_grid(config.model, model.grid, region) != 0
    return found
