"""`fwi convert`: every pair of formats keeps every bit, and says what it does not keep."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from fwicli import Acquisition, Gathers, Grid
from fwicli.cli.main import cli
from fwicli.config.arrays import ArrayFileSection
from fwicli.config.loader import load
from fwicli.errors import ConfigError, DataError, FwiError
from fwicli.files import hdf5
from fwicli.files.flat import RawFormat
from fwicli.files.rsf import gathers as rsf
from fwicli.files.rsf import models
from fwicli.files.rsf import records as rsf_records
from fwicli.files.rsf.header import read_header
from fwicli.segy import grids
from fwicli.segy import records as segy
from fwicli.survey.components import PRESSURE, Component
from fwicli.survey.gathers import PointSource
from fwicli.survey.traces import Traces
from fwicli.workflows.assembly import grid_files
from fwicli.workflows.assembly import survey as assembly
from fwicli.workflows.exchange import copying, opening
from fwicli.workflows.exchange.convert import Conversion, run
from fwicli.workflows.exchange.opening import FileLayout
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.run_folder import inputs
from fwicli.workflows.viewing import info
from tests.conftest import SHARED

RNG = np.random.default_rng(5)
SHOTS, RECEIVERS, SAMPLES = 4, 6, 51
VX, VZ, AX, FZ = (Component.named(name) for name in ("vx", "vz", "ax", "fz"))
MOMENT = Component("moment", tensor=(1.0, -0.5, 1 / 3))
FIBRE = Component("strain_rate", 12.5, 0.0, 10.2)
STRAIN, MOVED = Component("strain", 12.5, 0.0, 10.2), Component.named("uz")
TILTED, UPWARDS = Component("velocity", 30.1, 180.0), Component("acceleration", -90.0, 0.0)


def along(start: float, step: float, count: int, z: float) -> np.ndarray:
    return np.stack((start + step * np.arange(count), np.full(count, z)), axis=1)


def records(receivers: Any, **more: Any) -> Gathers:
    """Random records of four shots."""
    sources = more.pop("sources", along(100.0, 50.0, SHOTS, 8.0))
    kinds = {name: more.pop(name) for name in ("recorded", "emitted") if name in more}
    acquisition = Acquisition(sources, receivers, **kinds)
    shape = [(int(n), SAMPLES) for n in acquisition.counts]
    data: Any = [RNG.standard_normal(s).astype(more.get("dtype", "f4")) for s in shape]
    more.pop("dtype", None)
    return Gathers(acquisition, 0.004, np.stack(data) if len(set(shape)) == 1 else data, **more)


def towed() -> np.ndarray:
    return along(100.0, 50.0, SHOTS, 8.0)[:, None] * [1, 0] + along(-25.0, -12.5, RECEIVERS, 4.0)


def irregular() -> np.ndarray:
    places = np.round(1000 * RNG.random((SHOTS, RECEIVERS, 2)), 2)
    return places * [1, 0.01] + [0, 0.25]


SURVEYS: dict[str, Callable[[], Gathers]] = {
    "fixed spread": lambda: records(along(0.0, 12.5, RECEIVERS, 0.5)),
    "towed": lambda: records(towed()),
    "irregular": lambda: records(np.round(irregular(), 3)),
    "one shot": lambda: records(along(0.0, 12.5, RECEIVERS, 0.5), sources=along(50.0, 1.0, 1, 2.0)),
    "double precision": lambda: records(towed(), dtype="f8"),
    "late start": lambda: records(towed(), start=0.1),
    "start by shot": lambda: records(towed(), start=np.array([0.0, 0.02, -0.01, 0.5])),
    "3D": lambda: records(
        np.round(1000 * RNG.random((RECEIVERS, 3)), 1),
        sources=np.round(1000 * RNG.random((SHOTS, 3)), 1),
    ),
    "velocity of a force": lambda: records(towed(), recorded=VZ, emitted=FZ),
    "velocity of a moment": lambda: records(towed(), recorded=VZ, emitted=MOMENT),
    "four components": lambda: records(
        along(0.0, 12.5, RECEIVERS, 0.5), recorded=[VX, VZ, PRESSURE, AX, PRESSURE, VZ]
    ),
    "components by shot": lambda: records(
        towed(), recorded=[[VX, VZ, VX, VZ, PRESSURE, VX], [VZ] * 6, [VX] * 6, [VZ, VX] * 3]
    ),
    "ragged components": lambda: records(
        [np.round(1e3 * RNG.random((n, 2)), 3) for n in (3, 1, 6, 2)],
        recorded=[[VX, VZ, PRESSURE], [VZ], [PRESSURE] * 6, [VX, PRESSURE]],
    ),
    "directions": lambda: records(
        along(0.0, 12.5, RECEIVERS, 0.5), recorded=[TILTED, UPWARDS, PRESSURE] * 2, emitted=FZ
    ),
    "fibre": lambda: records(
        along(0.0, 12.5, RECEIVERS, 0.5), recorded=[FIBRE] * 3 + [STRAIN, MOVED, VX]
    ),
    "ragged": lambda: records([np.round(1e3 * RNG.random((n, 2)), 3) for n in (3, 1, 6, 2)]),
}
SUFFIXES = ("h5", "sgy", "rsf")
PAIRS = [*permutations(SUFFIXES, 2), *((s, s) for s in SUFFIXES)]
WRITERS: dict[str, Callable[[Path, Gathers], Any]] = {
    "h5": lambda path, gathers: hdf5.write_gathers(path, gathers, {}),
    "sgy": segy.write_gathers,
    "su": lambda path, gathers: segy.write_gathers(path, gathers, segy.Writing(kind="su")),
    "rsf": rsf.write_gathers,
}


def read(path: Path) -> Gathers:
    return opening.records(path, FileLayout())


def assert_equal(one: Gathers, other: Gathers) -> None:
    """The same positions, times and samples, to the last bit."""
    assert one.acquisition.shots == other.acquisition.shots
    np.testing.assert_array_equal(one.acquisition.sources, other.acquisition.sources)
    for shot, (ours, theirs) in enumerate(
        zip(Traces.of(one.data), Traces.of(other.data), strict=True)
    ):
        np.testing.assert_array_equal(
            one.acquisition.receivers_of(shot), other.acquisition.receivers_of(shot)
        )
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
        assert one.acquisition.recorded_by(shot) == other.acquisition.recorded_by(shot)
        assert one.acquisition.emitted_by(shot) == other.acquisition.emitted_by(shot)
    assert one.interval == other.interval
    starts = [np.broadcast_to(g.start, one.acquisition.shots) for g in (one, other)]
    np.testing.assert_array_equal(*starts)


@pytest.mark.parametrize("survey", SURVEYS)
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_round_trips_keep_every_bit(survey: str, first: str, second: str, tmp_path: Path) -> None:
    """From a format to another and back."""
    original = SURVEYS[survey]()
    WRITERS[first](tmp_path / f"a.{first}", original)
    assert_equal(read(tmp_path / f"a.{first}"), original)
    summary = run(Conversion(tmp_path / f"a.{first}", tmp_path / f"b.{second}"))
    assert (summary["shots"], summary["samples"]) == (original.acquisition.shots, SAMPLES)
    assert summary["traces"] == int(original.acquisition.counts.sum())
    run(Conversion(tmp_path / f"b.{second}", tmp_path / f"c.{first}"))
    for name in (f"b.{second}", f"c.{first}"):
        assert_equal(read(tmp_path / name), original)


@pytest.mark.parametrize(("first", "second"), [("h5", "rsf"), ("rsf", "h5")])
def test_sensors_that_became_sources_keep_every_bit(
    first: str, second: str, tmp_path: Path
) -> None:
    """But for SEG-Y, which has no word for them."""
    pairs = [sensor.exchanged for sensor in (PRESSURE, VX, VZ, TILTED)]
    emitted, recorded = zip(*pairs, strict=True)
    original = records(towed(), emitted=emitted, recorded=recorded)
    WRITERS[first](tmp_path / f"a.{first}", original)
    run(Conversion(tmp_path / f"a.{first}", tmp_path / f"b.{second}"))
    for name in (f"a.{first}", f"b.{second}"):
        assert_equal(read(tmp_path / name), original)
    with pytest.raises(DataError, match=r"of velocity along dip 30\.1.* have changed places"):
        run(Conversion(tmp_path / f"a.{first}", tmp_path / "c.sgy"))
    assert not (tmp_path / "c.sgy").exists()


# Beyond SU are 8 bytes, units of acceleration, directions and forces (see `test_sensors`).
IN_SU = [
    name
    for name in SURVEYS
    if name
    not in (
        *("double precision", "velocity of a force", "velocity of a moment"),
        *("four components", "directions", "fibre"),
    )
]


@pytest.mark.parametrize("survey", IN_SU)
def test_su_keeps_every_bit_of_single_precision(survey: str, tmp_path: Path) -> None:
    original = SURVEYS[survey]()
    rsf.write_gathers(tmp_path / "a.rsf", original)
    run(Conversion(tmp_path / "a.rsf", tmp_path / "b.su"))
    run(Conversion(tmp_path / "b.su", tmp_path / "c.h5"))
    for name in ("b.su", "c.h5"):
        assert_equal(read(tmp_path / name), original)
    (report,) = info.run([tmp_path / "b.su"])
    assert not [sentence for sentence in report.odd if "unit" in sentence]


@pytest.mark.parametrize("name", ["fixed spread", "towed", "one shot", "double precision"])
def test_regular_surveys_are_plain_cubes(name: str, tmp_path: Path) -> None:
    """Numbers of NumPy alone give the cube; the axes give the positions."""
    original = SURVEYS[name]()
    assert rsf.write_gathers(tmp_path / "a.rsf", original) == (tmp_path / "a.rsf",)
    header = read_header(tmp_path / "a.rsf")
    values = np.fromfile(tmp_path / "a.rsf@", original.data.dtype)
    np.testing.assert_array_equal(values.reshape(original.data.shape), original.data)
    assert header.axes[0].count == SAMPLES
    assert header.number("source_z") == original.acquisition.sources[0, 1]


def test_wavelet_and_discretization_stay_between_hdf5_and_rsf(tmp_path: Path) -> None:
    """SEG-Y has no place for them, and says so."""
    source = PointSource("acoustic", (10.0, 5.0), (0.0, -3.0), 8, "sinc", "optimised")
    wavelet = RNG.standard_normal(SAMPLES)
    original = records(towed(), wavelet=wavelet, point_source=source)
    hdf5.write_gathers(tmp_path / "a.h5", original, {})
    run(Conversion(tmp_path / "a.h5", tmp_path / "b.rsf"))
    run(Conversion(tmp_path / "b.rsf", tmp_path / "c.h5"))
    for name in ("b.rsf", "c.h5"):
        other = read(tmp_path / name)
        np.testing.assert_array_equal(other.wavelet, wavelet)
        assert other.point_source == source
    notes = run(Conversion(tmp_path / "a.h5", tmp_path / "d.sgy"))["notes"]
    assert any("no place for the wavelet" in note for note in notes)
    assert any("how records were modelled" in note for note in notes)
    assert any("command, date, versions" in note for note in notes)
    notes = run(Conversion(tmp_path / "d.sgy", tmp_path / "e.h5"))["notes"]
    assert any("text header" in note for note in notes)


def test_one_shot_is_in_memory_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every shot is read once, and in its turn."""
    rsf.write_gathers(tmp_path / "a.rsf", SURVEYS["irregular"]())
    shots: list[int] = []
    gather = copying.WatchedTraces.__getitem__

    def noted(self: Any, shot: int) -> Any:
        shots.append(shot)
        return gather(self, shot)

    monkeypatch.setattr(copying.WatchedTraces, "__getitem__", noted)
    for name in ("b.sgy", "c.rsf", "d.h5"):
        shots.clear()
        run(Conversion(tmp_path / "a.rsf", tmp_path / name))
        assert shots == list(range(SHOTS))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Interrupts raise KeyboardInterrupt, also in jobs of a shell that ignores them."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("source", ["a.h5", "a.sgy", "a.rsf"])
