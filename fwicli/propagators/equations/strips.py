"""Parts of the grid along its sides, on which the absorbing layer adds its terms."""

from __future__ import annotations

from typing import Any

from devito import Grid as DevitoGrid
from devito import SubDomain


class Strip(SubDomain):  # type: ignore[misc]
    """The first or last `thickness` points along one axis."""

    def __init__(self, axis: int, side: str, thickness: int, grid: DevitoGrid) -> None:
        self.name = f"{side}{axis}"
        self.axis, self.side, self.thickness = axis, side, thickness
        super().__init__(grid=grid)

    def define(self, dimensions: tuple[Any, ...]) -> dict[Any, Any]:
        """Devito's description of the strip."""
        place = self.side, self.thickness
        return {d: place if i == self.axis else d for i, d in enumerate(dimensions)}
