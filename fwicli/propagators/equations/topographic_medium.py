"""Vocabulary of a wave equation below a surface that cuts the cells (see `cut_cells`)."""

from __future__ import annotations

from typing import Any

from devito import Derivative, Function
from sympy import Float

from fwicli.propagators.equations import cut_cells, differences
from fwicli.propagators.equations.medium import Medium
from fwicli.propagators.equations.solid_medium import friction
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.symbolic.expressions import Expr

LOW = Stencil(2)


class TopographicMedium(Medium):
    """A medium with air above a surface; the elastic energy counts the rock alone.

    Slopes of velocities have second order where the stencil would reach into the air, and those of
    stresses are their transposes.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._cuts: dict[str, Function] = {}
        weights = self.stencil.half
        weights[0] -= 1.0
        self._rest = [Float(w) for w in (*-weights[::-1], *weights)]

    def slope(self, f: Any, axis: int, side: int) -> Expr:
        """As `Medium.slope`, of a velocity."""
        of = int(f.function.name.removeprefix("v"))
        mask = self._cut(cut_cells.whole(of, axis))
        plain = self._low(f, axis, side) + mask * self._high(f, axis, side)
        return self._layered(f, plain, axis, side)

    def pull(self, s: Any, axis: int, side: int) -> Expr:
        """As `Medium.slope`, of a stress: the transpose of the slope that it works on."""
        axes = [int(a) for a in s.function.name.removeprefix("s")]
        of = next((a for a in axes if a != axis), axis)
        mask = self._cut(cut_cells.whole(of, axis))
        plain = self._low(s, axis, side) + self._high(mask * s, axis, side)
        return self._layered(s, plain, axis, side)

    def between(self, p: Function, axis: int) -> Expr:
        """As `Medium.between`, times the mass of the place."""
        return self._cut(cut_cells.mass(axis)) * super().between(p, axis)

    def volume(self, _half: tuple[int, ...]) -> Expr:
        """Share of rock of places half a cell on along axes."""
        return self._cut(cut_cells.volume(_half))

    def friction(self, f: Any) -> Expr:
        """As below the plane surface of a solid (see `SolidMedium`)."""
        return friction(self, f)

    def _layered(self, f: Any, plain: Expr, axis: int, side: int) -> Expr:
        half = "h" if side == 1 else ""
        return self._damped(plain, f"psi_{f.function.name}{axis}", axis, half)

    def _low(self, f: Any, axis: int, side: int) -> Expr:
        """Difference of second order."""
        x = self.grid.dimensions[axis]
        return differences.slope(f, x, LOW, x + side * x.spacing / 2)

    def _high(self, f: Any, axis: int, side: int) -> Expr:
        """Difference of the stencil minus that of second order."""
        x = self.grid.dimensions[axis]
        at = {x: x + side * x.spacing / 2}
        return Derivative(f, (x, 1), fd_order=self.order, x0=at, weights=self._rest)

    def _cut(self, name: str) -> Function:
        """An array of `cut_cells` by name."""
        if name not in self._cuts:
            self._cuts[name] = Function(
                name=name, grid=self.grid, space_order=self.order, dtype=self.grid.dtype
            )
        return self._cuts[name]

    def _mirror(self, name: str, half: tuple[int, ...] = (), even: tuple[int, ...] = ()) -> None:
        """No field has images."""
