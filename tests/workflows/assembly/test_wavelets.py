"""Wavelets: used as they were meant, or refused by name before the grid is judged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli.config.loader import ProblemsError, load
from fwicli.errors import DataError
from fwicli.files import hdf5
from fwicli.segy.records import write_gathers
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.gathers import Gathers
from fwicli.survey.signals.wavelets import ormsby, ricker, times
from fwicli.workflows import model
from fwicli.workflows.planning.plan import make_plan

INTERVAL, SAMPLES, COARSER = 0.004, 151, 8.0
COMMANDS = ["model", "invert", "rtm"]
RICKER = "kind: ricker, frequency: 12"
ORMSBY = "kind: ormsby, corners: [3, 6, 18, 26]"


def crossed(cases: Iterable[str]) -> list[Any]:
    """Every case with every command; all but one of these take their time in the slow tests."""
    return [
        pytest.param(case, command, marks=[] if (row - column) % 3 == 0 else [pytest.mark.slow])
        for row, case in enumerate(cases)
        for column, command in enumerate(COMMANDS)
    ]


def shape(interval: float, samples: int) -> np.ndarray:
    return ricker(times(interval, samples), 12.0)


def planned(survey: Path, command: str, *settings: str) -> np.ndarray:
    """The wavelet that a command would use."""
    return make_plan(load(survey / f"{command}.yaml", settings=settings)).wavelet


def refused(survey: Path, command: str, *settings: str) -> str:
    """The only problem that the check finds."""
    with pytest.raises(ProblemsError) as caught:
        make_plan(load(survey / f"{command}.yaml", settings=settings))
    assert caught.value.exit_code == 3
    (problem,) = caught.value.problems
    return str(problem)


# A fault of a made wavelet, and what the message must say.
MADE = {
    "zero": (f"{RICKER}, amplitude: 0", "amplitude is 0"),
    "zero_ormsby": (f"{ORMSBY}, amplitude: 0", "amplitude is 0"),
    "late": (f"{RICKER}, delay: 5", "peak at 5 s, after the end of the record at 0.6 s"),
    "late_ormsby": (f"{ORMSBY}, delay: 5", "peak at 5 s, after the end of the record at 0.6 s"),
    "ms": (f"{RICKER}, delay: 125", "is the delay in ms? Then write 0.125"),
    "cut": (f"{RICKER}, delay: 0", "50% of its energy is missing"),
    "cut_at_the_end": (f"{RICKER}, delay: 0.6", "is cut where the record ends"),
    "cut_ormsby": (f"{ORMSBY}, delay: 0.001", "too short for its band"),
    "cut_at_the_end_ormsby": (f"{ORMSBY}, delay: 0.6", "is cut where the record ends"),
    "khz": ("kind: ricker, frequency: 0.012", "is the frequency in kHz? Then write 12"),
    "khz_ormsby": (
        "kind: ormsby, corners: [0.003, 0.006, 0.018, 0.026]",
        "frequency in kHz? Then write [3, 6, 18, 26]",
    ),
    "aliased": ("kind: ricker, frequency: 60", "none above 125 Hz (Nyquist)"),
    "aliased_ormsby": ("kind: ormsby, corners: [10, 20, 100, 200]", "none above 125 Hz (Nyquist)"),
    "long": ("kind: ricker, frequency: 2", "s: make the record longer than 1.5 s"),
    "mhz": ("kind: ricker, frequency: 1.2e+7", "none above 125 Hz (Nyquist)"),
    "loud": (f"{RICKER}, amplitude: 1.0e+30", "largest value of 9.96e+29"),
    "endless": ("kind: ricker, frequency: 1.0e-25", "after the end of the record"),
    "huge": ("kind: ormsby, corners: [1.0e+28, 2.0e+28, 3.0e+28, 4.0e+28]", "(Nyquist)"),
}


@pytest.mark.parametrize(("fault", "command"), crossed(MADE))
def test_made_wavelets_lie_within_the_record(survey: Path, command: str, fault: str) -> None:
    """Otherwise the message names the wavelet, not the spacing, the sign or the model."""
    setting, words = MADE[fault]
    told = refused(survey, command, f"wavelet={{{setting}}}")
    assert words in told
    assert "wavelet" in told
    assert "points per wavelength" not in told


Writer = Callable[[Path], str]


def _saved(path: Path, array: np.ndarray) -> str:
    np.save(path / "w.npy", array)
    return "file: w.npy"


def _text(path: Path, array: np.ndarray, name: str = "w.txt", **how: str) -> str:
    np.savetxt(path / name, array, **how)
    return f"file: {name}"


def _hdf5(path: Path, array: np.ndarray, dt: object = None, beside: bool = False) -> str:
    with h5py.File(path / "w.h5", "w") as file:
        file["wavelet"] = array
        if dt is not None:
            (file["wavelet"] if beside else file).attrs["dt"] = dt
    return "file: w.h5"


def _raw(path: Path, array: np.ndarray) -> str:
    array.tofile(path / "w.bin")
    return "file: w.bin"


def _columns(interval: float, samples: int, start: float = 0.0) -> np.ndarray:
    t = times(interval, samples) + start
    return np.c_[t, ricker(t, 12.0)]


def _of_shots(interval: float, samples: int) -> np.ndarray:
    """Wavelets of four shots, of other amplitude and delay."""
    t = times(interval, samples)
    return np.stack([(n + 1) * ricker(t, 12.0, 0.12 + 0.01 * n) for n in range(4)])


def _segy(path: Path, interval: float, samples: int) -> str:
    shots = Acquisition(np.arange(8.0).reshape(4, 2), np.zeros((1, 2)))
    data = _of_shots(interval, samples)[:, None].astype("f4")
    write_gathers(path / "w.sgy", Gathers(shots, interval, data))
    return "file: w.sgy"


# Ways to write a wavelet for each of four shots that all mean the same.
EACH: dict[str, Writer] = {
    "rows": lambda p: _saved(p, _of_shots(INTERVAL, SAMPLES)),
    "finer_rows": lambda p: _saved(p, np.vstack([times(0.002, 301), _of_shots(0.002, 301)])),
    "table": lambda p: _text(p, _of_shots(INTERVAL, SAMPLES).T),
    "csv": lambda p: _text(
        p, np.c_[times(0.001, 601), _of_shots(0.001, 601).T], "w.csv", header="t,1,2,3,4"
    ),
    "hdf5": lambda p: _hdf5(p, _of_shots(0.002, 301), 0.002),
    "segy": lambda p: _segy(p, INTERVAL, SAMPLES),
    "finer_segy": lambda p: _segy(p, 0.002, 301),
}
# Ways to write one wavelet that all mean the same.
ALIKE: dict[str, Writer] = {
    "npy": lambda p: _saved(p, shape(INTERVAL, SAMPLES)),
    "row": lambda p: _saved(p, shape(INTERVAL, SAMPLES)[None]),
    "column": lambda p: _saved(p, shape(INTERVAL, SAMPLES)[:, None]),
    "one_a_shot": lambda p: _saved(p, np.tile(shape(INTERVAL, SAMPLES), (4, 1))),
    "short": lambda p: _saved(p, shape(INTERVAL, 80)),
    "big_endian": lambda p: _saved(p, shape(INTERVAL, SAMPLES).astype(">f8")),
    "text": lambda p: _text(p, shape(INTERVAL, SAMPLES)),
    "text_row": lambda p: _text(p, shape(INTERVAL, SAMPLES)[None]),
    "csv": lambda p: _text(p, _columns(INTERVAL, SAMPLES), "w.csv", delimiter=", "),
    "header": lambda p: _text(p, _columns(INTERVAL, SAMPLES), "w.dat", header="time µs"),
    "names": lambda p: _text(p, _columns(INTERVAL, SAMPLES), header="t,p", comments=""),
    "finer_text": lambda p: _text(p, _columns(0.001, 601), "w.asc"),
    "finer_columns": lambda p: _saved(p, _columns(0.001, 601)),
    "finer_rows": lambda p: _saved(p, _columns(0.001, 601).T),
    "before_zero": lambda p: _saved(p, _columns(0.002, 350, -0.1)),
    "finer_hdf5": lambda p: _hdf5(p, shape(0.001, 601), 0.001),
    "beside": lambda p: _hdf5(p, shape(0.0025, 241), 0.0025, beside=True),
    "dt_in_an_array": lambda p: _hdf5(p, shape(0.001, 601), np.array([0.001], "f4")),
    "coarser": lambda p: _hdf5(p, shape(COARSER * 1e-3, 76), COARSER * 1e-3),
    "told": lambda p: _saved(p, shape(0.003, 201)) + ", interval: 0.003",
    "longer_than_the_record": lambda p: _saved(p, shape(0.004, 500)) + ", interval: 0.004",
    "raw": lambda p: _raw(p, shape(INTERVAL, SAMPLES).astype("f4")),
    "raw64": lambda p: _raw(p, shape(INTERVAL, SAMPLES)) + ", dtype: float64",
}


@pytest.mark.parametrize(("way", "command"), crossed(ALIKE))
def test_every_way_to_write_a_wavelet_means_the_same(
    survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, command: str
) -> None:
    """Sampled otherwise, in columns or rows, as text or numbers."""
    monkeypatch.chdir(tmp_path)
    setting = f"wavelet={{kind: file, {ALIKE[way](tmp_path)}}}"
    expected = shape(INTERVAL, SAMPLES)
    assert np.abs(planned(survey, command, setting) - expected).max() < 1e-6


@pytest.mark.parametrize(("way", "command"), crossed(EACH))
def test_shots_have_wavelets_of_their_own(
    survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, command: str
) -> None:
    """In any format; those of shots that are left out are left out with them."""
    monkeypatch.chdir(tmp_path)
    setting, expected = f"wavelet={{kind: file, {EACH[way](tmp_path)}}}", _of_shots(0.004, 151)
    assert np.abs(planned(survey, command, setting) - expected).max() < 1e-5
    if command != "model":
        some = planned(survey, command, setting, "data.shots=1:", "data.skip=[1]")
        assert np.abs(some - expected[[1, 3]]).max() < 1e-5


def test_each_shot_emits_its_wavelet(
    survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records are those of one wavelet, scaled; their file keeps the wavelets."""
    monkeypatch.chdir(tmp_path)
    wavelets = np.arange(1.0, 5)[:, None] * shape(INTERVAL, SAMPLES)
    setting = f"wavelet={{kind: file, {_text(tmp_path, wavelets.T)}}}"
    model.run(load(survey / "model.yaml", settings=[setting]), tmp_path / "run")
    records = hdf5.read_gathers(tmp_path / "run" / "shots.h5")
    np.testing.assert_allclose(records.wavelet, wavelets, rtol=1e-6)
    one = hdf5.read_gathers(survey / "shots" / "shots.h5")
    scaled = np.arange(1, 5)[:, None, None] * np.asarray(one.data)
    assert np.abs(records.data - scaled).max() < 1e-5 * np.abs(scaled).max()


