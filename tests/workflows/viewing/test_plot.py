"""`fwi plot`: pictures of everything that runs write, and of files of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from fwicli.cli.main import cli
from fwicli.errors import ConfigError
from fwicli.files import blocks, hdf5
from fwicli.plotting.style import Look
from fwicli.workflows.exchange.convert import Conversion
from fwicli.workflows.exchange.convert import run as convert
from fwicli.workflows.exchange.opening import FileLayout
from fwicli.workflows.viewing import plot
from fwicli.workflows.viewing.drawing.contents import contents
from fwicli.workflows.viewing.drawing.drawable import PictureOptions
from fwicli.workflows.viewing.drawing.grids import plane_figure


def shown(path: Path, name: str, **options: Any) -> np.ndarray:
    """Values of the section that a picture shows, of shape (n, m)."""
    figure = contents(path, FileLayout())[name].draw(name, PictureOptions(**options))
    return np.asarray(figure.axes[0].images[0].get_array()).T


def test_models_of_an_inversion(survey: Path, inverted: dict[str, Any]) -> None:
    """The result, each iterate, and differences, in m/s and m."""
    folder = survey / "whole"
    with h5py.File(folder / "inversion.h5") as file:
        result, start = file["result/vp"][()], file["start/vp"][()]
        second, true = file["iterates/0002/vp"][()], file["reference/vp"][()]
    np.testing.assert_array_equal(shown(folder, "vp"), result)
    np.testing.assert_array_equal(shown(folder / "inversion.h5", "vp", iterate=2), second)
    np.testing.assert_array_equal(shown(folder, "vp", iterate=0), start)
    np.testing.assert_array_equal(shown(folder, "change/vp"), result - start)
    np.testing.assert_array_equal(shown(folder, "error/vp", iterate=2), second - true)
    np.testing.assert_allclose(shown(folder, "model/vp"), start, rtol=1e-6)
    figure = contents(folder, FileLayout())["error/vp"].draw("error/vp", PictureOptions())
    axes, bar = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x [m]", "depth [m]")
    assert bar.get_ylabel() == "difference of P velocity [m/s]"
    assert axes.images[0].get_extent() == pytest.approx((-5, 605, 405, -5))
    assert axes.get_title() == "Result minus reference"


def test_colours_of_combinations_are_those_of_solids(tmp_path: Path) -> None:
    """Fluids, where they are 0, take none of them, unless colours are chosen."""
    values = np.linspace(1.8, 2.2, 600).reshape(30, 20)
    values[:, :4] = 0.0
    np.save(tmp_path / "vp_vs_ratio.npy", values)
    array = blocks.open_array(tmp_path / "vp_vs_ratio.npy", "vp_vs_ratio")
    for look, ends in ((Look(), (values[values > 0].min(), 2.2)), (Look(limits=(0, 3)), (0, 3))):
        figure = plane_figure(array, "vp_vs_ratio", "ratio", PictureOptions(look=look))
        assert figure.axes[0].images[0].get_clim() == pytest.approx(ends)


def test_gradient_covers_the_model(survey: Path, inverted: dict[str, Any]) -> None:
    """It is on the grid of the unknowns, with their spacing."""
    figure = contents(survey / "whole", FileLayout())["gradient"].draw("", PictureOptions())
    gradient, _ = hdf5.read_state(survey / "whole" / "state.h5")
    picture = figure.axes[0].images[0]
    np.testing.assert_array_equal(picture.get_array().T, gradient["gradient"][0])
    low, high = picture.get_clim()
    assert low == -high
    assert picture.get_extent()[:2] == pytest.approx((-5, 605))


def test_every_content_of_runs_is_drawn(
    survey: Path, inverted: dict[str, Any], tmp_path: Path
) -> None:
    """Under the names that are listed; each has axes with labels."""
    expected = {"shots": {"gather", "spectrum", "acquisition", "wavelet", "model/vp"}}
    expected["whole"] = {*expected["shots"], "vp", "start/vp", "change/vp", "reference/vp"}
    expected["whole"] |= {"error/vp", "convergence", "gradient", "weight"}
    for run, names in expected.items():
        listed = contents(survey / run, FileLayout())
        assert set(listed) == names
        for name, content in listed.items():
            figure = content.draw(name, PictureOptions())
            assert all(axes.get_xlabel() or axes.get_ylabel() for axes in figure.axes[:1])
    plot.run(survey / "whole", "convergence", tmp_path / "c.pdf")
    assert (tmp_path / "c.pdf").read_bytes().startswith(b"%PDF")


def test_planes_of_3d(tmp_path: Path) -> None:
    """Sections along x and y, and slices, are where they are asked for, with their axes."""
    values = np.random.default_rng(0).random((8, 6, 5)).astype(np.float32)
    with h5py.File(tmp_path / "cube.h5", "w") as file:
        file["image"] = values - 0.5
        file["image"].attrs.update(spacing=[10.0, 20.0, 5.0], origin=[100.0, 0.0, 0.0])
    path, image = tmp_path / "cube.h5", values - 0.5
    np.testing.assert_array_equal(shown(path, "image"), image[:, 3])
    np.testing.assert_array_equal(shown(path, "image", places={"x": 121.0}), image[2])
    np.testing.assert_array_equal(shown(path, "image", places={"y": 20.0}), image[:, 1])
    np.testing.assert_array_equal(shown(path, "image", places={"z": 20.0}), image[:, :, 4])
    content = contents(path, FileLayout())["image"]
    slice_at = content.draw("image", PictureOptions(places={"z": 20.0})).axes[0]
    assert (slice_at.get_xlabel(), slice_at.get_ylabel()) == ("x [m]", "y [m]")
    assert slice_at.get_title() == "image, z = 20 m"
    assert slice_at.images[0].get_extent() == pytest.approx((95, 175, -10, 110))
    low, high = slice_at.get_ylim()
    assert low < high
    section = content.draw("image", PictureOptions(places={"x": 100.0})).axes[0]
    assert (section.get_xlabel(), section.get_ylabel()) == ("y [m]", "depth [m]")
    with pytest.raises(ConfigError, match="from 100 to 170 m"):
        shown(path, "image", places={"x": 99999.0})
    with pytest.raises(ConfigError, match="choose one"):
        shown(path, "image", places={"x": 100.0, "z": 5.0})


def test_files_of_others(survey: Path, tmp_path: Path) -> None:
    """Records in SEG-Y and RSF, and models in .npy and RSF, are those of HDF5."""
    records = survey / "shots" / "shots.h5"
    with h5py.File(records) as file:
        gather = file["data"][1]
    for name in ("r.sgy", "r.rsf"):
        convert(Conversion(records, tmp_path / name))
    for path in (records, tmp_path / "r.sgy", tmp_path / "r.rsf"):
        np.testing.assert_allclose(shown(path, "gather", shots=(1,)), gather, rtol=1e-6)
    np.testing.assert_array_equal(shown(survey / "true.npy", "array"), np.load(survey / "true.npy"))
    convert(Conversion(survey / "true.npy", tmp_path / "vp.rsf"))
    np.testing.assert_array_equal(shown(tmp_path / "vp.rsf", "vp"), np.load(survey / "true.npy"))


def test_gathers_and_spectra_of_chosen_shots(survey: Path) -> None:
    records = survey / "shots" / "shots.h5"
    listed = contents(records, FileLayout())
    figure = listed["gather"].draw("gather", PictureOptions(shots=(3, 0), wiggles=True))
    assert [axes.get_title() for axes in figure.axes] == [
        "shot 3, x = 540 m",
        "shot 0, x = 60 m",
    ]
    assert len(figure.axes[0].lines) == 31
    curve = listed["spectrum"].draw("spectrum", PictureOptions(shots=(2,))).axes[0].lines[0]
    peak = curve.get_xdata()[np.argmax(curve.get_ydata())]
    assert 6 < peak < 15  # that of a wavelet of 12 Hz, in 2D
    with pytest.raises(ConfigError, match="from 0 to 3"):
        listed["gather"].draw("gather", PictureOptions(shots=(4,)))


def test_mistakes_are_named(survey: Path, inverted: dict[str, Any], tmp_path: Path) -> None:
    """What is wrong, and what to type."""
    run, picture = survey / "whole", tmp_path / "p.png"
    with pytest.raises(ConfigError, match="did you mean `convergence`"):
        plot.run(run, "convergance", picture)
    with pytest.raises(ConfigError, match="there are: vp, start/vp"):
        plot.run(run, "q", picture)
    with pytest.raises(ConfigError, match=r"neither \.png nor \.pdf"):
        plot.run(run, "vp", tmp_path / "p.jpg")
    with pytest.raises(ConfigError, match="it holds 1 to 6, and the start as 0"):
        plot.run(run, "vp", picture, PictureOptions(iterate=9))
    options = PictureOptions(iterate=2, stated=("iterate",))
    with pytest.raises(ConfigError, match="`convergence` has no --iterate"):
        plot.run(run, "convergence", picture, options)
    with pytest.raises(ConfigError, match="is a plane already; leave out --z"):
        plot.run(run, "vp", picture, PictureOptions(places={"z": 10.0}))
    with pytest.raises(ConfigError, match="is not the folder of a run"):
        plot.available(tmp_path)
    assert not picture.exists()


def test_command(survey: Path, inverted: dict[str, Any], tmp_path: Path) -> None:
    """It lists, draws with every option, and says where; what it is told is in the picture."""
    run, picture = str(survey / "whole"), tmp_path / "p.png"
    listed = json.loads(CliRunner().invoke(cli, ["plot", run, "--json"]).output)
    assert listed["vp"] == "vp of the result (iterates: 1 to 6)"
    arguments = ["plot", run, "vp", "-o", str(picture), "--iterate", "2", "--cmap", "gray"]
    arguments += ["--range", "1500,2700", "--size", "5,4", "--dpi", "60"]
    done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert str(picture) in done.output
    from matplotlib.image import imread

    pixels = imread(picture)
    assert pixels.shape[:2] == (240, 300)
    assert np.ptp(pixels[..., :3], axis=-1).max() < 0.01  # all is grey
    failed = CliRunner().invoke(cli, ["plot", run, "-o", str(picture)])
    assert failed.exit_code == 2
    assert "name WHAT is drawn, one of: vp, " in failed.output
    failed = CliRunner().invoke(cli, ["plot", run, "vp"])
    assert "-o vp.png" in failed.output
    failed = CliRunner().invoke(cli, ["plot", run, "gather", "-o", "x.png", "--shot", "a"])
    assert "names no shots" in failed.output


def test_look_is_used(survey: Path, inverted: dict[str, Any]) -> None:
    look = Look(size=(3.0, 2.0))
    for name, content in contents(survey / "whole", FileLayout()).items():
        figure = content.draw(name, PictureOptions(look=look))
        assert tuple(figure.get_size_inches()) == (3.0, 2.0), name
