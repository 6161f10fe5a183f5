"""Runs from SEG-Y files: those of the same records in HDF5, bit for bit, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from fwicli.config.loader import Loaded, load
from fwicli.config.segy import BytesSection
from fwicli.errors import FwiError
from fwicli.files import hdf5
from fwicli.segy.fields import STANDARD, byte_map
from fwicli.segy.records import Writing, write_gathers
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.components import Component
from fwicli.survey.gathers import Gathers
from fwicli.workflows import invert, model
from fwicli.workflows.assembly import field_records, frames, sizes
from fwicli.workflows.assembly import survey as assembly
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.run_folder import inputs
from tests.cli.test_commands import fwi
from tests.segy.files import line, write

WAVELET = "wavelet: {kind: ricker, frequency: 12}\n"


@pytest.fixture(scope="module")
def folder(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The survey of the fixtures as SEG-Y: whole, by shot, and as SU."""
    folder = tmp_path_factory.mktemp("segy")
    records = hdf5.read_gathers(survey / "shots" / "shots.h5")
    write_gathers(folder / "line.sgy", records)
    write_gathers(folder / "line.su", records, Writing(kind="su", fields=byte_map("su")))
    for shot in range(4):
        part = records.select(np.array([shot]))
        headers = {"field_record": np.full(31, shot + 1)}
        write_gathers(folder / f"shot{shot}.sgy", part, Writing(headers=headers))
    np.save(folder / "true.npy", np.load(survey / "true.npy"))
    text = (survey / "invert.yaml").read_text().replace("shots/shots.h5", "line.sgy")
    (folder / "invert.yaml").write_text(text + WAVELET)
    return folder


def loaded(folder: Path, *settings: str) -> Loaded:
    return load(folder / "invert.yaml", settings=settings)


def records(folder: Path, *settings: str) -> Gathers:
    """Records with some settings, in which @ stands for the folder."""
    config = loaded(folder, *(s.replace("@", f"{folder}/") for s in settings))
    return assembly.gathers(config.config.data)


def same(records: Gathers, others: Gathers) -> None:
    np.testing.assert_array_equal(np.asarray(records.data), np.asarray(others.data))
    np.testing.assert_array_equal(records.acquisition.sources, others.acquisition.sources)
    np.testing.assert_array_equal(
        records.acquisition.all_receivers(), others.acquisition.all_receivers()
    )
    assert records.interval == others.interval


def test_records_are_those_of_hdf5(survey: Path, folder: Path) -> None:
    theirs = hdf5.read_gathers(survey / "shots" / "shots.h5")
    same(records(folder), theirs)
    same(records(folder, "data.file=@line.su"), theirs)
    same(records(folder, "data.file=@shot*.sgy"), theirs)
    same(records(folder, "data.file=[@shot0.sgy, @shot1.sgy, @shot2.sgy, @shot3.sgy]"), theirs)
    same(records(folder, "data.shots=1:4:2"), theirs.select(np.array([1, 3])))


def test_stored_traces_are_those_of_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = records(folder)
    assert not whole.stored
    monkeypatch.setattr(sizes, "IN_MEMORY", 0.0)
    stored = records(folder)
    assert stored.stored
    same(stored, whole)
    same(records(folder, "data.shots=2:"), whole.select(np.array([2, 3])))


def test_an_inversion_is_that_of_hdf5(survey: Path, folder: Path, tmp_path: Path) -> None:
    """Bit for bit, with the wavelet that modelled the records."""
    stages = "inversion.stages=[{band: [0, 8], iterations: 1, spacing: 20}]"
    shutil.copy(survey / "shots" / "shots.h5", tmp_path)
    with h5py.File(tmp_path / "shots.h5", "r+") as file:
        del file.attrs["equation"]  # SEG-Y does not state how records were modelled
    wavelet = {"kind": "file", "file": str(survey / "shots" / "shots.h5")}
    text = (folder / "invert.yaml").read_text().replace(WAVELET, f"wavelet: {wavelet}\n")
    (folder / "measured.yaml").write_text(text)
    models = {}
    for name in (folder / "line.sgy", tmp_path / "shots.h5"):
        config = load(folder / "measured.yaml", settings=[f"data.file={name}", stages])
        invert.run(config, tmp_path / name.stem)
        models[name.stem], _ = hdf5.read_array(tmp_path / name.stem / "inversion.h5", "result/vp")
    np.testing.assert_array_equal(models["line"], models["shots"])
    assert np.ptp(models["line"] - np.load(survey / "true.npy")) > 1


