"""Make the earth below a land line: soil on rock, with a filled valley, and a start without them.

    python data/make_landline.py [FOLDER]

The files are in the repository; this program documents where they come from. `landline.npz` has the
earth on the grid of the records, `landline_coarse.npz` earth and start on that of the inversion.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

LENGTH, DEPTH = 240.0, 36.0  # [m]
SPACING, COARSE = 1.0, 1.5  # of the records and of the inversion [m]
THICKNESS, EDGE = 8.0, 1.5  # of the soil, and of the gradual change to rock [m]
VALLEY = (150.0, 28.0, 9.0)  # its middle, half width and depth below the base of the soil [m]
RATIO = 2.0  # of the velocities of P and S waves, for a Poisson's ratio of 1/3


def points(spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Positions along x and z [m]."""
    shape = round(LENGTH / spacing) + 1, round(DEPTH / spacing) + 1
    return spacing * np.arange(shape[0])[:, None], spacing * np.arange(shape[1])


def earth(spacing: float) -> dict[str, np.ndarray]:
    """Velocities of P and S waves of the earth [m/s]."""
    x, z = points(spacing)
    middle, width, deep = VALLEY
    base = THICKNESS + deep * np.exp(-(((x - middle) / width) ** 2))
    soil = 210 + 4 * z + 35 / (1 + np.exp((x - 90) / 12))  # slower to the right
    rock = 380 + 5 * z
    vs = soil + (rock - soil) / (1 + np.exp(-(z - base) / EDGE))
    return {"vp": RATIO * vs, "vs": vs}


def start(spacing: float) -> dict[str, np.ndarray]:
    """Velocities that grow with depth alone, as dispersion along the whole line gives them."""
    x, z = points(spacing)
    vs = np.broadcast_to(230 + 9 * z, (len(x), len(z)))
    return {"vp": RATIO * vs, "vs": vs}


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    coarse = earth(COARSE) | {f"start_{name}": v for name, v in start(COARSE).items()}
    for name, models in {"landline": earth(SPACING), "landline_coarse": coarse}.items():
        arrays = {key: values.astype(np.float32) for key, values in models.items()}
        np.savez_compressed(folder / f"{name}.npz", **arrays)
