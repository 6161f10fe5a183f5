"""Planted faults are named with a cure that works; nothing is named in clean records."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fwicli.cli.main import cli
from fwicli.config.loader import load
from fwicli.errors import ConfigError
from fwicli.files import hdf5
from fwicli.inversion.quality import comparison
from fwicli.inversion.quality.comparison import ComparedShot
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.gathers import Gathers
from fwicli.survey.signals.wavelets import ricker, times
from fwicli.workflows import invert, model, rtm
from fwicli.workflows.quality import one_shot
from tests.conftest import ROOT
from tests.workflows.quality.faults import (
    Plant,
    dead,
    exchanged,
    later,
    placed,
    reversed_polarity,
    sampled,
    upwards,
    verdict,
    with_noise,
    write,
)

RICKER = "wavelet={kind: ricker, frequency: 12}"
PERIOD = 1 / 12


def same(value):  # type: ignore[no-untyped-def]
    return value


@pytest.fixture(scope="session")
def records(survey: Path) -> Gathers:
    """Records of the small survey, without their wavelet."""
    return replace(hdf5.read_gathers(survey / "shots" / "shots.h5"), wavelet=None)


def settings(survey: Path, file: Path, true: bool) -> list[str]:
    earth = [f"model={{vp: {{file: {survey / 'true.npy'}}}, spacing: 10}}"] if true else []
    return [f"data.file={file}", RICKER, *earth]


FAULTS: dict[str, tuple[Plant, str]] = {
    "late": (later(PERIOD), "time_zero"),
    "early": (later(-PERIOD / 2), "time_zero"),
    "reversed": (reversed_polarity, "polarity"),
    "ten times too long": (sampled(10), "sampling"),
    "ten times too short": (sampled(0.1), "sampling"),
    "milliseconds": (sampled(1000), "sampling"),
    "axes": (placed(exchanged, exchanged), "axes"),
    "axes of receivers": (placed(same, exchanged), "axes"),
    "elevations": (placed(upwards, upwards), "axes"),
    "dead shot": (dead(2), "dead_shot"),
}
# Faults that leave no plan: what is advised stands in the problems.
REFUSED = {
    "sampling": r"sampling interval of \S+ s is likely 10+ times",
    "axes": "exchanged|of the other sign",
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_named_and_cured(
    name: str, survey: Path, records: Gathers, tmp_path: Path
) -> None:
    """From the smooth start of an inversion, alone among all faults."""
    plant, kind = FAULTS[name]
    file = write(tmp_path / "faulty.h5", plant(records))
    given = settings(survey, file, true=False)
    said = verdict(survey / "invert.yaml", given, [1])
    if kind in REFUSED:
        assert said.kinds == ["refused"]
        assert re.search(REFUSED[kind], said.text)
    else:
        assert said.kinds == [kind]
    assert len(said.settings) == 1
    cured = verdict(survey / "invert.yaml", [*given, *said.settings], [1])
    assert cured.kinds == [], cured.text


@pytest.mark.parametrize("frequency", [6, 20])
def test_wavelet_of_another_band_is_named_and_cured(frequency: float, survey: Path) -> None:
    given = [f"wavelet={{kind: ricker, frequency: {frequency}}}"]
    said = verdict(survey / "invert.yaml", given, [1])
    assert said.kinds == ["wavelet_band"]
    assert verdict(survey / "invert.yaml", [*given, *said.settings], [1]).kinds == []


@pytest.mark.parametrize("kind", ["invert", "rtm"])
@pytest.mark.parametrize("true", [True, False], ids=["true", "smooth"])
@pytest.mark.parametrize("noise", [False, True], ids=["clean", "noisy"])
def test_nothing_is_named_in_good_records(
    noise: bool, true: bool, kind: str, survey: Path, records: Gathers, tmp_path: Path
) -> None:
    """Of every shot, in the true model and in a smooth one, with noise 10 dB below."""
    file = write(tmp_path / "good.h5", with_noise(records) if noise else records)
    for shot in range(records.acquisition.shots):
        said = verdict(survey / f"{kind}.yaml", settings(survey, file, true), [shot])
        assert said.kinds == [], said.text


@pytest.mark.parametrize("name", ["late", "reversed", "dead shot"])
def test_faults_are_named_in_noise(
    name: str, survey: Path, records: Gathers, tmp_path: Path
) -> None:
    plant, kind = FAULTS[name]
    file = write(tmp_path / "faulty.h5", with_noise(plant(records)))
    said = verdict(survey / "rtm.yaml", settings(survey, file, true=False), [1])
    assert said.kinds == [kind]


def test_polarity_is_cured_where_the_wavelet_is_in_the_data(survey: Path, tmp_path: Path) -> None:
    original = hdf5.read_gathers(survey / "shots" / "shots.h5")
    file = write(tmp_path / "faulty.h5", reversed_polarity(original))
    said = verdict(survey / "invert.yaml", [f"data.file={file}"], [1])
    assert said.kinds == ["polarity"]
    cured = verdict(survey / "invert.yaml", [f"data.file={file}", *said.settings], [1])
    assert cured.kinds == []


def test_estimated_sources_take_up_time_and_polarity(
    survey: Path, records: Gathers, tmp_path: Path
) -> None:
    """What an estimation corrects is not named."""
    file = write(tmp_path / "faulty.h5", later(PERIOD / 2)(reversed_polarity(records)))
    given = settings(survey, file, true=False)
    assert verdict(survey / "invert.yaml", given, [1]).kinds
    assert not verdict(
        survey / "invert.yaml", [*given, "inversion.source={estimate: shot}"], [1]
    ).kinds


@pytest.mark.parametrize(
    ("setting", "warned"),
    [
        ("inversion.source=false", True),
        ("inversion.source={estimate: shot}", False),
        ("inversion.misfit=correlation", False),
    ],
)
def test_amplitudes_are_judged_where_they_are_compared(
    setting: str, warned: bool, survey: Path, records: Gathers, tmp_path: Path
) -> None:
    """No scale of the wavelet is advised where it is estimated, or where misfits are normalised."""
    weak = replace(records, data=np.asarray(records.data) / 100)
    weak.data[..., ::2, :] *= -1  # no wavelet explains them: estimated ones are far too weak, too
    given = settings(survey, write(tmp_path / "weak.h5", weak), true=False)
    summary = one_shot.check(load(survey / "invert.yaml", settings=[*given, setting]), [1])
    assert not summary["faults"]
    assert any("scale the wavelet by" in text for text in summary["warnings"]) == warned


@pytest.mark.parametrize("name", [None, "late", "reversed", "dead shot"])
def test_shots_may_differ_in_receivers(
    name: str | None, survey: Path, records: Gathers, tmp_path: Path
) -> None:
    """Faults are named, and nothing is in good records, where each shot has its own receivers."""
    rows = [slice(shot, 31 - 2 * shot) for shot in range(records.acquisition.shots)]
    geometry = Acquisition(
        records.acquisition.sources,
        [records.acquisition.receivers_of(n)[row] for n, row in enumerate(rows)],
    )
    data = [np.asarray(records.data[n])[row] for n, row in enumerate(rows)]
    kinds = []
    if name == "dead shot":
        data[2] = 0 * data[2]
        kinds = ["dead_shot"]
    ragged = Gathers(geometry, records.interval, data)
    if name in ("late", "reversed"):
        plant, kind = FAULTS[name]
        ragged, kinds = plant(ragged), [kind]
    file = write(tmp_path / "ragged.h5", ragged)
    own = settings(survey, file, true=False)
    result = verdict(survey / "invert.yaml", own, [1, 3])
    assert result.kinds == kinds
    assert verdict(survey / "invert.yaml", [*own, *result.settings], [1, 2]).kinds == []


# --- positions inside of the model ----------------------------------------------------------------

LAND = """\
model: {{vp: {{file: true.npy}}, spacing: 10, origin: [0, -300]{smooth}}}
{rest}
wavelet: {{kind: ricker, frequency: 10}}
execution: {{workers: 1}}
"""
LAND_GEOMETRY = """\
geometry:
  sources: {{x: {sx}, z: {sz}}}
  receivers: {{x: {rx}, z: {rz}}}
