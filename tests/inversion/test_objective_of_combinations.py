"""Gradients and Hessians by combinations of velocities and density, through elastic waves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fwicli.inversion.objective import Objective
from fwicli.inversion.unknowns.chain_rule import ParameterMap, directional_derivative
from fwicli.inversion.unknowns.parameterization import linear, logarithm
from fwicli.inversion.unknowns.variables import Variable, Variables
from fwicli.propagators.equations import properties
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.survey.laws import Gardner, Mudrock
from fwicli.survey.properties import POSITIVE
from tests.earths import random_earth
from tests.inversion.test_components import compared, mixed
from tests.inversion.test_hessian import differences, directions
from tests.inversion.test_objective import GRID, objective, slope
from tests.inversion.unknowns.test_combinations import SETS, UNITS

WATER = 6
# Those that issue their own formulas; the others are combinations of these.
EVERY_DAY = (
    ("vp", "rho", "vp_vs_ratio"),
    ("rho", "impedance", "shear_impedance"),
    ("rho", "lame_lambda", "lame_mu"),
)
OTHERS = tuple(names for names in SETS if names not in (*EVERY_DAY, ("vp", "vs", "rho")))


def of(f: Objective, names: tuple[str, ...], log: bool = False) -> tuple[Objective, np.ndarray]:
    """The objective with other variables, of a model with water on top, and its x."""
    scales = {
        n: logarithm(UNITS[n][1]) if log and n in POSITIVE else linear(UNITS[n][1]) for n in names
    }
    variables = Variables(tuple(Variable(n, UNITS[n][0], 1e12, 1.0, scales[n]) for n in names))
    earth = {n: np.array(values) for n, values in f.others.items()}
    earth["vs"][:, :WATER] = 0.0
    return replace(f, variables=variables, others=earth), variables.pack(earth)


def assert_exact(f: Objective, x: np.ndarray) -> None:
    """The gradient is that of central differences, and Taylor rests are of order 2."""
    value, gradient = f(x)
    assert value > 1e-4
    rng = np.random.default_rng(9)
    whole = 0.02 * x * rng.standard_normal(x.shape)
    assert np.vdot(gradient, whole) == pytest.approx(slope(f, x, whole, 1e-3), rel=1e-6)
    steps = np.array([0.005, 0.0025, 0.00125])
    rests = [f(x + h * whole)[0] - value - h * np.vdot(gradient, whole) for h in steps]
    order = np.polyfit(np.log(steps), np.log(np.abs(rests)), 1)[0]
    assert order == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize(
    ("names", "log"),
    [
        *[(names, False) for names in EVERY_DAY],
        *[pytest.param(names, True, marks=pytest.mark.slow) for names in EVERY_DAY],
        *[pytest.param(names, False, marks=pytest.mark.slow) for names in OTHERS],
    ],
    ids=str,
)
def test_gradient_in_every_set(names: tuple[str, ...], log: bool) -> None:
    """Below water, where combinations that fluids have not have no derivative."""
    records, f, _ = mixed("elastic", ("vp", "vs", "rho"))
    f, x = of(compared(records, f), names, log)
    assert_exact(f, x)


def test_gradient_of_followers() -> None:
    """vs and density follow vp by laws, below water, where they do not."""
    records, f, _ = mixed("elastic", ("vp", "vs", "rho"))
    f, _ = of(compared(records, f), ("vp",))
    laws = {"vs": Mudrock(), "rho": Gardner()}
    f = replace(f, variables=replace(f.variables, laws=laws))
    assert_exact(f, f.variables.pack(f.others))


@pytest.mark.slow  # kernels of gradients of two more equations
@pytest.mark.parametrize("equation", ["viscoelastic", "elastic_vti"])
@pytest.mark.parametrize("names", EVERY_DAY, ids=str)
def test_gradient_of_other_solids(equation: str, names: tuple[str, ...]) -> None:
    """With losses, and along the axis of symmetry."""
    f, _ = objective("vp", equation, names=("vp", "vs", "rho"))
    f, x = of(f, names)
    if equation == "elastic_vti":  # its fluids are isotropic
        for name in ("epsilon", "delta"):
            f.others[name][:, :WATER] = 0.0
    assert_exact(f, x)


@pytest.mark.slow  # the kernel of second derivatives of solids
@pytest.mark.parametrize("names", EVERY_DAY, ids=str)
def test_hessian_of_every_set(names: tuple[str, ...]) -> None:
    """That of the gradient's changes, and symmetric; so is that of Gauss and Newton."""
    f, _ = objective("vp", "elastic", names=("vp", "vs", "rho"))
    f, x = of(f, names)
    u, v = directions(x)
    slopes = f.slopes(x)
    product, expected = f.product(x, v, slopes), differences(f, x, v)
    assert np.linalg.norm(product - expected) < 1e-6 * np.linalg.norm(expected)
    for kind in (slopes, None):
        Hu, Hv = f.product(x, u, kind), f.product(x, v, kind)
        scale = np.linalg.norm(u) * np.linalg.norm(Hv)
        assert abs(np.vdot(u, Hv) - np.vdot(Hu, v)) < 1e-11 * scale


