"""`fwi status`: true for runs in every state, and quick however long a run is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fwicli.cli.main import cli
from fwicli.config.loader import load
from fwicli.errors import ConfigError, ExecutionError
from fwicli.workflows import invert
from fwicli.workflows.run_folder import heartbeat
from fwicli.workflows.run_folder.progress import Silent
from fwicli.workflows.run_folder.status import SILENCE, STATUS, RunProcess, RunStatus
from fwicli.workflows.viewing import jobs, lines, status
from fwicli.workflows.viewing.watch import Watch
from tests.workflows.test_invert import StopAtUpdate


def fabricated(folder: Path, **values: Any) -> Path:
    """Folder of a run of 1000 iterations and 10 000 shots, in a process of this test."""
    folder.mkdir()
    (folder / "config.yaml").write_text("# resolved by fwi\nmodel: {}\n")
    written = RunStatus(
        kind="invert",
        process=RunProcess.this(),
        iterations=[600, 400],
        stage=2,
        iteration=389,
        evaluation=2,
        shots_done=4321,
        shots=10_000,
        workers=16,
        seconds=9895.0,
        beat=7,
    )
    for name, value in values.items():
        setattr(written, name, value)
    (folder / STATUS).write_text(json.dumps(written.content()))
    with (folder / "progress.jsonl").open("w") as file:
        for n in range(990):
            stage, iteration = (1, n) if n <= 600 else (2, n - 601)
            record = {"time": n, "stage": stage, "iteration": iteration, "misfit": 1 / (n + 1)}
            file.write(json.dumps(record | {"evaluations": 2, "seconds": 10.0 * n}) + "\n")
        file.write('{"time": 17')
    log = "2026-01-01 00:00:00 warning: a worker was lost\n2026-01-01 00:00:01 stage 2\n"
    (folder / "log.txt").write_text(log)
    return folder


ELSEWHERE = RunProcess("node7", 12, "another boot", "pid:[1]", "5")


def test_place_misfit_and_time_left(tmp_path: Path) -> None:
    """Of 400 iterations 388 are done, at 10 s each; 5 s are spent on the next."""
    report = status.run(fabricated(tmp_path / "run"))
    assert report.state == "running"
    assert (report.stage, report.iteration) == (2, 389)
    assert (report.shots_done, report.shots, report.evaluation) == (4321, 10_000, 2)
    assert report.misfit_first == 1.0
    assert report.misfit_stage == pytest.approx(1 / 602)
    assert report.misfit_last == pytest.approx(1 / 990)
    assert report.seconds_left == pytest.approx(12 * 10 - 5)
    assert report.left_by == "measured"
    assert report.warning == "a worker was lost"


def test_plan_weighs_stages(tmp_path: Path) -> None:
    """Iterations of the second stage are planned to take three times those of the first."""
    folder = fabricated(tmp_path / "run", seconds=2000.0, stage=1, iteration=201)
    text = (folder / "progress.jsonl").read_text().splitlines()[:201]
    (folder / "progress.jsonl").write_text("\n".join(text) + "\n")
    assert status.run(folder).seconds_left == pytest.approx(10 * (400 + 400))
    stages = [{"seconds_per_iteration": 5.0}, {"seconds_per_iteration": 15.0}]
    (folder / "plan.json").write_text(json.dumps({"stages": stages}))
    report = status.run(folder)
    assert report.seconds_left == pytest.approx(10 * (400 + 3 * 400))
    assert report.left_by == "plan"


def test_process_that_is_gone_is_dead(tmp_path: Path) -> None:
    """On the same machine; its number may be that of another process by now."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        this = RunProcess.this()
        start = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
        other = replace(this, pid=process.pid, start=start)
        folder = fabricated(tmp_path / "run", process=other)
        assert status.run(folder).state == "running"
        reused = fabricated(tmp_path / "reused", process=replace(other, start="1"))
        assert status.run(reused).state == "dead"
        process.kill()
        process.wait()
        report = status.run(folder)
    assert report.state == "dead"
    assert "--resume" in report.error


