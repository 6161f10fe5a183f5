"""What no run has written is still there after every kind of run, and so is what a run reads."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from fwicli.config.loader import Loaded, load
from fwicli.disk import atomic
from fwicli.errors import ConfigError
from fwicli.files import writing
from fwicli.plotting import pictures
from fwicli.survey.grid import Grid
from fwicli.survey.stacks import Stack
from fwicli.survey.windows import whole
from fwicli.workflows import model
from fwicli.workflows.inversion.evaluations import EvaluationCache
from fwicli.workflows.run_folder import folder as run_folder
from fwicli.workflows.run_folder import outputs
from fwicli.workflows.run_folder.finished_sums import FinishedSums
from fwicli.workflows.run_folder.folder import RunFolder
from fwicli.workflows.run_folder.manifest import FOLDERS, HEADER, MANIFEST, Manifest
from tests.cli.test_commands import fwi
from tests.workflows.test_model import StopAfter

GRID = Grid((2, 3), (10.0, 10.0), (0.0, 0.0))
PROVENANCE = {"fwicli": "0", "date": "today"}
NAMES = [
    *outputs.everything()[:22],
    *("result.png", "result_rho.png", "start.png", "difference_impedance.png", "overview.png"),
    *(
        "shots.h5.part",
        "partial",
        "journal",
        MANIFEST,
        "field_data.h5",
        "mine.png",
        "notes.txt",
        "tmp",
    ),
    *(".shots.h5.new", ".config.yaml.new", ".shots.h5.original", ".state.h5.a1b2c3d4.new"),
    *("partial/000001.npy", "partial/mine.npy", "journal/sum.npz", "partial/manifest.txt"),
]


def text(path: Path, elsewhere: Path) -> None:
    path.write_text("mine")


def records(path: Path, elsewhere: Path) -> None:
    with h5py.File(path, "w") as file:
        file["data"] = np.arange(3)


def empty(path: Path, elsewhere: Path) -> None:
    path.touch()


def folder(path: Path, elsewhere: Path) -> None:
    (path / "partial").mkdir(parents=True)
    (path / "partial" / "000001.npy").write_text("mine")


def link(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere / "field.h5")


def link_to_folder(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere)


def dangling(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere / "nothing")


def hard_link(path: Path, elsewhere: Path) -> None:
    path.hardlink_to(elsewhere / "field.h5")


def picture() -> bytes:
    """As pictures are saved."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "p.png"
        pictures._save(pictures.Figure(figsize=(0.3, 0.3)), path)
        return path.read_bytes()


PICTURE = picture()
KINDS = (text, records, empty, folder, link, link_to_folder, dangling, hard_link)
Plant = Callable[[Path, Path], None]


def content(path: Path) -> dict[str, object]:
    """All that is below a path, or is it: links by where they lead, files by what they hold."""
    if path.is_symlink():
        return {str(path): path.readlink()}
    if not path.is_dir():
        return {str(path): path.read_bytes()} if path.exists() else {}
    below = {k: v for child in path.iterdir() for k, v in content(child).items()}
    return {str(path): "folder", **below}


