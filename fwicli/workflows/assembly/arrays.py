"""Arrays in files that a config names beside its models: each file is read once for a plan."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.arrays import ArrayFileSection
from fwicli.config.conditioning import GivenWeightsSection
from fwicli.errors import ModelError
from fwicli.files import arrays
from fwicli.survey.grid import Grid
from fwicli.workflows.assembly import survey

Array = NDArray[Any]


class ModelArrays:
    """Arrays on the grid of a model: bounds, masks, dips and references.

    An array is read when it is first asked for. It cannot be written to, because several objects
    share it.

    Parameters
    ----------
    section : ModelSection
        It gives the shape of raw files.
    grid : Grid
        Of the model.
    """

    def __init__(self, section: schema.ModelSection, grid: Grid) -> None:
        self.section, self.grid = section, grid
        self._arrays: dict[str, Array] = {}

    def on_grid(self, source: float | ArrayFileSection) -> Array:
        """Values of shape grid.shape, from a number or from a file in SI units.

        Raises
        ------
        ModelError, DataError
            If the file cannot be read, or holds another shape or values that are no numbers.
        """
        if isinstance(source, float):
            return np.full(self.grid.shape, source)
        key = source.model_dump_json()
        if key not in self._arrays:
            self._arrays[key] = _shared(_on_grid(self.section, self.grid, source))
        return self._arrays[key]


class TraceArrays:
    """Weights of traces in files, each read when it is first asked for."""

    def __init__(self) -> None:
        self._arrays: dict[str, Array] = {}

    def weights(self, section: GivenWeightsSection) -> Array:
        """Weights of shape (receivers,) or (shots, receivers).

        Raises
        ------
        DataError
            If the file cannot be read.
        """
        key = section.model_dump_json()
        if key not in self._arrays:
            chosen = section.chosen("dataset")
            stored = arrays.read(section.file, section.dataset, masks=True, chosen=chosen)
            self._arrays[key] = _shared(stored.values)
        return self._arrays[key]


def _on_grid(model: schema.ModelSection, grid: Grid, source: ArrayFileSection) -> Array:
    values = survey.read_property(model, source)[0]
    if values.shape != grid.shape:
        raise ModelError(
            f"{source.file} holds shape {values.shape}, but the model has {grid.shape}; give one "
            f"value for every point of the model"
        )
    if not np.isfinite(values).all():
        raise ModelError(f"{source.file} has values that are not numbers; replace them")
    return values.astype(np.float64)


def _shared(values: Array) -> Array:
    values.setflags(write=False)
    return values
