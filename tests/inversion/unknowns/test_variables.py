"""Blocks of variables, the earth that they stand for, and the chain rule between them."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.unknowns.parameterization import PARAMETERIZATIONS, linear, logarithm
from fwicli.inversion.unknowns.variables import Variable, Variables

RNG = np.random.default_rng(3)
SHAPE = (4, 5)
EARTH = {
    "vp": 1500 + 2000 * RNG.random(SHAPE),
    "rho": 1000 + 1500 * RNG.random(SHAPE),
    "epsilon": 0.3 * RNG.random(SHAPE) - 0.1,
}
SCALES = {
    "vp": PARAMETERIZATIONS["slowness"],
    "rho": linear(700.0),
    "impedance": linear(3e6),
    "epsilon": linear(0.1),
}
CASES = [
    ("vp",),
    ("rho",),
    ("impedance",),
    ("vp", "rho"),
    ("vp", "impedance"),
    ("vp", "epsilon", "impedance"),
]


def variables(names: tuple[str, ...]) -> Variables:
    return Variables(tuple(Variable(n, -1.0, 1e9, 10.0, SCALES[n]) for n in names))


def value(earth: dict[str, np.ndarray]) -> float:
    """Some function of the properties."""
    return float(np.sum(earth["rho"] ** 0.7 * np.sin(earth["vp"] / 900) * (2 + earth["epsilon"])))


def derivative(earth: dict[str, np.ndarray], name: str) -> np.ndarray:
    vp, rho, epsilon = earth["vp"], earth["rho"], earth["epsilon"]
    return {
        "vp": rho**0.7 * np.cos(vp / 900) / 900 * (2 + epsilon),
        "rho": 0.7 * rho**-0.3 * np.sin(vp / 900) * (2 + epsilon),
        "epsilon": rho**0.7 * np.sin(vp / 900),
    }[name]


@pytest.mark.parametrize("names", CASES, ids=str)
def test_there_and_back(names: tuple[str, ...]) -> None:
    """The earth survives, and what is no variable stays."""
    v = variables(names)
    x = v.pack(EARTH)
    assert x.shape == (len(names), *SHAPE)
    for name, values in v.earth(v.unpack(x), EARTH).items():
        np.testing.assert_allclose(values, EARTH[name], rtol=1e-14)
    again = v.earth(v.unpack(1.1 * x), EARTH)
    for name in EARTH:
        changes = name in v.properties
        assert bool(np.any(again[name] != EARTH[name])) == changes


@pytest.mark.parametrize("names", CASES, ids=str)
@pytest.mark.parametrize("tapered", [False, True], ids=["", "tapered"])
def test_gradient_is_the_chain_rule(names: tuple[str, ...], tapered: bool) -> None:
    """Against central differences in every element of x."""
    v = variables(names)
    x = v.pack(EARTH)
    if tapered:
        v = v.tapered(RNG.random(SHAPE), EARTH)
        x = 1.05 * x

    def by_x(place: tuple[int, ...]) -> float:
        h = np.zeros(x.shape)
        h[place] = 1e-5 * abs(x[place])
        up, down = (value(v.earth(v.unpack(x + s * h), EARTH)) for s in (1, -1))
        return (up - down) / (2 * h[place])

    expected = np.array([by_x(place) for place in np.ndindex(x.shape)]).reshape(x.shape)
    earth = v.earth(v.unpack(x), EARTH)
    gradient = v.gradient(x, earth, lambda name: derivative(earth, name))
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_velocity_at_constant_impedance() -> None:
    """Then vp and rho change in opposite ways; alone, it leaves the density."""
    for names, factor in ((("vp", "impedance"), 1 / 1.1), (("vp",), 1.0)):
        v = variables(names)
        y = v.values(EARTH)
        y["vp"] = 1.1 * y["vp"]
        np.testing.assert_allclose(v.earth(y, EARTH)["rho"], factor * EARTH["rho"])


def test_bounds_and_first_changes_have_a_block_each() -> None:
    v = Variables(
        (
            Variable("vp", 1000.0, 4000.0, 50.0, PARAMETERIZATIONS["vp"]),
            Variable("epsilon", -0.1, 0.3, 0.02, linear(0.1)),
        )
    )
    low, high = v.bounds({"vp": EARTH["vp"]})
    assert low.shape == high.shape == (2, *SHAPE)
    for block, (lowest, highest) in enumerate(((1.0, 4.0), (-1.0, 3.0))):
        np.testing.assert_allclose(low[block], lowest)
        np.testing.assert_allclose(high[block], highest)
    np.testing.assert_allclose(v.first_change(v.pack(EARTH)).ravel(), [0.05, 0.2])
    assert "epsilon from -0." in v.ranges(v.pack(EARTH))


def test_epsilon_and_delta_stop_at_each_other() -> None:
    """Each at the other where that does not change, within its bounds."""
    earth = {"vp": EARTH["vp"], "epsilon": np.full(SHAPE, 0.2), "delta": np.full(SHAPE, -0.05)}
    earth["delta"].flat[0] = -0.5
    for name, low, high in (("epsilon", -0.1, 0.3), ("delta", -0.1, 0.3)):
        v = Variables((Variable(name, low, high, 0.02, linear(0.1)),))
        bounds = 0.1 * np.array(v.bounds(earth))[:, 0]
        lowest = np.maximum(earth["delta"], low) if name == "epsilon" else low
        highest = 0.2 if name == "delta" else high
        np.testing.assert_allclose(bounds[0], np.broadcast_to(lowest, SHAPE))
        np.testing.assert_allclose(bounds[1], highest)
    both = [Variable(name, -0.1, 0.3, 0.02, linear(0.1)) for name in ("epsilon", "delta")]
    np.testing.assert_allclose(Variables(tuple(both)).bounds(earth)[0], -1.0)


def test_taper_is_the_share_of_a_change() -> None:
    """None where it is zero, all where it is one; the beginning stays itself."""
    taper = RNG.random(SHAPE)
    taper.flat[:2] = 0, 1
    plain = variables(("vp", "impedance"))
    v = plain.tapered(taper, EARTH)
    x = v.pack(EARTH)
    for name, values in v.unpack(x).items():
        np.testing.assert_allclose(values, plain.values(EARTH)[name], rtol=1e-14)
    whole, shares = plain.unpack(1.1 * x), v.unpack(1.1 * x)
    for name, start in plain.values(EARTH).items():
        expected = start + taper * (whole[name] - start)
        np.testing.assert_allclose(shares[name], expected, rtol=1e-14)


def test_bounds_may_be_models() -> None:
    """On the model's grid, and averaged to another."""
    low, high = EARTH["vp"] - 100, EARTH["vp"] + 200
    one = Variable("vp", low, high, 50.0, PARAMETERIZATIONS["slowness"])
    two = Variable("rho", 900.0, high, 50.0, logarithm(1e3))
    v = Variables((one, two))
    lowest, highest = v.bounds(EARTH)
    np.testing.assert_allclose(1e3 / highest[0], low)
    np.testing.assert_allclose(1e3 / lowest[0], high)
    np.testing.assert_allclose(1e3 * np.exp(highest[1]), high)
    average = v.on(lambda values: values[::2].copy())
    np.testing.assert_array_equal(average.blocks[0].low, low[::2])
    assert average.blocks[1].low == 900.0
