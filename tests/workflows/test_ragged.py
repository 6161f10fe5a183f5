"""Commands on shots that differ: results are those of the padded survey, in memory or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli import Acquisition, Gathers
from fwicli.config.loader import ProblemsError, load
from fwicli.files import hdf5
from fwicli.survey.signals import wavelets
from fwicli.workflows import invert, model, rtm
from fwicli.workflows.assembly import sizes
from fwicli.workflows.planning.plan import Plan, make_plan

EARTH = "model: {vp: 2000, shape: [41, 31], spacing: 10}\ndata: {file: shots.h5}\n"
CONFIGS = {
    "invert": EARTH
    + """
inversion:
  fixed: nothing
  bounds: [1500, 2500]
  stages: [{band: [0, 8], iterations: 1}, {band: [0, 12], iterations: 1}]
""",
    "rtm": EARTH + "imaging: {mute: nothing}\n",
}
CONDITIONED = """
  conditioning:
    - {kind: offsets, farthest: 320, taper: 50}
    - {kind: times, before: 0.38, taper: 0.05}
  source: {estimate: shot, lags: [-0.05, 0.05]}
"""
SOURCES = np.array([[50.0, 20.0], [200.0, 20.0], [350.0, 20.0]])
SAMPLES = 101


def ragged() -> Gathers:
    """Direct waves of three shots, with wavelets of their own."""
    t = wavelets.times(0.004, SAMPLES)
    xs = [np.arange(5.0, 400.0, 50.0), np.arange(30.0, 300.0, 70.0), np.array([25.0, 120.0])]
    receivers = [np.stack([x, np.full(x.size, 40.0)], axis=-1) for x in xs]
    peaks = (8.0, 9.0, 7.0)
    data = []
    for source, positions, peak in zip(SOURCES, receivers, peaks, strict=True):
        away = np.linalg.norm(positions - source, axis=-1)
        data.append(wavelets.ricker(t - away[:, None] / 2100, peak).astype("f4"))
    return Gathers(
        Acquisition(SOURCES, receivers),
        0.004,
        data,
        np.stack([wavelets.ricker(t, peak) for peak in peaks]),
    )


def padded(records: Gathers) -> Gathers:
    """The same as a box, with silent receivers at the sources."""
    most = int(records.acquisition.counts.max())
    receivers = np.repeat(SOURCES[:, None], most, axis=1)
    for shot, count in enumerate(records.acquisition.counts):
        receivers[shot, :count] = records.acquisition.receivers_of(shot)
    return replace(records, acquisition=Acquisition(SOURCES, receivers), data=records.data.padded())


def folder_of(path: Path, records: Gathers, kind: str, extra: str = "") -> Path:
    path.mkdir()
    hdf5.write_gathers(path / "shots.h5", records, {})
    (path / f"{kind}.yaml").write_text(CONFIGS[kind] + extra)
    return path


def planned(folder: Path, kind: str) -> Plan:
    return make_plan(load(folder / f"{kind}.yaml", kind, ()))


def result(folder: Path, kind: str) -> dict[str, Any]:
    """Arrays of the result of a command."""
    verb, name = (invert, "inversion.h5") if kind == "invert" else (rtm, "image.h5")
    verb.run(load(folder / f"{kind}.yaml", kind, ()), folder / "run")
    arrays: dict[str, Any] = {}
    with h5py.File(folder / "run" / name) as file:
        file.visititems(
            lambda n, o: arrays.update({n: o[()]}) if isinstance(o, h5py.Dataset) else None
        )
    return {n: a for n, a in arrays.items() if not n.endswith("seconds")}


def assert_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


@pytest.mark.parametrize(
    ("kind", "extra"),
    [
        # The conditioned run has all that the plain one has.
        pytest.param("invert", "", marks=pytest.mark.slow),
        ("invert", CONDITIONED),
        ("rtm", ""),
    ],
)
def test_results_are_those_of_the_padded_survey(
    tmp_path: Path, kind: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ragged in memory, ragged and read by the workers, and as a box: bit for bit the same."""
    table = folder_of(tmp_path / "table", ragged(), kind, extra)
    box = folder_of(tmp_path / "box", padded(ragged()), kind, extra)
    in_memory = result(table, kind)
    assert_equal(in_memory, result(box, kind))
    monkeypatch.setattr(sizes, "IN_MEMORY", 0.0)
    reading = folder_of(tmp_path / "reading", ragged(), kind, extra)
    plan = planned(reading, kind)
    assert plan.gathers is not None
    assert plan.gathers.stored
    assert_equal(result(reading, kind), in_memory)


