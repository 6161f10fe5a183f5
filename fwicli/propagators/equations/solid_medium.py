"""Vocabulary of a wave equation below the surface of a solid (see `surface`)."""

from __future__ import annotations

from typing import Any

from fwicli.propagators.equations import surface
from fwicli.propagators.equations.medium import Medium
from fwicli.propagators.equations.strips import Strip
from fwicli.propagators.symbolic.expressions import Expr, shift


class SolidMedium(Medium):
    """A medium whose first points along z are the surface of a solid: nothing is beyond.

    Changes of differences are added point by point, on the strip next to the surface.
    """

    has_surface = True

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._down = self.grid.dim - 1
        reach = surface.closure(self.order).reach
        self._next_to_it = (Strip(self._down, "left", reach, self.grid),)

    def slope(self, f: Any, axis: int, side: int) -> Expr:
        """As `Medium.slope`; along z that of a motion."""
        return super().slope(f, axis, side) + self._closure(f, axis, "motion", side)

    def pull(self, s: Any, axis: int, side: int) -> Expr:
        """As `Medium.slope`; along z that of a stress that is zero on the surface."""
        return super().slope(s, axis, side) + self._closure(s, axis, "stress", side)

    def friction(self, f: Any) -> Expr:
        """The rate at which the layers at the sides slow a field down, beside their damping.

        Waves that are guided along the surface may go backwards, against their phase: a matched
        layer amplifies them, friction takes more from them than that.

        Parameters
        ----------
        f : TimeFunction

        Returns
        -------
        expression
        """
        return friction(self, f)

    def _closure(self, f: Any, axis: int, of: str, side: int) -> Expr:
        """The change of a difference next to the surface."""
        if axis != self._down:
            return 0
        z = self.grid.dimensions[axis]
        terms = []
        for offset, name in surface.lines(self.order, surface.OPERATORS[of, side]).items():
            coefficient = self.line(name, axis)
            self._supports[coefficient.name] = self._next_to_it
            terms.append(coefficient * shift(f, z, offset * z.spacing))
        return sum(terms)

    def _mirror(self, name: str, half: tuple[int, ...] = (), even: tuple[int, ...] = ()) -> None:
        """No field has images."""


def friction(medium: Medium, f: Any) -> Expr:
    """Friction in the layers at the sides, next to a surface on top.

    Parameters
    ----------
    medium : Medium
    f : TimeFunction

    Returns
    -------
    expression
    """
    sides = [axis for axis in medium.axes[:-1] if medium.absorbs(axis)]
    return sum(medium.line("friction", axis) * f for axis in sides)
