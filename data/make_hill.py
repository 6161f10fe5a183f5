"""Make the hill of configs/hill_model.yaml: its surface, weathered rock along it, and a soft body.

    python data/make_hill.py [FOLDER]

The files are in the repository; this program documents where they come from. `hill.csv` has the
elevations of the surface, and `hill.npz` the velocities on a grid whose z = 0 is at 130 m.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SHAPE, SPACING, DATUM = (121, 51), 2.0, 130.0
# S velocity of weathered and fresh rock, and the change of it in the body [m/s].
WEATHERED, FRESH, SOFT = 420.0, 700.0, -120.0
# Thickness of the weathered rock [m].
THICKNESS = 14.0


def elevations(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Elevation of the surface [m]: a hill beside a small valley."""
    hill = 22.0 * np.exp(-(((x - 90.0) / 38.0) ** 2))
    return 100.0 + hill - 8.0 * np.exp(-(((x - 190.0) / 22.0) ** 2))


def earth() -> dict[str, NDArray[np.float32]]:
    """S and P velocity with the body, and those of the start without it [m/s]."""
    x, z = (np.arange(n) * SPACING for n in SHAPE)
    depth = z - (DATUM - elevations(x)[:, None])
    share = 0.5 * (1 + np.tanh((depth - THICKNESS) / 3.0))
    start = WEATHERED + (FRESH - WEATHERED) * share
    away = ((x[:, None] - 100.0) / 20.0) ** 2 + ((z - 42.0) / 9.0) ** 2
    true = start + SOFT * np.exp(-away)
    models = {"vs": true, "vp": 2 * true, "start_vs": start, "start_vp": 2 * start}
    return {name: values.astype(np.float32) for name, values in models.items()}


def main(folder: Path) -> None:
    """Write the files into a folder."""
    np.savez_compressed(folder / "hill.npz", **earth())
    x = np.arange(0.0, 240.1, 5.0)
    rows = [f"{a:g},{e:.2f}" for a, e in zip(x, elevations(x), strict=True)]
    text = "\n".join(["x (m),elevation (m)", *rows])
    (folder / "hill.csv").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
