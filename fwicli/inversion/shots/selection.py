"""Experiments of an iteration: all shots, a batch of them, or several that fire together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import ConfigError
from fwicli.inversion.comparison import Comparison
from fwicli.inversion.misfits.by_component import ByComponent
from fwicli.inversion.misfits.residuals import LeastSquares
from fwicli.inversion.shots.batches import Batches
from fwicli.inversion.shots.encoding import Code, Encoding
from fwicli.inversion.shots.experiments import Experiment
from fwicli.survey import points, proximity
from fwicli.survey.proximity import Near

Array = NDArray[Any]


RECORDED_APART = (
    "shots can be encoded only where all are recorded over the same times, and these begin or end "
    "at times of their own; leave out `shots: {encode: ...}`, or use batches"
)


@dataclass(frozen=True)
class ShotSelection:
    """Rule for the experiments of each iteration.

    Parameters
    ----------
    shots : sequence of Experiment
        All of the survey.
    batches : Batches, optional
        Rule for the shots of an iteration; by default all.
    encoding : Encoding, optional
        Rule for shots that fire together; by default each fires alone.

    Raises
    ------
    ConfigError
        If shots cannot be encoded, because the misfit of their sum is not that of its terms on
        average.
    """

    shots: Sequence[Experiment]
    batches: Batches | None = None
    encoding: Encoding | None = None

    def __post_init__(self) -> None:
        if self.encoding is None:
            return
        for shot in self.shots:
            compared = shot.comparison
            misfit = compared.misfit
            misfit = misfit.misfit if isinstance(misfit, ByComponent) else misfit
            if type(misfit) is not LeastSquares or compared.prepared:
                raise ConfigError(
                    "shots can be encoded only for `misfit: least_squares` without `conditioning` "
                    "and with a known source: "
                    "no other misfit of a sum of shots is on average that of the shots; leave out "
                    "`shots: {encode: ...}`, or use batches"
                )
            if compared.span is not None:
                raise ConfigError(RECORDED_APART)

    @property
    def changing(self) -> bool:
        """Whether iterations have different experiments."""
        return self.encoding is not None or (
            self.batches is not None and self.batches.size < len(self.shots)
        )

    def select(self, stage: int, iteration: int) -> tuple[Sequence[Experiment], float]:
        """Experiments of an iteration.

        Parameters
        ----------
        stage, iteration : int
            Numbers from 0.

        Returns
        -------
        experiments : sequence of Experiment
        weight : float
            Weight of the misfit of each.
        """
        count, weight = len(self.shots), 1.0
        numbers = np.arange(count)
        if self.batches is not None:
            numbers = self.batches.shots(count, stage, iteration)
            weight = self.batches.weight(count)
        if self.encoding is None:
            return [self.shots[int(shot)] for shot in numbers], weight
        interval = self.shots[0].comparison.interval
        codes = self.encoding.codes(numbers, interval, stage, iteration)
        encoded = [self._encoded(code) for code in codes]
        return encoded, weight / self.encoding.realisations

    def _encoded(self, code: Code) -> Experiment:
        shots = [self.shots[int(shot)] for shot in code.shots]
        comparisons = [shot.comparison.loaded() for shot in shots]
        observed = np.stack([comparison.observed for comparison in comparisons])
        return Experiment(
            points.together([shot.source for shot in shots]),
            code.wavelets(np.concatenate([shot.wavelet for shot in shots])),
            shots[0].receivers,
            replace(comparisons[0], observed=code.records(observed), near=_near(code, comparisons)),
        )


def _near(code: Code, comparisons: Sequence[Comparison]) -> Near | None:
    """N for the sum: next to each of the sources, the wavelet as that source fires is removed."""
    factors = np.ones((len(comparisons[0].observed), 1))
    columns: dict[int, list[Array]] = {}
    for number, comparison in enumerate(comparisons):
        near = comparison.near
        if near is None:
            continue
        factors = factors * near.factors
        bases = np.broadcast_to(near.basis, (len(near.rows), *near.basis.shape[1:]))
        for row, basis in zip(near.rows, bases, strict=True):
            columns.setdefault(int(row), []).append(code.coded(number, basis.T).T)
    if not columns and (factors == 1).all():
        return None
    return proximity.joined(factors, columns)
