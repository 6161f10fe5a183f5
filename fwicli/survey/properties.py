"""Properties of the earth, in one table: units, signs, values of rocks, and how they are averaged.

Equations have some of these as arguments of their formulas. Configs, checks, grids, pictures
and inversions read this table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


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

# The product of vp and rho, which is inverted for like a property.
IMPEDANCE = "impedance"
UNITS = {
    **{name: prop.unit.name for name, prop in PROPERTIES.items() if prop.unit.name},
    IMPEDANCE: "kg/(m2 s)",
}
# Others may be zero or negative.
POSITIVE = (*(n for n, prop in PROPERTIES.items() if prop.sign == "positive"), IMPEDANCE)
PLAUSIBLE = {
    **{name: prop.plausible for name, prop in PROPERTIES.items()},
    IMPEDANCE: (50.0 * 500.0, 15000.0 * 10000.0),
}
# Properties of which fluids and solids have no mean in common.
WITHOUT_MEANS = tuple(name for name, prop in PROPERTIES.items() if prop.mean == "none")
