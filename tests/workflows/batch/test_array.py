"""Arrays whose jobs run parts of a survey: submitted, continued, begun anew, or refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fwicli.config.loader import Loaded, load
from fwicli.errors import ConfigError
from fwicli.workflows import lsrtm, rtm
from fwicli.workflows.batch import array, attempt
from fwicli.workflows.batch.submission import prepare
from fwicli.workflows.run_folder import job_record, lock, merging, parts
from tests.workflows.test_model import StopAfter
from tests.workflows.test_rtm import image


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A SLURM that takes jobs, and runs none of them."""
    (tmp_path / "sites.yaml").write_text("here: {scheduler: slurm}\n")
    monkeypatch.setenv("FWI_SITES", str(tmp_path / "sites.yaml"))
    monkeypatch.setattr("fwicli.execution.schedulers.slurm.Slurm.submit", lambda *_: "12")
    monkeypatch.setattr("fwicli.execution.schedulers.slurm.Slurm.state", lambda *_: "gone")


def migration(survey: Path) -> Loaded:
    return load(survey / "rtm.yaml", settings=["execution.workers=1"])


def submit(survey: Path, folder: Path, jobs: int, **options: bool) -> None:
    prepare(migration(survey), folder, None, jobs).submit(**options)


def run_member(folder: Path, member: int, **options: Any) -> dict[str, Any]:
    """Run the shots of a job, as it does itself."""
    record = job_record.read(folder / job_record.name(member))
    words = array.options(record, folder)
    assert words[:2] == ["--shots", record.shots]
    first, stop = map(int, record.shots.split(":"))
    loaded = load(folder / job_record.CONFIG)
    resume = {"resume": words[2:] == ["--resume"]}
    return merging.run_part(loaded, folder, range(first, stop), {**resume, **options})


def test_an_array_is_continued(survey: Path, tmp_path: Path) -> None:
    """By as many jobs as before; each goes on with its part, and a complete run is none's work."""
    folder = tmp_path / "run"
    rtm.run(migration(survey), tmp_path / "whole")
    submit(survey, folder, 2)
    run_member(folder, 1)
    with pytest.raises(KeyboardInterrupt):
        run_member(folder, 2, progress=StopAfter(1))
    with pytest.raises(ConfigError, match="holds the parts 0:2, 2:4 of a run; continue them with"):
        submit(survey, folder, 2)
    with pytest.raises(ConfigError, match=r"which 3 jobs would not continue.*--array 2 --resume"):
        submit(survey, folder, 3, resume=True)
    with pytest.raises(ConfigError, match=r"a single job would not continue.*--array 2 --resume"):
        submit(survey, folder, 1, resume=True)
    (folder / "job_1.log").write_text("of the first attempt")
    submit(survey, folder, 2, resume=True)
    assert (folder / "job_1.log").read_text() == "of the first attempt"
    assert run_member(folder, 2)["parts"] == 2
    assert image(folder).tobytes() == image(tmp_path / "whole").tobytes()
    submit(survey, folder, 2, resume=True)
    assert run_member(folder, 1) == {"run": str(folder), "parts": 0}


def test_members_of_a_least_squares_migration_take_part_in_one_run(
    survey: Path, tmp_path: Path
) -> None:
    """As those of an inversion: none has shots of its own, and each has the engine for it."""
    folder = tmp_path / "run"
    loaded = load(survey / "lsrtm.yaml", settings=["execution.workers=1"])
    prepare(loaded, folder, None, 2).submit()
    records = [job_record.read(folder / job_record.name(member)) for member in (1, 2)]
    assert [(r.kind, r.members) for r in records] == [("lsrtm", 2)] * 2
    assert not any("--shots" in array.options(record, folder) for record in records)
    member = load(folder / job_record.CONFIG, settings=array.settings(loaded))
    assert member.config.execution.engine == "files"
    lsrtm.run(loaded, tmp_path / "whole")
    lsrtm.run(member, folder)
    assert image(folder).tobytes() == image(tmp_path / "whole").tobytes()


@pytest.mark.parametrize("system", ["slurm", "pbs", "lsf", "sge"])
def test_a_member_has_a_script_by_itself(survey: Path, tmp_path: Path, system: str) -> None:
    """For sites that requeue no jobs: the same, for one job and its log."""
    (tmp_path / "sites.yaml").write_text(f"here: {{scheduler: {system}}}\n")
    prepared = prepare(migration(survey), tmp_path / "run", None, 2)
    (tmp_path / "run").mkdir()
    for name, text in prepared.scripts.items():
        (tmp_path / "run" / name).write_text(text)
    script = attempt._script(tmp_path / "run" / "job_2.json")
    assert script.name == "job_2.sh"
    lines, whole = (text.splitlines() for text in (script.read_text(), prepared.script))
    assert lines[-1] == f"{whole[-1]} --member 2"
    assert "job_2.log" in script.read_text()
    array_alone = {"slurm": "--array=1-2", "pbs": "-J 1-2", "lsf": "[1-2]", "sge": "-t 1-2"}[system]
    assert array_alone in prepared.script
    assert array_alone not in script.read_text()


def test_parts_that_a_killed_merge_has_left_are_removed(survey: Path, tmp_path: Path) -> None:
    """The run is complete: nothing is run again, although a part lacks its folder."""
    folder = tmp_path / "run"
    submit(survey, folder, 2)
    run_member(folder, 1)
    run_member(folder, 2)
    parts.folder(folder, range(2, 4)).mkdir(parents=True)
    assert run_member(folder, 1) == {"run": str(folder), "parts": 0}
    assert not (folder / "parts").exists()


def test_an_array_is_begun_anew(survey: Path, tmp_path: Path) -> None:
    """With --force, by any number of jobs; not while a process is at work on a part."""
    folder = tmp_path / "run"
    submit(survey, folder, 2)
    run_member(folder, 1)
    part = parts.folder(folder, range(2))
    lock.hold(part)
    held = lock._held.pop(part.resolve())
    with pytest.raises(ConfigError, match=r"is at work in .*000000-000002"):
        submit(survey, folder, 4, force=True)
    assert parts.stored(folder)
    held.end()
    submit(survey, folder, 4, force=True)
    assert not (folder / "parts").exists()
    assert [job_record.read(folder / job_record.name(n)).shots for n in range(1, 5)] == [
        *("0:1", "1:2", "2:3", "3:4")
    ]


def test_a_run_of_all_shots_is_no_array(survey: Path, tmp_path: Path) -> None:
    """One that was stopped is not taken for complete."""
    folder, loaded = tmp_path / "run", migration(survey)
    with pytest.raises(KeyboardInterrupt):
        rtm.run(loaded, folder, progress=StopAfter(2))
    with pytest.raises(ConfigError, match=r"begun with all shots.*leave out --array"):
        submit(survey, folder, 2, resume=True)
    with pytest.raises(ConfigError, match="continue it without --shots"):
        merging.run_part(loaded, folder, range(2), {"resume": True})
    submit(survey, folder, 1, resume=True)
