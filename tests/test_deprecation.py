"""Old names of public objects: they work, warn with the new name, and nothing here uses them."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from fwicli import (
    AbsorbingLayer,
    Discretization,
    EarthModel,
    Grid,
    HistoryOptions,
    Simulation,
    TimeAxis,
    operators,
)

ALIASES = [
    pytest.param(package, old, marks=[pytest.mark.torch] * (package == "fwicli.autograd"))
    for package in ("fwicli", "fwicli.autograd", "fwicli.operators")
    for old in import_module(package).DEPRECATED
]
GRID = Grid((20, 20), (10.0, 10.0), (0.0, 0.0))
LAYER, TIME = AbsorbingLayer(5, 2000.0, 10.0), TimeAxis(0.001, 10)
DISK = HistoryOptions("disk")


@pytest.mark.parametrize(("package", "old"), ALIASES)
def test_an_old_name_is_the_new_object(package: str, old: str) -> None:
    module = import_module(package)
    new = module.DEPRECATED[old]
    assert new in module.__all__
    assert old not in module.__all__
    with pytest.warns(DeprecationWarning, match=f"`{package}.{old}` is now `{package}.{new}`") as w:
        assert getattr(module, old) is getattr(module, new)
    assert w[0].filename == __file__


def test_the_use_of_an_old_name_fails_in_tests() -> None:
    """The filter in `pyproject.toml` makes an error of the warning."""
    with pytest.raises(DeprecationWarning, match=r"`fwicli\.Simulation`"):
        from fwicli import Waves  # noqa: F401


def test_old_names_of_fields() -> None:
    new = Discretization("acoustic", GRID, TIME, LAYER, history_step=3, history=DISK)
    with pytest.warns(DeprecationWarning, match=r"`fwicli\.Discretization\.\w+` is now") as w:
        old = Discretization("acoustic", GRID, axis=TIME, layer=LAYER, every=3, keeping=DISK)
    assert {x.filename for x in w} == {__file__}
    assert old == new
    with pytest.warns(DeprecationWarning, match=r"every` is now `.*history_step"):
        assert replace(new, every=2) == replace(new, history_step=2)
    with pytest.warns(DeprecationWarning, match=r"axis` is now `.*time") as w:
        assert new.axis is new.time
    assert w[0].filename == __file__
    at = GRID.end
    with pytest.warns(DeprecationWarning, match=r"held` is now `.*max_history_bytes"):
        assert Simulation(new, [at], [at], held=7.0).max_history_bytes == 7.0


def test_old_names_of_a_model() -> None:
    grid = Grid((3, 4), (10.0, 10.0), (0.0, 0.0))
    earth = EarthModel(grid, 2000.0 + np.arange(12.0).reshape(grid.shape))
    for old, value in (("vp_min", 2000.0), ("vp_max", 2011.0)):
        with pytest.warns(DeprecationWarning, match=f"EarthModel.{old}` is now"):
            assert getattr(earth, old) == value


def test_an_import_of_an_old_name_warns_once() -> None:
    """Of which Python looks first whether it is there."""
    with pytest.warns(DeprecationWarning, match="Simulation") as w:
        exec("from fwicli import Waves")
    assert len(w) == 1


@pytest.mark.parametrize("name", ["forward", "jacobian", "gauss_newton", "extended"])
def test_old_names_of_arguments(name: str) -> None:
    """And no other name is taken."""
    waves = Simulation(Discretization("acoustic", GRID, TIME, LAYER), [GRID.end], [GRID.end])
    model = {"m": np.full(GRID.shape, 1 / 1500.0**2)}
    rest = {} if name == "forward" else {"wavelet": np.ones((1, TIME.samples))}
    make = getattr(operators, name)
    with pytest.warns(DeprecationWarning, match=r"waves=\)` is now `.*simulation=\)`") as w:
        old = make(waves=waves, model=model, **rest)
    assert w[0].filename == __file__
    assert old.dims == make(waves, model, **rest).dims
    with pytest.raises(TypeError, match="wave"):
        make(wave=waves, model=model, **rest)


def test_unknown_names_are_refused() -> None:
    for package in ("fwicli", "fwicli.operators"):
        with pytest.raises(ImportError, match=r"cannot import name 'Wave' from 'fwicli"):
            exec(f"from {package} import Wave")
