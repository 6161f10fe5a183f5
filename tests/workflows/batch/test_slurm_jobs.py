"""Jobs under a real SLURM: what happens to a job does not show in the result, to the last bit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.errors import ExecutionError
from fwicli.files import hdf5
from fwicli.workflows import invert, model, rtm
from fwicli.workflows.assembly.sites import all_sites
from fwicli.workflows.batch import site_check
from fwicli.workflows.batch.submission import prepare
from fwicli.workflows.inversion import branches
from fwicli.workflows.run_folder import parts
from fwicli.workflows.run_folder.job_record import LOG, name
from fwicli.workflows.run_folder.manifest import PARTIAL
from fwicli.workflows.run_folder.progress import Silent
from tests.slurm import PATIENCE, Slurm
from tests.survey_fixtures import INVERT, MODEL, RTM
from tests.workflows.test_invert import result
from tests.workflows.test_rtm import image

ONE = ["execution.workers=1"]
SITE = "here:\n  scheduler: slurm\n  walltime: '00:30:00'\n  notice: 60\n  memory: 1\n"


@pytest.fixture(scope="module")
def shots(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with 16 shots and their inversion in two stages by processes, in `whole`."""
    folder = tmp_path_factory.mktemp("shots")
    np.save(folder / "true.npy", np.load(survey / "true.npy"))
    (folder / "model.yaml").write_text(MODEL.replace("count: 4", "count: 16"))
    (folder / "invert.yaml").write_text(INVERT)
    (folder / "rtm.yaml").write_text(RTM)
    model.run(load(folder / "model.yaml"), folder / "shots")
    invert.run(load(folder / "invert.yaml"), folder / "whole")
    return folder


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of sites with the one that SLURM of the tests is."""
    (tmp_path / "sites.yaml").write_text(SITE)
    monkeypatch.setenv("FWI_SITES", str(tmp_path / "sites.yaml"))
    monkeypatch.chdir(tmp_path)


def submit(shots: Path, folder: Path) -> str:
    """Submit the inversion; number of the job."""
    loaded = load(shots / "invert.yaml", settings=["execution.workers=1"])
    return prepare(loaded, folder, None).submit().job


def record(folder: Path, member: int = 0) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / name(member)).read_text())
    return content


def until(done: Callable[[], bool], folder: Path, member: int = 0) -> None:
    """Wait for something to come true while a job runs."""
    end = time.monotonic() + PATIENCE
    while not done():
        log = (folder / name(member, LOG)).read_text()
        assert time.monotonic() < end, f"waited in vain: {record(folder, member)}\n{log}"
        time.sleep(0.2)


def evaluates(folder: Path, attempt: int, steps: int, member: int = 0) -> Callable[[], bool]:
    """Whether an attempt of a job runs, and the run has done some iterations."""
    progress = folder / "progress.jsonl"
    return lambda: (
        record(folder, member)["state"] == "running"
        and len(record(folder, member)["attempts"]) == attempt
        and progress.is_file()
        and len(progress.read_text().splitlines()) >= steps
    )


def test_walltime_and_requeue_do_not_show(
    shots: Path, tmp_path: Path, slurm: Slurm, site: None
) -> None:
    """A job is told that its time ends, goes on by itself, is requeued by hand, and goes on."""
    folder = tmp_path / "run"
    job = submit(shots, folder)
    until(evaluates(folder, 1, 2), folder)
    slurm.run("scancel", "--signal=USR1", "--batch", job)
    until(evaluates(folder, 2, 4), folder)
    slurm.run("scontrol", "requeue", job)
    assert slurm.wait(job) == "COMPLETED"
    assert (result(folder) == result(shots / "whole")).all()
    job_record = record(folder)
    ends = [(a["end"], a["exit_code"]) for a in job_record["attempts"]]
    assert ends[0] == ("time", 138)
    assert ends[1][0] in ("terminated", "lost")
    assert ends[2] == ("done", 0)
    assert job_record["state"] == "done"
    assert job_record["id"] == job
    assert slurm.field(job, "Restarts") == "2"
    assert (folder / "job.log").read_text().count("attempt ") == 3


def test_a_job_without_progress_ends(shots: Path, tmp_path: Path, slurm: Slurm, site: None) -> None:
    """Three times in a row, time runs out before the first evaluation."""
    folder = tmp_path / "run"
    job = submit(shots, folder)
    for number in (1, 2, 3):
        until(lambda n=number: len(record(folder)["attempts"]) == n, folder)
        slurm.run("scancel", "--signal=USR1", "--batch", job)
    assert slurm.wait(job) == "FAILED"
    assert record(folder)["state"] == "stalled"
    assert "3 attempts in a row have added nothing" in record(folder)["message"]
    assert "a longer `walltime`" in (folder / "job.log").read_text()


def test_a_site_is_checked_by_a_job(tmp_path: Path, slurm: Slurm, site: None) -> None:
    """All is well; then an environment that is not there ends the job with the reason."""
    file = tmp_path / "sites.yaml"
    settings = all_sites().of("here")
    findings = site_check.check("here", settings, tmp_path / "check", PATIENCE, Silent())
    values = {finding["name"]: finding["value"] for finding in findings}
    assert [f["problem"] for f in findings] == [""] * len(findings)
    assert values["kernel"].startswith("runs")
    assert values["cores"] == "1"
    assert values["memory"] == "1 GB"
    assert not (tmp_path / "check").exists()
    file.write_text(f"{SITE}  environment: /nowhere\n")
    with pytest.raises(ExecutionError, match="there is no virtual environment in /nowhere"):
        site_check.check("here", all_sites().of("here"), tmp_path / "check", PATIENCE, Silent())
    file.write_text(f"{SITE}  queue: nowhere\n")
    with pytest.raises(ExecutionError, match="invalid partition"):
        site_check.check("here", all_sites().of("here"), tmp_path / "other", PATIENCE, Silent())


def test_an_array_shares_the_shots_of_a_modelling(
    shots: Path, tmp_path: Path, slurm: Slurm, site: None
) -> None:
    """Each job runs a part, and the last one puts them together."""
    folder = tmp_path / "run"
    job = prepare(load(shots / "model.yaml", settings=ONE), folder, None, 3).submit().job
    assert [record(folder, n)["shots"] for n in (1, 2, 3)] == ["0:5", "5:10", "10:16"]
    slurm.wait_for_all(job)
    assert record(folder)["state"] == "done"
    expected, records = (hdf5.read_gathers(f / "shots.h5").data for f in (shots / "shots", folder))
    np.testing.assert_array_equal(records, expected)
    assert not (folder / "parts").exists()


def test_an_array_inverts(shots: Path, tmp_path: Path, slurm: Slurm, site: None) -> None:
    """One run by jobs that exchange files in its folder."""
    folder = tmp_path / "run"
    loaded = load(shots / "invert.yaml", settings=[*ONE, "execution.engine=files"])
    job = prepare(loaded, folder, None, 2).submit().job
    slurm.wait_for_all(job)
    assert (result(folder) == result(shots / "whole")).all()
    assert [record(folder, n)["state"] for n in (0, 1, 2)] == ["done"] * 3
    assert not (folder / "exchange").exists()


@pytest.mark.slow  # three runs, and SLURM waits two minutes before a job that is requeued
def test_an_array_shares_the_shots_of_a_migration(
    shots: Path, tmp_path: Path, slurm: Slurm, site: None
) -> None:
    """One of its jobs is requeued in the middle, and goes on with its part; then all anew."""
    folder, loaded = tmp_path / "run", load(shots / "rtm.yaml", settings=ONE)
    rtm.run(loaded, tmp_path / "whole")
    job = prepare(loaded, folder, None, 2).submit().job
    begun = parts.folder(folder, range(8)) / PARTIAL
    until(lambda: begun.is_dir() and any(begun.glob("[!.]*.np*")), folder, 1)
    slurm.run("scontrol", "requeue", f"{job}_1")
    slurm.wait_for_all(job)
    assert len(record(folder, 1)["attempts"]) == 2
    assert image(folder).tobytes() == image(tmp_path / "whole").tobytes()
    assert not (folder / "parts").exists()
    again = prepare(loaded, folder, None, 2).submit(resume=True).job
    slurm.wait_for_all(again)
    assert record(folder)["state"] == "done"
    last = prepare(loaded, folder, None, 2).submit(force=True).job
    assert not (folder / "image.h5").exists()
    slurm.wait_for_all(last)
    assert image(folder).tobytes() == image(tmp_path / "whole").tobytes()


def test_an_array_begins_from_an_iterate(
    shots: Path, tmp_path: Path, slurm: Slurm, site: None
) -> None:
    """Of another run: as `fwi invert --from` does; then it is begun anew with --force, without."""
    folder, other = tmp_path / "run", tmp_path / "other"
    stages = "inversion.stages=[{band: [0, 16], iterations: 2}]"
    loaded = load(shots / "invert.yaml", settings=[*ONE, stages, "execution.engine=files"])
    whole = branches.begin(loaded, other, f"{shots / 'whole'}@2")
    invert.run(whole, other)
    branch = branches.begin(loaded, folder, f"{shots / 'whole'}@2")
    slurm.wait_for_all(prepare(branch, folder, None, 2).submit().job)
    assert (result(folder) == result(other)).all()
    assert branches.of_folder(folder) == branches.of_folder(other)
    slurm.wait_for_all(prepare(loaded, folder, None, 2).submit(force=True).job)
    assert branches.of_folder(folder) is None
    assert not (result(folder) == result(other)).all()
