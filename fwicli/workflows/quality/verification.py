"""`fwi verify`: dot and Taylor tests of the operators, on the model and geometry of a config.

The tests run in double precision with every step of the history kept, which takes memory; the
records are shortened until it fits, and one shot is used, with some of its receivers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fwicli.config.loader import Loaded
from fwicli.propagators.equations import properties
from fwicli.propagators.history import STORED
from fwicli.propagators.propagator import Propagator
from fwicli.propagators.verification import Verdict, Verification
from fwicli.survey.points import Points
from fwicli.survey.regridding import coarsened
from fwicli.workflows.planning.numerics import Numerics
from fwicli.workflows.planning.plan import make_plan

# Memory that one shot may take [bytes]; samples of the shortest record; receivers.
BUDGET = 2e9
SHORTEST = 40
RECEIVERS = 20


def run(loaded: Loaded) -> Iterator[Verdict]:
    """Verdicts of the tests, one after the other."""
    plan = make_plan(loaded)
    plan.announce()
    whole = replace(
        plan.stages[0],
        windows=(),
        precision="float64",
        history_step=1,
        history=STORED,
        parameters=None,
    )
    numerics = _shortened(whole)
    earth = coarsened(plan.model, numerics.grid)
    receivers = plan.acquisition.receiver_points(0)
    some = slice(None, None, max(1, len(receivers) // RECEIVERS))
    verification = Verification(
        Propagator(numerics.discretization(), quiet=True),
        properties.parameters(numerics.equation, earth.properties),
        plan.acquisition.source_points(0),
        receivers.select(some) if isinstance(receivers, Points) else receivers[some],
    )
    return verification.run()


def _shortened(numerics: Numerics) -> Numerics:
    """Numerics with as many samples as fit the memory; the Hessian keeps two histories."""
    while numerics.time.samples > SHORTEST and 2 * numerics.memory(gradient=True) > BUDGET:
        shorter = max(SHORTEST, int(0.8 * numerics.time.samples))
        numerics = replace(numerics, time=replace(numerics.time, samples=shorter))
    return numerics
