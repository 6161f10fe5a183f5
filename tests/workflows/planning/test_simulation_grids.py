"""Grids to the band and windows of the shots, from config to result."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from fwicli.config.loader import Loaded, ProblemsError, load
from fwicli.files import hdf5
from fwicli.propagators.sampling import stability
from fwicli.workflows import invert, model, rtm
from fwicli.workflows.planning.plan import make_plan
from tests.workflows.test_invert import StopAtUpdate, result
from tests.workflows.test_model import StopAfter
from tests.workflows.test_rtm import image

AUTO = "physics.grid=auto"
# Receivers near their sources, whose windows are smaller than the model.
TOWED = [
    "geometry.sources.x=[60, 180, 300, 420]",
    "geometry.receivers={x: {start: 60, stop: 160, step: 20}, z: 20, towed: true}",
]
# So short that waves come back from a part of the model only.
SHORT = [
    "geometry.sources.x=[60, 540]",
    "geometry.receivers={x: {start: -40, stop: 40, step: 20}, z: 20, towed: true}",
    "wavelet={kind: ricker, frequency: 17, delay: 0.04}",
    "physics.min_points_per_wavelength=1",
    "time={interval: 0.002, duration: 0.14}",
]


def config(survey: Path, command: str, *settings: str) -> Loaded:
    return load(survey / f"{command}.yaml", settings=settings)


def test_grid_is_the_coarsest_that_the_band_allows(survey: Path) -> None:
    """Slightly longer cells would be refused; the model keeps its own grid."""
    made = make_plan(config(survey, "model", AUTO))
    (numerics,) = made.stages
    across, down = numerics.grid.spacing
    assert across == down > 15
    assert numerics.earth == made.model.grid
    assert numerics.points_per_wavelength >= stability.fewest_points(8)
    with pytest.raises(ProblemsError, match=r"physics.grid: 3.3. points per wavelength"):
        make_plan(config(survey, "model", f"physics.grid={1.02 * across}"))
    told = made.summary()["stages"][0]
    assert told["grid"] == "40x27"
    assert told["model_grid"] == "61x41"
    lower = make_plan(config(survey, "model", AUTO, "physics.order=16")).stages[0].grid
    assert lower.spacing[0] > across
    same = make_plan(config(survey, "model", AUTO, "wavelet.frequency=17")).stages[0]
    assert same.grid == made.model.grid
    assert same.earth is None


def test_stages_take_the_grid_of_their_band_and_bounds(survey: Path) -> None:
    """Unknowns on it, or only the waves; the lower bound is sampled well enough."""
    stages = "inversion.stages=[{band: [0, 8], spacing: auto}, {band: [0, 12]}]"
    made = make_plan(config(survey, "invert", stages, AUTO, "inversion.bounds=[1300, 3200]"))
    assert made.warnings == []
    low, high = made.stages
    assert low.earth is None
    assert high.earth == made.model.grid
    assert low.grid.spacing[0] > high.grid.spacing[0] > 10
    for numerics in made.stages:
        found = stability.points_per_wavelength(
            1300, numerics.highest_frequency, numerics.grid.spacing
        )
        assert found >= stability.fewest_points(8)


def test_images_have_two_points_in_half_a_wavelength(survey: Path) -> None:
    for setting in ("physics.grid=auto", "imaging.spacing=auto"):
        (numerics,) = make_plan(config(survey, "rtm", setting)).stages
        assert numerics.points_per_wavelength >= 4
        assert numerics.grid.spacing[0] > 12


def test_free_sides_stay(survey: Path) -> None:
    """The coarsest grid ends where the pressure is zero."""
    sides = "physics.absorbing.sides=[left, top]"
    inside = "geometry.receivers.x={start: 20, stop: 580, step: 20}"
    (numerics,) = make_plan(config(survey, "model", AUTO, sides, inside)).stages
    np.testing.assert_allclose(numerics.grid.end, (600, 400))
    assert numerics.grid.spacing[0] > 13


def test_lengths_that_cannot_be(survey: Path) -> None:
    for setting, message in (
        ("physics.grid=fine", "must be one of: model, auto, or a length"),
        ("physics.aperture=far", "must be one of: whole, auto, or a length"),
        ("physics.aperture=-10", "greater than 0"),
        ("imaging.spacing=coarse", "must be auto, or a length"),
    ):
        with pytest.raises(ProblemsError, match=message):
            config(survey, "rtm", setting)
    with pytest.raises(ProblemsError, match="9 m is finer than the model"):
        make_plan(config(survey, "model", "physics.grid=9"))


def test_records_on_the_coarsest_grid(survey: Path, tmp_path: Path) -> None:
    """Those of the model's grid within 2 %, where source and receiver are not in the same cells."""
    model.run(config(survey, "model", AUTO), tmp_path / "run")
    found = hdf5.read_gathers(tmp_path / "run" / model.RESULT)
    expected = hdf5.read_gathers(survey / "shots" / model.RESULT)
    geometry = found.acquisition
    offset = np.abs(geometry.sources[:, None, 0] - geometry.receivers[None, :, 0])
    for shot in range(geometry.shots):
        far = offset[shot] > 50
        difference = (found.data[shot].astype(float) - expected.data[shot])[far]
        assert np.linalg.norm(difference) < 0.02 * np.linalg.norm(expected.data[shot][far])


