"""Parts of a survey, put together: the result of one run, bit for bit."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from fwicli.cli.main import cli
from fwicli.config.loader import load
from fwicli.errors import ConfigError, DataError
from fwicli.files import hdf5
from fwicli.files.record_files import RecordFile
from fwicli.workflows import model, rtm
from fwicli.workflows.run_folder import merging, parts
from fwicli.workflows.run_folder.manifest import MANIFEST, Manifest
from tests import pictures
from tests.cli.test_commands import fwi
from tests.workflows.test_model import StopAfter
from tests.workflows.test_rtm import image

ONE = ("execution.workers=1",)


def run(
    survey: Path, folder: Path, shots: range, kind: str = "model", **options: Any
) -> dict[str, Any]:
    """A part of the modelling, or of the migration, of the survey."""
    settings = (*ONE, *options.pop("settings", ()))
    return merging.run_part(
        load(survey / f"{kind}.yaml", settings=settings), folder, shots, options
    )


def check_same(survey: Path, folder: Path) -> None:
    """The records, and the files, of one run."""
    expected, records = (hdf5.read_gathers(f / "shots.h5") for f in (survey / "shots", folder))
    np.testing.assert_array_equal(records.data, expected.data)
    np.testing.assert_array_equal(records.acquisition.sources, expected.acquisition.sources)
    assert {p.name for p in folder.iterdir()} == {p.name for p in (survey / "shots").iterdir()}
    assert {p.name for p in folder.iterdir()} == {*Manifest(folder).names, MANIFEST}


def test_the_last_part_puts_records_together(survey: Path, tmp_path: Path) -> None:
    """In whatever order; each part is a file of records by itself."""
    first = run(survey, tmp_path / "run", range(1, 3))
    assert first["part"] == "1:3"
    assert first["shots"] == 2
    alone = hdf5.read_gathers(Path(first["result"]))
    expected = hdf5.read_gathers(survey / "shots" / "shots.h5").select(slice(1, 3))
    np.testing.assert_array_equal(alone.data, expected.data)
    np.testing.assert_array_equal(alone.acquisition.sources, expected.acquisition.sources)
    run(survey, tmp_path / "run", range(3, 4))
    assert not (tmp_path / "run" / "shots.h5").exists()
    last = run(survey, tmp_path / "run", range(1))
    assert last["shots"] == 4
    assert last["parts"] == 3
    check_same(survey, tmp_path / "run")
    assert run(survey, tmp_path / "run", range(1), resume=True)["parts"] == 0
    assert merging.run(tmp_path / "run")["parts"] == 0


@pytest.mark.parametrize("cuts", [(0, 1, 4), (0, 3, 4)])
def test_parts_of_an_image(survey: Path, tmp_path: Path, cuts: tuple[int, ...]) -> None:
    """Also where they are no halves of the tree of all shots."""
    rtm.run(load(survey / "rtm.yaml"), tmp_path / "whole")
    for first, stop in pairwise(cuts):
        summary = run(survey, tmp_path / "run", range(first, stop), "rtm")
    assert summary["shots"] == 4
    assert image(tmp_path / "run").tobytes() == image(tmp_path / "whole").tobytes()
    names = [{p.name for p in (tmp_path / n).iterdir()} for n in ("run", "whole")]
    assert names[0] == names[1]


def test_parts_at_the_same_time(survey: Path, tmp_path: Path) -> None:
    """Three processes: none is refused, and one of them puts the parts together."""
    command = [*pictures.COMMAND, "model", str(survey / "model.yaml"), "--json"]
    command += ["-o", str(tmp_path / "run"), "--set", *ONE]
    processes = [
        subprocess.Popen([*command, "--shots", shots], stdout=subprocess.PIPE, text=True)
        for shots in ("0:1", "1:2", "2:4")
    ]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sum("parts" in json.loads(text) for text in outputs) == 1
    check_same(survey, tmp_path / "run")


def test_a_part_goes_on(survey: Path, tmp_path: Path) -> None:
    """After a stop, as a whole run does; and so does a merge that was stopped."""
    folder = tmp_path / "run"
    run(survey, folder, range(1))
    with pytest.raises(KeyboardInterrupt):
        run(survey, folder, range(1, 4), progress=StopAfter(1))
    with pytest.raises(ConfigError, match=r"1:4 --resume`"):
        merging.run(folder)
    with pytest.raises(KeyboardInterrupt):  # of the merge
        run(survey, folder, range(1, 4), resume=True, progress=StopAfter(4))
    assert (folder / "shots.h5.part").exists()
    assert len(parts.stored(folder)) == 2
    assert merging.run(folder)["shots"] == 4
    check_same(survey, folder)


def test_what_is_missing_is_named_with_a_command_that_runs_it(survey: Path, tmp_path: Path) -> None:
    """Parts that were not run, at the beginning, between others, and at the end."""
    folder = tmp_path / "run"
    run(survey, folder, range(1, 2))
    with pytest.raises(ConfigError, match="does not have all shots yet") as refused:
        merging.run(folder)
    commands = re.findall("`fwi ([^`]*)`", str(refused.value))
    assert [c.split()[-1] for c in commands] == ["0:1", "2:4"]
    for command in commands:
        done = CliRunner().invoke(cli, [*command.split(), "--set", *ONE])
        assert done.exit_code == 0, done.output
    check_same(survey, folder)


def test_parts_that_overlap_are_refused(survey: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(survey, folder, range(2))
    with pytest.raises(ConfigError, match=r"parts 0:2 and 1:3 of .* shots in common"):
        run(survey, folder, range(1, 3))
    assert len(parts.stored(folder)) == 1
    parts.folder(folder, range(1, 3)).mkdir()
    with pytest.raises(ConfigError, match=r"parts 0:2 and 1:3 of .* shots in common"):
        merging.run(folder)


def test_parts_of_another_run_are_refused(survey: Path, tmp_path: Path) -> None:
    """Another config at once; another version, and another model, also at the merge."""
    folder = tmp_path / "run"
    run(survey, folder, range(2))
    with pytest.raises(ConfigError, match=r"the part 0:2 .*wavelet\.frequency: 12\.0 -> 13\.0"):
        run(survey, folder, range(2, 4), settings=["wavelet.frequency=13"])
    assert len(parts.stored(folder)) == 1
    environment = parts.folder(folder, range(2)) / "environment.json"
    before = environment.read_text()
    for old, new, message in (
        ('"fwicli": "', '"fwicli": "0.', r"fwicli: 0\.\S+ -> "),
        ('true.npy": "', 'true.npy": "1', "true.npy has changed in between"),
    ):
        environment.write_text(before.replace(old, new))
        with pytest.raises(ConfigError, match=message):
            run(survey, folder, range(2, 4))
        environment.write_text(before)
        with pytest.raises(KeyboardInterrupt):
            run(survey, folder, range(2, 4), progress=StopAfter(1))
        environment.write_text(before.replace(old, new))
        with pytest.raises(ConfigError, match=message):
            merging.run(folder)
        environment.write_text(before)
        run(survey, tmp_path / "other", range(2, 3), force=True)
        for path in sorted(parts.folder(folder, range(2, 4)).rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        parts.folder(folder, range(2, 4)).rmdir()


def test_whole_runs_and_parts_have_folders_of_their_own(survey: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(survey, folder, range(2))
    loaded = load(survey / "model.yaml")
    for force in (False, True):
        with pytest.raises(ConfigError, match=r"holds the parts 0:2 .*`fwi merge"):
            model.run(loaded, folder, force=force)
    with pytest.raises(ConfigError, match="holds a run of all shots"):
        run(survey, survey / "shots", range(2))
    with pytest.raises(ConfigError, match="no parts of a run"):
        merging.run(tmp_path)
    with pytest.raises(ConfigError, match=r"--shots 2:5 is no part of 4 shots"):
        run(survey, folder, range(2, 5))


def test_changed_records_of_a_part_are_refused(survey: Path, tmp_path: Path) -> None:
    """One sample is enough; the result is not there, and comes with the part that is run again."""
    folder = tmp_path / "run"
    run(survey, folder, range(2))
    with pytest.raises(KeyboardInterrupt):
        run(survey, folder, range(2, 4), progress=StopAfter(3))
    path = parts.folder(folder, range(2, 4)) / "shots.h5"
    file = RecordFile.open(path)
    gather = file.read(1)
    gather[3, 40] += 1
    file.write(1, gather)
    file.close()
    with pytest.raises(DataError, match=r"000002-000004/shots\.h5 does not hold .* shot 3 "):
        merging.run(folder)
    assert not (folder / "shots.h5").exists()


def test_decisions_are_those_of_the_first_part(survey: Path, tmp_path: Path) -> None:
    """Such as histories, which depend on the memory of a machine and change an image."""
    loaded = load(survey / "rtm.yaml")
    first, second = (parts.PartFolder(tmp_path / "run", loaded, range(n, n + 1)) for n in (0, 1))
    for part, own, expected in ((first, [1], [1]), (second, [2], [1]), (first, [3], [1])):
        if part.continued or not part.path.exists():
            part.open(False, False)
        assert part.decided("histories", own) == expected
        part._release()


def test_merge_from_the_command_line(survey: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(survey, folder, range(2))
    environment = parts.folder(folder, range(2)) / "part.json"
    text = environment.read_text()
    environment.unlink()  # as if it were at work
    run(survey, folder, range(2, 4))
    environment.write_text(text)
    summary = json.loads(fwi("merge", str(folder), "--json").stdout)
    assert summary["shots"] == 4
    with h5py.File(folder / "shots.h5") as file:
        assert "merge" in file.attrs["command"]
    check_same(survey, folder)