def test_silence_of_another_machine(tmp_path: Path) -> None:
    """Its age is told by the clock of the file server; after a while it is taken for dead."""
    folder = fabricated(tmp_path / "run", process=ELSEWHERE)
    assert status.run(folder).state == "running"
    for age, state in ((SILENCE / 2, "running"), (2 * SILENCE, "dead")):
        os.utime(folder / STATUS, times=(time.time() - age,) * 2)
        report = status.run(folder)
        assert report.state == state
        assert report.silent_seconds == pytest.approx(age, abs=30)
        assert "the file server" in report.notes[0]
    assert "node7" in report.error


def test_clock_of_this_machine_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine whose clock is an hour ahead does not take a live run for dead."""
    folder = fabricated(tmp_path / "run", process=ELSEWHERE)
    now = time.time()
    monkeypatch.setattr(status.time, "time", lambda: now + 3600)
    report = status.run(folder)
    assert report.state == "running"
    assert not report.notes


def test_watch_believes_the_counter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the folder cannot be written and clocks are apart, life is what changes."""
    folder = fabricated(tmp_path / "run", process=ELSEWHERE)
    monkeypatch.setattr(status, "_server_time", lambda folder: None)
    os.utime(folder / STATUS, times=(time.time() - 2 * SILENCE,) * 2)
    watch, hours = Watch(), 0
    clock = time.monotonic()
    monkeypatch.setattr(
        "fwicli.workflows.viewing.watch.time.monotonic", lambda: clock + 3600 * hours
    )
    first = status.run(folder)
    watch.look([first])
    assert first.state == "dead"
    later = replace(status.run(folder), beat=8)
    watch.look([later])
    assert later.state == "running"
    hours = 1
    silent = replace(status.run(folder), beat=8, state="running")
    watch.look([silent])
    assert silent.state == "dead"


def test_queued_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a job and no run yet; its scheduler is asked, if there is one."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "job.json").write_text('{"scheduler": "slurm", "id": "12", "attempts": 3}')
    for answer, state in (("", "queued"), ("pending", "queued"), ("gone", "dead")):
        monkeypatch.setattr(jobs, "state", lambda scheduler, number, answer=answer: answer)
        report = status.run(folder)
        assert report.state == state
    assert "log of the job" in report.error


@pytest.mark.parametrize(
    ("command", "answer", "state"),
    [
        ("squeue", "echo RUNNING", "running"),
        ("squeue", "echo PENDING", "pending"),
        ("squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", "gone"),
        ("squeue", "echo 'Unable to contact slurm controller' >&2; exit 1", ""),
        ("squeue", "sleep 10", ""),
        ("qstat", "echo '    job_state = Q'", "pending"),
        ("bjobs", "echo RUN", "running"),
        ("bjobs", "echo EXIT", "gone"),
    ],
)
def test_schedulers_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, answer: str, state: str
) -> None:
    """By commands that may hang or fail: then nothing is known."""
    (tmp_path / command).write_text(f"#!/bin/sh\n{answer}\n")
    (tmp_path / command).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(jobs, "PATIENCE", 0.5)
    scheduler = {"squeue": "slurm", "qstat": "pbs", "bjobs": "lsf"}[command]
    assert jobs.state(scheduler, "12") == state
    assert jobs.state(scheduler, "--help") == ""


