"""Files of the kernel cache: whole or absent, and made by one process at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fwicli.propagators import cache

# Takes the lock of a file, and says whether another file was there by then.
TAKE = """
import sys
from pathlib import Path
from fwicli.propagators import cache
print("asking", flush=True)
with cache.alone(Path(sys.argv[1])):
    print(Path(sys.argv[2]).exists(), flush=True)
    sys.stdin.read()
"""


def take(path: Path, mark: Path) -> subprocess.Popen[str]:
    """A process that has asked for the lock of a file."""
    command = [sys.executable, "-c", TAKE, str(path), str(mark)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "asking\n"
    return process


def answer(process: subprocess.Popen[str]) -> str:
    """What such a process says, once it has the lock."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    said = process.stdout.read()
    process.wait(timeout=60)
    return said


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Into a folder that is made; nothing else stays there."""
    path = tmp_path / "deep" / "a.kernel"
    assert cache.read(path) is None
    cache.write(path, b"some bytes")
    assert cache.read(path) == b"some bytes"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("length", [0, 10, 32, 40])
def test_part_of_a_file_is_none(tmp_path: Path, length: int) -> None:
    """Whatever is cut off."""
    path = tmp_path / "a.kernel"
    cache.write(path, b"some bytes")
    path.write_bytes(path.read_bytes()[:length])
    assert cache.read(path) is None


def test_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """A file in place of the folder."""
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "a.kernel"
    with cache.alone(path):
        cache.write(path, b"some bytes")
    assert cache.read(path) is None


def test_second_waits_for_the_first(tmp_path: Path) -> None:
    """What the first writes before it lifts its lock, the second finds."""
    path, mark = tmp_path / "a.kernel", tmp_path / "mark"
    with cache.alone(path):
        second = take(path, mark)
        mark.touch()
    assert answer(second) == "True\n"


def test_other_files_are_not_waited_for(tmp_path: Path) -> None:
    """Kernels that differ are built side by side."""
    with cache.alone(tmp_path / "a.kernel"):
        other = take(tmp_path / "b.kernel", tmp_path / "mark")
        assert answer(other) == "False\n"


def test_lock_of_a_killed_process_is_lifted(tmp_path: Path) -> None:
    """A worker that was killed while it compiled stops nobody."""
    path, mark = tmp_path / "a.kernel", tmp_path / "mark"
    first = take(path, mark)
    assert first.stdout is not None
    assert first.stdout.readline() == "False\n"
    second = take(path, mark)
    mark.touch()
    first.kill()
    first.communicate()
    assert answer(second) == "True\n"
