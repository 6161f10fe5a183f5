"""Sizes of the blocks in which kernels run over a plane or a cube."""

from __future__ import annotations

# Rows of a block of a plane: their temporaries stay in the cache, and few are computed twice. Of
# 601 points in single precision, 24 to 100 rows take the same time within 5 %.
ROWS = 48
# Planes along x and rows along y of a tile of a cube.
TILE = (4, 16)


def points(name: str, shape: tuple[int, ...]) -> int:
    """Points along an axis of a block of a plane, or of a tile of a cube.

    Parameters
    ----------
    name : str
        Of the argument of a kernel, such as "x0_blk0_size".
    shape : tuple of int
        Of the grid.

    Returns
    -------
    int
    """
    if len(shape) == 2:
        return min(ROWS, *shape)
    axis = "xy".index(name[0])
    return min(TILE[axis], shape[axis])