def test_an_inversion_reads_shots_where_they_are_used(
    survey: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shots of different length, with dead traces: read by the workers as from memory."""
    whole = hdf5.read_gathers(survey / "shots" / "shots.h5")
    rows = [np.arange(0, 31), np.arange(4, 31), np.arange(0, 20), np.arange(2, 30)]
    spreads = [whole.acquisition.receivers_of(n)[r] for n, r in enumerate(rows)]
    data = [whole.data[n][r] for n, r in enumerate(rows)]
    ragged = Gathers(Acquisition(whole.acquisition.sources, spreads), whole.interval, data)
    dead = np.where(np.isin(np.arange(sum(map(len, rows))), (5, 50)), 2, 1)
    write_gathers(folder / "ragged.sgy", ragged, Writing("ibm", headers={"trace_id": dead}))
    stages = "inversion.stages=[{band: [0, 8], iterations: 1, spacing: 20}]"
    models = {}
    for name, share in (("memory", 0.5), ("stored", 0.0)):
        monkeypatch.setattr(sizes, "IN_MEMORY", share)
        config = loaded(folder, f"data.file={folder}/ragged.sgy", stages)
        records = assembly.gathers(config.config.data)
        assert records.acquisition.counts.tolist() == [30, 26, 20, 28]
        assert records.stored == (name == "stored")
        invert.run(config, tmp_path / name)
        models[name], _ = hdf5.read_array(tmp_path / name / "inversion.h5", "result/vp")
    np.testing.assert_array_equal(models["memory"], models["stored"])
    assert np.ptp(models["memory"] - np.load(survey / "true.npy")) > 1


def test_what_a_file_contradicts_is_told(folder: Path) -> None:
    whole = records(folder)
    dead = np.ones(124, int)
    dead[[3, 40]] = 2
    boxes = replace(whole, silence=None)
    write_gathers(folder / "dead.sgy", boxes, Writing(headers={"trace_id": dead}))
    part = records(folder, "data.file=@dead.sgy")
    assert part.acquisition.counts.tolist() == [30, 30, 31, 31]
    assert "2 of 124 traces are dead" in part.notes[0]
    zero = records(folder, "data.file=@dead.sgy", "data.dead=zero")
    assert np.flatnonzero(~zero.live.ravel()).tolist() == [3, 40]


def test_keys_of_the_section_reach_the_file(folder: Path) -> None:
    """Byte map, signs, groups, reversed channels."""
    headers = line(4, 3) | {"receiver_x": np.tile([7000, 8000, 9000], 4)}
    samples = write(folder / "nodes.sgy", headers)
    file = "data.file=@nodes.sgy"
    upwards = records(folder, file, "data.bytes={source_depth: {bytes: 49, sign: -1}}")
    assert upwards.acquisition.sources[0].tolist() == [1000.0, -6.0]
    moved = records(folder, file, "data.bytes={source_depth: 41:int32, source_x: {value: 5}}")
    assert moved.acquisition.sources.tolist() == [[5.0, -8.0]] * 4
    nodes = records(folder, file, "data.group=receiver")
    assert nodes.acquisition.sources[:, 0].tolist() == [70.0, 80.0, 90.0]
    np.testing.assert_array_equal(nodes.data[1], samples[1::3])
    same(records(folder, file, "data.preset=obn"), nodes)
    turned = records(folder, file, "data.reversed=[2]")
    np.testing.assert_array_equal(turned.data[:, 1], -samples[1::3])
    slower = records(folder, file, "data.interval=0.008", "data.group=[field_record, source_x]")
    assert slower.interval == 0.008


def test_sensors_are_those_of_the_section(folder: Path) -> None:
    """Codes of the file, codes that the section states, and one component of all."""
    write(folder / "sensors.sgy", line(4, 3) | {"trace_id": np.tile([11, 12, 15], 4)}, polarity=1)
    file = "data.file=@sensors.sgy"

    def names(*settings: str) -> list[str]:
        acquisition = records(folder, file, *settings).acquisition
        return [component.code for component in acquisition.recorded_by(1)]

    assert names() == ["pressure", "vz", "vz"]
    stated = "{12: none, 15: {quantity: velocity, dip: 0, azimuth: 180}}"
    assert names(f"data.trace_ids={stated}") == ["pressure", "velocity 0.0 180.0"]
    with pytest.raises(FwiError, match=r"several sensors \(trace ids 11, 12, 15\)"):
        names("data.component=vz")
    write(folder / "sensors.sgy", line(4, 3) | {"trace_id": 1, "unit": 6})
    with pytest.raises(FwiError, match="trace id 1 is a record of pressure"):
        names()
    assert names("data.component=vz") == ["vz"] * 3
    forces = records(folder, "data.file=@line.sgy", "data.source_component=fz")
    assert forces.acquisition.emitted == Component.named("fz")


def test_a_line_on_the_map_comes_to_the_axes_of_the_model(folder: Path) -> None:
    """A line towards the north, and one in any direction, projected on x."""
    for azimuth in (0.0, 37.0):
        turn = np.array([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))])
        headers = line()
        for end in ("source", "receiver"):
            along = headers.pop(f"{end}_x")
            for axis, direction in zip("xy", turn, strict=True):
                headers[f"{end}_{axis}"] = np.rint(along * direction).astype(int) + 50_000_000
        write(folder / "turned.sgy", headers)
        setting = "data.coordinates={fit: line, origin: first_source}"
        config = loaded(folder, f"data.file={folder}/turned.sgy", setting).config.data
        placed, _ = frames.acquisition_in_model(
            config.coordinates, assembly.gathers(config).acquisition, 2
        )
        np.testing.assert_allclose(placed.sources, [[50 * i, 6] for i in range(3)], atol=0.02)
        np.testing.assert_allclose(placed.receivers_of(0)[:, 0], -12.5 * np.arange(1, 6), atol=0.02)


def test_receiver_gathers_are_records_of_shots(survey: Path, tmp_path: Path) -> None:
    """By reciprocity: shots at the receivers, recorded at the sources, give the same traces."""
    np.save(tmp_path / "true.npy", np.load(survey / "true.npy"))
    text = (survey / "model.yaml").read_text() + "physics: {precision: float64}\n"
    (tmp_path / "shots.yaml").write_text(
        text.replace("stop: 600, step: 20}, z: 20", "stop: 600, count: 3}, z: 43.7")
    )
    model.run(load(tmp_path / "shots.yaml"), tmp_path / "shots")
    write_gathers(tmp_path / "nodes.sgy", hdf5.read_gathers(tmp_path / "shots" / "shots.h5"))
    head, tail = text.split("geometry:")[0], text[text.index("wavelet:") :]
    geometry = "geometry: {records: {file: nodes.sgy, group: receiver}}\n"
    (tmp_path / "nodes.yaml").write_text(head + geometry + tail)
    model.run(load(tmp_path / "nodes.yaml"), tmp_path / "nodes")
    modelled = hdf5.read_gathers(tmp_path / "nodes" / "shots.h5")
    (tmp_path / "read.yaml").write_text(
        (survey / "invert.yaml").read_text().replace("file: shots/shots.h5", "file: nodes.sgy")
    )
    nodes = load(tmp_path / "read.yaml", settings=["data.group=receiver"]).config
    recorded = assembly.gathers(nodes.data)
    assert recorded.acquisition.sources.tolist() == [[0, 43.7], [300, 43.7], [600, 43.7]]
    ours, theirs = np.asarray(modelled.data), np.asarray(recorded.data)
    assert ours.shape == theirs.shape == (3, 4, recorded.samples)
    assert np.linalg.norm(ours - theirs) <= 1e-6 * np.linalg.norm(theirs)


NODES = """\
model: {vp: true.npy, rho: 1500, spacing: [10, 12]}
geometry:
  sources: {x: {start: 40, stop: 360, step: 80}, z: 20}
  receivers: {x: [90, 210, 330], z: 96, component: [pressure, vx, vz]}
wavelet: {kind: ricker, frequency: 7}
time: {duration: 0.5, interval: 0.002}
physics: {equation: velocity_pressure, order: 4, precision: float64, history: full}
execution: {workers: 1}
"""
INVERSION = """\
model: {vp: start.npy, rho: 1500, spacing: [10, 12]}
data: {file: nodes.sgy}
wavelet: {kind: ricker, frequency: 7}
inversion:
  bounds: [1400, 3500]
  component_weights: {vz: 2}
  preconditioning: {illumination: false}  # by sources, which are others
  stages: [{band: [0, 17], iterations: 3}]
""" + "".join(NODES.splitlines(keepends=True)[-2:])


@pytest.fixture
def nodes(tmp_path: Path) -> Path:
    """Folder with configs of nodes that record pressure and motion, and an earth."""
    speed = np.full((41, 31), 2000.0)
    speed[:, :8] = 1500
    np.save(tmp_path / "start.npy", speed)
    speed[16:26, 12:20] += 150
    np.save(tmp_path / "true.npy", speed)
    (tmp_path / "model.yaml").write_text(NODES)
    (tmp_path / "invert.yaml").write_text(INVERSION)
    return tmp_path


# Slow: four kernels for sources of each kind, of which no other test has any.
@pytest.mark.slow
def test_an_inversion_of_receiver_gathers_is_that_of_shots(nodes: Path) -> None:
    """Of pressure and motion with weights: misfits to round-off, and so the models."""
    model.run(load(nodes / "model.yaml"), nodes / "shots")
    write_gathers(nodes / "nodes.sgy", hdf5.read_gathers(nodes / "shots" / "shots.h5"))
    misfits, models = [], []
    for group in ("shot", "receiver"):
        config = load(nodes / "invert.yaml", settings=[f"data.group={group}"])
        invert.run(config, nodes / group)
        file = nodes / group / "inversion.h5"
        misfits.append(hdf5.read_history(file)["misfit"])
        models.append(hdf5.read_array(file, "result/vp")[0])
    assert misfits[0][-1] < 0.3 * misfits[0][0]
    np.testing.assert_allclose(misfits[1], misfits[0], rtol=1e-9)
    assert np.abs(models[0] - np.load(nodes / "start.npy")).max() > 10
    np.testing.assert_allclose(models[1], models[0], rtol=1e-6)


def test_settings_of_nodes_that_become_sources(nodes: Path) -> None:
    """Weights are those of components as they were measured; what contradicts is refused."""
    receivers = np.repeat([[90.0, 96.0], [330.0, 96.0]], 3, axis=0)
    kinds = [Component.named(name) for name in ("pressure", "vx", "vz")] * 2
    data = np.random.default_rng(3).standard_normal((2, 6, 251)).astype(np.float32)
    survey = Acquisition(np.array([[40.0, 20.0], [360.0, 20.0]]), receivers, kinds)
    write_gathers(nodes / "nodes.sgy", Gathers(survey, 0.002, data))

    def config(*settings: str) -> Loaded:
        return load(nodes / "invert.yaml", settings=["data.group=receiver", *settings])

    notes = make_plan(config()).summary()["survey"]
    words = "reciprocal vx [m/s] with weight 1, reciprocal vz [m/s] with weight 2"
    assert any(words in note and "sources of pressure [Pa], fx" in note for note in notes)
    for setting, words in {
        "physics.equation=acoustic": r"cannot record reciprocal vx, .*as in `{12: none}`",
        "inversion.component_weights={ax: 1}": r"weights of `ax`, and the records .*`vx`, `vz`",
        "data.source_component=fz": r"sources emit fz, .* exchanges sources of pressure alone",
        "data.component=vz": r"several sensors",
    }.items():
        with pytest.raises(FwiError, match=words):
            make_plan(config(setting))
    only = ["data.trace_ids={11: none, 14: none}", "data.source_component=pressure"]
    one = assembly.gathers(config(*only).config.data)
    assert [c.name for each in one.acquisition.components for c in each] == ["reciprocal vz", "fz"]
    hydrophones = "data.trace_ids={12: none, 14: none}", "inversion.component_weights=null"
    assert make_plan(config(*hydrophones, "physics.equation=acoustic")).acquisition.shots == 2
    hdf5.write_gathers(nodes / "nodes.h5", one, {})
    for key, kind in (("component", "vz"), ("source_component", "pressure")):
        settings = [f"data.file={nodes / 'nodes.h5'}", f"data.{key}={kind}"]
        stored = load(nodes / "invert.yaml", settings=settings).config
        with pytest.raises(FwiError, match=rf"have changed places .* leave out `data.{key}`"):
            assembly.gathers(stored.data)


def test_modelling_takes_positions_from_records(survey: Path, folder: Path) -> None:
    text = (survey / "model.yaml").read_text().split("geometry:")[0]
    text += "geometry: {records: {file: line.sgy, shots: '1:'}}\n" + WAVELET
    text += "time: {interval: 0.004, duration: 0.6}\n"
    (folder / "model.yaml").write_text(text)
    plan = make_plan(load(folder / "model.yaml"))
    theirs = hdf5.read_gathers(survey / "shots" / "shots.h5").acquisition
    np.testing.assert_array_equal(plan.acquisition.sources, theirs.sources[1:])
    np.testing.assert_array_equal(plan.acquisition.receivers_of(2), theirs.receivers_of(3))
    (folder / "model.yaml").write_text(text.replace("line.sgy", "none.sgy"))
    with pytest.raises(FwiError, match=r"model.yaml:2:.*geometry.records: there is no file"):
        make_plan(load(folder / "model.yaml"))
    (folder / "model.yaml").write_text(
        text.replace("{records:", "{sources: {x: 1, z: 1}, records:")
    )
    with pytest.raises(FwiError, match="`records` takes the place of `sources` and `receivers`"):
        load(folder / "model.yaml")


def test_files_of_patterns_and_lists_are_inputs(folder: Path) -> None:
    """A run keeps their fingerprints, and does not write over them."""
    files = [folder / f"shot{n}.sgy" for n in range(4)]
    for setting in ("shot*.sgy", "[shot0.sgy, shot3.sgy]"):
        names = setting.replace("shot", f"{folder}/shot")
        config = loaded(folder, f"data.file={names}")
        prints = inputs.fingerprints(json.loads(config.config.model_dump_json()))
        expected = files if "*" in setting else [files[0], files[3]]
        assert {str(path) for path in expected} <= set(prints)
        with pytest.raises(FwiError, match=r"shot3.sgy is an input of this run, `data.file`"):
            inputs.protect(config, [files[3]])


def test_su_files_have_no_scalar_of_times(folder: Path) -> None:
    """Other values are at its byte; a preset or byte map of the user's is followed."""
    write(folder / "late.su", line() | {"delay": 20, "time_scalar": -10}, kind="su")
    settings = ("data.preset=streamer", "data.bytes={time_scalar: 215:int16}")
    for extra, start in (((), 0.02), (settings[:1], 0.02), (settings[1:], 0.002)):
        config = loaded(folder, f"data.file={folder}/late.su", *extra).config
        np.testing.assert_allclose(field_records.read(config.data).start, start, rtol=1e-12)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (["data.file=@none*.sgy"], "no file matches .*none..sgy; correct the pattern"),
        (["data.file=[@line.sgy, @line.sgy]"], "named twice"),
        (["data.traces=other"], "`traces` applies to HDF5 files, and this one is read as segy"),
        (["data.shots=7:"], "have 4 shots, numbered from 0 to 3, and `7:` selects none"),
        (["data.bytes={source_x: 239:int32}"], "type int32 at byte 239 .* 1 to 237"),
        (["data.bytes={source_x: 81:int7}"], "type `int7`"),
        (["data.format=su"], "is no SU file"),
        (["data.format=hdf5"], "line.sgy"),
    ],
)
def test_what_cannot_be_read_is_refused(settings: list[str], reason: str, folder: Path) -> None:
    with pytest.raises(FwiError, match=reason):
        records(folder, *settings)


