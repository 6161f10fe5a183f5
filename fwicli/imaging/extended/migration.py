"""Migration of a shot with whole fields: images of separated waves, and gathers.

The fields are sampled as sparsely in time as the band allows (see `fields.sparse_in_time`). Beside
the two propagations of a migration this takes two more, that of the source at all points, and the
records back, and two fields of (samples, *grid) of memory. Gathers by surface offset take one
propagation back for each bin (see `bins`), and no field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.imaging.extended import fields, registry
from fwicli.imaging.extended.bins import SourcePart, TraceParts
from fwicli.imaging.extended.gathers import DistanceBins
from fwicli.imaging.extended.lags import SubsurfaceOffset, TimeShift
from fwicli.imaging.migration import MigrationTask, ShotImage, Split, separated, total, whole
from fwicli.propagators.tasks import propagator
from fwicli.survey.stacks import Stack
from fwicli.survey.windows import Window

Array = NDArray[Any]
# Names of the rows of gathers among the sums over shots begin with this.
ROW = "gather_"
# Gathers that take both fields of a shot.
LAGGED = (SubsurfaceOffset, TimeShift)
Gathering = SubsurfaceOffset | TimeShift | DistanceBins | TraceParts | SourcePart


@dataclass(frozen=True)
class ExtendedImage(ShotImage):
    """Contribution of one shot, with gathers.

    Attributes
    ----------
    gathers : mapping of int to ndarray of shape (*grid,)
        By number of the row; rows to which the shot adds nothing are left out.
    """

    gathers: Mapping[int, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class ExtendedMigrationTask(MigrationTask):
    """Image and gathers of one shot.

    Parameters
    ----------
    product : str
        Name of an extension that takes the place of the image of the condition; empty for none.
    lags : SubsurfaceOffset, TimeShift, DistanceBins, TraceParts, SourcePart or None
        Gathers.
    """

    product: str = ""
    lags: Gathering | None = None

    def __call__(self) -> ExtendedImage:
        """Migrate the shot, and correlate its fields."""
        split = self.lags.split if isinstance(self.lags, TraceParts) else whole
        result, records, parts = self._migrated(whole if self.product else split)
        image, gathers = result.image, dict[int, Array]()
        if self.product or isinstance(self.lags, LAGGED):
            of_fields, gathers = self._of_fields(records, split)
            parts = of_fields or parts
            image = total(parts)
        if isinstance(self.lags, TraceParts):
            gathers = self.lags.images(parts)
        elif isinstance(self.lags, SourcePart):
            gathers = {self.lags.number: image}
        elif isinstance(self.lags, DistanceBins):
            gathers = dict(enumerate(self.lags.shares(image, self.propagator.grid, self.source)))
        return ExtendedImage(image, result.illumination, gathers)

    def _of_fields(self, records: Array, split: Split) -> tuple[dict[int, Array], dict[int, Array]]:
        """Images of the product by part of the traces, and gathers of lags, by row."""
        weights = (
            1.0 if self.taper is None else self.taper.weights(self.propagator.grid, self.source)
        )
        discretization, every = fields.sparse_in_time(self.discretization)
        shot = propagator(discretization), separated(self.parameters)[0]
        pulse = fields.thinned(np.atleast_2d(self.wavelet), every)
        u = fields.source_field(*shot, pulse, self.source)
        parts, gathers = {}, {}
        for number, part in split(records.astype(self.propagator.precision)).items():
            v = fields.back_propagated(*shot, fields.thinned(part, every), self.receivers)
            if self.product:
                parts[number] = weights * registry.IMAGES[self.product]().image(u, v)
            if isinstance(self.lags, LAGGED):
                gathers = dict(enumerate(weights * self.lags.image(u, v)))
        return parts, gathers

    def summand(self, result: ShotImage, window: Window) -> Stack:
        """Image, illumination and rows of gathers in the window of the shot.

        Parameters
        ----------
        result : ExtendedImage
        window : Window

        Returns
        -------
        stack : Stack
        """
        stack = super().summand(result, window)
        gathers = result.gathers if isinstance(result, ExtendedImage) else {}
        rows = {f"{ROW}{number}": row for number, row in gathers.items()}
        return replace(stack, values={**stack.values, **rows})


def gathers_of(sums: Mapping[str, Array], count: int) -> Array | None:
    """Gathers of shape (count, *grid) from the sums over shots; None from those of a rehearsal.

    Parameters
    ----------
    sums : mapping of str to ndarray of shape (*grid,)
        A row that no shot adds to is left out; it is zero.
    count : int
        Number of rows.

    Returns
    -------
    ndarray of shape (count, *grid) or None
    """
    if not any(name.startswith(ROW) for name in sums):
        return None
    empty = np.zeros_like(sums["image"])
    return np.stack([sums.get(f"{ROW}{number}", empty) for number in range(count)])
