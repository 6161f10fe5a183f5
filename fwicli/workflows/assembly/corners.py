"""Models at the corners of the bounds of variables.

Velocities and density change in one direction with each variable alone, so that they are largest
and smallest at corners of the box of bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.unknowns.variables import Variables
from fwicli.survey.model import EarthModel

Array = NDArray[Any]
Mask = NDArray[np.bool_]
Ends = Mapping[str, tuple[float | Array, float | Array]]
Corner = dict[str, float | Array]


def corners(
    variables: Variables, earth: Mapping[str, Array], ends: Ends, names: Sequence[str]
) -> Iterator[tuple[Corner, dict[str, Array]]]:
    """Properties at the corners of the bounds of some variables.

    Parameters
    ----------
    variables : Variables
        Without a taper.
    earth : mapping of str to ndarray
        Properties of a model, at any points. Variables that are not named have its values.
    ends : mapping of str to pair of float or ndarray
        Bounds by the name of the variable, numbers or at these points, in SI units.
    names : sequence of str
        Variables that are at their bounds.

    Yields
    ------
    corner : dict of str to float or ndarray
        Values of these variables.
    properties : dict of str to ndarray
        All properties, at all points; vs of fluids is 0 where a combination stands for it.
    """
    values = variables.values(earth)
    for sides in product((0, 1), repeat=len(names)):
        corner: Corner = {n: ends[n][side] for n, side in zip(names, sides, strict=True)}
        at_corner = {n: np.broadcast_to(v, values[n].shape) for n, v in corner.items()}
        yield corner, variables.earth(values | at_corner, earth)


def extreme_velocities(
    variables: Variables, model: EarthModel, ends: Ends, side: int, fixed: Mask | None
) -> dict[str, Array]:
    """The lowest or highest velocities that change, of all models within the bounds.

    Parameters
    ----------
    variables : Variables
        Without a taper.
    model : EarthModel
    ends : mapping of str to pair of float or ndarray
        As for `corners`.
    side : {0, 1}
        0 for the lowest, 1 for the highest.
    fixed : ndarray of bool, optional
        Points that have the velocities of the model.

    Returns
    -------
    velocities : dict of str to ndarray
        By name of the property. No solid has a vp below vs, and no wave stands still: where only
        such bounds are left, those of the other velocity or of the model count.
    """
    further = (np.minimum, np.maximum)[side]
    extremes: dict[str, Array] = {}
    for name in ("vs", "vp"):
        names = variables.behind(name)
        if not names:
            continue
        own = model.properties[name]
        extreme = np.array(own, dtype=float)
        for _, earth in corners(variables, model.properties, ends, names):
            extreme = further(extreme, earth[name])
        extremes[name] = extreme
    velocities = {**model.properties, **extremes}
    if "vp" in extremes and side == 0:
        slowest = np.maximum(extremes["vp"], velocities.get("vs", 0.0))
        extremes["vp"] = np.where(slowest > 0, slowest, model.properties["vp"])
    if "vs" in extremes and side == 1 and "vp" in velocities:
        extremes["vs"] = np.minimum(extremes["vs"], velocities["vp"])
    if fixed is None:
        return extremes
    return {n: np.where(fixed, model.properties[n], v) for n, v in extremes.items()}
