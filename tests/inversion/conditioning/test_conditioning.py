"""Conditioning operators have exact transposes, alone and in chains, and keep what they name."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from fwicli.errors import DataError
from fwicli.inversion.conditioning import mutes, trace_weights
from fwicli.inversion.conditioning.frequency_weights import FrequencyWeights
from fwicli.inversion.conditioning.operators import (
    BandPass,
    Chain,
    GatherOperator,
    Record,
    Weights,
    chain,
    joined,
)
from fwicli.survey.components import Component
from fwicli.survey.signals.bands import Band

SHAPE = (7, 120)
RNG = np.random.default_rng(0)
RECORD = Record(0, np.linspace(40.0, 1000.0, 7), 0.004, RNG.standard_normal(SHAPE))
ARRIVALS = 0.05 + 0.3 * RNG.random(7)


def by_frequency(record: Record) -> FrequencyWeights:
    """A mute of later samples at high frequencies."""
    parts = [mutes.by_time(record, 0.05, None, 0.04, origin=record.offsets / v) for v in (9e3, 3e3)]
    return FrequencyWeights((15.0, 30.0), tuple(parts), record.interval)


OPERATORS: dict[str, GatherOperator] = {
    "causal": BandPass(Band(3.0, 20.0), 0.004),
    "low": BandPass(Band(0.0, 20.0), 0.004),
    "zero phase": BandPass(Band(3.0, 20.0), 0.004, zero_phase=True),
    "offsets": mutes.by_offset(RECORD, 150.0, 900.0, 100.0),
    "times": mutes.by_time(RECORD, 0.05, 0.4, 0.06),
    "since arrivals": mutes.by_time(RECORD, -0.02, 0.2, 0.05, origin=ARRIVALS),
    "muted": mutes.by_time(RECORD, -0.02, 0.2, 0.05, True, ARRIVALS),
    "by frequency": by_frequency(RECORD),
    "damping": mutes.damping(RECORD, 0.2, ARRIVALS),
    "by offset": trace_weights.by_offset(RECORD, 500.0, 1.5),
    "by amplitude": trace_weights.by_amplitude(RECORD, 1.0),
    "given": trace_weights.from_array(RECORD, RNG.random(7)),
}
CHAINS = {name: chain([operator]) for name, operator in OPERATORS.items()} | {
    "all": chain(list(OPERATORS.values())),
    "backwards": chain(list(OPERATORS.values())[::-1]),
    "none": chain([]),
}


@pytest.mark.parametrize("name", CHAINS)
def test_transpose(name: str) -> None:
    """<C s, a> = <s, C^T a> to round-off; and what a worker unpickles does the same."""
    rng = np.random.default_rng(1)
    s, a = rng.standard_normal((2, *SHAPE))
    operators = CHAINS[name]
    Cs, Cta = operators.apply(s), operators.transpose(a)
    assert np.linalg.norm(Cs) > 1e-3 * np.linalg.norm(s)
    error = abs(np.vdot(Cs, a) - np.vdot(s, Cta))
    assert error < 1e-14 * np.linalg.norm(Cs) * np.linalg.norm(a) + 1e-13 * abs(np.vdot(Cs, a))
    again = pickle.loads(pickle.dumps(operators))
    np.testing.assert_array_equal(again.apply(s), Cs)


def test_order_of_a_chain() -> None:
    """Filters reach over the edges of mutes, so that their order matters for C and C^T."""
    band, mute = OPERATORS["causal"], OPERATORS["times"]
    s = np.random.default_rng(2).standard_normal(SHAPE)
    operators = chain([band, mute])
    np.testing.assert_array_equal(operators.apply(s), mute.apply(band.apply(s)))
    np.testing.assert_array_equal(operators.transpose(s), band.transpose(mute.transpose(s)))
    assert np.abs(operators.apply(s) - chain([mute, band]).apply(s)).max() > 0.1


def test_weights_that_follow_each_other_are_one() -> None:
    operators = chain(
        [OPERATORS["times"], OPERATORS["offsets"], OPERATORS["low"], OPERATORS["damping"]]
    )
    assert [type(o) for o in operators.operators] == [Weights, BandPass, Weights]
    times, offsets, damping = (OPERATORS[n] for n in ("times", "offsets", "damping"))
    ones = np.ones(SHAPE)
    expected = times.apply(ones) * offsets.apply(ones) * damping.apply(ones)
    np.testing.assert_allclose(operators.weights(SHAPE), expected, rtol=1e-14)
    assert Chain().weights(SHAPE).all()


def test_band_pass_keeps_its_band() -> None:
    """A sine in the band passes, with the phase of the filter or none; one beyond does not."""
    t = 0.004 * np.arange(2000)
    inside, outside = np.sin(2 * np.pi * 8 * t), np.sin(2 * np.pi * 40 * t)
    band_pass = BandPass(Band(3.0, 20.0), 0.004, zero_phase=True)
    middle = slice(700, 1300)
    filtered = band_pass.apply(np.stack([inside, outside]))[:, middle]
    np.testing.assert_allclose(filtered[0], inside[middle], atol=2e-3)
    assert np.abs(filtered[1]).max() < 1e-4


def test_edges_and_tapers() -> None:
    """One between the edges, zero outside, a half in the middle of a taper."""
    x = np.array([0.0, 1.0, 1.5, 2.0, 3.0, 3.5, 4.0, 5.0])
    weights = mutes.weights(x, 1.0, 4.0, 1.0)
    np.testing.assert_allclose(weights, [0, 0, 0.5, 1, 1, 0.5, 0, 0], atol=1e-15)
    np.testing.assert_allclose(mutes.weights(x, 1.0, 4.0, 1.0, muted=True), 1 - weights)
    np.testing.assert_array_equal(mutes.weights(x, None, 2.0, 0.0), [1, 1, 1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(mutes.weights(x, None, None, 1.0), 1.0)


def test_mutes_follow_the_moveout() -> None:
    """The weights of a trace begin at its arrival."""
    factors = mutes.by_time(RECORD, 0.0, None, 0.0, origin=ARRIVALS).factors
    first = RECORD.times[factors.argmax(axis=1)]
    assert np.all((first >= ARRIVALS) & (first < ARRIVALS + 0.004))


def test_low_frequencies_are_muted_as_their_own_velocity_says() -> None:
    """A tone at a frequency has the weights of its pair, and one between the mean of both."""
    operator = by_frequency(RECORD)
    first, last = (part.factors for part in operator.parts)
    inner = slice(30, 90)  # away from the ends, where a tone begins and stops
    for frequency, expected in ((10.0, first), (22.5, 0.5 * (first + last)), (40.0, last)):
        tone = np.tile(np.sin(2 * np.pi * frequency * RECORD.times), (len(RECORD.offsets), 1))
        error = (operator.apply(tone) - expected * tone)[:, inner]
        assert np.linalg.norm(error) < 0.05 * np.linalg.norm(tone[:, inner])
    np.testing.assert_array_equal(operator.apply(0 * RECORD.observed), 0)


def test_weights_by_frequency_belong_to_their_traces() -> None:
    """Some traces, and components that are put together, are treated as in the whole gather."""
    whole = chain([by_frequency(RECORD)])
    live = np.array([True, False, True, True, False, False, True])
    gather = RECORD.observed
    np.testing.assert_allclose(
        whole.select(live).apply(gather[live]), whole.apply(gather)[live], rtol=1e-12
    )
    rows = {
        Component("pressure"): np.flatnonzero(live),
        Component("velocity", 90.0, 0.0): np.flatnonzero(~live),
    }
    parts = {
        c: chain([by_frequency(Record(0, RECORD.offsets[r], 0.004, gather[r]))])
        for c, r in rows.items()
    }
    np.testing.assert_allclose(
        joined(parts, rows).apply(gather), whole.apply(gather), rtol=1e-12, atol=1e-14
    )


def test_damping_has_its_time_constant() -> None:
    factors = mutes.damping(RECORD, 0.1, ARRIVALS).factors
    late = np.argmin(np.abs(RECORD.times[None] - ARRIVALS[:, None] - 0.1), axis=1)
    decayed = factors[np.arange(7), late]
    np.testing.assert_allclose(decayed, np.exp(-(RECORD.times[late] - ARRIVALS) / 0.1))
    assert factors.max() == 1.0


def test_traces_count_the_same_by_amplitude() -> None:
    """With power 1, whatever their amplitude was; traces of zeros stay zero."""
    observed = RECORD.observed * 10.0 ** np.arange(7)[:, None]
    observed[3] = 0
    record = Record(0, RECORD.offsets, 0.004, observed)
    sizes = trace_weights.amplitude(trace_weights.by_amplitude(record, 1.0).apply(observed))
    np.testing.assert_allclose(np.delete(sizes, 3), sizes[0])
    assert sizes[3] == 0


def test_dead_traces_are_found() -> None:
    """Of zeros, far too weak and far too loud, beside a decay over four orders of magnitude."""
    rng = np.random.default_rng(3)
    observed = rng.standard_normal((60, 80)) * 10.0 ** (-4 * np.arange(60) / 60)[:, None]
    assert not trace_weights.dead(observed, 0.05, 20.0).any()
    observed[7], observed[0] = 0, 0
    observed[20] *= 0.01
    observed[41] *= 1000
    dead = np.flatnonzero(trace_weights.dead(observed, 0.05, 20.0))
    np.testing.assert_array_equal(dead, [0, 7, 20, 41])
    assert trace_weights.dead(np.zeros((3, 5)), 0.05, 20.0).all()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(6), r"weights of shape \(6,\) do not fit 7 receivers"),
        (np.ones((0, 7)), "weights of 0 shots do not reach shot 0"),
        (np.full(7, np.nan), "must be finite numbers, not negative"),
        (np.full(7, -1.0), "must be finite numbers, not negative"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        trace_weights.from_array(RECORD, weights)


def test_offsets_are_horizontal() -> None:
    source = np.array([[100.0, 50.0, 30.0]])
    receivers = np.array([[130.0, 90.0, 700.0], [100.0, 50.0, 0.0]])
    record = Record.of(3, source, receivers, 0.004, np.zeros((2, 4)))
    np.testing.assert_allclose(record.offsets, [50.0, 0.0])


def test_given_weights_of_shots_with_different_numbers_of_receivers() -> None:
    """A row ends in NaN, and in nothing else, where its shot has fewer receivers."""
    expected = RNG.random((1, 7))
    filled = np.pad(expected, ((0, 0), (0, 3)), constant_values=np.nan)
    weights = trace_weights.from_array(RECORD, filled)
    np.testing.assert_array_equal(weights.factors, expected.T)
    for other in (0.0, 1.0):
        with pytest.raises(DataError, match="with NaN behind the last receiver"):
            trace_weights.from_array(RECORD, np.where(np.isnan(filled), other, filled))
    filled[0, 6] = np.nan
    with pytest.raises(DataError, match="must be finite numbers"):
        trace_weights.from_array(RECORD, filled)


@pytest.mark.parametrize("shape", [(), (1, 7, 1), (1, 6)])
def test_given_weights_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="do not fit 7 receivers, those of shot 0"):
        trace_weights.from_array(RECORD, np.ones(shape))
