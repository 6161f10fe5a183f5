"""What is impossible is said before anything runs, with the fix; the plan tells the rest."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from fwicli.config.loader import ProblemsError, load
from fwicli.workflows.planning import inversion_checks
from fwicli.workflows.planning.plan import Plan, make_plan
from fwicli.workflows.planning.problems import Problems


def impossible(path: Path, *settings: str, kind: str | None = None) -> list[str]:
    with pytest.raises(ProblemsError) as caught:
        make_plan(load(path, kind, settings))
    assert caught.value.exit_code == 3
    return [str(p) for p in caught.value.problems]


def test_plan_of_a_model(survey: Path) -> None:
    made = make_plan(load(survey / "model.yaml"))
    (numerics,) = made.stages
    assert numerics.grid.shape == (61, 41)
    assert numerics.time.substeps >= 1
    assert numerics.padded == (61 + 24, 41 + 24)
    summary = made.summary()
    assert summary["shots"] == 4
    assert summary["memory_mb"] > 0


def test_step_is_that_of_the_bounds(survey: Path) -> None:
    """The time step of an inversion is stable for every model that the bounds allow."""

    def step(made: Plan) -> float:
        return made.stages[-1].time.step

    usual = make_plan(load(survey / "invert.yaml"))
    fast = make_plan(load(survey / "invert.yaml", settings=["inversion.bounds=[1450, 9000]"]))
    assert step(fast) < 0.5 * step(usual)
    assert fast.stages[-1].layer.velocity == 9000


def test_stencil_is_that_of_the_config(survey: Path) -> None:
    """It reaches the propagator, and its time step and points per wavelength are planned with."""
    usual, best = (
        make_plan(load(survey / "model.yaml", settings=settings)).stages[0]
        for settings in ((), ("physics.stencil=optimised",))
    )
    assert usual.discretization().stencil == usual.point_source.stencil == "taylor"
    assert best.discretization().stencil == best.point_source.stencil == "optimised"
    coarse = impossible(survey / "model.yaml", "physics.stencil=optimised", "wavelet.frequency=48")
    assert "order 8 needs 3.5" in " ".join(coarse)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["physics.order=4"], "physics.stencil: there are no optimised stencils of order 4"),
        (
            ["physics.equation=tti", "model.epsilon=0.2", "model.delta=0.1", "model.theta=0.2"],
            "physics.stencil: the equation takes differences over both sides of a point",
        ),
    ],
)
def test_stencils_that_there_are_not(survey: Path, settings: list[str], said: str) -> None:
    (problem,) = impossible(survey / "model.yaml", "physics.stencil=optimised", *settings)
    assert said in problem


@pytest.mark.parametrize("command", ["model", "invert"])
@pytest.mark.parametrize(
    ("delta", "equal", "warned"), [(0.2, 0, False), (0.1, 0, True), (0.1, 8, False)]
)
def test_sources_of_slow_shear_waves_are_named(
    command: str, delta: float, equal: int, warned: bool, survey: Path, tmp_path: Path
) -> None:
    """A source in a fluid whose delta is below epsilon sends them; one in an ellipse does not."""
    deltas = np.full(np.load(survey / "true.npy").shape, delta)
    deltas[:, :equal] = 0.2
    np.save(tmp_path / "delta.npy", deltas)
    anisotropy = [
        "physics.equation=vti",
        "model.rho=1000",
        "model.epsilon=0.2",
        f"model.delta={tmp_path / 'delta.npy'}",
    ]
    warnings = make_plan(load(survey / f"{command}.yaml", settings=anisotropy)).warnings
    named = [w for w in warnings if "also sends slow shear waves" in w]
    assert bool(named) == warned
    assert all("where epsilon is 0.2 and delta 0.1" in w for w in named)


def test_all_impossibilities_in_one_go(survey: Path) -> None:
    """Sources outside, an unstable step and a grid too coarse, each at its place."""
    found = impossible(
        survey / "model.yaml",
        "geometry.sources.x=[-100, 300]",
        "geometry.receivers.z=-20",
        "wavelet.frequency=48",
        "physics.substeps=1",
    )
    text = "\n".join(found)
    assert len(found) == 4
    assert "1 of 2 sources lie outside the model, the first, number 0, at (-100, 20) m" in text
    assert "31 of 31 receivers lie outside" in text
    assert "sign of depths" in text
    assert "time step 0.004 s is unstable: at vp_max = 2700 m/s" in text
    assert "points per wavelength" in text
    assert "use a model with a spacing of" in text


def test_spacing_that_is_advised_works(survey: Path) -> None:
    """What the message says to type passes the check."""
    (found,) = impossible(survey / "model.yaml", "wavelet.frequency=40")
    advised = float(found.partition("with a spacing of ")[2].split()[0])
    make_plan(
        load(
            survey / "model.yaml",
            settings=[
                "wavelet.frequency=40",
                f"model.spacing={advised}",
                "geometry.sources.x=50",
                "geometry.receivers.x=60",
            ],
        )
    )
    make_plan(
        load(
            survey / "model.yaml",
            settings=["wavelet.frequency=40", "physics.min_points_per_wavelength=1.0"],
        )
    )


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("model.vp.file=nothing.npy", "there is no file"),
        ("time.duration=0.001", "no second sample"),
    ],
)
def test_single_impossibility(survey: Path, setting: str, message: str) -> None:
    (found, *_) = impossible(survey / "model.yaml", setting)
    assert message in found


def test_density_where_the_equation_needs_it(survey: Path, tmp_path: Path) -> None:
    """Missing, in another unit, impossible, or of no use."""
    varying = "physics.equation=variable_density"
    (found,) = impossible(survey / "model.yaml", varying)
    assert "needs `rho`, and the model has only `vp`: give `model.rho`" in found
    settings = [varying, "model.rho=2.1", "model.rho_unit=g/cm3"]
    made = make_plan(load(survey / "model.yaml", settings=settings))
    assert made.model.others["rho"].min() == 2100
    assert made.memory > make_plan(load(survey / "model.yaml")).memory
    rho = np.full((61, 41), 2000.0)
    rho[3, 4] = -1
    np.save(tmp_path / "rho.npy", rho)
    (found,) = impossible(survey / "model.yaml", varying, f"model.rho={tmp_path}/rho.npy")
    assert "rho is -1.0 kg/m3 at x = 30 m, z = 40 m" in found
    settings = [varying, "model.rho=2.1"]
    (warning,) = make_plan(load(survey / "model.yaml", settings=settings)).warnings
    assert "rho from 2.1 to 2.1 kg/m3, which no rock has; check `model.rho_unit`" in warning
    (warning,) = make_plan(load(survey / "model.yaml", settings=["model.rho=2000"])).warnings
    assert "`model.rho` is not used by the equation `acoustic`" in warning


def test_warnings(survey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is possible but hardly meant: another unit, a slow bound, too much memory."""
    assert make_plan(load(survey / "model.yaml")).warnings == []
    (told,) = impossible(survey / "model.yaml", "model.unit=km/s")
    assert "no rock is so fast, check the unit of vp" in told
    setting = "inversion.bounds=[500, 3000]"
    warnings = make_plan(load(survey / "invert.yaml", settings=[setting])).warnings
    assert any("down to the lower bound, 500 m/s" in w for w in warnings)
    monkeypatch.setattr("os.sysconf", lambda name: 2000)
    (warning,) = make_plan(load(survey / "model.yaml")).warnings
    assert "that there are for them; lower `execution.workers`" in warning


