"""Rings of rows: the memory of a field that one sweep over the plane writes, reads and leaves.

Updates read a row of such a field until the sweep is some rows ahead. A part of the plane keeps
that number of rows in a ring, which stays in the cache; row x lies in slot x modulo the number. The
first rows of a part have slots of their own, since the second phase of the sweep reads them again
(see `sweeps`). The last ones are still in the ring then: the second phase goes on there as the
first one ended. Rows outside of the plane share one slot of zeros.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators.kernels import block_sizes


@dataclass(frozen=True)
class Ring:
    """Rows of a field that a sweep needs at the same time.

    Attributes
    ----------
    table : str
        Name of the argument that holds the slot of each row.
    rows : int
        From the last row that is still read to the first one that is written.
    after : int
        First rows of a part that the second phase reads or writes.
    shift : int
        Largest shift of an update in the sweep.
    """

    table: str
    rows: int
    after: int
    shift: int

    def slots(self, shape: tuple[int, ...], halo: int, threads: int) -> NDArray[np.int32]:
        """The slot of each row.

        Parameters
        ----------
        shape : tuple of int
            Of the grid.
        halo : int
            Rows before and after those of the grid.
        threads : int
            That share the rows.

        Returns
        -------
        ndarray of int, of shape (shape[0] + 2 * halo,)
        """
        size = block_sizes.rows(shape, threads, self.shift)
        rows = np.arange(shape[0])
        part = (rows + 2 * self.shift) // size
        slots = 1 + part * self.rows + rows % self.rows
        first = rows < part * size - 2 * self.shift + self.after
        slots[first] = slots.max() + 1 + np.arange(np.count_nonzero(first))
        return np.pad(slots, halo).astype(np.int32)
