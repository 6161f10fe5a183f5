"""`fwi info`: names each planted oddity, and has no word against files that are in order."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.image import imread

from fwicli import Acquisition, Gathers, Grid
from fwicli.cli.main import cli
from fwicli.errors import ConfigError, DataError
from fwicli.files import blocks, hdf5
from fwicli.files.flat import RawFormat
from fwicli.files.rsf import gathers as rsf
from fwicli.files.rsf import models
from fwicli.segy import records as segy
from fwicli.survey.components import PRESSURE, Component
from fwicli.survey.signals.wavelets import ricker
from fwicli.workflows.exchange.opening import FileLayout
from fwicli.workflows.viewing import info
from tests.conftest import SHARED
from tests.files.geometry import test_sps

TILTED = Component("acceleration", 30.0, 180.0)
SHOTS, RECEIVERS, SAMPLES, INTERVAL = 6, 24, 301, 0.004


def records() -> Gathers:
    """Direct waves at 1500 m/s and a reflection, of receivers towed behind each source."""
    sources = np.stack((500.0 + 100 * np.arange(SHOTS), np.full(SHOTS, 8.0)), axis=1)
    offsets = np.stack((-75.0 - 25 * np.arange(RECEIVERS), np.full(RECEIVERS, 4.0)), axis=1)
    receivers = sources[:, None, :] * [1, 0] + offsets
    distance = np.linalg.norm(receivers - sources[:, None], axis=2)[..., None]
    t = INTERVAL * np.arange(SAMPLES)

    def wave(delay: Any) -> Any:
        phase = (np.pi * 12.0 * (t - delay - 0.1)) ** 2
        return (1 - 2 * phase) * np.exp(-phase)

    depth = 300 + 20 * np.arange(SHOTS)[:, None, None]
    data = sum(
        wave(delay) / (1 + size)
        for delay, size in (
            (distance / 1500, distance),
            (np.sqrt(distance**2 + 4 * depth**2) / 1500, 3 * distance),
        )
    )
    return Gathers(
        Acquisition(sources, receivers), INTERVAL, data.astype("f4"), ricker(t, 12.0, 0.1)
    )


def changed(edit: Callable[[Any, Any, Any], Any]) -> Callable[[Gathers], Gathers]:
    """Records of which sources, receivers or data were changed in place."""

    def change(clean: Gathers) -> Gathers:
        sources, receivers = clean.acquisition.sources.copy(), clean.acquisition.receivers.copy()
        data = clean.data.copy()
        edit(sources, receivers, data)
        return replace(clean, acquisition=Acquisition(sources, receivers), data=data)

    return change


def far(sources: Any, receivers: Any, data: Any) -> None:
    """Coordinates of a map, in which zero is far away."""
    sources[:, 0] += 9000
    receivers[..., 0] += 9000


def put(array: Any, place: Any, value: Any) -> None:
    array[place] = value


def shared(sources: Any, receivers: Any, data: Any) -> None:
    sources[3] = sources[2]


def twice(sources: Any, receivers: Any, data: Any) -> None:
    sources[3], receivers[3], data[3] = sources[2], receivers[2], data[2]


def clipped(sources: Any, receivers: Any, data: Any) -> None:
    np.clip(data, -0.2 * data.max(), 0.2 * data.max(), out=data)


PLANTED: dict[str, tuple[Callable[[Gathers], Gathers], tuple[str, ...]]] = {
    "a dead trace": (
        changed(lambda s, r, d: put(d, (2, 5), 0)),
        ("1 of 144 traces (0.0069 of all) are zero throughout (the first: shot 2, trace 5)",),
    ),
    "a dead shot": (
        changed(lambda s, r, d: put(d, 4, 0)),
        ("24 of 144 traces", "1 of 6 shots have no live trace: 4"),
    ),
    "NaN": (
        changed(lambda s, r, d: put(d, (1, 2, 3), np.nan)),
        ("1 of 144 traces hold values that are no numbers (the first: shot 1, trace 2)",),
    ),
    "two shots at one position": (
        changed(shared),
        ("2 shots share 1 source positions, as shots 2 and 3 at (700, 8) m",),
    ),
    "a shot twice": (
        changed(twice),
        ("as shots 2 and 3", "24 of 144 traces equal another one sample by sample (trace"),
    ),
    "all sources at one position": (
        changed(lambda s, r, d: put(s, slice(None), (500, 8))),
        ("all 6 shots have their source at (500, 8) m",),
    ),
    "two receivers at one position": (
        changed(lambda s, r, d: put(r, (2, 7), r[2, 6])),
        ("2 of 24 traces of shot 2 share 1 receiver positions, as traces 6 and 7",),
    ),
    "receivers that do not vary": (
        changed(lambda s, r, d: put(r, slice(None), (0, 4))),
        ("24 of 24 traces of shot 0 share 1 receiver positions", "and in 5 more shots"),
    ),
    "a trace copied": (
        changed(lambda s, r, d: put(d, (2, 7), d[2, 6])),
        (
            "1 of 144 traces equal another one sample by sample (trace 6 of shot 2 and trace 7 of "
            "shot 2), at another position",
        ),
    ),
    "a receiver at zero": (
        changed(
            lambda s, r, d: (
                far(s, r, d),
                put(r, (2, 7), 0),
            )
        ),
        ("1 of 144 receivers lie at zero in all coordinates",),
    ),
    "a source at zero": (
        changed(
            lambda s, r, d: (
                far(s, r, d),
                put(s, 3, 0),
            )
        ),
        ("1 of 6 sources lie at zero in all coordinates",),
    ),
    "a position of NaN": (
        changed(lambda s, r, d: put(r, (2, 7, 0), np.nan)),
        ("1 of 144 receivers have a position that is not a number",),
    ),
    "a scalar of 100 too many": (
        changed(lambda s, r, d: (put(r, slice(None), 1000 * r), put(s, slice(None), 1000 * s))),
        ("a receiver lies 6.5", "makes no sense"),
    ),
    "depths in centimetres": (
        changed(lambda s, r, d: put(s, (slice(None), 1), 80000)),
        ("a depth or elevation of 8e+04 m", "6.67e+04 m/s: the unit of positions"),
    ),
    "positions in km": (
        changed(lambda s, r, d: (put(r, slice(None), r / 1000), put(s, slice(None), s / 1000))),
        ("the farthest receiver is 0.65 m away and the records last 1.2 s",),
    ),
    "elevations in place of depths": (
        changed(lambda s, r, d: (put(s, (..., 1), -s[..., 1]), put(r, (..., 1), -r[..., 1]))),
        (
            "all sources lie above z = 0, which points down, at z from -8 to -8 m",
            "all receivers lie above z = 0",
        ),
    ),
    "an interval in ms": (
        lambda clean: replace(clean, interval=4.0),
        ("the sampling interval is 4 s, outside of 1e-08 to 0.1 s", "0.542 m/s: the unit"),
    ),
    "a loud shot": (
        changed(lambda s, r, d: put(d, 3, 1000 * d[3])),
        ("shot 3 has", "times the amplitude of the median shot"),
    ),
    "clipped": (changed(clipped), ("hold their largest value 8 times or more",)),
    "a constant": (
        changed(lambda s, r, d: put(d, slice(None), d + d.max())),
        ("the spectrum is strongest at 0 Hz",),
    ),
    "noise": (
        changed(
            lambda s, r, d: put(d, slice(None), np.random.default_rng(0).standard_normal(d.shape))
        ),
        ("the spectrum reaches the Nyquist frequency, 125 Hz",),
    ),
}


def odd(path: Path, **reading: Any) -> list[str]:
    return [
        sentence for report in info.run([path], FileLayout(**reading)) for sentence in report.odd
    ]


@pytest.mark.parametrize("case", PLANTED)
def test_planted_oddities_are_named(case: str, tmp_path: Path) -> None:
    """Each by its number and place; and nothing else that has another cause."""
    edit, words = PLANTED[case]
    hdf5.write_gathers(tmp_path / "r.h5", edit(records()), {})
    sentences = odd(tmp_path / "r.h5")
    for text in words:
        assert any(text in sentence for sentence in sentences), sentences
    assert len(sentences) <= len(words) + (case in ("receivers that do not vary",))


def test_records_in_order_have_no_word_against_them(tmp_path: Path) -> None:
    hdf5.write_gathers(tmp_path / "r.h5", records(), {})
    (report,) = info.run([tmp_path / "r.h5"])
    assert report.odd == []
    contents = report.contents
    assert (contents["shots"], contents["traces"], contents["samples"]) == (6, 144, 301)
    assert contents["receivers_per_shot"] == [24, 24]
    assert contents["offset_m"] == [75.0, 650.0]
    assert contents["keys"]["source_x"] == {
        "from": 500.0,
        "to": 1000.0,
        "different": 6,
        "unit": "m",
    }
    assert contents["keys"]["receiver_z"]["different"] == 1
    assert sum(contents["offset_histogram"]["traces"]) == 144
    # Midpoints lie 12.5 m apart; a shot of 100 m later has 8 of 24 less in common.
    assert contents["fold"] == [1, 3]
    assert contents["peak_frequency_hz"] == pytest.approx(12, abs=1)


def test_files_that_runs_wrote_have_no_word_against_them(survey: Path, inverted: Any) -> None:
    """Records, results, states and folders; of a model of layers, where waves are alike."""
    assert odd(survey / "shots") == []
    assert odd(survey / "whole") == []
    kinds = [report.kind for report in info.run([survey / "whole"])]
    assert kinds == [
        "folder of a run",
        "result of an inversion (HDF5)",
        "state of a run that can be continued (HDF5)",
    ]


def test_equal_traces_of_a_uniform_model_are_in_order(tmp_path: Path) -> None:
    """Where a file says that it was modelled; the same of a measured file is odd."""
    from fwicli.survey.gathers import PointSource

    clean = records()
    receivers = clean.acquisition.receivers.copy()
    data = np.broadcast_to(clean.data[:1], clean.data.shape).copy()
    uniform = replace(
        clean, acquisition=Acquisition(clean.acquisition.sources, receivers), data=data
    )
    source = PointSource("acoustic", (10.0, 10.0), (0.0, 0.0), 8, "sinc")
    hdf5.write_gathers(tmp_path / "modelled.h5", replace(uniform, point_source=source), {})
    hdf5.write_gathers(tmp_path / "measured.h5", uniform, {})
    assert odd(tmp_path / "modelled.h5") == []
    (sentence,) = odd(tmp_path / "measured.h5")
    assert "120 of 144 traces equal another one" in sentence


def test_inputs_that_have_changed_are_named(survey: Path, tmp_path: Path) -> None:
    """Of a folder of a run, by its fingerprints."""
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(survey / "shots", folder)
    text = json.loads((folder / "environment.json").read_text())
    (name,) = text["inputs"]
    text["inputs"] = {name: "1:0", str(tmp_path / "gone.npy"): "1:0"}
    (folder / "environment.json").write_text(json.dumps(text))
    sentences = odd(folder)
    assert sentences == [
        f"its input {name} has changed since the run",
        f"its input {tmp_path / 'gone.npy'} is no longer there",
    ]


# --- arrays ---------------------------------------------------------------------------------------

VP = 1500 + 3000 * np.random.default_rng(0).random((31, 21)).astype("f4")
GRID = Grid(VP.shape, (10.0, 5.0), (0.0, 0.0))


def raw(path: Path, values: Any) -> None:
    values.tofile(path)


def hdf(path: Path, values: Any) -> None:
    with h5py.File(path, "w") as file:
        hdf5.write_on_grid(file, "vp", values, GRID, "m/s")


WRITERS: dict[str, Callable[[Path, Any], Any]] = {
    "vp.npy": np.save,
    "vp.npz": lambda path, values: np.savez(path, vp=values),
    "vp.bin": raw,
    "vp.rsf": lambda path, values: models.write(path, values, GRID, "vp", "m/s"),
    "vp.h5": hdf,
}


def broken() -> Any:
    values = VP.copy()
    values[3, 4] = np.nan
    return values


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    ("values", "words"),
    [
        (VP, ()),
        (VP / 1000, ("are velocities in km/s",)),
        (broken(), ("1 of 651 values are no numbers",)),
        (-VP, ("and vp is positive",)),
        (1e20 * VP, ("another type, shape or byte order",)),
    ],
)
def test_models_of_every_format(
    name: str, values: Any, words: tuple[str, ...], tmp_path: Path
) -> None:
    WRITERS[name](tmp_path / name, values)
    (report,) = info.run([tmp_path / name], FileLayout(raw=RawFormat(VP.shape)))
    contents = report.contents.get("arrays", {}).get("vp", report.contents)
    assert contents["shape"] == list(VP.shape)
    np.testing.assert_array_equal(contents["values"], [np.nanmin(values), np.nanmax(values)])
    assert len(report.odd) == len(words)
    assert all(text in sentence for text, sentence in zip(words, report.odd, strict=True))


@pytest.mark.parametrize(("least", "count"), [(0.0, 0), (-1.0, 1)])
def test_fluids_have_no_ratio_of_velocities(tmp_path: Path, least: float, count: int) -> None:
    """It is 0 there in results, and negative nowhere."""
    np.save(tmp_path / "result_vp_vs_ratio.npy", np.maximum(least, VP / 1000 - 2))
    (report,) = info.run([tmp_path / "result_vp_vs_ratio.npy"], FileLayout())
    assert len(report.odd) == count


@pytest.mark.parametrize("name", WRITERS)
def test_blocks_make_up_the_array(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever their size; the last is a part."""
    WRITERS[name](tmp_path / name, VP)
    monkeypatch.setattr(blocks, "BLOCK", 7 * 21 * 4)
    array = blocks.open_array(tmp_path / name, "vp", RawFormat(VP.shape))
    parts = list(array)
    assert [first for first, _ in parts] == [0, 7, 14, 21, 28]
    np.testing.assert_array_equal(np.concatenate([part for _, part in parts]), VP)


