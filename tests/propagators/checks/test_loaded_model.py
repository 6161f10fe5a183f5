"""A model that the arrays of kernels hold already is neither checked nor copied again."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fwicli.errors import DataError, ModelError, UnitWarning
from fwicli.propagators.checks import units
from fwicli.propagators.checks.entrance import Entrance
from fwicli.propagators.checks.loaded_model import LoadedModel
from tests.equations import large_are_slow

Make = Callable[..., Any]


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of parameters that are copied to arrays of kernels, as they are."""
    names: list[str] = []
    load = LoadedModel.load

    def counted(self: LoadedModel, name: str, *rest: Any) -> None:
        names.append(name)
        load(self, name, *rest)

    monkeypatch.setattr(LoadedModel, "load", counted)
    return names


@large_are_slow
def test_only_what_changes_is_loaded(make_setting: Make, equation: str, loads: list[str]) -> None:
    """Records and gradients have the bits of a new propagator, also of a model changed in place."""
    s, other = make_setting(equation=equation), make_setting(equation=equation)
    model = {n: v.copy() for n, v in s.model.items()}
    place = s.wavelet, s.sources, s.receivers
    first = s.propagator.forward(model, *place)
    assert sorted(loads) == sorted(model)
    loads.clear()
    for _ in range(2):
        gradient = s.propagator.jacobian_adjoint(model, s.gather, *place)
    assert np.array_equal(s.propagator.forward(model, *place), first)
    assert not loads
    changed = min(model)
    model[changed] *= 1.0 + 1e-3
    again = s.propagator.forward(model, *place)
    assert loads == [changed]
    assert not np.array_equal(again, first)
    assert np.array_equal(again, other.propagator.forward(model, *place))
    expected = other.propagator.jacobian_adjoint(s.model, s.gather, *place)
    for name, values in expected.items():
        assert np.array_equal(gradient[name], values)


def test_one_value_that_changes_in_place_is_checked(make_setting: Make) -> None:
    """Wherever it is, in the object that was propagated in before."""
    s = make_setting()
    model, place = {"m": s.model["m"].copy()}, (s.wavelet, s.sources, s.receivers)
    for index in ((0, 0), (-1, -1), tuple(n // 2 for n in model["m"].shape)):
        s.propagator.forward(model, *place)
        for bad in (np.nan, np.inf, -1.0):
            before, model["m"][index] = model["m"][index], bad
            for _ in range(2):
                with pytest.raises(ModelError, match="parameter m"):
                    s.propagator.forward(model, *place)
            model["m"][index] = before


def test_changes_along_directions_are_checked_and_loaded(make_setting: Make) -> None:
    """Each time that they are others, while the model stays."""
    s, other = make_setting(), make_setting()
    change, place = {"m": s.perturbation["m"].copy()}, (s.wavelet, s.sources, s.receivers)
    born = s.propagator.jacobian(s.model, change, *place)
    change["m"] *= 2
    doubled = s.propagator.jacobian(s.model, change, *place)
    assert np.array_equal(doubled, other.propagator.jacobian(s.model, change, *place))
    np.testing.assert_allclose(doubled, 2 * born, rtol=1e-3, atol=1e-3 * abs(born).max())
    change["m"][3, 3] = np.nan
    with pytest.raises(ModelError, match="change of parameter m"):
        s.propagator.jacobian(s.model, change, *place)


def test_changes_that_are_left_out_are_zero(make_setting: Make) -> None:
    """Also where the change of that parameter was another one before."""
    s, other = make_setting(equation="vti"), make_setting(equation="vti")
    place = s.wavelet, s.sources, s.receivers
    for names in (("k", "r"), ("r",), ("k",)):
        change = {n: s.perturbation[n] for n in names}
        born = s.propagator.jacobian(s.model, change, *place)
        expected = other.propagator.jacobian(s.model, change, *place)
        assert np.array_equal(born, expected)
        other = make_setting(equation="vti")


def test_model_that_was_not_propagated_in_is_forgotten(make_setting: Make) -> None:
    """With the ranges of the last one that was checked: both are always of the same model."""
    s = make_setting()
    loaded, own = LoadedModel(), np.zeros(s.model["m"].shape)
    entrance = Entrance(s.propagator.discretization, loaded=loaded)
    odd = {"m": 1e6 * s.model["m"]}
    with pytest.warns(UnitWarning, match="which no rock has"):
        entrance.models({0: odd}, 0)
    loaded.load("m", 8, own, odd["m"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        entrance.models({0: s.model}, 0)
    with pytest.warns(UnitWarning, match="which no rock has"):
        entrance.models({0: odd}, 0)


def test_units_are_warned_of_each_time(make_setting: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their ranges are found once for each model, also where a call fails after its check."""
    s = make_setting()
    odd, place = {"m": 1e6 * s.model["m"]}, (s.wavelet, s.sources, s.receivers)
    ranges, models = units.ranges, []
    monkeypatch.setattr(units, "ranges", lambda *a: models.append(a) or ranges(*a))
    for _ in range(2):
        with pytest.warns(UnitWarning, match="which no rock has"):
            s.propagator.forward(odd, *place)
    assert len(models) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError):
            s.propagator.forward(s.model, s.wavelet[..., :-1], s.sources, s.receivers)
    with pytest.warns(UnitWarning, match="which no rock has"):
        s.propagator.forward(odd, *place)
    with pytest.warns(UnitWarning), pytest.raises(DataError):
        s.propagator.forward(odd, s.wavelet[..., :-1], s.sources, s.receivers)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        s.propagator.forward(s.model, *place)
