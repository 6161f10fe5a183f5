"""`fwi rtm`, from config to image."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli import Grid, HistoryOptions, TimeAxis
from fwicli.config.loader import load
from fwicli.errors import ConfigError
from fwicli.imaging.conditions.names import LAGGED_GATHERS
from fwicli.plotting import pictures
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.history import EXCITATION
from fwicli.workflows import rtm
from fwicli.workflows.exchange.opening import FileLayout
from fwicli.workflows.planning import migration
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.planning.problems import Problems
from fwicli.workflows.viewing.drawing.drawable import PictureOptions
from fwicli.workflows.viewing.plot import available
from fwicli.workflows.viewing.plot import run as plot
from tests.earths import plain
from tests.equations import LARGE
from tests.workflows.test_model import StopAfter


def image(folder: Path) -> np.ndarray:
    with h5py.File(folder / "image.h5") as file:
        return np.array(file["image"])


@pytest.mark.usefixtures("drawn_pictures")
def test_image_shows_the_reflector(survey: Path, tmp_path: Path) -> None:
    """It correlates with the reflectivity of the true model; the pictures are there."""
    summary = rtm.run(load(survey / "rtm.yaml"), tmp_path / "run")
    assert summary["correlation"] > 0.4
    assert image(tmp_path / "run").shape == (61, 41)
    for name in ("image.png", "reflectivity.png"):
        assert (tmp_path / "run" / name).stat().st_size > 5000


@pytest.mark.parametrize(
    "condition", ["gradient", pytest.param("correlation", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    "equation",
    [
        pytest.param(e, marks=pytest.mark.slow if e in LARGE else ())
        for e, stated in EQUATIONS.items()
        if e != "acoustic" and "vp" in stated.properties
    ],
)
def test_every_equation_images(survey: Path, tmp_path: Path, equation: str, condition: str) -> None:
    """Where the earth is the same, so is the image."""
    needed = [n for n in EQUATIONS[equation].properties if n != "vp"]
    # Kernels are those of `make_setting`, whose grid has no use for higher frequencies.
    common = [f"imaging.condition={condition}", "imaging.band=[3, 12]", "physics.order=4"]
    common += ["physics.precision=float64"]
    common += [f"{model}.spacing=[10, 12]" for model in ("model", "reference")]
    settings = [*common, f"physics.equation={equation}"]
    settings += [f"model.{name}={plain(name)}" for name in needed]
    if EQUATIONS[equation].constant_q:
        # That of `make_setting`.
        settings.append("physics.reference_frequency=20")
    rtm.run(load(survey / "rtm.yaml", settings=settings), tmp_path / "run")
    rtm.run(load(survey / "rtm.yaml", settings=common), tmp_path / "acoustic")
    found, expected = image(tmp_path / "run"), image(tmp_path / "acoustic")
    similarity = np.vdot(found, expected) / np.linalg.norm(found) / np.linalg.norm(expected)
    assert similarity > 0.99
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(expected), rel=0.05)


def test_interrupted_image_is_the_same(survey: Path, tmp_path: Path) -> None:
    """Bit for bit, with another number of workers."""
    rtm.run(load(survey / "rtm.yaml"), tmp_path / "whole")
    loaded = load(survey / "rtm.yaml", settings=["execution.workers=1"])
    with pytest.raises(KeyboardInterrupt):
        rtm.run(loaded, tmp_path / "run", progress=StopAfter(2))
    rtm.run(loaded, tmp_path / "run", resume=True)
    np.testing.assert_array_equal(image(tmp_path / "run"), image(tmp_path / "whole"))


@pytest.mark.parametrize("history", ["{keep: fourier, count: 40}", "{keep: probes, count: 40}"])
def test_short_histories_make_the_image(survey: Path, tmp_path: Path, history: str) -> None:
    """Frequencies summed on the fly, and random traces of the field, instead of its snapshots."""
    rtm.run(load(survey / "rtm.yaml"), tmp_path / "whole")
    settings = [f"physics.history={history}"]
    rtm.run(load(survey / "rtm.yaml", settings=settings), tmp_path / "short")
    short, whole = image(tmp_path / "short"), image(tmp_path / "whole")
    assert not np.array_equal(short, whole)
    assert np.vdot(short, whole) > 0.95 * np.linalg.norm(short) * np.linalg.norm(whole)


# Too coarse for the wavelet, but enough to see the grid change.
GRID = ["imaging.spacing=20", "physics.min_points_per_wavelength=2"]


def test_options_change_the_image(survey: Path, tmp_path: Path) -> None:
    """Condition, illumination, filter, band and grid all do what they say."""

    def run(name: str, *settings: str) -> None:
        loaded = load(survey / "rtm.yaml", settings=["execution.workers=1", *settings])
        rtm.run(loaded, tmp_path / name)

    run("base")
    options = {
        "condition": "imaging.condition=gradient",
        "illumination": "imaging.illumination=0",
        "laplacian": "imaging.laplacian=false",
        "subtract": "imaging.subtract_modelled=false",
        "band": "imaging.band=[5, 15]",
        "max_angle": "imaging.max_angle=20",
        "both": "imaging.illumination_of=both",
        "hessian": "imaging.illumination_of=hessian",
        "smoothing": "imaging.illumination_smoothing=50",
        "low_cut": "imaging.low_cut=150",
        "max_dip": "imaging.max_dip=15",
        "up_down": "imaging.condition=up_down",
        "left_right": "imaging.condition=left_right",
        "excitation": "imaging.condition=excitation",
        "velocity": "imaging.condition=velocity",
        "impedance": "imaging.condition=inverse_scattering",
        "tomographic": "imaging.condition=tomographic",
    }
    for name, setting in options.items():
        run(name, setting)
        changed, plain = image(tmp_path / name), image(tmp_path / "base")
        assert np.isfinite(changed).all()
        scale = np.vdot(changed, plain) / np.vdot(plain, plain)
        assert np.linalg.norm(changed - scale * plain) > 1e-2 * np.linalg.norm(changed), name
    run("mute", "imaging.mute=200")
    muted = image(tmp_path / "mute")
    assert not muted[:, :20].any()
    np.testing.assert_array_equal(muted[:, 20:], image(tmp_path / "base")[:, 20:])
    run("tapered", "imaging.mute=200", "imaging.mute_taper=100", "imaging.gain=80")
    tapered = image(tmp_path / "tapered")
    assert (np.abs(tapered) <= np.abs(muted)).all()
    assert not np.array_equal(tapered, muted)
    np.testing.assert_array_equal(tapered[:, 31:], muted[:, 31:])  # gain is for pictures alone
    run("grid", *GRID)
    assert image(tmp_path / "grid").shape == (31, 21)


def test_gain_is_for_display_and_said(
    survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the title of each picture, whose values are balanced; the file has the image itself."""
    drawn: dict[str, list[tuple[str, np.ndarray]]] = {}
    for name, settings in (("plain", []), ("gain", ["imaging.gain=80"])):
        pictured = drawn.setdefault(name, [])

        def noted(path: Path, values: np.ndarray, _: Any, title: str) -> None:
            pictured.append((title, values))  # noqa: B023 - it is called in this turn alone

        monkeypatch.setattr(pictures, "image", noted)
        rtm.run(load(survey / "rtm.yaml", settings=settings), tmp_path / name)
    assert len(drawn["gain"]) == len(drawn["plain"]) == 2
    assert not any("gain" in title for title, _ in drawn["plain"])
    for (title, values), (_, plain_values) in zip(*map(drawn.get, ("gain", "plain")), strict=True):
        assert "gain for display: amplitudes balanced over 80 m" in title
        assert not np.allclose(
            values / np.abs(values).max(), plain_values / np.abs(plain_values).max(), atol=0.05
        )
    np.testing.assert_array_equal(image(tmp_path / "gain"), image(tmp_path / "plain"))


