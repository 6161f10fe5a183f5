"""What is wrong with an input is said by its name, and nothing of an earlier call takes its place.

Every operator is called rightly, and then with one input dropped, misnamed, added, or of another
shape or kind: it raises an error that names it, and afterwards gives the same numbers as before.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwicli import Propagator
from fwicli.errors import DataError, FwiError, GeometryError, ModelError, UnitWarning
from fwicli.propagators.checks import units
from fwicli.propagators.equations.properties import parameters
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.kernels import compilation
from fwicli.propagators.locations import ExtendedSource, PositionDerivative
from fwicli.propagators.running.results import GradientRequest
from fwicli.propagators.running.shot import ShotRunner
from fwicli.propagators.tasks import propagator
from tests.earths import random_earth

Make = Callable[..., Any]
Inputs = dict[str, Any]

PLACE = ("wavelet", "sources", "receivers")


# Inputs of every operator, by name, and how it is called with them.
OPERATORS: dict[str, tuple[tuple[str, ...], Callable[[Any, Inputs], Any]]] = {
    "forward": (
        ("model", *PLACE),
        lambda p, i: p.forward(i["model"], *(i[n] for n in PLACE)),
    ),
    "adjoint": (
        ("model", "gather", "sources", "receivers"),
        lambda p, i: p.adjoint(i["model"], i["gather"], i["sources"], i["receivers"]),
    ),
    "jacobian": (
        ("model", "change", *PLACE),
        lambda p, i: p.jacobian(i["model"], i["change"], *(i[n] for n in PLACE)),
    ),
    "jacobian_adjoint": (
        ("model", "gather", *PLACE),
        lambda p, i: p.jacobian_adjoint(i["model"], i["gather"], *(i[n] for n in PLACE)),
    ),
    "gauss_newton": (
        ("model", "change", *PLACE),
        lambda p, i: p.gauss_newton(i["model"], i["change"], *(i[n] for n in PLACE)),
    ),
    "hessian": (
        ("model", "change", "gather", *PLACE),
        lambda p, i: p.hessian(i["model"], i["change"], i["gather"], *(i[n] for n in PLACE)),
    ),
    "curvature": (
        ("model", "change", "gather", *PLACE),
        lambda p, i: (
            p.curvature(
                i["model"],
                i["change"],
                lambda _, d: (i["gather"], d),
                *(i[n] for n in PLACE),
                kinds=(),
            ).product
        ),
    ),
    "images": (
        ("model", "gather", *PLACE),
        lambda p, i: (
            p.images(
                i["model"],
                lambda _: i["gather"],
                *(i[n] for n in PLACE),
                kinds=("correlation", "illumination"),
            ).images
        ),
    ),
    "source_weights_adjoint": (
        ("model", "gather", "wavelet", "receivers"),
        lambda p, i: p.source_weights_adjoint(
            i["model"], i["gather"], i["wavelet"], i["receivers"]
        ),
    ),
    "forward_components": (
        ("model", "change", *PLACE),
        lambda p, i: ShotRunner(p.discretization).forward_components(
            {0: i["model"], 1: i["change"]}, {0: i["wavelet"]}, i["sources"], i["receivers"], 1
        )[1],
    ),
    "adjoint_components": (
        ("model", "change", "gather", "sources", "receivers"),
        lambda p, i: ShotRunner(p.discretization).adjoint_components(
            {0: i["model"], 1: i["change"]}, {0: i["gather"]}, i["sources"], i["receivers"], 1
        )[1],
    ),
    "gradient_components": (
        ("model", "gather", *PLACE),
        lambda p, i: (
            ShotRunner(p.discretization)
            .gradient_components(
                {0: i["model"]},
                {0: i["wavelet"]},
                lambda _: (0, {0: i["gather"]}),
                i["sources"],
                i["receivers"],
                GradientRequest(at_sources=True),
            )
            .at_sources[0]
        ),
    ),
}
# Mutations of a model or a change of one; a change may leave parameters out, but not all.
RENAMED: dict[str, Callable[[Inputs], Any]] = {
    "first dropped": lambda m: dict(list(m.items())[1:]),
    "last dropped": lambda m: dict(list(m.items())[:-1]),
    "first misnamed": lambda m: {"vp" if i == 0 else n: v for i, (n, v) in enumerate(m.items())},
    "last misnamed": lambda m: {**dict(list(m.items())[:-1]), "x": list(m.values())[-1]},
    "one too many": lambda m: {**m, "vp": next(iter(m.values()))},
    "none": lambda m: {},
    "nothing": lambda m: None,
    "without names": lambda m: next(iter(m.values())),
    "one scalar": lambda m: {**m, next(iter(m)): 3e-7},
    "one transposed": lambda m: {**m, next(iter(m)): next(iter(m.values())).T.copy()},
    "one too small": lambda m: {**m, next(iter(m)): next(iter(m.values()))[:-1]},
    "one in float16": lambda m: {**m, next(iter(m)): next(iter(m.values())).astype(np.float16)},
    "one complex": lambda m: {**m, next(iter(m)): next(iter(m.values())) + 0j},
    "one of objects": lambda m: {**m, next(iter(m)): next(iter(m.values())).astype(object)},
    "one of text": lambda m: {**m, next(iter(m)): next(iter(m.values())).astype(str)},
    "one masked": lambda m: {**m, next(iter(m)): np.ma.masked_less(next(iter(m.values())), 1e9)},
    "one nothing": lambda m: {**m, next(iter(m)): None},
    "one not a number": lambda m: {**m, next(iter(m)): next(iter(m.values())) * np.nan},
}
TRACES: dict[str, Callable[[np.ndarray], Any]] = {
    "nothing": lambda t: None,
    "a number": lambda t: 1.0,
    "a number as array": lambda t: np.ones((1, 1)),
    "one trace of several": lambda t: t[0],
    "one row of several": lambda t: t[:1],
    "one too few": lambda t: t[:-1],
    "one too many": lambda t: np.concatenate([t, t[:1]]),
    "too short": lambda t: t[:, :-1],
    "too long": lambda t: np.pad(t, ((0, 0), (0, 1))),
    "transposed": lambda t: t.T,
    "an axis more": lambda t: t[None],
    "complex": lambda t: t + 1j,
    "text": lambda t: t.astype(str),
    "bool": lambda t: t > 0,
    "masked": lambda t: np.ma.masked_less(t, 0),
    "ragged": lambda t: [list(t[0]), list(t[0][:-1])],
    "not a number": lambda t: np.where(t > 1, np.nan, t),
}
# Extended sources may be any number.
ANY_NUMBER = {"one row of several", "one trace of several", "one too few", "one too many"}
POSITIONS: dict[str, Callable[[np.ndarray], Any]] = {
    "nothing": lambda x: None,
    "none": lambda x: x[:0],
    "empty": lambda x: [],
    "with y": lambda x: np.insert(x, 1, 0.0, axis=1),
    "x alone": lambda x: np.resize(x[:, 0], 5),
    "transposed": lambda x: np.concatenate([x, x])[:3].T,
    "not a number": lambda x: np.where(x > x.min(), x, np.nan),
    "infinite": lambda x: x + np.array([np.inf, 0.0]),
    "in the absorbing layer": lambda x: x - np.array([0.0, x[:, 1].min() + 1]),
    "far away": lambda x: x + 1e5,
    "complex": lambda x: x + 0j,
    "text": lambda x: x.astype(str),
    "an axis more": lambda x: x[None],
    "weights of another grid": lambda x: ExtendedSource(np.ones((3, 3))),
    "weights of zero": lambda x: ExtendedSource(np.zeros((33, 37))),
    "orders of one": lambda x: PositionDerivative(x, np.array([1])),
}
MUTATIONS = {
    "model": (RENAMED, ModelError),
    "change": (RENAMED, ModelError),
    "wavelet": (TRACES, DataError),
    "gather": (TRACES, DataError),
    "sources": (POSITIONS, GeometryError),
    "receivers": (POSITIONS, GeometryError),
}
# Equations without values on the points, and operators that need some.
BETWEEN = [e for e, stated in EQUATIONS.items() if stated.usual("record", 2)[1].half]
WHOLE = ("source_weights_adjoint",)
later = pytest.mark.slow
cases = [
    pytest.param(e, o, marks=[] if e == "acoustic" else [later])
    for e in EQUATIONS
    for o in OPERATORS
    if not (e in BETWEEN and o in WHOLE)
]


def _inputs(s: Any) -> Inputs:
    return {
        "model": s.model,
        "change": s.perturbation,
        "wavelet": s.wavelet,
        "gather": s.gather,
        "sources": s.sources,
        "receivers": s.receivers,
    }


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(np.array_equal(a[n], b[n]) for n in a)
    return np.array_equal(a, b)


def _wrong(s: Any, operator: str) -> list[tuple[str, str, Inputs, type[FwiError]]]:
    """Inputs of an operator with one mutated."""
    names, _ = OPERATORS[operator]
    good, found = _inputs(s), []
    for name in names:
        mutations, error = MUTATIONS[name]
        for what, mutate in mutations.items():
            # Of a change, parameters that are left out are zero.
            allowed = name == "change" and what in ("first dropped", "last dropped")
            if allowed and len(good["change"]) > 1:
                continue
            # Without a residual the product is that of Gauss and Newton.
            if operator == "curvature" and name == "gather" and what == "nothing":
                continue
            if operator == "source_weights_adjoint" and name == "wavelet" and what in ANY_NUMBER:
                continue
            found.append((name, what, {**good, name: mutate(good[name])}, error))
    return found


def _outcome(error: type[FwiError], call: Callable[..., Any], *inputs: Any) -> str:
    """What a call does where it should raise an error; nothing if that is what it does."""
    try:
        call(*inputs)
    except error:
        return ""
    except Exception as other:
        return repr(other)
    return "taken"


@pytest.mark.parametrize(("equation", "operator"), cases)
def test_nothing_of_a_good_call_is_left(make_setting: Make, equation: str, operator: str) -> None:
    """Wrong inputs are refused after it, and good ones give the same bits after them."""
    s = make_setting(2, equation=equation)
    _, call = OPERATORS[operator]
    good = _inputs(s)
    expected = call(s.propagator, good)
    failures = [
        f"{name}, {what}: {outcome}"
        for name, what, inputs, error in _wrong(s, operator)
        if (outcome := _outcome(error, call, s.propagator, inputs))
    ]
    assert failures == []
    assert _same(call(s.propagator, good), expected)


@pytest.mark.parametrize(("equation", "operator"), [case.values for case in cases])
def test_wrong_inputs_are_refused_before_anything_runs(
    make_setting: Make, monkeypatch: pytest.MonkeyPatch, equation: str, operator: str
) -> None:
    """Of every equation; only an adjoint source comes after waves have been modelled."""
    s = make_setting(2, equation=equation)
    _, call = OPERATORS[operator]
    monkeypatch.setattr(compilation, "load", lambda *_: pytest.fail("a kernel is compiled"))
    late = operator in ("jacobian_adjoint", "hessian", "curvature", "images", "gradient_components")
    failures = [
        f"{name}, {what}: {outcome}"
        for name, what, inputs, error in _wrong(s, operator)
        if not (late and name == "gather")
        and (outcome := _outcome(error, call, s.propagator, inputs))
    ]
    assert failures == []


SAID = [
    ("model", lambda m: {"vp": m["m"]}, "acoustic has no `vp` and needs `m`, too; its parameters"),
    ("change", lambda m: {"vp": m["m"]}, "acoustic has no `vp`; its parameters are m"),
    ("model", lambda m: {"m": m["m"].T}, r"shape \(37, 33\), the grid \(33, 37\).*transposed"),
    ("model", lambda m: {"m": 1e-7}, r"numpy.full\(\(33, 37\), value\)"),
    ("wavelet", lambda w: w[0], r"wavelet has the shape \(80,\).*nothing is repeated: give 2"),
    ("wavelet", lambda w: w.T, r"wavelet has the shape \(80, 2\); it needs \(2, 80\).*transposed"),
    ("wavelet", lambda w: w[:, :50], r"the time axis has 80 samples"),
    ("sources", lambda x: np.insert(x, 1, 0.0, axis=1), r"sources .*\(2, 3\).*leave out y"),
    ("receivers", lambda x: x[:4].T, "receivers .*transposed"),
    ("receivers", lambda x: x[:0], "receivers are empty"),
]


@pytest.mark.parametrize(("name", "mutate", "message"), SAID)
def test_messages_tell_what_to_do(make_setting: Make, name: str, mutate: Any, message: str) -> None:
    s = make_setting(2)
    inputs = _inputs(s)
    with pytest.raises(FwiError, match=message):
        OPERATORS["jacobian"][1](s.propagator, {**inputs, name: mutate(inputs[name])})


EQUAL: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "lists of parameters": ("model", lambda m: {n: v.tolist() for n, v in m.items()}),
    "parameters with an axis of one": ("model", lambda m: {n: v[None] for n, v in m.items()}),
    "parameters in another byte order": (
        "model",
        lambda m: {n: v.astype(">f8") for n, v in m.items()},
    ),
    "lists of traces": ("wavelet", lambda w: w.tolist()),
    "traces in another byte order": ("wavelet", lambda w: w.astype(">f8")),
    "traces in long doubles": ("wavelet", lambda w: w.astype(np.longdouble)),
    "traces that are not contiguous": ("wavelet", lambda w: np.asfortranarray(w)),
    "lists of positions": ("sources", lambda x: x.tolist()),
}


@pytest.mark.parametrize("what", EQUAL)
def test_what_is_unambiguous_is_converted(make_setting: Make, what: str) -> None:
    s = make_setting(2)
    name, convert = EQUAL[what]
    good, (_, call) = _inputs(s), OPERATORS["forward"]
    expected = call(s.propagator, good)
    assert _same(call(s.propagator, {**good, name: convert(good[name])}), expected)


def test_whole_numbers_are_numbers(make_setting: Make) -> None:
    """As traces and positions; one trace needs no axis of traces."""
    s = make_setting(2)
    spike = np.eye(1, 80, 5)[0]
    at = np.array([[100.0, 80.0]])
    expected = s.propagator.forward(s.model, spike[None], at, s.receivers)
    for wavelet in (spike, spike.astype(int), spike.astype("i2")[None], spike.astype(np.float16)):
        found = s.propagator.forward(s.model, wavelet, at[0].astype(int), s.receivers)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("kinds", "derivatives", "error"),
    [(("nothing",), None, DataError), ("gradient", None, DataError), ((), [(0, "vp")], ModelError)],
)
def test_images_that_there_are_not(
    make_setting: Make, kinds: Any, derivatives: Any, error: type[FwiError]
) -> None:
    s = make_setting(2)
    place = s.sources, s.receivers
    request = GradientRequest(derivatives=derivatives, images=kinds)
    runner = ShotRunner(s.propagator.discretization)
    with pytest.raises(error):
        runner.gradient_components({0: s.model}, {0: s.wavelet}, lambda d: (0, d), *place, request)


@pytest.mark.parametrize("component", [-1, 1, 2])
def test_components_that_there_are_not(make_setting: Make, component: int) -> None:
    s = make_setting(2)
    runner = ShotRunner(s.propagator.discretization)
    place = s.sources, s.receivers
    with pytest.raises(DataError, match=f"component {component}"):
        runner.forward_components({0: s.model}, {component: s.wavelet}, *place, 0)
    with pytest.raises(DataError, match=f"component {component}"):
        runner.adjoint_components({0: s.model, component: s.model}, {0: s.gather}, *place, 0)
    with pytest.raises(DataError, match="no wavelet"):
        runner.forward_components({0: s.model}, {}, *place, 0)


@pytest.mark.parametrize("equation", EQUATIONS)
@pytest.mark.parametrize("scale", [1e-3, 1e-6, 30.0, 1.0])
def test_velocity_of_no_rock(equation: str, scale: float) -> None:
    """Is warned of with the numbers and the formulas; that of rocks is not."""
    earth = random_earth((4, 5))
    leading = EQUATIONS[equation].leading
    model = parameters(equation, {**earth, leading: scale * earth[leading]})
    if scale == 1.0:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            units.warn(equation, model)
        return
    with pytest.warns(UnitWarning, match=rf"give {leading} from .* m/s, which no rock has.*all SI"):
        units.warn(equation, model)


@pytest.mark.parametrize("point", [0, 7, 19])
def test_units_of_every_point_count(monkeypatch: pytest.MonkeyPatch, point: int) -> None:
    """Models are looked at in parts: the range is that of all of them."""
    monkeypatch.setattr(units, "POINTS", 7)
    vp = np.linspace(1500.0, 4000.0, 20).reshape(4, 5)
    vp.flat[point] = 90000.0
    least = 1500 if point else 1632
    with pytest.warns(UnitWarning, match=f"give vp from {least} to 9e\\+04 m/s"):
        units.warn("acoustic", parameters("acoustic", {"vp": vp}))


def test_doors_warn_of_units(make_setting: Make) -> None:
    """At the line of the user's call; runs of configs have judged their models themselves."""
    s = make_setting(2)
    place = s.wavelet, s.sources, s.receivers
    # Slowness in s2/km2 is as stable.
    model = {"m": 1e6 * s.model["m"]}
    with pytest.warns(UnitWarning, match="vp from 1.*to 2") as caught:
        s.propagator.forward(model, *place)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        propagator(s.propagator.discretization).forward(model, *place)


