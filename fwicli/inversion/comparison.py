"""Comparison of a modelled gather with an observed one: every step between the waves and phi.

    phi(s) = misfit(C N y(s), C N d),        dphi/ds = (dy/ds)^T N C^T misfit'(C N y, C N d)

with the synthetic gather s, the observed one d and the linear conditioning C. The symmetric N
removes the part of traces next to the source that depends on the grid (see `survey.proximity`).
Where a shot is not recorded from t = 0 to the end, N begins with zeros in place of other samples.
Where the source is estimated, y(s) is the synthetic gather with the best wavelet (see
`source_estimation`); otherwise y = s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import ConfigError
from fwicli.inversion.misfits.by_component import ByComponent
from fwicli.inversion.misfits.misfit import Misfit
from fwicli.inversion.misfits.registry import MISFITS
from fwicli.inversion.source_estimation import SourceFit
from fwicli.survey.components import Component
from fwicli.survey.proximity import Near
from fwicli.survey.signals.spans import within

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
        d [Pa].
    interval : float
        Sampling interval [s].
    misfit : Misfit
    conditioning : Conditioning, optional
        C; the identity by default.
    source : SourceFit, optional
        How the source is estimated; by default it is known. A source that shots have in common is
        fitted outside, with `compare_fitted` between the passes (see `common_source`).
    near : Near, optional
        N; the identity by default.
    span : slice, optional
        Samples that are recorded, and compared; by default all.
    """

    observed: Array
    interval: float
    misfit: Misfit
    conditioning: Conditioning | None = None
    source: SourceFit | None = None
    near: Near | None = None
    span: slice | None = None

    def loaded(self) -> Comparison:
        """The comparison with its data in memory: this one."""
        return self

    def recorded(self, gather: Array) -> Array:
        """A gather with zeros where this shot is not recorded."""
        return within(gather, self.span)

    @property
    def prepared(self) -> bool:
        """Whether gathers are conditioned, or their source estimated, before the misfit."""
        return self.conditioning is not None or self.source is not None

    def __call__(self, synthetic: Array) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        if self.source is None:
            return self.compare_fitted(synthetic)
        fitted = self.source.fit(synthetic, self.observed, self.interval)
        value, derivative = self.compare_fitted(fitted.synthetic)
        return value, fitted.transpose(derivative)

    def estimated(self, synthetic: Array) -> Array:
        """The synthetic gather with the wavelet that fits best."""
        if self.source is None:
            return synthetic
        return self.source.fit(synthetic, self.observed, self.interval).synthetic

    @property
    def depends_on_amplitude(self) -> bool:
        """Whether the value depends on the ratio of synthetic and observed amplitudes."""
        if self.source is not None:
            return False
        strongest = np.abs(self.observed).max(axis=1).argmax()
        trace = self.observed[strongest : strongest + 1].astype(np.float64)
        misfit = self._misfit_of_traces
        same, louder = (misfit(c * trace, trace, self.interval)[0] for c in (1.0, 1.5))
        return bool(abs(louder - same) > 1e-6 * abs(misfit.scale(trace, self.interval)))

    @property
    def _misfit_of_traces(self) -> Misfit:
        """The misfit of traces of one component."""
        return self.misfit.misfit if isinstance(self.misfit, ByComponent) else self.misfit

    def compare_fitted(self, synthetic: Array) -> tuple[float, Array]:
        """Value and derivative, for a gather whose source is estimated already."""
        conditioned, observed = self._conditioned(synthetic), self._conditioned(self.observed)
        value, derivative = self.misfit(conditioned, observed, self.interval)
        return value, self._back(derivative)

    def scale(self) -> float:
        """Value of the misfit for a gather that explains nothing."""
        return self.misfit.scale(self._conditioned(self.observed), self.interval)

    def scales(self) -> dict[Component, float]:
        """The same of each component, without its factor; empty where traces have only one."""
        if not isinstance(self.misfit, ByComponent):
            return {}
        return self.misfit.scales(self._conditioned(self.observed), self.interval)

    def weighted(self, factors: Mapping[Component, float]) -> Comparison:
        """The comparison with other factors of its components."""
        if not isinstance(self.misfit, ByComponent):
            return self
        return replace(self, misfit=self.misfit.weighted(factors))

    def curvature(self, synthetic: Array, change: Array) -> Array:
        """(dy/ds)^T C^T misfit'' C dy/ds applied to a change of the synthetic gather.

        Parameters
        ----------
        synthetic, change : ndarray of shape (n_receivers, samples)
            Gather and its change [Pa].

        Returns
        -------
        product : ndarray of shape (n_receivers, samples)

        Raises
        ------
        ConfigError
            If the misfit has no second derivative, or the source is estimated in common.
        """
        second = getattr(self.misfit, "curvature", None)
        if second is None:
            curved = [name for name, kind in MISFITS.items() if hasattr(kind, "curvature")]
            raise ConfigError(
                f"second-order optimizers need the curvature of the misfit, which "
                f"{type(self._misfit_of_traces).__name__} lacks; choose an optimizer of first "
                f"order, or one of the misfits {', '.join(curved)}"
            )
        if self.source is None:
            return self._curvature(second, synthetic, change)
        if self.source.common:
            raise ConfigError(
                "second-order optimizers need a source of each shot, not one in common; set "
                "`source: {estimate: shot}`, or choose an optimizer of first order"
            )
        fitted = self.source.fit(synthetic, self.observed, self.interval)
        product = self._curvature(second, fitted.synthetic, fitted.change(change))
        return fitted.transpose(product)

    def _curvature(self, second: Callable[..., Array], synthetic: Array, change: Array) -> Array:
        conditioned, observed = self._conditioned(synthetic), self._conditioned(self.observed)
        return self._back(second(conditioned, observed, self.interval, self._conditioned(change)))

    def _conditioned(self, gather: Array) -> Array:
        gather = self.recorded(gather)
        gather = gather if self.near is None else self.near.apply(gather)
        return gather if self.conditioning is None else self.conditioning.apply(gather)

    def _back(self, gather: Array) -> Array:
        if self.conditioning is not None:
            gather = np.asarray(self.conditioning.transpose(gather))
        return self.recorded(gather if self.near is None else self.near.apply(gather))


