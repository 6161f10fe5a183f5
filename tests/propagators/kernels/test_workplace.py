"""What a compilation leaves: nothing, or what the next one removes, and nothing of anybody else."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fwicli.errors import CompilerError
from fwicli.propagators.kernels import toolchain, workplace

CODE = "int answer(void) { return 42; }"
COMPILES = f"from fwicli.propagators.kernels import toolchain; toolchain.compiled({CODE!r})"
# A compiler whose caller is killed in the midst of it.
DEADLY = """\
#!/bin/sh
case "$*" in *kernel.c*) echo half > half.s; kill -9 $PPID;; esac
"""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


@pytest.fixture
def above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of the test's own."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def killed_in_the_compiler(above: Path) -> None:
    """Compile, and be killed."""
    compiler = above.parent / "deadly"
    compiler.write_text(DEADLY, encoding="utf-8")
    compiler.chmod(0o755)
    environment = {**os.environ, "TMPDIR": str(above), "CC": str(compiler)}
    done = subprocess.run([sys.executable, "-c", COMPILES], env=environment, check=False)
    assert done.returncode == -9


def test_killed_run_after_run_leaves_nothing(above: Path) -> None:
    """Each begins where the one before was killed; the one that is not leaves nothing."""
    for _ in range(2):
        killed_in_the_compiler(above)
        assert len(list(above.iterdir())) == 1
    toolchain.compiled(CODE)
    assert not list(above.iterdir())


def test_a_compiler_is_tried_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a process; another one, or one that is looked for elsewhere, is tried again."""
    tried, compiled = [], toolchain.compiled

    def counted(source: str, trial: bool = False) -> bytes:
        tried.append(trial)
        return compiled(source, trial)

    monkeypatch.setattr(toolchain, "compiled", counted)
    monkeypatch.setattr(toolchain, "WORKING", set())
    for _ in range(2):
        toolchain.check()
    assert tried == [True]
    monkeypatch.setenv("PATH", str(tmp_path))
    for _ in range(2):
        with pytest.raises(CompilerError, match="gcc"):
            toolchain.check()
    assert tried == [True] * 3


def test_library_holds_nothing_for_debuggers() -> None:
    """Its source is gone; what describes it would be a third of the library."""
    library = toolchain.compiled("int answer(void) { int inside = 42; return inside; }")
    assert b"answer" in library
    assert b"inside" not in library


def test_folder_in_use_stays(above: Path) -> None:
    """Of other threads and processes, with locks and, where there are none, without."""
    with workplace.within(above) as place:
        toolchain.compiled(CODE)
        environment = {**os.environ, "TMPDIR": str(above)}
        subprocess.run([sys.executable, "-c", COMPILES], env=environment, check=True)
        assert list(above.iterdir()) == [place]
    assert not list(above.iterdir())


def test_without_locks_of_folders(above: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network file system may have none; a folder is then removed by its own process alone."""

    def refused(*_: object) -> Iterator[None]:
        raise OSError("no locks")

    monkeypatch.setattr(workplace.fcntl, "flock", refused)
    with workplace.within(above) as place:
        workplace.sweep(above)
        assert place.is_dir()
    assert not list(above.iterdir())


def a_file(path: Path) -> None:
    path.write_text("mine")


def a_link(path: Path) -> None:
    target = path.parent.parent / "target"
    target.mkdir()
    (target / "file").touch()
    path.symlink_to(target)


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_folder_of_another_user(path: Path) -> None:
    path.mkdir()
    os.chown(path, 54321, 54321)


@pytest.mark.parametrize(
    "foreign", [a_file, a_link, a_pipe, pytest.param(a_folder_of_another_user, marks=needs_root)]
)
def test_what_is_not_ours_stays(foreign: object, above: Path) -> None:
    """Whatever bears such a name, and what links lead to."""
    path = above / f"{workplace.PREFIX}abcdefgh"
    foreign(path)  # type: ignore[operator]
    (above / "fwi-own").mkdir()
    before = {p: p.lstat().st_ino for p in above.parent.rglob("*")}
    toolchain.compiled(CODE)
    assert {p: p.lstat().st_ino for p in above.parent.rglob("*")} == before