@pytest.mark.parametrize("door", ["operators", "autograd"])
def test_doors_check_the_same(make_setting: Make, door: str) -> None:
    """The functions of tensors and the linear operators, as the propagator does."""
    s = make_setting(2)
    from fwicli import Simulation, operators

    waves = Simulation(s.propagator.discretization, s.sources, s.receivers)
    if door == "operators":

        def gradient(model: Any, wavelet: Any, gather: Any) -> Any:
            return operators.jacobian(waves, model, wavelet).T @ gather
    else:
        pytest.importorskip("torch")
        from fwicli import autograd

        def gradient(model: Any, wavelet: Any, gather: Any) -> Any:
            return autograd.jacobian_adjoint(waves, model, wavelet, gather)

    failures = [
        f"model, {what}"
        for what, mutate in RENAMED.items()
        if what != "without names"
        and _outcome(FwiError, gradient, mutate(s.model), s.wavelet, s.gather)
    ]
    failures += [
        f"wavelet, {what}"
        for what, mutate in TRACES.items()
        if what != "an axis more"  # that of shots
        and _outcome(FwiError, gradient, s.model, mutate(s.wavelet), s.gather)
    ]
    failures += [
        f"gather, {what}: {outcome}"
        for what, mutate in TRACES.items()
        # Operators take vectors for any shape, numbers for scales, and complex ones as two.
        if what not in ("an axis more", "a number", "complex")
        and (outcome := _outcome(FwiError, gradient, s.model, s.wavelet, mutate(s.gather)))
    ]
    assert failures == []
    with pytest.warns(UnitWarning):
        gradient({"m": 1e6 * s.model["m"]}, s.wavelet, s.gather)


