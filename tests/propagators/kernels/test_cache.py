"""Kernels are loaded whole, from files that nobody else could have written, or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fwicli.disk import cache
from fwicli.propagators.kernels import compilation, library, toolchain
from fwicli.propagators.kernels.signature import Signature

OTHER = 54321
CODE = "int answer(void) { return 42; }"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder, with a home and a temporary folder of the test's own."""
    folder = tmp_path / "shared"
    folder.mkdir()
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("FWI_CACHE", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    cache.warn.cache_clear()
    return folder


def whole(data: bytes) -> bytes:
    return cache.DIGEST(data).digest() + data


def plant(path: Path, data: bytes = b"planted") -> None:
    """Have another user write a file that is as good as any."""
    path.write_bytes(whole(data))
    os.chown(path, OTHER, OTHER)


def theirs(path: Path) -> None:
    os.chown(path, OTHER, OTHER, follow_symlinks=False)


def file_of_theirs(folder: Path) -> None:
    plant(folder / "x.kernel")


def file_that_all_can_write(folder: Path) -> None:
    (folder / "x.kernel").write_bytes(whole(b"planted"))
    (folder / "x.kernel").chmod(0o666)


def file_in_a_folder_that_all_can_write(folder: Path) -> None:
    (folder / "x.kernel").write_bytes(whole(b"planted"))
    folder.chmod(0o777)


def file_in_a_folder_of_a_group(folder: Path) -> None:
    (folder / "x.kernel").write_bytes(whole(b"planted"))
    folder.chmod(0o2775)


def file_in_a_sticky_folder(folder: Path) -> None:
    plant(folder / "x.kernel")
    folder.chmod(0o1777)


def folder_of_theirs(folder: Path) -> None:
    (folder / "x.kernel").write_bytes(whole(b"planted"))
    theirs(folder)


def folder_above_that_all_can_write(folder: Path) -> None:
    (folder / "x.kernel").write_bytes(whole(b"planted"))
    folder.parent.chmod(0o777)


def link_to_a_file_of_ours(folder: Path) -> None:
    (folder.parent / "own").write_bytes(whole(b"planted"))
    (folder / "x.kernel").symlink_to(folder.parent / "own")
    theirs(folder / "x.kernel")


def link_in_place_of_the_folder(folder: Path) -> None:
    real = folder.rename(folder.with_name("real"))
    (real / "x.kernel").write_bytes(whole(b"planted"))
    folder.symlink_to(real)
    theirs(folder)


def folder_with_our_name(folder: Path) -> None:
    folder.chmod(0o1777)
    own = folder / cache.own_name()
    own.mkdir()
    plant(own / "x.kernel")
    theirs(own)


def link_with_our_name(folder: Path) -> None:
    folder.chmod(0o1777)
    real = folder.parent / "real"
    real.mkdir()
    (real / "x.kernel").write_bytes(whole(b"planted"))
    (folder / cache.own_name()).symlink_to(real)
    theirs(folder / cache.own_name())


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "x.kernel")
    theirs(folder / "x.kernel")


def pipe_as_locks(folder: Path) -> None:
    folder.chmod(0o1777)
    os.mkfifo(folder / cache.LOCKS)
    theirs(folder / cache.LOCKS)
    plant(folder / "x.kernel")


PLANTS = [
    file_of_theirs,
    file_that_all_can_write,
    file_in_a_folder_that_all_can_write,
    file_in_a_folder_of_a_group,
    file_in_a_sticky_folder,
    folder_of_theirs,
    folder_above_that_all_can_write,
    link_to_a_file_of_ours,
    link_in_place_of_the_folder,
    folder_with_our_name,
    link_with_our_name,
    pipe,
    pipe_as_locks,
]


