"""Earths that any equation can take: all properties of the table, random or plain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.survey.properties import PROPERTIES

Earth = dict[str, NDArray[np.float64]]


def random_earth(shape: tuple[int, ...], seed: int = 0, **given: NDArray[np.float64]) -> Earth:
    """Properties that change from cell to cell, within their common ranges.

    Parameters
    ----------
    shape : tuple of int
        Points along each axis.
    seed : int
    **given : ndarray of shape `shape`
        Properties in place of random ones.

    Returns
    -------
    dict of str to ndarray of shape `shape`
        The numbers of one property do not depend on which others there are.
    """
    earth = {}
    for name, prop in PROPERTIES.items():
        low, high = prop.common
        random = np.random.default_rng([seed, *name.encode()]).random(shape)
        earth[name] = low + (high - low) * random
    return earth | given


def plain(name: str) -> float:
    """The value of a property with which it does not matter: the density of water, no losses."""
    prop = PROPERTIES[name]
    if name == "rho":
        return 1000.0
    return prop.plausible[1] / 10 if prop.sign == "positive" else 0.0


def leading_earth(
    equation: str, velocity: NDArray[np.float64] | float, shape: tuple[int, ...], **given: float
) -> Earth:
    """As `plain_earth`, with a velocity of the fastest waves of an equation, in a solid for SH.

    Parameters
    ----------
    equation : str
        Name of the equation.
    velocity : ndarray of shape `shape` or float
        [m/s]
    shape : tuple of int
        Points along each axis.
    **given : float
        As in `plain_earth`.

    Returns
    -------
    dict of str to ndarray of shape `shape`
    """
    earth = plain_earth(velocity, shape, **given)
    return earth | {EQUATIONS[equation].leading: earth["vp"]}


def plain_earth(vp: NDArray[np.float64] | float, shape: tuple[int, ...], **given: float) -> Earth:
    """An isotropic fluid without losses, with the density of water, but for what is given.

    Parameters
    ----------
    vp : ndarray of shape `shape` or float
        P velocity [m/s].
    shape : tuple of int
        Points along each axis.
    **given : float
        Other properties, uniform, in place of plain ones.

    Returns
    -------
    dict of str to ndarray of shape `shape`
    """
    values = {name: plain(name) for name in PROPERTIES if name != "vp"} | given
    earth = {"vp": np.array(np.broadcast_to(vp, shape), dtype=float)}
    return earth | {name: np.full(shape, value) for name, value in values.items()}
