"""`fwi lsrtm`, from config to image."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli import Propagator
from fwicli.config.loader import load
from fwicli.errors import ConfigError
from fwicli.files import hdf5
from fwicli.imaging import reflectivity
from fwicli.propagators.kernels import compilation, library, toolchain
from fwicli.workflows import lsrtm, model, rtm
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.run_folder.progress import Silent
from fwicli.workflows.viewing import status
from fwicli.workflows.viewing.report import run as report
from tests import pictures


class StopAt(Silent):
    """Interrupts a run when so many shots are done, those of all gradients and products."""

    def __init__(self, shots: int) -> None:
        self.left = shots

    def update(self, done: int) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def dataset(folder: Path, name: str = "image") -> np.ndarray:
    with h5py.File(folder / "image.h5") as file:
        return np.array(file[name])


def steps(folder: Path) -> list[dict[str, float]]:
    text = (folder / "progress.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def whole(survey: Path) -> Path:
    """Folder of a run that was never interrupted."""
    with pictures.drawn():
        lsrtm.run(load(survey / "lsrtm.yaml"), survey / "lsrtm")
    return survey / "lsrtm"


def test_residual_falls_and_the_image_shows_the_reflector(whole: Path) -> None:
    """Step by step; the image correlates with the reflectivity; the pictures are there."""
    residuals = [step["residual"] for step in steps(whole)]
    assert len(residuals) == 4
    assert residuals[0] == pytest.approx(1.0)
    assert (np.diff(residuals) < 0).all()
    assert steps(whole)[-1]["correlation"] > 0.4
    for name in ("image.png", "reflectivity.png", "convergence.png", "residual.png"):
        assert (whole / name).stat().st_size > 2000, name


def test_status_tells_the_iteration(whole: Path) -> None:
    report = status.run(whole)
    assert (report.kind, report.state, report.iteration) == ("lsrtm", "finished", 3)
    assert report.iterations == [3]


@pytest.mark.parametrize("after", [2, 7])
def test_interrupted_image_is_the_same(
    survey: Path, whole: Path, tmp_path: Path, after: int
) -> None:
    """Bit for bit, with another number of workers; in the first gradient, and in a step."""
    loaded = load(survey / "lsrtm.yaml", settings=["execution.workers=1"])
    with pytest.raises(KeyboardInterrupt):
        lsrtm.run(loaded, tmp_path / "run", progress=StopAt(after))
    lsrtm.run(loaded, tmp_path / "run", resume=True)
    for name in ("image", "perturbation", "illumination"):
        np.testing.assert_array_equal(dataset(tmp_path / "run", name), dataset(whole, name))
    assert [s["residual"] for s in steps(tmp_path / "run")] == [s["residual"] for s in steps(whole)]


def test_a_job_of_an_array_goes_on(survey: Path, whole: Path, tmp_path: Path) -> None:
    """After an interrupt, without any option; bit for bit, as by processes."""
    files = ["execution.engine=files", "execution.workers=1"]
    loaded = load(survey / "lsrtm.yaml", settings=files)
    with pytest.raises(KeyboardInterrupt):
        lsrtm.run(loaded, tmp_path / "run", progress=StopAt(7))
    assert not (tmp_path / "run" / "image.h5").exists()
    lsrtm.run(loaded, tmp_path / "run")
    np.testing.assert_array_equal(dataset(tmp_path / "run"), dataset(whole))
    assert not (tmp_path / "run" / "exchange").exists()


@pytest.mark.cluster
def test_dask_makes_the_same_image(survey: Path, whole: Path, tmp_path: Path) -> None:
    """Bit for bit, as by processes."""
    loaded = load(survey / "lsrtm.yaml", settings=["execution.engine=dask"])
    lsrtm.run(loaded, tmp_path / "run")
    np.testing.assert_array_equal(dataset(tmp_path / "run"), dataset(whole))


def test_more_iterations_extend_a_run(survey: Path, whole: Path, tmp_path: Path) -> None:
    """As if it had been begun with them; fewer are refused."""
    path, fewer = survey / "lsrtm.yaml", "least_squares.iterations=1"
    lsrtm.run(load(path, settings=[fewer]), tmp_path / "run")
    lsrtm.run(load(path), tmp_path / "run", resume=True)
    np.testing.assert_array_equal(dataset(tmp_path / "run"), dataset(whole))
    with pytest.raises(ConfigError, match="to more of them"):
        lsrtm.run(load(path, settings=[fewer]), tmp_path / "run", resume=True)


def test_report_shows_course_and_image(whole: Path, tmp_path: Path) -> None:
    """With the records of a shot in the smooth model, as those of a migration."""
    summary = report.run(whole, tmp_path / "page.html", shots=1)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Residual by step" in text
    assert "Image of the reflectors" in text
    assert summary["shots_modelled"]


# --- amplitudes, and records of linearised waves -------------------------------------------------

LAYERS = """\
model: {vp: 2000.0, shape: [121, 51], spacing: 10}
reference: {vp: {file: layers.npy}, spacing: 10}
data: {file: shots/shots.h5}
least_squares: {iterations: 20, mute: 100}
execution: {workers: 2}
"""
RECORDS = """\
model: {vp: {file: layers.npy}, spacing: 10}
geometry:
  sources: {x: {start: 100, stop: 1100, count: 6}, z: 20}
  receivers: {x: {start: 0, stop: 1200, step: 20}, z: 20}