@pytest.fixture
def loaded(tmp_path: Path) -> dict[str, Loaded]:
    """A config of each kind, whose inputs are there."""
    np.save(tmp_path / "vp.npy", np.full((11, 11), 2000.0))
    (tmp_path / "field.h5").write_bytes(b"records")
    start = "model: {vp: {file: vp.npy}, spacing: 10}\n"
    data = start + "data: {file: field.h5}\n"
    texts = {
        "model": start
        + "geometry: {sources: {x: 10, z: 20}, receivers: {x: [10, 50], z: 20}}\n"
        + "wavelet: {kind: ricker, frequency: 12}\ntime: {interval: 0.004, duration: 0.6}\n",
        "invert": data + "inversion: {bounds: [1400, 3000], stages: [{band: [0, 8], "
        "iterations: 1}]}\n",
        "rtm": data + "imaging: {condition: correlation}\n",
    }
    for kind, written in texts.items():
        (tmp_path / f"{kind}.yaml").write_text(written)
    return {kind: load(tmp_path / f"{kind}.yaml") for kind in texts}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No compiler is asked for its version."""
    monkeypatch.setattr(run_folder, "provenance", lambda: dict(PROVENANCE))
    yield
    logging.getLogger("fwicli").setLevel(logging.NOTSET)


class EndError(Exception):
    """What ends a run before its end."""


def run(loaded: Loaded, path: Path, how: str, resume: bool = False, force: bool = False) -> None:
    """What a run writes, without waves, in its order; `fails` and `stops` end it on the way."""
    place = RunFolder(path, loaded)
    place.open(resume, force)
    with place.logging():
        logging.getLogger("fwicli").info("at work")
        names = outputs.names(loaded)
        with atomic.replacing(place.file(outputs.PLAN)) as new:
            new.write_text(f'{{"{outputs.PLANNED}": 1}}')
        if "partial" in names:
            parts = FinishedSums(place.file("partial"), 3, GRID)
            parts.folder.mkdir(exist_ok=True)
            parts.put((0, 1), Stack(whole(GRID), {"image": np.zeros(GRID.shape)}))
            if outputs.UNFINISHED in names:
                with writing.replacing(place.file(outputs.UNFINISHED)) as file:
                    file.attrs.update(PROVENANCE)
        else:
            journal = EvaluationCache(place.file("journal"))
            journal.recall("0", (np.zeros(2),), lambda: {"x": np.zeros(2)})
        if how != "ends":
            raise EndError if how == "fails" else KeyboardInterrupt
        if "partial" in names:
            parts.put((2, 3), Stack(whole(GRID), {"image": np.zeros(GRID.shape)}))
            parts.remove()
            if outputs.UNFINISHED in names:
                (path / outputs.UNFINISHED).replace(place.file("shots.h5"))
        else:
            journal.clear()
        for name in names[4:]:
            if name.endswith(".png"):
                with atomic.replacing(place.file(name)) as new:
                    new.write_bytes(PICTURE)
            elif name.endswith(".h5"):
                with writing.replacing(place.file(name)) as file:
                    file.attrs.update(PROVENANCE)
        place.step({"done": 1})


def attempt(*arguments: object, **options: bool) -> bool:
    """Whether a run was not refused."""
    try:
        run(*arguments, **options)  # type: ignore[arg-type]
    except ConfigError:
        return False
    except (EndError, KeyboardInterrupt):
        pass
    return True


BEFORE, HOW = ("nothing", "ends", "stops"), ("ends", "fails", "stops")


@pytest.mark.parametrize("each", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["model", "invert"])
@pytest.mark.parametrize("plant", KINDS)
def test_foreign_files_stay(
    tmp_path: Path, loaded: dict[str, Loaded], kind: str, plant: Plant, each: bool
) -> None:
    """Of every name the program uses, before a run and between runs, whatever follows."""
    turn = len(kind) + KINDS.index(plant)
    for number, name in enumerate(NAMES):
        if not each and (number + turn) % 6:
            continue
        for before in BEFORE if each else (BEFORE[number % 3],):
            elsewhere, path = tmp_path / f"e{number}{before}", tmp_path / f"r{number}{before}"
            elsewhere.mkdir()
            (elsewhere / "field.h5").write_bytes(b"traces")
            path.mkdir()
            if before != "nothing":
                run(loaded[kind], path, "ends", force=True)
                attempt(loaded[kind], path, before, force=True)
            foreign = path / name
            if os.path.lexists(foreign) and not foreign.is_dir():
                if plant in (empty,):
                    continue  # nothing of anybody's
                if plant in (link, link_to_folder, dangling):
                    foreign.unlink()  # what a link of that name stands for now is ours
                    plant(foreign, elsewhere)
                    kept = content(elsewhere)
                    attempt(loaded[kind], path, "ends", resume=True)
                    attempt(loaded[kind], path, "ends", force=True)
                    assert content(elsewhere) == kept, (name, before)
                    continue
                foreign.unlink()
            elif os.path.lexists(foreign):
                continue  # a folder of ours: what is in it has names of its own
            foreign.parent.mkdir(exist_ok=True)
            plant(foreign, elsewhere)
            kept = content(foreign) | content(elsewhere)
            other = "invert" if kind == "model" else "model"
            for how in HOW if each else (HOW[(number // 3 + turn) % 3],):
                attempt(loaded[kind], path, how)
                attempt(loaded[kind], path, how, resume=True)
                attempt(loaded[kind], path, how, force=True)
                attempt(loaded[other], path, how, force=True)
                assert content(foreign) | content(elsewhere) == kept, (name, before, how)


@pytest.mark.parametrize("kind", ["model", "invert", "rtm"])
def test_own_files_go(tmp_path: Path, loaded: dict[str, Loaded], kind: str) -> None:
    """Beside foreign ones that are not in the way, whose run is not refused."""
    path = tmp_path / "run"
    attempt(loaded["model"], path, "stops")
    for name in ("field_data.h5", "mine.png"):
        (path / name).write_text("mine")
    assert attempt(loaded[kind], path, "ends", force=True)
    there = {p.name for p in path.iterdir()} - {"field_data.h5", "mine.png"}
    passing = {*FOLDERS, outputs.UNFINISHED}
    assert there == (set(outputs.names(loaded[kind])) - passing) | {MANIFEST}
    assert set(Manifest(path).names) >= there - {MANIFEST}
    assert (path / "field_data.h5").read_text() == "mine"


def test_a_killed_run_leaves_nothing(tmp_path: Path, loaded: dict[str, Loaded]) -> None:
    """What it was writing aside is on the list; another file of that kind is not."""
    path = tmp_path / "run"
    place = RunFolder(path, loaded["model"])
    place.open(False, False)
    atomic.name(place.file("shots.h5")).write_bytes(b"half")  # and is killed
    (path / ".model.png.new").write_text("mine")
    assert attempt(loaded["model"], path, "ends", resume=True)
    assert not atomic.name(path / "shots.h5").exists()
    assert (path / ".model.png.new").read_text() == "mine"
    with h5py.File(path / "shots.h5") as file:
        assert file.attrs["fwicli"] == "0"


def test_an_older_run_is_recognised(tmp_path: Path, loaded: dict[str, Loaded]) -> None:
    """Without a list, only what has a name and looks of the program's own is removed."""
    path = tmp_path / "run"
    attempt(loaded["model"], path, "stops")
    run(loaded["invert"], path, "ends", force=True)
    (path / MANIFEST).unlink()
    records(path / "image.h5", path)
    (path / "gathers.png").write_text("mine")
    with pytest.raises(ConfigError, match=r"gathers\.png is in the way"):
        run(loaded["model"], path, "ends", force=True)
    assert (path / "inversion.h5").exists()
    (path / "gathers.png").rename(path / "mine.png")
    assert attempt(loaded["model"], path, "ends", force=True)
    assert not (path / "inversion.h5").exists()
    assert not (path / "convergence.png").exists()
    assert {p.name for p in path.iterdir()} >= {"image.h5", "mine.png", "shots.h5"}