def test_names_that_are_no_text_are_named(tmp_path: Path) -> None:
    """As in a damaged file: the array is described, or refused by name."""
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file[b"v\xff"] = VP
        file["vp"] = VP
    (report,) = info.run([tmp_path / "x.h5"])
    assert "vp" in report.contents["arrays"]
    (sentence,) = report.odd
    assert "`v\ufffd` is not read" in sentence


def test_tables_have_columns_that_vary(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("id,x,z\n1,0,5\n2,10,5\n2,10,5\n")
    (report,) = info.run([tmp_path / "s.csv"])
    assert report.contents["keys"]["x"] == {"from": 0.0, "to": 10.0, "different": 2}
    assert report.contents["keys"]["z"]["different"] == 1
    assert report.odd == [
        "1 of 3 lines repeat an earlier one",
        "2 of 3 rows share 1 positions, as numbers 2 and 3 at (10, 5) m",
    ]


def test_positions_of_tables_are_judged(tmp_path: Path) -> None:
    """Rows at one position under other names, and a row at zero far from all others."""
    rows = [f"{n},{431000 + 25 * n},{6478200},{3}" for n in range(8)]
    (tmp_path / "r.csv").write_text("\n".join(["id,x,y,z", *rows]))
    assert odd(tmp_path / "r.csv") == []
    rows[5], rows[7] = "5,431100,6478200,3", "7,0,0,3"
    (tmp_path / "r.csv").write_text("\n".join(["id,x,y,z", *rows]))
    repeated, zero = odd(tmp_path / "r.csv")
    assert "2 of 8 rows share 1 positions, as numbers 5 and 6" in repeated
    assert "1 of 8 rows lie at zero" in zero


@pytest.mark.parametrize("revision", ["1", "2.1"])
@pytest.mark.parametrize("name", ["x.sps", "x.txt"])
def test_sps_files_are_points_and_relations(revision: str, name: str, tmp_path: Path) -> None:
    points = [test_sps.point("R", revision, p) for p in test_sps.RECEIVERS]
    (tmp_path / name).write_text("\n".join(points) + "\n")
    (report,) = info.run([tmp_path / name])
    assert report.kind == "SPS"
    assert report.contents["receivers"] == len(points)
    assert report.contents["keys"]["receiver_x"]["to"] == 431100.0
    (sentence,) = report.odd
    assert "no header says the unit" in sentence
    (tmp_path / name).write_text("\n".join([*points, points[0].replace("201", "999", 1)]) + "\n")
    assert "share 1 positions" in odd(tmp_path / name)[1]
    relations = [test_sps.relation(revision, r) for r in test_sps.RELATION]
    (tmp_path / name).write_text("\n".join(relations) + "\n")
    (report,) = info.run([tmp_path / name])
    assert report.contents["relations"] == len(relations)


def test_a_config_is_for_check(survey: Path) -> None:
    (report,) = info.run([survey / "model.yaml"])
    assert f"fwi check {survey / 'model.yaml'}" in report.contents["next"]


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda p: p.touch(), "it is empty"),
        (lambda p: p.write_bytes(bytes(range(256))), "--shape 201,101"),
        (lambda p: p.mkdir(), "not of a run"),
    ],
)
def test_files_of_no_kind_are_refused(write: Any, words: str, tmp_path: Path) -> None:
    write(tmp_path / "x.bin")
    with pytest.raises(DataError, match=words):
        info.run([tmp_path / "x.bin"])


