"""Histories that are kept in any way give the gradient of one that is stored."""

from __future__ import annotations

import gc
import warnings
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwicli.errors import CalculusError, StabilityError
from fwicli.propagators import history
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.history import Demand, HistoryOptions
from fwicli.propagators.kernels import compilation
from fwicli.propagators.running.kernel_run import KernelRun

Make = Callable[..., Any]
Images = dict[str, np.ndarray]

# Segments of 12 steps: most of them are repeated more than once.
CHECKPOINTS = HistoryOptions("checkpoints", checkpoints=3, segment=12)
BOUNDARY = HistoryOptions("boundary", segment=24)
EVERY_KIND = [
    HistoryOptions(),
    HistoryOptions("compressed"),
    HistoryOptions("fourier", frequencies=(10.0, 20.0)),
    HistoryOptions("probes", count=8),
    CHECKPOINTS,
    BOUNDARY,
    HistoryOptions("disk"),
]
LAYER_ONLY: tuple[str, ...] = ()
SURFACE = ("z-",)


def images(s: Any, scale: float = 1.0) -> Images:
    """Gradients of a shot; with its illumination where no other test's kernel would do without."""
    place = s.wavelet * scale, s.sources, s.receivers
    d = s.propagator.discretization
    plain = d.equation == "acoustic" and not d.layer.free
    kinds = ("gradient", "illumination") if plain else ("gradient",)
    found = s.propagator.images(s.model, lambda _: s.gather, *place, kinds=kinds)
    return {**found.gradient, **found.images}


def difference(a: Images, b: Images) -> float:
    """Largest relative difference of two sets of images."""
    assert a.keys() == b.keys()
    return max(float(np.linalg.norm(a[n] - b[n]) / np.linalg.norm(b[n])) for n in b)


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize(
    "keeping", [CHECKPOINTS, HistoryOptions("disk"), HistoryOptions("fourier"), BOUNDARY]
)
@pytest.mark.parametrize(
    ("equation", "wanted", "free"),
    [
        ("acoustic", None, LAYER_ONLY),
        ("acoustic", None, SURFACE),
        ("variable_density", ("k",), LAYER_ONLY),
        pytest.param("variable_density", ("k",), SURFACE, marks=pytest.mark.slow),
    ],
)
def test_exact_histories_give_the_stored_gradient(
    make_setting: Make, equation: str, wanted: Any, free: Any, keeping: HistoryOptions, every: int
) -> None:
    """To the last bit where the same steps are run, to round-off where they are not."""
    settings = {"equation": equation, "wanted": wanted, "every": every, "free": free}
    stored = images(make_setting(**settings))
    kept = images(make_setting(**settings, keeping=keeping))
    assert difference(kept, stored) <= (0.0 if keeping.kind in ("checkpoints", "disk") else 1e-11)


def test_derived_coefficients_pass_their_sums_on_once(make_setting: Make) -> None:
    """Sums are passed on to the parameters in every segment, and those of all segments add up."""
    stored = images(make_setting(equation="vti"))
    kept = images(make_setting(equation="vti", keeping=CHECKPOINTS))
    assert difference(kept, stored) < 1e-13


@pytest.mark.parametrize(("bits", "least", "most"), [(16, 1e-7, 1e-4), (8, 1e-4, 2e-2)])
def test_compressed_history_is_close(
    make_setting: Make, bits: int, least: float, most: float
) -> None:
    """To what the integers resolve, and no closer: noise at all frequencies is the worst case."""
    stored = images(make_setting())
    kept = images(make_setting(keeping=HistoryOptions("compressed", bits=bits)))
    assert least < difference(kept, stored) < most


