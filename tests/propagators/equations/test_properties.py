"""Parameters of equations from physical properties, and the chain rule back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fwicli.errors import ModelError
from fwicli.propagators.equations.properties import gradient, parameters
from fwicli.propagators.equations.registry import EQUATIONS
from tests.earths import random_earth

RNG = np.random.default_rng(2)
EARTH = random_earth((4, 5), 2)


@pytest.mark.parametrize("equation", EQUATIONS)
def test_gradient_is_the_chain_rule(equation: str) -> None:
    """Of sum_i w_i . p_i(c), against central differences in every property at every point."""
    weights = {n: RNG.random((4, 5)) / p for n, p in parameters(equation, EARTH).items()}

    for name in EQUATIONS[equation].properties:
        found = gradient(equation, EARTH, weights, name)
        for point in np.ndindex(4, 5):
            h = np.zeros((4, 5))
            h[point] = 1e-5 * EARTH[name][point]
            up, down = (
                parameters(equation, {**EARTH, name: EARTH[name] + side * h}) for side in (1, -1)
            )
            # Summed after they are taken, so that points which do not change add no round-off.
            changes = sum((w * (up[n] - down[n])).sum() for n, w in weights.items())
            difference = float(changes) / (2 * h[point])
            assert found[point] == pytest.approx(difference, rel=1e-6, abs=1e-9 / EARTH[name].max())


def test_property_that_an_equation_lacks_has_no_gradient() -> None:
    assert not gradient("acoustic", EARTH, {"m": np.ones((4, 5))}, "rho").any()


DOORS = ["numpy", pytest.param("torch", marks=pytest.mark.torch)]
VP, RHO = EARTH["vp"].round(), EARTH["rho"].round()
WRONG: dict[str, tuple[str, Any]] = {
    "none": ("variable_density", {}),
    "no mapping": ("acoustic", VP),
    "nothing": ("acoustic", None),
    "no vp": ("acoustic", {"rho": RHO}),
    "misnamed": ("variable_density", {"vp": VP, "roh": RHO}),
    "misnamed with a default": ("vti", {**EARTH, "density": RHO}),
    "another shape": ("variable_density", {"vp": VP, "rho": RHO[:-1]}),
    "transposed": ("variable_density", {"vp": VP, "rho": RHO.T}),
    "half precision": ("acoustic", {"vp": VP.astype(np.float16)}),
    "half precision of density": ("variable_density", {"vp": VP, "rho": RHO.astype(np.float16)}),
    "complex": ("variable_density", {"vp": VP, "rho": RHO + 1j}),
    "truth values": ("acoustic", {"vp": VP > 0}),
    "a number": ("acoustic", {"vp": 2000.0}),
    "a trace": ("acoustic", {"vp": VP[0]}),
    "None": ("acoustic", {"vp": None}),
    "text": ("acoustic", {"vp": VP.astype(str)}),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_properties_are_refused_by_name(wrong: str, door: str) -> None:
    equation, properties = WRONG[wrong]
    with pytest.raises(ModelError):
        _door(door)(equation, properties)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("kind", [np.int16, np.int64, np.float32, ">f8", "list", "reversed"])
def test_other_kinds_of_numbers_give_the_same(equation: str, door: str, kind: Any) -> None:
    """Integers above all: 1 / vp**2 of them is zero."""
    whole = {**EARTH, "vp": VP, "rho": RHO}
    change = {"list": np.ndarray.tolist, "reversed": lambda a: a[::-1].copy()[::-1]}.get(kind)
    if change is None:
        change = lambda a: a.astype(kind)  # noqa: E731
    if door == "torch" and kind in ("reversed", ">f8"):
        pytest.skip("PyTorch takes neither negative strides nor another byte order, and says so")
    made = _door(door)(equation, whole | {n: change(whole[n]) for n in ("vp", "rho")})
    for name, values in parameters(equation, whole).items():
        np.testing.assert_allclose(np.asarray(made[name]), values, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("name", ["vp", "rho"])
@pytest.mark.parametrize("value", [0.0, -2000.0, np.nan])
def test_velocity_and_density_are_positive(name: str, value: float) -> None:
    earth = {**EARTH, name: np.where(np.arange(5) == 2, value, EARTH[name])}
    with pytest.raises(ModelError, match=name):
        parameters("variable_density", earth)


def _door(name: str) -> Any:
    """Of the two that make parameters, one."""
    return parameters if name == "numpy" else pytest.importorskip("fwicli.autograd").parameters
