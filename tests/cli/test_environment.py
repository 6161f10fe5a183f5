"""Variables, compilers and folders as people have them: a run goes on, or says what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest

CONFIG = """\
model: {vp: 2000, shape: [41, 41], spacing: 10}
geometry: {sources: {x: [100, 300], z: 20}, receivers: {x: [200], z: 20}}
wavelet: {kind: ricker, frequency: 8}
time: {interval: 0.004, duration: 0.3}
execution: {workers: 2}
"""
INLINE = "module://matplotlib_inline.backend_inline"
BROKEN = b"backend: \xff\xfe nonsense\n"
FAILING = """\
#!/bin/sh
case $1 in
    --version) echo broken 1.0;;
    *) echo 'cc1: error: no luck' >&2; exit 1;;
esac
"""

# Names in braces are folders and files of the test.
SURROUNDINGS: dict[str, Mapping[str, str | None]] = {
    "jupyter": {"MPLBACKEND": INLINE},
    "no backend": {"MPLBACKEND": "nonsense"},
    "broken matplotlibrc": {"MATPLOTLIBRC": "{broken}"},
    "settings of Matplotlib nowhere": {"MPLCONFIGDIR": "/proc/none"},
    "Devito for GPUs": {
        "DEVITO_PLATFORM": "nvidiaX",
        "DEVITO_ARCH": "nvc",
        "DEVITO_LANGUAGE": "openacc",
    },
    "Devito with MPI": {"DEVITO_MPI": "1", "DEVITO_LOGGING": "DEBUG"},
    "Devito edited": {"DEVITO_JIT_BACKDOOR": "1", "DEVITO_OPT": "noop", "DEVITO_CONFIG": "x"},
    "threads without number": {"OMP_NUM_THREADS": "abc"},
    "threads of levels": {"OMP_NUM_THREADS": "4,2", "OMP_DYNAMIC": "true"},
    "bound threads": {"OMP_PROC_BIND": "true", "OMP_PLACES": "cores", "OMP_THREAD_LIMIT": "1"},
    "no compiler": {"PATH": "/nowhere"},
    "no path": {"PATH": None},
    "another compiler": {"CC": "clang-that-is-not-there"},
    "flags of conda": {"CFLAGS": "-march=nocona -O2", "LDFLAGS": " -Wl,-O2  -L/usr/lib"},
    "no temporary folder": {"TMPDIR": "/nowhere"},
    "temporary file": {"TMPDIR": "{broken}"},
    "temporary folder with blanks": {"TMPDIR": "{with blanks}"},
    "long temporary folder": {"TMPDIR": "{long}"},
    "no home": {"HOME": None, "XDG_CACHE_HOME": "/proc/none"},
    "cache in a file": {"FWI_CACHE": "{broken}"},
    "cache nowhere": {"FWI_CACHE": "/proc/none", "XDG_CACHE_HOME": "/proc/none"},
    "locks of HDF5": {"HDF5_USE_FILE_LOCKING": "TRUE"},
    "no locks of HDF5": {"HDF5_USE_FILE_LOCKING": "FALSE"},
    "nonsense for HDF5": {"HDF5_USE_FILE_LOCKING": "nonsense", "HDF5_PLUGIN_PATH": "/nowhere"},
    "warnings as errors": {"PYTHONWARNINGS": "error"},
    "no language": {"LC_ALL": "C", "LANG": "xx_YY"},
    "no terminal": {"TERM": "dumb", "COLUMNS": "abc"},
    "optimised Python": {"PYTHONOPTIMIZE": "2"},
}
# Where kernels are not in the cache that the run has, it compiles them, which takes long.
COLD = {"cache in a file", "cache nowhere"}
# Many at once, none of which is in the way of another: one run that is no slow test.
TOGETHER = (
    "jupyter",
    "broken matplotlibrc",
    "Devito for GPUs",
    "Devito edited",
    "threads of levels",
    "no compiler",
    "flags of conda",
    "temporary file",
    "nonsense for HDF5",
    "no language",
)
SURROUNDINGS["together"] = {k: v for name in TOGETHER for k, v in SURROUNDINGS[name].items()}
EACH = [n if n == "together" else pytest.param(n, marks=pytest.mark.slow) for n in SURROUNDINGS]


def surrounded(folder: Path, changes: Mapping[str, str | None]) -> dict[str, str]:
    (folder / "broken").write_bytes(BROKEN)
    (folder / "with blanks").mkdir(exist_ok=True)
    long = folder / ("x" * 100) / ("y" * 100)
    long.mkdir(parents=True, exist_ok=True)
    places = {n: str(folder / n) for n in ("broken", "with blanks")} | {"long": str(long)}
    environment = dict(os.environ)
    for name, value in changes.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = places.get(value.strip("{}"), value)
    return environment


def fwi(
    folder: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    (folder / "m.yaml").write_text(CONFIG)
    command = [sys.executable, "-m", "fwicli", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=env, timeout=600, check=False
    )


def records(folder: Path) -> np.ndarray:
    with h5py.File(folder / "run" / "shots.h5") as file:
        return file["data"][()]


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """Records as they are in the environment of the tests."""
    folder = tmp_path_factory.mktemp("usual")
    done = fwi(folder, "model", "m.yaml", "-o", "run")
    assert done.returncode == 0, done.stderr
    return records(folder)


@pytest.mark.parametrize("name", EACH)
def test_a_run_goes_on(name: str, usual: np.ndarray, tmp_path: Path) -> None:
    """The records are the same bits, and nothing is left in the temporary folder."""
    environment = surrounded(tmp_path, SURROUNDINGS[name])
    done = fwi(tmp_path, "model", "m.yaml", "-o", "run", env=environment)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert (records(tmp_path) == usual).all()
    assert not list((tmp_path / "with blanks").iterdir())


@pytest.mark.parametrize("name", EACH)
def test_a_check_goes_on(name: str, usual: np.ndarray, tmp_path: Path) -> None:
    """It exits with 0, and warns of nothing that the run does without."""
    environment = surrounded(tmp_path, SURROUNDINGS[name])
    done = fwi(tmp_path, "check", "m.yaml", "--json", env=environment)
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert {"cores", "compiler", "kernel_cache"} <= plan["environment"].keys()
    assert not [w for w in plan["warnings"] if "compile" in w and name not in COLD]


@pytest.mark.slow
def test_settings_of_matplotlib_beside_the_config(usual: np.ndarray, tmp_path: Path) -> None:
    """A matplotlibrc that cannot be read, where the command is run."""
    (tmp_path / "matplotlibrc").write_bytes(BROKEN)
    done = fwi(tmp_path, "model", "m.yaml", "-o", "run")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "model.png").exists()


# A compiler, the variables that it comes from, and what is said of it.
COMPILERS: dict[str, tuple[Mapping[str, str], str]] = {
    "none": ({"PATH": "/nowhere"}, "`gcc` (CC is not set) is not there"),
    "another": ({"CC": "clang-99"}, "`clang-99` (from CC) is not there"),
    "with arguments": ({"CC": "ccache-99 gcc"}, "`ccache-99 gcc` (from CC) is not there"),
    "failing": ({"CC": "{failing}"}, "failing` (from CC) cannot compile in"),
    "its own words": ({"CC": "{failing}"}, "cc1: error: no luck"),
    "no program": ({"CC": "{nothing}"}, "(from CC) cannot be run: Permission denied"),
    "open quotation": ({"CC": "gcc 'x"}, "cannot take CC="),
    "flags that fail": ({"LDFLAGS": "-Wl,--nonsense"}, "`gcc` (from LDFLAGS) cannot compile in"),
}


@pytest.mark.parametrize(
    ("name", "workers"),
    [
        ("failing", 2),
        *(
            pytest.param(name, workers, marks=pytest.mark.slow)
            for name in COMPILERS
            for workers in (1, 2)
            if (name, workers) != ("failing", 2)
        ),
    ],
)
def test_compiler_is_named(name: str, workers: int, tmp_path: Path) -> None:
    """One line with the compiler, its variable and its own words; exit code 4, no other advice."""
    changes, said = COMPILERS[name]
    (tmp_path / "nothing").touch()
    (tmp_path / "failing").write_text(FAILING)
    (tmp_path / "failing").chmod(0o755)
    changes = {n: v.replace("{", f"{tmp_path}/").replace("}", "") for n, v in changes.items()}
    environment = {**os.environ, "FWI_CACHE": str(tmp_path / "cold"), **changes}
    number = f"execution.workers={workers}"
    done = fwi(tmp_path, "model", "m.yaml", "-o", "run", "--set", number, env=environment)
    assert done.returncode == 4
    *_, last = done.stderr.splitlines()
    assert last.startswith("fwi: ")
    assert said in last
    for advice in ("memory", "--resume", "lower", "kept", "Traceback"):
        assert advice not in done.stderr
    done = fwi(tmp_path, "check", "m.yaml", "--json", env=environment)
    assert any(said in warning for warning in json.loads(done.stdout)["warnings"]), done.stderr


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system of its own; the test is skipped where there can be none."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


@pytest.mark.slow
@pytest.mark.parametrize("options", ["size=16k", "size=64m,noexec", "size=64m,ro"])
@pytest.mark.parametrize("variable", ["TMPDIR", "FWI_CACHE"])
def test_folders_that_are_full_or_closed(
    variable: str, options: str, usual: np.ndarray, tmp_path: Path
) -> None:
    """A disk that is full, that runs no programs, or that cannot be written; then one with room."""
    folder = tmp_path / "small"
    with mounted(folder, options):
        changes = {"FWI_CACHE": str(tmp_path / "cold"), variable: str(folder)}
        environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "home"), **changes}
        for run in ("run", "again"):
            done = fwi(tmp_path, "model", "m.yaml", "-o", run, env=environment)
            assert done.returncode == 0, done.stderr
        assert (records(tmp_path) == usual).all()
