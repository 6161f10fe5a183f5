"""Second derivatives of the whole objective: symmetric, and those of its gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from fwicli.inversion.objective import Objective
from tests.inversion.test_objective import FINE, GRID, objective, placed, records_of

Values = Mapping[str, np.ndarray]


class Quartic:
    """Sum of (vp / v0)**4 / 4, and twice its part between neighbours along x."""

    scale = 2000.0

    def __call__(self, values: Values, spacing: tuple[float, ...]) -> tuple[float, Values]:
        u = values["vp"] / self.scale
        steps = np.diff(u, axis=0)
        slopes = u**3
        slopes[1:] += 2 * steps
        slopes[:-1] -= 2 * steps
        return float((u**4).sum() / 4 + (steps**2).sum()), {"vp": slopes / self.scale}

    def curvature(self, values: Values, change: Values, spacing: tuple[float, ...]) -> Values:
        u, du = values["vp"] / self.scale, change["vp"] / self.scale
        steps, product = np.diff(du, axis=0), 3 * u**2 * du
        product[1:] += 2 * steps
        product[:-1] -= 2 * steps
        return {"vp": product / self.scale}


def directions(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    u, v = 0.02 * x * rng.standard_normal((2, *x.shape))
    return u, v


def differences(f: Objective, x: np.ndarray, v: np.ndarray, h: float = 2e-3) -> np.ndarray:
    """Change of the gradient along v, by central differences of fourth order."""
    near, far = (f(x + s * v)[1] - f(x - s * v)[1] for s in (h, 2 * h))
    return np.asarray((8 * near - far) / (12 * h))


CASES = [
    ("acoustic", ("vp",)),
    ("variable_density", ("vp", "rho")),
    ("variable_density", ("vp", "impedance")),
    ("variable_density", ("rho", "impedance")),
]


@pytest.mark.parametrize(
    ("equation", "names", "penalised"),
    [(*CASES[0], False), (*CASES[1], False), (*CASES[2], True)],
)
def test_full_product_is_the_change_of_the_gradient(
    equation: str, names: tuple[str, ...], penalised: bool
) -> None:
    """To 1e-6, along a direction in all blocks."""
    f, x = objective("slowness", equation, names=names)
    if penalised:
        f.penalties = (Quartic(),)
    _, v = directions(x)
    product, expected = f.product(x, v, f.slopes(x)), differences(f, x, v)
    assert np.linalg.norm(product - expected) < 1e-6 * np.linalg.norm(expected)


@pytest.mark.parametrize("coarse", [False, True])
def test_full_product_on_another_grid_and_in_windows(coarse: bool) -> None:
    grid = FINE if coarse else GRID
    f, x = objective("slowness", "variable_density", names=("vp", "impedance"), grid=grid)
    f = placed(f, coarse, windowed=True)
    _, v = directions(x)
    product, expected = f.product(x, v, f.slopes(x)), differences(f, x, v)
    assert np.linalg.norm(product - expected) < 1e-6 * np.linalg.norm(expected)


@pytest.mark.parametrize(("equation", "names"), CASES[:2])
def test_products_are_symmetric(equation: str, names: tuple[str, ...]) -> None:
    """<u, H v> = <H u, v>, full or not; that of Gauss and Newton is positive, too."""
    f, x = objective("slowness", equation, names=names)
    u, v = directions(x)
    for slopes in (f.slopes(x), None):
        Hu, Hv = f.product(x, u, slopes), f.product(x, v, slopes)
        scale = np.linalg.norm(u) * np.linalg.norm(Hv)
        assert abs(np.vdot(u, Hv) - np.vdot(Hu, v)) < 1e-10 * scale
    assert np.vdot(v, Hv) > 0


def test_gauss_newton_is_all_where_the_data_are_explained() -> None:
    """At the true model both products agree, and away from it they do not."""
    f, x = objective("slowness")
    _, v = directions(x)
    full, part = f.product(x, v, f.slopes(x)), f.product(x, v)
    assert np.linalg.norm(full - part) > 0.05 * np.linalg.norm(full)
    shots = []
    for shot, modelled in zip(f.experiments, modelled_at(f, x), strict=True):
        shots.append(replace(shot, comparison=replace(shot.comparison, observed=modelled)))
    g = replace(f, experiments=tuple(shots))
    full, part = g.product(x, v, g.slopes(x)), g.product(x, v)
    assert np.linalg.norm(full - part) < 1e-12 * np.linalg.norm(full)


def modelled_at(f: Objective, x: np.ndarray) -> list[np.ndarray]:
    """Gathers of the model at x."""
    from fwicli import Propagator
    from fwicli.propagators.equations.properties import parameters

    equation = f.discretization.equation
    earth = parameters(equation, f.variables.earth(f.variables.unpack(x), f.others))
    propagator = Propagator(f.discretization)
    return [propagator.forward(earth, e.wavelet, e.source, e.receivers) for e in f.experiments]


def test_weight_and_number_of_propagations() -> None:
    """A batch counts by its weight; a product takes three propagations of each shot, or four."""
    f, x = objective("vp")
    _, v = directions(x)
    product, before = f.product(x, v), f.simulations
    f.weight = 2.5
    np.testing.assert_allclose(f.product(x, v), 2.5 * product, rtol=1e-12)
    shots = len(records_of(f).data)
    assert f.simulations - before == 3 * shots
    slopes, before = f.slopes(x), f.simulations
    f.product(x, v, slopes)
    assert f.simulations - before == 4 * shots


def test_properties_in_single_precision_do_not_matter() -> None:
    """Properties that stay fixed may come from a file in single precision."""
    f, x = objective("vp", "variable_density")
    _, v = directions(x)
    rounded = {n: o.astype(np.float32) for n, o in f.others.items()}
    double = replace(f, others={n: o.astype(float) for n, o in rounded.items()})
    single = replace(f, others=rounded)
    expected = double.product(x, v)
    error = np.linalg.norm(single.product(x, v) - expected)
    assert error < 1e-6 * np.linalg.norm(expected)
