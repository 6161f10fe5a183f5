"""Equations in files of users: exact as those of the program, named by content, refused by line."""

from __future__ import annotations

import copy
import pickle
import string
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli import Discretization, Propagator, own_equation
from fwicli.errors import PhysicsError
from fwicli.propagators.equations import registry
from fwicli.propagators.equations.own import COUNTED
from fwicli.propagators.kernels import counting, footprints
from fwicli.survey.signals.wavelets import ricker, times
from tests.equations import CASES, LARGE, LARGEST

# Acoustic waves of the squared slowness, as a user states them.
STATED = """\
from fwicli import Channel, Equation


def state(medium):
    m = medium.parameter("m")
    u = medium.field("u", time_order=2)
    medium.solve(u, m * u.dt2 - medium.laplacian(u))


EQUATION = Equation(
    parameters=lambda _: {"m": "1 / vp**2"},
    recorded=lambda _: {"pressure": Channel({"u": 1.0})},
    emitted=lambda _: {"pressure": Channel({"u": 1.0})},
    state=state,
)
"""
# Spacing is that of `make_setting`, so that kernels are compiled once.
SHAPE, SPACING = (25, 21), (10.0, 12.0)
SLOW = [*((name, 2) for name in LARGEST), *((name, 3) for name in LARGE)]


def written(folder: Path, text: str = STATED, name: str = "waves.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def propagator(equation: str) -> Propagator:
    vp = np.full(SHAPE, 2000.0)
    options: Any = {"equation": equation, "order": 4, "precision": "float64"}
    return Propagator(
        Discretization.for_model(vp, SPACING, dt=0.002, samples=40, frequency=15.0, **options)
    )


def test_operators_are_those_of_the_same_equation(tmp_path: Path) -> None:
    """Records and gradients have the bits of `acoustic`, which states the same."""
    vp = 1900 + 200 * np.random.default_rng(0).random(SHAPE)
    wavelet = ricker(times(0.002, 40), 15.0)[None]
    place = wavelet, np.array([[60.0, 50.0]]), np.array([[180.0, 50.0], [120.0, 150.0]])
    results = []
    for name in ("acoustic", own_equation(written(tmp_path))):
        F = propagator(name)
        model = F.parameters(vp=vp)
        gather = F.forward(model, *place)
        results.append((gather, F.jacobian_adjoint(model, gather, *place)["m"]))
    assert np.abs(results[0][0]).max() > 0
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_name_goes_to_other_processes(tmp_path: Path) -> None:
    """With what was counted here; it is text like any other."""
    name = own_equation(written(tmp_path))
    footprints.prepare(name, 2)
    data = pickle.dumps(name)
    counted = COUNTED.pop((str(name), 2))
    restored = pickle.loads(data)
    assert registry.load(restored).footprint(2) == counted
    assert counted.forward == registry.EQUATIONS["acoustic"].footprint(2).forward
    for one in (restored, copy.deepcopy(name)):
        assert (one, one.file) == (name, name.file)


def test_changed_file_is_another_equation(tmp_path: Path) -> None:
    """The name has the content; the old one is no longer loaded."""
    first = own_equation(written(tmp_path, STATED.replace("1 / vp", "1.0 / vp")))
    path = written(tmp_path, STATED.replace("1 / vp", "1.21 / vp"))
    second = own_equation(path)
    assert first != second
    assert registry.load(second).parameters(2) == {"m": "1.21 / vp**2"}
    with pytest.raises(PhysicsError, match=r"waves\.py` has changed since the run began"):
        registry.load(first)
    with pytest.raises(PhysicsError, match=r"no equation `waves@.*own_equation"):
        registry.load(str(second))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("EQUATION =", "equation =", "needs an `Equation` called `EQUATION`, and has none"),
        ("EQUATION = Equation(", "EQUATION = dict(", "and has a dict"),
        ("Channel, Equation", "Chanel, Equation", "Chanel.*in line 1 of"),
        ("def state(medium):", "def state(medium:", "SyntaxError.*in line 4 of"),
        ("vp**2", "speed**2", "has the properties speed, which no model has"),
        ("laplacian", "laplacean", "no attribute 'laplacean', in line 7 of"),
        ('field("u"', 'field("q"', "a field is named `q`, which is in generated code already"),
        ('field("u"', 'field("if"', "which is a word of C.*in line 6 of"),
        ('field("u"', 'field("m"', "a parameter and a field are named `m`"),
        ('field("u"', 'field("ü"', "use letters, digits and underscores"),
        ('"m": "1', '"k": "1', "names the parameters k, and states its residuals in m"),
        (
            'recorded=lambda _: {"pressure": Channel({"u": 1.0})}',
            "recorded=lambda _: {}",
            "cannot record anything; state a component",
        ),
        (
            'emitted=lambda _: {"pressure": Channel({"u": 1.0})}',
            "emitted=lambda _: {}",
            "cannot emit anything; state a component",
        ),
        (
            'emitted=lambda _: {"pressure": Channel({"u"',
            'emitted=lambda _: {"pressure": Channel({"p"',
            "the pressure of the equation .* is made of p, which it does not state; there are u",
        ),
        (
            "u.dt2 -",
            "u.dt2**2 -",
            r"nothing can be derived .* inside m\(x, y\)\*u\(t \+ dt, x, y\)\*\*2",
        ),
    ],
)
def test_faults_are_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    """What is wrong in a file is told with its place, before anything runs."""
    assert old in STATED
    path = written(tmp_path, STATED.replace(old, new))
    with pytest.raises(PhysicsError, match=f"(?s){said}"):
        footprints.prepare(own_equation(path), 2)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(PhysicsError, match=r"none\.py` of the equation cannot be read: No such"):
        own_equation(tmp_path / "none.py")
    with pytest.raises(PhysicsError, match="name the file as a Python module"):
        own_equation(written(tmp_path, name="my-waves.py"))
    with pytest.raises(PhysicsError, match="name the file as a Python module"):
        own_equation(written(tmp_path, name="waves.txt"))


