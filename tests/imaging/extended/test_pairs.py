"""Extended images and their Born modelling are exact pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fwicli import Simulation
from fwicli.imaging.extended.excitation import Excitation
from fwicli.imaging.extended.extension import Extension
from fwicli.imaging.extended.fields import sparse_in_time, thinned
from fwicli.imaging.extended.lags import SubsurfaceOffset, TimeShift
from fwicli.imaging.extended.separation import LeftRight, UpDown
from fwicli.operators import extended_imaging

EXTENSIONS = [SubsurfaceOffset(3), TimeShift(2), UpDown(), LeftRight(), Excitation()]
names = pytest.mark.parametrize("extension", EXTENSIONS, ids=lambda e: e.name)


@names
def test_pair_is_exact(make_setting: Callable[..., Any], extension: Extension) -> None:
    """<A s, d> = <s, A^T d> to float64 round-off, of two shots with random records."""
    setting = make_setting(samples=60)
    sources = np.stack([setting.sources, setting.sources[::-1] + 7.0])
    simulation = Simulation(setting.propagator.discretization, sources, setting.receivers)
    A = extended_imaging(simulation, setting.model, setting.wavelet[:, :60], extension)
    assert A.dims == extension.shape(setting.propagator.grid.shape)
    assert A.dottest() < 1e-13


@names
@pytest.mark.parametrize("shape", [(30, 12, 17), (20, 9, 8, 11)])
def test_source_is_the_transpose_of_the_image(extension: Extension, shape: tuple[int, ...]) -> None:
    """<E(u, v), s> = <v, E*(s, u)> in 2D and 3D."""
    rng = np.random.default_rng(0)
    u, v = rng.standard_normal((2, *shape))
    s = rng.standard_normal(extension.shape(shape[1:]))
    left, right = np.vdot(extension.image(u, v), s), np.vdot(v, extension.source(s, u))
    assert abs(left - right) < 1e-13 * np.linalg.norm(s) * np.linalg.norm(u) * np.linalg.norm(v)


def test_lags_are_half_the_distance() -> None:
    """Fields that are apart by 2 h, or by 2 tau, correlate at that lag."""
    rng = np.random.default_rng(1)
    u = np.zeros((40, 30, 4))
    u[10:30, 10:20] = rng.standard_normal((20, 10, 4))
    v = np.roll(u, 4, axis=1)
    energy = np.einsum("hxz,hxz->h", *[SubsurfaceOffset(5).image(u, v)] * 2)
    assert energy.argmax() - 5 == 2
    v = np.roll(u, -6, axis=0)
    energy = np.einsum("hxz,hxz->h", *[TimeShift(8).image(u, v)] * 2)
    assert energy.argmax() - 8 == 2 * -3


@pytest.mark.parametrize(("extension", "axis"), [(UpDown(), 2), (LeftRight(), 1)])
def test_opposite_waves_alone_make_an_image(extension: Extension, axis: int) -> None:
    """A pulse down against one up does, two that go down do not; whatever crosses the axis."""
    t = np.arange(160)[:, None, None]
    x, z = np.arange(40)[None, :, None], np.arange(50)[None, None]
    along = x if axis == 1 else z

    def pulse(direction: int) -> np.ndarray:
        phase = (t - 80 - 1.5 * direction * (along - 20)) / 6.0
        return (1 - 2 * phase**2) * np.exp(-(phase**2)) + 0 * (x + z)

    ahead, back = pulse(1), pulse(-1)
    plain = np.einsum("txz,txz->xz", ahead, ahead)
    opposite, together = extension.image(ahead, back), extension.image(ahead, ahead)
    middle = np.s_[12:28, 12:28]
    assert np.abs(together[middle]).max() < 0.1 * plain.max()
    crossing = np.einsum("txz,txz->xz", ahead, back)
    np.testing.assert_allclose(opposite[middle], crossing[middle], atol=0.12 * plain.max())


def test_excitation_is_a_reflection_coefficient() -> None:
    """Where the records are a multiple of the source field at the reflector, it is the factor."""
    u = np.random.default_rng(2).standard_normal((50, 8, 9)) + 5.0
    np.testing.assert_allclose(Excitation().image(u, 0.3 * u), 0.3, rtol=1e-4)


def test_long_intervals_keep_the_waves(make_setting: Callable[..., Any]) -> None:
    """Fields of every third sample are those of all samples, from thinned wavelets."""
    from fwicli import FullField, Propagator
    from fwicli.survey.signals.wavelets import ricker, times

    setting = make_setting(samples=121, every=6)
    discretization = setting.propagator.discretization
    sparse, every = sparse_in_time(discretization)
    assert every == 6 // discretization.time.substeps > 1
    assert sparse.time.step == discretization.time.step
    wavelet = ricker(times(0.004, 121), 10.0)[None]
    source = setting.sources[:1]
    whole = setting.propagator.forward(setting.model, wavelet, source, FullField())
    some = Propagator(sparse).forward(setting.model, thinned(wavelet, every), source, FullField())
    error = np.linalg.norm(some - whole[::every]) / np.linalg.norm(whole[::every])
    assert error < 1e-2
