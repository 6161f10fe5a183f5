"""Tiles of a cube are as large as the cache likes, and shared evenly among threads."""

from __future__ import annotations

import pytest

from fwicli.propagators.kernels.block_sizes import TILE, points


@pytest.mark.parametrize("planes", [1, 2, 7, 16, 17, 97, 184, 280, 425])
@pytest.mark.parametrize("threads", [1, 2, 3, 8, 16, 33, 64, 500])
def test_no_thread_has_much_more_than_its_share(planes: int, threads: int) -> None:
    """More than 5 % only where whole planes cannot be shared better."""
    size = points("x0_blk0_size", (planes, 50, 60), threads)

    def busiest(size: int) -> int:
        loads = [0] * threads
        per_thread = -(-len(range(0, planes, size)) // threads)
        for number, first in enumerate(range(0, planes, size)):
            loads[number // per_thread] += min(size, planes - first)
        return max(loads)

    assert 1 <= size <= min(TILE[0], planes)
    limit = max(-(-planes // threads), 1.05 * planes / threads)
    assert busiest(size) <= limit


@pytest.mark.parametrize(("threads", "size"), [(1, 16), (2, 16), (8, 12), (32, 6), (64, 3)])
def test_tiles_of_a_cube_of_160(threads: int, size: int) -> None:
    """With its layer it has 184 planes."""
    assert points("x0_blk0_size", (184, 184, 184), threads) == size
    assert points("y0_blk0_size", (184, 184, 184), threads) == 16
    assert points("y0_blk0_size", (184, 9, 184), threads) == 9