@pytest.mark.parametrize("target", ["b.h5", "b.sgy", "b.rsf"])
def test_an_interrupt_ends_a_conversion(
    source: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the next shot; nothing is left of the target."""
    WRITERS[source[2:]](tmp_path / source, SURVEYS["irregular"]())
    before = set(tmp_path.iterdir())
    shots: list[int] = []
    gather = copying.WatchedTraces.__getitem__

    def interrupted(self: Any, shot: int) -> Any:
        shots.append(shot)
        if shot == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return gather(self, shot)

    monkeypatch.setattr(copying.WatchedTraces, "__getitem__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(Conversion(tmp_path / source, tmp_path / target))
    assert max(shots) < SHOTS - 1
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["a.h5", "a.sgy", "a.rsf"])
def test_byte_maps_are_those_of_configs(name: str, tmp_path: Path) -> None:
    """Options on trace headers apply to SEG-Y, and are refused beside others."""
    WRITERS[name[2:]](tmp_path / name, SURVEYS["towed"]())
    options = ["--bytes", "receiver_x=73:int32", "--json"]
    done = CliRunner().invoke(
        cli, ["convert", str(tmp_path / name), str(tmp_path / "b.rsf"), *options]
    )
    if name == "a.sgy":
        assert done.exit_code == 0, done.output
        other = read(tmp_path / "b.rsf").acquisition
        np.testing.assert_array_equal(other.receivers_of(2)[:, 0], np.full(RECEIVERS, 200.0))
        assert json.loads(done.stdout)["shots"] == SHOTS
    else:
        assert isinstance(done.exception, DataError)
        assert "`bytes` applies to SEG-Y and SU files" in str(done.exception)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--bytes", "receiver_x=300"], "bytes.receiver_x"),
        (["--bytes", "reciever_x=81"], "bytes.reciever_x"),
        (["--preset", "steamer"], "preset"),
        (["--bytes", "receiver_x=81:int31"], "--bytes receiver_x: a field of type `int31`"),
        (["--group", "shott"], "group"),
        (["--trace-id", "12=vw"], "trace_ids.12"),
        (["--trace-id", "x=vz"], "trace_ids.x"),
        (["--trace-id", "40000=vz"], "trace_ids.40000"),
    ],
)
def test_wrong_options_are_named(options: list[str], words: str, tmp_path: Path) -> None:
    segy.write_gathers(tmp_path / "a.sgy", SURVEYS["towed"]())
    done = CliRunner().invoke(
        cli, ["convert", str(tmp_path / "a.sgy"), str(tmp_path / "b.h5"), *options]
    )
    assert isinstance(done.exception, FwiError)
    assert words in str(done.exception)
    assert not (tmp_path / "b.h5").exists()


@pytest.mark.parametrize("irregularly", [False, True])
def test_records_in_rsf_are_those_of_hdf5_to_a_config(
    survey: Path, irregularly: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same plan and the same records; fingerprints cover every file of them."""
    source, target = survey / "shots" / "shots.h5", tmp_path / "shots.rsf"
    if irregularly:
        monkeypatch.setattr(rsf, "_regular", lambda gathers: None)
    run(Conversion(source, target))
    plain = load(survey / "invert.yaml")
    loaded = load(survey / "invert.yaml", settings=[f"data.file={target}"])
    ours, theirs = (make_plan(each).summary() for each in (loaded, plain))
    assert ours == theirs
    assert_equal(assembly.gathers(loaded.config.data), assembly.gathers(plain.config.data))
    covered = {Path(name).name for name in inputs.fingerprints(settings(loaded))}
    written = {path.name for path in tmp_path.iterdir()}
    assert written <= covered
    assert ("shots_geometry.rsf@" in written) is irregularly


def settings(loaded: Any) -> Any:
    """Settings of a config as plain values."""
    return json.loads(loaded.config.model_dump_json())


# --- files that stay ------------------------------------------------------------------------------


def link(source: Path, target: Path) -> None:
    target.symlink_to(source)


@pytest.mark.parametrize("source", ["a.h5", "a.sgy", "a.rsf"])
@pytest.mark.parametrize("name", ["a.rsf", "x.h5", "x.sgy", "x.rsf", "x.rsf@", "x_wavelet.rsf"])
@pytest.mark.parametrize("how", [link, os.link])
def test_the_source_is_never_overwritten(source: str, name: str, how: Any, tmp_path: Path) -> None:
    """Under its name, by links, and where a second file of the target would replace it."""
    WRITERS[source[2:]](tmp_path / source, SURVEYS["towed"]())
    content = {p: p.read_bytes() for p in tmp_path.iterdir()}
    target = tmp_path / name
    if not target.exists():
        how(tmp_path / source, target)
    elif source != name:
        return
    out = {"x.rsf@": "x.rsf", "x_wavelet.rsf": "x.rsf"}.get(name, name)
    with pytest.raises(ConfigError, match="is read, and would be replaced"):
        run(Conversion(tmp_path / source, tmp_path / out, force=True))
    assert all(p.read_bytes() == text for p, text in content.items())


@pytest.mark.parametrize("target", ["b.h5", "b.sgy", "b.rsf"])
def test_targets_are_replaced_when_told_so(target: str, tmp_path: Path) -> None:
    """And only then; a broken link counts as a file."""
    rsf.write_gathers(tmp_path / "a.rsf", SURVEYS["irregular"]())
    (tmp_path / target).symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="exists; choose another name"):
        run(Conversion(tmp_path / "a.rsf", tmp_path / target))
    run(Conversion(tmp_path / "a.rsf", tmp_path / target, force=True))
    assert_equal(read(tmp_path / target), read(tmp_path / "a.rsf"))
    assert not (tmp_path / "nowhere").exists()


