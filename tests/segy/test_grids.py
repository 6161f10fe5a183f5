"""Models and images as SEG-Y: values, spacing and origin come back; what is no grid is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.errors import DataError, FwiError
from fwicli.segy import grids
from fwicli.segy.fields import STANDARD
from fwicli.segy.writer import Form, writing
from fwicli.survey.grid import Grid
from fwicli.workflows.assembly import survey
from tests.segy.files import opened, patch

PLANE = Grid((7, 5), (12.5, 10.0), (100.25, -20.0))
DEEP = Grid((7, 5), (10.0, 100.0), (0.0, 0.0))
CUBE = Grid((4, 3, 5), (12.5, 25.0, 8.0), (0.0, 500.0, 0.0))


def values_on(grid: Grid, dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(1).uniform(1500, 4500, grid.shape).astype(dtype)


@pytest.mark.parametrize("grid", [PLANE, CUBE])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_models_come_back(grid: Grid, dtype: str, tmp_path: Path) -> None:
    values = values_on(grid, dtype)
    grids.write(tmp_path / "m.sgy", values, grid, "vp", "m/s")
    ours, _, beside = grids.read(tmp_path / "m.sgy")
    np.testing.assert_array_equal(ours, values)
    assert ours.dtype == values.dtype
    assert tuple(beside["spacing"]) == grid.spacing
    assert tuple(beside["origin"]) == grid.origin
    with opened(tmp_path / "m.sgy") as file:
        np.testing.assert_array_equal(file.trace.raw[:], values.reshape(-1, grid.shape[-1]))
        x = file.attributes(181)[:] / -file.attributes(71)[:].astype(float)
        assert x[-1] == grid.end[0]


def test_models_in_configs(tmp_path: Path) -> None:
    values = values_on(PLANE)
    grids.write(tmp_path / "m.sgy", values, PLANE, "vp", "m/s")
    text = "model: {vp: {file: m.sgy}}\n"
    text += "geometry: {sources: {x: 110, z: 0}, receivers: {x: 120, z: 0}}\n"
    text += "wavelet: {kind: ricker, frequency: 5}\ntime: {interval: 0.004, duration: 1}\n"
    (tmp_path / "m.yaml").write_text(text)
    model = survey.earth_model(load(tmp_path / "m.yaml").config.model)
    assert model.grid == PLANE
    np.testing.assert_array_equal(model.vp, values)
    (tmp_path / "m.yaml").write_text(text.replace("m.sgy", "m.sgy, dtype: float64"))
    with pytest.raises(FwiError, match="`dtype: float64`"):
        survey.earth_model(load(tmp_path / "m.yaml").config.model)


def foreign(path: Path, crosslines_first: bool = False, **changes: np.ndarray) -> np.ndarray:
    """A cube by another program: shuffled traces, no word on the spacing in the text header."""
    values = values_on(CUBE)
    x, y = (a.ravel() for a in np.indices(CUBE.shape[:2]))
    headers = {"cdp_x": 1250 * x, "cdp_y": 2500 * y + 50000, "coordinate_scalar": -100}
    lines = (y, x) if crosslines_first else (x, y)
    headers |= {"inline": lines[0] + 11, "crossline": lines[1] + 21, **changes}
    mixed = np.random.default_rng(2).permutation(len(x))
    with writing(path, Form(0.008, CUBE.shape[-1], len(x), fields=grids.FIELDS)) as writer:
        columns = {n: np.broadcast_to(v, len(x))[mixed] for n, v in headers.items()}
        writer.append(values.reshape(len(x), -1)[mixed], columns)
    return values


@pytest.mark.parametrize("crosslines_first", [True, False])
def test_foreign_cubes_are_sorted(crosslines_first: bool, tmp_path: Path) -> None:
    values = foreign(tmp_path / "c.sgy", crosslines_first)
    ours, _, beside = grids.read(tmp_path / "c.sgy")
    np.testing.assert_array_equal(ours, values)
    assert beside == {}  # time or depth is not stated


def test_what_is_no_grid_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.sgy"
    foreign(path, inline=np.arange(12))
    with pytest.raises(DataError, match="12 traces are no grid of 12 inlines and 3 crosslines"):
        grids.read(path)
    assert grids.read(path, (4, 3, 5))[0].shape == (4, 3, 5)
    with pytest.raises(DataError, match="12 traces of 5 samples, which do not fit"):
        grids.read(path, (4, 5, 3))
    x, y = (a.ravel() for a in np.indices(CUBE.shape[:2]))
    foreign(path, cdp_x=1000 * x + 500 * y, cdp_y=1000 * y - 500 * x)
    with pytest.raises(DataError, match="not along x and y"):
        grids.read(path)


def test_headers_that_contradict_the_text_are_refused(tmp_path: Path) -> None:
    grids.write(tmp_path / "m.sgy", values_on(PLANE), PLANE, "vp", "m/s")
    patch(tmp_path / "m.sgy", 181, "i", 4711, trace=3)
    with pytest.raises(DataError, match=r"trace 4, byte 181 \(cdp_x\) is 47.11 m, and by the text"):
        grids.read(tmp_path / "m.sgy")


def test_steps_that_headers_cannot_state(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a spacing of 100 m in depth does not fit"):
        grids.write(tmp_path / "m.sgy", values_on(PLANE), DEEP, "vp", "m/s")


def test_a_foreign_section_needs_a_spacing(shared_data: Path) -> None:
    """A stack of another program: whether it is in time or in depth, it does not say."""
    path = shared_data / "segy" / "f3.sgy"
    with pytest.raises(DataError, match="not along x and y"):
        grids.read(path)
    values, _, beside = grids.read(path, (23, 18, 75))
    assert values.shape == (23, 18, 75)
    assert beside == {}
    assert STANDARD["sample_interval"].byte == 117