@pytest.mark.parametrize(
    ("equation", "ndim"),
    [
        # Their systems are large: seconds each.
        pytest.param(e, ndim, marks=pytest.mark.slow if (e, ndim) in SLOW else ())
        for e, ndim in CASES
    ],
)
def test_footprints_are_counted(equation: str, ndim: int) -> None:
    """What equations of the program state of their arrays is what is counted."""
    stated = registry.EQUATIONS[equation].footprint(ndim)
    counted = counting.count(equation, ndim)
    receiver = registry.EQUATIONS[equation].receiver
    for parameter in registry.EQUATIONS[equation].parameters(ndim):
        for one, other in ((stated, counted), (stated.below_surface(), counted.below_surface())):
            fields = [f.stored_fields(receiver, [parameter]) for f in (one, other)]
            assert fields[0] == fields[1], parameter
    histories: dict[str, Any] = {"history": {}, "surface_history": {}}
    assert {**vars(counted), **histories} == {**vars(stated), **histories}


LETTERS = [letter for letter in string.ascii_letters if letter not in "tdqxyzI"]


@pytest.mark.slow  # a kernel for each letter
@pytest.mark.parametrize(
    ("letter", "other"), list(zip(LETTERS, LETTERS[1:] + LETTERS[:1], strict=True))
)
def test_letters_that_are_not_refused_are_free(tmp_path: Path, letter: str, other: str) -> None:
    """A field and a parameter may have any other letter: waves are those of `acoustic`."""
    text = STATED.replace('"u"', '"FIELD"').replace('"m"', f'"{letter}"')
    text = text.replace('"FIELD"', f'"{other}"')
    place = np.ones((1, 40)), np.array([[60.0, 50.0]]), np.array([[180.0, 50.0]])
    ours = propagator(own_equation(written(tmp_path, text)))
    theirs = propagator("acoustic")
    vp = np.full(SHAPE, 2000.0)
    records = [F.forward(F.parameters(vp=vp), *place) for F in (ours, theirs)]
    np.testing.assert_array_equal(*records)


@pytest.mark.parametrize("letter", "tdqxyzI")
def test_letters_of_generated_code_are_refused(tmp_path: Path, letter: str) -> None:
    for old, new in (
        ('parameter("m"', f'parameter("{letter}"'),
        ('field("u"', f'field("{letter}"'),
    ):
        text = STATED.replace(old, new)
        with pytest.raises(PhysicsError, match=f"is named `{letter}`"):
            footprints.prepare(own_equation(written(tmp_path, text)), 2)
