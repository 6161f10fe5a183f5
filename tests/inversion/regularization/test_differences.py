"""Differences and their transposes, with and without fixed points."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft

from fwicli.inversion.regularization.differences import (
    Differences,
    cosine_eigenvalues,
    slopes,
    slopes_transpose,
)

RNG = np.random.default_rng(4)
SHAPES = [(9, 7), (5, 4, 6)]


def made(shape: tuple[int, ...], holes: bool) -> Differences:
    free = RNG.random(shape) > 0.2 if holes else np.ones(shape, dtype=bool)
    return Differences(free, tuple(5.0 + 2 * axis for axis in range(len(shape))))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("holes", [False, True], ids=["all", "holes"])
@pytest.mark.parametrize("kind", ["gradient", "curvature"])
def test_transposes(shape: tuple[int, ...], holes: bool, kind: str) -> None:
    """<D v, g> = <v, D^T g> to round-off."""
    d = made(shape, holes)
    forward, transpose = getattr(d, kind), getattr(d, f"{kind}_transpose")
    v, g = RNG.standard_normal(shape), RNG.standard_normal((len(shape), *shape))
    left, right = np.vdot(forward(v), g), np.vdot(v, transpose(g))
    assert abs(left - right) < 1e-13 * np.linalg.norm(forward(v)) * np.linalg.norm(g)


def test_of_a_parabola() -> None:
    """Slopes are those between the points, and second differences are exact."""
    d = made((9, 7), holes=False)
    x, z = np.meshgrid(5.0 * np.arange(9), 7.0 * np.arange(7), indexing="ij")
    v = 3 * x + 0.5 * x**2 - z**2
    np.testing.assert_allclose(d.gradient(v)[0, :-1], (3 + x + 2.5)[:-1])
    np.testing.assert_allclose(d.gradient(v)[1, :, :-1], (-2 * z - 7)[:, :-1])
    np.testing.assert_allclose(d.curvature(v)[0, 1:-1], 1.0)
    np.testing.assert_allclose(d.curvature(v)[1, :, 1:-1], -2.0)
    for part in (d.gradient(v)[0, -1], d.gradient(v)[1, :, -1], d.curvature(v)[0, 0]):
        assert not part.any()


def test_contrasts_to_fixed_points_do_not_count() -> None:
    """A change of fixed points changes no difference."""
    d = made((9, 7), holes=True)
    v = RNG.standard_normal((9, 7))
    other = np.where(d.free, v, 100 * v)
    for kind in (d.gradient, d.curvature):
        np.testing.assert_array_equal(kind(v), kind(other))
        assert kind(v).any()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_cosines_are_eigenvectors(shape: tuple[int, ...]) -> None:
    """D^T D = C^T diag(eigenvalues) C with the orthonormal cosine transform C."""
    spacing = made(shape, holes=False).spacing
    v = RNG.standard_normal(shape)
    there = cosine_eigenvalues(shape, spacing) * scipy.fft.dctn(v, norm="ortho")
    expected = slopes_transpose(slopes(v, spacing), spacing)
    np.testing.assert_allclose(scipy.fft.idctn(there, norm="ortho"), expected, atol=1e-13)