# --- the command ----------------------------------------------------------------------------------


def test_text_and_json_say_the_same(tmp_path: Path) -> None:
    hdf5.write_gathers(tmp_path / "r.h5", PLANTED["a dead trace"][0](records()), {})
    text = CliRunner().invoke(cli, ["info", str(tmp_path / "r.h5")])
    assert text.exit_code == 0, text.output
    for line in (
        "r.h5: shot records (HDF5)",
        "offset                75 to 650 m",
        "  source x    500 to 1000 m, 6 values",
        "  receiver z  4 m",
        "looks wrong:",
    ):
        assert line in text.output
    (listed,) = json.loads(
        CliRunner().invoke(cli, ["info", str(tmp_path / "r.h5"), "--json"]).stdout
    )
    assert listed["offset_m"] == [75.0, 650.0]
    assert f"  - {listed['odd'][0]}" in text.output


@pytest.mark.parametrize("name", ["r.h5", *WRITERS])
def test_pictures(name: str, tmp_path: Path) -> None:
    if name == "r.h5":
        hdf5.write_gathers(tmp_path / name, records(), {})
    else:
        WRITERS[name](tmp_path / name, VP)
    info.run([tmp_path / name], FileLayout(raw=RawFormat(VP.shape)), tmp_path / "p.png")
    pixels = imread(tmp_path / "p.png")
    assert pixels.shape[1] > 300
    assert pixels[..., :3].std() > 0.02


