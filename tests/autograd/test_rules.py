"""Derivatives of waves with respect to every argument are exact, in both modes and to any order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from fwicli import autograd
from fwicli.propagators.equations.registry import EQUATIONS

Make = Callable[..., Any]
NAMES = ("forward", "adjoint", "jacobian", "jacobian_adjoint")
# Positions are in units of 10 m and parameters relative to the model, so that one step suits all.
METRES = 10.0


class Problem:
    """A function of its relative changes of the model, data and positions, of the order of one."""

    def __init__(self, survey: Any, name: str) -> None:
        self.survey, self.name = survey, name
        self.names = list(survey.model)
        clean = autograd.forward(survey.waves(), survey.model, survey.wavelet)
        self.size = float(clean.abs().max())

    def model(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {n: self.survey.model[n] * (1 + x[i]) for i, n in enumerate(self.names)}

    def change(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {n: self.survey.model[n] * x[i] for i, n in enumerate(self.names)}

    def arguments(self) -> tuple[torch.Tensor, ...]:
        s = self.survey
        x = torch.stack([0 * s.change[n] for n in self.names])
        dx = torch.stack([s.change[n] for n in self.names])
        data = {
            "forward": (s.wavelet,),
            "adjoint": (s.gather,),
            "jacobian": (s.wavelet, dx),
            "jacobian_adjoint": (s.wavelet, s.gather),
        }[self.name]
        positions = s.sources / METRES, s.receivers / METRES
        return tuple(t.clone().requires_grad_() for t in (x, *data, *positions))

    def __call__(self, x: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        *data, sources, receivers = others
        waves = self.survey.waves(sources * METRES, receivers * METRES)
        if self.name == "jacobian":
            data[1] = self.change(data[1])
        found = getattr(autograd, self.name)(waves, self.model(x), *data)
        if self.name == "jacobian_adjoint":
            found = torch.stack([found[n] * self.survey.model[n] for n in self.names])
        return found / self.size


def check(problem: Problem, order: int, fast: bool) -> None:
    """Against finite differences; the second order with forward over reverse."""
    tolerance = {"eps": 1e-5, "atol": 1e-6, "rtol": 1e-5, "fast_mode": fast}
    if order == 1:
        assert gradcheck(problem, problem.arguments(), check_forward_ad=True, **tolerance)
    else:
        assert gradgradcheck(problem, problem.arguments(), check_fwd_over_rev=True, **tolerance)


def cells(equation: str, name: str, order: int) -> int:
    """Of the absorbing layer.

    Devito takes half an hour and more for a tilted medium with a layer, lifted twice.
    """
    twice = order == 2 or name in ("jacobian", "jacobian_adjoint")
    return 0 if equation == "tti" and twice else 4


quick = ("acoustic",)
others = [pytest.param(e, marks=() if e in quick else pytest.mark.slow) for e in EQUATIONS]


@pytest.mark.parametrize("equation", others)
@pytest.mark.parametrize("name", NAMES)
def test_first_derivatives(make_survey: Make, equation: str, name: str) -> None:
    survey = make_survey(equation, cells=cells(equation, name, 1))
    check(Problem(survey, name), 1, fast=True)


@pytest.mark.parametrize("equation", others)
@pytest.mark.parametrize("name", ["forward", pytest.param("adjoint", marks=pytest.mark.slow)])
def test_second_derivatives(make_survey: Make, equation: str, name: str) -> None:
    survey = make_survey(equation, cells=cells(equation, name, 2))
    check(Problem(survey, name), 2, fast=True)


@pytest.mark.slow
@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("name", ["jacobian", "jacobian_adjoint"])
def test_third_derivatives_of_g(make_survey: Make, equation: str, name: str) -> None:
    """What the second derivatives of a derivative are."""
    survey = make_survey(equation, cells=cells(equation, name, 2))
    check(Problem(survey, name), 2, fast=True)


@pytest.mark.slow
@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("order", [1, 2])
def test_three_dimensions(make_survey: Make, order: int, name: str, equation: str) -> None:
    survey = make_survey(equation, ndim=3, cells=cells(equation, name, order))
    check(Problem(survey, name), order, fast=True)


@pytest.mark.slow
@pytest.mark.parametrize("equation", ["acoustic", "variable_density"])
def test_below_a_free_surface(make_survey: Make, equation: str) -> None:
    problem = Problem(make_survey(equation, free=("z-",)), "forward")
    check(problem, 1, fast=True)
    check(problem, 2, fast=True)


@pytest.mark.parametrize("inner", ["m", "q", "x"])
@pytest.mark.parametrize("outer", ["m", "q", "x"])
def test_forward_mode_of_forward_mode(make_survey: Make, inner: str, outer: str) -> None:
    """Changes of changes, by model, wavelet and positions, against central differences."""
    survey = make_survey()
    at = {"m": survey.model["m"], "q": survey.wavelet[0], "x": survey.receivers}
    along = {
        "m": at["m"] * survey.change["m"],
        "q": survey.wavelet[1],
        "x": torch.tensor([[1.0, 0.0], [0.5, -2.0]], dtype=torch.float64),
    }

    def change(value: torch.Tensor) -> torch.Tensor:
        given = {**at, outer: value}

        def record(v: torch.Tensor) -> torch.Tensor:
            m, q, x = ({**given, inner: v}[n] for n in "mqx")
            return autograd.forward(survey.waves(survey.sources[0], x), m, q)

        return torch.func.jvp(record, (given[inner],), (along[inner],))[1]

    _, found = torch.func.jvp(change, (at[outer],), (along[outer],))
    step = 1e-4
    ahead, behind = (change(at[outer] + s * step * along[outer]) for s in (1, -1))
    expected = (ahead - behind) / (2 * step)
    assert (found - expected).norm() <= 1e-5 * (expected.norm() + 1e-3 * change(at[outer]).norm())
    assert inner == outer == "q" or found.norm() > 0


def test_gradient_of_the_misfit_has_the_bits_of_the_propagator(make_survey: Make) -> None:
    """Half the squared residual by PyTorch, and J^T of the residual."""
    from fwicli.propagators.propagator import Propagator

    survey = make_survey()
    model = {n: t.clone().requires_grad_() for n, t in survey.model.items()}
    made = autograd.forward(survey.waves(), model, survey.wavelet)
    (0.5 * (made - survey.gather).square().sum()).backward()
    by_hand = 0
    for n in range(2):
        waves = Propagator(survey.discretization)
        place = survey.sources[n].numpy(), survey.receivers.numpy()
        arrays = {n: t.numpy() for n, t in survey.model.items()}
        wavelet = survey.wavelet[n].numpy()
        residual = waves.forward(arrays, wavelet, *place) - survey.gather[n].numpy()
        by_hand = by_hand + waves.jacobian_adjoint(arrays, residual, wavelet, *place)["m"]
    assert torch.equal(model["m"].grad, torch.from_numpy(by_hand))


def test_double_backward_is_the_hessian_and_jvp_is_born(make_survey: Make) -> None:
    from fwicli.propagators.propagator import Propagator

    survey = make_survey()
    waves = survey.waves(sources=survey.sources[0])
    m = survey.model["m"].clone().requires_grad_()
    change = m.detach() * survey.change["m"]
    made = autograd.forward(waves, m, survey.wavelet[0])
    residual = made - survey.gather[0]
    (slope,) = torch.autograd.grad(0.5 * residual.square().sum(), m, create_graph=True)
    (product,) = torch.autograd.grad(slope, m, change)
    by_hand = Propagator(survey.discretization)
    place = survey.wavelet[0].numpy(), survey.sources[0].numpy(), survey.receivers.numpy()
    model, dm = {"m": m.detach().numpy()}, {"m": change.numpy()}
    hessian = by_hand.hessian(model, dm, residual.detach().numpy(), *place)["m"]
    assert abs(product.numpy() - hessian).max() < 1e-12 * abs(hessian).max()
    _, moved = torch.func.jvp(
        lambda m: autograd.forward(waves, m, survey.wavelet[0]), (m.detach(),), (change,)
    )
    born = by_hand.jacobian(model, dm, *place)
    assert abs(moved.numpy() - born).max() < 1e-14 * abs(born).max()
