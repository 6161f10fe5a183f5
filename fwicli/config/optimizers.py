"""The section `optimizer` of an inversion: which method minimises the objective, and how."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from fwicli.config.values import MOST, Count, NonNegative, Positive, Section
from fwicli.inversion.optimizers import (
    conjugate_gradient,
    lbfgs,
    newton,
    optimizer,
    spectral_gradient,
    stochastic,
)

Evaluations = Annotated[int, Field(strict=True, ge=2, le=MOST)]
# Of what is remembered: below one, so that it fades.
Memory = Annotated[float, Field(strict=True, ge=0, lt=1)]


class Method(Section):
    """What all methods have.

    first_change: largest change of velocity [m/s] in a step of which nothing is known yet.
    """

    first_change: Positive = 50.0


class Searching(Method):
    """What all methods with a line search have.

    evaluations: at most, in one line search.  first_change: as of all methods; the first step is
    shorter where it would explain more than a tenth of the misfit.
    """

    first_change: Positive = 100.0
    evaluations: Evaluations = 8


class Lbfgs(Searching):
    """Limited-memory BFGS.

    memory: pairs kept.  damped: pairs of too little curvature are damped, not left out.
    """

    method: Literal["lbfgs"] = "lbfgs"
    memory: Count = 10
    damped: Annotated[bool, Field(strict=True)] = False

    def made(self) -> optimizer.Optimizer:
        """The optimizer."""
        return lbfgs.Lbfgs(self.memory, self.evaluations, self.damped)


class ConjugateGradient(Searching):
    """Nonlinear conjugate gradients.

    formula: polak_ribiere, or hybrid of Hestenes-Stiefel and Dai-Yuan.
    """

    method: Literal["conjugate_gradient"] = "conjugate_gradient"
    formula: Literal["polak_ribiere", "hybrid"] = "polak_ribiere"

    def made(self) -> optimizer.Optimizer:
        """The optimizer."""
        return conjugate_gradient.ConjugateGradient(self.formula, self.evaluations)


class SpectralGradient(Searching):
    """Spectral projected gradient.

    window: number of the last values that a new one is compared with.
    """

    method: Literal["spectral_gradient"] = "spectral_gradient"
    window: Count = 10

    def made(self) -> optimizer.Optimizer:
        """The optimizer."""
        return spectral_gradient.SpectralGradient(self.window, self.evaluations)


class Newton(Searching):
    """Truncated Newton with the full second derivative, or with that of Gauss and Newton.

    inner: products with it in one step, at most.  memory: directions of one step, at most, that
    precondition the next.
    """

    method: Literal["gauss_newton", "newton"] = "gauss_newton"
    inner: Count = 10
    memory: Count = 10

    def made(self) -> optimizer.Optimizer:
        """The optimizer."""
        kind: optimizer.Kind = "full" if self.method == "newton" else "gauss_newton"
        return newton.Newton(kind, self.inner, self.evaluations, self.memory)


class Momentum(Method):
    """Stochastic gradient descent.

    momentum: share of the last step that is kept.  decay: the rate is halved after 1 / decay steps.
    """

    method: Literal["momentum"] = "momentum"
    momentum: Memory = 0.9
    decay: NonNegative = 0.0

    def made(self) -> optimizer.Optimizer:
        """The optimizer."""
        return stochastic.Momentum(self.momentum, self.decay)


class Adam(Method):
    """Adaptive moments.

    first_memory, second_memory: share that is kept of the means of the gradient and of its square.
    floor: of the root mean square gradient, relative to its largest.  decay: the rate is halved
    after 1 / decay steps.
    """

    method: Literal["adam"] = "adam"
    first_memory: Memory = 0.9
    second_memory: Memory = 0.999
    floor: Positive = 1e-3
    decay: NonNegative = 0.0

    def made(self) -> optimizer.Optimizer:
        """The optimizer."""
        return stochastic.Adam(self.first_memory, self.second_memory, self.floor, self.decay)


def _named(value: Any) -> Any:
    """L-BFGS where no method is named."""
    return {"method": "lbfgs", **value} if isinstance(value, dict) else value


Optimizer = Annotated[
    Annotated[
        Lbfgs | ConjugateGradient | SpectralGradient | Newton | Momentum | Adam,
        Field(discriminator="method"),
    ],
    BeforeValidator(_named),
]
