"""An array of a user's own as real numbers: what is unambiguous is converted, the rest named."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import FwiError

Array = NDArray[Any]

# Kinds of numbers that are converted: integers, and floating-point numbers.
REAL = "iuf"


def real(what: str, values: Any, error: type[FwiError]) -> Array:
    """Values as an array of real numbers; integers become float64.

    Parameters
    ----------
    what : str
        Name for messages.
    values : array_like
    error : type of FwiError
        Raised for values of another kind.

    Returns
    -------
    ndarray
        In float16, float32 or float64.
    """
    if getattr(values, "requires_grad", False):
        raise error(
            f"{what} is a tensor that requires a gradient, which would be lost here: use "
            f"`fwicli.autograd`, or give {what.split()[-1]}.detach()"
        )
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as reason:
        raise error(f"{what} is {kind_of(values)} that makes no array: {reason}") from reason
    if array.dtype.kind not in REAL:
        raise error(
            f"{what} is {kind_of(values)} of {array.dtype}; waves take real numbers: convert it, "
            f"as by {'.real' if array.dtype.kind == 'c' else '.astype(float)'}"
        )
    check_unmasked(what, values, error)
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        return array.astype(np.float64)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def check_unmasked(what: str, values: Any, error: type[FwiError]) -> None:
    """Make sure that all of an array are values: a conversion would take what a mask hides.

    Parameters
    ----------
    what : str
        Name for messages.
    values : array_like
    error : type of FwiError
        Raised for other values.
    """
    if np.ma.is_masked(values):
        raise error(
            f"{what} is a masked array, and {np.count_nonzero(values.mask)} of {values.size} "
            f"values are masked; waves need all: fill them, as by .filled(value)"
        )


def kind_of(values: Any) -> str:
    """The type of an object, with an article."""
    if values is None:
        return "nothing (None)"
    name = type(values).__name__
    return f"{'an' if name[0].lower() in 'aeiou' or name == 'ndarray' else 'a'} {name}"