time: {{interval: 0.004, duration: 1.0}}
"""
LAND_INVERSION = """\
data: {file: shots/shots.h5}
inversion: {bounds: [1450, 4000], fixed: nothing, stages: [{band: [0, 15], iterations: 1}]}
"""


@pytest.fixture(scope="session")
def land(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A line over hills, in a model whose depths begin above sea level."""
    folder = tmp_path_factory.mktemp("land")
    x, z = np.meshgrid(10.0 * np.arange(121), 10.0 * np.arange(91), indexing="ij")
    np.save(folder / "true.npy", (1800 + 0.8 * z + 150 * np.sin(x / 200)).astype(np.float32))
    sources, receivers = np.linspace(100, 1100, 4), np.arange(0.0, 1201.0, 30.0)

    def depth(position: np.ndarray) -> np.ndarray:
        return np.round(-150 - 100 * np.sin(position / 150), 3)

    geometry = LAND_GEOMETRY.format(
        sx=sources.tolist(),
        sz=(depth(sources) + 5).tolist(),
        rx=receivers.tolist(),
        rz=depth(receivers).tolist(),
    )
    smooth = ", smooth: {length: 100, keep: nothing}"
    for name, text in (
        ("model", LAND.format(smooth="", rest=geometry)),
        ("invert", LAND.format(smooth=smooth, rest=LAND_INVERSION)),
    ):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    model.run(load(folder / "model.yaml"), folder / "shots")
    return folder


