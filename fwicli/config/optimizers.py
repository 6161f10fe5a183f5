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


class MethodSection(Section):
    """What all methods have.

    first_change: largest change of velocity [m/s] in a step of which nothing is known yet.
    """

    first_change: Positive = 50.0
    """The first step changes velocity by at most this [m/s]."""


class LineSearchSection(MethodSection):
    """What all methods with a line search have.

    evaluations: at most, in one line search.  first_change: as of all methods; the first step is
    shorter where it would explain more than a tenth of the misfit.
    """

    first_change: Positive = 100.0
    """The first step changes velocity by at most this, less where that explains over a tenth of the
    misfit [m/s]."""
    evaluations: Evaluations = 8
    """One line search makes at most this number of evaluations."""


class LbfgsSection(LineSearchSection):
    """Limited-memory BFGS."""

    method: Literal["lbfgs"] = "lbfgs"
    """This name selects limited-memory BFGS."""
    memory: Count = 10
    """The method keeps this number of pairs of steps and gradient changes."""
    damped: Annotated[bool, Field(strict=True)] = False
    """Pairs of too little curvature are damped instead of left out."""

    def made(self) -> optimizer.Optimizer:
        """The optimizer."""
        return lbfgs.Lbfgs(self.memory, self.evaluations, self.damped)


class ConjugateGradientSection(LineSearchSection):
    """Nonlinear conjugate gradients."""

    method: Literal["conjugate_gradient"] = "conjugate_gradient"
    """This name selects nonlinear conjugate gradients."""
    formula: Literal["polak_ribiere", "hybrid"] = "polak_ribiere"
    """Directions follow Polak-Ribiere, or a hybrid of Hestenes-Stiefel and Dai-Yuan."""

    def made(self) -> optimizer.Optimizer:
        """The optimizer."""
        return conjugate_gradient.ConjugateGradient(self.formula, self.evaluations)


class SpectralGradientSection(LineSearchSection):
    """Spectral projected gradient."""

    method: Literal["spectral_gradient"] = "spectral_gradient"
    """This name selects the spectral projected gradient."""
    window: Count = 10
    """A new value is compared with this number of the last ones."""

    def made(self) -> optimizer.Optimizer:
        """The optimizer."""
        return spectral_gradient.SpectralGradient(self.window, self.evaluations)


class NewtonSection(LineSearchSection):
    """Truncated Newton with the full second derivative, or with that of Gauss and Newton."""

    method: Literal["gauss_newton", "newton"] = "gauss_newton"
    """This name selects truncated Newton with the full Hessian, or with the Gauss-Newton one."""
    inner: Count = 10
    """One step makes at most this number of products with the Hessian."""
    memory: Count = 10
    """At most this number of directions of one step precondition the next."""

    def made(self) -> optimizer.Optimizer:
        """The optimizer."""
        kind: optimizer.Kind = "full" if self.method == "newton" else "gauss_newton"
        return newton.Newton(kind, self.inner, self.evaluations, self.memory)


class MomentumSection(MethodSection):
    """Stochastic gradient descent."""

    method: Literal["momentum"] = "momentum"
    """This name selects stochastic gradient descent with momentum."""
    momentum: Memory = 0.9
    """Each step keeps this share of the last one."""
    decay: NonNegative = 0.0
    """The rate is halved after 1 / decay steps."""

    def made(self) -> optimizer.Optimizer:
        """The optimizer."""
        return stochastic.Momentum(self.momentum, self.decay)


class AdamSection(MethodSection):
    """Adaptive moments."""

    method: Literal["adam"] = "adam"
    """This name selects adaptive moments."""
    first_memory: Memory = 0.9
    """The mean of the gradient keeps this share at every step."""
    second_memory: Memory = 0.999
    """The mean of the squared gradient keeps this share at every step."""
    floor: Positive = 1e-3
    """The root mean square gradient has this floor, relative to its largest value."""
    decay: NonNegative = 0.0
    """The rate is halved after 1 / decay steps."""

    def made(self) -> optimizer.Optimizer:
        """The optimizer."""
        return stochastic.Adam(self.first_memory, self.second_memory, self.floor, self.decay)


def _named(value: Any) -> Any:
    """L-BFGS where no method is named."""
    return {"method": "lbfgs", **value} if isinstance(value, dict) else value


OptimizerSection = Annotated[
    Annotated[
        LbfgsSection
        | ConjugateGradientSection
        | SpectralGradientSection
        | NewtonSection
        | MomentumSection
        | AdamSection,
        Field(discriminator="method"),
    ],
    BeforeValidator(_named),
]
