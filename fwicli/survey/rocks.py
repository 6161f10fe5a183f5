"""Ranges of the properties of rocks, water and air: values outside are likely of another unit."""

from __future__ import annotations

# vp [m/s], rho [kg/m3], Thomsen's parameters, angles [rad].
PLAUSIBLE = {
    "vp": (50.0, 15000.0),
    "rho": (500.0, 10000.0),
    "epsilon": (-0.5, 2.0),
    "delta": (-0.5, 2.0),
    "theta": (-3.2, 3.2),
    "phi": (-6.4, 6.4),
}
