"""Reverse-time migration: a sum over shots of forward and back-propagated fields.

    image(x) = sum_shots sum_t u(x, t) v(x, t) / (sum_shots sum_t u(x, t)**2 + eps)

with u the source field in a smooth model and v the recorded field, propagated backwards from the
receivers. The division makes up for the uneven energy of the sources.

To extrapolate a pressure recorded along a surface takes the normal derivative of the Green's
function (the Rayleigh integral), a factor i w cos(angle) / v at the receivers, where the adjoint
of modelling injects with the function itself. The records are therefore differentiated in time
before they are propagated backwards; reflectors then image with zero phase, positive where velocity
increases. The condition "gradient" is the exact transpose of Born modelling and leaves the records
as they are.

References: Baysal, Kosloff and Sherwood (1983), Geophysics 48, 1514-1524; Schneider (1978),
Geophysics 43, 49-76, for the integral.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.propagators.equations import registry
from fwicli.propagators.tasks import ShotTask
from fwicli.survey.proximity import Near
from fwicli.survey.signals.spans import within
from fwicli.survey.stacks import Stack
from fwicli.survey.traces import Traces
from fwicli.survey.windows import Window

Array = NDArray[Any]


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
    observed : ndarray of shape (n_receivers, samples), or Traces of one shot
        Records, in memory or read by the worker [Pa].
    condition : str
        Name of an imaging condition, or "gradient".
    subtract_modelled : bool
        Take what the smooth model itself explains from the records first.
    near : Near, optional
        Takes out what the grid cannot explain next to the source (see `survey.proximity`).
    span : slice, optional
        Samples that are recorded; by default all.
    """

    observed: Array | Traces
    condition: str
    subtract_modelled: bool
    near: Near | None = None
    span: slice | None = None

    keeps_history: ClassVar[bool] = True

    def __call__(self) -> ShotImage:
        """Model the source field, back-propagate the records, and correlate."""
        gradient = self.condition == "gradient"
        # Multipliers of an equation of first order in time are derivatives already.
        derived = registry.load(self.discretization.equation).integrated

        observed = self.observed[0] if isinstance(self.observed, Traces) else self.observed

        def records(modelled: Array) -> Array:
            data = observed - modelled if self.subtract_modelled else observed
            data = within(data, self.span)
            if self.near is not None:
                data = self.near.apply(data)
            if gradient or derived:
                return data
            return -time_derivative(data, self.discretization.time.interval)

        result = self.propagator.images(
            self.parameters,
            records,
            self.wavelet,
            self.source,
            self.receivers,
            kinds=(self.condition, "illumination"),
        )
        if gradient:
            # The first parameter of every equation is its compressibility.
            image = result.gradient[next(iter(self.parameters))]
        else:
            image = result.images[self.condition]
        return ShotImage(image, result.images["illumination"])

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
