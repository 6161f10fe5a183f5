"""Limits of an equation at the corners of the bounds of an inversion.

A trial model outside the limits is refused, and the optimizer tries a shorter step. Bounds that
exclude such models need none of that. A corner has each variable at its lower or upper bound, with
all others that a limit depends on, and the properties that stay as they are in the model.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.digits import round_down, round_up
from fwicli.inversion.unknowns.variables import Variables
from fwicli.propagators.equations import registry
from fwicli.propagators.equations.equation import ROUND_OFF, Equation, Limit, call
from fwicli.survey.properties import COMBINATIONS, UNITS
from fwicli.survey.uniform import is_uniform
from fwicli.workflows.assembly.corners import Ends, corners
from fwicli.workflows.assembly.equation import wave_equation
from fwicli.workflows.assembly.inversion import InversionObjects
from fwicli.workflows.planning.problems import Problems

Array = NDArray[Any]

# Accuracy of an advised bound, and number of points that decide on one.
ACCURACY, POINTS = 1e-6, 8
# The least ratio of vp and vs that is advised as a bound; rocks have more.
LEAST_RATIO = 1.2


@dataclass(frozen=True)
class Earths:
    """All models within the bounds, at the points that may change.

    Attributes
    ----------
    stated : Equation
    ndim : int
        Number of space dimensions.
    variables : Variables
        With bounds at these points.
    properties : dict of str to ndarray of shape (n_points,)
        Of the starting model.
    ends : mapping of str to pair of ndarray of shape (n_points,)
        Bounds by variable.
    """

    stated: Equation
    ndim: int
    variables: Variables
    properties: dict[str, Array]
    ends: Ends

    @classmethod
    def of(cls, inversion: InversionObjects) -> Earths:
        """Those of an inversion. A model that is the same everywhere counts as one point."""
        model, free = inversion.model, ~inversion.fixed
        scalar = all(
            np.ndim(end) == 0 for b in inversion.variables.blocks for end in (b.low, b.high)
        )
        if scalar and all(map(is_uniform, model.properties.values())):
            first = np.zeros(free.shape, dtype=bool)
            first.flat[int(np.argmax(free))] = True
            free = first
        variables = inversion.variables.on(lambda values: values[free])
        properties = {name: values[free] for name, values in model.properties.items()}
        low, high = (variables.unpack(end) for end in variables.bounds(properties))
        ends = {n: (np.minimum(low[n], high[n]), np.maximum(low[n], high[n])) for n in low}
        stated = registry.load(wave_equation(inversion.config.physics))
        return cls(stated, model.grid.ndim, variables, properties, ends)

    def narrowed(self, name: str, low: float, high: float) -> Earths:
        """With narrower bounds of one variable."""
        first, last = (np.clip(end, low, high) for end in self.ends[name])
        ends = {**self.ends, name: (first, last)}
        return Earths(self.stated, self.ndim, self.variables, self.properties, ends)

    def at(self, points: list[int]) -> Earths:
        """At some of the points."""
        variables = self.variables.on(lambda values: values[points])
        properties = {name: values[points] for name, values in self.properties.items()}
        ends = {
            n: (np.asarray(a)[points], np.asarray(b)[points]) for n, (a, b) in self.ends.items()
        }
        return Earths(self.stated, self.ndim, variables, properties, ends)

    def behind(self, limit: Limit) -> tuple[str, ...]:
        """Variables that a limit depends on."""
        properties = inspect.signature(limit.margin).parameters
        return tuple(dict.fromkeys(v for p in properties for v in self.variables.behind(p)))

    def worst(self, limit: Limit) -> tuple[float, int, dict[str, float]]:
        """The least margin of a limit, its point, and the values of variables there."""
        least, point, values = np.inf, 0, dict[str, float]()
        for corner, earth in corners(
            self.variables, self.properties, self.ends, self.behind(limit)
        ):
            with np.errstate(all="ignore"):
                margin = call(limit.margin, self.stated.complete(earth, self.ndim))
            margin = np.nan_to_num(np.asarray(margin, dtype=float), nan=-np.inf)
            lowest = int(np.argmin(margin))
            if margin.flat[lowest] < least:
                least, point = float(margin.flat[lowest]), lowest
                values = {n: float(np.asarray(v).flat[point]) for n, v in corner.items()}
        return least, point, values


def check(problems: Problems, inversion: InversionObjects) -> None:
    """Warn once of each limit of the equation that the bounds let models exceed.

    Parameters
    ----------
    problems : Problems
    inversion : InversionObjects
        Whose starting model has all properties, and is within the bounds.
    """
    earths = Earths.of(inversion)
    needed = set(earths.stated.properties_in(earths.ndim)) - set(earths.stated.defaults)
    if needed - set(earths.properties):
        return
    for limit in earths.stated.limits:
        if limit.of_whole_model or not earths.behind(limit):
            continue
        least, point, values = earths.worst(limit)
        if least < -ROUND_OFF:
            problems.warn(_warning(inversion, earths, limit, values, point))


def _warning(
    inversion: InversionObjects,
    earths: Earths,
    limit: Limit,
    values: dict[str, float],
    point: int,
) -> str:
    """Values of a corner outside a limit, what happens there, and bounds to type."""
    corner = " with ".join(f"{n} of {v:.6g} {UNITS.get(n, '')}".rstrip() for n, v in values.items())
    # Properties that stay, or follow from the corner.
    arguments = inspect.signature(limit.margin).parameters
    stay = [n for n in arguments if n in earths.properties and not earths.variables.behind(n)]
    where = "".join(
        f" where {n} is {earths.properties[n].flat[point]:.6g} {UNITS.get(n, '')}".rstrip()
        for n in stay
    )
    remedies = [_tighter(inversion, earths, limit, name, values[name]) for name in values]
    typed = [r for r in (*remedies, _ratio(earths, limit)) if r]
    remedy = f"set {', or '.join(typed)}" if typed else "tighten them"
    return (
        f"the bounds allow {corner}{where}, outside the limits of the equation "
        f"`{earths.stated.name}`: {limit.rule}; such trial models are refused, each with a "
        f"warning; {remedy}"
    )


def _tighter(
    inversion: InversionObjects, earths: Earths, limit: Limit, name: str, value: float
) -> str:
    """Bounds of one variable, around the start, that keep a limit; nothing where none do."""
    bounds = inversion.bounds(name)
    if any(np.ndim(end) for end in bounds):
        return ""
    low, high = (float(end) for end in bounds)
    start = earths.variables.values(earths.properties)[name]
    upper = value > 0.5 * (low + high)
    inner, outer = (float(start.max()), high) if upper else (float(start.min()), low)

    def range_to(bound: float) -> tuple[float, float]:
        return (low, bound) if upper else (bound, high)

    points: list[int] = []
    while len(points) < POINTS:
        keeps = partial(_keeps, earths.at(points), limit, name)
        bound = _widest(lambda end, keeps=keeps: keeps(range_to(end)), inner, outer)
        rounded = round_down(bound, 4) if upper else round_up(bound, 4)
        ends = range_to(rounded if (rounded >= inner) == upper else bound)
        least, point, _ = earths.narrowed(name, *ends).worst(limit)
        if least >= -ROUND_OFF:
            return f"`{_key(inversion, name)}: [{ends[0]:.9g}, {ends[1]:.9g}]`"
        if point in points:
            break  # not even the starting values keep it
        points.append(point)
    return ""


def _keeps(earths: Earths, limit: Limit, name: str, ends: tuple[float, float]) -> bool:
    """Whether all models keep a limit with other bounds of one variable."""
    no_points = not earths.properties[earths.stated.leading].size
    return no_points or earths.narrowed(name, *ends).worst(limit)[0] >= -ROUND_OFF


def _widest(keeps: Callable[[float], bool], inner: float, outer: float) -> float:
    """The bound nearest to `outer` that keeps a limit, between it and the start, by halving."""
    if keeps(outer):
        return outer
    while abs(outer - inner) > ACCURACY * max(abs(inner), abs(outer)):
        middle = 0.5 * (inner + outer)
        inner, outer = (middle, outer) if keeps(middle) else (inner, middle)
    return inner


def _ratio(earths: Earths, limit: Limit) -> str:
    """The ratio of vp and vs as a variable in place of vs, where a limit is of these two."""
    pair = {"vp", "vs"}
    if set(earths.behind(limit)) != pair or set(inspect.signature(limit.margin).parameters) != pair:
        return ""
    ratio = COMBINATIONS["vp_vs_ratio"].of(earths.properties)
    solid = ratio[ratio > 0]
    if not solid.size:
        return ""
    low, high = round_down(min(LEAST_RATIO, float(solid.min())), 4), round_up(1.5 * solid.max(), 2)
    return f"`vp_vs_ratio: [{low:g}, {high:g}]` in place of vs"


def _key(inversion: InversionObjects, name: str) -> str:
    """Where the bounds of a variable are in the config."""
    named = inversion.config.inversion.invert_for is not None
    return f"inversion.invert_for.{name}" if named else "inversion.bounds"
