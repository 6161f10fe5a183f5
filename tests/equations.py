"""Equations that tests run for; large ones are slow tests, as their kernels compile slowly."""

from __future__ import annotations

import pytest

from fwicli.propagators.equations.registry import EQUATIONS

LARGE = (
    "velocity_pressure",
    "vti",
    "tti",
    "elastic",
    "elastic_vti",
    "sh",
    "viscoacoustic",
    "viscoelastic",
)

# Of these, those whose derivatives take longest.
LARGEST = ("tti", "elastic", "elastic_vti", "viscoacoustic", "viscoelastic")

# Whose sides may be free.
WITH_SIDES = [name for name, e in EQUATIONS.items() if e.free_sides]

# And dimensions, as an equation may be for one number of them alone.
CASES = [(name, ndim) for name, e in EQUATIONS.items() for ndim in e.dimensions]

# Images in free sides have this sign: pressures change it, and motion along the side keeps it.
SIGNS = {name: 1 if EQUATIONS[name].usual("record", 2)[1].even else -1 for name in WITH_SIDES}

# For tests of what all equations share: the small ones stand for the large ones until test-full.
large_are_slow = pytest.mark.parametrize(
    "equation",
    [pytest.param(e, marks=pytest.mark.slow if e in LARGE else ()) for e in EQUATIONS],
)

# Order of the space differences where a test is not about it: kernels of order 8 take half as long
# again to compile. `test_any_order_is_exact` has the other orders.
USUAL_ORDER = 4


def is_slow(
    equation: str,
    ndim: int = 2,
    precision: str = "float64",
    surface: bool = False,
    derivative: bool = False,
) -> bool:
    """Whether the kernels of a case wait for test-full.

    In 3D and in single precision the acoustic equation stands for all, as the derivation knows
    neither. So it does below a free surface: `test_sides` proves the operators of variable density
    between a first and a last side. No case has two of these three. Operators of the acoustic
    system are those of all its components at once, pressure among them, in `test_components`.
    Derivatives of the largest equations wait, too: they take two kernels as large as all others of
    a test, and are derived as those of three equations that every day has. The gradient of solids
    is compared with differences of misfits every day, in `test_components`. Solids of vertical
    transverse isotropy are derived as isotropic ones, and wait; so do SH waves, which have tests of
    their own. So do derivatives in 3D: the
    forward and adjoint waves of every day hold all that has a third axis.
    """
    special = (ndim == 3) + (precision == "float32") + surface
    return (
        special > 1
        or (special == 1 and equation != "acoustic")
        or equation in ("velocity_pressure", "elastic_vti", "sh")
        or (derivative and (ndim == 3 or equation in LARGEST))
    )


every_dimension = pytest.mark.parametrize(
    ("ndim", "equation"),
    [
        pytest.param(
            ndim,
            equation,
            marks=pytest.mark.slow if is_slow(equation, ndim, derivative=True) else (),
        )
        for equation, ndim in CASES
    ],
)
