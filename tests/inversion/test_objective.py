"""The gradient belongs to the objective, whatever the variable."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwicli import (
    AbsorbingLayer,
    Acquisition,
    Discretization,
    Gathers,
    Grid,
    Propagator,
    time_axis,
)
from fwicli.errors import DataError, ModelError, StabilityError
from fwicli.execution import InProcess, Processes
from fwicli.inversion.misfits.residuals import LeastSquares
from fwicli.inversion.objective import Objective
from fwicli.inversion.shots.experiments import Experiment, experiments
from fwicli.inversion.unknowns.parameterization import PARAMETERIZATIONS, linear
from fwicli.inversion.unknowns.variables import Variable, Variables
from fwicli.propagators.equations.properties import parameters
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.survey.regridding import Regridding
from fwicli.survey.signals.wavelets import ricker, times
from fwicli.survey.windows import Window, beyond, of_one_size, recorded
from tests.earths import random_earth
from tests.equations import LARGE, USUAL_ORDER

# The grid of the waves, and of the model where it has no finer one. Its kernels are those of
# `make_setting`.
GRID = Grid((41, 31), (10.0, 12.0), (0.0, 0.0))
# Cells of the waves are no multiple of these.
FINE = Grid((66, 51), (5.9, 7.1), (0.0, 0.0))
SAMPLES = 110

# The unit of each property in x.
UNITS = {"rho": 800.0, "impedance": 2e6}


def objective(
    parameter: str,
    equation: str = "acoustic",
    precision: str = "float64",
    names: tuple[str, ...] = ("vp",),
    grid: Grid = GRID,
) -> tuple[Objective, np.ndarray]:
    """A misfit of two shots, and the model where it is taken, on `grid`."""
    rng = np.random.default_rng(0)
    axis = time_axis(0.004, SAMPLES, 3000.0, GRID.spacing, USUAL_ORDER)
    discretization = Discretization(
        equation,
        GRID,
        axis,
        AbsorbingLayer(10, 3000.0, 15.0, gap=4),
        USUAL_ORDER,
        precision=precision,
    )
    sources = np.array([[83.0, 17.0], [301.0, 17.0]])
    receivers = np.array([[x, 12.0] for x in np.arange(20.0, 400.0, 40.0)])
    leading = EQUATIONS[equation].leading
    # Forces move rocks far less than pressure does in water.
    wavelet = (1e8 if leading == "vs" else 1.0) * ricker(times(0.004, SAMPLES), 15.0)
    true = 2000 + 400 * rng.random(GRID.shape)
    propagator = Propagator(discretization)
    earth = parameters(equation, random_earth(GRID.shape, 7, **{leading: true}))
    data = [propagator.forward(earth, wavelet[None], s[None], receivers) for s in sources]
    records = Gathers(Acquisition(sources, receivers), 0.004, np.stack(data), wavelet)
    scales = {"vp": PARAMETERIZATIONS[parameter]}
    scales |= {n: linear(UNITS.get(n, 1.0)) for n in names if n != "vp"}
    variables = Variables(tuple(Variable(n, -1e9, 1e9, 1.0, scales[n]) for n in names))
    start = random_earth(grid.shape, 7, **{leading: 2130 + 300 * rng.random(grid.shape)})
    x = variables.pack(start)
    return Objective(discretization, variables, start, of(records), InProcess()), x


def of(records: Gathers, windows: Sequence[Window] = ()) -> tuple[Experiment, ...]:
    """Shots that are compared by least squares."""
    return experiments(records, LeastSquares(), windows)


def records_of(f: Objective) -> Gathers:
    """The shots that an objective compares."""
    shots = f.experiments
    sources = np.concatenate([e.source for e in shots])
    return Gathers(
        Acquisition(sources, np.stack([e.receivers for e in shots])),
        0.004,
        np.stack([e.comparison.observed for e in shots]),
        shots[0].wavelet[0],
    )


# Half the waves' reach beyond the receivers.
APERTURE = 60.0


def placed(f: Objective, coarse: bool, windowed: bool) -> Objective:
    """The objective with waves on a coarser grid than FINE, in windows of the shots, or both."""
    regridding = Regridding(FINE, GRID.spacing) if coarse else None
    grid = regridding.coarse if regridding else GRID
    discretization = replace(f.discretization, grid=grid)
    windows: tuple[Window, ...] = ()
    if windowed:
        records = records_of(f)
        shots = records.acquisition
        offsets = np.array([[-30.0, 5.0], [40.0, 5.0]])
        near = Acquisition(shots.sources, shots.sources[:, None] + offsets)
        records = replace(records, acquisition=near, data=records.data[:, :2])
        margin = 4 * np.array(grid.spacing)
        windows = of_one_size(grid, beyond(near, APERTURE, margin), [(False, False)] * 2, 16)
        discretization = replace(discretization, grid=windows[0].local)
        f = replace(f, experiments=of(records, windows))
    return replace(f, discretization=discretization, regridding=regridding)


def slope(f: Objective, x: np.ndarray, direction: np.ndarray, h: float) -> float:
    """Derivative of the objective along a direction, by central differences."""
    return (f(x + h * direction)[0] - f(x - h * direction)[0]) / (2 * h)


CHOICES = {equation: EQUATIONS[equation].properties for equation in EQUATIONS}
CASES = [
    *[pytest.param(e, n, marks=pytest.mark.slow if e in LARGE else ()) for e, n in CHOICES.items()],
    ("variable_density", ("vp", "impedance")),
    ("variable_density", ("rho", "impedance")),
    ("variable_density", ("impedance",)),
    ("variable_density", ("rho",)),
]


@pytest.mark.parametrize(("equation", "names"), CASES)
def test_gradient_in_every_block(equation: str, names: tuple[str, ...]) -> None:
    """The derivative in each variable, at the others that stay, to 1e-6; then the Taylor slope."""
    f, x = objective("slowness", equation, names=names)
    value, gradient = f(x)
    assert gradient.shape == x.shape == (len(names), *GRID.shape)
    rng = np.random.default_rng(9)
    whole = 0.02 * x * rng.standard_normal(x.shape)
    for block in range(len(names)):
        direction = np.zeros(x.shape)
        direction[block] = whole[block]
        expected = slope(f, x, direction, 1e-3)
        assert np.vdot(gradient, direction) == pytest.approx(expected, rel=1e-6, abs=1e-12)
    steps = np.array([0.02, 0.01, 0.005, 0.0025])
    rests = [f(x + h * whole)[0] - value - h * np.vdot(gradient, whole) for h in steps]
    order = np.polyfit(np.log(steps), np.log(np.abs(rests)), 1)[0]
    assert order == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize(
    ("coarse", "windowed"), [(True, False), (False, True), (True, True)], ids=str
)
@pytest.mark.parametrize("names", [("vp",), ("vp", "impedance")])
def test_gradient_on_another_grid_and_in_windows(
    coarse: bool, windowed: bool, names: tuple[str, ...]
) -> None:
    """Still that of the objective: central differences to 1e-6, and the Taylor slope."""
    equation = "acoustic" if len(names) == 1 else "variable_density"
    f, x = objective("slowness", equation, names=names, grid=FINE if coarse else GRID)
    f = placed(f, coarse, windowed)
    x = x * (1 + 0.05 * np.random.default_rng(8).random(x.shape))
    if windowed:
        windows = [e.window for e in f.experiments if e.window is not None]
        assert len({w.start for w in windows}) == 2
        assert windows[0].shape[0] < windows[0].grid.shape[0]
    value, gradient = f(x)
    assert f.illumination is not None
    assert gradient.shape == (len(names), *f.illumination.shape) == x.shape
    direction = 0.02 * x * np.random.default_rng(9).standard_normal(x.shape)
    assert np.vdot(gradient, direction) == pytest.approx(slope(f, x, direction, 1e-3), rel=1e-6)
    steps = np.array([0.02, 0.01, 0.005, 0.0025])
    rests = [f(x + h * direction)[0] - value - h * np.vdot(gradient, direction) for h in steps]
    order = np.polyfit(np.log(steps), np.log(np.abs(rests)), 1)[0]
    assert order == pytest.approx(2, abs=0.01)


def test_what_cannot_be_recorded_changes_nothing() -> None:
    """Value and gradient in windows that waves cannot leave and come back to in time."""
    f, x = objective("vp")
    records = records_of(f)
    records = replace(
        records,
        acquisition=Acquisition(np.array([[303.0, 17.0]] * 2), np.array([[350.0, 12.0]])),
        data=records.data[:, :1, :30],
        wavelet=records.wavelet[:30],
    )
    axis = replace(f.discretization.time, samples=30)
    f = replace(f, experiments=of(records), discretization=replace(f.discretization, time=axis))
    # The time of all steps, which run on after the record; nothing is faster than 2500 m/s.
    duration = (30 + 16) * 0.004
    extents = recorded(
        records.acquisition, GRID, np.full(GRID.shape, 2500.0), duration, np.full(2, 40.0)
    )
    windows = of_one_size(GRID, extents, [(False, False)] * 2, 16)
    assert windows[0].start[0] > 0
    discretization = replace(f.discretization, grid=windows[0].local)
    (value, gradient), (cut_value, cut) = (
        f(x),
        replace(f, discretization=discretization, experiments=of(records, windows))(x),
    )
    assert cut_value == pytest.approx(value, rel=1e-12)
    assert np.linalg.norm(cut - gradient) < 1e-12 * np.linalg.norm(gradient)


def test_velocity_at_constant_impedance() -> None:
    """With the impedance as a variable, a change of vp changes the density the other way."""
    f, x = objective("vp", "variable_density", names=("vp", "impedance"))
    g, y = objective("vp", "variable_density", names=("vp", "rho"))
    assert f(x)[0] == pytest.approx(g(y)[0], rel=1e-12)
    changed = x.copy()
    changed[0] *= 1.1
    same = y.copy()
    same[0] *= 1.1
    same[1] /= 1.1
    assert f(changed)[0] == pytest.approx(g(same)[0], rel=1e-12)


def test_diagonal_is_what_x_changes_for_the_waves() -> None:
    """Squared changes of the parameters, each relative to its size, by central differences."""
    f, x = objective("slowness", "variable_density", names=("vp", "rho"))
    where = np.random.default_rng(5).random(GRID.shape) > 0.3
    f.others = {"vp": f.others["vp"]}

    def made(y: np.ndarray) -> dict[str, np.ndarray]:
        return parameters("variable_density", f.variables.earth(f.variables.unpack(y), f.others))

    size = {name: (values[where] ** 2).mean() for name, values in made(x).items()}
    diagonal = f.diagonal(x, where)
    for place in ((0, 0, 0), (0, 7, 9), (1, 0, 5), (1, 12, 3)):
        h = np.zeros_like(x)
        h[place] = 1e-4
        # A change at one node reaches the parameters at a few others (see `interfaces`).
        change = {n: (p - made(x - h)[n]).sum() / 2e-4 for n, p in made(x + h).items()}
        expected = sum(size["k"] / size[n] * c**2 for n, c in change.items())
        np.testing.assert_allclose(diagonal[place], expected, rtol=1e-6)


def test_impossible_models_are_refused() -> None:
    """Before any wave is computed, with the values that were tried."""
    f, x = objective("vp", "variable_density", names=("vp", "rho"))
    x[0, 3, 4] = 0.0
    with pytest.raises(ModelError, match=r"vp is 0 somewhere; it must be positive"):
        f(x)
    x[0] = 9.0
    with pytest.raises(StabilityError, match=r"vp from 9000 to 9000 m/s, rho from"):
        f(x)


@pytest.mark.parametrize("parameter", PARAMETERIZATIONS)
def test_gradient_against_central_differences(parameter: str) -> None:
    """Of the whole objective, in random directions, to 1e-6."""
    f, x = objective(parameter)
    value, gradient = f(x)
    assert 0.01 < value < 2
    rng = np.random.default_rng(1)
    for _ in range(3):
        direction = x * rng.standard_normal(x.shape)
        assert np.vdot(gradient, direction) == pytest.approx(slope(f, x, direction, 1e-5), rel=1e-6)


def test_value_is_the_share_that_is_not_explained() -> None:
    """Zero at the truth would need the truth; one where nothing is modelled."""
    f, x = objective("vp")
    f = replace(f, experiments=of(replace(records_of(f), wavelet=np.zeros(SAMPLES))))
    assert f(x)[0] == pytest.approx(1.0)


def test_illumination_is_positive_and_largest_at_the_sources() -> None:
    f, x = objective("vp")
    f(x)
    assert f.illumination is not None
    assert f.illumination.min() >= 0
    place = np.unravel_index(f.illumination.argmax(), GRID.shape)
    assert place[1] <= 4


def test_silent_data_are_refused() -> None:
    f, _ = objective("vp")
    records = records_of(f)
    with pytest.raises(DataError, match="all traces are silent"):
        of(replace(records, data=0 * records.data))


class ByParts(InProcess):
    """Hands over what tasks have in common once, and everything in pickles."""

    def __init__(self) -> None:
        self.common: list[Mapping[str, np.ndarray]] = []

    def map(self, tasks: Sequence[Any], done: Any = None) -> Iterator[Any]:
        for number, task in enumerate(tasks):
            if not any(task.common is other for other in self.common):
                self.common.append(task.common)
            detached = pickle.dumps(task.detached())
            assert len(detached) < 40_000
            yield pickle.loads(detached)(pickle.loads(pickle.dumps(task.common)))
            if done is not None:
                done(number)


@pytest.mark.parametrize("windowed", [False, True])
def test_workers_have_the_same_bits(windowed: bool) -> None:
    """The value, the gradient, the energy and the product, however shots are handed over."""
    f, x = objective("vp")
    f = placed(f, coarse=False, windowed=windowed)
    f = replace(f, experiments=f.experiments + f.experiments[:1])
    v = np.random.default_rng(2).standard_normal(x.shape)
    expected = [*f(x), f.illumination, f.energy(x), f.product(x, v, f.slopes(x))]
    executors = [ByParts(), Processes(2)]
    for executor in executors:
        f = replace(f, executor=executor)
        results = [*f(x), f.illumination, f.energy(x), f.product(x, v, f.slopes(x))]
        for result, values in zip(results, expected, strict=True):
            np.testing.assert_array_equal(result, values)
        executor.close()
    assert len(executors[0].common) == 4
