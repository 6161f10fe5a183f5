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


def in_words(seconds: float) -> str:
    """A time in the two largest of its units, as in `2 h 13 min`.

    Parameters
    ----------
    seconds : float
        [s]

    Returns
    -------
    text : str
    """
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, hours, days = round(seconds / 60), round(seconds / 3600), round(seconds / 86400)
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    if hours < 48:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{hours // 24} d {hours % 24} h" if days < 100 else f"{days} d"