def test_a_picture_replaces_no_file_that_is_read(tmp_path: Path) -> None:
    """Under no name or link; and it shows one file."""
    np.save(tmp_path / "vp.npy", VP)
    (tmp_path / "p.png").symlink_to(tmp_path / "vp.npy")
    with pytest.raises(ConfigError, match="is the file that is read"):
        info.run([tmp_path / "vp.npy"], picture=tmp_path / "p.png")
    with pytest.raises(ConfigError, match="shows one file"):
        info.run([tmp_path / "vp.npy", tmp_path / "vp.npy"], picture=tmp_path / "q.png")
    np.testing.assert_array_equal(np.load(tmp_path / "vp.npy"), VP)


# --- SEG-Y ----------------------------------------------------------------------------------------


def plant(path: Path, byte: int, kind: str, value: int, traces: Any = slice(None)) -> None:
    """Change a field of trace headers in place."""
    content = np.fromfile(path, np.uint8)
    block = content[3600:].reshape(-1, 240 + 4 * SAMPLES)
    field = np.frombuffer(np.array(value, kind).tobytes(), np.uint8)
    block[traces, byte - 1 : byte - 1 + field.size] = field
    content.tofile(path)


IN_SEGY: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no positions": (
        lambda p: (plant(p, 73, ">i4", 0), plant(p, 77, ">i4", 0)),
        "x and y of all sources are zero",
    ),
    "a scalar of no sense": (lambda p: plant(p, 71, ">i2", -7), "(coordinate_scalar)"),
    "another interval": (lambda p: plant(p, 117, ">u2", 2000), "(sample_interval)"),
    "another interval of one trace": (lambda p: plant(p, 117, ">u2", 2000, 5), "(sample_interval)"),
    "a trace of another length": (lambda p: plant(p, 115, ">u2", 299, 5), "byte 115: 299"),
    "seconds of arc": (lambda p: plant(p, 89, ">i2", 2), "(coordinate_units)"),
    "dead traces": (
        lambda p: plant(p, 29, ">i2", 2, slice(3, 7)),
        "4 of 144 traces are dead (trace id 2",
    ),
    "numbers that do not vary": (
        lambda p: (plant(p, 9, ">i4", 1), plant(p, 13, ">i4", 1)),
        "neither the field record nor the channel varies",
    ),
    "an unknown sensor": (
        lambda p: plant(p, 29, ">i2", 300, slice(3, 7)),
        "4 of 144 traces are not read: their trace id 300 is no record of pressure",
    ),
    "another sensor than the unit": (
        lambda p: plant(p, 29, ">i2", 14, 3),
        "trace 4, byte 29 (trace_id): trace id 14 is a record of vx [m/s], and byte 203 states",
    ),
    "two receivers at one position": (
        lambda p: plant(p, 81, ">i4", 500, slice(6, 8)),
        "2 of 24 traces of shot 0 share 1 receiver positions, as traces 6 and 7",
    ),
}


