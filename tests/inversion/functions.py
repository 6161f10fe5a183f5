"""Functions on which optimizers are tried, with gradients and products of second derivatives.

Rosenbrock's, and those of Beale, Wood and Powell, after More, Garbow and Hillstrom (1981), ACM
Trans. Math. Softw. 7, 17-41; quadratics of known condition; from several starts, in several boxes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult, minimize, rosen, rosen_der, rosen_hess_prod

from fwicli.inversion.optimizers.optimizer import Optimizer, Problem, State

Function = Callable[[np.ndarray], tuple[float, np.ndarray]]
Product = Callable[[np.ndarray, np.ndarray], np.ndarray]

TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Case:
    """A function, where to start, and a box."""

    name: str
    function: Function
    start: np.ndarray
    low: float
    high: float
    product: Product

    def problem(self, **others: Any) -> Problem:
        return Problem(
            **{
                "evaluate": self.function,
                "lower": self.low,
                "upper": self.high,
                "first_change": 0.1,
                "curvature": lambda x, v, _: self.product(x, v),
                **others,
            }
        )

    @cache  # noqa: B019  cases live as long as the tests
    def scipy(self, method: str = "L-BFGS-B", **options: Any) -> OptimizeResult:
        """Minimum of SciPy, to the same tolerance of the gradient."""
        keywords: dict[str, Any] = {"x0": self.start, "jac": True, "method": method}
        if method == "L-BFGS-B":
            keywords["bounds"] = [(self.low, self.high)] * self.start.size
            options = {"gtol": TOLERANCE, "ftol": 0, "maxiter": 9999, "maxfun": 9999, **options}
        if method == "Newton-CG":
            keywords["hessp"] = self.product
        return minimize(self.function, options=options, **keywords)


def run(method: Optimizer, case: Case, steps: int = 2000, **others: Any) -> State:
    """Steps to the tolerance of the projected gradient, or until none is found."""
    problem = case.problem(**others)
    state = method.start(case.start, problem)
    for _ in range(steps):
        if slack(state, problem) < TOLERANCE:
            break
        following = method.step(state, problem)
        if following is None:
            break
        state = following
    return state


# What several tests want of a method and a case, without other arguments.
solved = cache(run)


def slack(state: State, problem: Problem) -> float:
    """Largest element of the projected gradient: zero at a minimum."""
    return float(np.abs(problem.project(state.x - state.gradient) - state.x).max())


def rosenbrock(x: np.ndarray) -> tuple[float, np.ndarray]:
    return float(rosen(x)), np.asarray(rosen_der(x))


def squares(residuals: np.ndarray, slopes: np.ndarray) -> tuple[float, np.ndarray]:
    """Value and gradient of a sum of squares."""
    return float(residuals @ residuals), 2 * slopes.T @ residuals


def beale(x: np.ndarray) -> tuple[float, np.ndarray]:
    a, b = x
    powers = b ** np.arange(1, 4)
    slopes = np.stack([powers - 1, a * np.arange(1, 4) * b ** np.arange(3)], axis=1)
    return squares(np.array([1.5, 2.25, 2.625]) - a * (1 - powers), slopes)


def wood(x: np.ndarray) -> tuple[float, np.ndarray]:
    a, b, c, d = x
    r = np.array([10 * (b - a**2), 1 - a, 90**0.5 * (d - c**2), 1 - c])
    r = np.append(r, [10**0.5 * (b + d - 2), 10**-0.5 * (b - d)])
    slopes = np.zeros((6, 4))
    slopes[0, :2], slopes[2, 2:] = (-20 * a, 10), 90**0.5 * np.array([-2 * c, 1])
    slopes[1, 0], slopes[3, 2] = -1, -1
    slopes[4, [1, 3]], slopes[5, [1, 3]] = 10**0.5, 10**-0.5 * np.array([1, -1])
    return squares(r, slopes)


def powell(x: np.ndarray) -> tuple[float, np.ndarray]:
    a, b, c, d = x
    r = np.array([a + 10 * b, 5**0.5 * (c - d), (b - 2 * c) ** 2, 10**0.5 * (a - d) ** 2])
    slopes = np.zeros((4, 4))
    slopes[0, :2], slopes[1, 2:] = (1, 10), 5**0.5 * np.array([1, -1])
    slopes[2, 1:3] = 2 * (b - 2 * c) * np.array([1, -2])
    slopes[3, [0, 3]] = 2 * 10**0.5 * (a - d) * np.array([1, -1])
    return squares(r, slopes)


def matrix(decades: float, n: int = 50) -> np.ndarray:
    """Symmetric and positive, with eigenvalues from 1 to 10**decades."""
    vectors = np.linalg.qr(np.random.default_rng(1).standard_normal((n, n)))[0]
    return np.asarray(vectors @ np.diag(np.logspace(0, decades, n)) @ vectors.T)


def quadratic(A: np.ndarray) -> Function:
    """0.5 (x - 1).A (x - 1)."""

    def function(x: np.ndarray) -> tuple[float, np.ndarray]:
        slope = A @ (x - 1)
        return 0.5 * float((x - 1) @ slope), slope

    return function


def differences(function: Function) -> Product:
    """Product with the second derivative by central differences of the gradient."""

    def product(x: np.ndarray, v: np.ndarray) -> np.ndarray:
        h = 1e-6 / (np.abs(v).max() or 1.0)
        return np.asarray((function(x + h * v)[1] - function(x - h * v)[1]) / (2 * h))

    return product


def _cases() -> list[Case]:
    cases = []
    boxes = [(-5.0, 5.0), (-5.0, 0.8), (-0.5, 5.0)]
    for n in (2, 10, 50):
        start = np.where(np.arange(n) % 2 == 0, 0.7, -0.4)
        cases += [(f"rosenbrock {n}", rosenbrock, start, *box, rosen_hess_prod) for box in boxes]
    product = differences(beale)
    for at in ((1.0, 1.0), (0.0, 0.0), (2.0, -1.0), (4.0, 1.0)):
        cases.append(("beale", beale, np.array(at), -4.5, 4.5, product))
    cases.append(("beale", beale, np.ones(2), -4.5, 2.5, product))
    product = differences(wood)
    for at in ((-3.0, -1.0, -3.0, -1.0), (0.0, 0.0, 0.0, 0.0), (2.0, -2.0, 2.0, -2.0)):
        cases.append(("wood", wood, np.array(at), -10.0, 10.0, product))
    cases.append(("wood", wood, np.zeros(4), -10.0, 0.9, product))
    at = np.array([3.0, -1.0, 0.0, 1.0])
    cases.append(("powell", powell, at, -10.0, 10.0, differences(powell)))
    rng = np.random.default_rng(0)
    for decades in (1, 3):
        A = matrix(decades)
        name, function = f"quadratic 1e{decades}", quadratic(A)

        def times(_: np.ndarray, v: np.ndarray, A: np.ndarray = A) -> np.ndarray:
            return np.asarray(A @ v)

        for start, *box in (
            (np.zeros(50), -10.0, 10.0),
            (rng.standard_normal(50), -10.0, 10.0),
            (np.zeros(50), -0.3, 0.7),
        ):
            cases.append((name, function, start, *box, times))
    return [Case(*parts) for parts in cases]


CASES = _cases()
# Where the box plays no part, so that methods without bounds can be compared.
UNBOUNDED = [case for case in CASES if case.low <= -4.5 and case.high >= 4.5]
