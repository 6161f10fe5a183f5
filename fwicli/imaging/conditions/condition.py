"""Base of imaging conditions: an image as changes of the parameters of an equation.

    d = J(q') C s,        s' = C^T J(q')^T d

with an image s, C the changes of the parameters that belong to it, J Born modelling with the
wavelet q', and C^T applied to the gradients. `wavelet` makes q' from that of the source.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from numpy.typing import NDArray

from fwicli.survey.model import EarthModel

Array = NDArray[Any]


class Condition(ABC):
    """An imaging condition in an earth model.

    Parameters
    ----------
    equation : str
        Name of the wave equation.
    earth : EarthModel
        Smooth model of the migration, on the grid of the image.
    """

    name: ClassVar[str]
    """Name of the condition in configs."""
    accumulated: ClassVar[str] = "gradient"
    """The sum over time that is the same as the gradient for the wavelet q': "correlation" is that
    with the opposite sign where q' is integrated twice."""

    def __init__(self, equation: str, earth: EarthModel) -> None:
        self.equation = equation
        self.earth = earth

    def wavelet(self, wavelet: Array, interval: float) -> Array:  # noqa: ARG002
        """The wavelet q' of Born modelling from that of the source; by default the same.

        Parameters
        ----------
        wavelet : ndarray of shape (..., samples)
        interval : float
            Sampling interval [s].

        Returns
        -------
        ndarray of shape (..., samples)
        """
        return wavelet

    @abstractmethod
    def perturbation(self, image: Array) -> dict[str, Array]:
        """Changes of the parameters of the equation, C s.

        Parameters
        ----------
        image : ndarray of shape (*grid,)

        Returns
        -------
        dict of str to ndarray of shape (*grid,)
            By parameter; the others do not change.
        """

    @abstractmethod
    def image(self, gradients: Mapping[str, Array]) -> Array:
        """The image of gradients, C^T g.

        Parameters
        ----------
        gradients : mapping of str to ndarray of shape (*grid,)
            By parameter; those of parameters that do not change are ignored.

        Returns
        -------
        ndarray of shape (*grid,)
        """
