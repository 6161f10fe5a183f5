"""`fwi report`: its numbers are those of the run, and it is one file that needs nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.config.loader import Loaded, load
from fwicli.errors import ConfigError, ExecutionError
from fwicli.files import hdf5
from fwicli.workflows import invert, model, rtm
from fwicli.workflows.inversion import branches
from fwicli.workflows.run_folder import lock
from fwicli.workflows.run_folder.folder import RunFolder
from fwicli.workflows.run_folder.manifest import Manifest
from fwicli.workflows.viewing.report import iterates
from fwicli.workflows.viewing.report.run import run
from tests.report.reading import Page, check
from tests.workflows.test_invert import StopAtUpdate

SECTIONS = [
    "Summary",
    "Set-up",
    "Plan against actual",
    "Convergence",
    "Models",
    "Data fit by shot and offset",
    "Spectra",
    "Correlation and phase residual",
    "Diagnosis",
    "Wavelets",
    "Warnings and log",
    "Provenance",
]


def read(path: Path) -> Page:
    page = Page(path.read_text(encoding="utf-8"))
    check(page)
    return page


def alone(config: Path) -> Loaded:
    """A config of a run in this process."""
    return load(config, settings=["execution.workers=1"])


def begin(folder: RunFolder, resume: bool) -> None:
    """Begin a run in a folder, or go on with it; nothing is run."""
    folder.open(resume, force=not resume)
    lock.release(folder.path)


@pytest.fixture(scope="module")
def finished(
    survey: Path, inverted: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Page, dict[str, Any]]:
    """The page of a finished inversion, and the summary of the command."""
    del inverted
    path = tmp_path_factory.mktemp("page") / "page.html"
    summary = run(survey / "whole", path, shots=3)
    return read(path), summary


def test_page_has_every_section(finished: tuple[Page, dict[str, Any]]) -> None:
    page, summary = finished
    assert page.titles == SECTIONS
    assert summary["state"] == "finished"
    assert summary["left_out"] == []
    assert summary["size_mb"] == pytest.approx(len(page.text.encode()) / 1e6, abs=1e-3)
    assert summary["size_mb"] < 5


def test_numbers_are_those_of_the_run(
    survey: Path, inverted: dict[str, Any], finished: tuple[Page, dict[str, Any]]
) -> None:
    """In the summary, in the table of stages, and in that of all steps."""
    page = finished[0]
    history = hdf5.read_history(survey / "whole" / "inversion.h5")
    assert page.row("iterations") == ["6"]
    assert page.row("wave simulations") == [str(inverted["simulations"])]
    assert page.row("misfit in stage 2")[0].endswith(f"→ {history['misfit'][-1]:.4g}")
    assert page.row("model error")[0].endswith(f"→ {history['model_error'][-1]:.4g}")
    assert page.row("iterations, planned") == page.row("iterations, done") == ["3", "3"]
    steps = [row for row in page.rows if len(row) > 4 and row[:1] in (["1"], ["2"])]
    assert [row[2] for row in steps if row[1] != "0"] == [f"{m:.4g}" for m in history["misfit"]]


def test_slider_has_the_start_and_every_iterate(
    survey: Path, finished: tuple[Page, dict[str, Any]]
) -> None:
    history = hdf5.read_history(survey / "whole" / "inversion.h5")
    (frames,) = finished[0].frames
    labels = [
        f"stage {s} iteration {i}, misfit {m:.4g}, model error {e:.4g}"
        for s, i, m, e in zip(
            *(history[n] for n in ("stage", "iteration", "misfit", "model_error")), strict=True
        )
    ]
    assert frames["labels"] == ["start", *labels]
    for fields in frames["fields"]:
        assert len(fields) == len(set(fields)) == 7
    assert "the start and all 6 iterates" in finished[0].prose


def test_shots_are_modelled_in_both_models(finished: tuple[Page, dict[str, Any]]) -> None:
    """The last model fits every shot better than the start."""
    page, summary = finished
    assert summary["shots_modelled"] == [0, 2, 3]
    head = page.rows.index(["shot", "start", "last model"])
    rows = page.rows[head + 1 : head + 5]
    assert [row[0] for row in rows] == ["0", "2", "3", "all"]
    assert all(float(last) < 0.8 * float(start) for _, start, last in rows)


def test_misfit_of_the_page_is_that_of_the_shots(
    survey: Path, finished: tuple[Page, dict[str, Any]]
) -> None:
    """In the starting model, it is that which `fwi check --shot` prints."""
    from fwicli.workflows.quality import one_shot

    (shot,) = one_shot.check(load(survey / "invert.yaml"), [2], stage=1)["shots"]
    row = next(r for r in finished[0].rows if len(r) == 3 and r[0] == "2")
    assert float(row[1]) == pytest.approx(shot["relative_difference"], rel=1e-3)


def test_provenance_and_config_are_on_the_page(
    survey: Path, finished: tuple[Page, dict[str, Any]]
) -> None:
    page = finished[0]
    environment = json.loads((survey / "whole" / "environment.json").read_text())
    for name in ("host", "numpy", "devito", "compiler", "date"):
        assert page.row(name) == [environment[name]]
    for path, mark in environment["inputs"].items():
        size, digest = mark.split(":")
        assert page.row(path) == [size, digest, "the same"]
    assert "# resolved by fwi" in page.prose
    assert "stage 2 of 2: 0 to 16 Hz" in page.prose


def test_iterates_are_thinned_to_a_budget(
    survey: Path, inverted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """First with fewer pixels, then with fewer iterates, which the caption says; the last stays."""
    monkeypatch.setattr(iterates, "BYTES", 25_000)
    models = iterates.Iterates.read(survey / "whole" / "inversion.h5")
    slider = iterates.slider(models, "vp", 1.0)
    size = sum(len(field) for panel in slider.panels for field in panel.fields)
    assert 3 <= len(slider.labels) < 7
    assert size < 25_000
    assert slider.labels[-1] == models.label("0006")
    assert models.chosen(1) == ["0006"]
    assert f"{len(slider.labels) - 1} of 6 iterates" in slider.caption


def test_time_and_memory_are_beside_those_of_the_plan(
    survey: Path, inverted: dict[str, Any], tmp_path: Path
) -> None:
    """Of stages, iterations and the run, from its plan, its steps and its signs of life."""
    folder = tmp_path / "run"
    shutil.copytree(survey / "whole", folder)
    plan = json.loads((folder / "plan.json").read_text())
    between = {"time_of_iteration_outside_of_shots_s": 3.0}
    stages = [{"time_s": 40.0, "seconds_per_iteration": 9.5} | between, {"time_s": 61.0}]
    plan |= {"time_s": 101.0, "memory_mb": 321.0, "stages": stages}
    (folder / "plan.json").write_text(json.dumps(plan))
    signs = json.loads((folder / "status.json").read_text())
    signs |= {"memory_peak": 345_000_000, "seconds": 111.0}
    (folder / "status.json").write_text(json.dumps(signs))
    steps = [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]
    ends = [1.0, 11.0, 21.0, 31.0, 41.0, 61.0, 81.0, 101.0]
    for step, end in zip(steps, ends, strict=True):
        step["seconds"] = end
        step["seconds_outside_of_shots"] = 2.0 if step["iteration"] else 50.0
    (folder / "progress.jsonl").write_text("".join(f"{json.dumps(step)}\n" for step in steps))
    run(folder, shots=0)
    page = read(folder / "report.html")
    assert page.row("time of stage 1") == ["40 s", "31 s"]
    assert page.row("time of stage 2") == ["1 min 1 s", "1 min 10 s"]
    assert page.row("time of an iteration, stage 1") == ["9.5 s", "10 s"]
    assert page.row("of it outside of shots, stage 1") == ["3 s", "2 s"]
    assert page.row("time of the run") == ["1 min 41 s", "1 min 51 s"]
    assert page.row("memory of all processes of the machine") == ["321 MB", "345 MB"]
    del plan["time_s"]
    (folder / "plan.json").write_text(json.dumps(plan | {"calibration": "none on this machine"}))
    run(folder, shots=0)
    page = read(folder / "report.html")
    assert "Times were not planned: none on this machine." in page.prose


def test_ancestry_is_on_the_pages_of_both_runs(
    survey: Path, inverted: dict[str, Any], tmp_path: Path
) -> None:
    """The parent with its iterate and fingerprint; the branch, on the page of the parent."""
    parent, child = tmp_path / "parent", tmp_path / "child"
    shutil.copytree(survey / "whole", parent)
    loaded = branches.begin(alone(survey / "invert.yaml"), child, f"{parent}@4")
    with pytest.raises(KeyboardInterrupt):
        invert.run(loaded, child, progress=StopAtUpdate(2))
    mark = json.loads((child / "environment.json").read_text())["branch"]["fingerprint"]
    misfit = hdf5.read_history(parent / "inversion.h5")["misfit"][3]
    for folder in (parent, child):
        run(folder, shots=0)
    page = read(child / "report.html")
    assert page.row(str(parent)) == ["4", "2", "1", f"{misfit:.4g}", mark]
    assert "Runs that were begun from this one" not in page.prose
    assert read(parent / "report.html").row(str(child))[:2] == ["4", mark]


# --- runs that have not ended ---------------------------------------------------------------------


@pytest.mark.parametrize(("updates", "state"), [(2, "no step has ended"), (12, "stage 1 of 2")])
def test_unfinished_run(survey: Path, tmp_path: Path, updates: int, state: str) -> None:
    """What is there is shown, and that it was interrupted."""
    with pytest.raises(KeyboardInterrupt):
        invert.run(alone(survey / "invert.yaml"), tmp_path / "run", progress=StopAtUpdate(updates))
    summary = run(tmp_path / "run", shots=1)
    page = read(tmp_path / "run" / "report.html")
    assert state in summary["state"]
    assert summary["state"].startswith("stopped: ")
    assert "The run has not ended" in page.prose
    assert summary["shots_modelled"] == [2]


def test_failed_run_shows_its_last_error(
    survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ExecutionError("the disk in /scratch is full")

    monkeypatch.setattr(hdf5, "add_iterate", fail)
    with pytest.raises(ExecutionError):
        invert.run(alone(survey / "invert.yaml"), tmp_path / "run")
    run(tmp_path / "run", shots=0)
    page = read(tmp_path / "run" / "report.html")
    assert page.prose.count("Why it ended: the disk in /scratch is full") == 2
    assert "No shots were modelled for this page, as --no-modelling says." in page.prose


def test_run_whose_inputs_are_gone(survey: Path, inverted: dict[str, Any], tmp_path: Path) -> None:
    """The page has what the folder holds, and says what it leaves out and why."""
    folder = tmp_path / "run"
    shutil.copytree(survey / "whole", folder)
    config = (folder / "config.yaml").read_text(encoding="utf-8")
    gone = config.replace("shots.h5", "gone.h5")
    (folder / "config.yaml").write_text(gone, encoding="utf-8")
    summary = run(folder)
    page = read(folder / "report.html")
    assert "gone.h5" in summary["left_out"][0]
    assert "cannot be planned again" in page.prose
    assert len(page.frames) == 1
    assert page.row("iterations") == ["6"]


# --- other commands -------------------------------------------------------------------------------


def test_migration(survey: Path, tmp_path: Path) -> None:
    summary = rtm.run(alone(survey / "rtm.yaml"), tmp_path / "run")
    run(tmp_path / "run", shots=2)
    page = read(tmp_path / "run" / "report.html")
    assert "Image" in page.titles
    assert "Convergence" not in page.titles
    assert page.row("correlation") == [f"{summary['correlation']:.4g}"]
    assert any("Band-limited reflectivity" in figure.caption for figure in page.figures)


def test_modelling(survey: Path) -> None:
    """Whatever is there: a run of `fwi model` has no records to compare with."""
    run(survey / "shots", survey / "model.html")
    page = read(survey / "model.html")
    assert "Records" in page.titles
    assert "Data fit by shot and offset" not in page.titles
    assert page.row("shots") == ["4"]


# --- the file -------------------------------------------------------------------------------------


def test_page_belongs_to_the_run(survey: Path, tmp_path: Path) -> None:
    """`--force` removes it with the run, and a later page replaces it."""
    folder = tmp_path / "run"
    shutil.copytree(survey / "shots", folder)
    run(folder)
    assert Manifest(folder).owns("report.html")
    run(folder)
    begin(RunFolder(folder, load(survey / "model.yaml")), resume=False)
    assert not (folder / "report.html").exists()


def test_page_that_was_written_while_the_run_went_on(survey: Path, tmp_path: Path) -> None:
    """The run does not take it off the list at its end."""
    folder = tmp_path / "run"

    class Reporting(StopAtUpdate):
        def update(self, done: int) -> None:
            if not (folder / "report.html").exists():
                run(folder)

    model.run(alone(survey / "model.yaml"), folder, progress=Reporting(1000))
    assert Manifest(folder).owns("report.html")
    assert "running" in read(folder / "report.html").prose


def test_files_of_others_are_not_replaced(
    survey: Path, inverted: dict[str, Any], tmp_path: Path
) -> None:
    other = tmp_path / "notes.html"
    other.write_text("<!DOCTYPE html><p>My notes on fwi.", encoding="utf-8")
    before = other.read_bytes()
    with pytest.raises(ConfigError, match="is in the way"):
        run(survey / "whole", other, shots=0)
    with pytest.raises(ConfigError, match="is an input of this run"):
        run(survey / "whole", survey / "shots" / "shots.h5", shots=0)
    assert other.read_bytes() == before
    with pytest.raises(ExecutionError, match="cannot be written"):
        run(survey / "whole", tmp_path / "no" / "page.html", shots=0)


def test_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not the folder of a run"):
        run(tmp_path)


def test_own_report_does_not_stop_a_run(survey: Path, tmp_path: Path) -> None:
    """A file of the user with that name stays, also when the run is resumed or begun anew."""
    folder = tmp_path / "run"
    shutil.copytree(survey / "shots", folder)
    (folder / "report.html").write_text("my own", encoding="utf-8")
    for resume in (True, False):
        begin(RunFolder(folder, load(survey / "model.yaml")), resume)
    assert (folder / "report.html").read_text(encoding="utf-8") == "my own"
    with pytest.raises(ConfigError, match="is in the way"):
        run(folder)


def test_words_of_times_and_numbers() -> None:
    from fwicli.workflows.viewing.report.words import duration, label, number

    assert [duration(s) for s in (3.14159, 59.9, 61, 7260, 200_000, np.nan)] == [
        "3.14 s",
        "59.9 s",
        "1 min 1 s",
        "2 h 1 min",
        "2 d 7 h",
        "\N{EN DASH}",
    ]
    assert [number(v) for v in (3.0, 0.000123456, [1, 1], [1, 2.5], "301x101", True)] == [
        "3",
        "0.0001235",
        "1",
        "1, 2.5",
        "301 x 101",
        "True",
    ]
    assert label("time_step_s") == "time step [s]"
