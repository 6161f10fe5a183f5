"""Frames of a slider: one palette for all, and axes that fit around them."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image

from fwicli.plotting import frames
from fwicli.plotting.encoding import compact
from fwicli.plotting.frames import FrameStyle
from fwicli.plotting.style import Figure
from fwicli.survey.grid import Grid

STYLE = FrameStyle("viridis", 1500.0, 4500.0, "P velocity [m/s]")


def indices(picture: bytes) -> tuple[np.ndarray, bytes]:
    """Colour numbers of shape (n_z, n_x), and the palette."""
    with Image.open(io.BytesIO(picture)) as image:
        assert image.mode == "P"
        return np.array(image), bytes(image.getpalette() or ())


def test_equal_values_have_equal_colours() -> None:
    """In all frames of a scale, whatever else they hold; beyond the scale, its ends."""
    first = np.full((5, 4), 3000.0)
    second = np.full((5, 4), 3000.0)
    second[1, 2], second[3, 0], second[0, 0] = 9000.0, 100.0, np.nan
    (a, palette), (b, other) = (
        indices(frames.field(first, STYLE)),
        indices(frames.field(second, STYLE)),
    )
    assert a.shape == (4, 5)
    assert palette == other
    assert set(a.flat) == {128}
    assert b[2, 1] == 255
    assert b[0, 3] == 0
    assert (b == 128).sum() == 17


def test_index_is_linear_between_the_ends() -> None:
    values = np.linspace(1500.0, 4500.0, 256).reshape(-1, 1) * np.ones(2)
    picture, _ = indices(frames.field(values, STYLE))
    np.testing.assert_array_equal(picture[0], np.arange(256))


def test_large_fields_keep_their_corners() -> None:
    values = np.full((1000, 30), 3000.0)
    values[0, 0], values[-1, -1] = 1500.0, 4500.0
    picture, _ = indices(frames.field(values, STYLE, pixels=100))
    assert picture.shape == (30, 100)
    assert (picture[0, 0], picture[-1, -1]) == (0, 255)


def test_middle_of_a_volume() -> None:
    values = np.arange(3 * 5 * 4).reshape(3, 5, 4)
    np.testing.assert_array_equal(frames.middle_section(values), values[:, 2])


def test_box_has_the_proportions_of_the_model() -> None:
    """The field lies inside of the picture, and a metre is as long along x as along z."""
    grid = Grid((301, 101), (10.0, 5.0), (0.0, 0.0))
    picture, (left, top, width, height) = frames.axes(grid, STYLE, "Model")
    assert 0 < left < left + width < 1
    assert 0 < top < top + height < 1
    size = re.search(rb'viewBox="0 0 ([\d.]+) ([\d.]+)"', picture)
    assert size is not None
    ratio = (width * float(size[1])) / (height * float(size[2]))
    assert ratio == pytest.approx(3000.0 / 500.0, rel=1e-3)


def test_compact_pictures_are_smaller_and_look_the_same() -> None:
    figure = Figure(figsize=(4, 3))
    axes = figure.subplots()
    axes.imshow(np.random.default_rng(0).random((40, 40)), cmap="gray")
    full = io.BytesIO()
    figure.savefig(full, dpi=100, format="png")
    small = compact(figure, 100)
    assert len(small) < 0.6 * len(full.getvalue())
    pictures = [
        np.asarray(Image.open(io.BytesIO(p)).convert("RGB"), float)
        for p in (full.getvalue(), small)
    ]
    assert np.abs(pictures[0] - pictures[1]).mean() < 2