def mud_and_rock(equation: str) -> dict[str, np.ndarray]:
    """Solids whose moduli of shear differ by three orders of magnitude, below a fluid."""
    earth = random_earth(GRID.shape, 7)
    random = np.random.default_rng(2).random(GRID.shape)
    earth["vs"] = 100 * 25**random
    earth["vp"] = 1500 + 2 * earth["vs"]
    earth["vs"][:, :WATER] = 0.0
    needed = EQUATIONS[equation].properties_in(2)
    return {name: values for name, values in earth.items() if name in needed}


@pytest.mark.parametrize("equation", ["elastic", "viscoelastic", "elastic_vti"])
@pytest.mark.parametrize("names", SETS, ids=str)
def test_differences_of_the_map(equation: str, names: tuple[str, ...]) -> None:
    """Changes of parameters are those of the calculus, and second derivatives are symmetric."""
    earth = mud_and_rock(equation)
    scales = {name: linear(UNITS[name][1]) for name in names}
    variables = Variables(tuple(Variable(n, 1.0, 1e12, 1e-3, scales[n]) for n in names))
    parameter_map = ParameterMap(equation, variables, earth)
    x = variables.pack(earth)
    rng = np.random.default_rng(3)
    # One direction is relative to the values at each point, the other as large in mud as in rock.
    u, v = rng.standard_normal((2, *x.shape))
    u, v = x * u, np.abs(x).mean(axis=(1, 2), keepdims=True) * v
    v[:, :, :WATER] = 0.0  # bounds are equal in fluids
    size = parameter_map.size(x)
    changes = directional_derivative(parameter_map.unchecked_parameters, x, v, size)
    changed = variables.earth(variables.unpack(x + 1e-30j * v), earth)
    by_calculus = properties.perturbation(
        equation, earth, {n: np.imag(changed[n]) / 1e-30 for n in variables.properties}
    )
    for name, expected in by_calculus.items():
        error = np.linalg.norm(changes[name] - expected)
        assert error < 1e-10 * np.linalg.norm(expected), name
    at_x = parameter_map.unchecked_parameters(x)
    slopes = {n: rng.standard_normal(GRID.shape) / np.abs(p).max() for n, p in at_x.items()}
    # <gradient, v> = <slopes, change>, and the Hessian of <slopes, p(x)>.
    change = sum(np.vdot(slopes[n], by_calculus.get(n, 0 * slopes[n])) for n in slopes)
    gradient = parameter_map.by_x(x, slopes)
    scale = np.linalg.norm(gradient) * np.linalg.norm(v)
    assert abs(np.vdot(gradient, v) - change) < 1e-12 * scale

    def product(direction: np.ndarray) -> np.ndarray:
        of_x = directional_derivative(
            lambda y: {"gradient": parameter_map.by_x(y, slopes)}, x, direction, size
        )
        return of_x["gradient"]

    Hu, Hv = product(u), product(v)  # zero where parameters are linear in x
    scale = np.linalg.norm(u) * (np.linalg.norm(Hv) + np.linalg.norm(gradient))
    assert abs(np.vdot(u, Hv) - np.vdot(Hu, v)) < 1e-11 * scale