@pytest.mark.parametrize(
    ("kind", "largest", "count"),
    [
        ("subsurface_offset", 50.0, 11),
        ("time_shift", 0.016, 17),
        ("source_distance", 300.0, 21),
        ("surface_offset", 600.0, 8),
        ("common_shot", None, 4),
    ],
)
def test_gathers_are_written_and_drawn(
    survey: Path, tmp_path: Path, kind: str, largest: float | None, count: int
) -> None:
    """With the same bits after an interruption; the picture is there."""
    lag = "" if largest is None else f"largest: {largest}, "
    settings = [f"imaging.gathers={{kind: {kind}, {lag}at: [200, 400]}}"]
    lagged = kind in LAGGED_GATHERS
    if lagged:
        settings = [settings[0].replace("at:", "angles: 40, at:")]
    loaded = load(survey / "rtm.yaml", settings=[*settings, "execution.workers=1"])
    rtm.run(loaded, tmp_path / "whole")
    with h5py.File(tmp_path / "whole" / "gathers.h5") as file:
        gathers, lags = file["gathers"][()], file["lags"][()]
        assert file.attrs["kind"] == kind
        angles = file["angle_gathers"].shape if "angles" in file else None
        names = {"curvature", "velocity_ratio"} & set(file)
    assert names == ({"curvature"} if lagged else {"velocity_ratio"})
    assert gathers.shape == (len(lags), 61, 41)
    assert len(lags) == count
    first = {"surface_offset": 37.5, "common_shot": 60.0}.get(kind, -lags[-1])
    assert lags[0] == pytest.approx(first)
    assert angles == ((17, 61, 41) if lagged else None)
    assert (tmp_path / "whole" / "image_gathers.png").stat().st_size > 5000
    drawn = "angle_gathers" if angles else "gathers"
    assert drawn in available(tmp_path / "whole", FileLayout())
    picture = tmp_path / "gathers.png"
    options = PictureOptions(places={"x": 300.0}, stated=("x",))
    plot(tmp_path / "whole", drawn, picture, options, FileLayout())
    assert picture.stat().st_size > 2000
    outside = PictureOptions(places={"x": 601.0}, stated=("x",))
    with pytest.raises(ConfigError, match=r"no gather at x = 601 m.*0 to 600 m"):
        plot(tmp_path / "whole", drawn, picture, outside, FileLayout())
    with pytest.raises(KeyboardInterrupt):
        rtm.run(loaded, tmp_path / "run", progress=StopAfter(2))
    rtm.run(loaded, tmp_path / "run", resume=True)
    with h5py.File(tmp_path / "run" / "gathers.h5") as file:
        np.testing.assert_array_equal(file["gathers"][()], gathers)


