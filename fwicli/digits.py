"""Numbers in messages: digits enough to tell two apart, and limits rounded to the safe side."""

from __future__ import annotations

import math

# Double precision has no more.
MOST_DIGITS = 17


def round_down(value: float, digits: int = 3) -> float:
    """`value` rounded down to some significant digits.

    Parameters
    ----------
    value : float
    digits : int
        Number of significant digits.

    Returns
    -------
    float
        At most `value`.
    """
    if value == 0 or not math.isfinite(value):
        return value
    exponent = digits - 1 - math.floor(math.log10(abs(value)))
    scaled = math.floor(value * 10.0**exponent)
    rounded = float(f"{scaled}e{-exponent}")
    # Multiplying may have rounded up.
    return rounded if rounded <= value else float(f"{scaled - 1}e{-exponent}")


def round_up(value: float, digits: int = 3) -> float:
    """`value` rounded up to some significant digits.

    Parameters
    ----------
    value : float
    digits : int
        Number of significant digits.

    Returns
    -------
    float
        At least `value`.
    """
    return -round_down(-value, digits)


def apart(*values: float, digits: int = 4) -> list[str]:
    """Numbers as text, with as many digits as it takes to tell different ones apart.

    Parameters
    ----------
    digits : int
        Fewest significant digits.
    *values : float

    Returns
    -------
    list of str
    """
    for more in range(digits, MOST_DIGITS):
        texts = [f"{value:.{more}g}" for value in values]
        if len(set(texts)) == len(set(values)):
            return texts
    return [repr(float(value)) for value in values]