def test_keys_of_headers_are_refused_for_hdf5(survey: Path) -> None:
    config = load(survey / "invert.yaml", settings=["data.preset=obn"])
    with pytest.raises(FwiError, match="`preset` applies to SEG-Y and SU files"):
        assembly.gathers(config.config.data)


def test_every_field_has_a_key() -> None:
    assert list(BytesSection.model_fields) == list(STANDARD)
    for name, place in STANDARD.items():
        text = BytesSection.model_fields[name].description or ""
        where = f"byte {place.byte} by default" if place.byte else "not read by default"
        assert where in text, name


def test_viking_line_is_planned(shared_data: Path, tmp_path: Path) -> None:
    """A foreign line with a start model and a wavelet passes `fwi check`, and is told."""
    path = shared_data / "segy" / "viking_small.segy"
    (tmp_path / "invert.yaml").write_text(
        f"""\
model: {{vp: 2000, shape: [170, 101], spacing: 20}}
data: {{file: {path}, duration: 1.2}}
wavelet: {{kind: ricker, frequency: 8}}
inversion: {{fixed: 20, bounds: [1450, 5000], stages: [{{band: [2, 8], iterations: 1}}]}}
"""
    )
    check = fwi("check", "invert.yaml", cwd=tmp_path)
    assert check.returncode == 0, check.stderr
    output = " ".join((check.stdout + check.stderr).split())
    assert "480 of 480 trace headers state another number of samples" in output
    assert "which no such angle does; they are taken as lengths" in output