@needs_root
@pytest.mark.parametrize("planted", PLANTS, ids=lambda p: p.__name__)
def test_what_others_plant_is_refused_by_name(
    planted: Callable[[Path], None], shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of theirs is believed, the refusal names it, and a file of our own is found."""
    planted(shared)
    messages: list[str] = []
    monkeypatch.setattr(cache, "warn", messages.append)
    assert cache.read("x.kernel") is None
    with cache.alone("x.kernel"):
        cache.write("x.kernel", b"own")
    assert any(str(shared) in text for text in messages), messages
    assert cache.read("x.kernel") == b"own"
    folder = cache.folder()
    assert folder is not None
    assert not folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _as_other(act: Callable[[], None], shared: Path) -> int:
    """Exit code of a child that acts as another user, with a home of its own."""
    for folder in (shared.parent, *shared.parents):
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o11)
    home = shared.parent / "of-the-other"
    home.mkdir()
    theirs(home)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(OTHER)
            os.setuid(OTHER)
            os.environ.update({"XDG_CACHE_HOME": str(home), "HOME": str(home)})
            act()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@needs_root
def test_what_root_has_prepared_is_used_by_others(shared: Path) -> None:
    """A cache that an administrator has filled serves all; what they add is their own."""
    cache.write("x.kernel", b"of root")
    (shared / "x.kernel").chmod(0o644)
    shared.chmod(0o755)

    def act() -> None:
        assert cache.read("x.kernel") == b"of root"
        with cache.alone("y.kernel"):
            cache.write("y.kernel", b"own")
        assert cache.read("y.kernel") == b"own"

    assert _as_other(act, shared) == 0


@needs_root
@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o755, 0o700])
def test_two_users_share_a_cache(mode: int, shared: Path) -> None:
    """Each has what it wrote, and neither what the other did; in a closed folder as well."""
    shared.chmod(mode)

    def act() -> None:
        assert cache.read("x.kernel") is None
        with cache.alone("x.kernel"):
            cache.write("x.kernel", b"of the other")
        assert cache.read("x.kernel") == b"of the other"

    cache.write("x.kernel", b"of root")
    assert _as_other(act, shared) == 0
    assert cache.read("x.kernel") == b"of root"


def test_lock_that_is_not_given_back_ends_no_run(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was stopped while it compiled costs others time."""
    program = (
        "import time\n"
        "from fwicli.disk import cache\n"
        "with cache.alone('x.kernel'): print(1, flush=True); time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline()
        monkeypatch.setattr(cache, "PATIENCE", 0.1)
        with cache.alone("x.kernel"):
            pass
    finally:
        holder.kill()
        holder.communicate()


@pytest.mark.parametrize("name", ["with blanks", "deep/er/still", "überall", "~/home"])
def test_any_name_of_a_cache_folder(
    name: str, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blanks, folders that are not there, other letters, and a home that no shell has put in."""
    monkeypatch.setenv("HOME", str(shared.parent))
    monkeypatch.setenv("FWI_CACHE", name if name.startswith("~") else str(shared / name))
    cache.write("x.kernel", b"own")
    assert cache.read("x.kernel") == b"own"
    assert (shared.parent / name[2:] if name.startswith("~") else shared / name).is_dir()


@pytest.mark.parametrize("missing", ["memfd", "memory that may be run"])
def test_library_without_files_in_memory(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a system has no files in memory, or does not run them, a file of our own will do."""
    code = toolchain.compiled(CODE)
    if missing == "memfd":
        monkeypatch.delattr(os, "memfd_create")
    else:
        monkeypatch.setattr(library, "_from_memory", lambda _: (_ for _ in ()).throw(OSError()))
    assert library.load(code).answer() == 42


def test_libraries_do_not_take_each_other_for_the_same() -> None:
    """The loader knows a library by its name; descriptors are used again."""
    codes = [toolchain.compiled(CODE.replace("42", str(n))) for n in range(3)]
    libraries = [library.load(code) for code in codes]
    assert [lib.answer() for lib in libraries] == [0, 1, 2]


def test_processes_that_load_a_kernel_at_once_all_do(tmp_path: Path) -> None:
    """Eight children, a warm cache, a temporary folder without anything; and nothing left there."""
    signature = Signature("forward", "acoustic", (10.0, 10.0), 8, 12, "float32")
    compilation.prepare(signature)
    path = compilation._path(signature)
    for number in range(3):
        tempfile.tempdir, before = str(tmp_path / str(number)), tempfile.tempdir
        try:
            Path(tempfile.tempdir).mkdir()
            assert _at_once(path, 8) == [0] * 8
            assert not list(Path(tempfile.tempdir).iterdir())
        finally:
            tempfile.tempdir = before


def _at_once(path: Path, count: int) -> list[int]:
    gate, go = os.pipe()
    children = []
    for _ in range(count):
        child = os.fork()
        if child == 0:
            os.close(go)
            os.read(gate, 1)
            os._exit(0 if compilation._read(path) is not None else 1)
        children.append(child)
    os.close(go)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    os.close(gate)
    return codes
