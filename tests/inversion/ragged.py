"""A survey whose shots differ in receivers, wavelets and times, and the same padded to a box."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fwicli import Acquisition, Gathers, Propagator
from fwicli.inversion.objective import Objective
from fwicli.propagators.equations.properties import parameters
from fwicli.survey.signals.wavelets import ricker, times
from tests.inversion.test_objective import SAMPLES, objective
from tests.survey.test_traces import FileTraces

INTERVAL = 0.004


def survey(seed: int = 0, wavelets: bool = True) -> tuple[Gathers, Objective, Any]:
    """Records of three shots with random receivers, a small objective, and its model."""
    random = np.random.default_rng(seed)
    f, x = objective("vp")
    counts = random.permutation([int(random.integers(1, 4)), 5, int(random.integers(6, 10))])
    receivers = [
        np.stack([np.sort(random.uniform(20.0, 380.0, n)), np.full(n, 12.0)], axis=1)
        for n in counts
    ]
    sources = np.array([[83.0, 17.0], [211.0, 23.0], [301.0, 17.0]])
    peaks = (15.0, 17.0, 13.0) if wavelets else (15.0,) * 3
    signals = np.stack([ricker(times(INTERVAL, SAMPLES), f0) for f0 in peaks])
    true = parameters("acoustic", {"vp": 2000 + 400 * random.random((41, 31))})
    propagator = Propagator(f.discretization)
    data = [
        propagator.forward(true, w[None], s[None], r)
        for w, s, r in zip(signals, sources, receivers, strict=True)
    ]
    wavelet = signals if wavelets else signals[0]
    return Gathers(Acquisition(sources, receivers), INTERVAL, data, wavelet), f, x


def padded(records: Gathers, seed: int = 1) -> Gathers:
    """The records with traces of zeros at random places, so that all shots have as many."""
    random = np.random.default_rng(seed)
    geometry = records.acquisition
    most = int(geometry.counts.max()) + 2
    data = np.zeros((geometry.shots, most, records.samples))
    receivers = np.broadcast_to(geometry.sources[:, None], (geometry.shots, most, 2)).copy()
    for shot, count in enumerate(geometry.counts):
        rows = np.sort(random.choice(most, count, replace=False))
        data[shot, rows] = records.data[shot]
        receivers[shot, rows] = geometry.receivers_of(shot)
    box = Acquisition(geometry.sources, receivers)
    return replace(records, acquisition=box, data=data, silence=None)


def stored(records: Gathers, folder: Path) -> Gathers:
    """The records with each shot in a file, which is read when it is needed."""
    for shot, gather in enumerate(records.data):
        np.save(folder / f"{shot}.npy", gather)
    traces = FileTraces(folder, records.acquisition.counts.tolist(), records.samples, "f8")
    return replace(records, data=traces)
