"""Born modelling of images, and migration as its transpose.

    s -> d = sum_c J(p, q_c) C_c s,        r -> s = sum_c C_c^T J(p, q_c)^T r

with the changes C of the parameters that belong to an image (see `imaging.conditions`). There is
one term but for the tomographic image of constant density.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import ModelError
from fwicli.imaging.conditions import registry
from fwicli.imaging.conditions.condition import Condition
from fwicli.operators.modelling import JacobianOperator, ShotOperator, jacobian
from fwicli.propagators.equations import properties
from fwicli.simulation import Simulation
from fwicli.survey.model import EarthModel

Array = NDArray[Any]


def imaging(
    simulation: Simulation, earth: EarthModel, wavelet: Any, condition: str = "inverse_scattering"
) -> ImagingOperator:
    """The operator from an image to the records that it explains.

    Parameters
    ----------
    simulation : Simulation
        The precision is that of its discretization.
    earth : EarthModel
        Smooth model, on the grid of the simulation.
    wavelet : ndarray of shape (n_sources, samples) or (shots, n_sources, samples)
        Source time functions [Pa] in 2D, [Pa m] in 3D.
    condition : str
        Name of an imaging condition: `correlation`, `velocity`, `inverse_scattering`,
        `tomographic`, `density`, `epsilon` or `delta`.

    Returns
    -------
    ImagingOperator

    Raises
    ------
    ModelError, PhysicsError
        If the model is on another grid, or the equation has no such image.
    """
    discretization = simulation.discretization
    if earth.grid != discretization.grid:
        raise ModelError(
            f"the model is on the grid {earth.grid}, the simulation on {discretization.grid}; "
            f"bring the model there with `regrid(model, grid)`"
        )
    precision = np.dtype(discretization.precision)
    values = properties.parameters(discretization.equation, earth.properties)
    model = {name: value.astype(precision) for name, value in values.items()}
    pulse = np.asarray(wavelet, dtype=precision)
    terms = []
    for term in registry.load(condition, discretization.equation, earth):
        changing = tuple(term.perturbation(np.zeros(earth.grid.shape)))
        emitted = term.wavelet(pulse, discretization.time.interval)
        terms.append((term, jacobian(simulation, model, emitted, changing)))
    return ImagingOperator(terms)


class ImagingOperator(ShotOperator):
    """J C (see `imaging`).

    Parameters
    ----------
    terms : list of (Condition, JacobianOperator)
    """

    def __init__(self, terms: list[tuple[Condition, JacobianOperator]]) -> None:
        self.terms = terms
        _, first = terms[0]
        grid = first.shot_set.simulation.discretization.grid.shape
        super().__init__(first.shot_set, grid, first.dimsd)

    def __getitem__(self, which: Any) -> ImagingOperator:
        """The operator of some shots."""
        return ImagingOperator([(condition, born[which]) for condition, born in self.terms])

    def _apply(self, x: Array) -> Array:
        records = np.zeros((len(x), *self.dimsd), self.dtype)
        for condition, born in self.terms:
            changes = np.stack([born.pack(condition.perturbation(image)) for image in x])
            records += (born @ changes.reshape(len(x), -1).T).T.reshape(records.shape)
        return records

    def _apply_adjoint(self, y: Array) -> Array:
        images = np.zeros((len(y), *self.dims), self.dtype)
        for condition, born in self.terms:
            gradients = born.T @ y.reshape(len(y), -1).T
            images += np.stack([condition.image(born.unpack(g)) for g in gradients.T])
        return images
