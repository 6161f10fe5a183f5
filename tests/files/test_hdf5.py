"""Files that are always whole, and say what is missing."""

from __future__ import annotations

import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli import Acquisition, Gathers, Grid
from fwicli.errors import DataError
from fwicli.files import hdf5, writing
from fwicli.survey.acquisition import towed

SOURCES = np.array([[0.0, 10.0], [100.0, 10.0]])


def records(receivers: np.ndarray) -> Gathers:
    acquisition = Acquisition(SOURCES, receivers)
    data = np.random.default_rng(0).standard_normal((2, acquisition.counts[0], 20)).astype("f4")
    return Gathers(acquisition, 0.004, data, np.arange(20.0))


@pytest.mark.parametrize(
    "receivers",
    [np.array([[5.0, 0.0], [6.0, 1.0]]), towed(SOURCES, np.array([[50.0, 0.0], [60.0, 0.0]]))],
    ids=["fixed", "towed"],
)
def test_gathers_survive(tmp_path: Path, receivers: np.ndarray) -> None:
    """Bit for bit, with geometry, wavelet and units."""
    gathers = records(receivers)
    path = tmp_path / "shots.h5"
    hdf5.write_gathers(path, gathers, {"host": "here"})
    back = hdf5.read_gathers(path)
    np.testing.assert_array_equal(back.data, gathers.data)
    np.testing.assert_array_equal(back.acquisition.sources, gathers.acquisition.sources)
    np.testing.assert_array_equal(back.acquisition.receivers, gathers.acquisition.receivers)
    assert back.interval == 0.004
    assert back.wavelet is not None
    with h5py.File(path) as file:
        assert file["data"].attrs["unit"] == "Pa"
        assert file.attrs["host"] == "here"
    some = hdf5.read_gathers(path, shots=slice(1, None))
    np.testing.assert_array_equal(some.data, gathers.data[1:])
    np.testing.assert_array_equal(
        some.acquisition.receivers_of(0), gathers.acquisition.receivers_of(1)
    )


def test_gathers_in_three_dimensions(tmp_path: Path) -> None:
    acquisition = Acquisition(np.zeros((1, 3)), np.arange(6.0).reshape(2, 3))
    path = tmp_path / "shots.h5"
    hdf5.write_gathers(path, Gathers(acquisition, 0.002, np.zeros((1, 2, 5))), {})
    back = hdf5.read_gathers(path)
    np.testing.assert_array_equal(back.acquisition.receivers, acquisition.receivers)
    assert back.wavelet is None


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """A crash in the middle of writing is as if nothing had been written."""
    path = tmp_path / "result.h5"
    with writing.replacing(path) as file:
        file["x"] = 1

    def fail(opened: Any, name: str) -> None:
        with opened as file:
            file[name] = 2
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail(writing.replacing(path), "x")
    with pytest.raises(RuntimeError):
        fail(writing.extending(path), "y")
    with h5py.File(path) as file:
        assert file["x"][()] == 1
        assert "y" not in file
    assert [p.name for p in tmp_path.iterdir()] == ["result.h5"]


def test_missing_things_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no file"):
        hdf5.read_gathers(tmp_path / "nothing.h5")
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(DataError, match="not a readable HDF5 file"):
        hdf5.read_gathers(tmp_path / "text.h5")
    path = tmp_path / "shots.h5"
    hdf5.write_gathers(path, records(np.zeros((3, 2))), {})
    with pytest.raises(DataError, match="no dataset `trace`; it has: data, receiver_x"):
        hdf5.read_gathers(path, "trace")
    with h5py.File(path, "r+") as file:
        del file.attrs["dt"]
    with pytest.raises(DataError, match="no attribute `dt`"):
        hdf5.read_gathers(path)


