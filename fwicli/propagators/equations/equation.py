"""A wave equation as the program knows it, without the Devito that it is stated in."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fwicli.errors import PhysicsError
from fwicli.propagators.equations import reciprocity, surface
from fwicli.propagators.equations.channel import Channel, Channels
from fwicli.propagators.equations.footprint import Footprint
from fwicli.propagators.equations.stencils import Stencil
from fwicli.survey import components, uniform
from fwicli.survey.acquisition import Acquisition

if TYPE_CHECKING:
    from fwicli.propagators.equations.medium import Medium

Function = Callable[..., Any]

# By which a property may miss a limit: equal values differ by the round-off of single precision.
ROUND_OFF = 1e-6


@dataclass(frozen=True)
class Limit:
    """A range of properties outside which an equation has no stable solution.

    Attributes
    ----------
    margin : callable
        Function of properties, by the names of its arguments, that must not be negative.
    rule : str
        The condition, and why it holds.
    of_whole_model : bool
        Whether a point can only be judged together with all others.
    """

    margin: Function
    rule: str
    of_whole_model: bool = False


@dataclass(frozen=True, kw_only=True)
class Equation:
    """A wave equation: what it is made of, and the statement of its residuals.

    Attributes
    ----------
    name : str
        As in the config, `physics: {equation: NAME}`. In a file it is left out (see `own`).
    dimensions : tuple of int
        Numbers of space dimensions that it is for.
    parameters : callable
        From the number of space dimensions to the model parameters that the residuals hold, each
        a formula in physical properties: vp [m/s], rho [kg/m3], Thomsen's epsilon and delta,
        angles theta and phi [rad]. Powers, sin and cos may be used.
    recorded, emitted : callable
        From the number of space dimensions to the components that receivers may record, and sources
        emit, by name (see `survey.components`). Positions without components mean pressure, or
        the first where there is none. One that has all axes of a vector has its components
        along any direction.
    state : callable
        States the residuals in a medium.
    footprint : callable
        Memory, from the number of space dimensions. In files it is left out (see `own`).
    slowest, fastest : callable
        Bounds of the phase velocity over all directions [m/s], from properties.
    defaults : mapping of str to float
        Properties that a model need not have, and their values.
    limits : tuple of Limit
    mean_density : bool
        Whether the density of the residuals acts as the mean of two neighbours; its values at the
        nodes are then prepared for that (see `interfaces`).
    free_sides : bool
        Whether any side may be free: whether the mirror images of its fields make the surface.
    solid_surface : bool
        Whether the first points along z may be free, as the surface of a solid (see `surface`).
    topography : bool
        Whether there may be air above a surface that cuts the cells (see `cut_cells`).
    differences : {"second", "half", "centred"}
        The least accurate differences that it takes: second ones, or slopes half a cell away or on
        the points.
    constant_q : pair of float, optional
        Ends of the band of constant Q over the reference frequency; None where nothing is lost.
    """

    name: str = ""
    dimensions: tuple[int, ...] = (2, 3)
    parameters: Callable[[int], Mapping[str, str]]
    recorded: Channels
    emitted: Channels
    state: Callable[[Medium], None]
    footprint: Callable[[int], Footprint] = Footprint.unknown
    slowest: Function = lambda vp: vp
    fastest: Function = lambda vp: vp
    defaults: Mapping[str, float] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    mean_density: bool = False
    free_sides: bool = True
    constant_q: tuple[float, float] | None = None
    solid_surface: bool = False
    topography: bool = False
    differences: str = "second"

    @property
    def integrated(self) -> bool:
        """Whether the usual source enters as the integral of its wavelet over time."""
        return self.usual("emit", self.dimensions[0])[1].integrated

    @property
    def receiver(self) -> str:
        """First field of the usual component; the history keeps it, or the sum that holds it."""
        return next(iter(self.usual("record", self.dimensions[0])[1].fields))

    @property
    def properties(self) -> tuple[str, ...]:
        """Names of the physical properties that it knows, in three dimensions."""
        return self.properties_in(3)

    def properties_in(self, ndim: int) -> tuple[str, ...]:
        """Names of the physical properties that it knows in 2 or 3 dimensions, `vp` first."""
        names = [name for f in self.parameters(ndim).values() for name in arguments(f)]
        for speed in (self.slowest, self.fastest):
            listed = inspect.signature(speed).parameters.values()
            names += [p.name for p in listed if p.default is p.empty]
        return tuple(sorted(dict.fromkeys(names), key=lambda n: n != "vp"))

    @property
    def leading(self) -> str:
        """Name of the property that models have at every point: `vp`, or `vs` without P waves."""
        names = self.properties_in(self.dimensions[0])
        return "vp" if "vp" in names else "vs"

    def usual(self, verb: str, ndim: int) -> tuple[str, Channel]:
        """The component of positions without components, pressure if there is any; its channel.

        Parameters
        ----------
        verb : {"record", "emit"}
        ndim : int
            Number of space dimensions.

        Returns
        -------
        name : str
        channel : Channel
        """
        table = self.table(verb, ndim)
        name = "pressure" if "pressure" in table else next(iter(table))
        return name, table[name]

    def usual_recording(self, ndim: int) -> components.Recording:
        """Components of a source and of receivers that have positions alone."""
        source, receiver = (self.usual(verb, ndim)[0] for verb in ("emit", "record"))
        named = components.Component.named
        return named(source), frozenset([named(receiver)])

    def check_dimensions(self, ndim: int) -> None:
        """Make sure that the equation is for models with a number of dimensions.

        A PhysicsError says which it is for.
        """
        if ndim not in self.dimensions:
            raise PhysicsError(
                f"the equation `{self.name}` is for models in {_listed(self.dimensions)}, and this "
                f"one is in {ndim}D; choose another for `physics.equation`"
            )

    def check_components(self, acquisition: Acquisition) -> None:
        """Make sure that receivers record, and sources emit, what the equation has.

        A PhysicsError names the components that it has not; a GeometryError those along
        directions that leave a model in 2D.
        """
        for present, verb in zip(acquisition.components, ("record", "emit"), strict=True):
            components.check(present, self.table(verb, acquisition.ndim), self.name, verb)
            for component in present:
                self.channels(component, verb, acquisition.ndim)

    def channels(
        self, component: components.Component, verb: str, ndim: int
    ) -> tuple[tuple[float, Channel], ...]:
        """The channels of a component, each with its share: of a direction, those of its axes.

        Of a moment, those of its elements.

        Parameters
        ----------
        component : Component
        verb : {"record", "emit"}
        ndim : int
            Number of space dimensions.

        Returns
        -------
        tuple of (float, Channel)

        Raises
        ------
        PhysicsError
            If the equation has no such component.
        GeometryError
            If its direction leaves the plane of a model in 2D.
        """
        table = self.table(verb, ndim)
        components.check([component], table, self.name, verb)
        if component.reciprocal:
            return ((1.0, reciprocity.channel(component, table, self.table("emit", ndim))),)
        if component.name in table:
            return ((1.0, table[component.name]),)
        own = {name: (share, table[name]) for name, share in component.shares(ndim).items()}
        if component.rate == component.vector:
            return tuple(own.values())
        return tuple((share, channel.integral()) for share, channel in own.values())

    def table(self, verb: str, ndim: int) -> Mapping[str, Channel]:
        """Channels by component.

        Parameters
        ----------
        verb : {"record", "emit"}
        ndim : int
            Number of space dimensions.

        Returns
        -------
        mapping of str to Channel
        """
        return (self.recorded if verb == "record" else self.emitted)(ndim)

    def has_surface(self, free: Collection[str]) -> bool:
        """Whether the free sides of a model are the surface of a solid."""
        return bool(free) and self.solid_surface

    def footprint_below(
        self, free: Collection[str], ndim: int, topography: bool = False
    ) -> Footprint:
        """Arrays that it works on where sides are free, with those of a surface.

        Parameters
        ----------
        free : collection of str
            Sides that are free.
        ndim : int
            Number of space dimensions.
        topography : bool
            Whether the surface is a topography.

        Returns
        -------
        Footprint
        """
        plain = self.footprint(ndim)
        if topography:
            return plain.below_topography()
        return plain.below_surface() if self.has_surface(free) else plain

    def check_sides(
        self, free: Collection[str], stencil: Stencil | None = None, points: int = 0
    ) -> None:
        """Make sure that free sides make a surface (see `surface.check_sides`).

        Parameters
        ----------
        free : collection of str
            Sides that are free.
        stencil : Stencil, optional
            Of the space differences.
        points : int
            Of the model along z.
        """
        if not self.free_sides:
            surface.check_sides(self.name, self.solid_surface, free, stencil, points)

    def check_topography(self, free: Collection[str], stencil: Stencil) -> None:
        """Make sure that there may be a topography (see `surface.check_topography`).

        Parameters
        ----------
        free : collection of str
            Sides that are free.
        stencil : Stencil
            Of the space differences.
        """
        surface.check_topography(self.name, self.topography, free, stencil)

    def complete(self, properties: Mapping[str, Any], ndim: int) -> dict[str, Any]:
        """The properties that it needs, those that are missing at their defaults.

        Parameters
        ----------
        properties : mapping of str to ndarray
            Physical properties by name, in SI units.
        ndim : int
            Number of space dimensions.

        Returns
        -------
        dict of str to ndarray
        """
        return {
            name: properties[name] if name in properties else self.defaults[name]
            for name in self.properties_in(ndim)
        }

    def depending(self, properties: Collection[str], ndim: int) -> tuple[str, ...]:
        """Parameters that depend on any of some properties.

        Parameters
        ----------
        properties : collection of str
            Names of properties.
        ndim : int
            Number of space dimensions.

        Returns
        -------
        tuple of str
        """
        formulas = self.parameters(ndim)
        return tuple(p for p in formulas if set(arguments(formulas[p])) & set(properties))

    def speeds(self, properties: Mapping[str, Any], ndim: int) -> tuple[float, float]:
        """Slowest and fastest wave that properties allow [m/s].

        Parameters
        ----------
        properties : mapping of str to ndarray
            Physical properties by name, in SI units.
        ndim : int
            Number of space dimensions.

        Returns
        -------
        slowest, fastest : float
        """
        complete = self.complete(properties, ndim)
        slowest, fastest = call(self.slowest, complete), call(self.fastest, complete)
        return float(uniform.distinct(slowest).min()), float(uniform.distinct(fastest).max())


def call(function: Function, properties: Mapping[str, Any]) -> Any:
    """A function of the properties that its arguments name, those of 3D alone with defaults.

    Parameters
    ----------
    function : callable
    properties : mapping of str to ndarray
        Physical properties by name, in SI units.

    Returns
    -------
    object
        Value of the function.
    """
    listed = inspect.signature(function).parameters.values()
    names = [p.name for p in listed if p.name in properties or p.default is p.empty]
    arrays = {name: np.asarray(properties[name]) for name in names}
    shapes = {a.shape for a in arrays.values() if a.ndim}
    if len(shapes) == 1 and all(map(uniform.is_uniform, arrays.values())):  # of any number
        value = function(**{name: uniform.distinct(values) for name, values in arrays.items()})
        return np.broadcast_to(value, next(iter(shapes)))
    return function(**{name: properties[name] for name in names})


def _listed(dimensions: tuple[int, ...]) -> str:
    return " and ".join(f"{ndim}D" for ndim in dimensions)


@cache
def arguments(formula: str) -> tuple[str, ...]:
    """Names of the properties in a formula, in the order in which they occur."""
    tree = ast.parse(formula, mode="eval")
    called = {
        n.func.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id not in called]
    ordered = sorted(names, key=lambda n: (n.lineno, n.col_offset))
    return tuple(dict.fromkeys(n.id for n in ordered))
