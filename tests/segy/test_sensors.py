"""Sensors of traces: codes and units of the standard, directions of the text header, settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import segyio

from fwicli.errors import DataError
from fwicli.segy.fields import byte_map, field
from fwicli.segy.gathers import read_gathers
from fwicli.segy.records import Writing, write_gathers
from fwicli.segy.selection import Grouping
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.components import PRESSURE, Component
from fwicli.survey.gathers import Gathers
from tests.segy.files import line, opened, patch, write

NAMES = ("pressure", "vx", "vy", "vz", "ux", "uz", "ax", "az", "fz")
NAMED = {name: Component.named(name) for name in NAMES}
TILTED = Component("velocity", 30.0, 45.0)
# All digits, and more than fit a line of the text header in words.
EXACT = Component("acceleration", -30.123456789012345, -120.12345678901234)


def nodes(components: list[Component], shots: int = 2, places: int = 3) -> Gathers:
    """Shots over ocean-bottom nodes, each of which has all of the components at one position."""
    rng = np.random.default_rng(7)
    sources = np.round(rng.uniform(0, 900, (shots, 3)), 1)
    positions = np.round(rng.uniform(0, 900, (places, 3)), 1)
    receivers = np.repeat(positions, len(components), axis=0)
    recorded = components * places
    data = rng.standard_normal((shots, len(recorded), 16)).astype(np.float32)
    return Gathers(Acquisition(sources, receivers, recorded), 0.004, data)


def of(path: Path, **grouping: Any) -> Gathers:
    return read_gathers(path, grouping=Grouping(**grouping))


def recorded(gathers: Gathers) -> list[list[str]]:
    shots = range(gathers.acquisition.shots)
    return [[c.code for c in gathers.acquisition.recorded_by(shot)] for shot in shots]


def test_nodes_of_four_components_are_one_survey(tmp_path: Path) -> None:
    """Codes and units are those of the standard, as segyio reads them."""
    four = [NAMED[name] for name in ("pressure", "vx", "vy", "vz")]
    records = nodes(four)
    assert write_gathers(tmp_path / "a.sgy", records) == ()
    with opened(tmp_path / "a.sgy") as file:
        assert (
            file.attributes(segyio.TraceField.TraceIdentificationCode)[:].tolist()
            == [11, 14, 13, 12] * 6
        )
        units = file.attributes(segyio.TraceField.TraceValueMeasurementUnit)[:].tolist()
        assert units == [1, 6, 6, 6] * 6
        # Pressure is positive, and so is downward motion: no code of the standard is both.
        assert file.bin[segyio.BinField.ImpulseSignalPolarity] == 0
        text = segyio.tools.wrap(file.text[0])
    assert "PRESSURE IN PA, VX VY VZ IN M/S" in text
    assert "POSITIVE DOWNWARDS" in text
    again = of(tmp_path / "a.sgy")
    assert again.notes == ()
    assert again.acquisition.recorded == records.acquisition.recorded
    np.testing.assert_array_equal(again.acquisition.receivers, records.acquisition.receivers)
    np.testing.assert_array_equal(np.stack(list(again.data)), records.data)


@pytest.mark.parametrize(
    ("names", "codes", "unit", "polarity"),
    [
        (["pressure"], [1], 1, 2),
        (["vz"], [12], 6, 1),
        (["az", "ax"], [12, 14], 7, 1),
        (["uz", "ux"], [12, 14], 5, 1),
    ],
)
def test_codes_units_and_polarity(
    names: list[str], codes: list[int], unit: int, polarity: int, tmp_path: Path
) -> None:
    records = nodes([NAMED[name] for name in names])
    write_gathers(tmp_path / "a.sgy", records)
    with opened(tmp_path / "a.sgy") as file:
        assert file.attributes(29)[:].tolist() == codes * 6
        assert set(file.attributes(203)[:]) == {unit}
        assert file.bin[segyio.BinField.ImpulseSignalPolarity] == polarity
    again = of(tmp_path / "a.sgy")
    assert recorded(again) == [names * 3] * 2
    assert again.notes == ()


def test_directions_and_sources_are_lines_of_the_text_header(tmp_path: Path) -> None:
    """To the last digit, for as many as there are lines."""
    upward = Component("velocity", -90.0, 0.0)
    fibres = [Component(n, -30.5, 45.0, 10.2) for n in ("strain_rate", "strain")]
    moved = Component("displacement", 10.0, 20.0)
    records = nodes([TILTED, NAMED["vz"], EXACT, upward, *fibres, moved])
    survey = replace(records.acquisition, emitted=NAMED["fz"])
    write_gathers(tmp_path / "a.sgy", replace(records, acquisition=survey))
    with opened(tmp_path / "a.sgy") as file:
        text = segyio.tools.wrap(file.text[0])
        private = set(file.attributes(29)[:]) - {12}
    assert min(private) >= 256
    assert f"TRACE ID {min(private)} IS ACCELERATION {EXACT.dip!r} {EXACT.azimuth!r}" in text
    assert "IS STRAIN_RATE -30.5 45.0 10.2" in text
    assert "IS STRAIN -30.5 45.0 10.2" in text
    assert "IS DISPLACEMENT 10.0 20.0" in text
    assert "SOURCES EMIT FORCE 90.0 0.0" in text
    again = of(tmp_path / "a.sgy").acquisition
    assert (again.recorded, again.emitted) == (survey.recorded, NAMED["fz"])
    moment = Component("moment", tensor=(1, 0, -1, 0, 0.5, 0))
    survey = replace(records.acquisition, emitted=moment)
    write_gathers(tmp_path / "m.sgy", replace(records, acquisition=survey))
    with opened(tmp_path / "m.sgy") as file:
        assert "SOURCES EMIT MOMENT 1.0 0.0 -1.0 0.0 0.5 0.0" in segyio.tools.wrap(file.text[0])
    assert of(tmp_path / "m.sgy").acquisition.emitted == moment
    (note,) = write_gathers(
        tmp_path / "m.su",
        replace(
            nodes([NAMED["vz"]]),
            acquisition=replace(nodes([NAMED["vz"]]).acquisition, emitted=moment),
        ),
        Writing(kind="su"),
    )
    assert "source_component: {quantity: moment, tensor: [1.0, 0.0, -1.0, 0.0, 0.5, 0.0]}`" in note
    digits = Component("moment", tensor=[1 / 3, 2 / 3, 1 / 7, 0.1, 0.2, 0.3])
    survey = replace(records.acquisition, emitted=digits)
    with pytest.raises(DataError, match=r"`SOURCES EMIT MOMENT .*` does not fit a line"):
        write_gathers(tmp_path / "b.sgy", replace(records, acquisition=survey))
    long = Component("strain_rate", -30.123456789012345, -120.12345678901234, 10.123456789012345)
    with pytest.raises(DataError, match=r"does not fit a line of the text header"):
        write_gathers(tmp_path / "b.sgy", nodes([long]))
    many = [Component("velocity", float(dip), 0.5) for dip in range(16)]
    write_gathers(tmp_path / "b.sgy", nodes(many, places=1))
    assert of(tmp_path / "b.sgy").acquisition.recorded == tuple(many)
    with pytest.raises(DataError, match=r"along 17 directions .* has lines for 16; write HDF5"):
        write_gathers(tmp_path / "b.sgy", nodes([*many, TILTED]))


def test_shots_that_differ_in_components(tmp_path: Path) -> None:
    """Each shot keeps its own, also where all have as many receivers at the same places."""
    records = nodes([NAMED["vx"], NAMED["vz"]])
    first, second = [NAMED["vx"], NAMED["vz"]] * 3, [NAMED["vz"], PRESSURE] * 3
    box = np.stack([records.acquisition.receivers] * 2)
    survey = Acquisition(records.acquisition.sources, box, [first, second])
    write_gathers(tmp_path / "a.sgy", replace(records, acquisition=survey))
    assert of(tmp_path / "a.sgy").acquisition.recorded == survey.recorded
    ragged = Acquisition(survey.sources, [box[0][:4], box[1]], [first[:4], second])
    data = [records.data[0][:4], records.data[1]]
    write_gathers(tmp_path / "b.sgy", Gathers(ragged, 0.004, data))
    assert of(tmp_path / "b.sgy").acquisition.recorded == ragged.recorded


def test_su_has_codes_and_no_text(tmp_path: Path) -> None:
    how = Writing(kind="su")
    records = nodes([NAMED["pressure"], NAMED["vz"], TILTED])
    survey = replace(records.acquisition, emitted=NAMED["fz"])
    direction, source = write_gathers(tmp_path / "a.su", replace(records, acquisition=survey), how)
    assert "`data.trace_ids: {256: {quantity: velocity, dip: 30.0, azimuth: 45.0}}`" in direction
    assert "`data.source_component: fz`" in source
    fields = byte_map("su")
    plain = read_gathers(tmp_path / "a.su", fields)
    assert recorded(plain) == [["pressure", "vz"] * 3] * 2
    assert "6 of 18 traces are not read: their trace id 256" in plain.notes[0]
    whole = read_gathers(tmp_path / "a.su", fields, Grouping(trace_ids={256: TILTED}))
    assert whole.acquisition.recorded == records.acquisition.recorded
    np.testing.assert_array_equal(np.stack(list(whole.data)), records.data)
    with pytest.raises(DataError, match=r"SU files have no place for the unit .* az would be read"):
        write_gathers(tmp_path / "a.su", nodes([NAMED["az"]]), how)
    with pytest.raises(DataError, match=r"and ux would be read as velocity"):
        write_gathers(tmp_path / "a.su", nodes([Component.named("ux")]), how)
    unit = byte_map("su", {"unit": field("unit", "233:int16")})
    write_gathers(tmp_path / "a.su", nodes([NAMED["az"]]), Writing(kind="su", fields=unit))
    assert recorded(read_gathers(tmp_path / "a.su", unit)) == [["az"] * 3] * 2


def test_sources_of_several_kinds_are_refused(tmp_path: Path) -> None:
    records = nodes([PRESSURE])
    survey = replace(records.acquisition, emitted=[PRESSURE, NAMED["fz"]])
    with pytest.raises(DataError, match="one kind of source for all shots, and these emit"):
        write_gathers(tmp_path / "a.sgy", replace(records, acquisition=survey))
    assert not (tmp_path / "a.sgy").exists()


@pytest.mark.parametrize(
    ("code", "unit", "words"),
    [
        (1, 6, r"trace id 1 is a record of pressure \[Pa\], and byte 203 states the unit m/s"),
        (11, 7, r"pressure \[Pa\], and byte 203 states the unit m/s2 \(code 7\); set .*{11: vz}"),
        (12, 1, r"trace 1, byte 29 .* trace id 12 is a record of vz \[m/s\], .* the unit Pa"),
        (14, 8, r"record of vx \[m/s\], and byte 203 states the unit N \(code 8\)"),
    ],
)
def test_codes_and_units_that_contradict_each_other(
    code: int, unit: int, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.sgy"
    write(path, line() | {"trace_id": code, "unit": unit})
    with pytest.raises(DataError, match=words):
        of(path)
    assert recorded(of(path, trace_ids={code: NAMED["ax"]}))[0] == ["ax"] * 5
    without = byte_map(changes={"unit": field("unit", "none")})
    assert read_gathers(path, without).acquisition.counts.tolist() == [5, 5, 5]
    # Revision 0 has no unit: the bytes are anybody's.
    patch(path, 3501, "h", 0)
    assert of(path).acquisition.counts.tolist() == [5, 5, 5]


def test_outputs_of_sensors_are_told(tmp_path: Path) -> None:
    write(tmp_path / "a.sgy", line() | {"trace_id": 14, "unit": 3})
    again = of(tmp_path / "a.sgy")
    assert recorded(again)[0] == ["vx"] * 5
    assert "samples of vx are in mV (code 3), and are taken as m/s" in again.notes[0]
    write(tmp_path / "a.sgy", line() | {"unit": 17})
    (note,) = of(tmp_path / "a.sgy").notes
    assert "a unit that the standard does not have (code 17), and are taken as Pa" in note


def test_upward_motion_that_the_header_calls_positive_is_told(tmp_path: Path) -> None:
    write(tmp_path / "a.sgy", line() | {"trace_id": 12})
    (note,) = of(tmp_path / "a.sgy").notes
    assert "byte 3257 states that upward motion gives positive numbers" in note
    assert "`data.trace_ids: {12: {quantity: velocity, dip: -90}}`" in note
    upward = Component("velocity", -90.0, 0.0)
    turned = of(tmp_path / "a.sgy", trace_ids={12: upward})
    assert (turned.acquisition.recorded, turned.notes) == (upward, ())
    write(tmp_path / "a.sgy", line() | {"trace_id": 12}, polarity=1)
    assert of(tmp_path / "a.sgy").notes == ()


def test_settings_replace_codes(tmp_path: Path) -> None:
    """Of traces with a code, or of all; several sensors are not all of one component."""
    path = tmp_path / "a.sgy"
    codes = np.tile([11, 12, 13, 16, 17], 3)
    write(path, line() | {"trace_id": codes}, polarity=1)
    plain = of(path)
    assert recorded(plain)[0] == ["pressure", "vz", "vy"]
    assert "trace id 16 (transverse motion) is no record" in plain.notes[0]
    assert "`data.trace_ids: {17: vx}`" in plain.notes[1]
    stated = of(path, trace_ids={13: None, 16: NAMED["vy"], 17: TILTED})
    assert recorded(stated)[0] == ["pressure", "vz", "vy", TILTED.code]
    assert "trace id 13 (cross-line motion) is left out by `data.trace_ids`" in stated.notes[0]
    with pytest.raises(DataError, match=r"several sensors \(trace ids 11, 12, 13, 16, 17\)") as e:
        of(path, component=NAMED["vz"])
    assert e.value.key == ("component",)
    write(path, line() | {"trace_id": 1, "unit": 6})
    assert of(path, component=NAMED["vz"]).acquisition.recorded == NAMED["vz"]


def test_dead_traces_have_no_sensor(tmp_path: Path) -> None:
    codes = np.tile([12, 2, 12, 14, 14], 3)
    write(tmp_path / "a.sgy", line() | {"trace_id": codes}, polarity=1)
    dropped = of(tmp_path / "a.sgy")
    assert recorded(dropped)[0] == ["vz", "vz", "vx", "vx"]
    assert "3 of 15 traces are dead (trace id 2" in dropped.notes[0]
    silent = of(tmp_path / "a.sgy", dead="zero")
    assert recorded(silent)[1] == ["vz", "vx", "vz", "vx", "vx"]
    assert not silent.data[1][1].any()


def test_each_sensor_of_a_node_becomes_a_source(tmp_path: Path) -> None:
    """By reciprocity: a force along each of motion, with its samples as they are."""
    kinds = [PRESSURE, NAMED["vz"], TILTED]
    records = nodes(kinds)
    path = tmp_path / "a.sgy"
    write_gathers(path, records)
    again = of(path, keys=("receiver",))
    survey = again.acquisition
    assert (survey.shots, again.notes) == (9, ())
    force = [PRESSURE, NAMED["fz"], Component("force", 30.0, 45.0)]
    assert survey.emitted == tuple(force * 3)
    assert recorded(again) == [
        [code] * 2 for code in ["pressure", "reciprocal vz", "reciprocal velocity 30.0 45.0"] * 3
    ]
    np.testing.assert_array_equal(survey.sources, records.acquisition.receivers)
    for shot in range(9):
        np.testing.assert_array_equal(survey.receivers_of(shot), records.acquisition.sources)
        np.testing.assert_array_equal(again.data[shot], records.data[:, shot])
    single = of(path, keys=("receiver",), trace_ids={11: None, 256: None})
    assert single.acquisition.emitted == NAMED["fz"]
    assert single.acquisition.recorded == Component.named("reciprocal vz")
    # A shot without one of the sensors: receivers of others are as many as they are.
    data = [records.data[0], np.delete(records.data[1], 1, axis=0)]
    places = [records.acquisition.receivers, np.delete(records.acquisition.receivers, 1, axis=0)]
    ragged = Acquisition(
        records.acquisition.sources, places, [kinds * 3, (kinds * 3)[:1] + (kinds * 3)[2:]]
    )
    write_gathers(path, Gathers(ragged, 0.004, data))
    again = of(path, keys=("receiver",))
    assert again.acquisition.counts.tolist() == [2, 1, *[2] * 7]
    assert again.acquisition.emitted == tuple(force * 3)


def test_what_reciprocity_does_not_exchange_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.sgy"
    for kind in (Component("strain", 0.0, 0.0, 10.0), Component.named("ux")):
        write_gathers(path, nodes([PRESSURE, kind]))
        code = 14 if kind.gauge is None else 256
        words = f"trace id {code} is a record of {kind.name}, .*trace_ids: {{{code}: none}}`"
        with pytest.raises(DataError, match=words):
            of(path, keys=("receiver",))
        assert of(path, keys=("receiver",), trace_ids={code: None}).acquisition.shots == 3
    records = nodes([PRESSURE, NAMED["vz"]])
    forces = replace(records, acquisition=replace(records.acquisition, emitted=NAMED["fz"]))
    write_gathers(path, forces)
    with pytest.raises(DataError, match="sources emit fz, and reciprocity exchanges sources of pr"):
        of(path, keys=("receiver",))
    write_gathers(path, nodes([NAMED["vz"]]))
    exchanged = of(path, keys=("receiver",))
    with pytest.raises(DataError, match=r"receivers of vz have changed places, which SEG-Y and SU"):
        write_gathers(tmp_path / "b.sgy", exchanged)
    assert not (tmp_path / "b.sgy").exists()


def test_one_component_twice_at_a_place_is_told(tmp_path: Path) -> None:
    write_gathers(tmp_path / "a.sgy", nodes([PRESSURE, NAMED["vz"], PRESSURE]))
    assert "6 traces have the receiver of another trace" in of(tmp_path / "a.sgy").notes[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("TRACE ID 256 IS VELOCITY 1.2.3 4", "states `VELOCITY 1.2.3 4`"),
        ("TRACE ID 256 IS VELOCITY 9E999 4", "dip inf"),
        ("TRACE ID 256 IS VELOCITY 1 2 TRACE ID 256 IS VELOCITY 1 3", "two directions of trace id"),
        ("SOURCES EMIT FORCE 1 2 SOURCES EMIT FORCE 90 0", "states several sources"),
    ],
)
@pytest.mark.parametrize("encoding", ["ascii", "cp037"])
def test_lines_of_the_text_header_that_are_wrong(
    text: str, words: str, encoding: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.sgy"
    write(path, line())
    with path.open("r+b") as file:
        file.write(text.encode(encoding))
    with pytest.raises(DataError, match=words):
        of(path)


def test_files_of_one_survey_agree_on_directions(tmp_path: Path) -> None:
    paths = [tmp_path / "a.sgy", tmp_path / "b.sgy"]
    for path, direction in zip(paths, (TILTED, EXACT), strict=True):
        write_gathers(path, nodes([direction]))
    with pytest.raises(DataError, match=r"b.sgy states another direction of trace id 256"):
        read_gathers(paths)
    forces = nodes([TILTED])
    survey = replace(forces.acquisition, emitted=NAMED["fz"])
    write_gathers(paths[1], replace(forces, acquisition=survey))
    with pytest.raises(DataError, match="have different sources, pressure, fz"):
        read_gathers(paths)
