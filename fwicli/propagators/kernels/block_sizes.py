"""Sizes of the parts in which kernels run over a plane, and of the tiles of a cube."""

from __future__ import annotations

# Most planes along x, and rows along y, of a tile of a cube. A tile reads planes beside its own
# once more: with 16 planes instead of 4, a gradient of 160**3 points takes 0.95 of the time.
TILE = (16, 16)
# Planes of the busiest thread beyond an equal share, relative to it.
UNEVEN = 0.05


def points(name: str, shape: tuple[int, ...], threads: int) -> int:
    """Points along an axis of a tile of a cube.

    Parameters
    ----------
    name : str
        Of the argument of a kernel, such as "x0_blk0_size".
    shape : tuple of int
        Of the grid.
    threads : int
        That share the tiles of a cube.

    Returns
    -------
    int
    """
    if name.startswith("x"):
        return _planes(shape[0], threads)
    return min(TILE[1], shape[1])


def rows(shape: tuple[int, ...], threads: int, shift: int) -> int:
    """Rows of the part of a thread in a sweep over a plane.

    Parameters
    ----------
    shape : tuple of int
        Of the grid.
    threads : int
    shift : int
        Largest shift of an update in the sweep (see `sweeps`).

    Returns
    -------
    int
    """
    # Parts begin and end twice the shift outside of the plane, and borders are as wide.
    return max(-(-(shape[0] + 4 * shift) // threads), 2 * shift, 1)


def _planes(planes: int, threads: int) -> int:
    """Planes of a tile: the most with which all threads have nearly as many."""
    sizes = range(min(TILE[0], planes), 0, -1)
    largest = {size: _of_the_busiest(planes, size, threads) for size in sizes}
    most = max(min(largest.values()), (1 + UNEVEN) * planes / threads)
    return next(size for size in sizes if largest[size] <= most)


def _of_the_busiest(planes: int, size: int, threads: int) -> int:
    """Planes of the thread that has most of them, in tiles of a size."""
    tiles = -(-planes // size)
    return min(planes, -(-tiles // threads) * size)