def test_iterate_is_replaced_not_repeated(tmp_path: Path) -> None:
    """A run that was killed after writing a result repeats the step; the history stays right."""
    grid = Grid((4, 3), (1.0, 1.0), (0.0, 0.0))
    path = tmp_path / "inversion.h5"
    hdf5.begin_inversion(path, {"vp": np.ones((4, 3))}, {}, grid, {})
    for number, misfit in ((1, 0.5), (2, 0.4), (3, 0.3), (2, 0.39)):
        quantities = {"vp": np.full((4, 3), misfit)}
        hdf5.add_iterate(path, number, quantities, grid, {"misfit": misfit})
    assert hdf5.read_history(path)["misfit"].tolist() == [0.5, 0.39]
    values, attributes = hdf5.read_array(path, "result/vp")
    assert values[0, 0] == np.float32(0.39)
    assert attributes["spacing"].tolist() == [1.0, 1.0]


@pytest.fixture
def limited() -> Iterator[Callable[[int], None]]:
    """Sets the largest size of a file [bytes], for as long as a test runs."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [100, 3000, 9000, 13000])
def test_failed_writing_leaves_what_was_there(
    tmp_path: Path, limited: Callable[[int], None], size: int
) -> None:
    """Wherever it fails, also when HDF5 closes the file: one clear error, and no half file.

    HDF5 crashes at the end of a process that has left it with a file which it cannot write; so
    this is seen in a process of its own, too (`test_stops`).
    """
    path = tmp_path / "a.h5"
    hdf5.write_state(path, {"x": np.zeros(500)}, {"n": 1})
    limited(size)
    with pytest.raises(OSError, match="File too large") as raised:
        hdf5.write_state(path, {name: np.ones(500) for name in "xyz"}, {})
    assert raised.value.filename == str(path)
    with pytest.raises(OSError, match="File too large"), writing.extending(path) as file:
        file["y"] = np.ones(2000)
    np.testing.assert_array_equal(hdf5.read_state(path)[0]["x"], 0)
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_no_interrupt_is_lost(tmp_path: Path) -> None:
    """Whenever it comes while a file is written, the caller hears of it, and the file is whole."""

    class CameError(Exception):
        pass

    def come(number: int, frame: object) -> None:
        raise CameError

    path, lost, heard = tmp_path / "state.h5", 0, 0
    before = signal.signal(signal.SIGALRM, come)
    try:
        for delay in np.linspace(1e-4, 4e-3, 60):
            arrays = {f"a{i}": np.full(500, delay) for i in range(5)}
            begun = time.perf_counter()
            try:
                # On a busy machine it comes before the first line of what is tried.
                signal.setitimer(signal.ITIMER_REAL, float(delay))
                hdf5.write_state(path, arrays, {"delay": delay})
                left = signal.setitimer(signal.ITIMER_REAL, 0)[0]
                # Less than a microsecond is left as none, before it comes.
                if left == 0 and time.perf_counter() - begun > delay + 1e-4:
                    # Another thread may have been told, which passes it on.
                    time.sleep(0.01)
                    lost += 1
            except CameError:
                heard += 1
            if path.exists():
                state, numbers = hdf5.read_state(path)
                assert all((a == numbers["delay"]).all() for a in state.values())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert heard > 5
    assert lost == 0


def test_all_signals_act_again_though_one_comes(tmp_path: Path) -> None:
    """Even an interrupt that comes while handlers are deferred, or while they are restored."""

    class CameError(Exception):
        pass

    def come(number: int, frame: object) -> None:
        raise CameError

    numbers = (signal.SIGALRM, signal.SIGINT, signal.SIGUSR2)
    before = {n: signal.signal(n, come) for n in numbers}
    try:
        for delay in np.linspace(1e-6, 2e-4, 300):
            with suppress(CameError):
                signal.setitimer(signal.ITIMER_REAL, float(delay))
                with writing.deferring_signals():
                    pass
                time.sleep(1e-3)
            assert all(signal.getsignal(n) is come for n in numbers)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, act in before.items():
            signal.signal(number, act)
