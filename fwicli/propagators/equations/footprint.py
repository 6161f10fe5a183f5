"""Memory that an equation works on, stated by it or counted from its kernels."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from fwicli.errors import PhysicsError


@dataclass(frozen=True)
class Footprint:
    """Arrays of the size of the grid that an equation works on.

    Attributes
    ----------
    forward : int
        Fields at all their levels, memory variables, parameters and coefficients.
    gradient : int
        Arrays that a gradient adds: multipliers, gradients, illumination.
    history : mapping of str to tuple of str
        Fields of which the history keeps snapshots, for the gradient of each parameter; the one
        that is recorded is kept for all.
    state, strips : int
        Levels of fields with which a propagation can be begun anew: of those on the whole grid, and
        of those in the layer.
    evolving : tuple of str
        Fields of second order in time, if all others follow from these at the same time.
    recorded : mapping of str to int
        Arrays that a forward run adds for a field that is recorded; none for those of pressure.
    surface : pair of int
        Arrays that the surface of a solid adds to a forward run, and to a gradient beside these.
    surface_history : mapping of str to tuple of str
        Fields that it adds to those of the history.
    topography : pair of int
        Arrays that a topography adds to a forward run, and to a gradient beside these.
    packed : pair of int
        Arrays of a forward run, and of one with a gradient, that hold strips along the last axis
        alone (see `kernels.packing`).
    """

    forward: int
    gradient: int
    history: Mapping[str, tuple[str, ...]]
    state: int
    strips: int
    evolving: tuple[str, ...] = ()
    recorded: Mapping[str, int] = field(default_factory=dict)
    surface: tuple[int, int] = (0, 0)
    surface_history: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    topography: tuple[int, int] = (0, 0)
    packed: tuple[int, int] = (0, 0)

    @classmethod
    def unknown(cls, ndim: int) -> Footprint:
        """None, of an equation that does not state it.

        Raises
        ------
        PhysicsError
            In any case.
        """
        raise PhysicsError(
            f"nobody has counted the arrays of this equation in {ndim}D; load it by `own_equation`"
        )

    def below_surface(self) -> Footprint:
        """That of waves below the surface of a solid."""
        forward, gradient = self.surface
        more = self.surface_history
        return replace(
            self,
            forward=self.forward + forward,
            gradient=self.gradient + gradient,
            history={p: (*fields, *more.get(p, ())) for p, fields in self.history.items()},
        )

    def below_topography(self) -> Footprint:
        """That of waves below a topography."""
        forward, gradient = self.topography
        return replace(self, forward=self.forward + forward, gradient=self.gradient + gradient)

    def stored_fields(self, recorded: str, parameters: Collection[str] | None = None) -> set[str]:
        """Fields that the history keeps for some parameters, or for all.

        Parameters
        ----------
        recorded : str
            Name of the field that is recorded.
        parameters : collection of str, optional
            Parameters of which a gradient is computed; by default all.

        Returns
        -------
        set of str
        """
        names = self.history if parameters is None else parameters
        return {recorded, *(name for p in names for name in self.history[p])}

    def arrays(self, gradient: bool, recorded: Collection[str] = ()) -> int:
        """Arrays of the size of the grid that a run works on.

        Parameters
        ----------
        gradient : bool
            Whether the multiplier is propagated, too; it has every level that records need.
        recorded : collection of str, optional
            Fields that are recorded; by default those of pressure.

        Returns
        -------
        int
        """
        if gradient:
            return self.forward + self.gradient
        return self.forward + sum(self.recorded.get(name, 0) for name in recorded)