def test_records_of_what_can_be_recorded(survey: Path, tmp_path: Path) -> None:
    """They are those of the whole model, full of scatterers; half of it was propagated."""
    rough = 1500 + 1200 * np.random.default_rng(0).random((61, 41))
    np.save(tmp_path / "rough.npy", rough)
    earth = f"model.vp.file={tmp_path}/rough.npy"
    for aperture in ("auto", "whole"):
        loaded = config(survey, "model", *SHORT, earth, f"physics.aperture={aperture}")
        if aperture == "auto":
            (numerics,) = make_plan(loaded).stages
            assert np.prod(numerics.window(0).shape) < 0.6 * np.prod(numerics.grid.shape)
        model.run(loaded, tmp_path / aperture)
    found, expected = (
        hdf5.read_gathers(tmp_path / name / model.RESULT).data.astype(float)
        for name in ("auto", "whole")
    )
    assert np.linalg.norm(found - expected) < 1e-6 * np.linalg.norm(expected)


def test_windows_share_kernels_and_arrays(survey: Path) -> None:
    """Those of the whole model; one discretization serves all shots."""
    numerics, whole = (
        make_plan(config(survey, "model", *TOWED, f"physics.aperture={a}")).stages[0]
        for a in (50, "whole")
    )
    assert len(set(numerics.windows)) == 4
    assert {w.local for w in numerics.windows} == {numerics.discretization().grid}
    made, other = numerics.discretization(), whole.discretization()
    for kind in ("forward", "gradient"):
        assert made.signature(kind) == other.signature(kind)
    assert numerics.memory(gradient=True) < 0.7 * whole.memory(gradient=True)


def test_only_the_time_that_is_used(survey: Path) -> None:
    """Shorter records take as many steps fewer, and smaller windows."""
    settings = ["data.duration=0.14", "data.shots='0'", "physics.aperture=auto"]
    long = make_plan(config(survey, "invert", *settings[1:]))
    short = make_plan(config(survey, "invert", *settings))
    assert short.gathers is not None
    assert long.gathers is not None
    np.testing.assert_array_equal(short.gathers.data, long.gathers.data[..., :36])
    assert short.wavelet.shape == (36,)
    for number, numerics in enumerate(short.stages):
        substeps = numerics.time.substeps
        assert long.stages[number].steps - numerics.steps == (151 - 36) * substeps
    for duration in (0.7, 0.001):
        with pytest.raises(ProblemsError, match=r"choose one from 0.004 to 0.6 s"):
            make_plan(config(survey, "invert", f"data.duration={duration}"))


def test_windows_near_a_free_surface_begin_there(survey: Path) -> None:
    deep = ["geometry.sources.z=350", "geometry.receivers.z=350"]
    settings = [*SHORT, *deep, "physics.free_surface=true", "physics.aperture=auto"]
    (numerics,) = make_plan(config(survey, "model", *settings)).stages
    assert {w.start[1] for w in numerics.windows} == {0}
    assert len({w.start[0] for w in numerics.windows}) == 2
    assert numerics.padded == (numerics.window(0).shape[0] + 24, numerics.window(0).shape[1] + 12)
    told = numerics.summary()
    assert told["window"] == "x".join(map(str, numerics.window(0).shape))


