"""Single pictures show their numbers where the axes say they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from fwicli.errors import ConfigError
from fwicli.plotting import curves, figures
from fwicli.plotting.figures import Plane, ShownGather
from fwicli.plotting.style import Look, save


def step(down: bool = True) -> Plane:
    """One at the end of the second axis, zero elsewhere."""
    values = np.zeros((40, 20))
    values[:, 10:] = 1.0
    return Plane(values, (0.0, 4.0, 0.0, 2.0), ("x [km]", "depth [km]"), down)


@pytest.mark.parametrize("kind", ["property", "change"])
@pytest.mark.parametrize("width", [0.6, 2.0, 2.3])
def test_labels_of_tall_sections_are_in_the_picture(width: float, kind: str) -> None:
    """With one drawing, as pictures are written."""
    values = np.broadcast_to(np.linspace(1500, 4500, 60), (40, 60))
    plane = Plane(values, (0.0, width, 0.0, 3.0), ("x [km]", "depth [km]"))
    figure = figures.section(plane, kind, "A title", "P velocity [m/s]", Look())
    figure.draw_without_rendering()
    box, (right, top) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(box.x0, box.y0, right - box.x1, top - box.y1) > 0


@pytest.mark.parametrize("down", [True, False])
def test_second_axis_points_down_in_sections_alone(tmp_path: Path, down: bool) -> None:
    """Turbo is red at its upper end: below the middle of a section, above that of a slice."""
    figure = figures.section(step(down), "property", "A title", "P velocity [m/s]", Look())
    axes, bar = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x [km]", "depth [km]")
    assert bar.get_ylabel() == "P velocity [m/s]"
    low, high = axes.get_ylim()
    assert bool(low > high) is down
    save(figure, tmp_path / "s.png", 60)
    pixels = imread(tmp_path / "s.png")[..., :3]
    red = (pixels[..., 0] > 0.35) & (pixels[..., 1] < 0.2) & (pixels[..., 2] < 0.1)
    rows, columns = np.nonzero(red[:, : int(0.75 * red.shape[1])])
    assert len(columns) > 1000
    assert bool(rows.mean() > pixels.shape[0] / 2) is down


def test_clip_limits_and_size() -> None:
    """Colours end at the share of values that is to be within them, or where they are told to."""
    values = np.linspace(-1.0, 1.0, 2001)[:, None] * np.ones((1, 2))
    plane = Plane(values, (0.0, 1.0, 0.0, 1.0), ("x [km]", "y [km]"))

    def ends(kind: str, look: Look) -> tuple[float, float]:
        low, high = figures.section(plane, kind, "", "", look).axes[0].images[0].get_clim()
        return float(low), float(high)

    assert ends("property", Look()) == (-1.0, 1.0)
    assert ends("property", Look(clip=50)) == pytest.approx((-0.5, 0.5))
    assert ends("image", Look(clip=80)) == pytest.approx((-0.8, 0.8))
    assert ends("change", Look(limits=(-3.0, 2.0))) == (-3.0, 2.0)
    figure = figures.section(plane, "image", "", "", Look(size=(5.0, 3.0), colours="viridis"))
    assert tuple(figure.get_size_inches()) == (5.0, 3.0)
    assert figure.axes[0].images[0].get_cmap().name == "viridis"
    with pytest.raises(ConfigError, match="turbo"):
        Look(colours="trubo")


@pytest.mark.parametrize("wiggles", [False, True])
def test_gathers(tmp_path: Path, wiggles: bool) -> None:
    """A late event of all traces is dark below the middle; time begins where the record does."""
    data = np.zeros((30, 200))
    data[:, 150:160] = 1.0
    shown = ShownGather(data, "shot 3, x = 1 km", 0.004, start=-0.1)
    figure = figures.gathers([shown, shown], wiggles, Look())
    left, right = figure.axes
    assert left.get_ylabel() == "time [s]"
    assert [axes.get_xlabel() for axes in figure.axes] == ["receiver"] * 2
    assert right.get_title() == "shot 3, x = 1 km"
    assert left.get_ylim() == pytest.approx((-0.1 + 0.004 * 199, -0.1))
    assert len(left.lines) == (30 if wiggles else 0)
    save(figure, tmp_path / "g.png", 60)
    pixels = imread(tmp_path / "g.png")[..., :3].mean(axis=-1)
    inside = pixels[40:-50, 60 : pixels.shape[1] // 2 - 20]
    dark = np.flatnonzero((inside < 0.3).mean(axis=1) > 0.4)
    assert dark.size
    assert dark.min() > 0.65 * len(inside)
    assert dark.max() < 0.9 * len(inside)


def test_acquisition_is_a_section_in_2d_and_a_map_in_3d() -> None:
    points = np.array([[100.0, 5.0], [900.0, 7.0]])
    axes = figures.acquisition(points, points, "", Look()).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x [m]", "depth [m]")
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), points[:, 0])
    points = np.column_stack([10 * points, [3.0, 3.0]])
    axes = figures.acquisition(points, points, "", Look()).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x [km]", "y [km]")


def test_spectra_are_below_their_peaks() -> None:
    frequencies = np.linspace(0.0, 100.0, 101)
    amplitude = np.where(frequencies <= 30, 5.0, 0.05)
    axes = curves.spectra({"shot 0": (frequencies, amplitude)}, "Spectra").axes[0]
    assert axes.get_xlabel() == "frequency [Hz]"
    assert "[dB]" in axes.get_ylabel()
    assert axes.lines[0].get_ydata() == pytest.approx(np.where(frequencies <= 30, 0.0, -40.0))
    assert axes.get_xlim()[1] == pytest.approx(45.0)


def test_pdf(tmp_path: Path) -> None:
    """By the end of its name, and signed."""
    figure = figures.profile(np.arange(5.0), "vp [m/s]", "", Look())
    save(figure, tmp_path / "p.pdf", 100)
    content = (tmp_path / "p.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert b"fwicli" in content
