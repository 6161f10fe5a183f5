"""Limited-memory BFGS with bounds or a convex set, and a preconditioner.

The direction is -H g with the two-loop recursion, started from the preconditioner P in place of a
multiple of the identity. Variables at a bound stay there if the gradient or the direction pushes
them out. The others move, along a path that bends at the bounds (see `descent`). In another convex
set the path is the straight line to

    x + d,        d = Pi(x - H g) - x,

with Pi the projection onto the set, so that every step up to 1 is feasible.

Conjugacy. A step that is not the minimum along its direction leaves a part along the step before,
so that the new pair hides curvature that is in memory. Before a pair is stored, this part is taken
out, of the step and of the change of the gradient alike,

    s <- s - c s',        y <- y - c y',        c = s.y' / s'.y',

with the pair before, s' and y'. In a quadratic function y = A s remains true, s and s' are
conjugate, and the directions are those of conjugate gradients without exact searches. In others
s.y' and s'.y differ. Where the difference is not small,

    (s.y' - s'.y)**2 > tau (s.y) (s'.y'),

the pair is stored as it is.

Damping. Let s be a step and y the change of the gradient. After a search that ended early, the
curvature s.y may be small against that of H. Before the pair is stored, s is then replaced by

    s <- t s + (1 - t) H y,        t such that s.y = mu y.H y,

which keeps H positive, and the new information of the pair.

References: Nocedal and Wright (2006), Numerical Optimization, algorithm 7.4; Bertsekas (1982),
SIAM J. Control Optim. 20, 221-246, for the projection; Vlcek and Luksan (2015), Optim. Methods
Softw. 30, 616-633, for conjugate pairs; Goldfarb, Ren and Bahamou (2020), Adv.
Neural Inf. Process. Syst. 33, 2386-2396, for Powell's damping of the inverse.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.optimizers.descent import ROUNDS, Search, descend, outward
from fwicli.inversion.optimizers.optimizer import Optimizer, Problem, State

Array = NDArray[Any]
Pair = tuple[Array, Array]

# Smallest angle to the gradient, as a cosine, that counts as descent.
ANGLE = 1e-8
# mu
DAMPING = 0.1
# tau
ASYMMETRY = 0.01
# Smallest curvature of a pair after its part along the one before was taken out, as a share.
SMALLEST = 0.05


@dataclass(frozen=True)
class Lbfgs(Optimizer):
    """Settings of the method.

    Parameters
    ----------
    memory : int
        Largest number of stored pairs.
    budget : int
        Largest number of evaluations in a line search.
    damped : bool
        Whether pairs of small curvature are damped; otherwise those of negative curvature are
        dropped.
    """

    sampling: ClassVar[bool] = False
    sets: ClassVar[bool] = True
    curvature: ClassVar[None] = None

    memory: int = 10
    budget: int = 8
    damped: bool = False

    def step(self, state: State, problem: Problem) -> State | None:
        """The next state."""
        following = self._descend(state, problem)
        if following is None and state.arrays:
            return self._descend(replace(state, arrays={}), problem)
        return following

    def _descend(self, state: State, problem: Problem) -> State | None:
        pairs = remembered(state)
        if problem.projection is None:
            direction, longest = _within_bounds(state, problem, pairs), math.inf
        else:
            direction, longest = _within_set(state, problem, pairs), 1.0
        first = 1.0 if pairs else min(1.0, problem.first_step(state, direction))
        search = Search(first, self.budget, longest=longest)
        descent = descend(state, problem, direction, search)
        if descent is None:
            return None
        x, _, gradient = descent.trial
        pairs = self._remembered(problem, pairs, x - state.x, gradient - state.gradient)
        arrays = {}
        if pairs:
            steps, changes = zip(*pairs, strict=True)
            arrays = {"steps": np.stack(steps), "changes": np.stack(changes)}
        return state.to(descent.trial, descent.evaluations, arrays)

    def _remembered(self, problem: Problem, pairs: list[Pair], s: Array, y: Array) -> list[Pair]:
        """The latest pairs, including that of a step."""
        if pairs:
            s, y = conjugate((s, y), pairs[-1])
        if self.damped and pairs:
            Hy = inverse(pairs, y, problem, np.ones(y.shape, bool))
            curvature, expected = float(np.vdot(s, y)), float(np.vdot(y, Hy))
            if curvature < DAMPING * expected:
                share = (1 - DAMPING) * expected / (expected - curvature)
                s = share * s + (1 - share) * Hy
        enough = 1e-10 * float(np.linalg.norm(s) * np.linalg.norm(y))
        return [*pairs, (s, y)][-self.memory :] if float(np.vdot(s, y)) > enough else pairs


def conjugate(pair: Pair, before: Pair) -> Pair:
    """A pair without its part along the pair before, where the function is nearly quadratic.

    Parameters
    ----------
    pair, before : pair of ndarray of shape (n_blocks, *grid.shape)
        Step, and change of the gradient along it.

    Returns
    -------
    pair : pair of ndarray of shape (n_blocks, *grid.shape)
    """
    (s, y), (s0, y0) = pair, before
    curvature, curvature0 = float(np.vdot(s, y)), float(np.vdot(s0, y0))
    mixed, transposed = float(np.vdot(s, y0)), float(np.vdot(s0, y))
    if (mixed - transposed) ** 2 > ASYMMETRY * curvature * curvature0:
        return pair
    share = mixed / curvature0
    s1, y1 = s - share * s0, y - share * y0
    return (s1, y1) if float(np.vdot(s1, y1)) > SMALLEST * curvature else pair


def remembered(state: State) -> list[Pair]:
    """Pairs of steps and changes of the gradient that a state holds."""
    steps, changes = (state.arrays.get(name, ()) for name in ("steps", "changes"))
    return list(zip(steps, changes, strict=True))


def _within_bounds(state: State, problem: Problem, pairs: list[Pair]) -> Array:
    """-H g on the variables that are free to move."""
    free = problem.free(state.x, state.gradient)
    for _ in range(ROUNDS):
        direction = _direction(state, problem, pairs, free)
        out = outward(state.x, direction, problem)
        if not out.any():
            break
        free = free & ~out
    return np.where(out, 0.0, direction)


def _within_set(state: State, problem: Problem, pairs: list[Pair]) -> Array:
    """Towards the projection of x - H g, or of a step along the gradient."""
    free = problem.free(state.x, state.gradient)
    target = state.x + _direction(state, problem, pairs, free)
    direction = np.asarray(problem.project(target) - state.x)
    return direction if _descends(state, direction) else _projected_gradient(state, problem)


def _projected_gradient(state: State, problem: Problem) -> Array:
    """Towards the projection of a step along the gradient, which descends in any convex set."""
    direction = problem.project(state.x - problem.precondition(state.gradient)) - state.x
    if _descends(state, direction):
        return np.asarray(direction)
    return np.asarray(
        problem.project(state.x - problem.short(state.gradient) * state.gradient) - state.x
    )


def _descends(state: State, direction: Array) -> bool:
    size = float(np.linalg.norm(state.gradient) * np.linalg.norm(direction))
    return -float(np.vdot(state.gradient, direction)) > ANGLE * size


def _direction(state: State, problem: Problem, pairs: list[Pair], free: NDArray[np.bool_]) -> Array:
    """-H g on the variables that are free to move."""
    gradient = np.where(free, state.gradient, 0.0)
    return np.where(free, -inverse(masked(pairs, free), gradient, problem, free), 0.0)


def masked(pairs: list[Pair], free: NDArray[np.bool_]) -> list[Pair]:
    """Pairs on the variables that are free to move, if their curvature stays positive.

    Parameters
    ----------
    pairs : list of pairs of ndarray
        Steps and changes of the gradient.
    free : ndarray of bool, of shape (n_blocks, *grid.shape)
        Variables that are free to move.

    Returns
    -------
    pairs : list of pairs of ndarray
        Zero elsewhere.
    """
    inside = [(np.where(free, s, 0.0), np.where(free, y, 0.0)) for s, y in pairs]
    return [(s, y) for s, y in inside if float(np.vdot(s, y)) > 0]


def inverse(pairs: list[Pair], q: Array, problem: Problem, free: NDArray[np.bool_]) -> Array:
    """H q, by the two-loop recursion; without pairs, a first step along P q.

    Parameters
    ----------
    pairs : list of pairs of ndarray
        Steps and changes of the gradient, the oldest first.
    q : ndarray of shape (n_blocks, *grid.shape)
        A gradient.
    problem : Problem
        Preconditioner, and largest first change.
    free : ndarray of bool, of shape (n_blocks, *grid.shape)
        Variables that are free to move.

    Returns
    -------
    product : ndarray of shape (n_blocks, *grid.shape)
    """
    weights = []
    for s, y in reversed(pairs):
        weight = float(np.vdot(s, q)) / float(np.vdot(s, y))
        q = q - weight * y
        weights.append(weight)
    r = np.where(free, problem.precondition(q), 0.0)
    if pairs:
        s, y = pairs[-1]
        r = r * (float(np.vdot(s, y)) / float(np.vdot(y, problem.precondition(y))))
    else:
        r = r * problem.short(r)
    for (s, y), weight in zip(pairs, reversed(weights), strict=True):
        r = r + s * (weight - float(np.vdot(y, r)) / float(np.vdot(s, y)))
    return r
