"""Second derivative of the data term by the parameters of the equation, shot by shot.

    H dp = sum_shots J^T W J dp            Gauss-Newton
         + sum_shots (dJ[dp])^T r          additional term of the full Hessian

with r the derivative of the misfit by the synthetic gather, W the second derivative of the misfit,
or a positive part of it that the misfit chooses, and J = dF/dp. A product needs the waves and their
change forwards, and backwards the multipliers of the waves (Gauss-Newton) or of both (full). The
full product costs twice as much as a gradient.

References: Pratt, Shin and Hicks (1998), Geophys. J. Int. 133, 341-362; Metivier, Brossier, Virieux
and Operto (2013), SIAM J. Sci. Comput. 35, B401-B437.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from fwicli.inversion.comparison import Comparison, StoredComparison
from fwicli.propagators.tasks import ShotTask
from fwicli.survey.stacks import Stack
from fwicli.survey.windows import Window

Array = NDArray[Any]

# Propagations of one product, by whether it is full: waves, their change, one multiplier or two.
PROPAGATIONS = {False: 3, True: 4}
# Prefix of the names of changes, which are sent to workers in one mapping with the parameters.
CHANGE = "change of "


@dataclass(frozen=True)
class CurvatureTask(ShotTask):
    """Product of the second derivative of one shot with a change, as a picklable function.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        Of the equation, and their changes (see `with_changes`).
    full : bool
        The full second derivative, not that of Gauss and Newton.
    """

    comparison: Comparison | StoredComparison
    full: bool = False

    keeps_history: ClassVar[bool] = True

    def __call__(self) -> dict[str, Array]:
        """Propagate waves and their change, and back what the misfit makes of them."""
        comparison = self.comparison.loaded()

        def residual(synthetic: Array, change: Array) -> tuple[Array | None, Array]:
            adjoint = comparison(synthetic)[1] if self.full else None
            return adjoint, comparison.curvature(synthetic, change)

        result = self.propagator.curvature(
            *separated(self.parameters),
            residual,
            self.wavelet,
            self.source,
            self.receivers,
            # With the illumination, Gauss and Newton use the kernel of the gradient.
            kinds=() if self.full else ("illumination",),
        )
        return result.product

    def summand(self, result: dict[str, Array], window: Window) -> Stack:
        """The product in the window of the shot.

        Parameters
        ----------
        result : dict of str to ndarray of shape window.shape
        window : Window

        Returns
        -------
        stack : Stack
            By parameter.
        """
        return Stack(window, result)


def with_changes(parameters: Mapping[str, Array], changes: Mapping[str, Array]) -> dict[str, Array]:
    """Parameters and their changes in one mapping.

    Parameters
    ----------
    parameters, changes : mapping of str to ndarray of shape grid.shape
        By name of the parameter.

    Returns
    -------
    both : dict of str to ndarray
        Changes have the prefix `CHANGE`.
    """
    return {**parameters, **{CHANGE + name: values for name, values in changes.items()}}


def separated(both: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """Parameters and their changes from one mapping (see `with_changes`).

    Parameters
    ----------
    both : mapping of str to ndarray of shape grid.shape

    Returns
    -------
    parameters, changes : dict of str to ndarray
        By name of the parameter.
    """
    changes = {n: values for n, values in both.items() if n.startswith(CHANGE)}
    return (
        {n: values for n, values in both.items() if n not in changes},
        {n.removeprefix(CHANGE): values for n, values in changes.items()},
    )
