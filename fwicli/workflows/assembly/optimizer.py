"""From the section `optimizer` of a config to the optimizer."""

from __future__ import annotations

from functools import singledispatch

from fwicli.config.optimizers import (
    AdamSection,
    ConjugateGradientSection,
    LbfgsSection,
    MethodSection,
    MomentumSection,
    NewtonSection,
    SpectralGradientSection,
)
from fwicli.inversion.optimizers.conjugate_gradient import ConjugateGradient
from fwicli.inversion.optimizers.lbfgs import Lbfgs
from fwicli.inversion.optimizers.newton import Newton
from fwicli.inversion.optimizers.optimizer import Kind, Optimizer
from fwicli.inversion.optimizers.spectral_gradient import SpectralGradient
from fwicli.inversion.optimizers.stochastic import Adam, Momentum


@singledispatch
def build(section: MethodSection) -> Optimizer:
    """The optimizer of a section.

    Raises
    ------
    TypeError
        If no function is registered for the class of the section.
    """
    raise TypeError(f"no optimizer is built from {type(section).__name__}")


@build.register
def _lbfgs(section: LbfgsSection) -> Optimizer:
    return Lbfgs(section.memory, section.evaluations, section.damped)


@build.register
def _conjugate_gradient(section: ConjugateGradientSection) -> Optimizer:
    return ConjugateGradient(section.formula, section.evaluations)


@build.register
def _spectral_gradient(section: SpectralGradientSection) -> Optimizer:
    return SpectralGradient(section.window, section.evaluations)


@build.register
def _newton(section: NewtonSection) -> Optimizer:
    kind: Kind = "full" if section.method == "newton" else "gauss_newton"
    return Newton(kind, section.inner, section.evaluations, section.memory)


@build.register
def _momentum(section: MomentumSection) -> Optimizer:
    return Momentum(section.momentum, section.decay)


@build.register
def _adam(section: AdamSection) -> Optimizer:
    return Adam(section.first_memory, section.second_memory, section.floor, section.decay)