@pytest.mark.parametrize("line", ["../mine", "/etc/passwd", "..", "tmp/mine", "", MANIFEST])
def test_a_list_leads_nowhere_else(tmp_path: Path, line: str) -> None:
    (tmp_path / "run" / "tmp").mkdir(parents=True)
    for path in (tmp_path / "mine", tmp_path / "run" / "tmp" / "mine"):
        path.write_text("mine")
    (tmp_path / "run" / MANIFEST).write_text(f"{HEADER}\n{line}\n")
    before = content(tmp_path / "mine") | content(tmp_path / "run" / "tmp")
    Manifest(tmp_path / "run").remove()
    assert content(tmp_path / "mine") | content(tmp_path / "run" / "tmp") == before


INPUTS = {
    "data.file": ("invert", "data: {file: X}", "inversion.h5"),
    "model.vp.file": ("invert", "model: {vp: {file: X}, spacing: 10}", "state.h5"),
    "wavelet.file": ("rtm", "wavelet: {kind: file, file: X}", "image.h5"),
    "reference.vp.file": ("rtm", "reference: {vp: {file: X}, spacing: 10}", "image.png"),
    "model": ("model", "model: X", "config.yaml"),
    "config": ("model", "", "config.yaml"),
    "inversion.conditioning.0.file": (
        "invert",
        "inversion: {bounds: [1400, 3000], stages: [{band: [0, 8], iterations: 1}], "
        "conditioning: [{kind: given_weights, file: X}]}",
        "log.txt",
    ),
}


