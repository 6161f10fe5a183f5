"""Sums that are stored block by block: the same bits whatever the blocks, stops and parts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.errors import DataError
from fwicli.execution import InProcess, Processes, tree
from fwicli.survey.grid import Grid
from fwicli.survey.stacks import Stack
from fwicli.survey.windows import Window
from fwicli.workflows.run_folder.finished_sums import FinishedSums, block_size, sibling
from tests.conftest import ROOT

COUNT = 21
GRID = Grid((9, 7), (10.0, 10.0), (0.0, 0.0))


class Shot:
    """A stack of random numbers of very different sizes, in a window of its own."""

    def __init__(self, number: int, pause: float = 0.0) -> None:
        self.number, self.pause = number, pause

    def __call__(self) -> Stack:
        time.sleep(self.pause)
        random = np.random.default_rng(self.number)
        window = Window(GRID, (int(random.integers(5)), 0), (5, 7))
        values = random.standard_normal((2, 5, 7)) * 10.0 ** random.integers(-6, 7)
        image, illumination = values.astype(np.float32)
        return Stack(window, {"image": image, "illumination": illumination})


def counted(ran: list[int], count: int = COUNT) -> list[Callable[[], Any]]:
    """Tasks that note their number."""

    def task(number: int) -> Stack:
        ran.append(number)
        return Shot(number)()

    return [lambda number=number: task(number) for number in range(count)]  # type: ignore[misc]


def expected(count: int = COUNT) -> dict[str, Any]:
    total: dict[str, Any] = tree.total(Shot(n)() for n in range(count)).everywhere()
    return total


def check_equal(total: dict[str, Any], count: int = COUNT) -> None:
    for name, values in expected(count).items():
        assert values.tobytes() == total[name].tobytes(), name


def add(
    folder: Path, size: int, part: range = range(COUNT), stop: int = 1000, count: int = COUNT
) -> list[int]:
    """Tasks that ran until so many were finished."""
    ran: list[int] = []

    def progress(done: int) -> None:
        if done >= stop:
            raise KeyboardInterrupt

    finished = FinishedSums(folder, count, GRID)
    with suppress(KeyboardInterrupt):
        finished.add(InProcess(), counted(ran, count), part, size, progress)
    return ran


@pytest.mark.parametrize("count", [1, 2, 3, 8, COUNT, 32])
@pytest.mark.parametrize("size", [1, 2, 8, 64])
def test_blocks_do_not_change_the_sum(tmp_path: Path, size: int, count: int) -> None:
    """Nor does their order in memory; one file is left in the end."""
    assert add(tmp_path, size, range(count), count=count) == list(range(count))
    check_equal(FinishedSums(tmp_path, count, GRID).total(), count)
    assert len(list(tmp_path.glob("*.npz"))) == 1


@pytest.mark.parametrize("stops", [(1,), (5, 9), (6, 7, 8), (20,), (3, 13, 19)])
@pytest.mark.parametrize("sizes", [(4, 4, 4, 4), (8, 2, 1, 4), (1, 16, 2, 8)])
def test_stops_lose_a_block_and_no_bit(
    tmp_path: Path, stops: Sequence[int], sizes: Sequence[int]
) -> None:
    """Also where the size of the blocks changes in between, as with other numbers of workers."""
    done: set[int] = set()
    for stop, size in zip((*stops, COUNT + 1), sizes, strict=False):
        ran = add(tmp_path, size, stop=stop)
        assert not done & set(ran)
        stored = FinishedSums(tmp_path, COUNT, GRID)
        missing = {n for gap in stored.missing(range(COUNT)) for n in gap}
        done = set(range(COUNT)) - missing
        assert len(set(ran) - done) <= size
        assert len(stored.nodes) <= 1 + COUNT.bit_length()
    check_equal(FinishedSums(tmp_path, COUNT, GRID).total())


@pytest.mark.parametrize(
    "parts",
    [
        [(0, 8), (8, 16), (16, 21)],
        [(0, 5), (5, 6), (6, 19), (19, 21)],
        [(0, 13), (13, 13), (13, 21)],
        [(0, 1), (1, 20), (20, 21)],
    ],
)
@pytest.mark.parametrize("size", [1, 4, 16])
def test_any_parts_merge_to_the_same_sum(
    tmp_path: Path, parts: Sequence[tuple[int, int]], size: int
) -> None:
    """In any order, with a stop in each of them; and a merge that was stopped goes on."""
    for number, (first, stop) in enumerate(parts):
        folder = tmp_path / str(number)
        ran = add(folder, size, range(first, stop), stop=2)
        ran += add(folder, size, range(first, stop))
        assert set(ran) == set(range(first, stop))
    whole = tmp_path / "whole"
    for number in reversed(range(len(parts))):
        for _ in range(2):
            FinishedSums(whole, COUNT, GRID).merge(
                FinishedSums(tmp_path / str(number), COUNT, GRID)
            )
    check_equal(FinishedSums(whole, COUNT, GRID).total())


def test_a_stop_between_two_files_is_no_harm(tmp_path: Path) -> None:
    """A killed run may leave sums beside the sum that includes them."""
    add(tmp_path, 1, stop=3)
    halves = {p.name: p.read_bytes() for p in tmp_path.glob("*.npz")}
    add(tmp_path, 1, stop=6)
    for name, content in halves.items():
        (tmp_path / name).write_bytes(content)
    add(tmp_path, 4)
    check_equal(FinishedSums(tmp_path, COUNT, GRID).total())


@pytest.mark.parametrize("size", [0, 40, -1])
def test_damaged_sums_are_named_and_can_be_removed(tmp_path: Path, size: int) -> None:
    """Their tasks, and no others, run again then."""
    add(tmp_path, 4, stop=18)
    damaged = tmp_path / "000000-000016.npz"
    os.truncate(damaged, size % damaged.stat().st_size)
    with pytest.raises(DataError, match=r"000000-000016\.npz .*remove it.*computed again"):
        add(tmp_path, 4)
    damaged.unlink()
    ran = add(tmp_path, 4)
    assert set(range(16)) <= set(ran)
    assert len(ran) <= COUNT
    check_equal(FinishedSums(tmp_path, COUNT, GRID).total())


def test_unfinished_sums_are_refused(tmp_path: Path) -> None:
    add(tmp_path, 4, stop=9)
    with pytest.raises(DataError, match="no sum of the tasks 8:21"):
        FinishedSums(tmp_path, COUNT, GRID).total()


def test_sums_of_other_versions_end_as_they_began(tmp_path: Path) -> None:
    """In the order of the tasks: the bits of the version that began the run."""
    stacks = [Shot(n)().everywhere() for n in range(COUNT)]
    arrays = [np.stack([s["image"], s["illumination"]]) for s in stacks]
    total = np.zeros(())
    for array in arrays[:5]:
        total = total + array
    finished = FinishedSums(tmp_path, COUNT, GRID)
    np.savez(finished.manifest.claim("sum.npz"), done=5, total=total)
    assert add(tmp_path, 4, stop=11) == list(range(5, 11))
    assert add(tmp_path, 4) == list(range(8, COUNT))
    for array in arrays[5:]:
        total = total + array
    image = FinishedSums(tmp_path, COUNT, GRID).total()["image"]
    assert image.tobytes() == total[0].tobytes()


@pytest.mark.parametrize("node", [(1, 3), (0, 3), (2, 2), (20, 22), (16, 20)])
def test_nodes_that_no_sum_has_are_refused(node: tuple[int, int]) -> None:
    if node == (16, 20):
        assert sibling(node, COUNT) == (20, 21)
        return
    with pytest.raises(DataError, match="no sum of 21 shots has the partial sum"):
        sibling(node, COUNT)


@pytest.mark.parametrize(
    ("tasks", "workers", "size"),
    [(1, 1, 1), (4, 2, 1), (16, 2, 4), (100, 2, 8), (10_000, 64, 256), (100, 3, 16), (9, 8, 2)],
)
def test_size_of_blocks(tasks: int, workers: int, size: int) -> None:
    """Few rounds of all workers, and at least four blocks."""
    assert block_size(tasks, workers) == size


RUN = """\
import sys
from pathlib import Path
from fwicli.execution import Processes
from tests.workflows.run_folder.test_finished_sums import COUNT, GRID, Shot
from fwicli.workflows.run_folder.finished_sums import FinishedSums

if __name__ == "__main__":
    finished = FinishedSums(Path(sys.argv[1]), COUNT, GRID)
    tasks = [Shot(n, 0.05) for n in range(COUNT)]
    finished.add(Processes(2), tasks, range(COUNT), 4, lambda done: print(done, flush=True))
"""


def test_killed_process_loses_a_block(tmp_path: Path) -> None:
    """With SIGKILL and workers: the rest of the block, and the tasks that were under way."""
    (tmp_path / "run.py").write_text(RUN)
    command = [sys.executable, str(tmp_path / "run.py"), str(tmp_path / "partial")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 10:
                process.kill()
                break
    assert process.returncode == -signal.SIGKILL
    finished = FinishedSums(tmp_path / "partial", COUNT, GRID)
    again = sum(len(gap) for gap in finished.missing(range(COUNT)))
    assert again <= COUNT - 10 + 4
    executor = Processes(3)
    try:
        finished.add(executor, [Shot(n) for n in range(COUNT)], range(COUNT), 2, lambda _: None)
    finally:
        executor.close()
    check_equal(finished.total())