wavelet: {kind: ricker, frequency: 12}
time: {interval: 0.004, duration: 0.8}
execution: {workers: 2}
"""


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers, whose impedance differs by 2 %, their records, and a model of the upper one."""
    folder = tmp_path_factory.mktemp("layers")
    vp = np.full((121, 51), 2000.0)
    vp[:, 25:] = 2040.0
    np.save(folder / "layers.npy", vp.astype(np.float32))
    (folder / "model.yaml").write_text(RECORDS, encoding="utf-8")
    (folder / "lsrtm.yaml").write_text(LAYERS, encoding="utf-8")
    model.run(load(folder / "model.yaml"), folder / "shots")
    return folder


def test_amplitude_is_the_contrast_of_impedance(layers: Path, tmp_path: Path) -> None:
    """Within 5 %, where the reflection points of the offsets lie."""
    summary = lsrtm.run(load(layers / "lsrtm.yaml"), tmp_path / "run")
    assert summary["residual"] < 0.35
    found, true = dataset(tmp_path / "run"), dataset(tmp_path / "run", "reflectivity")
    x = slice(35, 86)
    amplitude = np.vdot(found[x], true[x]) / np.vdot(true[x], true[x])
    assert amplitude == pytest.approx(1.0, abs=0.05)
    peaks = found[x, 20:31].max(axis=1) / true[x, 20:31].max(axis=1)
    assert np.abs(peaks.mean() - 1) < 0.05


def test_ghosts_are_part_of_the_linearised_records(layers: Path, tmp_path: Path) -> None:
    """Below a free surface the image is that of the contrast; without one in J it is not."""
    surface = "physics.free_surface=true"
    model.run(load(layers / "model.yaml", settings=[surface]), tmp_path / "shots")
    settings = [f"data.file={tmp_path / 'shots' / 'shots.h5'}", "least_squares.iterations=10"]
    # Reflections alone: direct waves have ghosts, too.
    mute = [
        "least_squares.conditioning=[{kind: moveout, velocity: 1900, after: 0.25, taper: 0.05}]"
    ]
    errors = {}
    for name, more in (("with", [surface]), ("without", [])):
        loaded = load(layers / "lsrtm.yaml", settings=[*settings, *mute, *more])
        lsrtm.run(loaded, tmp_path / name)
        estimate, true = (dataset(tmp_path / name, n)[35:86] for n in ("image", "reflectivity"))
        errors[name] = np.linalg.norm(estimate - true) / np.linalg.norm(true)
    assert errors["with"] < 0.4
    assert errors["without"] > 2 * errors["with"]


