"""`fwi model`, from config to records and pictures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.errors import ConfigError, ExecutionError
from fwicli.files import hdf5
from fwicli.workflows import model
from fwicli.workflows.run_folder.finished_records import read_journal
from fwicli.workflows.run_folder.folder import RunFolder


class StopAfter:
    """Progress that is interrupted when so many shots are done, as by Ctrl-C."""

    def __init__(self, shots: int) -> None:
        self.shots = shots

    def start(self, title: str, total: int) -> None: ...

    def stop(self) -> None: ...

    def update(self, done: int) -> None:
        if done >= self.shots:
            raise KeyboardInterrupt


def test_records_are_complete(survey: Path) -> None:
    """Data, geometry, wavelet, units and provenance in one file; three pictures beside it."""
    records = hdf5.read_gathers(survey / "shots" / "shots.h5")
    assert records.data.shape == (4, 31, 151)
    assert records.wavelet is not None
    assert np.isfinite(records.data).all()
    assert np.abs(records.data[:, :, -10:]).max() > 0
    with h5py.File(survey / "shots" / "shots.h5") as file:
        assert file["data"].attrs["unit"] == "Pa"
        for name in ("fwicli", "devito", "host", "date", "command"):
            assert file.attrs[name]
    for name in ("model.png", "gathers.png", "wavelet.png", "config.yaml", "log.txt"):
        assert (survey / "shots" / name).stat().st_size > 0
    environment = json.loads((survey / "shots" / "environment.json").read_text())
    assert environment["inputs"][str(survey / "true.npy")]


def test_density_changes_the_reflections(survey: Path, tmp_path: Path) -> None:
    """Uniform density leaves the records as they are; a contrast of density does not."""
    base = hdf5.read_gathers(survey / "shots" / "shots.h5").data.astype(float)
    rho = np.full((61, 41), 1000.0)
    rho[:, 20:] = 2500.0
    np.save(tmp_path / "rho.npy", rho)
    change = {}
    for name, value in (("uniform", "1000"), ("contrast", str(tmp_path / "rho.npy"))):
        settings = ["physics.equation=variable_density", f"model.rho={value}"]
        model.run(load(survey / "model.yaml", settings=settings), tmp_path / name)
        found = hdf5.read_gathers(tmp_path / name / "shots.h5").data.astype(float)
        change[name] = np.linalg.norm(found - base) / np.linalg.norm(base)
    assert change["uniform"] < 0.01
    assert change["contrast"] > 0.03


def test_resolved_config_runs_again(survey: Path, tmp_path: Path) -> None:
    """The config in the folder of a run gives the same records, with one worker."""
    again = load(survey / "shots" / "config.yaml", settings=["execution.workers=1"])
    model.run(again, tmp_path / "again")
    first = hdf5.read_gathers(survey / "shots" / "shots.h5")
    second = hdf5.read_gathers(tmp_path / "again" / "shots.h5")
    np.testing.assert_array_equal(first.data, second.data)


def test_interrupted_run_goes_on(survey: Path, tmp_path: Path) -> None:
    """Shots that were finished are kept; the records are those of an uninterrupted run."""
    folder = tmp_path / "run"
    loaded = load(survey / "model.yaml", settings=["execution.workers=1"])
    with pytest.raises(KeyboardInterrupt):
        model.run(loaded, folder, progress=StopAfter(2))
    assert not (folder / "shots.h5").exists()
    assert (folder / "shots.h5.part").exists()
    kept = len(read_journal(folder / "partial"))
    assert kept >= 2
    seen: list[int] = []
    rest = StopAfter(99)
    rest.update = seen.append  # type: ignore[method-assign]
    model.run(loaded, folder, resume=True, progress=rest)
    assert seen == list(range(kept, 5))
    first = hdf5.read_gathers(survey / "shots" / "shots.h5")
    np.testing.assert_array_equal(hdf5.read_gathers(folder / "shots.h5").data, first.data)
    assert not (folder / "partial").exists()
    assert not (folder / "shots.h5.part").exists()


@pytest.mark.parametrize("name", ["closed", "closed/run"])
def test_folders_that_cannot_be_written_are_named(
    survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The folder that the user has given is named, not a file that was going to be in it."""
    closed = tmp_path / "closed"
    closed.mkdir()
    if os.geteuid() == 0:  # for whom nothing is closed
        access, mkdir = os.access, Path.mkdir

        def denied(path: Path, *_args: object, **_options: object) -> None:
            if path.parent == closed:
                raise PermissionError(13, "Permission denied", str(path))
            mkdir(path, parents=True, exist_ok=True)

        monkeypatch.setattr(os, "access", lambda path, mode: path != closed and access(path, mode))
        monkeypatch.setattr(Path, "mkdir", denied)
    closed.chmod(0o555)
    with pytest.raises(ExecutionError) as caught:
        RunFolder(tmp_path / name, load(survey / "model.yaml")).open(resume=False, force=True)
    assert str(caught.value).startswith(f"{tmp_path / name} cannot be written to")
    assert not any(closed.iterdir())


def test_run_is_not_overwritten(survey: Path, tmp_path: Path) -> None:
    loaded = load(survey / "model.yaml")
    with pytest.raises(ConfigError, match="already holds a run"):
        model.run(loaded, survey / "shots")
    with pytest.raises(ConfigError, match=r"no run in .* to resume"):
        model.run(loaded, tmp_path / "nothing", resume=True)
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not empty"):
        model.run(loaded, tmp_path)
    assert (tmp_path / "precious.txt").read_text() == "mine"


HOLD = """\
import sys, time
import subprocess
import sys
from pathlib import Path
from fwicli.config.loader import load
from fwicli.workflows.run_folder.finished_records import read_journal
from fwicli.workflows.run_folder.folder import RunFolder

RunFolder(Path(sys.argv[2]), load(Path(sys.argv[1]))).open(False, True)
print("at work", flush=True)
time.sleep(60)
"""


def test_only_one_process_works_in_a_folder(survey: Path, tmp_path: Path) -> None:
    """A second one is refused until the first has ended, even if that was killed."""
    config, folder = survey / "model.yaml", tmp_path / "run"
    command = [sys.executable, "-c", HOLD, str(config), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "at work\n"
        for resume, force in ((False, True), (True, False)):
            with pytest.raises(ConfigError, match="another process is at work"):
                model.run(load(config), folder, resume=resume, force=force)
        other.kill()
    RunFolder(folder, load(config)).open(resume=True, force=False)
    with RunFolder(folder, load(config)).logging():
        pass