def _zero_phase() -> np.ndarray:
    t = times(INTERVAL, SAMPLES) - 0.3
    return np.c_[t, ricker(t, 12.0, 0.0)]


# Files that cannot be meant, and what the message must say.
FAULTY: dict[str, tuple[Writer, str]] = {
    "zero": (lambda p: _saved(p, np.zeros(SAMPLES)), "is zero"),
    "zero_scale": (lambda p: _saved(p, shape(INTERVAL, SAMPLES)) + ", scale: 0", "`scale` is 0"),
    "nan": (lambda p: _saved(p, np.full(SAMPLES, np.nan)), "is nan at sample 0"),
    "empty": (lambda p: _saved(p, np.zeros(0)), "is empty"),
    "empty_text": (lambda p: _text(p, np.zeros(0)), "is empty"),
    "complex": (
        lambda p: _saved(p, shape(INTERVAL, SAMPLES) + 0j),
        "complex numbers in place of real",
    ),
    "strings": (lambda p: _saved(p, np.array(["a", "b"])), "text in place of real numbers"),
    "finer_unsaid": (lambda p: _saved(p, shape(0.001, 601)), "has 601 samples and the record 151"),
    "raw64_as_32": (lambda p: _raw(p, shape(INTERVAL, SAMPLES)), "the wavelet in"),
    "raw_of_odd_size": (lambda p: _raw(p, np.arange(7, dtype="u1")), "has 7 bytes"),
    "late": (lambda p: _hdf5(p, ricker(times(0.004, 900), 12, 3.0), 0.004), "its peak at 3 s"),
    "stretched": (lambda p: _hdf5(p, shape(0.001, 601), 1.0), "wavelet"),
    "dt_in_ms": (lambda p: _hdf5(p, shape(INTERVAL, SAMPLES), 4.0), "peak"),
    "dt_in_us": (lambda p: _hdf5(p, shape(INTERVAL, SAMPLES), 4000.0), "µs? Then write 0.004"),
    "dt_zero": (lambda p: _hdf5(p, shape(INTERVAL, SAMPLES), 0.0), "must be positive"),
    "dt_negative": (lambda p: _hdf5(p, shape(INTERVAL, SAMPLES), -0.004), "must be positive"),
    "dt_nan": (lambda p: _hdf5(p, shape(INTERVAL, SAMPLES), np.nan), "must be positive"),
    "dt_text": (lambda p: _hdf5(p, shape(INTERVAL, SAMPLES), "4 ms"), "is the text `4 ms`"),
    "dt_pair": (lambda p: _hdf5(p, shape(INTERVAL, SAMPLES), [0.004, 0.004]), "has 2 numbers"),
    "dt_disagrees": (
        lambda p: _hdf5(p, shape(INTERVAL, SAMPLES), 0.002) + ", interval: 0.004",
        "every 0.002 s, as it says itself",
    ),
    "of_three_shots": (
        lambda p: _saved(p, np.arange(1.0, 4)[:, None] * shape(INTERVAL, SAMPLES)),
        "3 wavelets, and the run 4 shots: give one wavelet for all shots, or one for each",
    ),
    "dead_shot": (
        lambda p: _saved(p, np.arange(4.0)[:, None] * shape(INTERVAL, SAMPLES)),
        "w.npy is zero",
    ),
    "segy_dataset": (lambda p: _segy(p, 0.004, 151) + ", dataset: w", "has no `dataset`"),
    "two_amplitudes": (
        lambda p: _saved(p, np.c_[shape(INTERVAL, SAMPLES), 2 * shape(INTERVAL, SAMPLES)]),
        "one wavelet for all shots",
    ),
    "cube": (lambda p: _saved(p, np.ones((2, 3, 4))), "one wavelet for all shots"),
    "zero_phase": (lambda p: _saved(p, _zero_phase()), "comes before t = 0, where records begin"),
    "aliased": (lambda p: _hdf5(p, ricker(times(0.001, 601), 70), 0.001), "(Nyquist)"),
    "words": (lambda p: _words(p, "1\n2\nthree\n"), "w.txt:3"),
    "ragged": (lambda p: _words(p, "1\n2 3\n"), "w.txt:2 has 2 numbers"),
    "no_numbers": (lambda p: _words(p, "time amplitude\n"), "without numbers"),
    "missing": (lambda p: "file: nothing.txt", "there is no file"),
    "folder": (lambda p: f"file: {p}", "is a folder"),
    "loud": (lambda p: _saved(p, 1e25 * shape(INTERVAL, SAMPLES)), "9.96e+24 Pa"),
    "faint": (lambda p: _saved(p, 1e-25 * shape(INTERVAL, SAMPLES)), "9.96e-26 Pa"),
}


