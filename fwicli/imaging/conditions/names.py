"""Names of imaging conditions, and what each takes from an equation; without Devito or SymPy."""

from __future__ import annotations

from fwicli.propagators.equations import registry

# Properties that change with each image.
CHANGES: dict[str, tuple[str, ...]] = {
    "velocity": ("vp",),
    "inverse_scattering": ("rho",),
    "tomographic": ("vp", "rho"),
    "density": ("rho",),
    "epsilon": ("epsilon",),
    "delta": ("delta",),
}
CORRELATION = "correlation"
# The image of the largest amplitudes, those of two whole fields (see `imaging.extended`), and kinds
# of gathers.
EXCITATION_IMAGE = "excitation"
FIELDS = ("up_down", "left_right")
LAGGED_GATHERS = ("subsurface_offset", "time_shift")
GATHERS = (*LAGGED_GATHERS, "source_distance", "surface_offset", "common_shot")
# Energies that an image is divided by (see `imaging.energies`).
ENERGIES = ("source", "both", "hessian")
NAMES = (CORRELATION, *CHANGES)
# Images of isotropic media of constant density that others need a density for.
CONSTANT_DENSITY = ("inverse_scattering", "tomographic")
# Images without backscatter, which the Laplacian filter is to remove.
WITHOUT_BACKSCATTER = ("inverse_scattering", "density", "up_down", "left_right")
# Images whose values are shares of a property.
RELATIVE = ("velocity", "inverse_scattering", "tomographic", "density")


def available(equation: str, ndim: int) -> tuple[str, ...]:
    """Names of the conditions that an equation has.

    Parameters
    ----------
    equation : str
    ndim : int
        Number of space dimensions.

    Returns
    -------
    tuple of str
    """
    properties = registry.load(equation).properties_in(ndim)
    if "vp" not in properties:
        return (CORRELATION,)  # all others are of P waves
    isotropic = CONSTANT_DENSITY if properties == ("vp",) else ()
    return tuple(n for n in NAMES if n in isotropic or set(CHANGES.get(n, ())) <= set(properties))


def has_density(equation: str) -> bool:
    """Whether an equation has a density."""
    return "rho" in registry.load(equation).properties


def sums(name: str, equation: str, ndim: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sums over time that an image is made of, and the parameters whose gradients it takes.

    Parameters
    ----------
    name : str
        Name of the condition.
    equation : str
    ndim : int
        Number of space dimensions.

    Returns
    -------
    kinds : tuple of str
        Some of "gradient" and "correlation".
    parameters : tuple of str
        Empty without a gradient.
    """
    stated = registry.load(equation)
    if name == CORRELATION:
        return (CORRELATION,), ()
    changes = set(CHANGES[name])
    if name in CONSTANT_DENSITY and not has_density(equation):
        changes -= {"rho"}
        kinds = ("gradient", CORRELATION) if changes else (CORRELATION,)
        return kinds, stated.depending(changes, ndim)
    if stated.mean_density and "rho" in changes:
        changes.add("vp")  # the densities of cells change the velocities of nodes
    return ("gradient",), stated.depending(changes, ndim)