def test_frequencies_share_the_gradient(make_setting: Make) -> None:
    """The gradients of some frequencies and of all others add to that of all, scale included."""
    whole = make_setting()
    steps, step = whole.propagator.resampling.steps, whole.propagator.time.step
    comb = np.arange(steps // 2 + 1) / (steps * step)
    parts = [
        make_setting(keeping=HistoryOptions("fourier", frequencies=tuple(some)))
        for some in (comb[5:20], np.concatenate([comb[:5], comb[20:]]))
    ]
    some, others = (images(s)["m"] for s in parts)
    assert np.linalg.norm(some) > 0.01 * np.linalg.norm(others)
    assert np.linalg.norm(some + others - images(whole)["m"]) < 1e-12 * np.linalg.norm(others)


@pytest.mark.parametrize("keeping", EVERY_KIND, ids=lambda k: k.kind)
def test_shots_do_not_share_their_history(make_setting: Make, keeping: HistoryOptions) -> None:
    """After another shot a shot has the same gradient; twice the source has twice the gradient."""
    s = make_setting(keeping=keeping, every=2)
    first, twice, again = images(s), images(s, 2.0), images(s)
    assert all(np.array_equal(again[n], first[n]) for n in first)
    assert np.array_equal(twice["m"], 2 * first["m"])
    assert np.array_equal(twice["illumination"], 4 * first["illumination"])


@pytest.mark.parametrize("keeping", EVERY_KIND, ids=lambda k: k.kind)
def test_arrays_go_with_the_propagator(make_setting: Make, keeping: HistoryOptions) -> None:
    """At once: those of an inversion's earlier stage would else stay beside those of the next."""
    s = make_setting(keeping=keeping)
    images(s)
    (runner,) = s.propagator._pool._idle
    arrays = weakref.ref(runner.arrays)
    del runner
    gc.disable()
    try:
        s.propagator._pool._idle.clear()
        assert arrays() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "keeping", [CHECKPOINTS, HistoryOptions("disk"), BOUNDARY], ids=lambda k: k.kind
)
def test_hessian_products_keep_both_histories(make_setting: Make, keeping: HistoryOptions) -> None:
    """Of the fields, and of their change."""
    stored, kept = make_setting(), make_setting(keeping=keeping)
    products = [
        s.propagator.hessian(s.model, s.perturbation, s.gather, s.wavelet, s.sources, s.receivers)
        for s in (stored, kept)
    ]
    assert difference(products[1], products[0]) < 1e-13


# Slow: no other quick test needs histories of the two largest equations; their fields are counted
# as those of the others.
@pytest.mark.parametrize(
    "equation",
    [
        pytest.param(
            e,
            marks=pytest.mark.slow
            if e in ("tti", "elastic_vti", "viscoacoustic", "viscoelastic")
            else (),
        )
        for e in EQUATIONS
    ],
)
def test_plan_knows_what_a_propagation_is_begun_anew_with(
    make_setting: Make, equation: str
) -> None:
    """The levels of fields that a kernel reads before it writes them are those of the footprint."""
    signature = make_setting(equation=equation).propagator.discretization.signature("forward")
    arrays = compilation.load(replace(signature, history=True)).arrays
    fields = [a for a in arrays if a.kind == "field"]
    footprint = EQUATIONS[equation].footprint(2)
    assert sum(len(a.remembered) for a in fields if not a.strips) == footprint.state
    assert sum(len(a.remembered) for a in fields if a.strips) == footprint.strips


@pytest.mark.parametrize("keeping", EVERY_KIND, ids=lambda k: k.kind)
def test_plan_knows_the_memory_and_the_steps(
    make_setting: Make, monkeypatch: pytest.MonkeyPatch, keeping: HistoryOptions
) -> None:
    """What a history holds is what the plan says, up to halos; it repeats as many steps."""
    s = make_setting(keeping=keeping, every=2)
    p, d = s.propagator, s.propagator.discretization
    run = 0
    advance = KernelRun._advance

    def counted(self: Any, first: int, last: int, base: int) -> None:
        nonlocal run
        run += last - first
        advance(self, first, last, base)

    monkeypatch.setattr(KernelRun, "_advance", counted)
    images(s)
    told = d.history_demand()
    assert run == 2 * p.resampling.steps + told.repeated(keeping)
    ours = ("history_", "codes_", "scales_", "spectrum_", "checkpoint", "kept_", "edge_")
    with p._pool.runner() as runner:
        arrays = runner.arrays._arrays
    used = sum(a.nbytes for (n, _), a in arrays.items() if n.startswith(ours))
    # On so small a grid rows are longer in memory by a quarter; states have halos on all sides.
    assert told.memory(keeping) <= used < 1.8 * told.memory(keeping)
    assert d.history == keeping