def test_impossible_velocities(survey: Path, tmp_path: Path) -> None:
    vp = np.load(survey / "true.npy")
    for value, words in ((np.nan, "nan"), (-5.0, "-5.0")):
        vp[10, 20] = value
        np.save(tmp_path / "bad.npy", vp)
        (found,) = impossible(survey / "model.yaml", f"model.vp.file={tmp_path}/bad.npy")
        assert f"vp is {words} m/s at x = 100 m, z = 200 m" in found


def test_raw_file_of_the_wrong_size(survey: Path, tmp_path: Path) -> None:
    np.load(survey / "true.npy").tofile(tmp_path / "vp.bin")
    setting = f"model.vp={{file: {tmp_path}/vp.bin, shape: [61, 40]}}"
    (found,) = impossible(survey / "model.yaml", setting)
    assert "has 10004 bytes, but shape [61, 40] of float32 takes 9760" in found
    good = f"model.vp={{file: {tmp_path}/vp.bin, shape: [61, 41]}}"
    assert make_plan(load(survey / "model.yaml", settings=[good])).model.slowest == 1500


def test_data_that_do_not_fit(survey: Path, tmp_path: Path) -> None:
    """Missing datasets, sizes that disagree, dead data and bands without energy."""
    path = survey / "invert.yaml"
    (found, *_) = impossible(path, "data.traces=seismogram")
    assert "no dataset `seismogram`; it has: data" in found
    broken = tmp_path / "broken.h5"
    broken.write_bytes((survey / "shots" / "shots.h5").read_bytes())
    with h5py.File(broken, "r+") as file:
        del file["receiver_x"]
        file["receiver_x"] = np.arange(7.0)
    (found, *_) = impossible(path, f"data.file={broken}")
    assert "has shape (7,); it must be (31,), one for each receiver" in found
    silent = tmp_path / "silent.h5"
    silent.write_bytes((survey / "shots" / "shots.h5").read_bytes())
    with h5py.File(silent, "r+") as file:
        file["data"][...] = 0
    assert any("all traces are zero" in p for p in impossible(path, f"data.file={silent}"))
    (found,) = impossible(path, "inversion.stages.0.band=[90, 110]")
    assert "the wavelet has no energy from 90 to 110 Hz" in found


