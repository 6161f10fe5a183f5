"""The section `optimizer` of an inversion: which method minimises the objective, and how."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from fwicli.config.values import MOST, Count, NonNegative, Positive, Section

Evaluations = Annotated[int, Field(strict=True, ge=2, le=MOST)]
# Of what is remembered: below one, so that it fades.
Memory = Annotated[float, Field(strict=True, ge=0, lt=1)]


class MethodSection(Section):
    """Settings of all methods.

    keeps_constraints : whether the method stays in any convex set, not only within bounds.
    second_order : whether the method needs products with the second derivative.
    """

    keeps_constraints: ClassVar[bool] = True
    second_order: ClassVar[bool] = False

    first_change: Positive = 50.0
    """The first step changes velocity by at most this [m/s]."""


class LineSearchSection(MethodSection):
    """Settings of all methods with a line search.

    Their first step is shorter where it would explain more than a tenth of the misfit.
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


class ConjugateGradientSection(LineSearchSection):
    """Nonlinear conjugate gradients."""

    keeps_constraints: ClassVar[bool] = False
    method: Literal["conjugate_gradient"] = "conjugate_gradient"
    """This name selects nonlinear conjugate gradients."""
    formula: Literal["polak_ribiere", "hybrid"] = "polak_ribiere"
    """Directions follow Polak-Ribiere, or a hybrid of Hestenes-Stiefel and Dai-Yuan."""


class SpectralGradientSection(LineSearchSection):
    """Spectral projected gradient."""

    method: Literal["spectral_gradient"] = "spectral_gradient"
    """This name selects the spectral projected gradient."""
    window: Count = 10
    """A new value is compared with this number of the last ones."""


class NewtonSection(LineSearchSection):
    """Truncated Newton with the full second derivative, or with that of Gauss and Newton."""

    keeps_constraints: ClassVar[bool] = False
    second_order: ClassVar[bool] = True
    method: Literal["gauss_newton", "newton"] = "gauss_newton"
    """This name selects truncated Newton with the full Hessian, or with the Gauss-Newton one."""
    inner: Count = 10
    """One step makes at most this number of products with the Hessian."""
    memory: Count = 10
    """At most this number of directions of one step precondition the next."""


class MomentumSection(MethodSection):
    """Stochastic gradient descent."""

    method: Literal["momentum"] = "momentum"
    """This name selects stochastic gradient descent with momentum."""
    momentum: Memory = 0.9
    """Each step keeps this share of the last one."""
    decay: NonNegative = 0.0
    """The rate is halved after 1 / decay steps."""


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
