"""Components: what a receiver records, and what a source emits.

    pressure        p [Pa]; a source of pressure injects volume, equally in all directions
    velocity        of particles along a direction [m/s]: `vx`, `vy`, `vz` along the axes
    displacement    of particles along a direction [m]: `ux`, `uy`, `uz`
    acceleration    of particles along a direction [m/s2]: `ax`, `ay`, `az`
    force           along a direction [N], of sources: `fx`, `fy`, `fz`
    strain_rate     along a gauge of length L and direction e [1/s], of fibres:
                    (v(x + L e / 2) - v(x - L e / 2)) . e / L, with the velocity v of particles
    strain          the same of the displacement u of particles [1]
    moment          of a symmetric tensor times the wavelet M(t) [N m], of sources in solids: `mxx`,
                    `myy`, `mzz`, `mxy`, `mxz`, `myz`; forces are -div(M(t) delta)

A direction is a dip and an azimuth [deg]. The dip is counted from the horizontal plane downwards,
the azimuth from the x axis towards the y axis; z points down:

    e = (cos dip cos azimuth, cos dip sin azimuth, sin dip)

so that x is (0, 0), y is (0, 90) and z is (90, 0).

Displacements and strains are integrals over time of velocities and strain rates, zero before the
record begins. A reciprocal velocity or acceleration is that of a shot whose source and receiver
have changed places: a force stands where it was recorded, and it is recorded where the source of
pressure was (see `propagators.equations.reciprocity`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import GeometryError, PhysicsError
from fwicli.survey import moments

Array = NDArray[Any]

UNITS = {
    "pressure": "Pa",
    "velocity": "m/s",
    "displacement": "m",
    "acceleration": "m/s2",
    "force": "N",
    "strain_rate": "1/s",
    "strain": "1",
    "moment": "N m",
}
LETTERS = {"v": "velocity", "u": "displacement", "a": "acceleration", "f": "force"}
# Along a gauge, and the vector that they are differences of.
GAUGED = {"strain_rate": "velocity", "strain": "displacement"}
# Of motion, which reciprocity exchanges with sources of pressure.
EXCHANGED = ("velocity", "acceleration")
RECIPROCAL = "reciprocal "
AXES = {"x": (0.0, 0.0), "y": (0.0, 90.0), "z": (90.0, 0.0)}
DIRECTED = ("pressure", *(letter + axis for letter in LETTERS for axis in AXES))
NAMES = (*DIRECTED, *moments.NAMES)


@dataclass(frozen=True)
class Component:
    """One quantity of a wave field, and the direction of a vector, or a moment tensor.

    Parameters
    ----------
    quantity : str
        "pressure", "velocity", "displacement", "acceleration", "force", "strain_rate", "strain" or
        "moment".
    dip, azimuth : float or None
        Direction [deg]; None for pressure and moments, which have none.
    gauge : float or None
        Length of the gauge of a strain or strain rate [m]; None for others.
    tensor : sequence of float, or None
        Of a moment, by which its wavelet [N m] is multiplied: (xx, yy, zz, xy, xz, yz), or in 2D
        (xx, zz, xz); see `survey.moments`. None for others.
    reciprocal : bool
        Whether source and receiver have changed places.

    Raises
    ------
    GeometryError
        If there is no such quantity, or its direction, gauge or tensor is missing or not needed.
    """

    quantity: str
    dip: float | None = None
    azimuth: float | None = None
    gauge: float | None = None
    tensor: tuple[float, ...] | None = None
    reciprocal: bool = False

    def __post_init__(self) -> None:
        if self.quantity not in UNITS:
            raise GeometryError(
                f"there is no component `{self.quantity}`; there are {', '.join(UNITS)}"
            )
        if self.reciprocal and self.quantity not in EXCHANGED:
            raise GeometryError(
                f"there is no reciprocal {self.quantity}: velocities and accelerations alone are "
                f"exchanged with sources of pressure"
            )
        self._check_gauge()
        angles = (self.dip, self.azimuth)
        if self.quantity == "moment":
            object.__setattr__(self, "tensor", moments.whole(self.tensor or ()))
        elif self.tensor is not None:
            raise GeometryError(f"a component of {self.quantity} has no tensor; leave it out")
        if self.quantity in ("pressure", "moment"):
            if angles != (None, None):
                raise GeometryError(f"{self.quantity} has no direction; leave out dip and azimuth")
            return
        if any(angle is None or not np.isfinite(angle) for angle in angles):
            raise GeometryError(
                f"the direction of a component of {self.quantity} is dip {self.dip} and azimuth "
                f"{self.azimuth}; give both [deg], or a name such as "
                f"`{self.quantity[0]}x`, `{self.quantity[0]}z`"
            )

    def _check_gauge(self) -> None:
        """Strains and their rates have a gauge, and others have none."""
        if self.quantity not in GAUGED:
            if self.gauge is not None:
                raise GeometryError(f"a component of {self.quantity} has no gauge; leave it out")
        elif self.gauge is None or not 0 < self.gauge < np.inf:
            words = self.quantity.replace("_", " ")
            raise GeometryError(
                f"the gauge of a {words} is {self.gauge}; give its length [m], as in "
                f"`{{quantity: {self.quantity}, gauge: 10, dip: 0}}`"
            )

    @classmethod
    def named(cls, name: str) -> Component:
        """The component of a name: `pressure`, `vx`, `fz`, `mxz`, or a code as `velocity 30 45`.

        A code of a strain or its rate has a third number, the length of the gauge [m]; that of a
        moment has the numbers of its tensor. Reciprocal ones have a word before, `reciprocal vz`.

        Raises
        ------
        GeometryError
            If there is none of this name.
        """
        if name == "pressure":
            return cls(name)
        if name.startswith(RECIPROCAL):
            return replace(cls.named(name.removeprefix(RECIPROCAL)), reciprocal=True)
        quantity, *angles = name.split() or [""]
        if len(angles) == 2 and quantity in LETTERS.values():
            dip, azimuth = _numbers(angles, name)
            return cls(quantity, dip, azimuth)
        if len(angles) == 3 and quantity in GAUGED:
            dip, azimuth, gauge = _numbers(angles, name)
            return cls(quantity, dip, azimuth, gauge)
        if quantity == "moment" and angles:
            return cls(quantity, tensor=tuple(_numbers(angles, name)))
        if name in moments.NAMES:
            return cls("moment", tensor=tuple(float(name == each) for each in moments.NAMES))
        if name not in NAMES:
            raise GeometryError(f"there is no component `{name}`; there are {', '.join(NAMES)}")
        return cls(LETTERS[name[0]], *AXES[name[1]])

    @classmethod
    def double_couple(cls, strike: float, dip: float, rake: float) -> Component:
        """The moment of a slip on a plane fault (see `survey.moments`).

        Parameters
        ----------
        strike, dip, rake : float
            Direction of the fault from x towards y, its dip to the right of it, and the direction
            of the slip from the strike upwards [deg].

        Returns
        -------
        Component
        """
        return cls("moment", tensor=moments.double_couple(strike, dip, rake))

    @property
    def name(self) -> str:
        """`pressure`, `vx`, ..., or the quantity with its direction in words."""
        if self.reciprocal:
            return RECIPROCAL + self.measured.name
        for name in NAMES:
            if Component.named(name) == self:
                return name
        if self.tensor is not None:
            return f"moment of {moments.words(self.tensor)}"
        over = "" if self.gauge is None else f" over {self.gauge:g} m"
        return f"{self.quantity}{over} along dip {self.dip:g}, azimuth {self.azimuth:g} deg"

    @property
    def code(self) -> str:
        """A short text that `named` takes: the name, or the quantity and its numbers."""
        if self.reciprocal:
            return RECIPROCAL + self.measured.code
        return self.name if self.name in NAMES else self.written

    @property
    def written(self) -> str:
        """The quantity, and all numbers: dip, azimuth and gauge, or the elements of a tensor."""
        numbers = [self.dip, self.azimuth, *([] if self.gauge is None else [self.gauge])]
        numbers = numbers if self.tensor is None else [*self.tensor]
        return " ".join([self.quantity, *(repr(float(number or 0.0)) for number in numbers)])

    @property
    def measured(self) -> Component:
        """The component that was measured, before source and receiver changed places."""
        return replace(self, reciprocal=False) if self.reciprocal else self

    @property
    def exchanged(self) -> tuple[Component, Component]:
        """Source and receiver that stand for a source of pressure and this, by reciprocity."""
        if self == PRESSURE:
            return PRESSURE, PRESSURE
        return Component("force", self.dip, self.azimuth), replace(self, reciprocal=True)

    @property
    def vector(self) -> str:
        """The vector that it is a part or a difference of: velocity for strain rates."""
        return GAUGED.get(self.quantity, self.quantity)

    @property
    def rate(self) -> str:
        """The vector that equations have, of which it may be the integral over time."""
        return "velocity" if self.vector == "displacement" else self.vector

    def ends(self, positions: Array) -> tuple[Array, ...]:
        """Places whose waves are recorded at positions: the two ends of a gauge, or the positions.

        Parameters
        ----------
        positions : ndarray of shape (n, ndim)
            [m]

        Returns
        -------
        tuple of ndarray of shape (n, ndim)
            [m]; of a gauge, that against its direction comes first.
        """
        if self.gauge is None:
            return (positions,)
        half = 0.5 * self.gauge * self.direction(positions.shape[-1])
        return positions - half, positions + half

    @property
    def unit(self) -> str:
        """SI unit."""
        return UNITS[self.quantity]

    def source_unit(self, ndim: int) -> str:
        """SI unit of the wavelet of a source in 2 or 3 dimensions; in 2D a source is a line."""
        if self.quantity == "pressure":
            return "Pa" if ndim == 2 else "Pa m"
        return f"{self.unit}{'' if ndim == 3 else '/m'}"

    def direction(self, ndim: int) -> Array:
        """Unit vector of the direction, shape (ndim,).

        Parameters
        ----------
        ndim : int
            2 for (x, z), 3 for (x, y, z).

        Raises
        ------
        GeometryError
            If there is no direction, or it leaves the plane of a model in 2D.
        """
        if self.dip is None or self.azimuth is None:
            raise GeometryError(f"{self.quantity} has no direction")
        dip, azimuth = np.deg2rad(self.dip), np.deg2rad(self.azimuth)
        x, y = np.cos(dip) * np.cos(azimuth), np.cos(dip) * np.sin(azimuth)
        vector = np.array([x, y, np.sin(dip)])
        vector[np.abs(vector) < 1e-15] = 0.0
        if ndim == 3:
            return vector
        if vector[1] != 0:
            raise GeometryError(
                f"the component {self.name} leaves the plane (x, z) of a model in 2D; its azimuth "
                f"must be 0 or 180 deg, or its dip 90 deg"
            )
        return vector[[0, 2]]

    def axes(self, ndim: int) -> tuple[str, ...]:
        """Names of the components of its vector along the axes, or of its tensor.

        Pressure has no such names.

        Parameters
        ----------
        ndim : int
            2 for (x, z), 3 for (x, y, z).

        Returns
        -------
        tuple of str
        """
        if self.tensor is not None:
            return moments.names(ndim)
        letters = [letter for letter, quantity in LETTERS.items() if quantity == self.rate]
        return tuple(f"{letter}{axis}" for letter in letters for axis in "xyz"[:: 4 - ndim])

    def shares(self, ndim: int) -> dict[str, float]:
        """Shares of the components along `axes` in it, those that are not zero.

        Parameters
        ----------
        ndim : int
            2 for (x, z), 3 for (x, y, z).

        Returns
        -------
        dict of str to float

        Raises
        ------
        GeometryError
            If it has none, or leaves the plane of a model in 2D.
        """
        if self.tensor is None:
            values = tuple(self.direction(ndim).tolist())
        else:
            values = moments.elements(self.tensor, ndim)
        return {n: value for n, value in zip(self.axes(ndim), values, strict=True) if value}


PRESSURE = Component("pressure")
# Component of the source of a shot, and those of its receivers.
Recording = tuple[Component, frozenset[Component]]


def rows(components: Sequence[Component]) -> dict[Component, NDArray[np.int64]]:
    """Numbers of the points of each component, in the order of their first points.

    Parameters
    ----------
    components : sequence of Component
        One for each point.

    Returns
    -------
    rows : dict of Component to ndarray of int
    """
    numbers: dict[Component, list[int]] = {}
    for number, component in enumerate(components):
        numbers.setdefault(component, []).append(number)
    return {component: np.array(each) for component, each in numbers.items()}


def ordered(components: Iterable[Component]) -> list[Component]:
    """Components in the order of their names, pressure first."""
    return sorted(set(components), key=lambda c: (c != PRESSURE, c.code))


def _numbers(texts: list[str], name: str) -> list[float]:
    """Numbers of a code."""
    try:
        return [float(text) for text in texts]
    except ValueError:
        raise GeometryError(
            f"there is no component `{name}`; a direction is written as in `velocity 30 45`, with "
            f"dip and azimuth [deg]"
        ) from None


def check(
    components: Iterable[Component], supported: Collection[str], equation: str, verb: str
) -> None:
    """Make sure that an equation has all components.

    Parameters
    ----------
    components : iterable of Component
    supported : collection of str
        Names of those that the equation has.
    equation : str
        Its name, for the message.
    verb : {"record", "emit"}

    Raises
    ------
    PhysicsError
        Naming those that it has not.
    """
    # An equation that has a vector along all axes has it along any direction.
    vectors = {LETTERS[n[0]] for n in supported if {n[0] + "x", n[0] + "z"} <= set(supported)}
    vectors |= {"moment"} if set(moments.names(2)) <= set(supported) else set()
    missing = sorted(
        {c.name for c in components if c.rate not in vectors and c.name not in supported}
    )
    if missing:
        which = "receivers of" if verb == "record" else "sources of"
        choice = "" if "pressure" in supported else f", or set `component: {next(iter(supported))}`"
        raise PhysicsError(
            f"the equation `{equation}` cannot {verb} {', '.join(missing)}, only "
            f"{', '.join(supported)}; leave out the {which} {', '.join(missing)}{choice}"
        )
