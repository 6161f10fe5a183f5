"""Moment tensors of sources: their elements by name, and those of a slip on a fault.

A symmetric tensor M has the elements xx, yy, zz, xy, xz, yz; z points down. Positive elements along
the axes push outwards, as an explosion does; M_xz is a couple of forces along x, that at the larger
depth towards larger x, with one of forces along z that takes its torque away.

References: Aki and Richards (2002), Quantitative Seismology, sections 3.3 and 4.4 (box 4.4).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fwicli.errors import GeometryError

ELEMENTS = ("xx", "yy", "zz", "xy", "xz", "yz")
# Those in the plane of a model in 2D, in the order of a tensor of three numbers.
IN_PLANE = ("xx", "zz", "xz")
NAMES = tuple(f"m{element}" for element in ELEMENTS)

Tensor = tuple[float, ...]


def whole(tensor: Sequence[float]) -> Tensor:
    """The six elements of a tensor.

    Parameters
    ----------
    tensor : sequence of float
        In the order of `ELEMENTS`, or of `IN_PLANE`.

    Returns
    -------
    tuple of float
        In the order of `ELEMENTS`.

    Raises
    ------
    GeometryError
        If there are not as many, not all are finite, or all are zero.
    """
    try:
        values = [float(value) + 0.0 for value in tensor]
    except (TypeError, ValueError):
        values = []
    if len(values) == len(IN_PLANE):
        plane = dict(zip(IN_PLANE, values, strict=True))
        values = [plane.get(element, 0.0) for element in ELEMENTS]
    if len(values) != len(ELEMENTS) or not np.isfinite(values).all() or not any(values):
        raise GeometryError(
            f"the tensor of a moment is {tensor!r}; give finite numbers that are not all 0, "
            f"(xx, yy, zz, xy, xz, yz), or in 2D (xx, zz, xz), as in `Component('moment', "
            f"tensor=(1, -1, 0))`"
        )
    return tuple(values)


def elements(tensor: Tensor, ndim: int) -> tuple[float, ...]:
    """The elements that act in a model.

    Parameters
    ----------
    tensor : tuple of float
        In the order of `ELEMENTS`.
    ndim : int
        2 for (x, z), 3 for (x, y, z).

    Returns
    -------
    tuple of float
        In the order of `names`.

    Raises
    ------
    GeometryError
        If some leave the plane of a model in 2D.
    """
    by_name = dict(zip(NAMES, tensor, strict=True))
    beyond = [name for name, value in by_name.items() if value and name not in names(ndim)]
    if beyond:
        raise GeometryError(
            f"the moment has {', '.join(beyond)}, which leave the plane (x, z) of a model in 2D; "
            f"give {', '.join(names(2))} alone, as in `tensor: [1, -1, 0]`, or a model in 3D"
        )
    return tuple(by_name[name] for name in names(ndim))


def names(ndim: int) -> tuple[str, ...]:
    """Names of the elements in a model with 2 or 3 dimensions."""
    return NAMES if ndim == 3 else tuple(f"m{element}" for element in IN_PLANE)


def double_couple(strike: float, dip: float, rake: float) -> Tensor:
    """The tensor of unit moment of a slip on a plane fault.

    Parameters
    ----------
    strike : float
        Direction of the fault, which dips to its right, from x towards y [deg].
    dip : float
        Of the fault, below the horizontal plane [deg].
    rake : float
        Direction of the slip of the rock above the fault, from the strike upwards [deg]: 0 is left
        lateral, 90 a thrust.

    Returns
    -------
    tuple of float
        In the order of `ELEMENTS`.

    Raises
    ------
    GeometryError
        If an angle is not finite.
    """
    if not np.isfinite([strike, dip, rake]).all():
        raise GeometryError(
            f"strike {strike}, dip {dip} and rake {rake} of a fault must be finite [deg]"
        )
    f, d, r = np.deg2rad([strike, dip, rake])
    level, upward = np.cos(r), np.sin(r)
    values = np.array(
        [
            -np.sin(d) * level * np.sin(2 * f) - np.sin(2 * d) * upward * np.sin(f) ** 2,
            np.sin(d) * level * np.sin(2 * f) - np.sin(2 * d) * upward * np.cos(f) ** 2,
            np.sin(2 * d) * upward,
            np.sin(d) * level * np.cos(2 * f) + np.sin(2 * d) * upward * np.sin(2 * f) / 2,
            -np.cos(d) * level * np.cos(f) - np.cos(2 * d) * upward * np.sin(f),
            -np.cos(d) * level * np.sin(f) + np.cos(2 * d) * upward * np.cos(f),
        ]
    )
    values[np.abs(values) < 1e-15] = 0.0
    return tuple(values.tolist())


def words(tensor: Tensor) -> str:
    """The elements that are not zero, with their names."""
    return ", ".join(
        f"{value:g} {name}" for name, value in zip(NAMES, tensor, strict=True) if value
    )


def is_isotropic(tensor: Tensor, ndim: int) -> bool:
    """Whether a tensor pushes equally in all directions, as pressure does.

    Parameters
    ----------
    tensor : tuple of float
        In the order of `ELEMENTS`.
    ndim : int
        2 for (x, z), 3 for (x, y, z).

    Returns
    -------
    bool
    """
    values = elements(tensor, ndim)
    return len(set(values[:ndim])) == 1 and not any(values[ndim:])


def across(tensor: Tensor) -> tuple[float, ...]:
    """The elements zz, xz and yz, which act across planes of constant depth."""
    return tuple(value for name, value in zip(ELEMENTS, tensor, strict=True) if "z" in name)
