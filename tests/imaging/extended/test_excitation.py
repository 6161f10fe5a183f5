"""The image of the excitation amplitude, without a history, is the exact one of whole fields."""

from __future__ import annotations

from dataclasses import fields as dataclass_fields
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwicli import (
    AbsorbingLayer,
    Discretization,
    Excitation,
    Grid,
    Propagator,
    Simulation,
    ricker,
    time_axis,
)
from fwicli.imaging.extended import fields
from fwicli.imaging.extended.bins import OffsetBins, TraceParts
from fwicli.imaging.extended.migration import ExtendedMigrationTask
from fwicli.imaging.migration import MigrationTask, time_derivative
from fwicli.operators import extended_imaging
from fwicli.propagators.history import EXCITATION, STORED
from fwicli.propagators.running import excitation_store
from tests.equations import USUAL_ORDER

GRID = Grid((41, 31), (10.0, 12.0), (5.0, 0.0))
SAMPLES = 330


def task(every: int, sides: tuple[str, ...] = ()) -> MigrationTask:
    """A shot in a random medium with random records, at the steps of the propagation."""
    rng = np.random.default_rng(5)
    axis = time_axis(0.001, SAMPLES, 2600.0, GRID.spacing, USUAL_ORDER, 1, corrected=False)
    layer = AbsorbingLayer(8, 2600.0, 12.0, free=sides)
    discretization = Discretization(
        "acoustic", GRID, axis, layer, USUAL_ORDER, "float64", history_step=every
    )
    model = {"m": (1 / (1500 + 1000 * rng.random(GRID.shape)) ** 2)}
    wavelet = ricker(0.001 * np.arange(SAMPLES), 12.0)[None]
    receivers = np.stack([np.linspace(10.0, 400.0, 12), np.full(12, 20.0)], axis=1)
    records = rng.standard_normal((12, SAMPLES))
    source = np.array([[203.0, 31.0]])
    shot = discretization, model, wavelet, source, receivers, records
    return MigrationTask(*shot, "excitation", False)


def expected(shot: MigrationTask) -> tuple[np.ndarray, np.ndarray]:
    """The image and the largest amplitudes, from fields of every snapshot."""
    propagator = Propagator(shot.discretization)
    u = fields.source_field(propagator, shot.parameters, shot.wavelet, shot.source)
    residual = -time_derivative(np.asarray(shot.observed), 0.001)
    v = fields.back_propagated(propagator, shot.parameters, residual, shot.receivers)
    every = shot.discretization.history_step
    u, v = u[::every], v[::every]
    return Excitation().image(u, v), np.abs(u).max(axis=0)


@pytest.mark.parametrize("sides", [(), ("z-",)])
@pytest.mark.parametrize("every", [1, 4, 7])
def test_image_is_that_of_whole_fields(every: int, sides: tuple[str, ...]) -> None:
    """To round-off, whatever lies between snapshots; the illumination is the amplitude squared."""
    shot = task(every, sides=sides)
    image, largest = expected(shot)
    result = shot()
    assert np.linalg.norm(image) > 0
    assert np.linalg.norm(result.image - image) < 1e-11 * np.linalg.norm(image)
    np.testing.assert_allclose(result.illumination, largest**2, rtol=1e-11)


def test_image_is_the_transpose_of_its_born_modelling() -> None:
    """<A s, d> = <s, A^T d> with A of whole fields, and A^T d of the fast image."""
    shot = task(1)
    simulation = Simulation(shot.discretization, shot.source, shot.receivers)
    A = extended_imaging(simulation, shot.parameters, shot.wavelet, Excitation())
    s = np.random.default_rng(2).standard_normal(A.dims)
    gather = -time_derivative(np.asarray(shot.observed), 0.001)
    records, image = A @ s, shot().image
    difference = abs(np.vdot(records, gather) - np.vdot(s, image))
    assert difference < 1e-12 * np.linalg.norm(records) * np.linalg.norm(gather)


@pytest.mark.parametrize("part", [64, 10**6])
def test_parts_of_points_change_nothing(monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    """Bit for bit; neither does another history of the discretization."""
    shot = task(4)
    image = shot().image
    monkeypatch.setattr(excitation_store, "PART", part)
    for history in (EXCITATION, STORED):
        other = replace(shot, discretization=replace(shot.discretization, history=history))
        np.testing.assert_array_equal(other().image, image)
    assert (
        "excitation"
        in replace(other, discretization=replace(shot.discretization, history=EXCITATION)).storage
    )


def test_memory_does_not_grow_with_the_record() -> None:
    """Some snapshots, however many steps there are."""
    short, long = (
        replace(d, time=replace(d.time, samples=n)).history_demand()
        for d in (task(4).discretization,)
        for n in (1000, 8000)
    )
    assert long.memory(EXCITATION) == short.memory(EXCITATION)
    assert long.memory(EXCITATION) < 0.03 * long.memory(STORED)


def test_gathers_by_offset() -> None:
    """They add up to the image, as the condition is linear in the records."""
    shot = task(4)
    values: dict[str, Any] = {
        field.name: getattr(shot, field.name) for field in dataclass_fields(shot)
    }
    parts = TraceParts(OffsetBins(300.0, 3).membership(shot.source, shot.receivers))
    result = ExtendedMigrationTask(**values, lags=parts)()
    total = sum(result.gathers.values())
    assert np.linalg.norm(total - shot().image) < 1e-12 * np.linalg.norm(total)
