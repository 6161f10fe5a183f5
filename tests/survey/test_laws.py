"""Laws of vs and density by vp: published values, and their derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.survey.laws import Gardner, Law, Mudrock

VP = np.array([1400.0, 1600.0, 2200.0, 3100.0, 5000.0])


def test_published_values() -> None:
    """vp = 1.16 vs + 1360 of Castagna et al., rho = 310 vp**0.25 of Gardner et al., in SI units."""
    np.testing.assert_allclose(Mudrock().value(np.array([1360 + 1160.0])), 1000.0, rtol=1e-14)
    np.testing.assert_allclose(
        Gardner().value(np.array([1600.0, 8100.0 / 81 * 256])),
        [310 * 40**0.5, 310 * 4 * 10**0.5],
        rtol=1e-13,
    )
    assert Mudrock(least=600.0).value(VP).min() == 600.0


@pytest.mark.parametrize("law", [Mudrock(), Mudrock(1200.0, 1.4, 600.0), Gardner(), Gardner(0.3)])
def test_slopes(law: Law) -> None:
    """Those of steps of 1e-30 i."""
    expected = np.imag(law.value(VP + 1e-30j)) / 1e-30
    np.testing.assert_allclose(law.slope(VP), expected, rtol=1e-12)
    assert np.all(law.slope(VP) >= 0)
    assert law.slope(VP)[-1] > 0