def test_single_precision_is_not_refused(make_setting: Make) -> None:
    """Positions may miss the edge of the model by the round-off of metres."""
    s = make_setting(2)
    made = s.propagator.discretization
    end = np.float32(np.array([made.grid.end]) + 2e-3)
    again = Propagator(replace(made)).forward(s.model, s.wavelet[:1], end, s.receivers)
    there = s.propagator.forward(s.model, s.wavelet[:1], [made.grid.end], s.receivers)
    np.testing.assert_array_equal(again, there)


@pytest.mark.parametrize("door", ["propagator", "operators", "autograd"])
def test_sides_where_the_pressure_is_zero(make_setting: Make, door: str) -> None:
    """Sources and receivers on any of them are refused, or a step of round-off beyond."""
    s = make_setting(2, free=("x-", "x+", "z-", "z+"))
    from fwicli import Simulation, operators

    def forward(sources: Any, receivers: Any) -> Any:
        if door == "propagator":
            return s.propagator.forward(s.model, s.wavelet, sources, receivers)
        waves = Simulation(s.propagator.discretization, sources, receivers)
        if door == "operators":
            return operators.forward(waves, s.model) @ s.wavelet
        pytest.importorskip("torch")
        from fwicli import autograd

        return autograd.forward(waves, s.model, s.wavelet)

    grid = s.propagator.grid
    for axis, end, beyond in itertools.product((0, 1), ("origin", "end"), (0.0, 5e-4)):
        edge = np.array(getattr(grid, end))[axis]
        for what in ("sources", "receivers"):
            places = {"sources": s.sources.copy(), "receivers": s.receivers.copy()}
            places[what][1, axis] = edge + (beyond if end == "end" else -beyond)
            with pytest.raises(GeometryError, match=f"1 of .* {what}, the first number 1, lie on"):
                forward(**places)
            places[what][1, axis] += 5.0 if end == "origin" else -5.0
            if not axis:  # what the message advises
                forward(**places)


def test_slopes_across_a_side_are_not_zero(make_setting: Make) -> None:
    """The derivative across a free surface is what a sensor of motion records there."""
    s = make_setting(2, free=("z-",))
    place = s.receivers.copy()
    place[:, 1] = s.propagator.grid.origin[1]
    slopes = PositionDerivative(place, np.broadcast_to([0, 1], place.shape))
    assert np.abs(s.propagator.forward(s.model, s.wavelet, s.sources, slopes)).max(axis=1).min() > 0
    flat = PositionDerivative(place, np.broadcast_to([1, 0], place.shape))
    with pytest.raises(GeometryError, match="record nothing"):
        s.propagator.forward(s.model, s.wavelet, s.sources, flat)
