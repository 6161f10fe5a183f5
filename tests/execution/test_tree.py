"""Sums have the same bits for any number of workers, engine and size of blocks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pytest

from fwicli.execution import Executor, InProcess, Processes, total, totals, tree
from fwicli.survey.grid import Grid
from fwicli.survey.stacks import Stack
from fwicli.survey.windows import Window

GRID = Grid((12, 7), (10.0, 10.0), (0.0, 0.0))


@dataclass(frozen=True)
class Term:
    """What is added, in writing."""

    text: str

    def plus(self, other: Term) -> Term:
        return Term(f"({self.text}+{other.text})")


@dataclass(frozen=True)
class RandomShot:
    """Random values over twelve orders of magnitude, in a random window."""

    number: int

    def __call__(self) -> Stack:
        rng = np.random.default_rng(self.number)
        start = tuple(int(rng.integers(0, n - 3)) for n in GRID.shape)
        shape = tuple(
            int(rng.integers(2, n - s + 1)) for n, s in zip(GRID.shape, start, strict=True)
        )
        values = rng.standard_normal(shape) * 10.0 ** rng.integers(-6, 6)
        return Stack(Window(GRID, start, shape), {"vp": values.astype(np.float32)})


@pytest.fixture(scope="module")
def executors() -> Iterator[list[Executor]]:
    """In process, and with one, two and three workers."""
    several: list[Executor] = [InProcess(), *(Processes(n) for n in (1, 2, 3))]
    yield several
    for executor in several:
        executor.close()


def by_definition(texts: list[str]) -> str:
    """The sum as the module states it."""
    if len(texts) == 1:
        return texts[0]
    half = 1
    while 2 * half < len(texts):
        half *= 2
    return f"({by_definition(texts[:half])}+{by_definition(texts[half:])})"


@pytest.mark.parametrize("size", [1, 2, 4, 8, 64])
def test_blocks_are_parts_of_the_tree(size: int) -> None:
    for count in range(1, 41):
        texts = [str(n) for n in range(count)]
        sums = tree.blocks(map(Term, texts), size)
        assert tree.total(sums).text == by_definition(texts)


def test_blocks_come_as_soon_as_they_are_complete() -> None:
    taken = []

    def terms() -> Iterator[Term]:
        for n in range(10):
            taken.append(n)
            yield Term(str(n))

    sums = tree.blocks(terms(), 4)
    assert next(sums).text == "((0+1)+(2+3))"
    assert taken == [0, 1, 2, 3]
    assert [s.text for s in sums] == ["((4+5)+(6+7))", "(8+9)"]


@pytest.mark.parametrize("size", [0, 3, 12])
def test_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"not {size}"):
        tree.blocks([], size)


def test_nothing_has_no_sum() -> None:
    with pytest.raises(ValueError, match="at least one"):
        tree.total([])


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_sums_have_the_same_bits_everywhere(size: int, executors: list[Executor]) -> None:
    """Of shots whose windows differ, for 1 to 40 of them."""
    shots = [RandomShot(n) for n in range(40)]
    for count in (*range(1, 18), 23, 32, 33, 40):
        expected = total(InProcess(), shots[:count]).everywhere()["vp"]
        for executor in executors if count % 4 == 1 else executors[:1]:
            stack = tree.total(executor.sums(shots[:count], size))
            np.testing.assert_array_equal(stack.everywhere()["vp"], expected)


def test_order_matters_to_the_last_bit() -> None:
    """The comparison above sees another tree."""
    shots = [RandomShot(n)() for n in range(13)]
    expected = tree.total(iter(shots)).everywhere()["vp"]
    one_by_one = reduce(lambda a, b: a.plus(b), shots).everywhere()["vp"]
    np.testing.assert_allclose(one_by_one, expected, rtol=1e-6)
    assert (one_by_one != expected).any()


def test_groups_have_the_sums_of_their_own(executors: list[Executor]) -> None:
    shots = [RandomShot(n) for n in range(15)]
    for executor in executors[:3]:
        for number, stack in enumerate(totals(executor, shots, 3)):
            alone = total(InProcess(), shots[5 * number : 5 * number + 5])
            np.testing.assert_array_equal(stack.everywhere()["vp"], alone.everywhere()["vp"])


def test_stacks_leave_shots_alone() -> None:
    """Sums do not write into the values of a shot, also in double precision."""
    window = Window(GRID, (0, 0), GRID.shape)
    shots = [Stack(window, {"vp": np.full(GRID.shape, float(n))}) for n in range(5)]
    assert (tree.total(shots).everywhere()["vp"] == 10).all()
    shots[0].everywhere()["vp"][:] = 7.0
    assert [s.values["vp"].max() for s in shots] == list(range(5))


def test_stacks_cover_no_more_than_their_shots() -> None:
    near, far = Window(GRID, (1, 2), (3, 2)), Window(GRID, (3, 1), (4, 2))
    stack = Stack(near, {"vp": np.ones((3, 2))}).plus(Stack(far, {"vp": np.ones((4, 2))}))
    assert (stack.window.start, stack.window.shape) == ((1, 1), (6, 3))
    expected = np.zeros(GRID.shape)
    near.add(np.ones(near.shape), expected)
    far.add(np.ones(far.shape), expected)
    np.testing.assert_array_equal(stack.everywhere()["vp"], expected)


def test_few_results_wait_at_the_client() -> None:
    """Workers do not run ahead of a consumer that is slow."""
    executor = Processes(2)
    done: list[int] = []
    try:
        results = executor.map([RandomShot(n) for n in range(60)], done.append)
        for taken in range(1, 61):
            next(results)
            assert taken <= len(done) <= taken + 6
    finally:
        executor.close()


def test_slow_tasks_do_not_reorder_results() -> None:
    numbers = list(range(30))
    random.Random(1).shuffle(numbers)
    executor = Processes(3)
    try:
        stacks = list(executor.map([RandomShot(n) for n in numbers]))
    finally:
        executor.close()
    for number, stack in zip(numbers, stacks, strict=True):
        np.testing.assert_array_equal(stack.values["vp"], RandomShot(number)().values["vp"])