@pytest.mark.parametrize("disguise", ["itself", "dots", "hard link", "link", "folder is a link"])
@pytest.mark.parametrize("key", INPUTS)
def test_inputs_stay(tmp_path: Path, loaded: dict[str, Loaded], key: str, disguise: str) -> None:
    """An input in the folder, of the name of an output, is refused with its key, untouched."""
    kind, section, name = INPUTS[key]
    path, real = tmp_path / "run", tmp_path / "real"
    run(loaded[kind], path, "ends")
    config = tmp_path / f"{kind}.yaml"
    if key == "model":
        (path / name).write_text("vp: {file: ../vp.npy}\nspacing: 10\n")
    given = path / name
    folder = path
    if disguise == "dots":
        given = path / ".." / "run" / name
    elif disguise == "hard link":
        given = real.with_suffix(given.suffix)
        given.hardlink_to(path / name)
    elif disguise == "link":
        given = real.with_suffix(given.suffix)
        given.symlink_to(path / name)
    elif disguise == "folder is a link":
        folder = tmp_path / "to_run"
        folder.symlink_to(path)
    if section:
        lines = [
            x for x in config.read_text().splitlines() if x.split(":")[0] != section.split(":")[0]
        ]
        config.write_text("\n".join([*lines, section.replace("X", str(given)), ""]))
    else:
        config = given
    before = content(path)
    again = load(config, kind)
    for force in (True, False):
        with pytest.raises(ConfigError) as refused:
            run(again, folder, "ends", force=force)
        if force and key != "model":  # that file is nobody's, too
            assert f"`{key}`" in str(refused.value)
            assert (f"`cp {config} my.yaml`" in str(refused.value)) == (key == "config")
    if key != "config":
        assert not attempt(again, folder, "ends", resume=True)
    assert {k: v for k, v in content(path).items() if not k.endswith("log.txt")} == {
        k: v for k, v in before.items() if not k.endswith("log.txt")
    }


def test_one_thread_at_a_time(tmp_path: Path, loaded: dict[str, Loaded]) -> None:
    """Two runs of one process in one folder: the second is refused; later it is not."""
    place = RunFolder(tmp_path / "run", loaded["model"])
    place.open(False, False)
    refused: list[str] = []

    def second() -> None:
        try:
            RunFolder(tmp_path / "run", loaded["model"]).open(False, True)
        except ConfigError as error:
            refused.append(str(error))

    for expected in (1, 1):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        assert len(refused) == expected
        with place.logging():
            pass
    assert "another thread is at work" in refused[0]


def test_runs_list_what_they_write(
    survey: Path, inverted: dict[str, object], tmp_path: Path
) -> None:
    """After a run, all that is in its folder is on its list, and could be foreseen."""
    for kind, folder in (("model", "shots"), ("invert", "whole")):
        there = {p.name for p in (survey / folder).iterdir()}
        assert there == {*Manifest(survey / folder).names, MANIFEST}
        assert there - {MANIFEST} <= set(outputs.names(load(survey / f"{kind}.yaml")))


def test_a_real_run_beside_foreign_files(survey: Path, tmp_path: Path) -> None:
    """Stopped by Ctrl-C, continued and begun anew; what it will remove is said before."""
    path = tmp_path / "run"
    path.mkdir()
    for name in ("field_data.h5", "mine.png", "image.h5", "journal"):
        (path / name).write_text("mine")
    before = content(path)
    settings = load(survey / "model.yaml", settings=["execution.workers=1"])
    with pytest.raises(KeyboardInterrupt):
        model.run(settings, path, force=True, progress=StopAfter(1))
    model.run(settings, path, resume=True)
    said = fwi("model", str(survey / "model.yaml"), "-o", str(path), "--force", "-n").stderr
    assert "would remove from" in said
    assert "shots.h5" in said
    assert "field_data.h5" not in said
    model.run(settings, path, force=True)
    assert before.items() <= content(path).items()
    assert (path / "shots.h5").exists()


def test_init_keeps_what_it_overwrites(tmp_path: Path) -> None:
    """A config that was edited is beside the new one, and what a link leads to stays."""
    edited = tmp_path / "m.yaml"
    for content_before, copy in (("mine", "m.yaml.~1~"), ("mine, too", "m.yaml.~2~")):
        edited.write_text(content_before)
        done = fwi("init", "model", str(edited), "--force")
        assert done.returncode == 0, done.stderr
        assert copy in done.stderr
        assert (tmp_path / copy).read_text() == content_before
    assert not fwi("init", "model", str(edited), "--force").stderr
    (tmp_path / "l.yaml").symlink_to(tmp_path / "m.yaml.~1~")
    assert fwi("init", "model", str(tmp_path / "l.yaml"), "--force").returncode == 0
    assert (tmp_path / "m.yaml.~1~").read_text() == "mine"
    (tmp_path / "n.yaml").symlink_to(tmp_path / "nothing")
    assert fwi("init", "model", str(tmp_path / "n.yaml")).returncode == 2
    assert not (tmp_path / "nothing").exists()