def _words(path: Path, text: str) -> str:
    (path / "w.txt").write_text(text)
    return "file: w.txt"


@pytest.mark.parametrize(("fault", "command"), crossed(FAULTY))
def test_files_that_hold_no_wavelet_are_refused(
    survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, command: str
) -> None:
    """With a message about the wavelet and its file."""
    monkeypatch.chdir(tmp_path)
    writer, words = FAULTY[fault]
    told = refused(survey, command, f"wavelet={{kind: file, {writer(tmp_path)}}}")
    assert words in told
    assert "wavelet" in told
    assert "points per wavelength" not in told


@pytest.mark.parametrize(("command", "used"), [("model", False), ("invert", True), ("rtm", False)])
def test_a_spectrum_without_end_is_of_use_in_a_band_alone(
    survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, used: bool
) -> None:
    """A spike or a cut wavelet from a file is named where its whole spectrum would be sent."""
    monkeypatch.chdir(tmp_path)
    spike = np.zeros(SAMPLES)
    spike[3] = 1
    setting = f"wavelet={{kind: file, {_saved(tmp_path, spike)}}}"
    if used:
        np.testing.assert_array_equal(planned(survey, command, setting), spike)
    else:
        assert "the spectrum of the wavelet does not end" in refused(survey, command, setting)
        in_band = [setting, "imaging.band=[2, 20]"] if command == "rtm" else []
        assert not in_band or planned(survey, command, *in_band).any()


