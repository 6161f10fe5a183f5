"""The plan's memory is what runs take: their processes are looked at while they run."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.config.imaging import ImagingSection
from fwicli.config.loader import load
from fwicli.workflows import model
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.verbs import find

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/smaps_rollup").exists(), reason="the system does not tell"
)

MODEL = """\
model: {vp: {file: vp.npy}, spacing: 20}
geometry:
  sources: {x: {start: 800, stop: 3200, count: 2}, z: 40}
  receivers: {x: {start: 0, stop: 4000, step: 20}, z: 40}
wavelet: {kind: ricker, frequency: 5}
time: {interval: 0.004, duration: 4.0}
execution: {workers: 2}
"""
INVERT = """\
model: {vp: {file: vp.npy}, spacing: 20, smooth: {length: 100}}
data: {file: shots/shots.h5}
inversion:
  bounds: [1400, 5000]
  fixed: nothing
  optimizer: {method: lbfgs}
  stages: [{band: [0, 10], iterations: 1}]
execution: {workers: 2}
"""
RTM = """\
model: {vp: {file: vp.npy}, spacing: 20, smooth: {length: 100}}
data: {file: shots/shots.h5}
execution: {workers: 2}
"""
IMAGES = {
    "model": (),
    "invert": ("gradient", "illumination"),
    "rtm": (ImagingSection().condition, "illumination"),
}
SOLID = ["physics.equation=elastic", "model.vs=1000", "model.rho=2000", "physics.free_surface=true"]
CUBE = ["geometry.sources.y=480", "geometry.receivers.y=480"]


@dataclass
class Peaks:
    """Largest memory of workers, of what each has for itself, and of all processes [bytes]."""

    workers: dict[int, float] = field(default_factory=dict)
    total: float = 0.0


def children(process: int) -> list[int]:
    try:
        text = Path(f"/proc/{process}/task/{process}/children").read_text()
    except OSError:
        return []
    return [int(number) for number in text.split()]


def rollup(process: int) -> dict[str, float]:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return {}
    return {name: 1024.0 * int(rest.split()[0]) for name, rest in (s.split(":") for s in lines)}


def is_worker(process: int) -> bool:
    """Whether a child of the server is no program that imports run, as `gcc --version`.

    A worker looks at its parent in a thread; a program has one thread, and so has a fork before it.
    """
    try:
        return len(list(Path(f"/proc/{process}/task").iterdir())) > 1
    except OSError:
        return False


def watch(arguments: list[str], folder: Path) -> Peaks:
    """Run a command, and look at its processes all the time."""
    peaks = Peaks()
    process = subprocess.Popen(
        [sys.executable, "-m", "fwicli", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    while process.poll() is None:
        total = 0.0
        servers = children(process.pid)
        workers = [w for s in servers for w in children(s) if is_worker(w)]
        for number in (process.pid, *servers, *workers):
            memory = rollup(number)
            total += memory.get("Pss", 0.0)
            if number in workers and memory:
                own = memory["Private_Dirty"] + memory["Private_Clean"]
                peaks.workers[number] = max(peaks.workers.get(number, 0.0), own)
        peaks.total = max(peaks.total, total)
        time.sleep(0.02)
    _, said = process.communicate()
    assert process.returncode == 0, said.decode()
    return peaks


def check(kind: str, folder: Path, settings: list[str]) -> None:
    """Workers, and all processes, within a tenth of what the plan says."""
    path = folder / f"{kind}.yaml"
    made = make_plan(load(path, settings=tuple(settings)))
    images = IMAGES[kind]
    for stage in made.stages:
        for task in stage.discretization().missing_kernels(images):
            task()  # what a compiler takes is not counted
    more = [word for s in settings for word in ("--set", s)]
    peaks = watch([kind, path.name, "-o", "out", *more], folder)
    assert peaks.total == pytest.approx(made.total.nbytes, rel=0.1)
    for own in peaks.workers.values():
        assert own == pytest.approx(find(kind).memory.worker + made.memory, rel=0.1)
    assert len(peaks.workers) == (made.workers if made.workers > 1 else 0)


def survey(folder: Path, shape: tuple[int, ...], settings: list[str] | None) -> None:
    """Model and configs; and records, with settings."""
    z = np.arange(shape[-1], dtype=np.float32)
    np.save(folder / "vp.npy", np.broadcast_to(1600 + 15 * z, shape).astype(np.float32))
    (folder / "model.yaml").write_text(MODEL)
    (folder / "invert.yaml").write_text(INVERT)
    (folder / "rtm.yaml").write_text(RTM)
    if settings is not None:
        model.run(load(folder / "model.yaml", settings=tuple(settings)), folder / "shots")


def test_of_modelling(tmp_path: Path) -> None:
    survey(tmp_path, (201, 81), None)
    check("model", tmp_path, ["time.duration=6.0"])


@pytest.mark.slow
def test_of_a_history(tmp_path: Path) -> None:
    survey(tmp_path, (201, 81), [])
    check("invert", tmp_path, ["physics.history=full"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "shape", "settings"),
    [
        ("model", (401, 121), ["physics.equation=variable_density", "model.rho=1000"]),
        ("model", (401, 121), ["execution.workers=1", "time.duration=6.0"]),
        ("invert", (401, 121), ["physics.history=subsampled"]),
        ("invert", (401, 121), ["physics.history=full"]),
        ("invert", (401, 121), ["physics.history=compressed"]),
        ("invert", (401, 121), ["physics.history=checkpoints"]),
        ("invert", (401, 121), ["physics.history=disk"]),
        ("invert", (401, 121), ["physics.history=full", "physics.aperture=1000"]),
        ("invert", (401, 121), ["execution.workers=1"]),
        (
            "invert",
            (401, 121),
            ["inversion.stages=[{band: [0, 5], iterations: 1}, {band: [0, 10], iterations: 1}]"],
        ),
        ("model", (401, 121), SOLID),
        ("invert", (401, 121), [*SOLID, "physics.history=full"]),
        ("rtm", (401, 121), []),
        ("rtm", (401, 121), ["execution.workers=1"]),
        ("model", (81, 49, 61), ["time.duration=1.0"]),
    ],
)
def test_of_runs(kind: str, shape: tuple[int, ...], settings: list[Any], tmp_path: Path) -> None:
    earth = "physics.equation", "physics.free_surface", "model.vs", "model.rho"
    shots = [s for s in settings if s.startswith(earth)]
    if len(shape) == 3:
        settings = [
            *settings,
            *CUBE,
            "geometry.sources.x.stop=1200",
            "geometry.receivers.x.stop=1600",
        ]
        shots = settings
    survey(tmp_path, shape, shots)
    check(kind, tmp_path, settings)