def test_less_memory_takes_more_time() -> None:
    """`auto` stores what fits, then repeats steps, and uses a disk last."""
    demand = Demand(steps=4000, every=5, step=0.001, snapshot=1000, state=2500, edge=200)
    whole = demand.memory(HistoryOptions())
    kinds, repeated = [], []
    for share in (1.0, 0.99, 0.55, 0.3, 0.1, 0.05, 0.02, 0.001):
        keeping, reason = demand.choose(int(share * whole))
        kinds.append(keeping.kind)
        repeated.append(demand.repeated(keeping))
        assert demand.memory(keeping) <= share * whole or keeping.kind == "disk"
        assert "to store it" in reason
    assert kinds == ["stored"] + 5 * ["checkpoints"] + 2 * ["disk"]
    assert repeated[:6] == sorted(repeated[:6])


def test_states_too_large_to_keep_are_not_kept() -> None:
    """Where few states fit, integers are quicker than the steps that would be repeated."""
    demand = Demand(steps=4000, every=5, step=0.001, snapshot=1000, state=200_000, edge=200)
    whole = demand.memory(HistoryOptions())
    assert demand.choose(int(0.55 * whole))[0] == HistoryOptions("compressed")
    assert demand.choose(int(0.9 * whole))[0].kind == "checkpoints"


def test_more_checkpoints_repeat_fewer_steps() -> None:
    """As few as theory allows: n segments are run r n - C(c + r, r - 1) times with c of them."""
    demand = Demand(steps=6000, every=1, step=0.001, snapshot=1, state=1, edge=1)
    repeated = [
        demand.repeated(HistoryOptions("checkpoints", checkpoints=c, segment=60))
        for c in (1, 5, 99)
    ]
    # One state repeats all that is before each segment; one for each repeats each once.
    assert repeated[0] == 60 * sum(range(100))
    assert repeated[0] > repeated[1] > repeated[2] == 60 * 99
    assert demand.repeated(HistoryOptions()) == 0


@pytest.mark.parametrize("keeping", EVERY_KIND, ids=lambda k: k.kind)
def test_failure_of_the_multiplier_is_explained(
    make_setting: Make, keeping: HistoryOptions
) -> None:
    """The place and step are found by running again, which needs the history once more."""
    s = make_setting(keeping=keeping)
    place = s.wavelet, s.sources, s.receivers
    with np.errstate(all="ignore"), pytest.raises(StabilityError, match=r"`adj_\w+` at step \d+"):
        s.propagator.images(s.model, lambda d: 1e307 * np.sign(d), *place)


def test_boundary_is_refused_where_the_equation_cannot_be_reversed(make_setting: Make) -> None:
    """The gradient by density needs fluxes, which belong to the step before."""
    s = make_setting(equation="variable_density", keeping=BOUNDARY)
    with pytest.raises(CalculusError, match="checkpoints"):
        images(s)
    assert history.irreversible(EQUATIONS["variable_density"], 2) == {"a0", "a1"}
    assert not history.irreversible(EQUATIONS["variable_density"], 2, ("k",))


def test_waves_that_overflow_are_explained_once(make_setting: Make) -> None:
    """Compression takes what is not finite in silence; the error after the run says why."""
    s = make_setting(keeping=HistoryOptions("compressed"), precision="float32")
    too_fast = {"m": s.model["m"] / 100}
    place = s.wavelet, s.sources, s.receivers
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with pytest.raises(StabilityError, match=r"`u` at step \d+"):
            s.propagator.images(too_fast, lambda d: d, *place)