@pytest.mark.parametrize("case", IN_SEGY)
def test_planted_oddities_of_headers_are_named(case: str, tmp_path: Path) -> None:
    """By the field, also where headers make no survey; the rest is described all the same."""
    edit, words = IN_SEGY[case]
    segy.write_gathers(tmp_path / "r.sgy", records())
    edit(tmp_path / "r.sgy")
    (report,) = info.run([tmp_path / "r.sgy"])
    assert any(words in sentence for sentence in report.odd), report.odd
    assert report.contents["samples"] == SAMPLES
    assert report.contents["keys"]["sample_count (byte 115)"]["to"] == SAMPLES


def test_headers_in_order_have_no_word_against_them(tmp_path: Path) -> None:
    segy.write_gathers(tmp_path / "r.sgy", records())
    (report,) = info.run([tmp_path / "r.sgy"])
    assert report.odd == []
    contents = report.contents
    assert (contents["shots"], contents["interval_of_binary_header_s"]) == (6, INTERVAL)
    assert contents["keys"]["source_x"]["different"] == 6
    assert contents["keys"]["channel (byte 13)"] == {"from": 1.0, "to": 24.0, "different": 24}


@pytest.mark.parametrize("form", ["h5", "sgy", "rsf"])
def test_components_are_named(form: str, tmp_path: Path) -> None:
    """Sensors at one place are no repeated traces; their numbers and units are told."""
    plain = records()
    survey = plain.acquisition.recording([PRESSURE, Component.named("vz"), TILTED])
    survey = replace(survey, emitted=Component.named("fz"))
    data = np.concatenate([plain.data, 2 * plain.data, 3 * plain.data], axis=1)
    path = tmp_path / f"r.{form}"
    gathers = replace(plain, acquisition=survey, data=data)
    if form == "h5":
        hdf5.write_gathers(path, gathers, {})
    else:
        (segy if form == "sgy" else rsf).write_gathers(path, gathers)
    (report,) = info.run([path])
    assert report.odd == []
    assert report.contents["components"] == {
        "pressure": {"traces": 144, "unit": "Pa"},
        TILTED.name: {"traces": 144, "unit": "m/s2"},
        "vz": {"traces": 144, "unit": "m/s"},
    }
    assert report.contents["source_component"] == "fz"
    done = CliRunner().invoke(cli, ["info", str(path)])
    assert re.search(r"^  vz +144 traces, m/s$", done.stdout, re.MULTILINE)
    assert "source component" in done.stdout
    hdf5.write_gathers(tmp_path / "p.h5", plain, {})
    done = CliRunner().invoke(cli, ["info", str(tmp_path / "p.h5")])
    assert "recorded components" not in done.stdout
    assert "source component" not in done.stdout


