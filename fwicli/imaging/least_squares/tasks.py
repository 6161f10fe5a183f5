"""Tasks of least-squares migration: gradient and Gauss-Newton product of one shot.

    value      1/2 |W r|**2                          residual of the shot (see `comparison`)
    gradient   J^T f^T W^T W r                       derivative of the value by dm
    product    J^T f^T W^T W f J dm,   |W f J dm|**2     curvature along dm, and its energy

Each is one forward run of the waves with their change, and one run back: three waves, where J and
J^T one after the other propagate four. All use the kernels of the second derivative of Gauss and
Newton (see `propagators.propagator`), which are compiled once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fwicli.imaging.direct_wave import direct_wave
from fwicli.imaging.least_squares.comparison import LinearComparison
from fwicli.inversion.hessian import separated
from fwicli.inversion.source_estimation import Equations
from fwicli.propagators.tasks import ShotTask
from fwicli.survey.stacks import Stack, StackAndRecords
from fwicli.survey.windows import Window

Array = NDArray[Any]

# Names of results of the tasks, beside "illumination".
IMAGE, ENERGY, START, FILTER = "image", "energy", "start", "filter"
# Sums of the adjoint run.
KINDS = ("gradient", "illumination")


@dataclass(frozen=True)
class LinearShot:
    """Image of one shot, energies of its residual now and for dm = 0, and its filter."""

    image: Array
    illumination: Array
    energy: float
    start: float
    filter: Array


@dataclass(frozen=True)
class LinearTask(ShotTask):
    """Gradient, or Gauss-Newton product, of one shot as a picklable function.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        Of the equation, and the change dm of its first one (see `inversion.hessian`).
    comparison : LinearComparison
    product : bool
        Whether the product is computed, not the gradient.
    filter : ndarray of shape (n_lags,), optional
        f; by default the one that fits best, or 1 where the wavelet is known.
    in_water : bool
        Whether F q is modelled in a medium that is everywhere as it is at the source.
    """

    comparison: LinearComparison
    product: bool = False
    filter: Array | None = None
    in_water: bool = False

    keeps_history: ClassVar[bool] = True

    def __call__(self) -> LinearShot:
        """Propagate waves and their change, and the residual backwards."""
        compared, (model, perturbation) = self.comparison, separated(self.parameters)
        energy = start = 0.0
        coefficients = self.filter

        def residual(modelled: Array, change: Array) -> tuple[Array | None, Array]:
            nonlocal energy, start, coefficients
            if self.product:
                weighted = compared.forward(change, coefficients)
            else:
                direct = in_water if in_water is not None else modelled
                predicted = compared.predicted(direct, change)
                if coefficients is None and (equations := compared.equations(predicted)):
                    coefficients = equations.filter()
                weighted = compared.residual(predicted, coefficients)
                start = _energy(weighted - compared.forward(change, coefficients))
            energy = _energy(weighted)
            return None, compared.transpose(weighted, coefficients)

        # Before the other waves, whose arrays it would overwrite.
        in_water = None
        if self.in_water and not self.product:
            in_water = direct_wave(replace(self, parameters=model))
        result = self.propagator.curvature(
            model,
            perturbation,
            residual,
            self.wavelet,
            self.source,
            self.receivers,
            kinds=KINDS[1:],
        )
        first = next(iter(result.product))
        return LinearShot(
            result.product[first],
            result.images[KINDS[1]],
            energy,
            start,
            np.zeros(0) if coefficients is None else coefficients,
        )

    def summand(self, result: LinearShot, window: Window) -> StackAndRecords:
        """Image and illumination in the window of the shot, with energy and filter.

        Parameters
        ----------
        result : LinearShot
        window : Window

        Returns
        -------
        summand : StackAndRecords
        """
        stack = Stack(window, {IMAGE: result.image, KINDS[1]: result.illumination})
        records = {
            ENERGY: (np.asarray(result.energy),),
            START: (np.asarray(result.start),),
            FILTER: (result.filter,),
        }
        return StackAndRecords(stack, records)


@dataclass(frozen=True)
class PredictionTask(ShotTask):
    """Linearised records of one shot, for the filter of all shots and for pictures.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        Of the equation, and the change dm of its first one.
    comparison : LinearComparison
    in_water : bool
        Whether F q is modelled in a medium that is everywhere as it is at the source.
    """

    comparison: LinearComparison
    in_water: bool = False

    def gathers(self) -> tuple[Array, Array]:
        """F q and J dm, of shape (n_receivers, samples) [Pa]."""
        model, perturbation = separated(self.parameters)
        with self.propagator.runner() as runner:
            gathers = runner.forward_components(
                {0: model, 1: perturbation}, {0: self.wavelet}, self.source, self.receivers, 1
            )
        if self.in_water:
            return direct_wave(replace(self, parameters=model)), gathers[1]
        return gathers[0], gathers[1]


@dataclass(frozen=True)
class EquationsTask(PredictionTask):
    """Normal equations of the filter of one shot, to be summed over shots."""

    def __call__(self) -> Equations | None:
        """Model the shot with its change; None without a prediction to fit."""
        return self.comparison.equations(self.comparison.predicted(*self.gathers()))


@dataclass(frozen=True)
class EnergyTask(PredictionTask):
    """|W f * J dm|**2 of one shot.

    Parameters
    ----------
    filter : ndarray of shape (n_lags,), optional
        f; 1 by default.
    """

    filter: Array | None = None

    def __call__(self) -> float:
        """Model the change of the shot."""
        _, change = replace(self, in_water=False).gathers()
        return _energy(self.comparison.forward(change, self.filter))


@dataclass(frozen=True)
class PanelsTask(PredictionTask):
    """Observed, predicted and remaining records of one shot, with W applied.

    Parameters
    ----------
    filter : ndarray of shape (n_lags,), optional
        f; 1 by default.
    """

    filter: Array | None = None

    def __call__(self) -> dict[str, Array]:
        """Records by name: "observed", "predicted" and "residual", of one shape."""
        direct, change = self.gathers()
        compared = self.comparison
        still = compared.predicted(direct, np.zeros(change.shape))
        observed = -compared.residual(still, self.filter)
        predicted = compared.forward(change, self.filter)
        return {"observed": observed, "predicted": predicted, "residual": observed - predicted}


def _energy(gather: Array) -> float:
    return float(np.vdot(gather, gather))
