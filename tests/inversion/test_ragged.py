"""Shots that differ: value and gradient are those of the survey padded with silent traces."""

from __future__ import annotations

import pickle
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli import Gathers
from fwicli.config.sources import SourceSection
from fwicli.errors import ConfigError, DataError, GeometryError
from fwicli.inversion.comparison import StoredComparison
from fwicli.inversion.misfits.misfit import Misfit
from fwicli.inversion.misfits.registry import MISFITS
from fwicli.inversion.misfits.residuals import LeastSquares
from fwicli.inversion.objective import Objective
from fwicli.inversion.shots.batches import Batches
from fwicli.inversion.shots.encoding import Encoding, check_spread
from fwicli.inversion.shots.experiments import compared_traces, experiments
from fwicli.inversion.shots.selection import ShotSelection
from fwicli.survey.signals.bands import Band
from fwicli.workflows.assembly.conditioning import Preparer
from tests.inversion.ragged import INTERVAL, padded, stored, survey
from tests.inversion.test_objective import SAMPLES, slope
from tests.inversion.test_preparation import CHAINS, SOURCES, sections

LEAST_SQUARES = LeastSquares()


def with_shots(
    f: Objective, records: Gathers, misfit: Misfit = LEAST_SQUARES, **options: Any
) -> Any:
    return replace(f, experiments=experiments(records, misfit, **options))


def assert_equal(one: Objective, other: Objective, x: Any) -> None:
    """Values and gradients, bit for bit; the gradient is not zero."""
    (value, gradient), (expected, reference) = one(x), other(x)
    assert value == expected
    np.testing.assert_array_equal(gradient, reference)
    assert np.abs(gradient).max() > 0


@pytest.mark.parametrize("misfit", MISFITS)
@pytest.mark.parametrize("seed", [0, 1])
def test_misfits_are_those_of_the_padded_survey(misfit: str, seed: int) -> None:
    records, f, x = survey(seed)
    kind = MISFITS[misfit]()
    assert_equal(with_shots(f, records, kind), with_shots(f, padded(records, seed), kind), x)


@pytest.mark.parametrize("chain", CHAINS)
def test_conditioning_is_that_of_the_padded_survey(chain: str) -> None:
    records, f, x = survey(2)
    make = Preparer(sections(*CHAINS[chain]), None, 20.0)
    box = padded(records)
    assert_equal(with_shots(f, records, prepare=make), with_shots(f, box, prepare=make), x)
    rows, rows_of_box = (compared_traces(r, make) for r in (records, box))
    assert [row.sum() for row in rows] == [row.sum() for row in rows_of_box]


@pytest.mark.parametrize("wavelets", [True, False], ids=["of each shot", "shared"])
@pytest.mark.parametrize("source", SOURCES)
def test_source_estimation_is_that_of_the_padded_survey(source: str, wavelets: bool) -> None:
    records, f, x = survey(3, wavelets)
    records = replace(records, wavelet=0.7 * np.asarray(records.wavelet))
    options: dict[str, Any] = {"prepare": Preparer((), SOURCES[source], 20.0), "near": 30.0}
    one, other = (with_shots(f, r, **options) for r in (records, padded(records)))
    assert_equal(one, other, x)
    estimated = one.wavelets(x)
    np.testing.assert_array_equal(estimated, other.wavelets(x))
    assert len(estimated) == (3 if wavelets or "common" not in source else 1)


@pytest.mark.parametrize("chain", ["times", "first_arrivals", "chain"])
@pytest.mark.parametrize(
    ("source", "near"), [(None, 0.0), *((source, 60.0) for source in (None, *SOURCES))]
)
def test_stored_traces_are_those_in_memory(
    tmp_path: Path, source: str | None, chain: str, near: float
) -> None:
    """Comparisons that read their shot are bit for bit those with the shot in memory."""
    records, f, x = survey(4)
    band = partial(Band(2.0, 25.0).apply, interval=INTERVAL)
    make = Preparer(sections(*CHAINS[chain]), None if source is None else SOURCES[source], 20.0)
    options: dict[str, Any] = {"prepare": make, "near": near}
    loaded = with_shots(f, records.mapped(band), **options)
    reading = with_shots(f, stored(records, tmp_path).mapped(band), **options)
    for one, other in zip(reading.experiments, loaded.experiments, strict=True):
        assert isinstance(one.comparison, StoredComparison)
        # Without the samples, and what is built from them.
        assert len(pickle.dumps(one.comparison)) < 8000
        assert one.comparison.scale() == other.comparison.scale()
        assert one.comparison.prepared == other.comparison.prepared
    assert_equal(reading, loaded, x)


