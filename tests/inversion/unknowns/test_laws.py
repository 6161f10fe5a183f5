"""Properties that follow vp by laws: maps, their chain rule, and fluids."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.unknowns.variables import Variables
from fwicli.survey.laws import Gardner, Law, Mudrock
from tests.inversion.unknowns.test_combinations import SHAPE, earth, variables

LAWS: dict[str, Law] = {"vs": Mudrock(least=300.0), "rho": Gardner()}
# Variables, and properties that follow.
CASES = [(("vp",), ("vs", "rho")), (("vp", "vs"), ("rho",)), (("vp", "vp_vs_ratio"), ("rho",))]
every_case = pytest.mark.parametrize(("names", "followers"), CASES, ids=str)


def following(names: tuple[str, ...], followers: tuple[str, ...]) -> Variables:
    return Variables(variables(names).blocks, laws={n: LAWS[n] for n in followers})


@every_case
def test_laws_hold(names: tuple[str, ...], followers: tuple[str, ...]) -> None:
    """The start stays as it is; a change has the ratio of the law, but in fluids."""
    v, c = following(names, followers), earth()
    x = v.pack(c)
    for name, values in v.earth(v.unpack(x), c).items():
        np.testing.assert_allclose(values, c[name], rtol=1e-13)
    x[0] *= 0.9  # slowness
    again, solid = v.earth(v.unpack(x), c), c["vs"] > 0
    for name in followers:
        ratio = LAWS[name].value(again["vp"]) / LAWS[name].value(c["vp"])
        np.testing.assert_allclose(again[name][solid], (c[name] * ratio)[solid], rtol=1e-13)
        np.testing.assert_array_equal(again[name][~solid], c[name][~solid])
        assert np.abs(again[name][solid] / c[name][solid] - 1).max() > 0.02
    assert set(v.properties) == {"vp", "rho", "vs"}
    assert v.behind("rho") == ("vp",)
    assert set(v.quantities) == {*names, "rho", "vs"}


@every_case
def test_chain_rule(names: tuple[str, ...], followers: tuple[str, ...]) -> None:
    """Gradients are changes of the earth by steps of 1e-30 i, also below a taper."""
    rng, c = np.random.default_rng(8), earth()
    weights = {n: rng.standard_normal(SHAPE) / np.abs(c[n]).max() for n in c}
    plain = following(names, followers)
    for v in (plain, plain.tapered(rng.random(SHAPE), c)):
        x = v.pack(c) * 0.95
        along = x * rng.standard_normal(x.shape)
        changed = v.earth(v.unpack(x + 1e-30j * along), c)
        expected = sum(np.vdot(weights[n], np.imag(changed[n]) / 1e-30) for n in v.properties)
        gradient = v.gradient(x, v.earth(v.unpack(x), c), weights.__getitem__)
        scale = np.linalg.norm(gradient) * np.linalg.norm(along)
        assert abs(np.vdot(gradient, along) - expected) < 1e-12 * scale


def test_laws_stay_on_other_grids() -> None:
    v = following(*CASES[0])
    assert v.on(np.min).laws == v.laws == v.untapered.laws