@pytest.fixture(scope="module")
def streamer(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of receivers near their source, and configs that invert and migrate them."""
    folder = tmp_path_factory.mktemp("streamer")
    model.run(config(survey, "model", *TOWED), folder / "shots")
    for name in ("invert", "rtm"):
        text = (survey / f"{name}.yaml").read_text().replace("true.npy", f"{survey}/true.npy")
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


APERTURE = "physics.aperture=80"


def test_inversion_on_a_grid_and_in_windows(streamer: Path, tmp_path: Path) -> None:
    """The misfit falls, the water stays, and a stop does not show in the result."""
    # The grid of other inversions, whose kernels it shares.
    settings = ["inversion.stages.1.band=[0, 12]", "physics.grid=20", APERTURE]
    made = make_plan(config(streamer, "invert", *settings))
    for numerics in made.stages:
        assert len({w.start for w in numerics.windows}) > 1
        assert numerics.grid.spacing[0] > 12
    summary = invert.run(config(streamer, "invert", *settings), tmp_path / "whole")
    history = hdf5.read_history(tmp_path / "whole" / invert.RESULT)
    for stage in (1, 2):
        misfits = history["misfit"][history["stage"] == stage]
        assert misfits[-1] < 0.8 * misfits[0]
    assert summary["model_error"] == pytest.approx(history["model_error"][-1])
    found = result(tmp_path / "whole")
    np.testing.assert_array_equal(found[:, :6], 1500.0)
    for number, updates in enumerate((7, 18)):
        with pytest.raises(KeyboardInterrupt):
            invert.run(
                config(streamer, "invert", *settings, "execution.workers=1"),
                tmp_path / "run",
                resume=number > 0,
                progress=StopAtUpdate(updates),
            )
    invert.run(config(streamer, "invert", *settings), tmp_path / "run", resume=True)
    np.testing.assert_array_equal(result(tmp_path / "run"), found)


# Images are brought to the model's grid alike; test_near_source has that of the gradient on a grid.
@pytest.mark.parametrize(
    "condition", ["correlation", pytest.param("gradient", marks=pytest.mark.slow)]
)
def test_image_on_a_grid(survey: Path, tmp_path: Path, condition: str) -> None:
    """That of the model's grid, below the water; its illumination, too."""
    settings = [f"imaging.condition={condition}"]
    rtm.run(config(survey, "rtm", *settings), tmp_path / "model")
    rtm.run(config(survey, "rtm", *settings, AUTO), tmp_path / "auto")
    for name in ("unfiltered", "illumination"):
        found, expected = (
            hdf5.read_array(tmp_path / folder / rtm.RESULT, name)[0][:, 8:].astype(float)
            for folder in ("auto", "model")
        )
        similarity = np.vdot(found, expected) / np.linalg.norm(found) / np.linalg.norm(expected)
        assert similarity > 0.99, name
        assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(expected), rel=0.1), name
    assert image(tmp_path / "auto").shape == (61, 41)


def test_image_in_windows(streamer: Path, tmp_path: Path) -> None:
    """Each shot adds to its window alone; a stop does not show in the sum."""
    one = "data.shots='1'"
    rtm.run(config(streamer, "rtm", APERTURE, one), tmp_path / "one")
    (window,) = make_plan(config(streamer, "rtm", APERTURE, one)).stages[0].windows
    with h5py.File(tmp_path / "one" / rtm.RESULT) as file:
        illumination = file["illumination"][()]
    inside = np.zeros(illumination.shape, dtype=bool)
    inside[window.start[0] : window.start[0] + window.shape[0]] = True
    assert inside.mean() < 0.6
    np.testing.assert_array_equal(illumination > 0, inside)
    rtm.run(config(streamer, "rtm", APERTURE), tmp_path / "whole")
    single = config(streamer, "rtm", APERTURE, "execution.workers=1")
    with pytest.raises(KeyboardInterrupt):
        rtm.run(single, tmp_path / "run", progress=StopAfter(2))
    rtm.run(single, tmp_path / "run", resume=True)
    np.testing.assert_array_equal(image(tmp_path / "run"), image(tmp_path / "whole"))
