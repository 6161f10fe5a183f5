"""Rules of physics and numerics, each a function that notes its problems."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.loader import Key
from fwicli.errors import FwiError
from fwicli.propagators.absorbing import SURFACE
from fwicli.propagators.equations import registry, surface
from fwicli.propagators.equations.equation import ROUND_OFF, Equation, call
from fwicli.propagators.sampling import stability
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel, velocity_unit
from fwicli.survey.properties import PLAUSIBLE, PROPERTIES, UNITS
from fwicli.survey.signals.bands import Band
from fwicli.survey.signals.wavelets import BAND_EDGE, Spectrum
from fwicli.survey.uniform import distinct
from fwicli.workflows.assembly import plausibility
from fwicli.workflows.assembly.equation import stencil, wave_equation
from fwicli.workflows.planning.problems import Problems

Array = NDArray[Any]

# Of points per wavelength, not worth a word: spacings that are chosen are rounded.
ROUNDING = 2e-3
# In the shortest wavelength next to a topography: 20 at the peak frequency of a Ricker wavelet.
CUT_POINTS = 8.3
# A band with less of the wavelet's largest amplitude than this holds nothing to invert.
FAINTEST = 1e-3


def points_needed(physics: schema.PhysicsSection) -> float:
    """Points in the shortest wavelength that a run must have."""
    return physics.min_points_per_wavelength or stability.default_points(stencil(physics))


def free_surface(
    problems: Problems, physics: schema.PhysicsSection, grid: Grid, points: float
) -> bool:
    """Whether the equation has differences next to the free surface; a problem says why not.

    Warns where waves along the surface of a solid have too few points for errors of 2 %, or of 3 %
    in anisotropic rocks.

    Parameters
    ----------
    problems : Problems
    physics : PhysicsSection
    grid : Grid
        Of the propagation.
    points : float
        In the shortest wavelength.

    Returns
    -------
    bool
    """
    equation = registry.load(wave_equation(physics))
    free = SURFACE if physics.free_surface else ()
    try:
        if physics.topography is None:
            equation.check_sides(free, stencil(physics), grid.shape[-1])
        else:
            equation.check_topography(free, stencil(physics))
    except FwiError as error:
        problems.add_once(("physics", "free_surface"), str(error))
        return False
    if physics.topography is not None:
        _check_cut_surface(problems, points)
        return True
    if equation.has_surface(free) and (points < surface.POINTS or physics.order < 6):
        percent = (
            3 if "epsilon" in equation.properties else 2
        )  # anisotropic waves are more in error
        problems.warn(
            f"waves along the free surface have {points:.3g} points in the shortest wavelength at "
            f"order {physics.order}; errors stay below {percent} % over four wavelengths from "
            f"{surface.POINTS:g} points on at orders 6 and 8: use a smaller spacing or a lower band"
        )
    return True


def _check_cut_surface(problems: Problems, points: float) -> None:
    """Warn where waves along a topography have too few points for errors of some 5 %."""
    if points < CUT_POINTS:
        problems.warn(
            f"waves along the topography have {points:.3g} points in the shortest wavelength; "
            f"after one wavelength at the peak frequency they err by 5 to 9 % with 6.3 points, and "
            f"by 2 to 5 % with {CUT_POINTS:g}: use a smaller spacing or a lower band"
        )


# Remedies for values that are too small for a velocity, by the unit that they may be in.
REMEDIES = {
    "km/s": "is it in km/s? Then set `NAME.unit: km/s`",
    "s/m": "is it the slowness, in s/m? Then save its inverse",
    "s2/m2": "is it the squared slowness, in s2/m2? Then save the inverse of its root",
    "": "give the velocity, in m/s",
}


def dotted(key: Key) -> str:
    """A key as `--set` takes it."""
    return ".".join(map(str, key))


def check_plausible(problems: Problems, name: str, model: EarthModel) -> None:
    """Warn of properties that no rock has; a velocity that is far too small is a problem.

    Parameters
    ----------
    problems : Problems
    name : str
        Section of the config: `model` or `reference`.
    model : EarthModel
    """
    for prop, values in model.properties.items():
        values = distinct(values)
        low, high = PLAUSIBLE[prop]
        if prop == model.leading and values.max() < PLAUSIBLE["vp"][0]:
            slowest, fastest = float(values.min()), float(values.max())
            remedy = REMEDIES[velocity_unit(slowest, fastest)].replace("NAME", name)
            problems.add(
                (name,),
                f"{prop} is from {slowest:g} to {fastest:g} m/s, and no rock or water is so slow: "
                f"{remedy}",
            )
            continue
        if values.min() < low or values.max() > high:
            unit, setting = UNITS.get(prop, ""), PROPERTIES[prop].unit.setting or prop
            problems.warn(
                f"`{name}` has {prop} from {values.min():g} to {values.max():g} {unit}, which "
                f"no rock has; check `{name}.{setting}`"
            )


def check_complete(problems: Problems, equation: str, model: EarthModel) -> None:
    """The model must have the properties that the equation needs, within its limits.

    Parameters
    ----------
    problems : Problems
    equation : str
        Name of the wave equation.
    model : EarthModel
    """
    stated = registry.load(equation)
    needed = stated.properties_in(model.grid.ndim)
    missing = [name for name in needed if name not in model.properties]
    for name in missing:
        unit = UNITS.get(name, "")
        if name in stated.defaults:
            problems.warn(
                f"the model has no {name}; the equation `{equation}` takes it to be "
                f"{stated.defaults[name]:g} {unit}"
            )
        else:
            problems.add(
                ("model",),
                f"the equation `{equation}` needs `{name}`, and the model has only "
                f"{', '.join(f'`{p}`' for p in model.properties)}: give `model.{name}`, or "
                f"choose another `physics.equation`",
            )
    if not set(missing) - set(stated.defaults):
        _check_limits(problems, stated, model)
    for name in model.properties:
        if name not in needed:
            problems.warn(f"`model.{name}` is not used by the equation `{equation}`")


def _check_limits(problems: Problems, equation: Equation, model: EarthModel) -> None:
    """The model must allow a stable solution."""
    properties = equation.complete(model.properties, model.grid.ndim)
    for limit in equation.limits:
        unstable = np.argwhere(call(limit.margin, properties) < -ROUND_OFF)
        if not unstable.size:
            continue
        place = tuple(int(i) for i in unstable[0])
        names = inspect.signature(limit.margin).parameters
        values = " and ".join(
            f"{name} = {np.broadcast_to(properties[name], model.grid.shape)[place]:g}"
            for name in names
            if name in properties
        )
        problems.add(
            ("model",),
            f"{values} at {model.grid.describe(place)}, and so at {len(unstable)} points in all: "
            f"{limit.rule}",
        )


def reference(problems: Problems, physics: schema.PhysicsSection, spectrum: Spectrum) -> bool:
    """Whether the reference frequency is given where the equation needs it, and only there.

    Parameters
    ----------
    problems : Problems
    physics : PhysicsSection
    spectrum : Spectrum
        Of the waves.

    Returns
    -------
    bool
    """
    equation, frequency = registry.load(wave_equation(physics)), physics.reference_frequency
    key: Key = ("physics", "reference_frequency")
    if equation.constant_q is None:
        if frequency is not None:
            problems.add(
                key,
                f"waves of the equation `{equation.name}` have one velocity at all frequencies; "
                f"leave `reference_frequency` out, or choose an equation with losses",
            )
        return frequency is None
    if frequency is None:
        problems.add(
            ("physics", "equation"),
            f"the equation `{equation.name}` needs `physics.reference_frequency`, at which waves "
            f"have the velocities of the model: for this wavelet "
            f"`reference_frequency: {spectrum.centre:.3g}` is a good choice",
        )
        return False
    low, high = (share * frequency for share in equation.constant_q)
    if not low <= spectrum.centre <= high:
        problems.warn(
            f"the waves have the centre of their band at {spectrum.centre:.3g} Hz, and Q is "
            f"constant from {low:.3g} to {high:.3g} Hz; choose `physics.reference_frequency` "
            f"within their band"
        )
    return True


def part_in(spectrum: Spectrum, band: Band, interval: float) -> Spectrum | None:
    """The part of a spectrum in a band; None if the band holds none of it.

    Parameters
    ----------
    spectrum : Spectrum
    band : Band
        [Hz]
    interval : float
        Sampling interval [s].

    Returns
    -------
    part : Spectrum or None
    """
    if band.low >= 0.5 / interval:  # beyond, the filter lets all pass
        return None
    part = spectrum.shaped(band.response(spectrum.frequencies, interval))
    return part if part.amplitude.max() > FAINTEST * spectrum.amplitude.max() else None


def band_spectrum(
    problems: Problems, key: Key, wavelet: Array, interval: float, band: Band
) -> Spectrum | None:
    """Spectrum of the wavelet in a band; None, and a problem, if the band holds none of it.

    A band that ends above the Nyquist frequency is a warning: it may be in another unit.

    Parameters
    ----------
    problems : Problems
    key : Key
        Where the band is in the config.
    wavelet : ndarray of shape (samples,) or (n_shots, samples)
    interval : float
        Sampling interval [s].
    band : Band
        [Hz]

    Returns
    -------
    spectrum : Spectrum or None
    """
    whole = Spectrum.of(wavelet, interval).joint()
    nyquist = 0.5 / interval
    if nyquist < band.high < math.inf:
        problems.warn(
            f"`{dotted(key)}` ends at {band.high:g} Hz, above the Nyquist frequency of "
            f"{nyquist:g} Hz of the sampling interval {interval:g} s; check both"
        )
    part = part_in(whole, band, interval)
    if part is not None:
        return part
    problems.add(
        key,
        f"the wavelet has no energy from {band.low:g} to {band.high:g} Hz; it is centred at "
        f"{whole.centre:.3g} Hz and ends at {whole.highest:.3g} Hz: choose a band there, "
        f"such as `{dotted(key)}: [0, {whole.highest:.3g}]`, or check the interval of "
        f"{interval:g} s",
    )
    return None


def spectrum_ends(problems: Problems, config: schema.RunConfig, spectrum: Spectrum) -> bool:
    """Whether a spectrum ends below the Nyquist frequency, so that a grid can be judged.

    Parameters
    ----------
    problems : Problems
    config : RunConfig
    spectrum : Spectrum
        Of the wavelet.

    Returns
    -------
    ends : bool
    """
    if spectrum.at_nyquist < BAND_EDGE:
        return True
    key: Key = ("wavelet",) if getattr(config, "wavelet", None) is not None else ("data",)
    problems.add_once(
        key,
        f"the spectrum of the wavelet does not end: {100 * spectrum.at_nyquist:.0f}% of its "
        f"largest amplitude is left at {spectrum.frequencies[-1]:g} Hz, the highest frequency "
        f"of its samples; it is cut off where it is not yet zero, or sampled too coarsely: "
        f"taper its ends, filter it, or sample it more finely",
    )
    return False


def in_proportion(
    problems: Problems,
    config: schema.RunConfig,
    grid: Grid,
    fastest: float,
    sampled: tuple[float, int],
) -> bool:
    """Whether times and lengths go together; problems and doubts are said once.

    Parameters
    ----------
    problems : Problems
    config : RunConfig
    grid : Grid
        Of the propagation.
    fastest : float
        Fastest wave [m/s].
    sampled : tuple of float and int
        Sampling interval [s] and number of samples of the records.

    Returns
    -------
    in_proportion : bool
    """
    interval, samples = sampled
    physics, duration = config.physics, interval * (samples - 1)
    limit = stability.stable_step(fastest, grid.spacing, stencil(physics))
    lengths = [e - o for o, e in zip(grid.origin, grid.end, strict=True)]
    timed = isinstance(config, schema.ModelConfig)
    try:
        plausibility.check_steps(
            interval, samples, limit, min(grid.spacing), fastest, physics.substeps
        )
    except FwiError as error:
        problems.add_largest(("time", "interval") if timed else ("data",), error)
        return False
    try:
        plausibility.check_crossings(duration, fastest, lengths)
    except FwiError as error:
        problems.add_once(("time", "duration") if timed else ("data",), str(error))
        return False
    for doubt in plausibility.doubts(interval, samples, limit, max(lengths), fastest):
        if doubt not in problems.warnings:
            problems.warn(doubt)
    return True
