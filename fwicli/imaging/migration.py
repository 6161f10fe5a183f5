"""Reverse-time migration: a sum over shots of forward and back-propagated fields.

    image(x) = sum_shots sum_t u(x, t) v(x, t) / (sum_shots sum_t u(x, t)**2 + eps)

with u the source field in a smooth model and v the recorded field, propagated backwards from the
receivers. The division makes up for the uneven energy of the sources.

To extrapolate a pressure recorded along a surface takes the normal derivative of the Green's
function (the Rayleigh integral), a factor i w cos(angle) / v at the receivers, where the adjoint
of modelling injects with the function itself. The records are therefore differentiated in time
before they are propagated backwards; reflectors then image with zero phase, positive where velocity
increases. The condition "gradient" is the exact transpose of Born modelling and leaves the records
as they are. The image of a contrast (see `conditions`) is divided by the energy over vp**2, so that
its values are those of a reflectivity, up to a factor.

References: Baysal, Kosloff and Sherwood (1983), Geophysics 48, 1514-1524; Schneider (1978),
Geophysics 43, 49-76, for the integral.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.imaging import energies
from fwicli.imaging.apertures import AngleTaper
from fwicli.imaging.conditions import registry
from fwicli.imaging.conditions.condition import Condition
from fwicli.imaging.conditions.names import CHANGES, CORRELATION, EXCITATION_IMAGE, sums
from fwicli.imaging.direct_wave import direct_wave
from fwicli.inversion.conditioning.operators import Chain
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.equations import registry as equations
from fwicli.propagators.history import EXCITATION
from fwicli.propagators.propagator import Propagator
from fwicli.propagators.running.results import GradientRequest, ShotResult
from fwicli.propagators.tasks import ShotTask, propagator
from fwicli.survey.model import EarthModel
from fwicli.survey.proximity import Near
from fwicli.survey.signals.spans import within
from fwicli.survey.stacks import Stack
from fwicli.survey.traces import Traces
from fwicli.survey.windows import Window

Array = NDArray[Any]
# Names of properties of the earth among those of parameters begin with this.
EARTH = "earth_"
# From an adjoint source to parts of it that make an image each, by number.
Split = Callable[[Array], Mapping[int, Array]]


@dataclass(frozen=True)
class ShotImage:
    """Contribution of one shot."""

    image: Array
    illumination: Array


@dataclass(frozen=True)
class MigrationTask(ShotTask):
    """Image of one shot, as a picklable function.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        Of the equation; for the image of a contrast with the properties of the earth (see
        `with_earth`).
    observed : ndarray of shape (n_receivers, samples), or Traces of one shot
        Records, in memory or read by the worker [Pa].
    condition : str
        Name of an imaging condition (see `conditions.names`), or "gradient".
    subtract_modelled : bool or "water"
        Take what the smooth model itself explains from the records first, or what a medium
        explains that is everywhere as it is at the source.
    near : Near, optional
        Takes out what the grid cannot explain next to the source (see `survey.proximity`).
    span : slice, optional
        Samples that are recorded; by default all.
    energy : {"source", "both", "hessian"}
        Illumination (see `energies`).
    taper : AngleTaper, optional
        Where the shot adds to the image; by default everywhere.
    seed : int
        Of random signals of receivers, or signs of the Hessian.
    conditioning : Chain
        Mutes, weights and filters of the records, before these are propagated backwards.
    """

    observed: Array | Traces
    condition: str
    subtract_modelled: bool | str
    near: Near | None = None
    span: slice | None = None
    energy: str = "source"
    taper: AngleTaper | None = None
    seed: int = 0
    conditioning: Chain = Chain()  # noqa: RUF009 - it is frozen

    keeps_history: ClassVar[bool] = True

    def __call__(self) -> ShotImage:
        """Model the source field, back-propagate the records, and correlate."""
        return self._migrated(whole)[0]

    def _migrated(self, split: Split) -> tuple[ShotImage, Array, dict[int, Array]]:
        """The image, its adjoint source of shape (n_receivers, samples), and images of its parts.

        The image is the sum of those of the parts.
        """
        parameters, properties = separated(self.parameters)
        grid = self.propagator.grid
        conditions: tuple[Condition, ...] = ()
        if properties and self.condition != "gradient":
            earth = EarthModel.of(grid, properties)
            conditions = registry.load(self.condition, self.discretization.equation, earth)
        kinds = (*_sums(self.condition, self.discretization), "illumination")
        locations, pulse = (self.source, self.receivers), np.atleast_2d(self.wavelet)
        # Before the other waves, whose arrays it would overwrite.
        in_water = self.subtract_modelled == "water"
        direct = direct_wave(replace(self, parameters=parameters)) if in_water else None
        injected: list[Array] = []
        numbers: list[int] = []

        def records(modelled: Mapping[int, Array]) -> list[tuple[int, dict[int, Array]]]:
            injected.append(self._records(modelled[0], direct))
            parts = split(injected[0])
            numbers.extend(parts)
            return [(0, {0: part}) for part in parts.values()]

        request = GradientRequest(images=kinds)
        with self._images_propagator.runner() as runner:
            results = runner.gradients_of_each(
                {0: parameters}, {0: self.wavelet}, records, *locations, request
            )
        parts = dict(zip(numbers, (self._image(r, conditions) for r in results), strict=True))
        image = total(parts)
        illumination = results[0].images["illumination"]
        if self.energy == "hessian":
            shot = self.propagator, parameters, conditions, pulse, locations
            illumination = energies.of_hessian(*shot, self.seed)
        elif self.energy == "both":
            run = self.propagator, parameters, pulse, locations, kinds, self.seed
            illumination = illumination * energies.of_receivers(*run)
        if self.condition in CHANGES and self.energy != "hessian":
            illumination = illumination / earth.vp**2
        if self.taper is not None:
            weights = self.taper.weights(grid, self.source)
            image, parts = image * weights, {n: weights * part for n, part in parts.items()}
        return ShotImage(image, illumination), injected[0], parts

    @property
    def _images_propagator(self) -> Propagator:
        """The propagator with the history that the image needs."""
        if self.condition != EXCITATION_IMAGE:
            return self.propagator
        return propagator(replace(self.discretization, history=EXCITATION))

    def _records(self, modelled: Array, direct: Array | None) -> Array:
        """Adjoint source from observed records, and those that are subtracted."""
        observed = self.observed[0] if isinstance(self.observed, Traces) else self.observed
        modelled = modelled if direct is None else direct
        data = observed - modelled if self.subtract_modelled else observed
        data = within(data, self.span)
        if self.near is not None:
            data = self.near.apply(data)
        data = self.conditioning.apply(data)
        # Multipliers of an equation of first order in time are derivatives already.
        integrated = equations.load(self.discretization.equation).integrated
        if self.condition == "gradient" or (integrated and self.condition not in CHANGES):
            return data
        derivative = time_derivative(data, self.discretization.time.interval)
        # The image of a contrast has the second derivative of a field, with the other sign.
        return derivative if self.condition in CHANGES else -derivative

    def _image(self, result: ShotResult, conditions: Sequence[Condition]) -> Array:
        """The image of the condition from sums over time."""
        # The first parameter of every equation is its compressibility.
        first, *_ = equations.load(self.discretization.equation).parameters(
            self.discretization.grid.ndim
        )
        if self.condition == "gradient":
            return result.gradient[first]
        if self.condition == EXCITATION_IMAGE:
            # A sum of one snapshot, which stands for itself alone.
            return result.images[CORRELATION] / self.discretization.history_step
        if self.condition not in CHANGES:
            return result.images[self.condition]
        total = np.zeros(self.propagator.grid.shape)
        for condition in conditions:
            if condition.accumulated == "gradient":
                total += condition.image(result.gradient)
            else:
                total += condition.image({first: -result.images[condition.accumulated]})
        return total

    def summand(self, result: ShotImage, window: Window) -> Stack:
        """Image and illumination in the window of the shot.

        Parameters
        ----------
        result : ShotImage
        window : Window

        Returns
        -------
        stack : Stack
            Of "image" and "illumination".
        """
        return Stack(window, {"image": result.image, "illumination": result.illumination})


def whole(gather: Array) -> dict[int, Array]:
    """All traces as one part.

    Parameters
    ----------
    gather : ndarray of shape (n_receivers, samples)
    """
    return {0: gather}


def total(parts: Mapping[int, Array]) -> Array:
    """The sum of the images of all parts.

    Parameters
    ----------
    parts : mapping of int to ndarray of shape (*grid,)
    """
    first, *others = parts.values()
    return sum(others, start=first)


def with_earth(
    parameters: Mapping[str, Array], properties: Mapping[str, Array]
) -> dict[str, Array]:
    """Parameters of an equation and properties of the earth in one mapping.

    Tasks of many shots share it, and it is cut for the window of a shot.

    Parameters
    ----------
    parameters, properties : mapping of str to ndarray of shape (*grid,)

    Returns
    -------
    dict of str to ndarray of shape (*grid,)
    """
    return {**parameters, **{EARTH + name: values for name, values in properties.items()}}


def separated(both: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Parameters and properties from one mapping (see `with_earth`).

    Parameters
    ----------
    both : mapping of str to ndarray of shape (*grid,)

    Returns
    -------
    parameters, properties : dict of str to ndarray
    """
    properties = {n.removeprefix(EARTH): v for n, v in both.items() if n.startswith(EARTH)}
    return {n: v for n, v in both.items() if not n.startswith(EARTH)}, properties


