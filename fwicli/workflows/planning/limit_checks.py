"""Limits of an equation at the corners of the bounds of an inversion.

A trial model outside the limits is refused, and the optimizer tries a shorter step. This costs
evaluations, and narrower bounds avoid it. A corner has each variable that a limit depends on at its
lower or upper bound; the other properties are those of the model.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
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
# Share of the way to a bound that is excluded alone.
CLEAR = 0.9
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
        """The models of an inversion; a model that is the same everywhere counts as one point."""
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

    def narrowed(self, ranges: Mapping[str, tuple[float, float]]) -> Earths:
        """With narrower bounds of some variables."""
        clipped = {
            name: (np.clip(self.ends[name][0], *ends), np.clip(self.ends[name][1], *ends))
            for name, ends in ranges.items()
        }
        return replace(self, ends={**self.ends, **clipped})

    @property
    def count(self) -> int:
        """Number of points."""
        return int(self.properties[self.stated.leading].size)

    def at(self, points: list[int]) -> Earths:
        """At some of the points."""
        variables = self.variables.on(lambda values: values[points])
        properties = {name: values[points] for name, values in self.properties.items()}
        ends = {
            n: (np.asarray(a)[points], np.asarray(b)[points]) for n, (a, b) in self.ends.items()
        }
        return replace(self, variables=variables, properties=properties, ends=ends)

    def behind(self, limit: Limit) -> tuple[str, ...]:
        """Variables that a limit depends on."""
        names = (v for p in _arguments(limit) for v in self.variables.behind(p))
        return tuple(dict.fromkeys(names))

    def beyond(self, limits: Sequence[Limit]) -> Excess | None:
        """Where the first limit that a model exceeds is exceeded most; None if all are kept."""
        for limit in limits:
            excess = self._worst(limit)
            if excess.margin < -ROUND_OFF:
                return excess
        return None

    def _worst(self, limit: Limit) -> Excess:
        """The least margin of a limit at all corners of the bounds of its variables."""
        worst = Excess(limit, np.inf, 0, {})
        for corner, earth in corners(
            self.variables, self.properties, self.ends, self.behind(limit)
        ):
            with np.errstate(all="ignore"):
                margin = call(limit.margin, self.stated.complete(earth, self.ndim))
            margin = np.nan_to_num(np.asarray(margin, dtype=float), nan=-np.inf).ravel()
            point = int(np.argmin(margin))
            if margin[point] < worst.margin:
                values = {n: float(np.asarray(v).flat[point]) for n, v in corner.items()}
                worst = Excess(limit, float(margin[point]), point, values)
        return worst


@dataclass(frozen=True)
class Excess:
    """A corner of the bounds, and a point, at which a limit is exceeded.

    Attributes
    ----------
    limit : Limit
    margin : float
        Of the limit, which is negative.
    point : int
        Among those of the earths.
    values : dict of str to float
        Of the variables, in SI units.
    """

    limit: Limit
    margin: float
    point: int
    values: dict[str, float]


def check(problems: Problems, inversion: InversionObjects) -> None:
    """Warn of bounds that allow models outside the limits of the equation.

    There is one warning for all limits of the same variables.

    Parameters
    ----------
    problems : Problems
    inversion : InversionObjects
        Whose starting model is within the bounds.
    """
    earths = Earths.of(inversion)
    needed = set(earths.stated.properties_in(earths.ndim)) - set(earths.stated.defaults)
    if needed - set(earths.properties):
        return
    together: dict[frozenset[str], list[Limit]] = {}
    for limit in earths.stated.limits:
        names = earths.behind(limit)
        if names and not limit.of_whole_model:
            together.setdefault(frozenset(names), []).append(limit)
    for limits in together.values():
        excess = earths.beyond(limits)
        if excess is not None:
            problems.warn(_warning(Advice(inversion, earths, limits, excess)))


@dataclass(frozen=True)
class Advice:
    """Bounds within which no model exceeds some limits.

    Attributes
    ----------
    inversion : InversionObjects
    earths : Earths
    limits : sequence of Limit
        Of the same variables.
    excess : Excess
    """

    inversion: InversionObjects
    earths: Earths
    limits: Sequence[Limit]
    excess: Excess

    def in_words(self) -> str:
        """Every way out, as the user types it."""
        names = [n for n in self.excess.values if self._is_scalar(n)]
        ways = [self._narrower([name]) for name in names]
        if not any(ways) and len(names) > 1:
            ways = [self._narrower(names)]
        typed = [way for way in (*ways, self._ratio()) if way]
        return f"set {', or '.join(typed)}" if typed else "tighten them"

    def _is_scalar(self, name: str) -> bool:
        return all(np.ndim(end) == 0 for end in self.inversion.bounds(name))

    def _narrower(self, names: Sequence[str]) -> str:
        """Bounds of variables that contain the start and no excess; empty where there are none."""
        points: list[int] = []
        while len(points) < POINTS:
            share = _largest(partial(self._excludes, self.earths.at(points), names))
            if 1 - 100 * ACCURACY < share < 1:
                share = CLEAR  # the bound alone is excluded, such as a vs of 0
            ranges = {n: self._range(n, share, rounded=True) for n in names}
            excess = self.earths.narrowed(ranges).beyond(self.limits)
            if excess is None:
                return " and ".join(
                    f"`{self._key(n)}: [{low:.9g}, {high:.9g}]`"
                    for n, (low, high) in ranges.items()
                )
            if excess.point in points:
                break  # not even the starting values are within the limits
            points.append(excess.point)
        return ""

    def _excludes(self, few: Earths, names: Sequence[str], share: float) -> bool:
        """Whether a share of the way from the start to the bounds is within the limits."""
        narrower = few.narrowed({n: self._range(n, share) for n in names})
        return not few.count or narrower.beyond(self.limits) is None

    def _range(self, name: str, share: float, rounded: bool = False) -> tuple[float, float]:
        """Bounds of a variable, of which one is moved to a share of the way from the start."""
        low, high = (float(end) for end in self.inversion.bounds(name))
        least, most = self._start[name]
        if self.excess.values[name] > 0.5 * (low + high):
            inner = most
            bound = inner + share * (high - inner)
            return low, max(inner, round_down(bound, 4)) if rounded else bound
        inner = least
        bound = inner + share * (low - inner)
        return min(inner, round_up(bound, 4)) if rounded else bound, high

    @cached_property
    def _start(self) -> dict[str, tuple[float, float]]:
        """The lowest and highest value of each variable in the starting model."""
        start = self.earths.variables.values(self.earths.properties)
        return {name: (float(v.min()), float(v.max())) for name, v in start.items()}

    def _ratio(self) -> str:
        """Advice to invert for vp / vs in place of vs, where the limits concern both alone."""
        pair = {"vp", "vs"}
        if any(
            set(self.earths.behind(n)) != pair or set(_arguments(n)) != pair for n in self.limits
        ):
            return ""
        ratio = COMBINATIONS["vp_vs_ratio"].of(self.earths.properties)
        solid = ratio[ratio > 0]
        if not solid.size:
            return ""
        low, high = min(LEAST_RATIO, float(solid.min())), round_up(1.5 * float(solid.max()), 2)
        return f"`vp_vs_ratio: [{round_down(low, 4):g}, {high:g}]` in place of vs"

    def _key(self, name: str) -> str:
        """Where the bounds of a variable are in the config."""
        named = self.inversion.config.inversion.invert_for is not None
        return f"inversion.invert_for.{name}" if named else "inversion.bounds"


def _arguments(limit: Limit) -> tuple[str, ...]:
    """Properties that a limit is a function of."""
    return tuple(inspect.signature(limit.margin).parameters)


def _warning(advice: Advice) -> str:
    """Values of a corner, the limit that they exceed, and bounds to type."""
    earths, excess = advice.earths, advice.excess
    corner = " with ".join(f"{n} of {_value(n, v)}" for n, v in excess.values.items())
    needed = [*_arguments(excess.limit)]
    needed += [
        n for name in excess.values if name in COMBINATIONS for n in COMBINATIONS[name].needs
    ]
    # Properties that stay as they are in the model.
    others = [
        f"{n} is {_value(n, float(earths.properties[n][excess.point]))}"
        for n in dict.fromkeys(needed)
        if n in earths.properties and not earths.variables.behind(n)
    ]
    where = f" where {', '.join(others)}" if others else ""
    return (
        f"the bounds allow {corner}{where}, outside the limits of the equation "
        f"`{earths.stated.name}`: {excess.limit.rule}; such trial models are refused, each with a "
        f"warning; {advice.in_words()}"
    )


def _value(name: str, value: float) -> str:
    return f"{value:.6g} {UNITS.get(name, '')}".rstrip()


def _largest(holds: Callable[[float], bool]) -> float:
    """The largest share up to 1 for which a condition holds, as it does for smaller shares."""
    low, high = 0.0, 1.0
    if holds(high):
        return high
    while high - low > ACCURACY:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
