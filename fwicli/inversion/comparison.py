"""Comparison of a modelled gather with an observed one: all that lies between the waves and phi.

    phi(s) = misfit(C s, C d),        dphi/ds = C^T misfit'(C s, C d)

with the synthetic gather s, the observed one d, and the conditioning C of both, a linear operator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import ConfigError
from fwicli.inversion.misfits import Misfit

Array = NDArray[Any]


class Conditioning(Protocol):
    """A linear operator on gathers of shape (n_receivers, samples)."""

    def apply(self, gather: Array) -> Array:
        """C s."""
        ...

    def transpose(self, gather: Array) -> Array:
        """C^T r."""
        ...


@dataclass(frozen=True)
class Comparison:
    """phi of one gather, as a picklable function.

    Parameters
    ----------
    observed : ndarray of shape (n_receivers, samples)
    interval : float
        Sampling interval [s].
    misfit : Misfit
    conditioning : Conditioning, optional
    """

    observed: Array
    interval: float
    misfit: Misfit
    conditioning: Conditioning | None = None

    def __call__(self, synthetic: Array) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        seen, observed = self._conditioned(synthetic), self._conditioned(self.observed)
        value, derivative = self.misfit(seen, observed, self.interval)
        return value, self._back(derivative)

    def scale(self) -> float:
        """What the value is compared with."""
        return self.misfit.scale(self._conditioned(self.observed), self.interval)

    def curvature(self, synthetic: Array, change: Array) -> Array:
        """C^T misfit'' C applied to a change of the synthetic gather.

        Raises
        ------
        ConfigError
            If the misfit does not know its second derivative.
        """
        second = getattr(self.misfit, "curvature", None)
        if second is None:
            raise ConfigError(
                f"second-order optimizers need the curvature of the misfit, which "
                f"{type(self.misfit).__name__} lacks; choose `misfit: least_squares` or an "
                f"optimizer of first order"
            )
        seen, observed = self._conditioned(synthetic), self._conditioned(self.observed)
        found = second(seen, observed, self.interval, self._conditioned(change))
        return self._back(found)

    def _conditioned(self, gather: Array) -> Array:
        return gather if self.conditioning is None else self.conditioning.apply(gather)

    def _back(self, gather: Array) -> Array:
        if self.conditioning is None:
            return gather
        return np.asarray(self.conditioning.transpose(gather))
