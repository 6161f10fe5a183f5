"""Source and receiver illumination: the energy of the waves at each point.

    e(x) = sum_shots (sum_t u**2) (sum_t v**2)

with the field u of the source and the field v of all receivers of the shot. Every receiver sends a
random signal of its own with the spectrum of the wavelet. On average over the signals, the energy
of v is the sum over single receivers, sum_r sum_t v_r**2. The random deviation of one draw averages
out over shots, and over the lengths that a preconditioner smooths over. With one propagation for
all receivers of a shot, this is the diagonal of J^T J without the interference of source and
receiver fields. Receivers of any component send as sources of pressure.

Reference: Plessix and Mulder (2004), Geophys. J. Int. 157, 975-987, for the diagonal; Romero et al.
(2000), Geophysics 65, 426-436, for random signals that are sent at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.execution import Executor, total
from fwicli.inversion.shots.experiments import Experiment
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.kernels.imaging_conditions import INVERSION
from fwicli.propagators.tasks import ShotTask, SummandTask, WindowedTask
from fwicli.survey import points
from fwicli.survey.signals.noise import signals
from fwicli.survey.stacks import Stack
from fwicli.survey.windows import Window, whole

Array = NDArray[Any]

# The kernels of the gradient, which every run has; each forward field needs an adjoint one.
KINDS = INVERSION
SIMULATIONS = 4


@dataclass(frozen=True)
class IlluminationTask(ShotTask):
    """Energy of the source field of a shot times that of its receivers, as a picklable function.

    Parameters
    ----------
    seed : int
        Seed of the random signals.
    """

    seed: int

    def __call__(self) -> Array:
        """The product, on the grid of the waves."""
        source_energy = self._energy(self.wavelet, self.source, self.receivers)
        wavelets = signals(self.wavelet[0], len(self.receivers), self.seed)
        senders, others = points.positions(self.receivers), points.positions(self.source)
        return source_energy * self._energy(wavelets, senders, others)

    def summand(self, result: Array, window: Window) -> Stack:
        """The product in the window of the shot, under the name "energy".

        Parameters
        ----------
        result : ndarray of shape window.shape
        window : Window

        Returns
        -------
        stack : Stack
        """
        return Stack(window, {"energy": result})

    def _energy(self, wavelets: Array, senders: Array, others: Array) -> Array:
        images = self.propagator.images(
            self.parameters, np.zeros_like, wavelets, senders, others, kinds=KINDS
        )
        return np.asarray(images.images["illumination"], dtype=float)


def energy(
    discretization: Discretization,
    parameters: Mapping[str, Array],
    experiments: Sequence[Experiment],
    executor: Executor,
) -> Array:
    """Illumination summed over experiments, on the grid of the waves.

    Parameters
    ----------
    discretization : Discretization
    parameters : mapping of str to ndarray of shape grid.shape
        Of the equation.
    experiments : sequence of Experiment
    executor : Executor
        Runs the shots.

    Returns
    -------
    energy : ndarray of shape grid.shape
    """
    everywhere = whole(discretization.grid)
    tasks = [
        SummandTask(
            WindowedTask(
                IlluminationTask(
                    discretization, parameters, e.wavelet, e.source, e.receivers, number
                ),
                e.window or everywhere,
            )
        )
        for number, e in enumerate(experiments)
    ]
    stack: Stack = total(executor, tasks)
    return stack.everywhere()["energy"]
