"""Which misfits tell that a trace is late by more than half a period, and which do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fwicli.inversion.misfits.adaptive import Adaptive
from fwicli.inversion.misfits.attributes import Envelope, Phase, TraceNormalized
from fwicli.inversion.misfits.correlation import Correlation
from fwicli.inversion.misfits.graph_space import GraphSpace
from fwicli.inversion.misfits.residuals import LeastSquares
from fwicli.inversion.misfits.travel_time import TravelTime
from fwicli.inversion.misfits.wasserstein import Wasserstein
from tests.inversion.arrivals import INTERVAL, PERIOD, pulse, rising, train

Arrivals = Callable[[float], np.ndarray]


def _named(value: Any) -> str:
    """The same in every process."""
    return getattr(value, "__name__", str(value))


@pytest.mark.parametrize("arrivals", [pulse, train])
@pytest.mark.parametrize(
    "misfit", [LeastSquares(), Correlation(), TraceNormalized(), Phase()], ids=str
)
def test_skipping(misfit: Any, arrivals: Arrivals) -> None:
    """These grow over a quarter of a period, but no longer over three quarters."""
    assert rising(misfit, arrivals, PERIOD / 4)
    assert not rising(misfit, arrivals, 0.75 * PERIOD)


@pytest.mark.parametrize(
    ("misfit", "arrivals", "periods"),
    [
        (Envelope(), pulse, 1.5),
        (Envelope(), train, 0.75),
        (Envelope(exponent=2.0), pulse, 1.0),
        (Adaptive(), pulse, 2.0),
        (Adaptive(), train, 2.0),
        (Adaptive(damping=0.01), train, 2.0),
        (Wasserstein(), pulse, 2.0),
        (Wasserstein(), train, 2.0),
        (GraphSpace(shift=PERIOD), pulse, 1.5),
        (GraphSpace(shift=PERIOD), train, 1.0),
        (TravelTime(), pulse, 2.0),
        (TravelTime(), train, 2.0),
    ],
    ids=_named,
)
def test_proof_against_skipping(misfit: Any, arrivals: Arrivals, periods: float) -> None:
    """These grow with every step, early or late, over a period or two."""
    assert rising(misfit, arrivals, periods * PERIOD)


@pytest.mark.parametrize("late", [-0.21, -0.05, 0.003, 0.1, 0.25])
@pytest.mark.parametrize("arrivals", [pulse, train])
def test_lags_are_measured(arrivals: Arrivals, late: float) -> None:
    """Half the squared delay in s2, whatever the strength of the trace.

    That of the filter as far as its lags, which notches of the spectrum make long, fit the record.
    """
    synthetic, observed = 1e3 * arrivals(late), arrivals(0.0)
    assert TravelTime()(synthetic, observed, INTERVAL)[0] == pytest.approx(late**2 / 2, rel=1e-6)
    damping = 0.1 if arrivals is pulse else 1e-4
    value = Adaptive(damping)(synthetic, observed, INTERVAL)[0]
    assert value == pytest.approx(late**2 / 2, rel=0.01)


def test_travel_time_beyond_the_largest_shift_is_not_found() -> None:
    """The misfit is then that of the largest shift, and has no slope."""
    misfit = TravelTime(max_shift=0.03)
    near = misfit(pulse(0.02), pulse(0.0), INTERVAL)[0]
    assert near == pytest.approx(0.02**2 / 2, rel=1e-6)
    value, adjoint = misfit(pulse(0.05), pulse(0.0), INTERVAL)
    assert value == pytest.approx(0.03**2 / 2)
    assert not adjoint.any()
