"""Passes over large arrays reach every value, on any number of threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fwicli.threads import passes

Array = np.ndarray[Any, Any]
# Whole arrays, and views of some of their rows, as strips of a layer are.
VIEWS: dict[str, Callable[[Array], Array]] = {
    "whole": lambda a: a,
    "first axis": lambda a: a[:, 3:7],
    "second axis": lambda a: a[:, :, -5:],
    "last axis": lambda a: a[..., 4:9],
}
SHAPES = [(1, 9, 11, 13), (2, 40, 50, 61), (2, 9, 300), (2, 20, 5000)]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrays of tests are large."""
    monkeypatch.setattr(passes, "BLOCK", 9000)
    monkeypatch.setattr(passes, "SHARED", 20000)


def places(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The first value, the last one, and some others."""
    rng = np.random.default_rng(2)
    others = [tuple(map(int, rng.integers(0, shape))) for _ in range(6)]
    return [(0,) * len(shape), tuple(n - 1 for n in shape), *others]


@pytest.mark.parametrize("threads", [1, 2, 3, 20])
@pytest.mark.parametrize("part", VIEWS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_value_is_cleared_and_no_other(
    shape: tuple[int, ...], part: str, threads: int
) -> None:
    """Also in views, whose rows are apart in memory."""
    values = np.ones(shape, np.float32)
    passes.clear(VIEWS[part](values), threads)
    assert not VIEWS[part](values).any()
    assert values.sum() == values.size - VIEWS[part](values).size


@pytest.mark.parametrize("threads", [1, 2, 3, 20])
@pytest.mark.parametrize("part", VIEWS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_fault_is_seen(shape: tuple[int, ...], part: str, threads: int) -> None:
    """Of either sign, also two that cancel; the largest values are none."""
    values = np.full(shape, 3e38, np.float32)
    view = VIEWS[part](values)
    assert passes.are_finite(view, threads)
    for place in places(view.shape):
        for fault in (np.nan, -np.nan, np.inf, -np.inf):
            view[place] = fault
            assert not passes.are_finite(view, threads)
            view[place] = -3e38
    view.flat[3], view.flat[4] = np.inf, -np.inf
    assert not passes.are_finite(view, threads)
    assert passes.are_finite(view[:0], threads)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(3, 5), (300, 301), (7, 60, 400)])
def test_arrays_are_compared_bit_by_bit(
    shape: tuple[int, ...], precision: str, threads: int
) -> None:
    """However they lie in memory; signs of zeros, kinds and shapes count."""
    own = np.zeros((*shape[:-1], shape[-1] + 9), precision)[..., 4:-5]
    values = np.asfortranarray(np.zeros(shape, precision))
    assert passes.are_same(own, values, threads)
    for place in places(shape):
        values[place] = -0.0
        assert not passes.are_same(own, values, threads)
        values[place] = 0.0
    other = "float64" if precision == "float32" else "float32"
    assert not passes.are_same(own, values.astype(other), threads)
    assert not passes.are_same(own, values[:-1], threads)


def test_threads_share_large_arrays_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a part; they are gone after the pass. Small arrays start none."""
    workers: list[int] = []
    together = threading.Barrier(3, timeout=20)

    def watched(values: Array) -> bool:
        if threading.get_ident() not in workers:
            workers.append(threading.get_ident())
            if len(values) > 1:
                together.wait()
        return True

    before, own = threading.active_count(), threading.get_ident()
    monkeypatch.setattr(passes, "_finite", watched)
    assert passes.are_finite(np.zeros((9, 1000), np.float32), 3)
    assert len(workers) == 3
    assert own not in workers
    assert threading.active_count() == before
    workers.clear()
    assert passes.are_finite(np.zeros((3, 1500), np.float32), 3)
    assert workers == [own]
