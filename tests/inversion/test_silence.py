"""Traces that recorded nothing: what is compared is as if their receivers had not been there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from fwicli import Acquisition, Gathers
from fwicli.config.conditioning import ConditioningSection
from fwicli.config.sources import SourceSection
from fwicli.errors import DataError
from fwicli.inversion.misfits.registry import MISFITS
from fwicli.inversion.misfits.residuals import LeastSquares
from fwicli.inversion.shots.experiments import compared_traces, experiments
from fwicli.workflows.assembly.conditioning import Preparer

INTERVAL, SAMPLES, RECEIVERS = 0.01, 80, 12
DEAD = (3, 4, 9)
KINDS = {"zero": 0.0, "NaN": np.nan, "infinite": np.inf}
CHAINS: dict[str, list[dict[str, Any]]] = {
    "nothing": [],
    "offsets": [{"kind": "offsets", "farthest": 80.0, "taper": 20.0}],
    "times": [{"kind": "times", "before": 0.6, "taper": 0.1}],
    "moveout": [{"kind": "moveout", "velocity": 400.0, "after": 0.1}],
    "damping": [{"kind": "damping", "constant": 0.3}],
    "band_pass": [{"kind": "band_pass", "band": [2.0, 12.0]}],
    "offset_weights": [{"kind": "offset_weights", "power": 1.0}],
    "amplitude_weights": [{"kind": "amplitude_weights"}],
    "dead_traces": [{"kind": "dead_traces"}],
}


def records(dead: float | None) -> Gathers:
    """Records of a shot with traces that are dead, or without their receivers."""
    t, x = INTERVAL * np.arange(SAMPLES), 10.0 * np.arange(RECEIVERS)
    a = (np.pi * 8 * (t - 0.15 - x[:, None] / 300)) ** 2
    data = ((1 - 2 * a) * np.exp(-a))[None]
    positions = np.stack([x, np.full(RECEIVERS, 5.0)], axis=-1)
    if dead is None:
        live = np.setdiff1d(np.arange(RECEIVERS), DEAD)
        data, positions = data[:, live], positions[live]
    else:
        data[:, DEAD] = dead
    acquisition = Acquisition(np.array([[0.0, 5.0]]), positions)
    return Gathers(acquisition, INTERVAL, data, data[0, 0]).with_silence()


def preparing(chain: str, source: SourceSection | None = None) -> Preparer:
    sections = TypeAdapter(list[ConditioningSection]).validate_python(CHAINS[chain])
    return Preparer(sections, source, 12.0)


@pytest.mark.parametrize("dead", KINDS)
@pytest.mark.parametrize("source", [None, SourceSection()], ids=["known", "estimated"])
@pytest.mark.parametrize("chain", CHAINS)
def test_dead_traces_are_as_if_not_there(
    chain: str, source: SourceSection | None, dead: str
) -> None:
    """Value and derivative of a synthetic gather, and which receivers are propagated to."""
    make = preparing(chain, source)
    (one,) = experiments(records(KINDS[dead]), LeastSquares(), prepare=make)
    (other,) = experiments(records(None), LeastSquares(), prepare=make)
    np.testing.assert_array_equal(one.receivers, other.receivers)
    synthetic = np.random.default_rng(1).standard_normal(other.comparison.observed.shape)
    value, derivative = one.comparison(synthetic)
    expected, slope = other.comparison(synthetic)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(derivative, slope, rtol=1e-9, atol=1e-12 * np.abs(slope).max())
    assert compared_traces(records(KINDS[dead]), make)[0, list(DEAD)].any() == np.False_


@pytest.mark.parametrize("misfit", MISFITS)
def test_no_misfit_sees_dead_traces(misfit: str) -> None:
    """Without any conditioning, whatever the misfit."""
    (one,) = experiments(records(np.nan), MISFITS[misfit]())
    (other,) = experiments(records(None), MISFITS[misfit]())
    np.testing.assert_array_equal(one.comparison.observed, other.comparison.observed)
    np.testing.assert_array_equal(one.receivers, other.receivers)


def test_zero_is_compared_if_told() -> None:
    gathers = records(0.0)
    compared = replace(gathers, silence=None).with_silence(compared=True)
    (one,) = experiments(compared, LeastSquares())
    assert len(one.receivers) == RECEIVERS


def test_dead_shots_are_left_out() -> None:
    whole = records(0.0)
    data = np.concatenate([whole.data, np.zeros_like(whole.data)])
    acquisition = Acquisition(
        np.repeat(whole.acquisition.sources, 2, axis=0), whole.acquisition.receivers
    )
    gathers = Gathers(acquisition, INTERVAL, data, whole.wavelet).with_silence()
    assert len(experiments(gathers, LeastSquares())) == 1
    assert "all of shot 1;" in str(gathers.silence)
    silent = replace(gathers, data=np.zeros_like(data), silence=None).with_silence()
    for records_of_nothing in (silent, replace(silent, silence=None)):
        with pytest.raises(DataError, match="all traces are silent"):
            experiments(records_of_nothing, LeastSquares())
    made_by_hand = replace(gathers, silence=None)
    assert len(experiments(made_by_hand, LeastSquares())) == 1
