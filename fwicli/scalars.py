"""One number of a user's own, as a size or an interval: whole or real, finite, and in its range."""

from __future__ import annotations

import math
import operator
from typing import Any

from fwicli.errors import FwiError


def whole(name: str, value: Any, least: int, error: type[FwiError]) -> int:
    """A whole number; 8.0 is one.

    Parameters
    ----------
    name : str
        Name for messages.
    value : object
    least : int
        The smallest that is allowed.
    error : type of FwiError
        Raised for anything else.

    Returns
    -------
    int
    """
    number: Any = value
    if isinstance(value, float) and value.is_integer():
        number = int(value)
    try:
        number = operator.index(number)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < least:
        raise error(f"{name} is {value!r}; it must be a whole number, {least} or more")
    return int(number)


def real(
    name: str, value: Any, unit: str, error: type[FwiError], least: float = -math.inf
) -> float:
    """A finite number.

    Parameters
    ----------
    name, unit : str
        For messages.
    value : object
    error : type of FwiError
        Raised for anything else.
    least : float
        The smallest that is allowed.

    Returns
    -------
    float
    """
    try:
        number = math.nan if isinstance(value, str | bytes | bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or number < least:
        raise error(f"{name} is {value!r}; it must be a finite number{_range(least)}{unit}")
    return number


def positive(name: str, value: Any, unit: str, error: type[FwiError]) -> float:
    """A finite number above 0.

    Parameters
    ----------
    name, unit : str
        Name and unit for messages.
    value : object
    error : type of FwiError
        Raised for other values.

    Returns
    -------
    float
    """
    number = real(name, value, unit, error)
    if number <= 0:
        raise error(f"{name} is {value!r}; it must be greater than 0{unit}")
    return number


def _range(least: float) -> str:
    return "" if math.isinf(least) else f", {least:g} or more"
