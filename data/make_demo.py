"""Make the model of the demo: layers over a fault, a lens and a salt body below water.

    python data/make_demo.py        writes data/demo_vp.npy and data/demo_rho.npy

P velocity [m/s] and density [kg/m3] as int16, shape (601, 201) = (x, z), spacing 10 m. Nothing is
random. The density of sediments is 310 vp**0.25 (Gardner, Gardner and Gregory, 1974, Geophysics 39,
770-780); a layer of marl, the gas sand and the salt do not follow it.
"""

from pathlib import Path

import numpy as np

SPACING = 10.0
SHAPE = (601, 201)

# Depth of the top [m] and velocity [m/s] of each layer below the sea floor, before deformation.
LAYERS = [
    (0, 1700),
    (130, 1900),
    (260, 2150),
    (360, 2000),
    (500, 2350),
    (660, 2600),
    (780, 2450),
    (930, 2850),
    (1100, 3100),
    (1260, 3000),
    (1420, 3450),
    (1620, 3700),
]


def main() -> None:
    """Write the model."""
    x = SPACING * np.arange(SHAPE[0])[:, None]
    z = SPACING * np.arange(SHAPE[1])[None, :]

    sea_floor = 200 + 25 * np.sin(2 * np.pi * x / 4500) + 15 * np.sin(2 * np.pi * x / 1300 + 1)
    fold = 70 * np.sin(2 * np.pi * x / 3600 + 0.6) + 0.035 * (x - 3000)

    # A normal fault that dips to the right, with 130 m of throw that dies out upwards.
    fault = 1500 + 0.45 * z
    throw = 130 * np.clip((z - 350) / 400, 0, 1)
    moved = np.where(x > fault, throw, 0.0)

    below = z - sea_floor
    level = below - np.clip(below / 500, 0, 1) * fold - moved
    vp = np.full(SHAPE, 1500.0)
    for top, velocity in LAYERS:
        # Layers compact with depth.
        vp = np.where(level >= top, velocity + 0.25 * (level - top), vp)
    vp = np.where(below < 0, 1500.0, np.where(below >= 0, np.maximum(vp, 1600.0), vp))

    # A lens of slow, gas-bearing sand.
    lens = ((x - 950) / 420) ** 2 + ((z - 620) / 45) ** 2 < 1
    vp = np.where(lens, 1780.0, vp)

    # Salt with a steep flank, an overhang and a rough top.
    half_width = 520 + 150 * np.sin((z - 750) / 260) + 60 * np.sin(z / 55)
    top = 780 + ((x - 4350) / 38) ** 2 * 0.9 + 18 * np.sin(x / 75)
    salt = (np.abs(x - 4350 - 0.12 * (z - 1200)) < half_width) & (z > top) & (z < 1660)
    vp = np.where(salt, 4400.0, vp)

    rho = 310 * vp**0.25
    rho = np.where((level >= 500) & (level < 660), 2550.0, rho)
    rho = np.where(below < 0, 1000.0, np.where(lens, 1800.0, np.where(salt, 2160.0, rho)))

    for name, values in (("vp", vp), ("rho", rho)):
        path = Path(__file__).with_name(f"demo_{name}.npy")
        np.save(path, np.rint(values).astype(np.int16))


if __name__ == "__main__":
    main()
