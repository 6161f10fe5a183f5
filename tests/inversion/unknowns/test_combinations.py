"""Combinations in place of velocities and density: maps, their chain rule, and fluids."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.unknowns.parameterization import (
    PARAMETERIZATIONS,
    Parameterization,
    linear,
    logarithm,
)
from fwicli.inversion.unknowns.variables import Variable, Variables
from fwicli.survey.properties import COMBINATIONS, OF_SOLIDS, POSITIVE

Earth = dict[str, np.ndarray]
SHAPE = (6, 7)
# Of rocks, by variable: a lower bound and a unit.
UNITS = {
    "vp": (1000.0, 1000.0),
    "vs": (200.0, 1000.0),
    "rho": (900.0, 1000.0),
    "impedance": (1e6, 3e6),
    "shear_impedance": (1e5, 1e6),
    "lame_mu": (1e7, 2e9),
    "vp_vs_ratio": (1.2, 2.0),
    "lame_lambda": (-1e9, 3e9),
}
# What each set of variables changes; the other properties stay.
SETS = {
    ("vp", "vs", "rho"): {"vp", "vs", "rho"},
    ("vp_vs_ratio",): {"vs"},
    ("vp", "vp_vs_ratio"): {"vp", "vs"},
    ("vp", "rho", "vp_vs_ratio"): {"vp", "vs", "rho"},
    ("impedance", "shear_impedance"): {"vp", "vs"},
    ("rho", "impedance", "shear_impedance"): {"vp", "vs", "rho"},
    ("vp", "impedance", "shear_impedance"): {"vp", "vs", "rho"},
    ("shear_impedance",): {"vs"},
    ("rho", "impedance"): {"vp", "rho"},
    ("impedance",): {"rho"},
    ("lame_lambda",): {"vp"},
    ("lame_mu",): {"vs"},
    ("lame_lambda", "lame_mu"): {"vp", "vs"},
    ("rho", "lame_lambda", "lame_mu"): {"vp", "vs", "rho"},
    ("vs", "rho", "lame_lambda"): {"vp", "vs", "rho"},
    ("rho", "lame_lambda", "shear_impedance"): {"vp", "vs", "rho"},
    ("vp", "impedance", "lame_mu"): {"vp", "vs", "rho"},
    ("rho", "impedance", "vp_vs_ratio"): {"vp", "vs", "rho"},
}
every_set = pytest.mark.parametrize("names", SETS, ids=" ".join)


def earth(fluid: bool = True) -> Earth:
    """Rocks from mud to granite, with Lame's lambda of both signs, and a fluid on top."""
    rng = np.random.default_rng(4)
    vs = 200 * 15 ** rng.random(SHAPE)
    vp = vs * (1.3 + 3 * rng.random(SHAPE))
    if fluid:
        vs[:, :2], vp[:, :2] = 0.0, 1500.0
    return {"vp": vp, "vs": vs, "rho": 1000 + 1500 * rng.random(SHAPE)}


def variables(names: tuple[str, ...], log: bool = False) -> Variables:
    def scale(name: str) -> Parameterization:
        low, unit = UNITS[name]
        if name == "vp":
            return PARAMETERIZATIONS["slowness"]
        return logarithm(low, 2.0) if log and name in POSITIVE else linear(unit)

    return Variables(
        tuple(Variable(n, UNITS[n][0], 1e12, 0.01 * UNITS[n][1], scale(n)) for n in names)
    )


def test_formulas() -> None:
    """Of a Poisson solid, where both of Lame's parameters are equal."""
    solid = {"vp": np.array(3000.0 * 3**0.5), "vs": np.array(3000.0), "rho": np.array(2000.0)}
    values = {name: float(c.of(solid)) for name, c in COMBINATIONS.items()}
    assert values == pytest.approx(
        {
            "impedance": 6e6 * 3**0.5,
            "shear_impedance": 6e6,
            "lame_mu": 1.8e10,
            "vp_vs_ratio": 3**0.5,
            "lame_lambda": 1.8e10,
        },
        rel=1e-14,
    )


def test_ratio_of_fluids_is_zero() -> None:
    """A number, without a warning; so are those of combinations that need no quotient."""
    fluid = {"vp": np.full(3, 1500.0), "vs": np.zeros(3), "rho": np.full(3, 1000.0)}
    for name in OF_SOLIDS:
        np.testing.assert_array_equal(COMBINATIONS[name].of(fluid), 0.0)
    np.testing.assert_allclose(COMBINATIONS["lame_lambda"].of(fluid), 2.25e9)