def test_bounds_must_hold_the_start(survey: Path) -> None:
    (found,) = impossible(survey / "invert.yaml", "inversion.bounds=[2500, 3200]")
    assert "outside the bounds 2500 to 3200 m/s" in found
    assert "inversion.bounds" in found


def test_reference_must_fit(survey: Path) -> None:
    found = impossible(survey / "invert.yaml", "reference.spacing=20")
    assert any("they must agree" in p for p in found)


def test_shots_are_selected(survey: Path) -> None:
    made = make_plan(load(survey / "invert.yaml", settings=["data.shots='1::2'"]))
    assert made.acquisition.shots == 2
    (found,) = impossible(survey / "invert.yaml", "data.shots='9:'")
    assert "none of them is selected" in found


def test_towed_streamer_and_areal_layout(survey: Path) -> None:
    """Offsets from each source; combined coordinates."""
    settings = [
        "geometry.receivers={x: {start: 20, stop: 60, step: 20}, z: 30, towed: true}",
        "geometry.sources.x={start: 100, stop: 300, step: 100}",
    ]
    made = make_plan(load(survey / "model.yaml", settings=settings))
    np.testing.assert_array_equal(
        made.acquisition.receivers_of(1), [[220, 30], [240, 30], [260, 30]]
    )
    settings = ["geometry.sources={x: [100, 200], z: [20, 40, 60], layout: grid}"]
    assert make_plan(load(survey / "model.yaml", settings=settings)).acquisition.shots == 6
    (found, *_) = impossible(
        survey / "model.yaml", "geometry.sources={x: [100, 200], z: [1, 2, 3]}"
    )
    assert "layout: grid" in found


def test_free_surface_has_no_layer(survey: Path) -> None:
    """And no gap for sources near it."""
    settings = ["physics.free_surface=true", "geometry.sources.z=13"]
    (numerics,) = make_plan(load(survey / "model.yaml", settings=settings)).stages
    assert numerics.padded == (61 + 24, 41 + 12)
    assert numerics.layer.gap == 0


