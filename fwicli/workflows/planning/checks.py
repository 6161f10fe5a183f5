"""Checks of what is physically and numerically possible, collected so that all are reported."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.inversion import InversionSection
from fwicli.config.loader import ConfigProblem, Key, Loaded, ProblemsError
from fwicli.digits import apart, round_down
from fwicli.errors import FwiError, StabilityError
from fwicli.propagators import history
from fwicli.propagators.absorbing import walls
from fwicli.propagators.equations import registry
from fwicli.propagators.equations.equation import ROUND_OFF, Equation, call
from fwicli.propagators.sampling import stability
from fwicli.survey import rocks
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.bands import Band
from fwicli.survey.gathers import Gathers
from fwicli.survey.grid import Grid
from fwicli.survey.model import UNITS, EarthModel
from fwicli.survey.regridding import Regridding, fitting
from fwicli.survey.rocks import PLAUSIBLE
from fwicli.survey.wavelets import BAND_EDGE, Spectrum
from fwicli.workflows.assembly import plausibility, sizes, survey
from fwicli.workflows.planning import advice
from fwicli.workflows.planning.numerics import Numerics

Array = NDArray[Any]
Made = TypeVar("Made")

# Of points per wavelength, not worth a word: spacings that are chosen are rounded.
ROUNDING = 2e-3
# A band with less of the wavelet's largest amplitude than this holds nothing to invert.
FAINTEST = 1e-3
SETTING = {"vp": "unit", "rho": "rho_unit", "theta": "angle_unit", "phi": "angle_unit"}


def points_needed(physics: schema.PhysicsSection) -> float:
    """Points in the shortest wavelength that a run must have."""
    return physics.min_points_per_wavelength or stability.fewest_points(physics.order)


# What values that are too small for a velocity may be, by their unit, and what helps.
REMEDIES = {
    "km/s": "is it in km/s? Then set `NAME.unit: km/s`",
    "s/m": "is it the slowness, in s/m? Then save its inverse",
    "s2/m2": "is it the squared slowness, in s2/m2? Then save the inverse of its root",
    "": "give the velocity, in m/s",
}


class Checks:
    """Runs checks of a config; each problem is noted at the place that it belongs to."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.problems: list[ConfigProblem] = []
        self.warnings: list[str] = []
        # Of the model on its own grid [m/s], once it is known.
        self.slowest = math.inf
        # Time steps in a sampling interval that a problem asks for.
        self._substeps: dict[Key, int] = {}

    def get(self, key: Key, make: Callable[[], Made]) -> Made | None:
        """What `make` returns; None, and a problem at `key`, if it fails."""
        try:
            with sizes.bounded():
                return make()
        except FwiError as error:
            self.add((*key, *error.key), str(error))
            return None

    def passes(self, key: Key, check: Callable[[], None]) -> bool:
        """Whether a check does not fail; else there is a problem at `key`."""
        count = len(self.problems)
        self.get(key, check)
        return len(self.problems) == count

    def add(self, key: Key, message: str) -> None:
        """Note a problem."""
        self.problems.append(self.loaded.problem(key, message))

    def add_once(self, key: Key, message: str) -> None:
        """Note a problem unless there is one at this place, as of another stage."""
        if all(p.key != key for p in self.problems):
            self.add(key, message)

    def add_largest(self, key: Key, error: FwiError) -> None:
        """Note a problem once, of stages that need more time steps for the one that needs most."""
        substeps = error.substeps if isinstance(error, StabilityError) else 0
        if not substeps:
            self.add_once(key, str(error))
        elif substeps > self._substeps.get(key, 0):
            if key in self._substeps:
                self.problems = [p for p in self.problems if p.key != key]
            self._substeps[key] = substeps
            self.add(key, str(error))

    def warn(self, message: str) -> None:
        """Note what the user should know, but may want."""
        self.warnings.append(message)

    def finish(self) -> None:
        """End the checks.

        Raises
        ------
        ProblemsError
            With all problems, if there are any.
        """
        if self.problems:
            raise ProblemsError(self.problems)

    def plausible(self, name: str, model: EarthModel) -> None:
        """Warn of properties that are those of no rock."""
        for prop, values in model.properties.items():
            low, high = PLAUSIBLE[prop]
            if prop == "vp" and values.max() < low:
                slowest, fastest = float(values.min()), float(values.max())
                remedy = REMEDIES[rocks.unit(slowest, fastest)].replace("NAME", name)
                self.add(
                    (name,),
                    f"vp is from {slowest:g} to {fastest:g} m/s, and no rock or water is so slow: "
                    f"{remedy}",
                )
                continue
            if values.min() < low or values.max() > high:
                unit, setting = UNITS.get(prop, ""), SETTING.get(prop, prop)
                self.warn(
                    f"`{name}` has {prop} from {values.min():g} to {values.max():g} {unit}, which "
                    f"no rock has; check `{name}.{setting}`"
                )

    def complete(self, equation: str, model: EarthModel) -> None:
        """The model must have the properties that the equation needs, within its limits."""
        stated = registry.load(equation)
        needed = stated.properties_in(model.grid.ndim)
        missing = [name for name in needed if name not in model.properties]
        for name in missing:
            unit = UNITS.get(name, "")
            if name in stated.defaults:
                self.warn(
                    f"the model has no {name}; the equation `{equation}` takes it to be "
                    f"{stated.defaults[name]:g} {unit}"
                )
            else:
                self.add(
                    ("model",),
                    f"the equation `{equation}` needs `{name}`, and the model has only "
                    f"{', '.join(f'`{p}`' for p in model.properties)}: give `model.{name}`, or "
                    f"choose another `physics.equation`",
                )
        if not set(missing) - set(stated.defaults):
            self._within_limits(stated, model)
        for name in model.others:
            if name not in needed:
                self.warn(f"`model.{name}` is not used by the equation `{equation}`")

    def _within_limits(self, equation: Equation, model: EarthModel) -> None:
        """The model must allow a stable solution."""
        known = equation.complete(model.properties, model.grid.ndim)
        for limit in equation.limits:
            bad = np.argwhere(call(limit.margin, known) < -ROUND_OFF)
            if not bad.size:
                continue
            place = tuple(int(i) for i in bad[0])
            names = inspect.signature(limit.margin).parameters
            values = " and ".join(
                f"{name} = {np.broadcast_to(known[name], model.grid.shape)[place]:g}"
                for name in names
            )
            self.add(
                ("model",),
                f"{values} at {model.grid.describe(place)}, and so at {len(bad)} points in all: "
                f"{limit.rule}",
            )

    def misfits(self, settings: InversionSection, records: Gathers) -> None:
        """Every misfit must be there, and finite where nothing is modelled: tried on one shot."""
        told = {("inversion", "misfit"): settings.misfit} | {
            ("inversion", "stages", n, "misfit"): s.misfit for n, s in enumerate(settings.stages)
        }
        used = [settings.of(n).misfit for n in range(len(settings.stages))]
        shot = int(records.live.any(axis=1).argmax())
        gather, interval = records.data[shot][records.live[shot]], records.interval
        for key, misfit in told.items():
            if misfit is not None and misfit in used:
                self.get(key, partial(misfit.made().scale, gather, interval))

    def coarse(
        self, key: Key, grid: Grid, spacing: float | str | None, longest: float
    ) -> Grid | None:
        """A grid for a model: of another spacing [m], or the coarsest for `auto`.

        Parameters
        ----------
        longest : float
            Longest spacing that the waves allow [m].
        """
        if spacing is None:
            return grid
        if isinstance(spacing, str):
            ends = self._fixed_ends(grid.ndim)
            found = fitting(grid, longest, ends)
            return grid if found == grid.spacing else Regridding(grid, found).coarse
        finest = max(grid.spacing)
        if spacing < finest * (1 - 1e-9):
            mine, model = apart(spacing, finest)
            self.add(
                key,
                f"a spacing of {mine} m is finer than the model's; use "
                f"`{_dotted(key)}: {model}` or more",
            )
            return None
        shortest = min(e - o for o, e in zip(grid.origin, grid.end, strict=True))
        if spacing > shortest / 4:
            most = round_down(min(shortest / 4, longest))
            self.add(
                key,
                f"a spacing of {spacing:g} m leaves fewer than 5 points of the shortest side of "
                f"the model, {shortest:g} m; use `{_dotted(key)}: {max(most, finest):.9g}` or less",
            )
            return None
        coarse = Regridding(grid, spacing).coarse
        return coarse if self._sides_stay(key, grid, coarse) else None

    def _fixed_ends(self, ndim: int) -> list[bool]:
        """Axes along which the model ends in a side where the pressure is zero."""
        try:
            ends = walls(survey.free_sides(self.loaded.config.physics, ndim), ndim)
        except FwiError:
            return [False] * ndim  # said where the layer is made
        return [last for _, last in ends]

    def _sides_stay(self, key: Key, fine: Grid, coarse: Grid) -> bool:
        """Whether a coarse grid ends where the model does, along axes that end in free sides."""
        for axis, last in enumerate(self._fixed_ends(fine.ndim)):
            length, h = fine.end[axis] - fine.origin[axis], coarse.spacing[axis]
            if last and abs(coarse.end[axis] - fine.end[axis]) > 1e-6 * h:
                divisor = length / math.ceil(length / h)
                self.add(
                    key,
                    f"a spacing of {h:g} m moves the end of the model along {fine.axes[axis]}, "
                    f"where the pressure is zero, to {coarse.end[axis]:g} m; use one that divides "
                    f"its length of {length:g} m, such as `{_dotted(key)}: {divisor:.12g}`, or "
                    f"absorb on that side",
                )
                return False
        return True

    def in_band(self, key: Key, source: Array, interval: float, band: Band) -> Spectrum | None:
        """Spectrum of the wavelet in a band, which must hold some of it."""
        whole = Spectrum.of(source, interval)
        part = whole.shaped(band.response(whole.frequencies, interval))
        below = band.low < 0.5 / interval  # beyond, the filter lets all pass
        if below and part.amplitude.max() > FAINTEST * whole.amplitude.max():
            return part
        self.add(
            key,
            f"the wavelet has no energy from {band.low:g} to {band.high:g} Hz; it is centred at "
            f"{whole.centre:.3g} Hz and ends at {whole.highest:.3g} Hz: choose a band there, "
            f"such as `{_dotted(key)}: [0, {whole.highest:.3g}]`, or check the interval of "
            f"{interval:g} s",
        )
        return None

    def _ends(self, spectrum: Spectrum) -> bool:
        """Whether a spectrum ends below the Nyquist frequency, so that a grid can be judged."""
        if spectrum.at_nyquist < BAND_EDGE:
            return True
        key: Key = ("wavelet",) if self.loaded.config.wavelet is not None else ("data",)
        self.add_once(
            key,
            f"the spectrum of the wavelet does not end: {100 * spectrum.at_nyquist:.0f}% of its "
            f"largest amplitude is left at {spectrum.frequencies[-1]:g} Hz, the highest frequency "
            f"of its samples; it is cut off where it is not yet zero, or sampled too coarsely: "
            f"taper its ends, filter it, or sample it more finely",
        )
        return False

    def _in_proportion(
        self,
        config: schema.RunConfig,
        grid: Grid,
        fastest: float,
        sampled: tuple[float, int],
    ) -> bool:
        """Whether times and lengths go together; problems and doubts are said once."""
        interval, samples = sampled
        physics, duration = config.physics, interval * (samples - 1)
        limit = stability.stable_step(fastest, grid.spacing, physics.order)
        lengths = [e - o for o, e in zip(grid.origin, grid.end, strict=True)]
        timed = isinstance(config, schema.ModelConfig)
        try:
            plausibility.check_steps(
                interval, samples, limit, min(grid.spacing), fastest, physics.substeps
            )
        except FwiError as error:
            self.add_largest(("time", "interval") if timed else ("data",), error)
            return False
        try:
            plausibility.check_crossings(duration, fastest, lengths)
        except FwiError as error:
            self.add_once(("time", "duration") if timed else ("data",), str(error))
            return False
        for doubt in plausibility.doubts(interval, samples, limit, max(lengths), fastest):
            if doubt not in self.warnings:
                self.warn(doubt)
        return True

    def numerics(
        self,
        key: Key,
        config: schema.RunConfig,
        grid: Grid,
        speeds: tuple[float, float],
        geometry: Acquisition,
        spectrum: Spectrum,
        sampled: tuple[float, int],
    ) -> Numerics | None:
        """Discretisation of a propagation, checked for stability and points per wavelength.

        Parameters
        ----------
        key : Key
            Where the spacing is said.
        speeds : tuple of float
            Slowest and fastest velocity that may occur [m/s].
        sampled : tuple of float and int
            Sampling interval [s] and number of samples of the records.
        """
        slowest, fastest = speeds
        physics = config.physics
        if not self._in_proportion(config, grid, fastest, sampled):
            return None
        axis = None
        try:
            axis = stability.time_axis(
                *sampled,
                fastest,
                grid.spacing,
                physics.order,
                physics.substeps,
                physics.time_correction,
            )
        except FwiError as error:
            self.add_largest(("physics", "substeps"), error)
        if not self._ends(spectrum):
            return None
        highest = spectrum.highest
        points = stability.points_per_wavelength(slowest, highest, grid.spacing)
        needed = points_needed(physics)
        if points < needed:
            self.add(
                key if key in self.loaded.places else key[:-1],
                advice.too_coarse(key, config, grid, slowest, highest, needed, self.slowest),
            )
            return None
        if axis is None:
            return None
        layer = self.get(
            ("physics", "absorbing", "sides"),
            lambda: survey.absorbing(physics, grid, geometry, fastest, spectrum.centre),
        )
        if layer is None:
            return None
        every = physics.kept().every or history.subsampling(axis, highest)
        return Numerics(
            equation=physics.equation,
            grid=grid,
            axis=axis,
            layer=layer,
            order=physics.order,
            precision=physics.precision,
            every=every,
            threads=config.execution.threads,
            interpolation=physics.interpolation,
            highest_frequency=highest,
            points_per_wavelength=points,
        )


def _dotted(key: Key) -> str:
    """A key as `--set` takes it."""
    return ".".join(map(str, key))
