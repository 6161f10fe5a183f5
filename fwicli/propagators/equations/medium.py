"""Vocabulary of a wave equation: fields, parameters and stretched derivatives.

A medium hands an equation its fields and parameters as Devito functions, and derivatives with the
absorbing layer, whose memory variables become fields of the system on strips of the grid.
"""

from __future__ import annotations

from typing import Any

from devito import Buffer, Derivative, Function, TimeFunction
from devito import Grid as DevitoGrid
from sympy import Float, Integer, Rational, exp

from fwicli.errors import PhysicsError
from fwicli.propagators.absorbing import strip_points, walls
from fwicli.propagators.equations import differences
from fwicli.propagators.equations.names import check_name
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.equations.strips import Strip
from fwicli.propagators.symbolic.expressions import Expr, shift
from fwicli.propagators.symbolic.system import Mirror, Region, System

# Harmonic means take this for zero: 1e-8 of the modulus of a rock over water's density [m2/s2].
SOFTEST = Float(1e-2)


class Medium:
    """Collects the fields and residuals of an equation on a grid.

    Parameters
    ----------
    grid : devito.Grid
        Grid of the model and the absorbing layer.
    stencil : Stencil
        Of the space differences.
    layer : int
        Thickness of the absorbing layer in cells; 0 for none.
    time_levels : int
        Time levels kept of a field of second order in time: 2, or 3 where the oldest is read.
    free : tuple of str
        Sides without a layer (see `absorbing`), where the pressure is zero.
    reference_frequency : float
        At which waves have the velocities of the model, where these depend on it [Hz].
    """

    has_surface = False  # whether the first points along z are the surface of a solid

    def __init__(
        self,
        grid: DevitoGrid,
        stencil: Stencil,
        layer: int,
        time_levels: int = 2,
        free: tuple[str, ...] = (),
        reference_frequency: float = 0.0,
    ) -> None:
        self.grid = grid
        self.reference_frequency = reference_frequency
        self.stencil, self.order = stencil, stencil.order
        self.layer = layer
        self.time_levels = time_levels
        self._walls = walls(free, grid.dim)
        self._mirrors: dict[str, tuple[Mirror, ...]] = {}
        self._names: dict[str, str] = {}
        self._fields: list[TimeFunction] = []
        self._residuals: list[Expr] = []
        self._parameters: dict[str, Function] = {}
        self._derived: dict[Function, Expr] = {}
        self._supports: dict[str, Region] = {}
        self._lines: dict[tuple[str, int], Function] = {}
        self._strips = [self._strip(axis) for axis in self.axes]

    def parameter(self, name: str) -> Function:
        """Model parameter p(x)."""
        if name not in self._parameters:
            self._name(name, "parameter")
            self._parameters[name] = Function(
                name=name, grid=self.grid, space_order=self.order, dtype=self.grid.dtype
            )
        return self._parameters[name]

    def coefficient(self, name: str, expr: Expr) -> Function:
        """A pointwise expression of parameters, kept as a function of its own.

        Parameters
        ----------
        name : str
        expr : expression

        Returns
        -------
        Function
        """
        self._name(name, "coefficient")
        coefficient = Function(
            name=name, grid=self.grid, space_order=self.order, dtype=self.grid.dtype
        )
        self._derived[coefficient] = expr
        return coefficient

    def root(self, expr: Expr) -> Expr:
        """Square root of an expression."""
        return expr ** Rational(1, 2)

    def field(
        self,
        name: str,
        time_order: int,
        half: int | tuple[int, ...] = (),
        even: tuple[int, ...] = (),
    ) -> TimeFunction:
        """Unknown field f(t, x), with its symmetry about a free side.

        Parameters
        ----------
        name : str
        time_order : int
            Order of its time derivative, 1 or 2.
        half : int or tuple of int
            Axis, or axes, along which its values sit half a cell on: that of a slope of a pressure.
            It is even about free sides of this axis.
        even : tuple of int
            Axes about whose free sides it is even on the points. About all others it is odd, as a
            pressure is.

        Returns
        -------
        TimeFunction
        """
        self._name(name, "field")
        self._mirror(name, (half,) if isinstance(half, int) else half, even)
        return self._function(name, time_order)

    def _name(self, name: str, what: str) -> None:
        check_name(name, what)
        if name in self._names:
            other = self._names[name]
            raise PhysicsError(f"a {other} and a {what} are named `{name}`; give one another name")
        self._names[name] = what

    def _mirror(self, name: str, half: tuple[int, ...] = (), even: tuple[int, ...] = ()) -> None:
        self._mirrors[name] = tuple(
            Mirror(axis, last, axis in half, axis in (*half, *even))
            for axis in self.axes
            for last in (False, True)
            if self._walls[axis][last]
        )

    def _function(self, name: str, time_order: int) -> TimeFunction:
        storage = {"save": Buffer(2)} if time_order == 2 and self.time_levels == 2 else {}
        return TimeFunction(
            name=name,
            grid=self.grid,
            space_order=self.order,
            time_order=time_order,
            dtype=self.grid.dtype,
            **storage,
        )

    def solve(self, unknown: TimeFunction, residual: Expr) -> None:
        """State the residual that is solved for a field; the order of calls is kept.

        Parameters
        ----------
        unknown : TimeFunction
        residual : expression
        """
        self._fields.append(unknown)
        self._residuals.append(residual)

    @property
    def step(self) -> Any:
        """Time step [s], a symbol."""
        return self.grid.time_dim.spacing

    @property
    def axes(self) -> range:
        """Numbers of the space axes."""
        return range(self.grid.dim)

    def exp(self, expr: Expr) -> Expr:
        """Exponential of an expression of constants and of the time step."""
        return exp(expr)

    def between(self, p: Function, axis: int) -> Expr:
        """Mean of a parameter at two neighbours along an axis: its value half a cell on.

        Parameters
        ----------
        p : Function or expression
        axis : int
            Axis, 0 for x.

        Returns
        -------
        expression
        """
        x = self.grid.dimensions[axis]
        return (p + shift(p, x, x.spacing)) / 2

    def harmonic(self, p: Function, axes: tuple[int, ...]) -> Expr:
        """Harmonic mean of a parameter at the points around a place half a cell on along axes.

        Zero where one of them is, but for `SOFTEST`.

        Parameters
        ----------
        p : Function
        axes : tuple of int

        Returns
        -------
        expression
        """
        around = [p]
        for axis in axes:
            x = self.grid.dimensions[axis]
            around += [shift(f, x, x.spacing) for f in around]
        return len(around) / sum(1 / (f + SOFTEST) for f in around)

    def slope(self, f: Any, axis: int, side: int) -> Expr:
        """df/dx half a cell on (side 1) or back (side -1), stretched in the absorbing layer.

        Values half a cell on are labelled by the point before them, so a slope of side 1 and one
        of side -1 of it come back to the points.

        Parameters
        ----------
        f : TimeFunction or expression
        axis : int
            Axis, 0 for x.
        side : {1, -1}

        Returns
        -------
        expression
        """
        x = self.grid.dimensions[axis]
        plain = differences.slope(f, x, self.stencil, x + side * x.spacing / 2)
        return self._damped(plain, f"psi_{f.function.name}{axis}", axis, "h" if side == 1 else "")

    def pull(self, s: Any, axis: int, side: int) -> Expr:
        """`slope` of a stress that is zero on the surface of a solid, across this axis.

        Parameters
        ----------
        s : expression
        axis, side : int

        Returns
        -------
        expression
        """
        return self.slope(s, axis, side)

    def friction(self, f: Any) -> Expr:
        """Friction in layers beside the surface of a solid (see `SolidMedium`); none without."""
        return 0 * f

    def volume(self, _half: tuple[int, ...]) -> Expr:
        """Share of rock of places half a cell on along axes (see `cut_cells`); all without air."""
        return Integer(1)

    def centred(self, f: Any, axis: int) -> Expr:
        """df/dx on the points, by differences over both sides, stretched in the layer.

        Parameters
        ----------
        f : TimeFunction or expression
        axis : int
            Axis, 0 for x.

        Returns
        -------
        expression

        Raises
        ------
        PhysicsError
            If weights are to be optimised.
        """
        if self.stencil.optimised:
            raise PhysicsError(
                "the equation takes differences over both sides of a point, which have Taylor's "
                "weights; use `stencil: taylor`"
            )
        x = self.grid.dimensions[axis]
        plain = Derivative(f, (x, 1), fd_order=self.order)
        return self._damped(plain, f"chi_{f.function.name}{axis}", axis)

    def _damped(self, plain: Expr, name: str, axis: int, half: str = "") -> Expr:
        """A slope, with the memory variable of this name in the layer; `half` cells on if "h"."""
        if not self.absorbs(axis):
            return plain
        memory = self.memory(name, axis)
        b, c = self.line(f"b{half}", axis), self.line(f"c{half}", axis)
        self.solve(memory, memory.forward - b * memory - c * plain)
        return plain + memory.forward

    def laplacian(self, f: TimeFunction) -> Expr:
        """Sum of the second derivatives along all axes, stretched in the absorbing layer."""
        return sum(self.second_derivative(f, axis) for axis in self.axes)

    def second_derivative(self, f: TimeFunction, axis: int) -> Expr:
        """d2f/dx2 along an axis, stretched in the absorbing layer (see `absorbing`).

        Parameters
        ----------
        f : TimeFunction
        axis : int
            Axis, 0 for x.

        Returns
        -------
        expression
        """
        x = self.grid.dimensions[axis]
        plain = differences.second(f, axis, self.stencil)
        if not self.absorbs(axis):
            return plain
        half = x.spacing / 2
        # The slopes are of lower order than the second derivative: see `absorbing`.
        lower = Stencil(self.order - 2)
        psi = self.memory(f"psi_{f.name}{axis}", axis)
        zeta = self.memory(f"zeta_{f.name}{axis}", axis)
        b, c = self.line("b", axis), self.line("c", axis)
        b_half, c_half = self.line("bh", axis), self.line("ch", axis)
        slope = differences.slope(psi.forward, x, lower, x - half)
        steep = differences.slope(f, x, lower, x + half)
        self.solve(psi, psi.forward - b_half * psi - c_half * steep)
        self.solve(zeta, zeta.forward - b * zeta - c * (plain + slope))
        return plain + slope + zeta.forward

    def system(self) -> System:
        """The system of all residuals stated so far."""
        return System(
            fields=tuple(self._fields),
            residuals=tuple(self._residuals),
            parameters=tuple(self._parameters.values()),
            supports=dict(self._supports),
            mirrors=dict(self._mirrors),
            derived=dict(self._derived),
        )

    def _strip(self, axis: int) -> Region:
        # A stencil that starts at the inner edge of the layer still ends inside the strip.
        thickness = strip_points(self.layer, self.order)
        sides = zip(("left", "right"), self._walls[axis], strict=True)
        return tuple(Strip(axis, s, thickness, self.grid) for s, free in sides if not free)

    def absorbs(self, axis: int) -> bool:
        """Whether there is a layer at an end of an axis."""
        return bool(self.layer and self._strips[axis])

    def memory(self, name: str, axis: int, odd: bool = False) -> TimeFunction:
        """A field that lives in the layer along an axis only.

        Parameters
        ----------
        name : str
        axis : int
            Axis, 0 for x.
        odd : bool
            Whether it changes its sign at a free side.

        Returns
        -------
        TimeFunction
        """
        f = self._function(name, time_order=1)
        if odd:
            self._mirror(name)
        self._supports[name] = self._strips[axis]
        return f

    def line(self, name: str, axis: int) -> Function:
        """Coefficient of the layer along an axis; one function however often it is used.

        Parameters
        ----------
        name : str
        axis : int

        Returns
        -------
        Function
        """
        dimension = self.grid.dimensions[axis]
        if (name, axis) not in self._lines:
            self._lines[name, axis] = Function(
                name=f"{name}{axis}",
                dimensions=(dimension,),
                shape=(self.grid.shape[axis],),
                space_order=self.order,
                dtype=self.grid.dtype,
            )
            if name in ("drag", "firm"):
                self._supports[f"{name}{axis}"] = self._strips[axis]
        return self._lines[name, axis]