def test_run_tells_of_itself(
    survey: Path, inverted: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped, continued by a second process, finished; while it runs, its place is written."""
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.01)
    seen_states: list[tuple[str, int, int]] = []

    class Look(Silent):
        def update(self, done: int) -> None:
            time.sleep(0.03)
            report = status.run(tmp_path / "run")
            seen_states.append((report.state, report.stage, report.shots))

    with pytest.raises(KeyboardInterrupt):
        invert.run(load(survey / "invert.yaml"), tmp_path / "run", progress=StopAtUpdate(5))
    report = status.run(tmp_path / "run")
    assert (report.state, report.error, report.processes) == ("stopped", "interrupted", 1)
    invert.run(load(survey / "invert.yaml"), tmp_path / "run", resume=True, progress=Look())
    report = status.run(tmp_path / "run")
    assert (report.state, report.processes, report.error) == ("finished", 2, "")
    assert (report.stage, report.iteration, report.iterations) == (2, 3, [3, 3])
    assert report.misfit_last == inverted["misfit"]
    assert report.workers == 2
    assert report.memory_peak > 50e6  # of the libraries alone
    assert {("running", 1, 4), ("running", 2, 4)} <= set(seen_states)
    assert not [p.name for p in (tmp_path / "run").iterdir() if p.name.startswith(".")]


def test_failure_says_why(survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ExecutionError("node7 has lost its disk")

    monkeypatch.setattr("fwicli.workflows.inversion.run.InversionRun.run", fail)
    with pytest.raises(ExecutionError):
        invert.run(load(survey / "invert.yaml"), tmp_path / "run")
    report = status.run(tmp_path / "run")
    assert (report.state, report.error) == ("failed", "node7 has lost its disk")


def test_full_disk_does_not_stop_a_run(tmp_path: Path) -> None:
    """What cannot be written is left out."""
    beating = heartbeat.Heartbeat("invert", [3])
    with beating.beating(tmp_path / "missing" / STATUS):
        beating.start("stage 1 iteration 1", 4)
    assert not (tmp_path / "missing").exists()


def test_evaluations_and_shots_of_earlier_processes(tmp_path: Path) -> None:
    """The count begins anew with each evaluation; a jump at the beginning is no work of now."""
    beating = heartbeat.Heartbeat("invert", [3])
    with beating.beating(tmp_path / STATUS):
        beating.start("stage 1 iteration 1", 2)
        for done in (1, 2, 1, 2, 1):
            beating.update(done)
    written = RunStatus.of(json.loads((tmp_path / STATUS).read_text()))
    assert written is not None
    assert (written.evaluation, written.shots_done, written.task_shots) == (3, 1, 5)
    with beating.beating(tmp_path / STATUS):
        beating.start("shots", 9)
        for done in (6, 7, 8):
            beating.update(done)
    written = RunStatus.of(json.loads((tmp_path / STATUS).read_text()))
    assert written is not None
    assert (written.evaluation, written.shots_done, written.task_shots) == (1, 8, 2)
    assert written.processes == 2


@pytest.mark.parametrize("kind", ["shots", "whole"])
def test_runs_of_older_versions(
    survey: Path, inverted: dict[str, Any], tmp_path: Path, kind: str
) -> None:
    """Without a sign of life: finished as far as their progress says so, else unknown."""
    for name in ("config.yaml", "progress.jsonl", "log.txt"):
        target = tmp_path / name
        target.write_bytes((survey / kind / name).read_bytes())
    report = status.run(tmp_path)
    assert (report.state, report.kind) == ("finished", "model" if kind == "shots" else "invert")
    rows = (tmp_path / "progress.jsonl").read_text().splitlines()
    (tmp_path / "progress.jsonl").write_text("\n".join(rows[:-1]) + "\n")
    report = status.run(tmp_path)
    assert report.state == "unknown"
    assert "sign of life" in report.notes[0]


def test_folder_that_is_no_run(survey: Path, inverted: dict[str, Any], tmp_path: Path) -> None:
    """What to type instead."""
    with pytest.raises(ConfigError, match=f"fwi status .*{survey.name}/shots"):
        status.run(survey)
    with pytest.raises(ConfigError, match=f"type `fwi status {survey}/whole`"):
        status.run(survey / "whole" / "inversion.h5")
    with pytest.raises(ConfigError, match="there is no"):
        status.run(tmp_path / "missing")
    with pytest.raises(ConfigError, match=r"holds no config.yaml"):
        status.run(tmp_path)


@pytest.mark.parametrize("content", ["", "[1]", '{"fwicli_status": 1, "beat": "x"}', "{" * 99])
def test_damaged_files_are_no_error(tmp_path: Path, content: str) -> None:
    folder = fabricated(tmp_path / "run")
    for name in (STATUS, "progress.jsonl", "plan.json", "job.json"):
        (folder / name).write_text(content)
    assert status.run(folder).folder == str(folder)


def test_command(tmp_path: Path) -> None:
    """One run in full, several by line, JSON; control characters do not reach a terminal."""
    folder = fabricated(tmp_path / "run", error="\x1b[2J gone", state="failed")
    other = fabricated(tmp_path / "other")
    full = CliRunner().invoke(cli, ["status", str(folder)]).output
    assert "389 of 400" not in full  # it has failed: the last finished one counts
    assert "388 of 400" in full
    assert "\x1b" not in full
    table = CliRunner().invoke(cli, ["status", str(folder), str(other)]).output.splitlines()
    assert len(table) == 3
    assert table[2].split()[1:6] == ["running", "2/2", "389/400", "0.00101", "4321/10000"]
    (content,) = json.loads(CliRunner().invoke(cli, ["status", str(folder), "--json"]).output)
    assert content["state"] == "failed"
    done = CliRunner().invoke(cli, ["status", str(folder), "--watch", "0.5"])
    assert done.exit_code == 0


def test_shots_of_a_finished_run(survey: Path, inverted: dict[str, Any], tmp_path: Path) -> None:
    """Those of the run, also where parts were merged last; of an inversion, of an evaluation."""

    def row(folder: Path) -> str:
        output = CliRunner().invoke(cli, ["status", str(folder)]).output.splitlines()
        (line,) = (line for line in output if line.startswith("shots"))
        return line.removeprefix("shots").strip()

    done = json.loads((survey / "shots" / "progress.jsonl").read_text().splitlines()[-1])["shots"]
    assert row(survey / "shots") == f"{done}"
    evaluated = RunStatus.of(json.loads((survey / "whole" / STATUS).read_text()))
    assert evaluated is not None
    assert row(survey / "whole") == f"{evaluated.shots} an evaluation"
    merged = fabricated(tmp_path / "run", kind="rtm", state="finished", iterations=[], shots=3)
    (merged / "progress.jsonl").write_text('{"time": 17, "shots": 16}\n')
    assert row(merged) == "16"
    assert (status.run(merged).shots_done, status.run(merged).shots) == (16, 16)


def test_long_runs_are_read_at_their_ends(tmp_path: Path) -> None:
    """Neither NumPy nor HDF5 is imported; of a file of 10 MB, some kilobytes are read."""
    folder = fabricated(tmp_path / "run")
    record = (folder / "progress.jsonl").read_text().splitlines()[300]
    rows = [record] * 80_000 + (folder / "progress.jsonl").read_text().splitlines()[601:]
    (folder / "progress.jsonl").write_text("\n".join(rows))
    (folder / "log.txt").write_text("2026-01-01 00:00:00 stage\n" * 300_000)
    (folder / "inversion.h5").write_bytes(b"not read")
    program = (
        "import sys\n"
        "opened = []\n"
        "sys.addaudithook(lambda e, a: opened.append(str(a[0])) if e == 'open' else None)\n"
        "from fwicli.cli.main import cli\n"
        f"cli.main(['status', {str(folder)!r}], standalone_mode=False)\n"
        "heavy = {'numpy', 'h5py', 'pydantic', 'ruamel', 'devito', 'rich', 'matplotlib'}\n"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}))\n"
        f"inside = {{name for name in opened if name.startswith({str(folder)!r})}}\n"
        "print(sorted(name.rpartition('/')[2] for name in inside))\n"
        "print(sum(int(line.split()[1]) for line in open('/proc/self/io') if 'rchar' in line))\n"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert output[-3] == "[]"
    assert "inversion.h5" not in output[-2]
    without = program.replace(str(folder), str(fabricated(tmp_path / "short")))
    baseline = subprocess.run(
        [sys.executable, "-c", without], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert int(output[-1]) - int(baseline[-1]) < 3 * lines.TAIL