def late(records: Gathers) -> Gathers:
    """The records without their first or last samples, as with delays and other lengths."""
    first, last = (12, 0, 30), (SAMPLES, 90, 100)
    data = [g[:, a:b] for g, a, b in zip(records.data, first, last, strict=True)]
    return Gathers(
        records.acquisition,
        INTERVAL,
        data,
        np.asarray(records.wavelet)[..., : max(b - a for a, b in zip(first, last, strict=True))],
        start=INTERVAL * np.array(first),
    )


@pytest.mark.parametrize("source", [None, "shot", "common"])
@pytest.mark.parametrize("misfit", ["least_squares", "correlation", "travel_time"])
def test_nothing_is_compared_where_nothing_was_recorded(misfit: str, source: str | None) -> None:
    """Values do not depend on synthetic waves there, and the gradient is that of the objective."""
    records, f, x = survey(5)
    make = None if source is None else Preparer((), SOURCES[source], 20.0)
    g = with_shots(f, late(records), MISFITS[misfit](), prepare=make)
    direction = np.random.default_rng(0).standard_normal(x.shape)
    expected = slope(g, x, direction, 1e-4)
    assert np.vdot(g(x)[1], direction) == pytest.approx(expected, rel=1e-5)
    for e, span in zip(g.experiments, [(12, 110), (0, 90), (30, 100)], strict=True):
        comparison = e.comparison
        assert comparison.span == slice(*span)
        gather = np.random.default_rng(1).standard_normal(comparison.observed.shape)
        other = np.where(comparison.recorded(np.ones_like(gather)) > 0, gather, 9.0)
        if source is None:  # a filter moves synthetic waves into what was recorded
            assert comparison(other)[0] == comparison(gather)[0]
            assert not comparison(gather)[1][:, : span[0]].any()
            assert not comparison(gather)[1][:, span[1] :].any()
        else:
            fit = comparison.source
            assert not (fit.weights * (1 - comparison.recorded(np.ones_like(gather)))).any()


def test_span_of_the_whole_record_changes_nothing() -> None:
    records, f, x = survey(6)
    spans = np.tile([0, SAMPLES], (3, 1))
    assert_equal(with_shots(f, replace(records, spans=spans)), with_shots(f, records), x)


def test_each_shot_fires_its_own_wavelet() -> None:
    records, f, x = survey(7)
    shots = experiments(records, LEAST_SQUARES)
    for shot, e in enumerate(shots):
        np.testing.assert_array_equal(e.wavelet[0], np.asarray(records.wavelet)[shot])
    shared = replace(records, wavelet=np.asarray(records.wavelet)[0])
    assert with_shots(f, shared)(x)[0] != with_shots(f, records)(x)[0]


def test_batches_of_ragged_shots() -> None:
    records, f, x = survey(8)
    box = padded(records)
    for iteration in range(2):
        values = []
        for r in (records, box):
            chosen = ShotSelection(experiments(r, LEAST_SQUARES), Batches(2, "random"))
            selected, weight = chosen.select(0, iteration)
            values.append(replace(f, experiments=selected, weight=weight)(x)[0])
        assert values[0] == values[1]


def test_encoding_needs_equal_spreads() -> None:
    records, _, _ = survey(9)
    with pytest.raises(GeometryError, match="receivers and shot 0 has"):
        check_spread(records.acquisition)
    box = padded(records)
    spans = np.array([[0, SAMPLES], [2, SAMPLES], [0, 90]])
    shots = experiments(replace(box, spans=spans), LEAST_SQUARES, aligned=True)
    with pytest.raises(ConfigError, match="recorded over the same times"):
        ShotSelection(shots, None, Encoding())


def test_a_shot_of_silent_traces_is_left_out() -> None:
    records, f, x = survey(10)
    data = [np.array(g) for g in records.data]
    data[1][:] = 0.0
    silent = replace(records, data=data)
    assert len(experiments(silent, LEAST_SQUARES)) == 2
    assert_equal(with_shots(f, silent), with_shots(f, records.select([0, 2])), x)
    for gather in data:
        gather[:] = 0.0
    with pytest.raises(DataError, match="all traces are silent"):
        experiments(replace(records, data=data), LEAST_SQUARES)


def test_source_section_is_used() -> None:
    """The shots of `survey` differ from the guess, so that an estimate differs from it."""
    records, f, x = survey(11)
    records = replace(records, wavelet=0.5 * np.asarray(records.wavelet))
    g = with_shots(f, records, prepare=Preparer((), SourceSection(lags=[0.0, 0.02]), 20.0))
    assert not np.allclose(g.wavelets(x), records.wavelet)