def test_sensors_that_became_sources_are_no_repeated_shots(tmp_path: Path) -> None:
    """And their amplitudes are compared with those of their kind."""
    plain = records()
    three = [PRESSURE, Component.named("vx"), Component.named("vz")]
    data = np.concatenate([plain.data, 1e-7 * plain.data, 2e-7 * plain.data], axis=1)
    gathers = replace(plain, acquisition=plain.acquisition.recording(three), data=data)
    path = tmp_path / "r.sgy"
    segy.write_gathers(path, gathers)
    (report,) = info.run([path], FileLayout(settings=("group=receiver",)))
    assert report.odd == []
    assert report.contents["source_component"] == "pressure, fx, fz"
    assert report.contents["components"]["reciprocal vz"] == {"traces": 144, "unit": "m/s"}
    # One that is louder than others of its kind still is.
    data[:, -1] *= 1e4  # vz of the last receiver
    segy.write_gathers(path, gathers)
    (report,) = info.run([path], FileLayout(settings=("group=receiver",)))
    assert re.match(r"shot \d+ has 1.* times the amplitude of the median shot", report.odd[0])
    assert not any("share" in sentence for sentence in report.odd)
    twice = np.concatenate([plain.acquisition.sources[:1], plain.acquisition.sources[:-1]])
    repeated = replace(plain, acquisition=replace(plain.acquisition, sources=twice))
    segy.write_gathers(path, repeated)
    (report,) = info.run([path])
    assert "2 shots share 1 source positions, as shots 0 and 1" in report.odd[0]


@pytest.mark.parametrize("name", ["segy", "two_shots_foreign.segy"])
def test_foreign_files_are_described_or_refused(name: str) -> None:
    """Each says what it is, or why it is not read."""
    if not (SHARED / name).exists():
        pytest.skip(f"no foreign data in {SHARED / name}")
    files = sorted((SHARED / name).iterdir()) if name == "segy" else [SHARED / name]
    described = 0
    for path in files:
        try:
            (report,) = info.run([path])
        except DataError as error:
            assert path.name in str(error)  # noqa: PT017
            continue
        described += 1
        assert report.contents["traces"] > 0
        json.dumps(report.summary(), allow_nan=False)
    assert described >= 0.7 * len(files)