def test_files_of_earlier_records_are_gone(tmp_path: Path) -> None:
    """A geometry of irregular records does not stay beside a cube."""
    rsf.write_gathers(tmp_path / "a.rsf", SURVEYS["irregular"]())
    hdf5.write_gathers(tmp_path / "b.h5", SURVEYS["towed"](), {})
    assert (tmp_path / "a_geometry.rsf").exists()
    run(Conversion(tmp_path / "b.h5", tmp_path / "a.rsf", force=True))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.rsf", "a.rsf@", "b.h5"]


@pytest.mark.parametrize("target", ["b.h5", "b.sgy", "b.rsf"])
def test_a_source_that_ends_early_leaves_nothing(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the target, complete or not; one that was there stays."""
    rsf.write_gathers(tmp_path / "a.rsf", SURVEYS["irregular"]())
    gather = rsf_records.RsfTraces.__getitem__

    def cut(self: Any, shot: int) -> Any:
        if shot == 2:
            with (tmp_path / "a.rsf@").open("r+b") as file:
                file.truncate(1000)
        return gather(self, shot)

    monkeypatch.setattr(rsf_records.RsfTraces, "__getitem__", cut)
    (tmp_path / target).write_text("earlier")
    with pytest.raises(DataError, match="ends before its last number"):
        run(Conversion(tmp_path / "a.rsf", tmp_path / target, force=True))
    assert (tmp_path / target).read_text() == "earlier"
    assert not [p for p in tmp_path.iterdir() if p.name.endswith(".new") or p.name == "b.rsf@"]


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("a.h5", "b.xyz", "says no format"),
        ("a.h5", "b.npy", "not written as .npy of NumPy"),
        ("a.h5", "b.h5@", "would not be recognised as RSF of Madagascar later"),
        ("a.npy", "b.su", "not written as SU"),
        ("gone.h5", "b.rsf", "there is no file"),
        ("raw.bin", "b.h5", "is of no kind that is recognised"),
        ("x.csv", "b.sgy", "does not state the spacing"),
        ("gone*.sgy", "b.rsf", "no file matches"),
        ("a.h5", "nowhere/b.rsf", "there is no folder"),
        ("a.h5", "", "is a folder"),
        ("two.npz", "b.rsf", "holds several arrays (vp, rho); name one with --dataset"),
    ],
)
def test_what_cannot_be_converted_is_said(
    source: str, target: str, words: str, tmp_path: Path
) -> None:
    hdf5.write_gathers(tmp_path / "a.h5", SURVEYS["towed"](), {})
    np.save(tmp_path / "a.npy", np.ones((4, 5)))
    np.ones(20).tofile(tmp_path / "raw.bin")
    (tmp_path / "x.csv").write_text("1,2\n3,4\n")
    np.savez(tmp_path / "two.npz", vp=np.ones((4, 5)), rho=np.ones((4, 5)))
    form = {"": "hdf5", "b.h5@": "rsf"}.get(target, "")
    with pytest.raises(FwiError) as caught:
        run(Conversion(tmp_path / source, tmp_path / target, form))
    assert words in str(caught.value)


def test_trace_ids_are_those_of_configs(tmp_path: Path) -> None:
    """An option says what a code of the file stands for, or leaves its traces out."""
    original = SURVEYS["four components"]()
    segy.write_gathers(tmp_path / "a.sgy", original)
    options = ["--trace-id", "14=none", "--trace-id", "12=az", "--force"]
    done = CliRunner().invoke(
        cli, ["convert", str(tmp_path / "a.sgy"), str(tmp_path / "b.h5"), *options]
    )
    assert done.exit_code == 0, done.output
    assert "trace id 14 (in-line motion) is left out" in done.stderr
    names = [component.name for component in read(tmp_path / "b.h5").acquisition.recorded_by(0)]
    assert names == ["az", "pressure", "pressure", "az"]
    done = CliRunner().invoke(cli, ["info", str(tmp_path / "a.sgy"), "--trace-id", "12"])
    assert done.exit_code == 2
    assert "names no component; write a code and a name, as in 15=vz" in done.output


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('component="vz"', 'component="vw"', "there is no component `vw`"),
        ('component="vz"', 'component="velocity 1 x"', "there is no component `velocity 1 x`"),
    ],
)
def test_components_of_madagascar_that_are_none(
    old: str, new: str, words: str, tmp_path: Path
) -> None:
    rsf.write_gathers(tmp_path / "a.rsf", SURVEYS["velocity of a force"]())
    text = (tmp_path / "a.rsf").read_text()
    assert old in text
    (tmp_path / "a.rsf").write_text(text.replace(old, new))
    with pytest.raises(DataError, match=words):
        read(tmp_path / "a.rsf")


def test_numbers_of_components_of_a_table_are_checked(tmp_path: Path) -> None:
    rsf.write_gathers(tmp_path / "a.rsf", SURVEYS["ragged components"]())
    path = tmp_path / "a_geometry.rsf"
    assert 'components="pressure,vx,vz"' in path.read_text()
    path.write_text(path.read_text().replace("pressure,vx,vz", "pressure,vx"))
    with pytest.raises(DataError, match="the column component must hold numbers of the 2 comp"):
        read(tmp_path / "a.rsf")


# --- headers of Madagascar ------------------------------------------------------------------------

CUBE = (
    'n1=51 d1=0.004 o1=0 n2=6 d2=0.0125 o2=0.1 unit2=km label2="Offset" n3=4 d3=50 o3=100 '
    'source_z=8 receiver_z=4 in="x.rsf@" data_format="native_float" label1="Time" unit1="s"\n'
)


def test_cubes_of_madagascar_are_surveys(tmp_path: Path) -> None:
    """Receivers at offsets from the source, in km; and one shot without a third axis."""
    values = RNG.standard_normal((4, 6, 51)).astype("f4")
    (tmp_path / "x.rsf").write_text(CUBE)
    values.tofile(tmp_path / "x.rsf@")
    other = read(tmp_path / "x.rsf")
    np.testing.assert_array_equal(np.stack(list(Traces.of(other.data))), values)
    np.testing.assert_allclose(
        other.acquisition.receivers_of(2), along(300.0, 12.5, 6, 4.0), rtol=1e-14
    )
    (tmp_path / "x.rsf").write_text(CUBE.replace("n3=4", "n3=1"))
    values[0].tofile(tmp_path / "x.rsf@")
    np.testing.assert_array_equal(read(tmp_path / "x.rsf").acquisition.sources, [[100.0, 8.0]])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("source_z=8", "", "write source_z= [m] into the header"),
        ("receiver_z=4", "", "write receiver_z= [m]"),
        ('label2="Offset"', "", "label2 is ``"),
        ('label2="Offset"', 'label2="Angle"', "label2 is `Angle`"),
        ("o3=100", "", "write o3= and d3= [m]"),
        ("d3=50", "", "write o3= and d3= [m]"),
        ("unit2=km", "unit2=mile", "the unit `mile` of the axis n2"),
        ("d1=0.004", "d1=-1", "d1 is -1.0"),
        ("d1=0.004", "", "d1 is None"),
        ('unit1="s"', "unit1=m", "its unit is `m`"),
        ("n3=4", "n3=2 n4=2", "has 4 axes"),
    ],
)
def test_cubes_without_positions_are_refused(
    old: str, new: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "x.rsf").write_text(CUBE.replace(old, new))
    np.zeros((4, 6, 51), "f4").tofile(tmp_path / "x.rsf@")
    with pytest.raises(DataError) as caught:
        read(tmp_path / "x.rsf")
    assert words in str(caught.value)


@pytest.mark.parametrize("seed", range(60))
def test_damaged_tables_are_read_or_refused(seed: int, tmp_path: Path) -> None:
    """Of positions: an error that names the file, or as many shots as traces allow."""
    rng = np.random.default_rng(seed)
    survey = "ragged components" if seed % 3 else "ragged"
    rsf.write_gathers(tmp_path / "a.rsf", SURVEYS[survey]())
    path = tmp_path / ("a_geometry.rsf" if seed % 2 else "a_geometry.rsf@")
    content = bytearray(path.read_bytes())
    for place in rng.integers(len(content), size=4):
        content[int(place)] = int(rng.integers(256))
    path.write_bytes(content)
    try:
        other = read(tmp_path / "a.rsf")
        assert sum(len(gather) for gather in Traces.of(other.data)) == 12
    except FwiError as error:
        assert "a_geometry" in str(error) or "a.rsf" in str(error)  # noqa: PT017


# --- arrays ---------------------------------------------------------------------------------------

VP = RNG.standard_normal((9, 7)).astype("f4")
GRID = Grid(VP.shape, (10.0, 0.1), (-5.0, 1e6))


def in_hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        hdf5.write_on_grid(file, "vp", VP, GRID, "m/s")


ARRAYS: dict[str, Callable[[Path], Any]] = {
    "vp.h5": in_hdf5,
    "vp.rsf": lambda path: models.write(path, VP, GRID, "vp", "m/s"),
    "vp.npy": lambda path: np.save(path, VP),
    "vp.npz": lambda path: np.savez(path, vp=VP, spacing=GRID.spacing, origin=GRID.origin),
    "vp.bin": lambda path: VP.tofile(path),
    "vp.sgy": lambda path: grids.write(path, VP, GRID, "vp", "m/s"),
}


@pytest.mark.parametrize("source", ARRAYS)
@pytest.mark.parametrize("target", ["out.h5", "out.rsf", "out.npy", "out.sgy"])
def test_arrays_keep_every_bit_and_their_grid(source: str, target: str, tmp_path: Path) -> None:
    ARRAYS[source](tmp_path / source)
    layout = FileLayout(raw=RawFormat(VP.shape))
    described = source not in ("vp.npy", "vp.bin")
    if target == "out.sgy" and not described:
        with pytest.raises(DataError, match="does not state the spacing"):
            run(Conversion(tmp_path / source, tmp_path / target), layout)
        return
    summary = run(Conversion(tmp_path / source, tmp_path / target), layout)
    section = ArrayFileSection(file=tmp_path / target, dataset="vp")
    stored = grid_files.read(section, None)
    np.testing.assert_array_equal(stored.values, VP)
    if target == "out.npy":
        names = {note.split("`")[1] for note in summary["notes"]}
        assert names - {"unit"} == ({"origin", "spacing"} if described else set())
        return
    if described:
        assert tuple(stored.numbers("spacing", "m", 2)) == GRID.spacing
        assert tuple(stored.numbers("origin", "m", 2)) == GRID.origin
        assert summary["notes"] == []
    else:
        assert "does not state the spacing" in summary["notes"][0]


def test_text_names_what_is_not_written(tmp_path: Path) -> None:
    """On stderr, one line each; the result on stdout."""
    segy.write_gathers(tmp_path / "a.sgy", SURVEYS["towed"]())
    done = CliRunner().invoke(cli, ["convert", str(tmp_path / "a.sgy"), str(tmp_path / "b.rsf")])
    assert done.exit_code == 0, done.output
    assert "note: the text header" in done.stderr
    assert "shots              4" in done.stdout


def test_field_data_keep_every_sample(tmp_path: Path) -> None:
    """A piece of a marine line in IBM floats, through RSF and HDF5."""
    line = SHARED / "segy" / "viking_small.segy"
    if not line.exists():
        pytest.skip(f"no field data in {line}")
    original = read(line)
    run(Conversion(line, tmp_path / "a.rsf"))
    run(Conversion(tmp_path / "a.rsf", tmp_path / "b.h5"))
    for name in ("a.rsf", "b.h5"):
        assert_equal(read(tmp_path / name), original)