@dataclass(frozen=True)
class StoredComparison:
    """Comparison with a gather that the worker reads, without its samples.

    Parameters
    ----------
    build : callable
        Reads the gather and sets up the comparison, as that with a gather in memory; picklable.
    interval : float
        Sampling interval [s].
    misfit : Misfit
    norm : float
        Value of the misfit for a gather that explains nothing.
    source : SourceFit, optional
        How the source is estimated, without weights; by default it is known.
    conditioned : bool
        Whether gathers are conditioned before the misfit.
    span : slice, optional
        Samples that are recorded, and compared; by default all.
    sizes : mapping of Component to float
        The same as `norm` of each component, without its factor.
    factors : mapping of Component to float
        Of the components.
    """

    build: Callable[[], Comparison]
    interval: float
    misfit: Misfit
    norm: float
    source: SourceFit | None = None
    conditioned: bool = False
    span: slice | None = None
    sizes: Mapping[Component, float] = field(default_factory=dict)
    factors: Mapping[Component, float] = field(default_factory=dict)

    @classmethod
    def of(cls, build: Callable[[], Comparison], comparison: Comparison) -> StoredComparison:
        """In place of a comparison that a function builds.

        Parameters
        ----------
        build : callable
            Reads the gather and sets up the comparison; picklable.
        comparison : Comparison
            Its result.

        Returns
        -------
        stored : StoredComparison
        """
        fit = comparison.source
        return cls(
            build,
            comparison.interval,
            comparison.misfit,
            comparison.scale(),
            None if fit is None else replace(fit, weights=np.ones((1, 1))),
            comparison.conditioning is not None,
            comparison.span,
            comparison.scales(),
        )

    def loaded(self) -> Comparison:
        """The comparison with its data in memory, read now."""
        return self.build().weighted(self.factors)

    @property
    def prepared(self) -> bool:
        """Whether gathers are conditioned, or their source estimated, before the misfit."""
        return self.conditioned or self.source is not None

    def scale(self) -> float:
        """Value of the misfit for a gather that explains nothing."""
        if not self.sizes:
            return self.norm
        return sum(self.factors.get(c, 1.0) * size for c, size in self.sizes.items())

    def scales(self) -> Mapping[Component, float]:
        """The same of each component, without its factor; empty where traces have only one."""
        return self.sizes

    def weighted(self, factors: Mapping[Component, float]) -> StoredComparison:
        """The comparison with other factors of its components."""
        return replace(self, factors=factors)
