"""Comparison of a modelled gather with an observed one: all that lies between the waves and phi.

    phi(s) = misfit(C N y(s), C N d),        dphi/ds = (dy/ds)^T N C^T misfit'(C N y, C N d)

with the synthetic gather s, the observed one d, the conditioning C of both, a linear operator,
N of both, symmetric, which takes out what a grid cannot explain next to the source (see
`survey.proximity`), and
y(s) the synthetic gather with the wavelet that fits best, where the source is estimated; else y = s
(see `source_estimation`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import ConfigError
from fwicli.inversion.misfits.registry import MISFITS, Misfit
from fwicli.inversion.source_estimation import SourceFit
from fwicli.survey.proximity import Near

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
    source : SourceFit, optional
        How the source is estimated. One that shots have in common is fitted outside, with
        `of_fitted` between the parts (see `common_source`).
    near : Near, optional
        N; traces are compared as they are if there is none.
    """

    observed: Array
    interval: float
    misfit: Misfit
    conditioning: Conditioning | None = None
    source: SourceFit | None = None
    near: Near | None = None

    @property
    def prepared(self) -> bool:
        """Whether anything lies between the gathers and the misfit, beside N."""
        return self.conditioning is not None or self.source is not None

    def __call__(self, synthetic: Array) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        if self.source is None:
            return self.of_fitted(synthetic)
        fitted = self.source.fit(synthetic, self.observed, self.interval)
        value, derivative = self.of_fitted(fitted.synthetic)
        return value, fitted.transpose(derivative)

    def estimated(self, synthetic: Array) -> Array:
        """The synthetic gather with the wavelet that fits best."""
        if self.source is None:
            return synthetic
        return self.source.fit(synthetic, self.observed, self.interval).synthetic

    @property
    def amplitudes(self) -> bool:
        """Whether the ratio of synthetic and observed amplitudes counts."""
        if self.source is not None:
            return False
        strongest = np.abs(self.observed).max(axis=1).argmax()
        trace = self.observed[strongest : strongest + 1].astype(np.float64)
        same, louder = (self.misfit(c * trace, trace, self.interval)[0] for c in (1.0, 1.5))
        return bool(abs(louder - same) > 1e-6 * abs(self.misfit.scale(trace, self.interval)))

    def of_fitted(self, synthetic: Array) -> tuple[float, Array]:
        """Value and derivative, for a gather whose source is estimated already."""
        seen, observed = self._conditioned(synthetic), self._conditioned(self.observed)
        value, derivative = self.misfit(seen, observed, self.interval)
        return value, self._back(derivative)

    def scale(self) -> float:
        """What the value is compared with."""
        return self.misfit.scale(self._conditioned(self.observed), self.interval)

    def curvature(self, synthetic: Array, change: Array) -> Array:
        """(dy/ds)^T C^T misfit'' C dy/ds applied to a change of the synthetic gather.

        Raises
        ------
        ConfigError
            If the misfit does not know its second derivative.
        """
        second = getattr(self.misfit, "curvature", None)
        if second is None:
            curved = [name for name, kind in MISFITS.items() if hasattr(kind, "curvature")]
            raise ConfigError(
                f"second-order optimizers need the curvature of the misfit, which "
                f"{type(self.misfit).__name__} lacks; choose an optimizer of first order, or one "
                f"of the misfits {', '.join(curved)}"
            )
        if self.source is None:
            return self._curvature(second, synthetic, change)
        if self.source.common:
            raise ConfigError(
                "second-order optimizers need a source of each shot, not one in common; set "
                "`source: {estimate: shot}`, or choose an optimizer of first order"
            )
        fitted = self.source.fit(synthetic, self.observed, self.interval)
        found = self._curvature(second, fitted.synthetic, fitted.change(change))
        return fitted.transpose(found)

    def _curvature(self, second: Callable[..., Array], synthetic: Array, change: Array) -> Array:
        seen, observed = self._conditioned(synthetic), self._conditioned(self.observed)
        return self._back(second(seen, observed, self.interval, self._conditioned(change)))

    def _conditioned(self, gather: Array) -> Array:
        gather = gather if self.near is None else self.near.apply(gather)
        return gather if self.conditioning is None else self.conditioning.apply(gather)

    def _back(self, gather: Array) -> Array:
        if self.conditioning is not None:
            gather = np.asarray(self.conditioning.transpose(gather))
        return gather if self.near is None else self.near.apply(gather)
