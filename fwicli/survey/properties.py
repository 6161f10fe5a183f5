"""Properties of the earth, in one table: units, signs, values of rocks, and how they are averaged.

Equations have some of these as arguments of their formulas. Configs, checks, grids, pictures
and inversions read this table. A second one has combinations of velocities and density, which an
inversion may have as variables in their place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True)
class Unit:
    """The unit of a property, and others that a config may state in its place.

    Attributes
    ----------
    name : str
        SI unit; none for ratios.
    setting : str
        Key of a model in a config that states the unit.
    others : mapping of str to float
        Other units, in the SI unit.
    """

    name: str = ""
    setting: str = ""
    others: Mapping[str, float] = field(default_factory=dict)

    def scale(self, unit: str) -> float:
        """A unit of a config in the SI unit; 1 without one, or for the SI unit itself."""
        return self.others.get(unit, 1.0)

    @property
    def thousand(self) -> str:
        """The unit that is a thousand times the SI unit; none without one."""
        return next((name for name, scale in self.others.items() if scale == 1000.0), "")


@dataclass(frozen=True)
class Property:
    """A property of the earth.

    Attributes
    ----------
    plausible : pair of float
        Range in rocks, water and air; values outside are likely of another unit.
    common : pair of float
        Range within which all equations are stable, whatever the other properties are in theirs.
    unit : Unit
    words : str
        Its name in pictures; by default that of the property.
    sign : {"positive", "not negative", "any"}
        Of its values.
    mean : {"value", "inverse", "none"}
        Over cells: of the values, the inverse of that of their inverses, or none.
    """

    plausible: tuple[float, float]
    common: tuple[float, float]
    unit: Unit = Unit()
    words: str = ""
    sign: Literal["positive", "not negative", "any"] = "any"
    mean: Literal["value", "inverse", "none"] = "value"


_VELOCITY = Unit("m/s", "unit", {"km/s": 1000.0})
_DENSITY = Unit("kg/m3", "rho_unit", {"g/cm3": 1000.0})
_ANGLE = Unit("rad", "angle_unit", {"deg": math.pi / 180})

PROPERTIES: dict[str, Property] = {
    "vp": Property((50.0, 15000.0), (1500.0, 2500.0), _VELOCITY, "P velocity", "positive"),
    # 0 in fluids.
    "vs": Property((0.0, 9000.0), (300.0, 900.0), _VELOCITY, "S velocity", "not negative", "none"),
    "rho": Property((500.0, 10000.0), (1000.0, 2000.0), _DENSITY, "density", "positive"),
    # Quality factors of P and of S waves. Shares of energy that are lost add.
    "qp": Property((5.0, 1e6), (20.0, 100.0), sign="positive", mean="inverse"),
    "qs": Property((5.0, 1e6), (50.0, 100.0), sign="positive", mean="inverse"),
    # Thomsen's parameters.
    "epsilon": Property((-0.5, 2.0), (0.1, 0.3)),
    "delta": Property((-0.5, 2.0), (-0.1, 0.1)),
    "gamma": Property((-0.5, 2.0), (0.05, 0.25)),
    # The axis of symmetry: its tilt from the vertical, and its azimuth from x.
    "theta": Property((-3.2, 3.2), (0.0, math.pi), _ANGLE),
    "phi": Property((-6.4, 6.4), (0.0, math.pi), _ANGLE),
}


@dataclass(frozen=True)
class Combination:
    """A function of velocities and density that takes the place of one of them in an inversion.

    Attributes
    ----------
    value : callable
        The function, of the values of properties in the order of `needs`.
    needs : tuple of str
        Properties that it is a function of.
    formula : str
        The function in words.
    plausible : pair of float
        Range in rocks, water and air.
    unit : Unit
    words : str
        Its name in pictures.
    positive : bool
        Whether it is positive in solids.
    place : str
        Property that it stands for.
    second : str
        Property that it stands for beside certain variables, unless this is a variable itself.
    beside : tuple of str
        These variables.
    """

    value: Callable[..., Any]
    needs: tuple[str, ...]
    formula: str
    plausible: tuple[float, float]
    unit: Unit
    words: str
    place: str
    positive: bool = True
    second: str = ""
    beside: tuple[str, ...] = ()

    @property
    def of_solids(self) -> bool:
        """Whether it stands for vs, so that fluids, where vs is 0, have none."""
        return self.place == "vs"

    def place_among(self, names: Collection[str]) -> str:
        """Property that it stands for in an inversion.

        Parameters
        ----------
        names : collection of str
            All variables of the inversion.

        Returns
        -------
        name : str
        """
        second = self.second not in names and not set(self.beside).isdisjoint(names)
        return self.second if second else self.place

    def of(self, properties: Mapping[str, Any]) -> Any:
        """The combination of properties; the ratio of fluids, which have none, is 0.

        Parameters
        ----------
        properties : mapping of str to ndarray
            In SI units.

        Returns
        -------
        values : ndarray
            In SI units.
        """
        return self.value(*(properties[name] for name in self.needs))


def _ratio(vp: Any, vs: Any) -> Any:
    """vp / vs, and 0 in fluids."""
    zeros = np.zeros(np.shape(vs), np.result_type(vp, vs))
    return np.divide(vp, vs, out=zeros, where=vs != 0)


_IMPEDANCE = Unit("kg/(m2 s)")
_MODULUS = Unit("Pa", others={"GPa": 1e9})

# In the order in which an inversion solves for the properties that they stand for.
COMBINATIONS: dict[str, Combination] = {
    "impedance": Combination(
        lambda vp, rho: vp * rho,
        ("vp", "rho"),
        "vp rho",
        (50.0 * 500.0, 15000.0 * 10000.0),
        _IMPEDANCE,
        "impedance",
        "rho",
        second="vp",
        beside=("rho", "shear_impedance"),
    ),
    "shear_impedance": Combination(
        lambda vs, rho: vs * rho,
        ("vs", "rho"),
        "vs rho",
        (0.0, 9000.0 * 10000.0),
        _IMPEDANCE,
        "S impedance",
        "vs",
    ),
    "lame_mu": Combination(
        lambda vs, rho: rho * vs**2,
        ("vs", "rho"),
        "rho vs**2",
        (0.0, 10000.0 * 9000.0**2),
        _MODULUS,
        "Lame's mu",
        "vs",
    ),
    "vp_vs_ratio": Combination(
        _ratio, ("vp", "vs"), "vp / vs", (1.2, 100.0), Unit(), "vp / vs", "vs"
    ),
    # Negative values are those of rare rocks. It is -2/3 mu where the bulk modulus is 0.
    "lame_lambda": Combination(
        lambda vp, vs, rho: rho * (vp**2 - 2 * vs**2),
        ("vp", "vs", "rho"),
        "rho (vp**2 - 2 vs**2)",
        (-5e10, 10000.0 * 15000.0**2),
        _MODULUS,
        "Lame's lambda",
        "vp",
        positive=False,
    ),
}
# Combinations that fluids have not; there they are 0.
OF_SOLIDS = tuple(name for name, combination in COMBINATIONS.items() if combination.of_solids)
# Pairs of combinations that do not determine the properties that they stand for, why, and others
# in their place.
UNDETERMINED = {
    ("lame_lambda", "vp_vs_ratio"): (
        "determine neither vp nor vs where vp is sqrt(2) vs and lame_lambda is 0",
        "lame_mu in place of vp_vs_ratio, or vp in place of lame_lambda",
    ),
    ("lame_lambda", "impedance"): (
        "take the places of vp and rho, and each of these follows from the other alone",
        "rho in place of impedance, or vp in place of lame_lambda",
    ),
}

_ALL: dict[str, Property | Combination] = {**PROPERTIES, **COMBINATIONS}
UNITS = {name: quantity.unit.name for name, quantity in _ALL.items() if quantity.unit.name}
# Others may be zero or negative.
POSITIVE = (
    *(name for name, prop in PROPERTIES.items() if prop.sign == "positive"),
    *(name for name, combination in COMBINATIONS.items() if combination.positive),
)
PLAUSIBLE = {name: quantity.plausible for name, quantity in _ALL.items()}
# Properties of which fluids and solids have no mean in common.
WITHOUT_MEANS = tuple(name for name, prop in PROPERTIES.items() if prop.mean == "none")
