"""Line search for the strong Wolfe conditions.

Along a descent direction, phi(a) = f(x + a d), a step a is accepted when

    phi(a) <= phi(0) + c1 a phi'(0)        sufficient decrease (Armijo)
    |phi'(a)| <= c2 |phi'(0)|              curvature

The search brackets an interval that contains such a step, then narrows it by cubic interpolation.
If the budget of evaluations ends before, it takes the best step with sufficient decrease: a misfit
that falls is no failure. Where values differ by no more than round-off, slopes decide,

    phi'(a) <= (2 c1 - 1) phi'(0),

which is equivalent for a parabola.

References: Nocedal and Wright (2006), Numerical Optimization, algorithms 3.5 and 3.6; Hager and
Zhang (2005), SIAM J. Optim. 16, 170-192, for the decrease by slopes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DECREASE = 1e-4
CURVATURE = 0.9
GROWTH = 2.5
# Relative change of the value that is round-off.
ROUND_OFF = 1e-14


@dataclass(frozen=True)
class Trial:
    """Value and slope at a step along the direction; `payload` is the caller's."""

    step: float
    value: float
    slope: float
    payload: Any = None


@dataclass(frozen=True)
class Outcome:
    """Result of a search: the accepted trial, None if no step decreased the value.

    Attributes
    ----------
    accepted : Trial or None
    evaluations : int
        Evaluations in the search.
    wolfe : bool
        Whether both Wolfe conditions hold.
    """

    accepted: Trial | None
    evaluations: int
    wolfe: bool


@dataclass
class LineSearch:
    """One search along one direction.

    Parameters
    ----------
    evaluate : callable
        Trial at a step.
    start : Trial
        At step 0, with a negative slope.
    first : float
        First step to try.
    longest : float
        Largest feasible step; accepted with sufficient decrease alone while the slope there is
        negative.
    budget : int
        Largest number of evaluations.
    flatness : float
        c2.
    """

    evaluate: Callable[[float], Trial]
    start: Trial
    first: float
    longest: float = math.inf
    budget: int = 10
    flatness: float = CURVATURE

    def __post_init__(self) -> None:
        self.tried: list[Trial] = []

    def run(self) -> Outcome:
        """Find a step with the strong Wolfe conditions, else the best with sufficient decrease."""
        low, high = self._bracket()
        if high is not None:
            low = self._narrow(low, high)
        if self._flat(low) or (high is None and low.step == self.longest):
            return Outcome(low, len(self.tried), wolfe=self._flat(low))
        good = [t for t in self.tried if self._decreases(t)]
        best = min(good, key=lambda t: t.value) if good else None
        return Outcome(best, len(self.tried), wolfe=False)

    def _take(self, step: float) -> Trial:
        self.tried.append(self.evaluate(step))
        return self.tried[-1]

    def _decreases(self, trial: Trial) -> bool:
        start = self.start
        if trial.value <= start.value + DECREASE * trial.step * start.slope:
            return True
        level = abs(trial.value - start.value) <= self._round_off()
        return level and trial.slope <= (2 * DECREASE - 1) * start.slope

    def _round_off(self) -> float:
        return ROUND_OFF * abs(self.start.value)

    def _rises(self, low: Trial, trial: Trial) -> bool:
        """Whether a trial is no better than the best one: by value; by slope at equal values."""
        if abs(trial.value - low.value) > self._round_off():
            return trial.value > low.value
        return not self._flat(trial) and trial.slope * (trial.step - low.step) >= 0

    def _flat(self, trial: Trial) -> bool:
        return abs(trial.slope) <= -self.flatness * self.start.slope

    def _bracket(self) -> tuple[Trial, Trial | None]:
        """Two trials that enclose a good step, the better one first; or an acceptable one alone."""
        low, step = self.start, min(self.first, self.longest)
        while len(self.tried) < self.budget:
            trial = self._take(step)
            if not self._decreases(trial) or (low.step > 0 and self._rises(low, trial)):
                return low, trial
            if self._flat(trial) or (trial.slope < 0 and step >= self.longest):
                return trial, None
            if trial.slope >= 0:
                return trial, low
            low, step = trial, min(GROWTH * step, self.longest)
        return low, None

    def _narrow(self, low: Trial, high: Trial) -> Trial:
        """Shrink an interval with a good step until a trial is good, or the budget ends."""
        while len(self.tried) < self.budget:
            trial = self._take(_interpolate(low, high, self._round_off()))
            if not self._decreases(trial) or self._rises(low, trial):
                high = trial
                continue
            if self._flat(trial):
                return trial
            if trial.slope * (high.step - low.step) >= 0:
                high = low
            low = trial
        return low


def _interpolate(low: Trial, high: Trial, round_off: float) -> float:
    """Minimum of the cubic through two trials, kept away from the ends of their interval.

    At values that differ by round-off alone, the parabola through the slopes replaces the cubic.
    """
    width = high.step - low.step
    middle = low.step + 0.5 * width
    if not (math.isfinite(high.value) and math.isfinite(high.slope)):
        return low.step + 0.1 * width
    change = (high.value - low.value) / width
    if abs(high.value - low.value) <= round_off:
        change = 0.5 * (low.slope + high.slope)
    a = low.slope + high.slope - 3 * change
    root = a * a - low.slope * high.slope
    if root < 0:
        return middle
    b = math.copysign(math.sqrt(root), width)
    below = high.slope - low.slope + 2 * b
    if below == 0:
        return middle
    step = high.step - width * (high.slope + b - a) / below
    ends = sorted((low.step + 0.1 * width, high.step - 0.1 * width))
    return min(max(step, ends[0]), ends[1])