@pytest.mark.parametrize("command", ["invert", "rtm"])
@pytest.mark.parametrize("value", [0.0, np.nan, 1e30])
def test_wavelets_beside_the_data_are_checked(
    survey: Path, tmp_path: Path, command: str, value: float
) -> None:
    path = tmp_path / "shots.h5"
    path.write_bytes((survey / "shots" / "shots.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        file["wavelet"][...] = value
    assert "the wavelet in" in refused(survey, command, f"data.file={path}")


def test_advice_is_right(survey: Path) -> None:
    """What messages say to type passes the check."""
    for fault in ("aliased", "aliased_ormsby"):
        setting, _ = MADE[fault]
        told = refused(survey, "model", f"wavelet={{{setting}}}")
        interval = told.partition("sample every ")[2].split()[0]
        again = refused(survey, "model", f"wavelet={{{setting}}}", f"time.interval={interval}")
        assert "points per wavelength" in again
    told = refused(survey, "model", f"wavelet={{{RICKER}, delay: 0}}")
    delay = told.partition("or make it ")[2].split()[0]
    planned(survey, "model", f"wavelet={{{RICKER}, delay: {delay}}}")
    told = refused(survey, "model", f"wavelet={{{RICKER}, delay: 0.6}}")
    duration = told.partition("make the record ")[2].split()[0]
    planned(survey, "model", f"wavelet={{{RICKER}, delay: 0.6}}", f"time.duration={duration}")


def test_python_checks_its_arguments() -> None:
    t = times(INTERVAL, SAMPLES)
    for make, words in (
        (lambda: ricker(t, 0.0), "above 0 Hz"),
        (lambda: ricker(t, -5.0), "above 0 Hz"),
        (lambda: ricker(t, np.nan), "above 0 Hz"),
        (lambda: ricker(t, np.inf), "above 0 Hz"),
        (lambda: ricker(t, 12.0, np.nan), "delay"),
        (lambda: ricker(1000 * t, 12.0), "ms? Then write 0.004"),
        (lambda: ricker(t * np.nan, 12.0), "no numbers"),
        (lambda: ormsby(t, (3, 6, 20)), "four increasing"),
        (lambda: ormsby(t, (6, 3, 20, 30)), "four increasing"),
        (lambda: ormsby(t, (0, 3, 20, 30)), "above 0 Hz"),
        (lambda: ormsby(t, (3, 6, 20, 30), 0.0), "too short"),
        (lambda: ormsby(t, (3, 6, 20, 300)), "Nyquist"),
    ):
        with pytest.raises(DataError, match=re.escape(words)):
            make()


def test_durations_that_cut_the_wavelet_off(survey: Path) -> None:
    """The wavelet of the data peaks at 0.125 s, and 0.1 s of records hold nothing of it."""
    told = refused(survey, "rtm", "data.duration=0.1")
    assert "ends before the peak of the wavelet at 0.124 s" in told
