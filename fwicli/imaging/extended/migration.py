"""Migration of a shot with whole fields: images of separated waves, and gathers.

The fields are sampled as sparsely in time as the band allows (see `fields.sparse_in_time`). Beside
the two propagations of a migration this takes two more, that of the source at all points, and the
records back, and two fields of (samples, *grid) of memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.imaging.extended import fields, registry
from fwicli.imaging.extended.gathers import DistanceBins
from fwicli.imaging.extended.lags import SubsurfaceOffset, TimeShift
from fwicli.imaging.migration import MigrationTask, ShotImage, separated
from fwicli.propagators.tasks import propagator
from fwicli.survey.stacks import Stack
from fwicli.survey.windows import Window

Array = NDArray[Any]
# Names of the rows of gathers among the sums over shots begin with this.
ROW = "gather_"


@dataclass(frozen=True)
class ExtendedImage(ShotImage):
    """Contribution of one shot, with gathers.

    Attributes
    ----------
    gathers : ndarray of shape (n, *grid) or None
    """

    gathers: Array | None = None


@dataclass(frozen=True)
class ExtendedMigrationTask(MigrationTask):
    """Image and gathers of one shot.

    Parameters
    ----------
    product : str
        Name of an extension that takes the place of the image of the condition; empty for none.
    lags : SubsurfaceOffset, TimeShift, DistanceBins or None
        Gathers.
    """

    product: str = ""
    lags: SubsurfaceOffset | TimeShift | DistanceBins | None = None

    def __call__(self) -> ExtendedImage:
        """Migrate the shot, and correlate its fields."""
        result, records = self._migrated()
        image, gathers, grid = result.image, None, self.propagator.grid
        weights = 1.0 if self.taper is None else self.taper.weights(grid, self.source)
        if self.product or isinstance(self.lags, SubsurfaceOffset | TimeShift):
            u, v = self._fields(records)
            if self.product:
                image = weights * registry.IMAGES[self.product]().image(u, v)
            if isinstance(self.lags, SubsurfaceOffset | TimeShift):
                gathers = weights * self.lags.image(u, v)
        if isinstance(self.lags, DistanceBins):
            gathers = self.lags.shares(image, grid, self.source)
        return ExtendedImage(image, result.illumination, gathers)

    def _fields(self, records: Array) -> tuple[Array, Array]:
        """Field of the source, and records propagated backwards, at sparse samples."""
        parameters, _ = separated(self.parameters)
        pulse = np.atleast_2d(self.wavelet)
        records = records.astype(self.propagator.precision)
        discretization, every = fields.sparse_in_time(self.discretization)
        shot = propagator(discretization), parameters
        u = fields.source_field(*shot, fields.thinned(pulse, every), self.source)
        v = fields.back_propagated(*shot, fields.thinned(records, every), self.receivers)
        return u, v

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
        gathers = getattr(result, "gathers", None)
        rows = {} if gathers is None else {f"{ROW}{n}": row for n, row in enumerate(gathers)}
        return replace(stack, values={**stack.values, **rows})


def gathers_of(sums: Mapping[str, Array]) -> Array | None:
    """Gathers of shape (n, *grid) from the sums over shots; None from those of a rehearsal.

    Parameters
    ----------
    sums : mapping of str to ndarray of shape (*grid,)

    Returns
    -------
    ndarray of shape (n, *grid) or None
    """
    count = sum(name.startswith(ROW) for name in sums)
    return np.stack([sums[f"{ROW}{n}"] for n in range(count)]) if count else None
