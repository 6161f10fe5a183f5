"""Files on which libhdf5 crashes: refused with the reason, once for each state."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import h5py
import pytest

from fwicli.errors import DataError
from fwicli.files import damage, datasets


def write(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file.attrs["text"] = "of variable length"
        file.create_group("group").attrs["text"] = "another"
    return path


def ends(number: int):  # type: ignore[no-untyped-def]
    """A reader of attributes that ends as libhdf5 does on some damaged files."""

    def read(_: h5py.HLObject) -> None:
        os.kill(os.getpid(), number)

    return read


def test_a_crash_of_the_library_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(damage, "_attributes", ends(signal.SIGSEGV))
    path = write(tmp_path / "a.h5")
    words = r"a.h5 is damaged: .* crashes \(SIGSEGV\)"
    with pytest.raises(DataError, match=words), datasets.reading(path):
        pass


def test_a_library_that_does_not_end_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(damage, "LONGEST", 0.2)
    monkeypatch.setattr(damage, "_attributes", lambda _: time.sleep(60))
    path = write(tmp_path / "a.h5")
    with pytest.raises(DataError, match="does not end within"), datasets.reading(path):
        pass


def test_good_files_are_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.h5")
    assert damage.checked(path) == path
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("a second child"))
    with datasets.reading(path) as file:
        assert file.attribute("text", "group") == "another"
    assert damage.checked(tmp_path / "none.h5") == tmp_path / "none.h5"
