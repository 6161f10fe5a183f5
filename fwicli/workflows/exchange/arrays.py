"""Report on arrays on a grid: models, images, masks, and columns of a history."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.files.blocks import BlockedArray
from fwicli.survey.properties import OF_SOLIDS, POSITIVE, UNITS

Array = NDArray[Any]

# Values of a velocity in km/s, which as m/s are those of no rock.
KILOMETRES = (0.2, 15.0)
# Beyond this, numbers were read with another type or byte order.
LARGEST = 1e20
# Arrays that are drawn rather than others in their file.
FIRST = ("image", "result/")
# Points of a picture along an axis.
POINTS = 1500


class ArrayStatistics:
    """Statistics of a stored array, in one pass.

    Parameters
    ----------
    array : BlockedArray
    name : str
        Of the quantity, as `vp`; empty if the file does not say it.

    Raises
    ------
    DataError
        If it cannot be read.
    """

    def __init__(self, array: BlockedArray, name: str = "") -> None:
        self.array, self.name = array, name
        self.low, self.high, self.total, self.finite = np.inf, -np.inf, 0.0, 0
        parts = []
        for first, block in array:
            good = block[np.isfinite(block)]
            self.finite += good.size
            if good.size:
                self.low, self.high = (
                    min(self.low, float(good.min())),
                    max(self.high, float(good.max())),
                )
                self.total += float(good.sum(dtype=np.float64))
            parts.append(self._thinned(first, block))
        self.thin = np.concatenate(parts) if parts and parts[0].ndim else np.array(parts)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.array.shape, dtype=np.int64))

    @property
    def steps(self) -> tuple[int, ...]:
        """Points of each axis from one that a picture shows to the next."""
        return tuple(-(-n // POINTS) for n in self.array.shape)

    def _thinned(self, first: int, block: Array) -> Array:
        """Part of a block that a picture shows: of a cube, the section in the middle."""
        if not block.ndim:
            return block
        begin = -first % self.steps[0]
        thin = block[begin :: self.steps[0]]
        if block.ndim == 3:
            return thin[:, block.shape[1] // 2, :: self.steps[2]].astype(np.float32)
        if block.ndim == 2:
            return thin[:, :: self.steps[1]].astype(np.float32)
        return thin.astype(np.float32)

    def contents(self) -> dict[str, Any]:
        """Numbers for a report."""
        beside, ndim = self.array.beside, len(self.array.shape)
        numbers: dict[str, Any] = {"shape": list(self.array.shape), "type": str(self.array.dtype)}
        if self.finite:
            numbers["values"] = [self.low, self.high]
            numbers["mean"] = self.total / self.finite
        unit = beside.get("unit")
        if isinstance(unit, str) and unit:
            numbers["unit"] = unit
        for name in ("spacing", "origin"):
            value = beside.get(name)
            if isinstance(value, np.ndarray) and value.size in (1, ndim):
                numbers[f"{name}_m"] = [float(v) for v in np.broadcast_to(value.reshape(-1), ndim)]
        return numbers

    def odd(self) -> Iterator[str]:
        """Sentences on oddities with the values."""
        where, broken = self.array.name, self.size - self.finite
        if broken:
            yield f"{where}: {broken} of {self.size} values are no numbers"
        if not self.finite:
            return
        largest = max(abs(self.low), abs(self.high))
        if largest > LARGEST:
            yield (
                f"{where}: the largest value is {largest:.3g}: another type, shape or byte order?"
            )
        fluid = self.low == 0 and self.name in OF_SOLIDS
        if self.name in POSITIVE and self.low <= 0 and not fluid:
            yield f"{where}: the smallest value is {self.low:.6g}, and {self.name} is positive"
        low, high = KILOMETRES
        if (
            (not self.name or UNITS.get(self.name) == "m/s")
            and len(self.array.shape) > 1
            and self._in_kilometres(low, high)
        ):
            yield (
                f"{where}: values from {self.low:.4g} to {self.high:.4g} are velocities in km/s; a "
                f"config must say so (`model: {{unit: km/s}}`)"
            )

    def _in_kilometres(self, low: float, high: float) -> bool:
        return low <= self.low < self.high <= high and self.high > 1.2

    def draw(self, path: Path) -> None:
        """Draw the array, a section in the middle of a cube, or a curve.

        Parameters
        ----------
        path : Path
            PNG file to write.
        """
        from fwicli.plotting import surveys  # late: a report without a picture needs none

        contents, title = self.contents(), Path(self.array.name).name.replace("`", "")
        unit = contents.get("unit", "")
        label = f"{self.name or 'value'} [{unit}]" if unit else self.name or "value"
        if self.thin.ndim < 2:
            surveys.array(path, surveys.ArrayPicture(title, label, self.thin))
            return
        ends = (0, len(self.array.shape) - 1)
        spacing = contents.get("spacing_m", [1.0] * len(self.array.shape))
        origin = contents.get("origin_m", [0.0] * len(self.array.shape))
        scale, axes = 1.0, ("point along x", "point along z")
        if "spacing_m" in contents:
            scale, axes = 1e-3, ("x [km]", "depth [km]")
        (left, top), (right, bottom) = (
            [scale * (origin[i] + n * spacing[i]) for i, n in zip(ends, counts, strict=True)]
            for counts in ((-0.5, -0.5), [self.array.shape[i] - 0.5 for i in ends])
        )
        extent = (left, right, bottom, top)
        surveys.array(path, surveys.ArrayPicture(title, label, self.thin, extent, axes))


def drawing(statistics: list[ArrayStatistics]) -> Any:
    """Drawing of the image, the result, or the first array of two or three axes; None without."""
    drawn = [s for s in statistics if len(s.array.shape) in (2, 3)] or statistics
    drawn = [s for s in drawn if any(f"`{name}" in s.array.name for name in FIRST)] or drawn
    return partial(ArrayStatistics.draw, drawn[0]) if drawn else None
