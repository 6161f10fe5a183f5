"""Velocities and density from combinations of them, with derivatives.

    rho = z / vp  or  vp = z / rho       z = vp rho                   impedance
    vs = s / rho                         s = vs rho                   shear_impedance
    vs = vp / q                          q = vp / vs                  vp_vs_ratio
    vs = sqrt(mu / rho)                  mu = rho vs**2               lame_mu
    vp = sqrt(lambda / rho + 2 vs**2)    lambda = rho (vp**2 - 2 vs**2)    lame_lambda

Each is a formula for one property, c = C(y, others), with the derivatives of C. Those by y are 0 in
fluids where C is vs: there vs is 0 and stays so. Where lambda is below -2 mu, vp is 0, which every
equation refuses.

References: Aki and Richards (2002), Quantitative Seismology, chapter 2, for the moduli; Tarantola
(1986), Geophysics 51, 1893-1903, for impedances, velocities and Lame's parameters as variables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Properties = Mapping[str, Array]


@dataclass(frozen=True)
class Substitution:
    """A property in terms of a combination y and of other properties.

    Attributes
    ----------
    solve : callable
        The property, from y and the other properties by name.
    slope : callable
        Its derivative by y, from all properties by name.
    slopes : mapping of str to callable
        Its derivatives by the other properties, from all properties by name.
    """

    solve: Callable[[Array, Properties], Array]
    slope: Callable[[Properties], Array]
    slopes: Mapping[str, Callable[[Properties], Array]]


def _inverse(values: Array) -> Array:
    """1 / values, and 0 where they are 0."""
    return np.divide(1.0, values, out=np.zeros(np.shape(values)), where=values != 0)


# By combination and by the property that it stands for.
SUBSTITUTIONS: dict[tuple[str, str], Substitution] = {
    ("impedance", "rho"): Substitution(
        lambda z, earth: z / earth["vp"],
        lambda earth: 1 / earth["vp"],
        {"vp": lambda earth: -earth["rho"] / earth["vp"]},
    ),
    ("impedance", "vp"): Substitution(
        lambda z, earth: z / earth["rho"],
        lambda earth: 1 / earth["rho"],
        {"rho": lambda earth: -earth["vp"] / earth["rho"]},
    ),
    ("shear_impedance", "vs"): Substitution(
        lambda s, earth: s / earth["rho"],
        lambda earth: 1 / earth["rho"],
        {"rho": lambda earth: -earth["vs"] / earth["rho"]},
    ),
    ("vp_vs_ratio", "vs"): Substitution(
        lambda q, earth: earth["vp"] / q,
        lambda earth: -(earth["vs"] ** 2) / earth["vp"],
        {"vp": lambda earth: earth["vs"] / earth["vp"]},
    ),
    ("lame_mu", "vs"): Substitution(
        lambda mu, earth: np.sqrt(mu / earth["rho"]),
        lambda earth: 0.5 * _inverse(earth["vs"]) / earth["rho"],
        {"rho": lambda earth: -0.5 * earth["vs"] / earth["rho"]},
    ),
    ("lame_lambda", "vp"): Substitution(
        lambda modulus, earth: np.sqrt(
            np.maximum(modulus / earth["rho"] + 2 * earth["vs"] ** 2, 0.0)
        ),
        lambda earth: 0.5 * _inverse(earth["vp"]) / earth["rho"],
        {
            "vs": lambda earth: 2 * earth["vs"] * _inverse(earth["vp"]),
            "rho": lambda earth: (
                (earth["vs"] ** 2 * _inverse(earth["vp"]) - 0.5 * earth["vp"]) / earth["rho"]
            ),
        },
    ),
}