@pytest.mark.parametrize("kind", ["surface_offset, largest: 600, bins: 3", "common_shot, bins: 2"])
@pytest.mark.parametrize(
    "condition", ["correlation", "inverse_scattering", "up_down", "left_right", "excitation"]
)
def test_gathers_of_bins_add_up(survey: Path, tmp_path: Path, condition: str, kind: str) -> None:
    """To the image before filters, by every kind of condition; with workers as without."""
    chosen = f"imaging.condition={condition}"
    alone = load(survey / "rtm.yaml", settings=[chosen, "execution.workers=1"])
    rtm.run(alone, tmp_path / "plain")
    gathers = f"imaging.gathers={{kind: {kind}}}"
    rtm.run(load(survey / "rtm.yaml", settings=[chosen, gathers]), tmp_path / "bins")
    with h5py.File(tmp_path / "plain" / "image.h5") as file:
        plain = file["unfiltered"][()]
    with h5py.File(tmp_path / "bins" / "gathers.h5") as file:
        bins = file["gathers"][()]
    assert bins.any(axis=(1, 2)).all()
    assert np.linalg.norm(bins.sum(axis=0) - plain) < 1e-5 * np.linalg.norm(plain)


def test_excitation_keeps_no_history(survey: Path) -> None:
    """The plan counts three snapshots and a segment; a history of the config is not for it."""
    chosen = "imaging.condition=excitation"
    plan = make_plan(load(survey / "rtm.yaml", settings=[chosen]))
    stage = plan.stages[0]
    assert stage.history == EXCITATION
    assert stage.discretization().history == EXCITATION
    assert not stage.fields
    demand = stage.demand()
    assert demand.memory(stage.history) < demand.memory(HistoryOptions())
    settings = [chosen, "physics.history=checkpoints"]
    (warning,) = make_plan(load(survey / "rtm.yaml", settings=settings)).warnings
    assert "`physics.history: checkpoints` is not for" in warning
    settings = [chosen, "imaging.illumination_of=both"]
    stage = make_plan(load(survey / "rtm.yaml", settings=settings)).stages[0]
    assert stage.history == HistoryOptions()
    assert stage.fields == demand.memory(EXCITATION)