def test_sides_without_a_layer(survey: Path) -> None:
    """Those that are not named have a pressure of zero; the top may be left to `free_surface`."""

    def layer(*settings: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
        inside = "geometry.receivers.x={start: 20, stop: 580, step: 20}"
        (numerics,) = make_plan(load(survey / "model.yaml", settings=[inside, *settings])).stages
        return numerics.padded, numerics.layer.free

    sides = "physics.absorbing.sides=[left, bottom]"
    assert layer(sides) == ((61 + 12, 41 + 12), ("x+", "z-"))
    assert layer(sides, "physics.free_surface=true") == layer(sides)
    assert layer("physics.absorbing.sides=[]") == ((61, 41), ("x-", "x+", "z-", "z+"))
    everywhere = "physics.absorbing.sides=[left, right, top, bottom]"
    assert layer(everywhere) == layer() == ((61 + 24, 41 + 24), ())


def test_sides_that_cannot_be(survey: Path) -> None:
    """A side that 2D has not, one that there is not, and a top that is both."""
    (found,) = impossible(survey / "model.yaml", "physics.absorbing.sides=[left, front]")
    assert "has no side `front`; its sides are left, right, top, bottom" in found
    for sides, message in (("upper", "must be one of"), ("top", "exclude each other")):
        settings = [f"physics.absorbing.sides=[{sides}]", "physics.free_surface=true"]
        with pytest.raises(ProblemsError, match=message):
            load(survey / "model.yaml", settings=settings)


def test_free_sides_stay_on_a_coarse_grid(survey: Path) -> None:
    """A grid that ends beyond the model would move the side where the pressure is zero."""
    sides = "physics.absorbing.sides=[left, right, top]"
    spacing = "inversion.stages=[{band: [0, 6], spacing: %s}]"
    (found,) = impossible(survey / "invert.yaml", sides, spacing % 15)
    assert "moves the end of the model along z" in found
    make_plan(load(survey / "invert.yaml", settings=[spacing % 15]))
    make_plan(load(survey / "invert.yaml", settings=[sides, spacing % 16]))


def test_interpolation_is_passed_on(survey: Path) -> None:
    """Linear interpolation needs no gap one cell from the edge, and reaches the propagator."""
    settings = ["geometry.sources.z=13", "physics.interpolation=linear"]
    (numerics,) = make_plan(load(survey / "model.yaml", settings=settings)).stages
    assert numerics.layer.gap == 0
    assert numerics.discretization().interpolation == "linear"


def test_source_near_the_edge_gets_a_gap(survey: Path) -> None:
    """Where a sinc function would reach into the layer, undamped cells are added."""
    assert make_plan(load(survey / "model.yaml")).stages[0].layer.gap == 0
    moved = make_plan(load(survey / "model.yaml", settings=["geometry.sources.z=13"]))
    assert moved.stages[0].layer.gap == 4
    deep = make_plan(load(survey / "model.yaml", settings=["geometry.sources.z=113"]))
    assert deep.stages[0].layer.gap == 0


@pytest.mark.parametrize(
    ("name", "setting", "advised"),
    [
        ("model", "physics.history=full", False),
        ("invert", "physics.history=full", True),
        ("invert", "physics.history=auto", False),
    ],
)
def test_memory_advice_is_of_the_command(
    survey: Path, name: str, setting: str, advised: bool
) -> None:
    """Histories are advised only where shots keep one, and another than is advised."""
    loaded = load(survey / f"{name}.yaml", settings=["execution.memory=0.1", setting])
    (warning,) = (t for t in make_plan(loaded).warnings if "shots at once take" in t)
    assert ("history: auto" in warning) is advised


@pytest.mark.parametrize(
    ("name", "setting", "key"),
    [
        (
            "invert",
            "inversion.stages=[{band: [0, HIGH], iterations: 1}]",
            "inversion.stages.0.band",
        ),
        ("rtm", "imaging.band=[0, HIGH]", "imaging.band"),
    ],
)
def test_band_above_nyquist_is_a_warning(survey: Path, name: str, setting: str, key: str) -> None:
    """At 4 ms nothing is above 125 Hz."""
    for high, warned in ((124, False), (126, True)):
        loaded = load(survey / f"{name}.yaml", settings=[setting.replace("HIGH", str(high))])
        warnings = [text for text in make_plan(loaded).warnings if "Nyquist" in text]
        assert [text.startswith(f"`{key}` ends at 126 Hz") for text in warnings] == [True] * warned


@pytest.mark.parametrize(
    ("highest", "warned"),
    [((4, 8), []), ((8, 8), []), ((8, 4, 6), [2]), ((8, 6, 4), [2, 3])],
)
def test_falling_bands_are_a_warning(
    survey: Path, highest: tuple[int, ...], warned: list[int]
) -> None:
    stages = ", ".join(f"{{band: [0, {high}], iterations: 1}}" for high in highest)
    loaded = load(survey / "invert.yaml", settings=[f"inversion.stages=[{stages}]"])
    warnings = [text for text in make_plan(loaded).warnings if "rising frequencies" in text]
    numbers = [int(text.split()[4]) for text in warnings]
    assert numbers == warned


def test_histories_fit_the_memory(survey: Path) -> None:
    """`auto` takes less memory when there is less, and says so; what is asked for is taken."""

    def planned(*settings: str) -> Plan:
        return make_plan(load(survey / "invert.yaml", settings=settings))

    whole = planned()
    assert {s.history.kind for s in whole.stages} == {"stored"}
    for share in (0.7, 0.45):
        least = whole.stages[1].working(gradient=True)
        room = least + share * (whole.memory - least)
        made = planned(f"execution.memory={(whole.total.fixed + 2 * room) / 1e9}")
        assert made.stages[1].history.kind == "checkpoints"
        assert made.memory <= room
        assert "more than" in made.summary()["history"][1]
    assert planned("physics.history=full").stages[1].history_step == 1
    (first, second) = planned("physics.history={keep: fourier, frequencies: [5, 15]}").stages
    assert (first.history.frequencies, second.history.frequencies) == ((5.0,), (5.0, 15.0))
    assert planned("physics.history={keep: compressed, bits: 8}").stages[0].history.bits == 8
    probed = planned("physics.history={keep: probes, count: 6}")
    assert (probed.stages[0].history.kind, probed.stages[0].history.count) == ("probes", 6)
    assert "3 random frequencies" in probed.summary()["history"][0]
    assert probed.memory < whole.memory
    (even, _) = planned("physics.history={keep: fourier, count: 4}").stages
    share = np.array(even.history.frequencies) / even.highest_frequency
    np.testing.assert_allclose(share, [0.25, 0.75])


def test_histories_that_cannot_be_are_refused(survey: Path) -> None:
    """Frequencies outside the band, and equations that do not run backwards."""
    (told,) = impossible(
        survey / "invert.yaml", "physics.history={keep: fourier, frequencies: [15]}"
    )
    assert "there are no waves at 15 Hz in a band that ends at" in told
    density = ("physics.equation=velocity_pressure", "model.rho=1000", "physics.history=boundary")
    told, *_ = impossible(survey / "invert.yaml", *density)
    assert "not found again backwards in time; use `physics.history: checkpoints`" in told


BOUNDS = [
    ("vp", (1000.0, 50000.0)),
    ("vp", (1.0, 5000.0)),
    ("vp", (20000.0, 50000.0)),
    ("rho", (1.0, 3000.0)),
    ("rho", (1000.0, 25000.0)),
    ("impedance", (1e3, 1e7)),
    ("impedance", (1e6, 1e9)),
    ("epsilon", (-0.1, 20.0)),
    ("delta", (-10.0, 0.2)),
    ("theta", (-45.0, 45.0)),
    ("phi", (0.0, 90.0)),
]


@pytest.mark.parametrize(("name", "ends"), BOUNDS)
def test_bounds_of_no_rock(name: str, ends: tuple[float, float]) -> None:
    """Of every property; what the message advises goes without a word."""

    def warnings(*ends: float) -> list[str]:
        problems = Problems(None)  # type: ignore[arg-type]
        inversion_checks._plausible(problems, ("inversion", "bounds"), name, (ends[0], ends[1]))
        return problems.warnings

    (text,) = warnings(*ends)
    assert f"lets {name} be from {ends[0]:g} to {ends[1]:g}" in text
    advised = re.search(r"set `inversion.bounds: \[(.*), (.*)\]`", text)
    assert advised or "check them" in text
    if advised:
        assert not warnings(*map(float, advised.groups()))


def test_bounds_of_no_rock_are_told(survey: Path) -> None:
    made = make_plan(load(survey / "invert.yaml", settings=["inversion.bounds=[1000, 50000]"]))
    assert any("lets vp be from 1000 to 50000 m/s" in w for w in made.warnings)
    made = make_plan(load(survey / "invert.yaml"))
    assert not any("lets vp be" in w for w in made.warnings)
