"""Symbols of scattered points, at which a time loop injects into fields and records them."""

from __future__ import annotations

from typing import Any

import numpy as np
from devito import Dimension, Eq, Function, Inc
from devito.types import Symbol

from fwicli.propagators.symbolic.expressions import Expr


class PointSymbols:
    """Symbols for injecting into, or recording from, a field at scattered points.

    Every row is gathered (see `interpolation`): the loops need no atomic operation, and the sums
    have one order whatever the number of threads.
    """

    def __init__(self, grid: Any, prefix: str) -> None:
        self.grid = grid
        self._prefix = prefix
        self._row = Dimension(f"{prefix}_row")
        self._column = Dimension(f"{prefix}_column")
        self._series = Dimension(f"{prefix}_series")
        self._made: dict[str, Function] = {}

    def _function(self, name: str, dimensions: tuple[Any, ...], dtype: Any = None) -> Function:
        if name not in self._made:
            self._made[name] = Function(
                name=name,
                dimensions=dimensions,
                shape=(2,) * len(dimensions),
                space_order=0,
                dtype=dtype or self.grid.dtype,
            )
        return self._made[name]

    def inject(self, unknown: Expr, pivot: Expr, values: str) -> list[Eq]:
        """Add pivot * q to a field at the points.

        Parameters
        ----------
        unknown : expression
            The field at its newest level.
        pivot : expression
            Factor of the values.
        values : str
            Name of q.

        Returns
        -------
        list of Eq
        """
        rows, table = (self._row,), (self._row, self._column)
        place = {
            d: self._function(f"{self._prefix}_i{i}", rows, np.int32)
            for i, d in enumerate(self.grid.dimensions)
        }
        member = self._function(f"{self._prefix}_member", table, np.int32)
        weight = self._function(f"{self._prefix}_weight", table)
        series = self._function(values, (self.grid.time_dim, self._series))
        target = unknown.subs(place)
        value = pivot.subs(place) * weight * series.subs({self._series: member})
        # Not an `Inc`: Devito would make that atomic.
        return [Eq(target, target + value, implicit_dims=(self.grid.time_dim, *table))]

    def record(self, f: Expr, values: str) -> list[Eq]:
        """Keep the values of a field at the points in every step.

        Parameters
        ----------
        f : expression
            Access to a field.
        values : str
            Name of the records.

        Returns
        -------
        list of Eq
        """
        rows, table = (self._row,), (self._row, self._column)
        place = {
            d: self._function(f"{self._prefix}_i{i}", table, np.int32)
            for i, d in enumerate(self.grid.dimensions)
        }
        weight = self._function(f"{self._prefix}_weight", table)
        series = self._function(values, (self.grid.time_dim, self._row))
        time = self.grid.time_dim
        value = Symbol(name=f"{self._prefix}_sum_{values}", dtype=self.grid.dtype)
        return [
            Eq(value, 0, implicit_dims=(time, *rows)),
            Inc(value, weight * f.subs(place), implicit_dims=(time, *table)),
            Eq(series, value, implicit_dims=(time, *rows)),
        ]