def test_gathers_by_offset_are_planned(survey: Path) -> None:
    """Their propagations, memory and time; traces that no bin has are said."""
    plain = make_plan(load(survey / "rtm.yaml"))
    gathers = "imaging.gathers={kind: surface_offset, largest: 600, bins: 5}"
    plan = make_plan(load(survey / "rtm.yaml", settings=[gathers]))
    stage = plan.stages[0]
    assert any("in 5 bins of 120 m" in note for note in plan.notes)
    assert 2 < stage.propagations <= 4
    assert plan.memory - plain.memory == 5 * np.prod(stage.grid.shape) * 12
    assert plan.total.nbytes > plain.total.nbytes + plan.workers * (plan.memory - plain.memory)
    assert not plan.warnings
    few = "imaging.gathers={kind: surface_offset, largest: 100}"
    (warning,) = make_plan(load(survey / "rtm.yaml", settings=[few])).warnings
    assert "leaves" in warning
    assert "% of the traces out of the gathers" in warning
    refused = {
        "{kind: surface_offset}": "needs its `largest`",
        "{kind: common_shot, largest: 3}": "which has all shots",
        "{kind: time_shift, largest: 0.1, bins: 3}": "`bins` is not for",
    }
    for setting, message in refused.items():
        with pytest.raises(ConfigError, match=message):
            load(survey / "rtm.yaml", settings=[f"imaging.gathers={setting}"])


def test_histories_with_gaps_are_doubted(survey: Path) -> None:
    """From less than two snapshots a period on; the warning says how many steps may be left out."""

    def warnings(every: int) -> list[str]:
        history = f"physics.history={{keep: stored, every: {every}}}"
        return make_plan(load(survey / "rtm.yaml", settings=[history])).warnings

    (warning,) = warnings(40)
    most = int(warning.rpartition(" ")[2])
    stage = make_plan(load(survey / "rtm.yaml")).stages[0]
    assert 2 * stage.highest_frequency * most * stage.time.step <= 1
    assert stage.history_step < most < 40
    assert not warnings(most)
    assert f"at most {most}" in warnings(most + 1)[0]


@pytest.mark.slow
@pytest.mark.parametrize("condition", ["inverse_scattering", "tomographic"])
def test_contrasts_of_two_equations_are_alike(survey: Path, tmp_path: Path, condition: str) -> None:
    """Constant density as a density of its own gives the same image."""
    images = {}
    for equation in ("acoustic", "variable_density"):
        settings = [f"imaging.condition={condition}", f"physics.equation={equation}"]
        settings += ["model.rho=1000"] if equation != "acoustic" else []
        rtm.run(load(survey / "rtm.yaml", settings=settings), tmp_path / equation)
        images[equation] = image(tmp_path / equation)[5:-5, 10:-5]
    difference = images["acoustic"] - images["variable_density"]
    assert np.linalg.norm(difference) < 0.05 * np.linalg.norm(images["acoustic"])