def test_plan_tells_the_range_of_receivers(tmp_path: Path) -> None:
    plan = planned(folder_of(tmp_path / "a", ragged(), "invert"), "invert")
    assert plan.summary()["receivers_per_shot"] == [2, 8]
    assert plan.stages[0].traces.count == 8
    box = planned(folder_of(tmp_path / "b", padded(ragged()), "invert"), "invert")
    assert box.summary()["receivers_per_shot"] == 8


def test_times_of_shots_are_told(tmp_path: Path) -> None:
    """Delays, samples before t = 0 and short records are warned of, and no part of the data."""
    whole = ragged()
    data = [whole.data[0][:, 5:], whole.data[1], whole.data[2][:, :80]]
    start = np.array([0.02, -0.008, 0.0])
    wavelet = np.asarray(whole.wavelet)
    late = replace(whole, data=data, start=start, wavelet=wavelet)
    plan = planned(folder_of(tmp_path / "late", late, "rtm"), "rtm")
    (line,) = [w for w in plan.warnings if "t = 0" in w]
    assert "1 of 3 shots begin before they were fired" in line
    assert "compared from their first sample on" in line
    assert "80 at least of 101" in line
    assert plan.gathers is not None
    assert plan.gathers.spans is not None
    assert plan.gathers.spans.tolist() == [[5, 101], [0, 99], [0, 80]]
    np.testing.assert_array_equal(plan.gathers.data[1][:, :99], data[1][:, 2:])
    assert np.isfinite(result(tmp_path / "late", "rtm")["image"]).all()


def test_delays_between_samples_are_resampled(tmp_path: Path) -> None:
    """And a line says so; the shot is compared from the next sample on."""
    late = replace(ragged(), start=np.array([0.0, 0.0, 0.0015]))
    made = planned(folder_of(tmp_path / "late", late, "invert"), "invert")
    assert made.gathers is not None
    assert made.gathers.span(2).start == 1
    assert any("1 of 3 shots begin between two samples" in line for line in made.warnings)


@pytest.mark.parametrize("kind", ["invert", "rtm"])
def test_other_components_are_refused(tmp_path: Path, kind: str) -> None:
    from fwicli.survey.components import Component

    records = ragged()
    vertical = replace(records.acquisition, recorded=Component.named("vz"))
    folder = folder_of(tmp_path / "vz", replace(records, acquisition=vertical), kind)
    with pytest.raises(ProblemsError, match="cannot record vz, only pressure"):
        planned(folder, kind)


def test_model_of_ragged_shots(tmp_path: Path) -> None:
    """Each shot is recorded by its own receivers, as where silent ones fill up the shots."""
    config = """
model: {vp: 2000, shape: [41, 31], spacing: 10}
geometry: {records: {file: shots.h5}}
time: {duration: 0.4, interval: 0.004}
wavelet: {kind: ricker, frequency: 8}
physics: {aperture: whole}
"""
    written = []
    for name, records in (("ragged", ragged()), ("box", padded(ragged()))):
        folder = tmp_path / name
        folder.mkdir()
        hdf5.write_gathers(folder / "shots.h5", records, {})
        (folder / "model.yaml").write_text(config)
        summary = model.run(load(folder / "model.yaml", "model", ()), folder / "run")
        assert summary["receivers"] == ([2, 8] if name == "ragged" else 8)
        written.append(hdf5.read_gathers(folder / "run" / "shots.h5"))
    one, box = written
    assert one.stored
    assert isinstance(box.data, np.ndarray)
    assert one.acquisition.counts.tolist() == [8, 4, 2]
    for shot, count in enumerate([8, 4, 2]):
        np.testing.assert_array_equal(one.data[shot], box.data[shot][:count])
        assert one.data[shot].any()


@pytest.mark.parametrize("estimate", ["shot", "common"])
def test_memory_of_records_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, estimate: str
) -> None:
    """That of the largest shot; a source in common is fitted to all shots at once."""
    folder = folder_of(tmp_path / "a", ragged(), "invert", f"  source: {{estimate: {estimate}}}\n")
    whole = planned(folder, "invert").total.records
    assert whole == 4 * 14 * SAMPLES
    monkeypatch.setattr(sizes, "IN_MEMORY", 0.0)
    stored = planned(folder, "invert").total.records
    assert stored == (whole if estimate == "common" else 4 * 8 * SAMPLES)