def test_linearised_records_are_explained(layers: Path, tmp_path: Path) -> None:
    """Records F q + J dm leave less than 0.35 of J dm after 20 iterations."""
    records = hdf5.read_gathers(layers / "shots" / "shots.h5")
    acquisition, wavelet = records.acquisition, records.wavelet_of(0)[None]
    change = 0.05 * np.random.default_rng(2).standard_normal((121, 51))
    change[:, :12] = 0.0
    F = Propagator.for_model(
        np.full((121, 51), 2000.0), 10.0, dt=0.004, samples=records.samples, frequency=30.0
    )
    p = F.parameters(vp=np.full((121, 51), 2000.0))
    gathers = []
    for shot in range(acquisition.shots):
        at = acquisition.source(shot), acquisition.receivers_of(shot)
        dm = {"m": (-2 * p["m"] * change).astype(np.float32)}
        gathers.append(F.forward(p, wavelet, *at) + F.jacobian(p, dm, wavelet, *at))
    hdf5.write_gathers(tmp_path / "linear.h5", replace(records, data=np.stack(gathers)), {})
    settings = [f"data.file={tmp_path / 'linear.h5'}"]
    summary = lsrtm.run(load(layers / "lsrtm.yaml", settings=settings), tmp_path / "run")
    assert summary["residual"] < 0.35