@pytest.mark.slow
@pytest.mark.parametrize("condition", ["epsilon", "delta", "density"])
def test_anisotropic_media_have_images_of_their_properties(
    survey: Path, tmp_path: Path, condition: str
) -> None:
    """Each differs from the image of velocity by more than a factor."""
    settings = ["physics.equation=vti", "model.epsilon=0", "model.delta=0"]
    images = []
    for name in ("velocity", condition):
        loaded = load(survey / "rtm.yaml", settings=[*settings, f"imaging.condition={name}"])
        rtm.run(loaded, tmp_path / name)
        images.append(image(tmp_path / name).ravel())
    a, b = images
    assert np.isfinite(b).all()
    assert abs(np.vdot(a, b)) < 0.98 * np.linalg.norm(a) * np.linalg.norm(b)


def test_a_second_filter_of_backscatter_is_said(survey: Path) -> None:
    """A Laplacian of an earlier config, with a condition that needs none; alone it is right."""
    settings = ["imaging.laplacian=true"]
    assert not make_plan(load(survey / "rtm.yaml", settings=settings)).warnings
    settings += ["imaging.condition=inverse_scattering"]
    (warning,) = make_plan(load(survey / "rtm.yaml", settings=settings)).warnings
    assert "`imaging.condition: inverse_scattering`" in warning
    assert "leave `imaging.laplacian` out" in warning


@pytest.mark.parametrize("other", ["condition=excitation", "illumination=0"])
def test_an_energy_that_divides_nothing_is_said(survey: Path, other: str) -> None:
    """It takes propagations; with another image it does not."""
    settings = ["imaging.illumination_of=both"]
    assert not make_plan(load(survey / "rtm.yaml", settings=settings)).warnings
    settings.append(f"imaging.{other}")
    (warning,) = make_plan(load(survey / "rtm.yaml", settings=settings)).warnings
    assert "`imaging.illumination_of: both`" in warning
    assert f"`imaging.{other.replace('=', ': ')}`" in warning


TINY = "execution.memory=0.0005"
ANGLES = "{kind: subsurface_offset, largest: 50, angles: 40}"


def test_conditions_of_other_equations_are_refused(survey: Path) -> None:
    """Before anything runs, with the names of those that the equation has."""
    loaded = load(survey / "rtm.yaml", settings=["imaging.condition=epsilon"])
    with pytest.raises(ConfigError, match=r"no image `epsilon`.*inverse_scattering"):
        make_plan(loaded)
    refused = {
        "low_cut=19": "every wavelength that the grid of 10 m has",
        "gathers={kind: subsurface_offset, largest: 301}": "set at most 300 m",
        "gathers={kind: time_shift, largest: 20}": r"half of the record.* set at most 0.\d+ s",
        "gathers={kind: source_distance, largest: 300, at: [200, 601]}": "601 m is outside",
    }
    for setting, message in refused.items():
        with pytest.raises(ConfigError, match=message):
            make_plan(load(survey / "rtm.yaml", settings=[f"imaging.{setting}"]))
    make_plan(load(survey / "rtm.yaml", settings=["imaging.low_cut=20"]))
    loaded = load(survey / "rtm.yaml", settings=[f"imaging.gathers={ANGLES}"])
    cube = Grid((21, 5, 9), (10.0, 10.0, 10.0), (0.0, 0.0, 0.0))
    numerics: Any = SimpleNamespace(grid=cube, time=TimeAxis(0.004, 151))
    problems = Problems(loaded)
    migration._check_filters(problems, loaded.config.imaging, numerics)
    assert "angle gathers are for models in 2D" in str(problems.errors[0])
    with pytest.raises(ConfigError, match=r"both fields of a shot.*fewer"):
        make_plan(load(survey / "rtm.yaml", settings=["imaging.condition=up_down", TINY]))
    settings = ["imaging.condition=gradient", "imaging.illumination_of=hessian"]
    with pytest.raises(ConfigError, match="illumination_of: both"):
        load(survey / "rtm.yaml", settings=settings)
