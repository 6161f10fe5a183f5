"""Make the earth between two wells: P velocity with three anomalies, and Q in layers.

    python data/make_crosswell.py [FOLDER]

The files are in the repository; this program documents where they come from.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

SPACING = 5.0  # [m]
SHAPE = (81, 121)  # points along x and depth: 400 m x 600 m
# Of anomalies: x, depth and radius [m], and their share of 2000 m/s.
ANOMALIES = ((130.0, 180.0, 50.0, 0.1), (270.0, 300.0, 60.0, -0.1), (140.0, 430.0, 50.0, 0.08))
# Ends in depth of layers [m] and their Q; it is 40 elsewhere.
LAYERS = ((230.0, 330.0, 40 / 3), (430.0, 500.0, 120.0))


def earth() -> tuple[np.ndarray, np.ndarray]:
    """P velocity [m/s] and Q of P waves."""
    x, z = SPACING * np.arange(SHAPE[0])[:, None], SPACING * np.arange(SHAPE[1])
    share = sum(
        size * np.exp(-((x - x0) ** 2 + (z - z0) ** 2) / (2 * radius**2))
        for x0, z0, radius, size in ANOMALIES
    )
    qp = np.full(SHAPE, 40.0)
    for top, bottom, value in LAYERS:
        qp[:, (z >= top) & (z < bottom)] = value
    return 2000.0 * (1 + share), qp


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for name, values in zip(("vp", "qp"), earth(), strict=True):
        np.save(folder / f"crosswell_{name}.npy", values.astype(np.float32))