@pytest.mark.parametrize("log", [False, True])
@every_set
def test_there_and_back(names: tuple[str, ...], log: bool) -> None:
    """The earth survives, fluids included; a change of x changes what the table says."""
    v, c = variables(names, log), earth()
    x = v.pack(c)
    assert np.isfinite(x).all()
    for name, values in v.earth(v.unpack(x), c).items():
        np.testing.assert_allclose(values, c[name], rtol=1e-13)
    x += 0.01 * np.arange(1, 1 + len(x)).reshape(-1, 1, 1) * np.abs(x)
    again, solid = v.earth(v.unpack(x), c), c["vs"] > 0
    assert {n for n in c if np.any(abs(again[n][solid] / c[n][solid] - 1) > 1e-5)} == SETS[names]
    assert set(v.properties) == SETS[names]
    for name, values in v.unpack(x).items():  # variables have the values that x says
        combined = COMBINATIONS[name].of(again) if name in COMBINATIONS else again[name]
        np.testing.assert_allclose(combined[solid], values[solid], rtol=1e-12)


@pytest.mark.parametrize("log", [False, True])
@every_set
def test_chain_rule(names: tuple[str, ...], log: bool) -> None:
    """<gradient, v> is that of the change of the earth along v, by steps of 1e-30 i."""
    rng = np.random.default_rng(8)
    v, c = variables(names, log), earth()
    x = v.pack(c)
    along = x * rng.standard_normal(x.shape)
    weights = {n: rng.standard_normal(SHAPE) / np.abs(c[n]).max() for n in c}
    h = 1e-30
    changed = v.earth(v.unpack(x + 1j * h * along), c)
    expected = sum(np.vdot(weights[n], np.imag(changed[n]) / h) for n in v.properties)
    gradient = v.gradient(x, v.earth(v.unpack(x), c), weights.__getitem__)
    scale = np.linalg.norm(gradient) * np.linalg.norm(along)
    assert abs(np.vdot(gradient, along) - expected) < 1e-12 * scale
    for block, part in enumerate(gradient):  # and in each block, at each point
        single = np.zeros_like(x)
        single[block] = along[block]
        change = v.earth(v.unpack(x + 1j * h * single), c)
        terms = [weights[n] * np.imag(change[n]) / h for n in v.properties]
        total, largest = np.sum(terms, axis=0), np.abs(terms).max()
        np.testing.assert_allclose(part * along[block], total, rtol=1e-12, atol=1e-13 * largest)


@every_set
def test_fluids_stay_fluids(names: tuple[str, ...]) -> None:
    """Whatever x is: no derivative by what they have not, equal bounds, and no number missing."""
    v, c = variables(names, log=True), earth()
    fluid = c["vs"] == 0
    x = v.pack(c)
    x += 0.05 * np.abs(x) * np.random.default_rng(1).random(x.shape)
    changed = v.earth(v.unpack(x), c)
    gradient = v.gradient(x, changed, lambda name: np.ones(SHAPE))
    low, high = v.bounds(c)
    assert all(np.isfinite(a).all() for a in (*changed.values(), gradient, low, high))
    for block, name in enumerate(names):
        solids_alone = name in OF_SOLIDS
        assert (gradient[block][fluid] == 0).all() == solids_alone
        assert (low[block] == high[block])[fluid].all() == solids_alone
        assert (low[block] < high[block])[~fluid].all()
        if solids_alone:
            assert not changed["vs"][fluid].any()
            np.testing.assert_array_equal(low[block][fluid], v.pack(c)[block][fluid])


def test_impossible_moduli_are_no_velocities() -> None:
    """Where lambda + 2 mu is negative, vp is 0, which limits of equations exclude."""
    v, c = variables(("lame_lambda", "lame_mu")), earth(fluid=False)
    y = v.values(c)
    y["lame_lambda"] = -2.5 * y["lame_mu"]
    assert not v.earth(y, c)["vp"].any()


def test_what_a_property_depends_on() -> None:
    v = variables(("rho", "lame_lambda", "lame_mu"))
    assert v.behind("vp") == ("lame_lambda", "lame_mu", "rho")
    assert v.behind("vs") == ("lame_mu", "rho")
    assert v.behind("rho") == ("rho",)
    assert variables(("vp_vs_ratio",)).behind("vp") == ()