BREGMAN = "least_squares.solver={kind: bregman, batch: 2, quantile: 0.5, transform: {kind: none}}"
CHOICES = {
    "bregman": [BREGMAN],
    "fista": ["least_squares.solver={kind: fista, weight: 0.001, transform: {kind: none}}"],
    "source": ["least_squares.source={estimate: shot, damping: 0.01, lags: [-0.1, 0.1]}"],
    "common": ["least_squares.source={estimate: common, lags: [-0.1, 0.1]}", BREGMAN],
    "water": ["least_squares.subtract_modelled=water"],
    "evened": [
        "least_squares.line_source={velocity: 2000, delay: 0.1}",
        "least_squares.conditioning=[{kind: moveout, velocity: 1500, after: 0.2, taper: 0.05}, "
        "{kind: time_derivative, order: -0.5}]",
    ],
    "restarted": [
        "least_squares.solver={kind: conjugate_gradients, restart: 2, damping: 0.01}",
        "least_squares.source={estimate: shot, damping: 0.01, lags: [-0.1, 0.1]}",
    ],
    "wavelets": [
        "least_squares.solver={kind: fista, weight: 0.001, transform: {kind: wavelet, levels: 2}}",
        "least_squares.source={estimate: common, lags: [-0.1, 0.1]}",
    ],
    "curvelets": [
        "least_squares.solver={kind: bregman, batch: 3, order: random, seed: 5, quantile: 0.5, "
        "transform: {kind: curvelet, scales: 2}}",
    ],
}
# Libraries of the domains in which images are sparse.
LIBRARIES = {"wavelets": "pywt", "curvelets": "curvelets"}


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_is_resumed_to_the_bit(survey: Path, tmp_path: Path, choice: str) -> None:
    """Sparse solvers, batches, unknown wavelets: an interrupted run ends like a whole one."""
    if choice in LIBRARIES:
        pytest.importorskip(LIBRARIES[choice], reason="the extra `sparsity` is not installed")
    loaded = load(survey / "lsrtm.yaml", settings=[*CHOICES[choice], "execution.workers=1"])
    lsrtm.run(loaded, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        lsrtm.run(loaded, tmp_path / "run", progress=StopAt(9))
    lsrtm.run(loaded, tmp_path / "run", resume=True)
    np.testing.assert_array_equal(dataset(tmp_path / "run"), dataset(tmp_path / "whole"))
    residuals = [step["residual"] for step in steps(tmp_path / "whole")]
    assert residuals[-1] < 0.95
    assert dataset(tmp_path / "whole").any()


def test_another_wavelet_is_estimated(survey: Path, tmp_path: Path) -> None:
    """The image for a wavelet half as strong and late is that for the true one."""
    late = "wavelet={kind: ricker, frequency: 12, delay: 0.12, amplitude: 0.5}"
    settings = [late, "least_squares.source={estimate: common, damping: 1e-6}"]
    lsrtm.run(load(survey / "lsrtm.yaml", settings=settings), tmp_path / "late")
    lsrtm.run(load(survey / "lsrtm.yaml"), tmp_path / "true")
    late_image, true = (
        dataset(tmp_path / "late", "perturbation"),
        dataset(tmp_path / "true", "perturbation"),
    )
    similarity = np.vdot(late_image, true) / np.linalg.norm(late_image) / np.linalg.norm(true)
    assert similarity > 0.95
    assert dataset(tmp_path / "late", "wavelets/01/estimated").shape[0] in (1, 4)


def test_images_are_in_the_band_of_the_estimated_wavelet(
    survey: Path, whole: Path, tmp_path: Path
) -> None:
    """A first guess of higher frequency does not change the reflectivity that is looked for."""
    settings = [
        "wavelet={kind: ricker, frequency: 18}",
        "least_squares.source={estimate: common, damping: 1e-6}",
        "least_squares.iterations=1",
    ]
    lsrtm.run(load(survey / "lsrtm.yaml", settings=settings), tmp_path / "run")
    other, true = dataset(tmp_path / "run", "reflectivity"), dataset(whole, "reflectivity")
    assert np.vdot(other, true) > 0.99 * np.linalg.norm(other) * np.linalg.norm(true)


def test_an_image_is_stretched_to_its_own_depths(survey: Path, whole: Path, tmp_path: Path) -> None:
    """`stretch` leaves the perturbation as it is, and draws its reflectivity at other depths."""
    setting = "least_squares.stretch=true"
    lsrtm.run(load(survey / "lsrtm.yaml", settings=[setting]), tmp_path / "run")
    perturbation = dataset(tmp_path / "run", "perturbation")
    plan = make_plan(load(survey / "lsrtm.yaml"))
    at = plan.model, plan.wavelet, plan.interval
    expected = reflectivity.of_change(perturbation, *at, stretched=True)
    scale = np.linalg.norm(expected)
    np.testing.assert_array_equal(perturbation, dataset(whole, "perturbation"))
    assert np.linalg.norm(dataset(tmp_path / "run") - expected) < 1e-6 * scale
    assert np.linalg.norm(dataset(whole) - expected) > 1e-3 * scale


@pytest.mark.parametrize(("scale", "warned"), [(1.0, False), (0.05, True)])
def test_a_stretch_of_wrong_amplitudes_is_doubted(
    survey: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, scale: float, warned: bool
) -> None:
    """A wavelet 20 times too weak makes reflectors 20 times too strong."""
    settings = [
        "least_squares.stretch=true",
        "least_squares.iterations=2",
        f"wavelet={{kind: ricker, frequency: 10, amplitude: {scale}}}",
        "least_squares.subtract_modelled=false",
        "least_squares.conditioning=[{kind: moveout, velocity: 1500, after: 0.2, taper: 0.05}]",
    ]
    lsrtm.run(load(survey / "lsrtm.yaml", settings=settings), tmp_path / "run")
    assert ("true amplitude" in caplog.text) == warned


MUTED = [
    ("{kind: moveout, velocity: 1500, after: 0.2}", True),
    ("{kind: moveout_by_frequency, velocities: [[4, 1500], [8, 900]], after: 0.2}", True),
    ("{kind: first_arrivals, before: 0.3, mute: true}", True),
    ("{kind: moveout, velocity: 1500, before: 0.2}", False),
    ("{kind: moveout, velocity: 1500, after: 0.4, mute: true}", False),
]


@pytest.mark.parametrize(("conditioning", "warned"), MUTED)
def test_muted_direct_waves_tell_no_wavelet(survey: Path, conditioning: str, warned: bool) -> None:
    """A warning says so, unless a window for the wavelet is given."""

    def warnings(source: str) -> list[str]:
        settings = [
            f"least_squares.conditioning=[{conditioning}]",
            f"least_squares.source={source}",
        ]
        plan = make_plan(load(survey / "lsrtm.yaml", settings=settings))
        return [w for w in plan.warnings if "mutes direct waves" in w]

    assert bool(warnings("{estimate: shot}")) == warned
    assert not warnings("{estimate: shot, window: [{kind: offsets, farthest: 200}]}")
    assert not warnings("false")


def test_a_step_of_bregman_costs_no_more_than_modelling_and_its_transpose(
    survey: Path, tmp_path: Path
) -> None:
    """At most 1.1 times the four propagations of J and J^T, for each shot of each step."""
    summary = lsrtm.run(load(survey / "lsrtm.yaml", settings=[BREGMAN]), tmp_path / "run")
    shots_of_steps = [4, 2, 2]
    assert summary["simulations"] <= 1.1 * 4 * sum(shots_of_steps)


@pytest.mark.parametrize(
    "setting",
    [
        "conditioning=[{kind: moveout, velocity: 1500, after: 0.2, taper: 0.05}]",
        "subtract_modelled=water",
        "line_source={velocity: 2000}",
    ],
)
def test_records_are_prepared_in_migrations_too(survey: Path, tmp_path: Path, setting: str) -> None:
    """The settings of records change images of `fwi rtm`."""
    rtm.run(load(survey / "rtm.yaml"), tmp_path / "plain")
    changed = load(survey / "rtm.yaml", settings=[f"imaging.{setting}"])
    rtm.run(changed, tmp_path / "changed")
    plain, other = dataset(tmp_path / "plain"), dataset(tmp_path / "changed")
    assert np.isfinite(other).all()
    scale = np.vdot(other, plain) / np.vdot(plain, plain)
    assert np.linalg.norm(other - scale * plain) > 1e-2 * np.linalg.norm(other)


class Loads(Silent):
    """Counts what a run has loaded and compiled, before each evaluation and after the last one.

    Attributes
    ----------
    by_step : list of (int, (int, int, int))
        Steps that the run has taken; signatures and libraries loaded, and kernels compiled.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.by_step: list[tuple[int, tuple[int, int, int]]] = []
        self.calls = {"load": 0, "compiled": 0}
        for module, name in ((library, "load"), (toolchain, "compiled")):
            monkeypatch.setattr(module, name, self._counting(getattr(module, name), name))

    def _counting(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def counting(*arguments: Any, **options: Any) -> Any:
            self.calls[name] += 1
            return function(*arguments, **options)

        return counting

    def start(self, title: str, total: int) -> None:
        """Note the counts so far."""
        self.stop()

    def stop(self) -> None:
        """Note the counts so far; the first line of the progress is that of no step."""
        there = (self.folder / "progress.jsonl").exists()
        step = len(steps(self.folder)) - 1 if there else -1
        signatures = compilation.load.cache_info().misses
        self.by_step.append((step, (signatures, self.calls["load"], self.calls["compiled"])))


@pytest.mark.parametrize("choice", ["conjugate gradients", "bregman", "fista", "common"])
def test_nothing_is_compiled_between_iterations(
    survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choice: str
) -> None:
    """After the first step no signature and no library is loaded, and nothing is compiled."""
    settings = [*CHOICES.get(choice, []), "execution.workers=1"]
    compilation.load.cache_clear()
    loads = Loads(tmp_path / "run", monkeypatch)
    loaded = load(survey / "lsrtm.yaml", settings=settings)
    lsrtm.run(loaded, tmp_path / "run", progress=loads)
    later = [counts for step, counts in loads.by_step if step > 0]
    assert loads.by_step[-1][0] == 3
    assert len(set(later)) == 1
    assert min(later[0][:2]) > 0
