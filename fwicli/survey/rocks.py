"""Ranges of the properties of rocks, water and air: values outside are likely of another unit."""

from __future__ import annotations

# vp [m/s], rho [kg/m3], Thomsen's parameters, angles [rad], the product of vp and rho.
PLAUSIBLE = {
    "vp": (50.0, 15000.0),
    "rho": (500.0, 10000.0),
    "epsilon": (-0.5, 2.0),
    "delta": (-0.5, 2.0),
    "theta": (-3.2, 3.2),
    "phi": (-6.4, 6.4),
    "impedance": (50.0 * 500.0, 15000.0 * 10000.0),
}


def unit(low: float, high: float) -> str:
    """Unit in which values that are no velocities [m/s] are those of rocks.

    Parameters
    ----------
    low, high : float
        The least and the largest value.

    Returns
    -------
    unit : str
        `km/s`, `s/m` of a slowness, `s2/m2` of a squared slowness, or nothing.
    """
    if low <= 0:
        return ""
    ends = {
        "km/s": (1000 * low, 1000 * high),
        "s/m": (1 / high, 1 / low),
        "s2/m2": (high**-0.5, low**-0.5),
    }
    slowest, fastest = PLAUSIBLE["vp"]
    fitting = (name for name, (a, b) in ends.items() if slowest <= a and b <= fastest)
    return next(fitting, "")