@pytest.mark.parametrize(
    ("plant", "kinds"),
    [
        (same, []),
        (placed(upwards, upwards), ["elevations"]),
        (placed(same, upwards), ["elevations"]),
    ],
    ids=["clean", "both", "receivers"],
)
@pytest.mark.parametrize("noise", [False, True], ids=["clean", "noisy"])
def test_elevations_are_named_where_both_signs_are_in_the_model(
    noise: bool, plant: Plant, kinds: Sequence[str], land: Path, tmp_path: Path
) -> None:
    original = hdf5.read_gathers(land / "shots" / "shots.h5")
    faulty = plant(replace(original, wavelet=None, point_source=None))
    file = write(tmp_path / "faulty.h5", with_noise(faulty) if noise else faulty)
    given = [f"data.file={file}"]
    said = verdict(land / "invert.yaml", given, [1, 2])
    assert said.kinds == list(kinds), said.text
    if kinds:
        assert verdict(land / "invert.yaml", [*given, *said.settings], [1, 2]).kinds == []


# Receivers below and beside the sources, in a model that is wrong by up to a tenth between them:
# along a well, in another well, and in one that is far away.
WELLS = {
    "vertical profile": ("{x: [30, 110, 250, 390], z: 20}", "{x: 200, z: {start: 250, stop: 590}}"),
    "two wells": ("{x: 10, z: [60, 220, 380, 540]}", "{x: 390, z: {start: 10, stop: 590}}"),
    "far wells": ("{x: 10, z: [30, 70, 120, 160]}", "{x: 1190, z: {start: 10, stop: 190}}"),
}
WELL_MODEL = """\
model: {{vp: {{file: {vp}.npy}}, spacing: 10}}
{rest}
wavelet: {{kind: ricker, frequency: 15}}
execution: {{workers: 1}}
"""
WELL_INVERSION = """\
data: {file: shots/shots.h5}
inversion: {bounds: [1600, 4000], fixed: nothing, stages: [{band: [0, 18], iterations: 1}]}
"""