def _sums(condition: str, discretization: Discretization) -> tuple[str, ...]:
    """Sums over time that an image is made of."""
    if condition == EXCITATION_IMAGE:
        return (CORRELATION,)
    if condition not in CHANGES:
        return (condition,)
    return sums(condition, discretization.equation, discretization.grid.ndim)[0]


def time_derivative(traces: Array, interval: float) -> Array:
    """Derivative of traces along their last axis [1/s], by Fourier transform.

    Parameters
    ----------
    traces : ndarray of shape (n, samples)
    interval : float
        Sampling interval [s].

    Returns
    -------
    ndarray of shape (n, samples)
    """
    n = 2 * traces.shape[-1]
    spectrum = np.fft.rfft(traces, n, axis=-1)
    spectrum *= 2j * np.pi * np.fft.rfftfreq(n, interval)
    return np.asarray(np.fft.irfft(spectrum, n, axis=-1)[..., : traces.shape[-1]])


def compensate(image: Array, illumination: Array, damping: float) -> Array:
    """Divide an image by the energy of the source fields, damped by a share of its mean.

    Where even the damped energy is zero, so is the result.

    Parameters
    ----------
    image : ndarray of shape (*grid,)
    illumination : ndarray of shape (*grid,)
        Energy of the source fields.
    damping : float
        Share of the mean energy that is added.

    Returns
    -------
    ndarray of shape (*grid,)

    Raises
    ------
    DataError
        If there is no energy anywhere.
    """
    if not illumination.any():
        raise DataError(
            "the source fields are zero everywhere: check that sources are not where the pressure "
            "is zero, that the record is long enough, and the units of velocity and times"
        )
    energy = illumination + damping * illumination.mean()
    divided = np.zeros(image.shape, np.result_type(image, energy))
    np.divide(image, energy, out=divided, where=energy > 0)
    return divided
