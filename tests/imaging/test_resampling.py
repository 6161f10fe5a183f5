"""Images on another grid."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.errors import DataError
from fwicli.imaging.resampling import resampled
from fwicli.survey.grid import Grid

COARSE = Grid((31, 21), (20.0, 20.0), (100.0, 0.0))


def wave(grid: Grid, length: float) -> np.ndarray:
    x, z = np.meshgrid(grid.coordinates(0), grid.coordinates(1), indexing="ij")
    return np.cos(2 * np.pi * z / length) * np.cos(2 * np.pi * (x - 100) / 400)


def test_waves_keep_their_amplitude() -> None:
    """To 2 % with five points in a wavelength, where linear interpolation errs by 15 %."""
    fine = Grid((81, 54), (7.5, 7.5), (100.0, 0.0))
    difference = resampled(wave(COARSE, 100.0), COARSE, fine) - wave(fine, 100.0)
    inner = difference[5:-5, 5:-5]
    assert np.abs(inner).max() < 0.02


SHIFTED = Grid((31, 21), (20.0, 20.0), (150.0, 0.0))
CUBE = Grid((31, 31, 21), (20.0,) * 3, (100.0, 0.0, 0.0))


@pytest.mark.parametrize("grid", [SHIFTED, CUBE])
def test_another_part_of_the_earth_is_refused(grid: Grid) -> None:
    with pytest.raises(DataError, match="covers x = 100 to 700 m by z = 0 to 400 m, and"):
        resampled(wave(COARSE, 100.0), COARSE, grid)