@pytest.fixture(scope="session", params=list(WELLS))
def wells(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records between wells, and a starting model without the bodies there."""
    folder = tmp_path_factory.mktemp("wells")
    shape = (121, 21) if request.param == "far wells" else (41, 61)
    x, z = np.meshgrid(*(10.0 * np.arange(n) for n in shape), indexing="ij")
    width, depth = x.max(), z.max()
    body = np.exp(-(((x - width / 2) / 60) ** 2) - ((z - depth / 3) / 60) ** 2)
    soft = np.exp(-(((x - width / 2) / 70) ** 2) - ((z - 2 * depth / 3) / 70) ** 2)
    start = 2000 + 0.4 * z
    np.save(folder / "true.npy", start + 220 * body - 200 * soft)
    np.save(folder / "start.npy", (0.95 if shape[0] > 100 else 1) * start)
    sources, receivers = WELLS[request.param]
    receivers = receivers.replace("}}", ", step: 10}}")
    geometry = f"geometry: {{sources: {sources}, receivers: {receivers}}}\n"
    geometry += "time: {interval: 0.002, duration: 0.9}"
    for name, vp, rest in (("model", "true", geometry), ("invert", "start", WELL_INVERSION)):
        text = WELL_MODEL.format(vp=vp, rest=rest)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    model.run(load(folder / "model.yaml"), folder / "shots")
    return folder


@pytest.mark.parametrize(("vp", "decibels"), [("start", None), ("start", 10), ("true", 10)])
def test_nothing_is_named_between_wells(
    vp: str, decibels: float | None, wells: Path, tmp_path: Path
) -> None:
    """All distances are alike there, so that a wrong model looks like wrong times."""
    records = hdf5.read_gathers(wells / "shots" / "shots.h5")
    file = write(tmp_path / "good.h5", with_noise(records, decibels) if decibels else records)
    given = [f"data.file={file}", f"model.vp.file={wells / vp}.npy"]
    for shots in ([1], [0, 1, 2, 3]):
        said = verdict(wells / "invert.yaml", given, shots)
        assert said.kinds == [], said.text


@pytest.mark.parametrize(
    ("plant", "kinds"),
    [
        (later(1 / 10), ["time_zero"]),
        (reversed_polarity, ["polarity"]),
        (sampled(10), ["refused"]),
        (placed(upwards, upwards), ["refused"]),
        (dead(1), ["dead_shot"]),
    ],
    ids=["late", "reversed", "ten times too long", "elevations", "dead shot"],
)
def test_faults_are_named_between_wells(
    plant: Plant, kinds: Sequence[str], wells: Path, tmp_path: Path
) -> None:
    original = replace(hdf5.read_gathers(wells / "shots" / "shots.h5"), wavelet=None)
    file = write(tmp_path / "faulty.h5", plant(replace(original, point_source=None)))
    said = verdict(wells / "invert.yaml", [f"data.file={file}"], [0, 2, 3])
    assert said.kinds == list(kinds), said.text
    if kinds == ["refused"]:
        assert re.search("|".join(REFUSED.values()), said.text), said.text


# Its kernel is that of other tests in three dimensions.
CUBE = """\
model: {{vp: {{file: true.npy}}, spacing: 10{smooth}}}
{rest}
wavelet: {{kind: ricker, frequency: 12}}
physics: {{precision: float64, order: 4}}
execution: {{workers: 1}}
"""
CUBE_GEOMETRY = """\
geometry:
  sources: {x: [50, 210, 70], y: [70, 50, 200], z: 20}
  receivers:
    layout: grid
    x: {start: 10, stop: 190, step: 30}
    y: {start: 40, stop: 250, step: 30}
    z: 20
time: {interval: 0.002, duration: 0.35}
"""
CUBE_INVERSION = """\
data: {file: shots/shots.h5}
inversion: {bounds: [1450, 4000], fixed: nothing, stages: [{band: [0, 16], iterations: 1}]}
"""


@pytest.fixture(scope="session")
def cube(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model as wide as it is long, whose velocity changes along x and y."""
    folder = tmp_path_factory.mktemp("cube")
    axes = (10.0 * np.arange(27), 10.0 * np.arange(27), 10.0 * np.arange(16))
    x, y, z = np.meshgrid(*axes, indexing="ij")
    np.save(folder / "true.npy", (1700 + 2.4 * z + 1.0 * x - 0.4 * y).astype(np.float32))
    smooth = ", smooth: {length: 30, keep: nothing}"
    for name, text in (
        ("model", CUBE.format(smooth="", rest=CUBE_GEOMETRY)),
        ("invert", CUBE.format(smooth=smooth, rest=CUBE_INVERSION)),
    ):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    model.run(load(folder / "model.yaml"), folder / "shots")
    return folder


@pytest.mark.parametrize(
    ("plant", "kinds"),
    [
        (same, []),
        (placed(same, exchanged), ["coordinates"]),
        (placed(exchanged, same), ["coordinates"]),
    ],
    ids=["clean", "receivers", "sources"],
)
def test_exchanged_axes_are_named_where_both_are_in_the_model(
    plant: Plant, kinds: Sequence[str], cube: Path, tmp_path: Path
) -> None:
    original = hdf5.read_gathers(cube / "shots" / "shots.h5")
    faulty = plant(replace(original, wavelet=None, point_source=None))
    file = write(tmp_path / "faulty.h5", faulty)
    given = [f"data.file={file}"]
    said = verdict(cube / "invert.yaml", given, [0, 2])
    assert said.kinds == list(kinds), said.text
    if kinds:
        assert verdict(cube / "invert.yaml", [*given, *said.settings], [0, 2]).kinds == []


# --- commands -------------------------------------------------------------------------------------


def test_command_names_draws_and_counts(survey: Path, records: Gathers, tmp_path: Path) -> None:
    """On a terminal in words, for programs as numbers, in one picture a shot."""
    file = write(tmp_path / "faulty.h5", reversed_polarity(records))
    call = ["check", str(survey / "invert.yaml"), "--set", f"data.file={file}", "--set", RICKER]
    call += ["--shot", "1", "--shot", "3", "-o", str(tmp_path / "pictures")]
    words = CliRunner().invoke(cli, call)
    assert words.exit_code == 0, words.output
    assert "polarity: the polarity is reversed: 100%" in words.output
    assert "--set wavelet.amplitude=-1" in words.output
    assert "stage 1 of 2, 0 to 8 Hz" in words.output
    for shot in (1, 3):
        assert (tmp_path / "pictures" / f"shot_{shot:04d}.png").stat().st_size > 20_000
    numbers = json.loads(CliRunner().invoke(cli, [*call, "--stage", "2", "--json"]).stdout)
    assert numbers["compared"] == "stage 2 of 2, 0 to 16 Hz"
    assert [s["shot"] for s in numbers["shots"]] == [1, 3]
    assert [f["kind"] for f in numbers["faults"]] == ["polarity"]
    assert numbers["shots"][0]["reversed_share"] == 1
    assert numbers["shots"][0]["record_correlation"] < -0.9


@pytest.mark.parametrize(
    ("shots", "stage", "text"), [([4], 0, "0 to 3"), ([0], 2, "no stage 3"), ([0], 0, "no records")]
)
def test_what_is_not_there_is_refused(
    shots: list[int], stage: int, text: str, survey: Path
) -> None:
    name = "model" if text == "no records" else "invert"
    with pytest.raises(ConfigError, match=text):
        one_shot.check(load(survey / f"{name}.yaml"), shots, stage)


def test_a_dead_shot_alone_is_no_crash(survey: Path, records: Gathers, tmp_path: Path) -> None:
    file = write(tmp_path / "faulty.h5", dead(1)(records))
    said = verdict(survey / "invert.yaml", settings(survey, file, true=False), [1])
    assert said.kinds == ["dead_shot"]


@pytest.mark.parametrize("name", ["invert", "rtm"])
def test_runs_name_faults_first(name: str, survey: Path, records: Gathers, tmp_path: Path) -> None:
    """Before the first iteration or shot, with the command that shows them."""
    file = write(tmp_path / "faulty.h5", dead(0)(reversed_polarity(records)))
    given = settings(survey, file, true=False)
    if name == "invert":
        given += ["inversion.stages=[{band: [0, 8], iterations: 1, spacing: 20}]"]
    verb = {"invert": invert, "rtm": rtm}[name]
    verb.run(load(survey / f"{name}.yaml", settings=given), tmp_path / "run")
    log = (tmp_path / "run" / "log.txt").read_text()
    first = {"invert": "stage 1 iteration 0", "rtm": "migrating"}[name]
    before = log[: log.index(first)]
    assert "shot 0 is dead" in before
    assert "the polarity is reversed" in before
    assert f"fwi check {survey / name}.yaml --shot" in before


def test_a_dead_shot_is_no_reason_to_doubt_the_model(
    survey: Path, records: Gathers, tmp_path: Path
) -> None:
    """No other shot shows what is wrong."""
    file = write(tmp_path / "faulty.h5", dead(1)(records))
    given = settings(survey, file, true=True)
    given += ["inversion.stages=[{band: [0, 8], iterations: 1, spacing: 20}]"]
    invert.run(load(survey / "invert.yaml", settings=given), tmp_path / "run")
    log = (tmp_path / "run" / "log.txt").read_text()
    assert "shot 1 is dead" in log
    assert "do not go together" not in log


def test_shots_without_a_compared_trace_are_left_out() -> None:
    """As shots of a receiver or two, next to others; NumPy warns of a median of nothing."""
    numbers = np.random.default_rng(0)
    t = times(0.004, 200)
    distance = np.linspace(100, 1000, 10)
    observed = np.stack([ricker(t, 12, 0.2 + d / 2000) for d in distance])
    full = ComparedShot(0, distance, observed, np.roll(observed, 5, axis=1), 0.004, 12.0)
    noise = numbers.standard_normal((2, 200))
    single = ComparedShot(1, distance[:1], noise[:1], noise[1:], 0.004, 12.0)
    assert not single.compared.any()
    expected = comparison.late([full])
    assert expected is not None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert comparison.late([full, single]) == expected


@pytest.mark.parametrize(("begin", "is_fault"), [(0.2, False), (0.55, True)])
def test_small_scatter_of_long_times_is_the_model(begin: float, is_fault: bool) -> None:
    """A model may be wrong by some per cent of a travel time, though other positions fit better."""
    t = times(0.004, 400)
    distance = np.linspace(1000, 1300, 20)
    wander = 0.016 * np.sin(np.arange(20) / 2)

    def shots(share: float) -> list[ComparedShot]:
        modelled, recorded = (
            np.stack(
                [ricker(t, 12, 0.7 + 1e-4 * d + w) for d, w in zip(distance, late, strict=True)]
            )
            for late in (0 * wander, share * wander)
        )
        shot = ComparedShot(0, distance, recorded, modelled, 0.004, 12.0, begin=begin)
        assert shot.compared.all()
        return [shot]

    fault = comparison.misplaced(shots(1.0), shots(0.2), "coordinates", "x and z exchanged")
    assert (fault is not None) == is_fault


# --- Marmousi-II ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("noise", [False, True], ids=["clean", "noisy"])
def test_no_false_alarm_on_foreign_records_in_the_true_model(
    noise: bool, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All 25 shots of another program, one by one."""
    monkeypatch.setenv("MARMOUSI", str(shared_data))
    vp = f"{{file: {shared_data / 'marmousi2_vp_1601x401_7.5m.f32'}, shape: [1601, 401]}}"
    given = [f"model={{vp: {vp}, unit: km/s, spacing: 7.5}}"]
    if noise:
        original = replace(hdf5.read_gathers(shared_data / "marmousi2_shots.h5"), wavelet=None)
        given += [f"data.file={write(tmp_path / 'noisy.h5', with_noise(original))}"]
    for shot in range(25):
        said = verdict(ROOT / "configs" / "marmousi_invert.yaml", given, [shot])
        assert said.kinds == [], f"shot {shot}: {said.text}"


@pytest.mark.parametrize("alike", [True, False])
def test_what_cannot_be_compared_is_not_called_right(
    alike: bool, survey: Path, records: Gathers, tmp_path: Path
) -> None:
    """Without a first arrival that is the same event in both, nothing is said of time zero."""
    noise = np.random.default_rng(0).standard_normal(records.data.shape).astype(np.float32)
    other = records if alike else replace(records, data=noise)
    file = write(tmp_path / "other.h5", other)
    options = [o for s in settings(survey, file, true=True) for o in ("--set", s)]
    command = ["check", str(survey / "invert.yaml"), "--shot", "1", "-o", str(tmp_path / "check")]
    said = CliRunner().invoke(cli, [*command, *options])
    assert said.exit_code == 0, said.output
    assert ("nothing is wrong with" in said.output) == alike
    assert ("time zero and polarity are not judged" in said.output) != alike
