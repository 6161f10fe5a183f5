"""Numbers in messages."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.digits import apart, round_down, round_up

RNG = np.random.default_rng(4)
VALUES = [0.00086799, 1.0, 123.999, 9.9999e-7, -3.14159, 0.0, *(10.0 ** RNG.uniform(-30, 30, 300))]


@pytest.mark.parametrize("digits", [2, 3, 4])
def test_limits_are_rounded_to_the_safe_side(digits: int) -> None:
    """Typed in as they are printed, they hold; and they are near."""
    for value in VALUES:
        low, high = round_down(value, digits), round_up(value, digits)
        assert float(f"{low:g}") <= value <= float(f"{high:g}")
        assert high - low <= 1.001 * 10.0 ** (1 - digits) * abs(value)


def test_different_numbers_look_different() -> None:
    for value in VALUES:
        for other in (value, value * (1 + 1e-4), value * (1 - 1e-9), np.nextafter(value, 1e40)):
            texts = apart(value, other)
            assert (texts[0] == texts[1]) == (value == other), texts
    assert apart(3.4001, 3.4002) == ["3.4001", "3.4002"]
    assert apart(8.0, 3.0) == ["8", "3"]
